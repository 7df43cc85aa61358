//! The HE engine of a platform file, checked.

use super::{Checked, clock};
use crate::check::Check;
use crate::he::{CellProducts, HeDesign, HeEngine, NttUnit};
use crate::mac::MacArray;
use crate::raw::RawHeEngine;
use crate::technology::Technology;
use pisim_settings::Bytes;

pub(super) fn engine(
    check: &Check<'_>,
    raw: &RawHeEngine,
    mac_array: Option<&MacArray>,
    technology: Technology,
) -> Checked<HeEngine> {
    let products_on = shared_products(check, raw, mac_array)?;
    let modmul_lanes = match (raw.modmul_lanes, &products_on) {
        (Some(lanes), None) => check.within("modmul_lanes", lanes, "1", "1048576")?,
        (None, Some((lanes, _))) => *lanes,
        (Some(_), Some(_)) => {
            let message = "given beside `products_on_mac_array = true`; expected one of the two";
            return Err(check.error("modmul_lanes", message));
        }
        (None, None) => {
            let message = "missing; expected it, or `products_on_mac_array = true`";
            return Err(check.error("modmul_lanes", message));
        }
    };
    let mut design = design(check, raw, modmul_lanes)?;
    design.products_on = products_on.map(|(_, cells)| cells);
    Ok(HeEngine {
        clock_hz: clock(check, raw.clock)?,
        word_bits: check.within("word_bits", raw.word_bits, "16", if technology.fpga { "64" } else { "128" })?,
        ntt_units: check.within("ntt_units", raw.ntt_units, "1", "4096")?,
        butterflies: check.within("butterflies", raw.butterflies, "1", "65536")?,
        modmul_lanes,
        automorphism_lanes: check.within("automorphism_lanes", raw.automorphism_lanes, "1", "1048576")?,
        pipeline_latency: check.within("pipeline_latency", raw.pipeline_latency, "0", "100000")?,
        scratchpad_bytes: check.within("scratchpad", raw.scratchpad, "1 KiB", "64 GiB")?.bytes(),
        scratchpad_banks: check.within("scratchpad_banks", raw.scratchpad_banks, "1", "65536")?,
        technology,
        design,
    })
}

/// The pointwise multipliers that a MAC array makes, and what each is of, if the engine's products run there: a modular
/// (Montgomery) product is three products of words, each of p² pieces as wide as a cell.
fn shared_products(
    check: &Check<'_>,
    raw: &RawHeEngine,
    mac_array: Option<&MacArray>,
) -> Checked<Option<(u64, CellProducts)>> {
    let key = "products_on_mac_array";
    if raw.products_on_mac_array != Some(true) {
        return Ok(None);
    }
    let Some(array) = mac_array else {
        return Err(check.error(key, "the party has no MAC array; expected `mac_array` beside it, or no such key"));
    };
    if raw.clock.hz() != array.clock_hz {
        return Err(check.error("clock", "the MAC array makes the products; expected the clock of `mac_array`"));
    }
    if raw.multiplier_interval.is_some() {
        let message = "the MAC array makes the products, one per cycle; expected no such key";
        return Err(check.error("multiplier_interval", message));
    }
    let pieces = raw.word_bits.div_ceil(array.word_bits).max(1);
    let cells = 3 * pieces * pieces;
    let lanes = array.rows * array.columns / cells;
    if lanes == 0 {
        let message = format!(
            "{} cells are too few for one product; expected a MAC array of at least {cells}",
            array.rows * array.columns
        );
        return Err(check.error(key, message));
    }
    Ok(Some((lanes, CellProducts { cells, energy_j: cells as f64 * array.mac_j() })))
}

/// How an HE engine's units are built; a file without these keys has the plainest design.
fn design(check: &Check<'_>, raw: &RawHeEngine, modmul_lanes: u64) -> Checked<HeDesign> {
    let (plain, unit) = (HeDesign::default(), NttUnit::default());
    let count = |key: &str, value: Option<u64>, low: &str, high: &str| {
        value.map(|value| check.within(key, value, low, high)).transpose()
    };
    let power = |key: &str, value: Option<u64>, low: &str, high: &str| match count(key, value, low, high)? {
        Some(value) if !value.is_power_of_two() => {
            Err(check.error(key, format!("{value} is no power of two; expected {low} to {high}")))
        }
        value => Ok(value),
    };
    let radix = power("ntt_radix", raw.ntt_radix, "2", "1024")?.unwrap_or(unit.radix);
    let stages = count("ntt_stages", raw.ntt_stages, "1", "32")?.unwrap_or(unit.stages);
    // A row of one radix-r butterfly is r/2 · log2 r butterflies of radix 2.
    let least = stages * radix / 2 * u64::from(radix.ilog2());
    if (raw.ntt_radix.is_some() || raw.ntt_stages.is_some()) && raw.butterflies < least {
        let message = format!(
            "{} are too few for {stages} stages in flight of radix {radix}; expected at least {least}",
            raw.butterflies
        );
        return Err(check.error("butterflies", message));
    }
    let most_limbs = raw.ntt_units.min(modmul_lanes).min(1024).to_string();
    let port = raw.bank_port.map(|port| check.within("bank_port", port, "1 B", "1 MiB")).transpose()?;
    Ok(HeDesign {
        ntt: NttUnit {
            radix,
            stages,
            block: power("ntt_block", raw.ntt_block, "2", "16777216")?,
            pass_gap: count("ntt_pass_gap", raw.ntt_pass_gap, "0", "100000")?.unwrap_or(unit.pass_gap),
        },
        multiplier_interval: count("multiplier_interval", raw.multiplier_interval, "1", "1024")?
            .unwrap_or(plain.multiplier_interval),
        limbs_at_once: count("limbs_at_once", raw.limbs_at_once, "1", &most_limbs)?,
        bank_port_bytes: port.map(Bytes::bytes),
        key_switch_butterflies: count("key_switch_butterflies", raw.key_switch_butterflies, "1", "65536")?,
        products_on: None,
    })
}
