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

/// The memory and the number of its channels by target, without the prefix.
const MEMORIES: [(&str, &str, u64); 4] =
    [("ddr4-2400", "ddr4-2400", 1), ("ddr4-3200", "ddr4-3200", 1), ("hbm2", "hbm2", 1), ("hbm2-8ch", "hbm2", 8)];

/// The two levels of the model.
#[derive(Clone, Copy)]
enum Level {
    /// Request by request.
    Stepped,
    /// The closed form that simulations use.
    Closed,
}

pub(super) fn stepped(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    patterns(about, "memory-", Level::Stepped)
}

pub(super) fn closed(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    patterns(about, "memory-closed-", Level::Closed)
}

pub(super) fn latency(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let case = |(name, published): (&'static str, f64)| {
        let modelled = 1e9 * Device::named(name)?.latency_s(LATENCY_READS);
        Ok(Case::new(name, published, modelled))
    };
    let cases = data::dram_latency()?.into_iter().map(case).collect::<Result<_, ValidateError>>()?;
    Ok(vec![Target::new(about, "-", Set::Predicted, Limits { mean: 3.0, max: 3.0 }, cases).against("simulated")])
}

/// What a U280's HBM2 streams: 425 of 460 GB/s measured (Shuhai, arXiv 2005.04324), 32 pseudo-channels of 14.375 GB/s (AMD UG1393),
/// against the part of its peak that a read stream reaches on the modelled HBM2.
pub(super) fn u280(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let streamed =
        |row: &(DramRow, [f64; 2])| row.0.device == "hbm2" && row.0.pattern == "seq_rd" && row.0.channels == 8;
    let rows = all_rows()?;
    let found = rows.into_iter().filter(streamed).filter(|(row, _)| row.interleave == "64B");
    let cases = found.flat_map(|(_, [stepped, closed])| {
        [("request by request", stepped), ("in closed form", closed)]
            .map(|(level, efficiency)| Case::new(format!("reads in a row, {level}"), 425.0, 460.0 * efficiency))
    });
    let limits = Limits { mean: 5.0, max: 5.0 };
    let note = "the platforms with a U280 have the measured part of the peak as their own constant: only the memory model predicts";
    Ok(vec![Target::new(about, "-", Set::Predicted, limits, cases.collect()).against("measured").noted(note)])
}

/// All patterns of the memory that the target names after `prefix`.
fn patterns(about: &About, prefix: &str, level: Level) -> Result<Vec<Target>, ValidateError> {
    let name = about.target.strip_prefix(prefix).unwrap_or(about.target);
    let memory = MEMORIES.into_iter().find(|(memory, _, _)| *memory == name);
    let mut cases = Vec::new();
    for (row, [stepped, closed]) in all_rows()? {
        let known = row.simulators.into_iter().flatten();
        let least = known.clone().fold(f64::INFINITY, f64::min);
        let most = known.fold(0.0, f64::max);
        if memory.is_some_and(|(_, device, channels)| (device, channels) == (row.device, row.channels)) {
            let band = [least - MARGIN, most + MARGIN];
            let efficiency = match level {
                Level::Stepped => stepped,
                Level::Closed => closed,
            };
            cases.push(Case::banded(format!("{} {}", row.mapping, row.pattern), band, 100.0 * efficiency));
        }
    }
    Ok(vec![Target::new(about, "-", Set::Seen, OUTSIDE, cases).against("simulated")])
}

/// Every row with the efficiency that the model reaches request by request, and the one that its closed form expects. The runs take seconds and never differ, so they are kept.
fn all_rows() -> Result<Vec<(DramRow, [f64; 2])>, ValidateError> {
    static FOUND: OnceLock<Vec<(DramRow, [f64; 2])>> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let run = |row: DramRow| {
        let mapping = if row.mapping == "column" { AddressMapping::Column } else { AddressMapping::BankGroup };
        let interleave = if row.interleave == "1K" { Interleave::Kibibyte } else { Interleave::Line };
        let system = DramSystem { channels: row.channels, interleave, ..DramSystem::named(row.device, mapping)? };
        let pattern: Pattern = row.pattern.parse()?;
        let stepped = system.run(pattern, system.usual_requests() / SHORTER).efficiency;
        Ok((row, [stepped, system.expected_efficiency(pattern)]))
    };
    let found = data::dram_efficiency()?.into_par_iter().map(run).collect::<Result<Vec<_>, ValidateError>>()?;
    Ok(FOUND.get_or_init(|| found).clone())
}
