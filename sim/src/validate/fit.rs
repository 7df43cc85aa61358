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
    /// One layer's evaluation, whatever its size.
    pub evaluate_layer_s: f64,
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

    let evaluation: Vec<([f64; 3], f64)> = of_kind(StepKind::HeLinear)
        .zip(&layers)
        .map(|(step, row)| {
            let amounts = [step.work.he_plain_muls as f64, step.work.key_switches as f64, 1.0];
            (amounts, row.server_he_eval_s)
        })
        .collect();
    let [plain_mul_s, key_switch_s, evaluate_layer_s] = constants(&evaluation);
    let decryption: Vec<([f64; 2], f64)> = of_kind(StepKind::Decrypt)
        .zip(&layers)
        .map(|(step, row)| ([step.work.decryptions as f64, 1.0], row.client_decrypt_s))
        .collect();
    let [decrypt_s, decrypt_layer_s] = constants(&decryption);
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
        evaluate_layer_s,
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

/// The N constants c that make Σ (c·x/t − 1)² least over rows of amounts x and seconds t: the normal equations, solved by
/// elimination without pivoting, which suffices because their matrix is positive definite.
fn constants<const N: usize>(rows: &[([f64; N], f64)]) -> [f64; N] {
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    for (amounts, seconds) in rows {
        let scaled = amounts.map(|amount| amount / seconds);
        for ((line, side), a) in matrix.iter_mut().zip(&mut right).zip(scaled) {
            *side += a;
            line.iter_mut().zip(scaled).for_each(|(cell, b)| *cell += a * b);
        }
    }
    for pivot in 0..N {
        let (line, side) = (matrix[pivot], right[pivot]);
        for below in pivot + 1..N {
            let factor = matrix[below][pivot] / line[pivot];
            right[below] -= factor * side;
            matrix[below].iter_mut().zip(line).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    let mut found = [0.0; N];
    for row in (0..N).rev() {
        let known: f64 = matrix[row].iter().zip(found).map(|(cell, constant)| cell * constant).sum();
        found[row] = (right[row] - known) / matrix[row][row];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn constants_are_found_again_from_rows_that_they_made(
            truth in prop::array::uniform3(0.1_f64..10.0),
            more in prop::collection::vec(prop::array::uniform3(0.0_f64..100.0), 0..20),
        ) {
            let mut amounts = vec![[50.0, 1.0, 1.0], [1.0, 70.0, 1.0], [1.0, 1.0, 1.0]];
            amounts.extend(more);
            let seconds = |amounts: &[f64; 3]| amounts.iter().zip(truth).map(|(a, c)| a * c).sum::<f64>();
            let rows: Vec<([f64; 3], f64)> = amounts.iter().map(|row| (*row, seconds(row).max(1e-3))).collect();
            for (found, truth) in constants(&rows).into_iter().zip(truth) {
                prop_assert!((found / truth - 1.0).abs() < 1e-6, "{found} for {truth}");
            }
        }
    }

    #[test]
    fn the_fit_beats_its_neighbours_on_the_rows_it_was_made_from() {
        let rows = [([8.0, 1.0], 12.5), ([4.0, 1.0], 7.5), ([2.0, 1.0], 6.5), ([1.0, 1.0], 3.6)];
        let loss = |[a, b]: [f64; 2]| rows.iter().map(|([x, y], t)| ((a * x + b * y) / t - 1.0).powi(2)).sum::<f64>();
        let [a, b] = constants(&rows);
        for (da, db) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01), (0.01, -0.01)] {
            assert!(loss([a, b]) < loss([a + da, b + db]));
        }
    }
}
