//! Achieved memory bandwidth by access pattern, against two cycle-level simulators.
//!
//! The reference model follows from the devices' timings, and no number in it was fitted on these rows. Five of its rules were
//! settled with rows in view, though, so that these are no independent test: that arrays share the region evenly (`triad21`),
//! that a request whose queue is full holds back no others (`rnd_rd`, and blocks over 8 channels), that a bank serves row hits
//! until its precharge is allowed (`triad21`), that banks take turns as in DRAMsim3 (`copy11`, `triad21` of HBM2), and that a
//! row of HBM2 in legacy mode has 2 KiB as in its standard (the same).
//! Two simulators of the same device differ by up to 20 points where the order of reads and writes decides, hence a band: a
//! case counts as inside when the model is between the lower figure - 3 and the higher + 3 points, and is otherwise off by its
//! distance from that band. Every case is listed, those outside with it.

use super::data::{self, DramRow};
use super::model::Model;
use super::targets::About;
use super::{Case, Limits, Set, Target, ValidateError};
use pisim_hw_models::dram::{AddressMapping, Device, DramSystem, Interleave, Pattern};
use rayon::prelude::*;
use std::sync::OnceLock;

/// Points by which a simulator's figure is widened.
const MARGIN: f64 = 3.0;
/// Everything is inside; a point is left for other lengths of the runs.
const OUTSIDE: Limits = Limits { mean: 0.1, max: 1.0 };
/// The runs are half as long as the published ones, which takes half the time and changed those compared by
/// less than a point.
const SHORTER: u64 = 2;
/// Dependent reads whose mean is the latency.
const LATENCY_READS: u64 = 20_000;

pub(super) fn ddr4_2400(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    patterns(about, "ddr4-2400", 1)
}

pub(super) fn ddr4_3200(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    patterns(about, "ddr4-3200", 1)
}

pub(super) fn hbm2(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    patterns(about, "hbm2", 1)
}

pub(super) fn hbm2_channels(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    patterns(about, "hbm2", 8)
}

pub(super) fn latency(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let case = |(name, published): (&'static str, f64)| {
        let modelled = 1e9 * Device::named(name)?.latency_s(LATENCY_READS);
        Ok(Case { case: name.to_owned(), published, modelled, band: None })
    };
    let cases = data::dram_latency()?.into_iter().map(case).collect::<Result<_, ValidateError>>()?;
    Ok(vec![Target::new(about, "-", Set::Predicted, Limits { mean: 3.0, max: 3.0 }, cases)])
}

/// All published patterns of one memory.
fn patterns(about: &About, device: &str, channels: u64) -> Result<Vec<Target>, ValidateError> {
    let mut cases = Vec::new();
    for (row, efficiency) in all_rows()? {
        let known = row.simulators.into_iter().flatten();
        let least = known.clone().fold(f64::INFINITY, f64::min);
        let most = known.fold(0.0, f64::max);
        if row.device == device && row.channels == channels {
            cases.push(Case {
                case: format!("{} {}", row.mapping, row.pattern),
                published: (least + most) / 2.0,
                modelled: 100.0 * efficiency,
                band: Some([least - MARGIN, most + MARGIN]),
            });
        }
    }
    Ok(vec![Target::new(about, "-", Set::Seen, OUTSIDE, cases)])
}

/// Every row with the efficiency that the reference reaches. The runs take seconds and never differ, so they are kept.
fn all_rows() -> Result<Vec<(DramRow, f64)>, ValidateError> {
    static FOUND: OnceLock<Vec<(DramRow, f64)>> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let run = |row: DramRow| {
        let mapping = if row.mapping == "column" { AddressMapping::Column } else { AddressMapping::BankGroup };
        let interleave = if row.interleave == "1K" { Interleave::Kibibyte } else { Interleave::Line };
        let system = DramSystem { channels: row.channels, interleave, ..DramSystem::named(row.device, mapping)? };
        let pattern: Pattern = row.pattern.parse()?;
        Ok((row, system.run(pattern, system.usual_requests() / SHORTER).efficiency))
    };
    let found = data::dram_efficiency()?.into_par_iter().map(run).collect::<Result<Vec<_>, ValidateError>>()?;
    Ok(FOUND.get_or_init(|| found).clone())
}
