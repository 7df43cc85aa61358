//! Counting work where it is done: every primitive adds what it did to its party's counter.

use pisim_protocol::Work;
use std::sync::{Mutex, PoisonError};

/// One party's counter. Primitives add to it from any thread; the party takes the sum after every step.
#[derive(Debug, Default)]
pub struct Counter(Mutex<Work>);

impl Counter {
    /// Adds work that a primitive has just done.
    pub fn add(&self, work: Work) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += work;
    }

    /// Returns what was counted since the last call, and starts again from zero.
    pub fn take(&self) -> Work {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
