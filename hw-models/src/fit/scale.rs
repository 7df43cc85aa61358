//! A design with other counts of units and other sizes of memories.

use super::Accelerator;
use crate::cost::product;
use crate::fpga::{Board, mac_unit, ntt_butterfly};
use crate::gc::GcEngine;
use crate::he::HeEngine;
use crate::mac::MacArray;
use crate::party::PartyHardware;

/// The largest counts that platform files may have.
pub(super) const MOST_ENGINES: u64 = 4_096;
pub(super) const MOST_UNITS: u64 = 4_096;
pub(super) const MOST_LANES: u64 = 1_048_576;
pub(super) const MOST_ROWS: u64 = 65_536;
const MOST_BUTTERFLIES: u64 = 65_536;
const MOST_BANKS: u64 = 65_536;

/// Memories come in whole KiB.
const MEMORY_STEP: u64 = 1_024;

/// `count` times `factor`, rounded down, but between one and `most`.
fn times(count: u64, factor: f64, most: u64) -> u64 {
    ((count as f64 * factor * (1.0 + 1e-12)) as u64).clamp(1, most)
}

fn memory(bytes: u64, factor: f64) -> u64 {
    if factor == 1.0 { bytes } else { times(bytes / MEMORY_STEP, factor, u64::MAX / MEMORY_STEP) * MEMORY_STEP }
}

/// The design with the counts of `grow`, or of all accelerators, multiplied by `factor`, and all memories by `memory_factor`.
pub(super) fn scaled(
    party: &PartyHardware,
    board: &Board,
    grow: Option<Accelerator>,
    factor: f64,
    memory_factor: f64,
) -> PartyHardware {
    let counts = |unit: Accelerator| if grow.is_none_or(|grow| grow == unit) { factor } else { 1.0 };
    let mut scaled = party.clone();
    scaled.gc_engine.iter_mut().for_each(|unit| gc(unit, counts(Accelerator::GcEngine), memory_factor));
    scaled.he_engine.iter_mut().for_each(|unit| he(unit, board, counts(Accelerator::HeEngine), memory_factor));
    scaled.mac_array.iter_mut().for_each(|unit| mac(unit, board, counts(Accelerator::MacArray), memory_factor));
    share_products(&mut scaled);
    scaled.he_engine.iter_mut().for_each(limbs);
    scaled
}

/// Where the array makes the engine's products, they are as many as its cells allow, at what its cells draw.
pub(super) fn share_products(party: &mut PartyHardware) {
    if let (Some(engine), Some(array)) = (&mut party.he_engine, &party.mac_array)
        && let Some(products) = &mut engine.design.products_on
    {
        engine.modmul_lanes = product(&[array.rows, array.columns]) / products.cells.max(1);
        products.energy_j = products.cells as f64 * array.mac_j();
    }
}

/// Gate engines, and banks for their ports in proportion; queues are small and stay.
fn gc(unit: &mut GcEngine, factor: f64, memory_factor: f64) {
    let before = unit.engines;
    unit.engines = times(before, factor, MOST_ENGINES);
    unit.wire_banks = product(&[unit.wire_banks, unit.engines]).div_ceil(before).clamp(1, MOST_BANKS);
    unit.wire_memory_bytes = memory(unit.wire_memory_bytes, memory_factor);
}

/// Transform units as long as there is more than one, then the butterflies of the last one; lanes, and the key-switch pipeline.
fn he(unit: &mut HeEngine, board: &Board, factor: f64, memory_factor: f64) {
    let fits_slr = board.largest_slr().holds(&ntt_butterfly(unit.word_bits)).max(1);
    let all = unit.ntt_units as f64 * unit.butterflies as f64;
    let butterflies = unit.butterflies.min(fits_slr);
    let units = (all / butterflies as f64 * factor * (1.0 + 1e-12)) as u64;
    (unit.ntt_units, unit.butterflies) = match units {
        0 => (1, times(1, all * factor, butterflies.min(MOST_BUTTERFLIES))),
        _ => (units.min(MOST_UNITS), butterflies),
    };
    unit.modmul_lanes = times(unit.modmul_lanes, factor, MOST_LANES);
    unit.automorphism_lanes = times(unit.automorphism_lanes, factor, MOST_LANES);
    let switching = &mut unit.design.key_switch_butterflies;
    *switching = switching.map(|butterflies| times(butterflies, factor, MOST_BUTTERFLIES));
    unit.scratchpad_bytes = memory(unit.scratchpad_bytes, memory_factor);
}

/// Limbs that are worked on at once, each of which needs a transform unit and a multiplier.
fn limbs(unit: &mut HeEngine) {
    let most = unit.ntt_units.min(unit.modmul_lanes).max(1);
    unit.design.limbs_at_once = unit.design.limbs_at_once.map(|limbs| limbs.min(most));
}

/// Cells, with rows and columns in proportion as far as a column fits an SLR.
fn mac(unit: &mut MacArray, board: &Board, factor: f64, memory_factor: f64) {
    let fits_slr = board.largest_slr().holds(&mac_unit(unit.word_bits)).max(1);
    let cells = unit.rows as f64 * unit.columns as f64 * factor;
    let rows = times(unit.rows, factor.sqrt(), MOST_ROWS);
    unit.columns = match rows > fits_slr {
        true => times(1, cells / fits_slr as f64, MOST_ROWS),
        false => times(unit.columns, factor.sqrt(), MOST_ROWS),
    };
    unit.rows = rows.min(fits_slr);
    unit.buffer_bytes = memory(unit.buffer_bytes, memory_factor);
}
