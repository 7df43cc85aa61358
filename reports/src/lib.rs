//! Tables, CSV, JSON, figures and the HTML report of simulations and verified runs.
//!
//! [`Report::write`] puts everything into one folder; [`tables`] prints the same numbers on a terminal; [`figures`] has the figures
//! one by one. Every number says whether it was modelled, measured or counted ([`figures::Origin`]).

mod accuracy;
pub mod analysis;
mod draw;
pub mod explorer;
pub mod figures;
pub mod format;
mod html;
mod output;
mod page;
mod report;
mod requests;
pub mod results;
#[cfg(test)]
mod sample;
pub mod tables;
mod targets;
#[cfg(test)]
mod tests;
mod trace;
mod verification;

pub use accuracy::{AccuracySummary, Answer, WholeSet};
pub use draw::render::DrawError;
pub use output::{write_figures, write_folder};
pub use page::Page;
pub use report::{Report, ReportError, Written};
pub use requests::RequestSeries;
pub use trace::{Trace, trace};
pub use verification::{Disagreement, PredictedTimes, VerificationSummary};
