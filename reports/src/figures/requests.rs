//! Latency against arrival rate: inference time, and the time from arrival to the answer.

use super::breakdown::empty;
use super::{Data, Figure, Origin};
use crate::draw::axis::Axis;
use crate::draw::curve::{Dash, Entry, Marker, curve, legend, look};
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{Columns, FAINT_INK, INK, LABEL_PT, TITLE_PT, inches, points};
use crate::draw::{font, frame};
use crate::format::Quantity;
use crate::requests::RequestSeries;
use pisim_sim::requests::RatePoint;
use plotters::style::RGBColor;

/// A time of a rate, absent when nothing was served.
type Time = fn(&RatePoint) -> Option<f64>;

/// The panels: title, mean and 95 % quantile.
const PANELS: [(&str, Time, Time); 2] = [
    ("(a) Inference, without the queue", |point| point.mean_s, |point| point.p95_s),
    ("(b) From arrival to answer", |point| point.latency_mean_s, |point| point.latency_p95_s),
];

/// Mean and 95 % latency of every series by arrival rate; dotted lines are the capacities.
pub fn requests(series: &[RequestSeries], columns: Columns) -> Figure {
    let mut data = Data::new(&[
        "network",
        "protocol",
        "hardware",
        "policy",
        "rate_per_s",
        "mean_s",
        "p95_s",
        "latency_mean_s",
        "latency_p95_s",
        "capacity_per_s",
    ]);
    for (one, point) in series.iter().flat_map(|one| one.points.iter().map(move |point| (one, point))) {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        data.push([
            one.network.clone(),
            one.protocol.clone(),
            one.hardware.clone(),
            one.policy.to_string(),
            point.rate_per_s.to_string(),
            number(point.mean_s),
            number(point.p95_s),
            number(point.latency_mean_s),
            number(point.latency_p95_s),
            point.capacity_per_s.to_string(),
        ]);
    }
    Figure {
        name: "requests".to_owned(),
        title: "Latency against arrival rate".to_owned(),
        caption: "(a) From leaving the queue to the answer, waiting for a precompute included. (b) From arrival to the answer, of \
                  the requests that were answered. Solid: mean; dashed: 95 % quantile; dotted: the rate that can be served for ever."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(series, columns),
        data,
    }
}

/// The unit in which arrival rates are read best: requests per second, minute or hour, and how many of it one per second is.
fn rate_unit(max_per_s: f64) -> (&'static str, f64) {
    if max_per_s >= 1.0 {
        ("requests per second", 1.0)
    } else if max_per_s * 60.0 >= 2.0 {
        ("requests per minute", 60.0)
    } else {
        ("requests per hour", 3600.0)
    }
}

fn scene(series: &[RequestSeries], columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let all = || series.iter().flat_map(|one| &one.points);
    let max_per_s = all().map(|point| point.rate_per_s).filter(|rate| rate.is_finite()).fold(0.0, f64::max);
    if max_per_s <= 0.0 {
        return empty(scene, "no requests");
    }
    let (unit, per_s) = rate_unit(max_per_s);
    let x_axis = Axis::linear(Quantity::Plain, max_per_s * per_s, 6);
    // Waiting in the queue takes other scales of time than an inference does.
    let y_axes = PANELS.map(|(_, mean, p95)| {
        Axis::log(Quantity::Seconds, all().flat_map(|point| [mean(point), p95(point)]).flatten())
    });
    // Times have labels of very different lengths.
    let ticks = y_axes.iter().flat_map(|axis| axis.ticks(50));
    let labels = ticks.map(|tick| font::width(&tick.label, LABEL_PT)).max().unwrap_or(0) + points(6.5);
    let margin = points(3.0);
    let x0 = margin + points(TITLE_PT) + labels;
    let gap = x0 + points(4.0);
    // Side by side, or in one column below each other.
    let stacked = columns == Columns::One;
    let right = scene.width - points(6.0);
    let width = if stacked { right - x0 } else { (right - x0 - gap) / 2 };
    let mut top =
        legend(&mut scene, (if stacked { margin } else { x0 }, right), margin, &entries(series)) + points(13.0);
    let mut bottom = top;
    for (number, ((title, mean, p95), y_axis)) in PANELS.iter().zip(&y_axes).enumerate() {
        let left = if stacked { x0 } else { x0 + number as i32 * (width + gap) };
        let area = Area { x0: left, y0: top, x1: left + width, y1: top + inches(2.0) };
        scene.text(((area.x0 + area.x1) / 2, top - points(4.0)), *title, TITLE_PT, Anchor::Middle, INK);
        frame::value_axis_left(&mut scene, area, y_axis, None);
        let title_at = (area.x0 - labels - points(1.5), (area.y0 + area.y1) / 2);
        scene.text_up(title_at, y_axis.title("Time"), TITLE_PT, Anchor::Middle, INK);
        bottom = frame::value_axis_below(&mut scene, area, &x_axis, &format!("Arrival rate ({unit})"));
        if stacked {
            top = bottom + points(14.0);
        }
        let panel = Panel { area, x_axis, y_axis: *y_axis, per_s, max_per_s };
        series.iter().enumerate().for_each(|(index, one)| panel.draw(&mut scene, one, look(index), (*mean, *p95)));
    }
    scene.height = bottom + margin;
    scene
}

/// One panel's place and axes.
struct Panel {
    area: Area,
    x_axis: Axis,
    y_axis: Axis,
    /// How many of the axis' unit one request per second is.
    per_s: f64,
    /// The highest rate that is drawn.
    max_per_s: f64,
}

impl Panel {
    fn x(&self, rate_per_s: f64) -> i32 {
        self.area.x0 + frame::along(self.x_axis.position(rate_per_s * self.per_s), self.area.x1 - self.area.x0)
    }

    /// Where a time is drawn; nowhere if there is none.
    fn place(&self, point: &RatePoint, time: Time) -> Option<(i32, i32)> {
        let seconds = time(point).filter(|seconds| seconds.is_finite())?;
        let height = frame::along(self.y_axis.position(seconds), self.area.y1 - self.area.y0);
        Some((self.x(point.rate_per_s), self.area.y1 - height))
    }

    /// Draws a series' curves, mean over 95 % quantile, and its capacity.
    fn draw(&self, scene: &mut Scene, series: &RequestSeries, look: (RGBColor, Marker), (mean, p95): (Time, Time)) {
        let (color, marker) = look;
        let capacity = series.points.first().map_or(0.0, |point| point.capacity_per_s);
        if capacity > 0.0 && capacity <= self.max_per_s {
            let x = self.x(capacity);
            curve(scene, &[(x, self.area.y0), (x, self.area.y1)], color, Dash::Dotted);
        }
        for (time, dash) in [(p95, Dash::Dashed), (mean, Dash::Solid)] {
            let places: Vec<_> = series.points.iter().map(|point| self.place(point, time)).collect();
            for run in places.split(Option::is_none) {
                let run: Vec<(i32, i32)> = run.iter().flatten().copied().collect();
                curve(scene, &run, color, dash);
                run.iter().for_each(|place| marker.draw(scene, *place, color));
            }
        }
    }
}

fn entries(series: &[RequestSeries]) -> Vec<Entry> {
    let named = series.iter().enumerate().map(|(index, one)| {
        let (color, marker) = look(index);
        Entry { name: one.label(series), color, dash: Dash::Solid, marker: Some(marker) }
    });
    let plain = |name: &str, dash| Entry { name: name.to_owned(), color: FAINT_INK, dash, marker: None };
    let styles = [plain("mean", Dash::Solid), plain("95 %", Dash::Dashed), plain("capacity", Dash::Dotted)];
    named.chain(styles).collect()
}
