//! What a piece of work costs on a unit.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// The cost of a piece of work on one unit.
///
/// Compute and memory traffic overlap (double buffering), so time is at least `seconds` and at least `memory_bytes`
/// over the bandwidth that the unit gets. Where they take turns at being what the work waits for, it is longer than either:
/// see `starved`. Adding two costs is doing one piece after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Seconds of computing, as if memory were infinitely fast.
    pub seconds: f64,
    /// The same in the unit's clock cycles.
    pub cycles: u64,
    /// Seconds of all cores together, on a processor; 0 on other units. Over `seconds`, the cores that it keeps busy.
    pub core_seconds: f64,
    /// DRAM traffic in bytes, reads and writes together, that overlaps with the computing.
    pub memory_bytes: u64,
    /// Of `seconds` and `memory_bytes`, the part in which computing waits for memory even if the unit has all bandwidth for
    /// itself. It comes before the rest and does not overlap with it.
    pub starved: Stretch,
    /// Dynamic energy of the computing and of on-chip memory, in joules; DRAM and static energy are not in it.
    pub energy_j: f64,
}

/// A part of a piece of work, in which computing and moving overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stretch {
    /// Seconds of computing.
    pub seconds: f64,
    /// Bytes that pass DRAM meanwhile.
    pub memory_bytes: u64,
}

impl Stretch {
    /// Seconds with `bytes_per_s` of memory bandwidth.
    pub fn seconds_at(&self, bytes_per_s: f64) -> f64 {
        self.seconds.max(self.memory_bytes as f64 / bytes_per_s)
    }
}

impl Cost {
    /// Seconds when the unit has `bytes_per_s` of memory bandwidth for itself.
    pub fn seconds_at(&self, bytes_per_s: f64) -> f64 {
        let rest = Stretch {
            seconds: self.seconds - self.starved.seconds,
            memory_bytes: self.memory_bytes.saturating_sub(self.starved.memory_bytes),
        };
        self.starved.seconds_at(bytes_per_s) + rest.seconds_at(bytes_per_s)
    }

    /// A cost of `cycles` at a clock of `clock_hz`, in which memory and computing overlap all the time.
    pub(crate) fn of_cycles(cycles: u64, clock_hz: f64, memory_bytes: u64, energy_j: f64) -> Self {
        Self { seconds: cycles as f64 / clock_hz, cycles, memory_bytes, energy_j, ..Self::default() }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.cycles = self.cycles.saturating_add(other.cycles);
        self.core_seconds += other.core_seconds;
        self.memory_bytes = self.memory_bytes.saturating_add(other.memory_bytes);
        self.starved.seconds += other.starved.seconds;
        self.starved.memory_bytes = self.starved.memory_bytes.saturating_add(other.starved.memory_bytes);
        self.energy_j += other.energy_j;
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// The product of all factors, stopping at the largest number instead of overflowing.
pub(crate) fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |product, factor| product.saturating_mul(*factor))
}
