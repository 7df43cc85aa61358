//! Published homomorphic-encryption accelerators against the HE engine configured as each of them.
//!
//! Constants that a published row does not give are stated where they are set; what was fitted on a row is in a target of its
//! own. "As recalled" in a source says that the row was not re-read for this project.

use super::model::Model;
use super::targets::About;
use super::targets::case;
use super::{Case, Limits, Set, Target, ValidateError};
use pisim_hw_models::{HeDesign, HeEngine, HeWork, Memory, MemoryKind, NttUnit, Technology};

const EXACT: Limits = Limits { mean: 1e-9, max: 1e-9 };
const ONE_PER_CENT: Limits = Limits { mean: 1.0, max: 1.0 };

type Targets = Result<Vec<Target>, ValidateError>;

fn target(about: &About, set: Set, limits: Limits, cases: Vec<Case>) -> Target {
    Target::new(about, "-", set, limits, cases)
}

/// F1's technology, to which the model's areas and energies are native; 12 nm is not in the scaling tables, 14 nm is nearest.
const SILICON_14: Technology = Technology { node_nm: 14, supply_v: 0.8, fpga: false };

/// One iterative radix-2 transform unit with `butterflies` butterflies and as many pointwise multipliers.
fn core(clock_hz: f64, word_bits: u64, butterflies: u64) -> HeEngine {
    HeEngine {
        clock_hz,
        word_bits,
        ntt_units: 1,
        butterflies,
        modmul_lanes: butterflies,
        automorphism_lanes: butterflies,
        pipeline_latency: 0,
        scratchpad_bytes: 16 << 20,
        scratchpad_banks: 16,
        technology: SILICON_14,
        design: HeDesign::default(),
    }
}

/// Zama's HPU on an Alveo V80, PSI = 64 with radix 2: 128 coefficients per cycle through all eleven stages of N = 2048, one
/// pipeline forward and one back, 64-bit words, 400 MHz. The 278 cycles from one blind rotation to the next are 611 µs / 879,
/// from the measured batch of two, which does not fill the pipeline.
fn hpu() -> HeEngine {
    HeEngine {
        ntt_units: 2,
        modmul_lanes: 256,
        pipeline_latency: 278,
        design: HeDesign { ntt: NttUnit { stages: 11, ..NttUnit::default() }, ..HeDesign::default() },
        ..core(400e6, 64, 11 * 64)
    }
}

/// Microseconds of a batch of programmable bootstraps: 879 blind rotations in turn, each of which decomposes both polynomials
/// of every ciphertext in one level, transforms them, multiplies them with four polynomials and transforms two back.
fn bootstraps_us(batch: u64) -> f64 {
    let (rotations, polynomials, levels, degree) = (879, 2, 1, 2_048);
    let work = HeWork {
        degree,
        limbs: 1,
        limb_bits: 64,
        ntts: rotations * batch * polynomials * (levels + 1),
        mod_muls: rotations * batch * polynomials * polynomials * levels * degree,
        rounds: rotations,
        ..HeWork::default()
    };
    1e6 * hpu().run(&work).seconds
}

/// Batches of 12 and 9, and the least of 10,000 traced batches of 12, are predictions.
pub(super) fn zama_hpu(_: &Model, about: &About) -> Targets {
    let row = |(name, batch, published): (&str, u64, f64)| case(name, published, bootstraps_us(batch));
    let predicted =
        [("batch of 12", 12, 847.0), ("batch of 12, least of 10,000", 12, 843.85), ("batch of 9", 9, 636.0)];
    // Given beside the latencies: how many bootstraps a second batches of one size make.
    let rates = [(12, 14_167.0), (9, 14_150.0)].map(|(batch, published)| {
        case(format!("batches of {batch}, bootstraps per second"), published, batch as f64 / bootstraps_us(batch) * 1e6)
    });
    Ok(vec![
        target(about, Set::Fitted, ONE_PER_CENT, vec![row(("batch of 2", 2, 611.0))]),
        target(about, Set::Predicted, ONE_PER_CENT, predicted.map(row).into_iter().chain(rates).collect()).without(
            "latencies of additions, products and comparisons of integers (their graphs of bootstraps are not in the model)",
        ),
    ])
}

/// HEAX's rows: board's clock, parameter set, operation, cores, cycles.
const HEAX: [(f64, &str, u64, u64, &str, u64, f64); 12] = [
    (275e6, "Arria 10", 4_096, 2, "NTT", 8, 3_072.0),
    (275e6, "Arria 10", 4_096, 2, "Dyadic", 16, 256.0),
    (275e6, "Arria 10", 4_096, 2, "KeySwitch", 8, 6_144.0),
    (300e6, "Stratix 10", 4_096, 2, "NTT", 16, 1_536.0),
    (300e6, "Stratix 10", 8_192, 4, "NTT", 16, 3_328.0),
    (300e6, "Stratix 10", 16_384, 8, "NTT", 16, 7_168.0),
    (300e6, "Stratix 10", 4_096, 2, "Dyadic", 16, 256.0),
    (300e6, "Stratix 10", 8_192, 4, "Dyadic", 16, 512.0),
    (300e6, "Stratix 10", 16_384, 8, "Dyadic", 16, 1_024.0),
    (300e6, "Stratix 10", 4_096, 2, "KeySwitch", 16, 3_072.0),
    (300e6, "Stratix 10", 8_192, 4, "KeySwitch", 16, 13_312.0),
    (300e6, "Stratix 10", 16_384, 8, "KeySwitch", 8, 114_688.0),
];

pub(super) fn heax(_: &Model, about: &About) -> Targets {
    let row =
        |&(clock_hz, board, degree, limbs, operation, cores, published): &(f64, &str, u64, u64, &str, u64, f64)| {
            let work = HeWork { degree, limbs, limb_bits: 54, ..HeWork::default() };
            let work = match operation {
                "NTT" => HeWork { ntts: 1, ..work },
                "Dyadic" => HeWork { mod_muls: degree, ..work },
                _ => HeWork { key_switches: 1, ..work },
            };
            let design = HeDesign { key_switch_butterflies: Some(cores), ..HeDesign::default() };
            let engine = HeEngine { design, ..core(clock_hz, 54, cores) };
            case(format!("{board}, N = {degree}, {operation}"), published, engine.run(&work).cycles as f64)
        };
    let note = "the rows were recalled, then found equal to the formulas that the model has too; not independent of it";
    Ok(vec![target(about, Set::Seen, EXACT, HEAX.iter().map(row).collect()).noted(note)])
}

/// CoFHEE's one 128-bit butterfly. Its transform of N = 4096 takes 265 cycles more than its butterflies: 22 after each of 12
/// stages and one at the end.
const COFHEE_GAP: u64 = 22;

fn cofhee_cycles(degree: u64) -> f64 {
    let design = HeDesign { ntt: NttUnit { pass_gap: COFHEE_GAP, ..NttUnit::default() }, ..HeDesign::default() };
    let engine = HeEngine { pipeline_latency: 1, design, ..core(250e6, 128, 1) };
    engine.run(&HeWork { degree, limbs: 1, limb_bits: 128, ntts: 1, ..HeWork::default() }).cycles as f64
}

pub(super) fn cofhee(_: &Model, about: &About) -> Targets {
    let row = |degree, published| vec![case(format!("N = {degree}"), published, cofhee_cycles(degree))];
    Ok(vec![
        target(about, Set::Fitted, EXACT, row(4_096, 24_841.0)),
        target(about, Set::Predicted, EXACT, row(8_192, 53_535.0)),
    ])
}

/// The RPU with 128 lanes and 128 banks. Its vector registers hold transforms of 8,192 points (beyond which its own figures
/// show that data overflow), so that 64K points go through each stage in eight blocks; a multiplier starts a product every
/// second cycle. The in-order front end does not start a stage of a block before the one before it is done: that gap is
/// CoFHEE's, the other published chip with 128-bit butterflies, and was not fitted here. Vector data memory: 4 MiB, 128
/// banks of one word.
fn rpu() -> HeEngine {
    let ntt = NttUnit { block: Some(8_192), pass_gap: COFHEE_GAP, ..NttUnit::default() };
    let design = HeDesign { ntt, multiplier_interval: 2, bank_port_bytes: Some(16), ..HeDesign::default() };
    HeEngine { scratchpad_bytes: 4 << 20, scratchpad_banks: 128, design, ..core(1.68e9, 128, 128) }
}

/// 64K points, all of them from memory and back.
fn rpu_work() -> HeWork {
    let bytes = 65_536 * 16;
    HeWork {
        degree: 65_536,
        limbs: 1,
        limb_bits: 128,
        ntts: 1,
        input_bytes: bytes,
        output_bytes: bytes,
        ..HeWork::default()
    }
}

pub(super) fn rpu_ntt(_: &Model, about: &About) -> Targets {
    let seconds = rpu().run(&rpu_work()).seconds_at(512e9);
    let limits = Limits { mean: 10.0, max: 10.0 };
    Ok(vec![target(about, Set::Seen, limits, vec![case("N = 65536, 128 bits", 6.7, 1e6 * seconds)])])
}

/// From F1's units at 14 nm with 128-bit words: multipliers grow with the square of the word.
pub(super) fn rpu_energy(_: &Model, about: &About) -> Targets {
    let cost = rpu().run(&rpu_work());
    let cases = vec![
        case("energy of one transform (µJ)", 49.18, 1e6 * cost.energy_j),
        case("mean power (W)", 7.44, cost.energy_j / cost.seconds_at(512e9)),
    ];
    let area = vec![case("area (mm²)", 20.5, rpu().area_mm2().unwrap_or(f64::NAN))];
    Ok(vec![
        target(about, Set::Seen, Limits { mean: 15.0, max: 15.0 }, cases).without(
            "shares of energy of its parts (66.7 % arithmetic … 1.0 % shuffle): the model's parts are other ones",
        ),
        Target::new(about, "area", Set::Predicted, Limits { mean: 45.0, max: 45.0 }, area).missing(
            "F1's 32-bit multipliers at 14 nm, scaled by the square of the word to RPU's 128-bit ones at 12 nm",
        ),
    ])
}

/// F1: 16 clusters.
fn f1() -> HeEngine {
    HeEngine {
        ntt_units: 16,
        modmul_lanes: 4_096,
        automorphism_lanes: 2_048,
        scratchpad_bytes: 64 << 20,
        design: HeDesign { ntt: NttUnit { stages: 7, ..NttUnit::default() }, ..HeDesign::default() },
        ..core(1e9, 32, 896)
    }
}

/// The model's constants are these parts', so this says that they add up.
pub(super) fn f1_area(_: &Model, about: &About) -> Targets {
    let (area, whole, interface) = (f1().area(), f1().area_mm2(), hbm_mm2());
    let Some((area, whole)) = area.zip(whole) else {
        return Ok(vec![target(about, Set::Identity, ONE_PER_CENT, Vec::new())]);
    };
    let cases = vec![
        case("transform units (mm²)", 16.0 * 2.27, area.ntt_mm2),
        case("multiply units (mm²)", 32.0 * 0.25, area.multiply_mm2),
        case("automorphism units (mm²)", 16.0 * 0.58, area.automorphism_mm2),
        case("adders, register files and network (mm²)", 32.0 * 0.03 + 16.0 * 0.56 + 10.02, area.network_mm2),
        case("scratchpad (mm²)", 48.09, area.scratchpad_mm2),
        case("whole chip (mm²)", 151.4, whole + interface),
        case("whole chip (W)", 180.4, f1().peak_power_w() + 0.45),
    ];
    let note = "the model's constants are these parts: only that they add up is checked";
    Ok(vec![target(about, Set::Identity, ONE_PER_CENT, cases).noted(note)])
}

/// Two HBM2 interfaces, 1 TB/s.
fn hbm_mm2() -> f64 {
    let memory = Memory {
        kind: MemoryKind::Hbm2,
        channels: 16,
        channel_bytes_per_s: 64e9,
        streaming_efficiency: 1.0,
        latency_s: 0.0,
        energy_per_bit_j: 0.0,
        system: None,
    };
    memory.interface_mm2()
}

/// F1's parameter sets: degree, limbs of 32 bits, and nanoseconds per transform, automorphism, multiplication and rotation of a
/// ciphertext when many follow each other.
const F1_OPERATIONS: [(u64, u64, [f64; 4]); 3] = [
    (4_096, 4, [12.8, 12.8, 60.0, 40.0]),
    (8_192, 7, [44.8, 44.8, 300.0, 224.0]),
    (16_384, 14, [179.2, 179.2, 2_000.0, 1_680.0]),
];

/// Nanoseconds per operation when 1,024 of them follow each other.
fn f1_ns(one: HeWork) -> f64 {
    const MANY: u64 = 1_024;
    let many =
        HeWork { ntts: MANY * one.ntts, mod_muls: MANY * one.mod_muls, automorphisms: MANY * one.automorphisms, ..one };
    1e9 * f1().run(&many).seconds / MANY as f64
}

/// One key switch of F1: every limb is a digit that is transformed in all limbs and multiplies two polynomials of its hint.
fn f1_key_switch(degree: u64, limbs: u64) -> HeWork {
    HeWork {
        degree,
        limbs,
        limb_bits: 32,
        ntts: limbs + limbs * limbs,
        mod_muls: 2 * limbs * limbs * degree,
        ..HeWork::default()
    }
}

/// BGV's switch of the modulus of two polynomials c, which drops a limb q (Gentry, Halevi and Smart, CRYPTO'12): c becomes
/// (c + δ) / q with δ = t·[−c/t]_q for plaintexts modulo t. So the last limb is transformed back and multiplied by −1/t; what
/// comes of it is transformed into every other limb and multiplied by t there, and the sum is multiplied by 1/q.
fn bgv_modulus_switch(degree: u64, limbs: u64) -> HeWork {
    let others = limbs - 1;
    HeWork { ntts: 2 * (1 + others), mod_muls: 2 * (1 + 2 * others) * degree, ..HeWork::default() }
}

/// Rotations: an automorphism and a key switch. Multiplications: four products, a key switch, and a switch of the modulus.
/// That the latter multiplies twice in every limb, so that multipliers and not transforms bound a multiplication, was found
/// with the rows in view: those are no predictions.
pub(super) fn f1_operations(_: &Model, about: &About) -> Targets {
    let (mut rotations, mut multiplications) = (Vec::new(), Vec::new());
    for (degree, limbs, [_, _, multiply, rotate]) in F1_OPERATIONS {
        let (key, modulus) = (f1_key_switch(degree, limbs), bgv_modulus_switch(degree, limbs));
        let rotation = HeWork { automorphisms: 1, ..key };
        let multiplication = HeWork {
            ntts: key.ntts + modulus.ntts,
            mod_muls: key.mod_muls + 4 * limbs * degree + modulus.mod_muls,
            ..key
        };
        rotations.push(case(format!("rotation, N = {degree}"), rotate, f1_ns(rotation)));
        multiplications.push(case(format!("multiplication, N = {degree}"), multiply, f1_ns(multiplication)));
    }
    let limits = Limits { mean: 5.0, max: 5.0 };
    Ok(vec![target(about, Set::Predicted, limits, rotations), target(about, Set::Seen, limits, multiplications)])
}

/// Transforms and automorphisms of a ciphertext: in all six rows the published figure is 0.8 of what 128 coefficients per cycle
/// and cluster give at 1 GHz, of which the rotations and multiplications of the same table need all. They would take 20
/// clusters, and neither the 16 ports of the scratchpad nor the network could feed more than 16. Nothing published says what
/// was counted. The factor is not in the model.
pub(super) fn f1_transforms(_: &Model, about: &About) -> Targets {
    let mut cases = Vec::new();
    for (degree, limbs, [transform, automorphism, _, _]) in F1_OPERATIONS {
        let base = HeWork { degree, limbs, limb_bits: 32, ..HeWork::default() };
        cases.push(case(format!("transform, N = {degree}"), transform, f1_ns(HeWork { ntts: 2 * limbs, ..base })));
        let permuted = HeWork { automorphisms: 1, ..base };
        cases.push(case(format!("automorphism, N = {degree}"), automorphism, f1_ns(permuted)));
    }
    let limits = Limits { mean: 25.1, max: 25.1 };
    let why =
        "published figures are 0.8 of what 16 clusters of 128 lanes at 1 GHz give, in all rows; why is not published";
    Ok(vec![target(about, Set::Predicted, limits, cases).missing(why)])
}

/// CraterLake's parts: count and area of each in mm²; its functional units first.
const CRATERLAKE_UNITS: [(f64, f64); 6] = [(1.0, 158.8), (2.0, 28.1), (1.0, 9.0), (1.0, 3.3), (5.0, 2.2), (5.0, 0.8)];
const CRATERLAKE_REST_MM2: [f64; 2] = [192.0, 10.0];

/// CraterLake as an HE engine: 2,048 lanes of 28-bit words, two transform units of eight stages per lane (64K points in two
/// passes), five multiply units, one automorphism unit, 256 MiB.
fn craterlake() -> HeEngine {
    HeEngine {
        ntt_units: 2,
        modmul_lanes: 5 * 2_048,
        automorphism_lanes: 2_048,
        scratchpad_bytes: 256 << 20,
        ..core(1e9, 28, 8 * 2_048)
    }
}

/// The published parts against the published sums: a check of the parts.
pub(super) fn craterlake_area(_: &Model, about: &About) -> Targets {
    let units: f64 = CRATERLAKE_UNITS.iter().map(|(count, mm2)| count * mm2).sum();
    let chip = units + CRATERLAKE_REST_MM2.iter().sum::<f64>() + hbm_mm2();
    let cases = vec![case("functional units", 240.5, units), case("whole chip", 472.3, chip)];
    let note = "published parts against published sums: only the two memory interfaces are the model's";
    Ok(vec![target(about, Set::Identity, ONE_PER_CENT, cases).noted(note)])
}

/// F1's units, scaled to CraterLake's words and numbers: another group's synthesis of other circuits.
pub(super) fn craterlake_units(_: &Model, about: &About) -> Targets {
    let limits = Limits { mean: 20.0, max: 40.0 };
    let why = "another group's synthesis of other circuits; the constants are F1's";
    let Some(area) = craterlake().area() else { return Ok(vec![target(about, Set::Predicted, limits, Vec::new())]) };
    let cases = vec![
        case("transform units", 2.0 * 28.1, area.ntt_mm2),
        case("multiply units", 5.0 * 2.2, area.multiply_mm2),
        case("automorphism unit", 9.0, area.automorphism_mm2),
        case("register file", 192.0, area.scratchpad_mm2),
    ];
    Ok(vec![
        target(about, Set::Predicted, limits, cases)
            .missing(why)
            .without("base-conversion unit (158.8 mm²) and hint generator (3.3): the engine has neither"),
    ])
}

/// BTS's balance of transforms against the loading of a switching key: N = 2^17, 28 limbs and as many special ones, one
/// digit, 64-bit words, 1.2 GHz, 1 TB/s.
pub(super) fn bts(_: &Model, about: &About) -> Targets {
    let (degree, limbs, bandwidth) = (1 << 17, 28, 1e12);
    let work = HeWork::hybrid_key_switch(degree, limbs, limbs, 1, 8);
    let one_butterfly = HeEngine { scratchpad_bytes: 512 << 20, ..core(1.2e9, 64, 1) };
    let transforms = HeWork { mod_muls: 0, ..work };
    let cost = one_butterfly.run(&transforms);
    let key_s = cost.memory_bytes as f64 / bandwidth;
    let cases = vec![
        case("butterflies that keep up with the key", 1_328.0, cost.seconds / key_s),
        case("switching key (MiB)", 112.0, cost.memory_bytes as f64 / f64::from(1 << 20)),
        case("loading a switching key (µs)", 117.4, 1e6 * key_s),
    ];
    let note = "the published formula counts transforms and key bytes as the model does: its arithmetic is checked";
    Ok(vec![target(about, Set::Identity, Limits { mean: 0.1, max: 0.1 }, cases).noted(note)])
}
