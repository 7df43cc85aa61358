//! The report: everything that one experiment showed, and the folder that it is written to.

use crate::figures::{self, Columns, Data, Figure, Origin};
use crate::output::Staging;
use crate::{AccuracySummary, DrawError, VerificationSummary, html};
use pisim_netgen::Schedule;
use pisim_sim::Simulation;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a report could not be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A file or folder could not be written.
    #[error("cannot write the report to {}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A figure could not be drawn.
    #[error("cannot draw figure {name}: {source}")]
    Draw {
        /// Which one.
        name: String,
        /// Why.
        source: DrawError,
    },
    /// A table could not be written as CSV.
    #[error("cannot write CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The report could not be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ReportError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Everything that one experiment showed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What the experiment is.
    pub title: String,
    /// The command line that made it.
    pub command: String,
    /// The version of pisim.
    pub version: String,
    /// The seed of weights, input and masks.
    pub seed: u64,
    /// Networks with their schedules (counted).
    pub networks: Vec<Schedule>,
    /// Simulations (modelled).
    pub simulations: Vec<Simulation>,
    /// The verified private run (measured), if there was one.
    pub verification: Option<VerificationSummary>,
    /// Trained networks on labelled inputs (measured), if there were any.
    pub accuracy: Vec<AccuracySummary>,
    /// Assumptions and remarks for readers.
    pub notes: Vec<String>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The report for people.
    pub index: PathBuf,
    /// Every file, the report for people included.
    pub files: Vec<PathBuf>,
}

/// `report.json`: the report with a list of its figures.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    report: &'a Report,
    figures: Vec<FigureEntry<'a>>,
}

#[derive(Serialize)]
struct FigureEntry<'a> {
    name: &'a str,
    title: &'a str,
    caption: &'a str,
    origin: Origin,
}

impl Report {
    /// All figures of the report, with file names that differ.
    pub fn figures(&self) -> Vec<Figure> {
        let columns = Columns::Two;
        let mut figures = Vec::new();
        if !self.simulations.is_empty() {
            figures.extend([
                figures::phases(&self.simulations),
                figures::latency(&self.simulations, columns),
                figures::energy(&self.simulations, columns),
                figures::energy_by_unit(&self.simulations, columns),
            ]);
        }
        for networks in self.networks.chunks(figures::NETWORKS_PER_FIGURE) {
            figures.push(figures::schedule(networks, columns));
        }
        for simulation in &self.simulations {
            figures.extend([figures::layers(simulation, columns), figures::timeline(simulation, columns)]);
        }
        figures.extend(self.accuracy.iter().map(figures::answers));
        let mut taken = BTreeSet::new();
        for figure in &mut figures {
            // File systems that ignore case must not lose a figure either.
            let mut name = figure.name.clone();
            let mut copy = 2;
            while !taken.insert(name.to_lowercase()) {
                name = format!("{}-{copy}", figure.name);
                copy += 1;
            }
            figure.name = name;
        }
        figures
    }

    /// One row per simulation and layer, every layer included: `layers.csv`.
    pub fn layer_data(&self) -> Data {
        let mut data = Data::new(&[&["network", "protocol", "hardware"], figures::LAYER_COLUMNS].concat());
        for s in &self.simulations {
            for layer in &s.layers {
                let names = [&s.network, &s.protocol, &s.hardware].map(String::clone);
                data.push(names.into_iter().chain(figures::layer_cells(layer)));
            }
        }
        data
    }

    /// Writes `index.html`, `report.json`, `layers.csv` and `figures/*.svg|png|csv` into `dir`, which is made if need be; files of
    /// an earlier report are replaced.
    ///
    /// ```
    /// let folder = tempfile::tempdir()?;
    /// let report = pisim_reports::Report { title: "Nothing yet".to_owned(), ..Default::default() };
    /// let written = report.write(&folder.path().join("out"))?;
    /// assert!(written.index.ends_with("out/index.html"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If anything cannot be drawn or written; then `dir` is as it was before, unless moving finished files into it failed half-way.
    pub fn write(&self, dir: &Path) -> Result<Written, ReportError> {
        let mut staging = Staging::new(dir)?;
        let figures = self.figures();
        let mut drawn = Vec::with_capacity(figures.len());
        for figure in &figures {
            let fault = |source| ReportError::Draw { name: figure.name.clone(), source };
            let svg = figure.svg().map_err(fault)?;
            staging.file(format!("figures/{}.svg", figure.name), svg.as_bytes())?;
            staging.file(format!("figures/{}.png", figure.name), &figure.png().map_err(fault)?)?;
            staging.file(format!("figures/{}.csv", figure.name), &figure.data.to_csv()?)?;
            drawn.push(svg);
        }
        let entries = figures
            .iter()
            .map(|f| FigureEntry { name: &f.name, title: &f.title, caption: &f.caption, origin: f.origin })
            .collect();
        let json = serde_json::to_vec_pretty(&Json { report: self, figures: entries })?;
        staging.file("report.json", &json)?;
        staging.file("layers.csv", &self.layer_data().to_csv()?)?;
        let page = html::page(self, &figures.iter().zip(drawn.iter().map(String::as_str)).collect::<Vec<_>>());
        staging.file("index.html", page.as_bytes())?;
        let files = staging.commit()?;
        Ok(Written { index: dir.join("index.html"), files })
    }
}
