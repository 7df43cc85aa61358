//! What can go wrong.

use pisim_netgen::NetworkError;
use std::path::PathBuf;

/// Why a training cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file of images or labels that is missing or wrong.
    #[error("{}: {problem}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A ReLU budget that the network does not have.
    #[error(
        "--budgets: {budget} is not possible: expected a number from 1 to {most}, one less than the ReLUs of {network}"
    )]
    Budget {
        /// The budget.
        budget: u64,
        /// The largest that leaves out a ReLU.
        most: u64,
        /// The network's name.
        network: String,
    },
    /// A network whose input or output is not that of the images.
    #[error("network {network}: its {what} is {found}; the images need {expected}")]
    Misfit {
        /// The network's name.
        network: String,
        /// "input" or "number of classes".
        what: &'static str,
        /// What the network has.
        found: String,
        /// What the images need.
        expected: String,
    },
    /// An operation that has no training here.
    #[error(
        "layer {layer}: {kind} cannot be trained here; expected convolutions, linear layers, ReLUs, average pools, \
         additions, slices and concatenations"
    )]
    Unsupported {
        /// The layer's name.
        layer: String,
        /// The operation.
        kind: &'static str,
    },
    /// A regularisation path that does not get down to a budget.
    #[error("after {epochs} epochs the masks still keep {left} ReLUs, more than the budget of {budget}")]
    NotReached {
        /// The budget.
        budget: u64,
        /// ReLUs whose masks are above the threshold.
        left: u64,
        /// Epochs that were spent.
        epochs: usize,
    },
    /// The trained function is not the one that is simulated.
    #[error(
        "network {network}: logits differ by {difference:e} between training and netgen's float reference; at most \
         {limit:e} is rounding"
    )]
    Disagrees {
        /// The network's name.
        network: String,
        /// The largest difference, relative to logits above 1.
        difference: f32,
        /// What is allowed.
        limit: f32,
    },
    /// A trained network that no file can hold.
    #[error("network {network} cannot be written: {problem}")]
    Export {
        /// The network's name.
        network: String,
        /// Why.
        problem: String,
    },
    /// A network that netgen refuses.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A tensor operation that candle refuses.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
}

impl TrainError {
    /// Whether a check failed, rather than an input being wrong.
    pub fn is_failed_check(&self) -> bool {
        matches!(self, Self::Disagrees { .. } | Self::NotReached { .. })
    }
}
