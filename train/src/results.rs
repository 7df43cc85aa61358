//! Outcomes as tables: every training as a row of a file, every network as a row for readers.

use crate::experiment::Outcome;
use crate::family::Method;
use comfy_table::{Cell as Shown, CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use pisim_reports::format::{bytes, exact, percent, seconds};
use pisim_reports::results::{Cell, Column, Frame, FrameError, Kind};

/// The columns of the table of all trainings. Names are public: they are added to and never changed.
const COLUMNS: [(&str, Kind); 20] = [
    ("method", Kind::Text),
    ("steps", Kind::Text),
    ("seed", Kind::Integer),
    ("epochs", Kind::Integer),
    ("params", Kind::Integer),
    ("macs", Kind::Integer),
    ("relus", Kind::Integer),
    ("test_images", Kind::Integer),
    ("float_right", Kind::Integer),
    ("integer_right", Kind::Integer),
    ("accuracy_float", Kind::Number),
    ("accuracy_integer", Kind::Number),
    ("ring_proven", Kind::Flag),
    ("latency_setup_s", Kind::Number),
    ("latency_offline_s", Kind::Number),
    ("latency_online_s", Kind::Number),
    ("online_and_offline_bytes", Kind::Integer),
    ("network", Kind::Text),
    ("protocol", Kind::Text),
    ("hardware", Kind::Text),
];

/// What all rows have in common.
#[derive(Debug, Clone, Copy)]
pub struct Common<'a> {
    /// The base network's name.
    pub network: &'a str,
    /// The protocol's name.
    pub protocol: &'a str,
    /// The platform's name.
    pub hardware: &'a str,
}

/// Every training as a row.
///
/// # Errors
/// None: the columns hold what the rows have.
pub fn frame(outcomes: &[Outcome], common: Common<'_>) -> Result<Frame, FrameError> {
    let mut columns: Vec<(String, Column)> =
        COLUMNS.iter().map(|(name, kind)| ((*name).to_owned(), Column::empty(*kind))).collect();
    let whole = |value: u64| Cell::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    for outcome in outcomes {
        let measured = &outcome.measured;
        let cells = [
            Cell::Text(outcome.method.name()),
            Cell::Text(&outcome.steps),
            whole(outcome.seed),
            whole(outcome.epochs as u64),
            whole(measured.counts.params),
            whole(measured.counts.macs),
            whole(measured.counts.relus),
            whole(measured.pictures),
            whole(measured.float_right),
            whole(measured.integer_right),
            Cell::Number(measured.float_accuracy()),
            Cell::Number(measured.accuracy()),
            Cell::Flag(measured.proven),
            Cell::Number(measured.latency_s.setup),
            Cell::Number(measured.latency_s.offline),
            Cell::Number(measured.latency_s.online),
            whole(measured.bytes),
            Cell::Text(common.network),
            Cell::Text(common.protocol),
            Cell::Text(common.hardware),
        ];
        for ((name, column), cell) in columns.iter_mut().zip(cells) {
            let expected = column.kind();
            column.push(cell).map_err(|found| FrameError::Kind { name: name.clone(), found, expected })?;
        }
    }
    Frame::new(columns)
}

/// One network, with all seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// How it was made.
    pub method: Method,
    /// What was done to the base.
    pub steps: String,
    /// ReLUs.
    pub relus: u64,
    /// MACs.
    pub macs: u64,
    /// Share of right integer answers of every seed.
    pub accuracies: Vec<f64>,
    /// Mean share of right answers in floating point.
    pub float_mean: f64,
    /// Mean seconds of the offline and of the online phase.
    pub latency_s: [f64; 2],
    /// Mean bytes of one inference.
    pub bytes: f64,
}

impl Row {
    /// Mean, least and largest accuracy in integers.
    pub fn spread(&self) -> [f64; 3] {
        let least = self.accuracies.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        [mean(self.accuracies.iter().copied()), least, most]
    }

    /// Mean seconds of one inference of a client that has been set up before.
    pub fn inference_s(&self) -> f64 {
        self.latency_s.iter().sum()
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// The networks, by method and falling ReLUs: outcomes of one method with equally many ReLUs are one network.
pub fn rows(outcomes: &[Outcome]) -> Vec<Row> {
    let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
    let key = |outcome: &&Outcome| (outcome.method, std::cmp::Reverse(outcome.measured.counts.relus));
    sorted.sort_by_key(key);
    let groups = sorted.chunk_by(|a, b| key(a) == key(b));
    groups.filter_map(row).collect()
}

fn row(group: &[&Outcome]) -> Option<Row> {
    let first = group.first()?;
    let mean_of = |value: fn(&Outcome) -> f64| mean(group.iter().map(|outcome| value(outcome)));
    Some(Row {
        method: first.method,
        steps: first.steps.clone(),
        relus: first.measured.counts.relus,
        macs: first.measured.counts.macs,
        accuracies: group.iter().map(|outcome| outcome.measured.accuracy()).collect(),
        float_mean: mean_of(|outcome| outcome.measured.float_accuracy()),
        latency_s: [
            mean_of(|outcome| outcome.measured.latency_s.offline),
            mean_of(|outcome| outcome.measured.latency_s.online),
        ],
        bytes: mean_of(|outcome| outcome.measured.bytes as f64),
    })
}

/// The networks as a table of numbers.
///
/// # Errors
/// None: the columns are of equal length.
pub fn summary(rows: &[Row]) -> Result<Frame, FrameError> {
    let text = |value: fn(&Row) -> &str| Column::Text(rows.iter().map(|row| Some(value(row))).collect());
    let whole =
        |value: fn(&Row) -> u64| Column::Integer(rows.iter().map(|row| i64::try_from(value(row)).ok()).collect());
    let number = |value: fn(&Row) -> f64| Column::Number(rows.iter().map(value).collect());
    let columns = [
        ("method", text(|row| row.method.name())),
        ("steps", text(|row| &row.steps)),
        ("relus", whole(|row| row.relus)),
        ("macs", whole(|row| row.macs)),
        ("seeds", whole(|row| row.accuracies.len() as u64)),
        ("accuracy_float_mean", number(|row| row.float_mean)),
        ("accuracy_integer_mean", number(|row| row.spread()[0])),
        ("accuracy_integer_low", number(|row| row.spread()[1])),
        ("accuracy_integer_high", number(|row| row.spread()[2])),
        ("latency_offline_s", number(|row| row.latency_s[0])),
        ("latency_online_s", number(|row| row.latency_s[1])),
        ("online_and_offline_bytes", number(|row| row.bytes)),
    ];
    Frame::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect())
}

/// The header of the table for readers; the first two columns are names.
pub const HEADER: [&str; 9] =
    ["method", "steps", "ReLUs", "MACs", "float", "integer", "spread", "offline + online", "bytes"];

/// Cells of the table for readers.
pub fn cells(row: &Row) -> [String; 9] {
    let [mean, least, most] = row.spread();
    [
        row.method.name().to_owned(),
        row.steps.clone(),
        exact(row.relus),
        exact(row.macs),
        percent(row.float_mean),
        percent(mean),
        format!("{:.1}–{:.1} %", 100.0 * least, 100.0 * most),
        seconds(row.inference_s()),
        bytes(row.bytes as u64),
    ]
}

/// The table for a terminal.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(HEADER.map(|name| Shown::new(name).add_attribute(comfy_table::Attribute::Bold)));
    table.add_rows(rows.iter().map(cells));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
