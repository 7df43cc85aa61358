//! A bar of epochs on stderr, where that is a terminal.

use crate::experiment::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar of so many epochs.
    pub fn new(epochs: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(epochs as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("training {bar:30} {pos}/{len} epochs, {elapsed}, {eta} left") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Removes it.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Watch for Progress {
    fn more(&self, epochs: u64) {
        self.0.inc_length(epochs);
    }

    fn epoch(&self) {
        self.0.inc(1);
    }
}
