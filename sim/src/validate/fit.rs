//! The constants of the published platforms, computed from the published rows that may be fitted: ResNet-18's and the
//! benchmarks of 100 ReLUs. A test holds the platform files to them; ResNet-32's rows are never looked at here.

use super::ValidateError;
use super::data::{Published, benchmarks};
use pisim_netgen::NetworkSpec;
use pisim_protocol::{Program, Protocol, Step, StepKind, lower};

/// AND gates of Delphi's garbled ReLU6, which the benchmarks ran.
const RELU_ANDS: f64 = 288.0;

/// Threads that garbled and evaluated while both parties shared one EPYC; only the products of costs and threads are known,
/// and Delphi's experiments set four.
const PAIR_THREADS: f64 = 4.0;

/// One core's seconds for one multiply-accumulate in doubles: two fused operations of four lanes in every cycle of a 2.5 GHz
/// Zen 2 core (AMD's optimisation guide, as recalled). ResNet-18's one online time cannot tell it from the cost of shares.
const MAC_S: f64 = 0.05e-9;

/// Everything that is fitted, in seconds of one core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// One ciphertext × plaintext product, per coefficient.
    pub plain_mul_coefficient_s: f64,
    /// One key switch, per coefficient.
    pub key_switch_coefficient_s: f64,
    /// One encryption, per coefficient.
    pub encrypt_coefficient_s: f64,
    /// One decryption, per coefficient.
    pub decrypt_coefficient_s: f64,
    /// One layer's decryption, whatever its number of ciphertexts.
    pub decrypt_layer_s: f64,
    /// All keys.
    pub keygen_s: f64,
    /// One label picked and written, or one pair for a transfer.
    pub encode_label_s: f64,
    /// One share that a linear layer on shares reads or makes.
    pub ring_element_s: f64,
    /// One multiply-accumulate on shares; assumed, not fitted.
    pub ring_mac_s: f64,
    /// One AND gate on one thread, by device and operation.
    pub and_s: AndCosts,
}

/// Seconds of one AND gate.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AndCosts {
    /// Garbled on the EPYC.
    pub epyc_garble_s: f64,
    /// Evaluated on the EPYC.
    pub epyc_evaluate_s: f64,
    /// Garbled on the Atom.
    pub atom_garble_s: f64,
    /// Evaluated on the Atom.
    pub atom_evaluate_s: f64,
    /// Garbled by one of four threads while both parties share one EPYC.
    pub pair_garble_s: f64,
    /// Evaluated likewise.
    pub pair_evaluate_s: f64,
}

/// Fits all constants.
///
/// Homomorphic evaluation and decryption: least squares of the relative error over layers, which every layer's time enters
/// alike. All others have one constant for one or two published sums, and are quotients.
///
/// # Errors
/// None in a released version: the published tables are compiled in.
pub fn fit() -> Result<Fit, ValidateError> {
    let program = program("delphi", Published::ResNet18)?;
    let layers = Published::ResNet18.layers()?;
    let totals = Published::ResNet18.totals()?;
    let degree = program.protocol.linear.degree() as f64;
    let of_kind = |kind: StepKind| program.steps.iter().filter(move |step| step.kind == kind);
    let count = |kind: StepKind, amount: fn(&Step) -> u64| of_kind(kind).map(amount).sum::<u64>() as f64;

    let evaluation: Vec<[f64; 3]> = of_kind(StepKind::HeLinear)
        .zip(&layers)
        .map(|(step, row)| [step.work.he_plain_muls as f64, step.work.key_switches as f64, row.server_he_eval_s])
        .collect();
    let [plain_mul_s, key_switch_s] = two_constants(&evaluation);
    let decryption: Vec<[f64; 3]> = of_kind(StepKind::Decrypt)
        .zip(&layers)
        .map(|(step, row)| [step.work.decryptions as f64, 1.0, row.client_decrypt_s])
        .collect();
    let [decrypt_s, decrypt_layer_s] = two_constants(&decryption);
    let encrypt_s: f64 = layers.iter().map(|row| row.client_encrypt_s).sum();
    let encryptions = count(StepKind::Encrypt, |step| step.work.encryptions);

    let relus = totals.get("num_relu")?;
    // The garbler writes the labels of its mask, a pair for every transfer, and online the labels of its share: one for each
    // wire of an instance every time.
    let wires = f64::from(program.protocol.shares.wires());
    let encode_s = totals.get("off_server_compute_encode")? + totals.get("on_server_compute_encode_sum")?;
    let elements = totals.get("client_linear_storage")?;
    let macs = count(StepKind::RingLinear, |step| step.work.ring_macs);
    let linear_s = totals.get("on_server_compute_linear_sum")? - macs * MAC_S;
    Ok(Fit {
        plain_mul_coefficient_s: plain_mul_s / degree,
        key_switch_coefficient_s: key_switch_s / degree,
        encrypt_coefficient_s: encrypt_s / encryptions / degree,
        decrypt_coefficient_s: decrypt_s / degree,
        decrypt_layer_s,
        keygen_s: totals.get("off_client_compute_keygen")?,
        encode_label_s: encode_s / (3.0 * wires * relus),
        ring_element_s: linear_s / elements,
        ring_mac_s: MAC_S,
        and_s: AndCosts {
            pair_garble_s: totals.get("off_server_compute_garble")? * PAIR_THREADS / (relus * RELU_ANDS),
            pair_evaluate_s: totals.get("on_client_compute_relu_sum")? * PAIR_THREADS / (relus * RELU_ANDS),
            ..of_benchmarks()?
        },
    })
}

/// The AND gates of the batches of 100 ReLUs.
fn of_benchmarks() -> Result<AndCosts, ValidateError> {
    let mut costs = AndCosts::default();
    for benchmark in benchmarks()?.into_iter().filter(|benchmark| benchmark.relus == 100.0) {
        let slot = match (benchmark.device.as_str(), benchmark.operation.as_str()) {
            ("epyc7502", "garble") => &mut costs.epyc_garble_s,
            ("epyc7502", _) => &mut costs.epyc_evaluate_s,
            (_, "garble") => &mut costs.atom_garble_s,
            _ => &mut costs.atom_evaluate_s,
        };
        *slot = benchmark.seconds / (benchmark.relus * RELU_ANDS);
    }
    Ok(costs)
}

/// A published network under a protocol.
pub(super) fn program(protocol: &str, network: Published) -> Result<Program, ValidateError> {
    let network = NetworkSpec::named(network.network())?.build()?;
    Ok(lower(&network, &Protocol::load(protocol)?)?)
}

/// The constants a, b that make Σ ((a·x + b·y)/t − 1)² least over rows of x, y and t: the normal equations of two unknowns.
fn two_constants(rows: &[[f64; 3]]) -> [f64; 2] {
    let sum = |term: fn(f64, f64) -> f64| rows.iter().map(|[x, y, t]| term(x / t, y / t)).sum::<f64>();
    let (xx, xy, yy) = (sum(|x, _| x * x), sum(|x, y| x * y), sum(|_, y| y * y));
    let (x1, y1) = (sum(|x, _| x), sum(|_, y| y));
    let determinant = xx * yy - xy * xy;
    [(x1 * yy - y1 * xy) / determinant, (y1 * xx - x1 * xy) / determinant]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_constants_are_found_again_from_rows_that_they_made() {
        let rows: Vec<[f64; 3]> =
            [(3.0, 1.0), (5.0, 9.0), (2.0, 2.0)].map(|(x, y)| [x, y, 0.25 * x + 7.0 * y]).to_vec();
        let [a, b] = two_constants(&rows);
        assert!((a - 0.25).abs() < 1e-12 && (b - 7.0).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn the_fit_beats_its_neighbours_on_the_rows_it_was_made_from() {
        let rows = [[8.0, 1.0, 12.5], [4.0, 1.0, 7.5], [2.0, 1.0, 6.5], [1.0, 1.0, 3.6]];
        let loss = |[a, b]: [f64; 2]| rows.iter().map(|[x, y, t]| ((a * x + b * y) / t - 1.0).powi(2)).sum::<f64>();
        let [a, b] = two_constants(&rows);
        for (da, db) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01), (0.01, -0.01)] {
            assert!(loss([a, b]) < loss([a + da, b + db]));
        }
    }
}
