//! Amounts of FPGA resources.

use std::iter::Sum;
use std::ops::Add;

/// An amount of FPGA resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FpgaResources {
    /// Six-input look-up tables, shift registers included.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// DSP48E2 slices; a DSP58 counts as one, since it multiplies at least as wide words.
    pub dsp: u64,
    /// Block RAMs of 36 Kibit.
    pub bram36: u64,
    /// Ultra RAMs of 288 Kibit.
    pub uram: u64,
}

impl FpgaResources {
    /// `count` of the same part.
    pub fn times(self, count: u64) -> Self {
        self.map(|amount| amount.saturating_mul(count))
    }

    /// A part `factor` times as large, rounded up.
    pub fn scaled(self, factor: f64) -> Self {
        let scale = |amount: u64| (amount as f64 * factor).ceil() as u64;
        Self {
            lut: scale(self.lut),
            ff: scale(self.ff),
            dsp: scale(self.dsp),
            bram36: scale(self.bram36),
            uram: scale(self.uram),
        }
    }

    /// The amounts by name.
    pub fn named(&self) -> [(&'static str, u64); 5] {
        [("lut", self.lut), ("ff", self.ff), ("dsp", self.dsp), ("bram36", self.bram36), ("uram", self.uram)]
    }

    /// The resources of which there are more here than in `budget`: name, this, budget.
    pub fn beyond(&self, budget: &Self) -> Vec<(&'static str, u64, u64)> {
        let pairs = self.named().into_iter().zip(budget.named());
        let triples = pairs.map(|((name, used), (_, available))| (name, used, available));
        triples.filter(|(_, used, available)| used > available).collect()
    }

    /// How many times `part` fits into this; the largest number for a part of nothing.
    pub(crate) fn holds(&self, part: &Self) -> u64 {
        let pairs = self.named().into_iter().zip(part.named());
        pairs.filter_map(|((_, all), (_, one))| all.checked_div(one)).min().unwrap_or(u64::MAX)
    }

    /// Every amount changed alike.
    pub(crate) fn map(self, change: impl Fn(u64) -> u64) -> Self {
        Self {
            lut: change(self.lut),
            ff: change(self.ff),
            dsp: change(self.dsp),
            bram36: change(self.bram36),
            uram: change(self.uram),
        }
    }
}

impl Add for FpgaResources {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            lut: self.lut.saturating_add(other.lut),
            ff: self.ff.saturating_add(other.ff),
            dsp: self.dsp.saturating_add(other.dsp),
            bram36: self.bram36.saturating_add(other.bram36),
            uram: self.uram.saturating_add(other.uram),
        }
    }
}

impl Sum for FpgaResources {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

/// What a party's accelerator uses of its board, and what the board offers, by resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FpgaUse {
    /// What the units and memory controllers need.
    pub used: FpgaResources,
    /// What a design can fill and still be placed and routed.
    pub available: FpgaResources,
}

impl FpgaUse {
    /// The resources that do not fit: name, used, available.
    pub fn overflows(&self) -> Vec<(&'static str, u64, u64)> {
        self.used.beyond(&self.available)
    }

    /// The resource that is used up first and its part of what the board offers; the first of equals, and infinite where the
    /// board has none of what is needed.
    pub fn tightest(&self) -> (&'static str, f64) {
        let pairs = self.used.named().into_iter().zip(self.available.named());
        let share = |used: u64, available: u64| if used == 0 { 0.0 } else { used as f64 / available as f64 };
        let shares = pairs.map(|((name, used), (_, available))| (name, share(used, available)));
        shares.fold(("lut", 0.0), |most, one| if one.1 > most.1 { one } else { most })
    }
}
