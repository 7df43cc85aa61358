//! Streams of requests to one network, protocol and platform, and their table.

use crate::format::{bytes, percent, seconds};
use crate::tables;
use comfy_table::{Attribute, Cell, CellAlignment};
use pisim_sim::requests::{Policy, RatePoint, Service};
use std::fmt::Write;

/// The results of one service over a sweep of arrival rates: one curve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestSeries {
    /// The network's name.
    pub network: String,
    /// The protocol's name.
    pub protocol: String,
    /// The platform's name.
    pub hardware: String,
    /// When precomputes were made.
    pub policy: Policy,
    /// What one inference takes.
    pub service: Service,
    /// Precomputes that a pair can store; `None` without a limit, zero: every request runs both phases.
    pub slots: Option<u64>,
    /// The results, by arrival rate.
    pub points: Vec<RatePoint>,
}

impl RequestSeries {
    /// What tells it from the other series: the protocol, and whatever else differs among `all`.
    pub(crate) fn label(&self, all: &[Self]) -> String {
        let mut label = self.protocol.clone();
        for (name, differs) in [
            (&self.network, all.iter().any(|other| other.network != self.network)),
            (&self.hardware, all.iter().any(|other| other.hardware != self.hardware)),
            (&self.policy.to_string(), all.iter().any(|other| other.policy != self.policy)),
        ] {
            if differs {
                label = format!("{label}, {name}");
            }
        }
        label
    }
}

/// A table of every series by arrival rate, below a line about its service; the first rate at which the queue grows without
/// bound is marked as the knee (modelled).
pub fn table(series: &[RequestSeries]) -> String {
    let mut text = String::new();
    for one in series {
        let service = &one.service;
        let capacity = one.points.first().map_or(0.0, |point| point.capacity_per_s);
        let stored = match one.slots {
            Some(0) => "the client cannot store a precompute: every request runs both phases".to_owned(),
            Some(count) => format!("{count} of them can be stored"),
            None => "any number of them can be stored".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} under {} on {}, policy {} (modelled)\n\
             Precompute {} ({} at the client, {} at the server; {stored}), online {}.\n\
             Capacity {} requests per second, {} per hour.\n{}",
            one.network,
            one.protocol,
            one.hardware,
            one.policy,
            seconds(service.offline_s),
            bytes(service.client_bytes),
            bytes(service.server_bytes),
            seconds(service.online_s),
            significant(capacity),
            significant(3600.0 * capacity),
            rows(&one.points),
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn rows(points: &[RatePoint]) -> String {
    let header = [
        "rate/s",
        "per hour",
        "mean",
        "median",
        "95 %",
        "99 %",
        "in queue",
        "arrival to answer",
        "served",
        "unserved",
        "stored",
        "occupied",
        "",
    ];
    let mut table = tables::table(&header, 0);
    let knee = points.iter().position(|point| point.rate_per_s >= point.capacity_per_s);
    for (position, point) in points.iter().enumerate() {
        let time = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), seconds);
        let cells = [
            significant(point.rate_per_s),
            significant(3600.0 * point.rate_per_s),
            time(point.mean_s),
            time(point.median_s),
            time(point.p95_s),
            time(point.p99_s),
            time(point.queue_mean_s),
            time(point.latency_mean_s),
            format!("{:.1}", point.served),
            format!("{:.1}", point.unserved),
            bytes(point.client_storage_mean_bytes as u64),
            percent(point.utilization),
            (if knee == Some(position) { "◀ knee" } else { "" }).to_owned(),
        ];
        let bold = |text: String| Cell::new(text).add_attribute(Attribute::Bold);
        match knee {
            Some(knee) if knee == position => table.add_row(cells.map(bold)),
            _ => table.add_row(cells),
        };
    }
    if let Some(last) = table.column_mut(header.len() - 1) {
        last.set_cell_alignment(CellAlignment::Left);
    }
    format!(
        "{table}\nmean to 99 %: from leaving the queue to the answer; served, unserved: per run; stored: at a client, mean over time"
    )
}

/// Three significant digits without an exponent, as far as that can be read.
fn significant(value: f64) -> String {
    if !(value.is_finite() && value > 0.0) {
        return "0".to_owned();
    }
    match 2 - value.log10().floor() as i32 {
        decimals if decimals > 8 => format!("{value:.2e}"),
        decimals => format!("{value:.*}", decimals.max(0) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{self, Columns};
    use crate::tests::well_formed;
    use pisim_sim::requests::{Load, RequestConfig, simulate_requests};

    fn series(protocol: &str, online_s: f64, rates_per_s: Vec<f64>) -> RequestSeries {
        let service =
            Service { offline_s: 100.0, online_s, client_bytes: 1 << 30, server_bytes: 1 << 28, units: vec![] };
        let load = Load::Poisson { rates_per_s, runs: 3, seed: 1 };
        let config = RequestConfig { load, ..RequestConfig::default() };
        let points = simulate_requests(&service, &config, &|| ()).unwrap();
        RequestSeries {
            network: "resnet18".into(),
            protocol: protocol.into(),
            hardware: "epyc7502-atom".into(),
            service,
            slots: Some(59),
            points,
            ..RequestSeries::default()
        }
    }

    fn two() -> Vec<RequestSeries> {
        let rates: Vec<f64> = (1..=8).map(|i| f64::from(i) * 0.002).collect();
        vec![series("delphi", 60.0, rates.clone()), series("delphi-client", 20.0, rates)]
    }

    #[test]
    fn the_figure_has_a_curve_for_every_protocol_and_says_what_it_shows() {
        let figure = figures::requests(&two(), Columns::Two);
        assert_eq!(figure.text_faults(), Vec::<String>::new());
        let texts = well_formed(&figure.svg().unwrap());
        for word in ["Arrival rate (requests per hour)", "Time (s, log scale)", "delphi-client", "95 %", "capacity"] {
            assert!(texts.iter().any(|text| text == word), "no {word}: {texts:?}");
        }
        assert_eq!(figure.data.rows.len(), 16);
        let mean = |protocol: &str| figure.data.sum("mean_s", |row| row[1] == protocol);
        let expected: f64 = two()[1].points.iter().filter_map(|point| point.mean_s).sum();
        assert!((mean("delphi-client") - expected).abs() < 1e-9);
        figure.png().unwrap();
    }

    #[test]
    fn any_series_can_be_drawn() {
        let mut undefined = two();
        undefined[0].points[3] = RatePoint { rate_per_s: 0.008, ..RatePoint::default() };
        undefined[1].points[0].mean_s = Some(f64::NAN);
        let mut unserved = two();
        unserved.iter_mut().flat_map(|one| &mut one.points).for_each(|point| {
            *point = RatePoint { rate_per_s: 1e-9, ..RatePoint::default() };
        });
        let long = "a-protocol-with-a-name-that-nobody-would-print-".repeat(4);
        let many: Vec<_> = (0..9).map(|i| series(&format!("{long}{i}"), 1.0 + f64::from(i), vec![0.5, 70.0])).collect();
        let single = vec![series("one", 60.0, vec![0.001])];
        for all in [Vec::new(), undefined, unserved, many, single] {
            for columns in [Columns::One, Columns::Two] {
                let figure = figures::requests(&all, columns);
                assert_eq!(figure.text_faults(), Vec::<String>::new());
                well_formed(&figure.svg().unwrap());
            }
            table(&all);
        }
    }

    #[test]
    fn the_table_marks_the_first_rate_beyond_the_capacity() {
        let text = table(&two());
        let marked: Vec<&str> = text.lines().filter(|line| line.contains("knee")).collect();
        // The capacity is 1 / 101 s = 0.0099 requests per second.
        assert!(
            marked.len() == 2 && marked.iter().all(|line| line.contains("0.0100") && line.contains("36.0")),
            "{text}"
        );
        assert!(text.contains("Capacity 0.00990 requests per second, 35.6 per hour"), "{text}");
    }
}
