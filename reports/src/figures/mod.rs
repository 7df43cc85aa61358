//! The figures: each is a layout, a caption and exactly the data that it draws.

mod accuracy;
mod activity;
mod agreement;
mod answers;
mod bars;
mod breakdown;
mod callout;
mod cells;
mod compare;
mod energy;
mod explore;
mod heat;
mod latency;
mod layers;
mod lines;
mod pareto;
mod phases;
mod published;
mod requests;
mod roofline;
mod schedule;
mod timeline;

pub use accuracy::{Accuracy, AccuracyCurve, AccuracyPoint, accuracy};
pub use activity::{Category, Shares, WAITING, attribute, attribute_to_units, energy_by_category};
pub use agreement::agreement;
pub use answers::answers;
pub use bars::{BarRow, Bars, Kind, bars};
pub use compare::{Compared, compared, removals, sensitivity};
pub use energy::{energy, energy_by_unit};
pub use explore::{MEMORIES_PER_FIGURE, explore};
pub use heat::{HeatCell, HeatMap, heat};
pub use latency::{latency, latency_by_unit};
pub use layers::{LAYER_COLUMNS, layer_cells, layers};
pub use lines::{Base, Lines, Series, lines};
pub use pareto::{Objective, Scatter, pareto};
pub use phases::phases;
pub use published::{published_latency, published_layers, published_storage};
pub use requests::requests;
pub use roofline::roofline;
pub use schedule::{NETWORKS_PER_FIGURE, schedule};
pub use timeline::timeline;

pub use crate::draw::style::Columns;

use crate::draw::pdf;
use crate::draw::render::{self, DrawError};
use crate::draw::scene::Scene;
use pisim_sim::Simulation;

/// The data behind a figure or a table, as written to CSV: columns with units in their names, and rows of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Data {
    /// Column names.
    pub header: Vec<&'static str>,
    /// Rows, as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Data {
    /// An empty table with these columns.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// As CSV with a header line.
    ///
    /// # Errors
    /// If the writer refuses, which for rows of equal length it does not.
    pub fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header)?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }

    /// The sum of a numeric column over the rows that `keep` takes; cells that are not numbers count as zero.
    pub fn sum(&self, column: &str, keep: impl Fn(&[String]) -> bool) -> f64 {
        let Some(index) = self.header.iter().position(|name| *name == column) else { return 0.0 };
        self.rows.iter().filter(|row| keep(row)).filter_map(|row| row.get(index)?.parse::<f64>().ok()).sum()
    }
}

/// How the numbers of a figure or a table were obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Computed by the simulator from a model of the hardware.
    Modelled,
    /// Taken from a clock during a real run.
    Measured,
    /// Counted exactly from the network or the program.
    Counted,
    /// Reported by others; the caption says where.
    Published,
}

impl Origin {
    /// The word that readers see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Modelled => "modelled",
            Self::Measured => "measured",
            Self::Counted => "counted",
            Self::Published => "published",
        }
    }
}

/// One figure, laid out and ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// File name without an extension.
    pub name: String,
    /// A line that says what it shows.
    pub title: String,
    /// What a reader of a paper needs to know besides: definitions and scales.
    pub caption: String,
    /// Where its numbers come from.
    pub origin: Origin,
    /// The layout.
    pub(crate) scene: Scene,
    /// Exactly the data that it draws.
    pub data: Data,
}

impl Figure {
    /// As a stand-alone SVG document.
    ///
    /// # Errors
    /// If plotters cannot draw it.
    pub fn svg(&self) -> Result<String, DrawError> {
        render::svg(&self.scene, &self.title)
    }

    /// What makes it hard to read: texts that cover each other or leave the page. Empty for a good figure.
    pub fn text_faults(&self) -> Vec<String> {
        self.scene.text_faults()
    }

    /// As a PNG at 300 dots per inch.
    ///
    /// # Errors
    /// If plotters cannot draw it or the encoder fails.
    pub fn png(&self) -> Result<Vec<u8>, DrawError> {
        render::png(&self.scene)
    }

    /// As a PDF of one page with the letters that it uses.
    ///
    /// # Errors
    /// If the bundled font cannot be read.
    pub fn pdf(&self) -> Result<Vec<u8>, DrawError> {
        pdf::pdf(&self.scene, &self.title)
    }
}

/// A simulation's platform as a reader should see it, with the protocol where several protocols are compared.
pub(crate) fn platform_label(simulation: &Simulation, all: &[Simulation]) -> String {
    if all.iter().any(|other| other.protocol != simulation.protocol) {
        format!("{}, {}", simulation.hardware, simulation.protocol)
    } else {
        simulation.hardware.clone()
    }
}

/// The three phases of a quantity with their names, in order.
pub(crate) fn by_phase(values: &pisim_sim::ByPhase) -> [(&'static str, f64); 3] {
    [("setup", sane(values.setup)), ("offline", sane(values.offline)), ("online", sane(values.online))]
}

/// Zero for what cannot be drawn: negative, infinite and undefined values.
pub(crate) fn sane(value: f64) -> f64 {
    if value.is_finite() && value > 0.0 { value } else { 0.0 }
}

/// A file name part from any name: letters, digits, `.`, `-` and `_`.
pub(crate) fn slug(name: &str) -> String {
    let mut slug: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    slug.truncate(80);
    if slug.is_empty() { "unnamed".to_owned() } else { slug }
}
