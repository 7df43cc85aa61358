//! Records garbled, sent and evaluated: their values, their work, and what happens to bytes that are none.

use super::*;
use crate::gc::CHUNK;
use pisim_protocol::circuit::{Bit, Builder, Circuit, Inputs};
use proptest::prelude::*;
use rand_core::Rng;

/// A small circuit with every kind of gate and output, constants among them.
fn circuit(online: usize, evaluator: usize, offline: usize) -> Circuit {
    let mut builder = Builder::new(Inputs { garbler_online: online, evaluator, garbler_offline: offline });
    let mut wires = builder.garbler_online();
    wires.extend(builder.evaluator());
    wires.extend(builder.garbler_offline());
    let mut outputs = vec![Bit::Const(true), Bit::Const(false)];
    for pair in wires.windows(2) {
        let both = builder.and(pair[0], pair[1]);
        let other = builder.xor(both, pair[0]);
        outputs.extend([both, builder.not(other)]);
    }
    builder.finish(outputs)
}

struct Layer {
    circuit: Circuit,
    plan: GatePlan,
    /// The inputs of every instance, least significant bit first.
    values: Vec<u64>,
    records: Vec<u8>,
    encoders: Vec<u8>,
    delta: Block,
}

const LAYER: (usize, u64) = (7, 1234);
const STEP: usize = 9;

impl Layer {
    fn garble(circuit: Circuit, values: Vec<u64>, chunk: usize, seed: u64) -> Self {
        let (plan, delta) = (GatePlan::new(&circuit).unwrap(), Block::from(seed) << 64 | 1);
        let (layout, labels) = (Layout::of(&plan), RecordLabels::new(&Seed::reproducible(seed)));
        let garbler = RecordGarbler { plan: &plan, labels: &labels, delta, first_gate: LAYER.1, layer: LAYER.0 };
        let mut records = vec![0; layout.record_bytes() * values.len()];
        let mut encoders = vec![0; layout.encoder_bytes() * values.len()];
        let counter = Counter::default();
        let known = circuit.inputs.garbler_online + circuit.inputs.evaluator;
        let parts =
            records.chunks_mut(chunk * layout.record_bytes()).zip(encoders.chunks_mut(chunk * layout.encoder_bytes()));
        for (index, (values, (records, encoders))) in values.chunks(chunk).zip(parts).enumerate() {
            let offline: Vec<u128> = values.iter().map(|value| u128::from(value >> known)).collect();
            let masks: Vec<u64> = (0..values.len()).map(|place| (index * chunk + place) as u64).collect();
            garbler.garble(index * chunk, (&offline, &masks), (records, encoders), &counter).unwrap();
        }
        let (count, gates) = (values.len() as u64, circuit.and_gates());
        let expected = Work {
            and_gates: count * gates,
            xor_gates: count * circuit.xor_gates(),
            hash_calls: count * (4 * gates + 2 * circuit.outputs.len() as u64),
            labels: count * (circuit.inputs.total() as u64 + 2),
            ..Work::default()
        };
        assert_eq!(counter.take(), expected);
        Self { circuit, plan, values, records, encoders, delta }
    }

    /// The active labels of the online and the evaluator's inputs, from the encoders.
    fn labels(&self) -> (Vec<Block>, Vec<Block>) {
        let layout = Layout::of(&self.plan);
        let (mut online, mut evaluator) = (Vec::new(), Vec::new());
        for (instance, (encoder, value)) in self.encoders.chunks(layout.encoder_bytes()).zip(&self.values).enumerate() {
            let mut zeros = vec![0; layout.inputs.total() + 1];
            assert_eq!(layout.read_encoder(encoder, &mut zeros), Some(instance as u64));
            assert_eq!(zeros.pop(), Some(self.delta));
            let active =
                zeros.iter().enumerate().map(|(bit, zero)| zero ^ if value >> bit & 1 == 1 { self.delta } else { 0 });
            let mut active = active.take(layout.inputs.garbler_online + layout.inputs.evaluator);
            online.extend(active.by_ref().take(layout.inputs.garbler_online));
            evaluator.extend(active);
        }
        (online, evaluator)
    }

    fn evaluate(&self, part: usize) -> Result<Vec<u64>> {
        let (layout, (online, evaluator)) = (Layout::of(&self.plan), self.labels());
        let counter = Counter::default();
        let side = RecordEvaluator::new(&self.plan, LAYER, STEP, &self.records)?;
        let mut outputs = vec![0; self.values.len()];
        for (index, outputs) in outputs.chunks_mut(part).enumerate() {
            let range = |each: usize| index * part * each..(index * part + outputs.len()) * each;
            let online = &online[range(layout.inputs.garbler_online)];
            let own = &evaluator[range(layout.inputs.evaluator)];
            let records = &self.records[range(layout.record_bytes())];
            side.evaluate(index * part, records, (online, own), outputs, &counter)?;
        }
        let (count, gates, each) =
            (self.values.len() as u64, self.circuit.and_gates(), self.circuit.outputs.len() as u64);
        let expected = Work {
            and_gates: count * gates,
            xor_gates: count * self.circuit.xor_gates(),
            hash_calls: count * (2 * gates + each),
            labels: count * each,
            ..Work::default()
        };
        assert_eq!(counter.take(), expected);
        Ok(outputs)
    }

    fn plain(&self) -> Vec<u64> {
        let bits = |value: &u64| (0..self.circuit.inputs.total()).map(|bit| value >> bit & 1 == 1).collect::<Vec<_>>();
        let number = |bits: Vec<bool>| bits.iter().enumerate().map(|(place, bit)| u64::from(*bit) << place).sum();
        self.values.iter().map(|value| number(self.circuit.evaluate(&bits(value)))).collect()
    }
}

fn random_values(seed: u64, count: usize) -> Vec<u64> {
    let mut rng = Seed::reproducible(!seed).rng();
    (0..count).map(|_| rng.next_u64()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn records_evaluate_to_the_circuits_values_in_any_chunks_and_count_their_work(
        (online, evaluator, offline) in (0usize..5, 0usize..5, 2usize..5), instances in 1usize..300, seed: u64,
        chunk in prop_oneof![Just(32usize), Just(64), Just(CHUNK)], part in prop_oneof![Just(32usize), Just(256)],
    ) {
        let layer = Layer::garble(circuit(online, evaluator, offline), random_values(seed, instances), chunk, seed);
        prop_assert_eq!(layer.evaluate(part).unwrap(), layer.plain());
    }

    #[test]
    fn changed_tables_lengths_and_hashes_are_protocol_errors(seed: u64, flipped: proptest::sample::Index, bit in 0u8..8) {
        let mut layer = Layer::garble(circuit(2, 2, 2), random_values(seed, 3), CHUNK, seed);
        let at = flipped.index(layer.records.len());
        layer.records[at] ^= 1 << bit;
        match layer.evaluate(32) {
            Err(BackendError::Protocol { step: STEP, .. }) => {}
            // Some of a record's bytes do not matter for these inputs: unused constants, halves of tables that are not taken,
            // hashes of the other label.
            Ok(outputs) => prop_assert_eq!(outputs, layer.plain()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn every_length_and_tag_of_a_record_is_checked() {
    let layer = Layer::garble(circuit(1, 1, 2), random_values(5, 2), CHUNK, 5);
    let layout = Layout::of(&layer.plan);
    let blocks = (0..layout.blocks()).map(|block| 8 + 24 * block);
    let labels = (0..2).flat_map(|label| [0, 4].map(|at| layout.circuit_bytes() + 28 * label + at));
    for at in [0].into_iter().chain(blocks).chain(labels) {
        for record in 0..2 {
            let mut records = layer.records.clone();
            records[record * layout.record_bytes() + at] ^= 1;
            let changed = Layer {
                records,
                values: layer.values.clone(),
                encoders: layer.encoders.clone(),
                circuit: layer.circuit.clone(),
                plan: layer.plan.clone(),
                ..layer
            };
            assert!(matches!(changed.evaluate(32), Err(BackendError::Protocol { step: STEP, .. })), "{record}, {at}");
        }
    }
}

#[test]
fn sizes_that_do_not_belong_together_are_refused() {
    let layer = Layer::garble(circuit(1, 1, 2), random_values(5, 2), CHUNK, 5);
    let side = RecordEvaluator::new(&layer.plan, LAYER, STEP, &layer.records).unwrap();
    let counter = Counter::default();
    for (records, online, own) in [(1, 2, 2), (2, 1, 2), (2, 2, 1)] {
        let records = &layer.records[..records * Layout::of(&layer.plan).record_bytes()];
        assert!(side.evaluate(0, records, (&vec![0; online], &vec![0; own]), &mut [0; 2], &counter).is_err());
    }
    assert!(RecordEvaluator::new(&layer.plan, LAYER, STEP, &layer.records[..100]).is_err());
    let labels = RecordLabels::new(&Seed::reproducible(1));
    let garbler = RecordGarbler { plan: &layer.plan, labels: &labels, delta: 1, first_gate: 0, layer: 0 };
    assert!(garbler.garble(0, (&[0], &[0]), (&mut [0; 3], &mut [0; 3]), &counter).is_err());
}
