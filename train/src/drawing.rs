//! The figures: accuracy against ReLUs and against simulated latency, and published accuracies of another data set.

use crate::family::Method;
use crate::results::Row;
use pisim_reports::figures::{Accuracy, AccuracyCurve, AccuracyPoint, Columns, Figure, Origin, accuracy};
use pisim_reports::format::Quantity;

/// Published accuracies on CIFAR-100.
const PUBLISHED: &str = include_str!("../../tests/data/published/cifar100_accuracy.csv");

/// What captions say of an experiment.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The base network.
    pub network: String,
    /// The protocol.
    pub protocol: String,
    /// The platform.
    pub hardware: String,
    /// What the pictures are.
    pub data: String,
    /// Test pictures.
    pub pictures: usize,
    /// Number of seeds.
    pub seeds: u64,
    /// Whether the full network taught all others.
    pub distilled: bool,
}

impl Setting {
    fn caption(&self) -> String {
        let spread = match self.seeds {
            1 => "one seed".to_owned(),
            seeds => format!("mean of {seeds} seeds, bars from the least to the largest"),
        };
        let taught = if self.distilled { ", all but the full network taught by it" } else { "" };
        format!(
            "{}, measured accuracy of {} in integers, which are the answers of private inference, on {} \
             test pictures; {spread}{taught}. Points of different methods are drawn a little beside each other.",
            self.data, self.network, self.pictures
        )
    }
}

/// Accuracy against ReLUs and against latency.
pub fn figures(rows: &[Row], setting: &Setting, columns: Columns) -> Vec<Figure> {
    let measured = |name: &str, title: &str, across: &str, quantity, origin, more: &str, x: fn(&Row) -> f64| Accuracy {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!("{}{more}", setting.caption()),
        origin,
        across: across.to_owned(),
        quantity,
        up: format!("Test accuracy, {}", setting.data),
        curves: curves(rows, x),
        level: level(rows, x),
    };
    let latency = format!(
        " Latency of the offline and the online phase together, modelled for {} on {}; networks without ReLUs still rescale.",
        setting.protocol, setting.hardware
    );
    let against_relus =
        measured("accuracy-relus", "Accuracy against ReLUs", "ReLUs", Quantity::Count, Origin::Measured, "", |row| {
            row.relus as f64
        });
    let title = format!("Latency of one inference on {}, modelled", setting.hardware);
    let against_latency = measured(
        "accuracy-latency",
        "Accuracy against simulated latency",
        &title,
        Quantity::Seconds,
        Origin::Modelled,
        &latency,
        Row::inference_s,
    );
    [against_relus, against_latency].iter().map(|one| accuracy(one, columns)).collect()
}

/// A curve for every method; the full network is where all of them start.
fn curves(rows: &[Row], x: fn(&Row) -> f64) -> Vec<AccuracyCurve> {
    let of = |method: Method| {
        let own = rows.iter().filter(move |row| row.method == method);
        let points: Vec<AccuracyPoint> = own
            .map(|row| {
                let [mean, low, high] = row.spread();
                AccuracyPoint { x: x(row), mean, low, high }
            })
            .collect();
        AccuracyCurve { name: method.name().to_owned(), points, start: method == Method::Full }
    };
    Method::ALL.into_iter().map(of).filter(|curve| !curve.points.is_empty()).collect()
}

/// The accuracy without any ReLU, where the axis has no place for it.
fn level(rows: &[Row], x: fn(&Row) -> f64) -> Option<(String, f64)> {
    let none = rows.iter().find(|row| row.relus == 0 && x(row) <= 0.0)?;
    Some(("without ReLUs".to_owned(), none.spread()[0]))
}

/// Accuracies that the papers report, of their networks on CIFAR-100.
///
/// # Errors
/// None: the file belongs to the project (tested).
pub fn published(columns: Columns) -> Result<Figure, csv::Error> {
    let mut curves: Vec<AccuracyCurve> = Vec::new();
    for record in csv::Reader::from_reader(PUBLISHED.as_bytes()).deserialize() {
        let (method, _, kilo_relus, percent, _): (String, String, f64, f64, bool) = record?;
        let share = percent / 100.0;
        let point = AccuracyPoint { x: 1e3 * kilo_relus, mean: share, low: share, high: share };
        match curves.iter_mut().find(|curve| curve.name == method) {
            Some(curve) => curve.points.push(point),
            None => curves.push(AccuracyCurve { name: method, points: vec![point], start: false }),
        }
    }
    let all = Accuracy {
        name: "published-cifar100".to_owned(),
        title: "Published: accuracy against ReLUs on CIFAR-100".to_owned(),
        caption: "CIFAR-100, as reported by others and not computed here: DeepReDuce (Jha et al., ICML 2021) on ResNet-18; \
                  SNL (Cho et al., ICML 2022) on ResNet-18 below about 100,000 ReLUs and WRN-22-8 above; Sphynx (Cho et \
                  al., 2022) on its own cells. Numbers checked against Figure 3 of SNL. Another data set and larger networks: \
                  compare shapes, not heights."
            .to_owned(),
        origin: Origin::Published,
        across: "ReLUs, CIFAR-100, published".to_owned(),
        quantity: Quantity::Count,
        up: "Top-1 accuracy".to_owned(),
        curves,
        level: None,
    };
    Ok(accuracy(&all, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_accuracies_have_all_methods_and_their_source() {
        let figure = published(Columns::Two).unwrap();
        assert_eq!(figure.data.rows.len(), PUBLISHED.lines().count() - 1);
        assert_eq!(figure.origin, Origin::Published);
        assert_eq!(figure.text_faults(), Vec::<String>::new());
        assert!(figure.caption.contains("SNL") && figure.title.contains("CIFAR-100"));
        assert!((figure.data.sum("x", |row| row[0] == "DeepReDuce") - 688_200.0).abs() < 1e-6);
    }

    fn row(method: Method, relus: u64, accuracies: &[f64]) -> Row {
        Row {
            method,
            steps: String::new(),
            relus,
            macs: 1,
            accuracies: accuracies.to_vec(),
            float_mean: 0.9,
            latency_s: [0.2, 0.05],
            bytes: 1e6,
        }
    }

    #[test]
    fn a_network_without_relus_is_a_level_of_one_figure_and_a_point_of_the_other() {
        let rows = [
            row(Method::Full, 1584, &[0.99, 0.98]),
            row(Method::Culled, 576, &[0.97]),
            row(Method::Culled, 0, &[0.95]),
        ];
        let setting = Setting {
            network: "net".into(),
            protocol: "ring-gc".into(),
            hardware: "cpu-lan".into(),
            data: "8x8 digits".into(),
            pictures: 360,
            seeds: 2,
            distilled: true,
        };
        let figures = figures(&rows, &setting, Columns::Two);
        let [relus, latency] = figures.as_slice() else { panic!("two figures") };
        assert_eq!((relus.data.rows.len(), latency.data.rows.len()), (4, 3));
        assert!(relus.data.rows.iter().any(|row| row[0] == "without ReLUs"));
        for figure in &figures {
            assert_eq!(figure.text_faults(), Vec::<String>::new());
            assert!(figure.caption.contains("8x8 digits, measured accuracy"), "{}", figure.caption);
        }
        assert!(latency.caption.contains("modelled for ring-gc on cpu-lan"));
    }
}
