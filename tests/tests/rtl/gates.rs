//! Vectors for gates: the labels of every wire of ReLUs that the backend garbles and evaluates.

use super::aes::{ROUND_KEYS, encrypt, round_keys};
use super::cores::{Port, Vectors, streaming};
use super::words::{Numbers, Row, word};
use pisim_backend::gc::{
    Block, EvaluatorLabels, GarblerInputs, GatePlan, LANES, LabelSource, OfflineLabels, evaluate_labels, garble_labels,
};
use pisim_backend::{Counter, Seed};
use pisim_protocol::Party;
use pisim_protocol::circuit::{Bit, Circuit, Gate};
use pisim_protocol::gadgets::{Activation, activation_circuit};

/// The AND gates garbled before: tweaks need more than 32 bits.
const FIRST_GATE: u64 = 0x1234_5678_9abc;

/// What the backend makes of some ReLUs of eight bits, one after the other.
struct Garbled {
    circuit: Circuit,
    hash_key: u128,
    delta: Block,
    /// `[instance][wire]`.
    zeros: Vec<Vec<Block>>,
    /// `[instance][wire]`.
    active: Vec<Vec<Block>>,
    /// `[instance][AND gate]`: the garbler's half, then the evaluator's.
    tables: Vec<Vec<[Block; 2]>>,
}

/// The instances: one batch, whose tables lie `[gate][half][instance]`.
const INSTANCES: usize = 12;
const _: () = assert!(INSTANCES <= LANES);

impl Garbled {
    fn new() -> Self {
        let circuit = activation_circuit(Activation::Relu, Party::Server, 8, 2);
        let mut found = Self {
            delta: Numbers::new("delta", 2).block() | 1,
            hash_key: u128::from_le_bytes(own_labels().offline().hash_key()),
            zeros: vec![Vec::new(); INSTANCES],
            active: vec![Vec::new(); INSTANCES],
            tables: Vec::new(),
            circuit,
        };
        let wires: Vec<u32> = (0..found.circuit.wires() as u32).collect();
        // A circuit has at most 64 outputs, and gives the labels of those.
        for some in wires.chunks(64) {
            let outputs = some.iter().map(|wire| Bit::Wire(*wire)).collect();
            let circuit = Circuit { outputs, ..found.circuit.clone() };
            found.add_outputs(&circuit);
        }
        found
    }

    /// Garbles and evaluates a circuit on random values and keeps its outputs' labels.
    fn add_outputs(&mut self, circuit: &Circuit) {
        let plan = GatePlan::new(circuit).unwrap();
        let (own, counts, each) = (own_labels(), circuit.inputs, circuit.outputs.len());
        let mut numbers = Numbers::new("values and labels", 1000);
        let values: Vec<u64> = (0..INSTANCES).map(|_| numbers.next()).collect();
        let offline_values: Vec<u128> = values.iter().map(|value| u128::from(value >> 40)).collect();
        let evaluator_zeros: Vec<Block> = (0..INSTANCES * counts.evaluator).map(|_| numbers.block()).collect();
        let mut online_zeros = vec![0; INSTANCES * counts.garbler_online];
        own.fill(0, &mut online_zeros, &Counter::default());

        let inputs = GarblerInputs {
            delta: self.delta,
            evaluator_zeros: &evaluator_zeros,
            own: &own,
            offline_values: &offline_values,
            first_gate: FIRST_GATE,
        };
        let mut tables = vec![0; INSTANCES * plan.table_blocks()];
        let mut zeros = vec![0; INSTANCES * each];
        garble_labels(&plan, &inputs, 0, &mut tables, &mut zeros, &Counter::default()).unwrap();

        let choose = |zeros: &[Block], shift: u32, each: usize| -> Vec<Block> {
            let bit = |place: usize| values[place / each] >> (shift as usize + place % each) & 1;
            zeros.iter().enumerate().map(|(place, zero)| zero ^ if bit(place) == 1 { self.delta } else { 0 }).collect()
        };
        let labels = EvaluatorLabels {
            garbler_online: &choose(&online_zeros, 0, counts.garbler_online),
            evaluator: &choose(&evaluator_zeros, 20, counts.evaluator),
            offline: &OfflineLabels::new(*own.offline().seed()),
            first_gate: FIRST_GATE,
        };
        let mut active = vec![0; INSTANCES * each];
        evaluate_labels(&plan, &labels, 0, (&tables, &mut active), INSTANCES, &Counter::default()).unwrap();

        for instance in 0..INSTANCES {
            self.zeros[instance].extend(&zeros[instance * each..(instance + 1) * each]);
            self.active[instance].extend(&active[instance * each..(instance + 1) * each]);
        }
        let half = |gate: usize, half: usize, instance: usize| tables[(2 * gate + half) * INSTANCES + instance];
        let of_instance = |i| (0..plan.table_blocks() / 2).map(|gate| [half(gate, 0, i), half(gate, 1, i)]).collect();
        self.tables = (0..INSTANCES).map(of_instance).collect();
    }

    /// Every AND gate in order: its instance, its number in the instance, its tweak, inputs and output.
    fn ands(&self) -> impl Iterator<Item = (usize, usize, u64, [usize; 3])> {
        let inputs = self.circuit.inputs.total();
        let ands: Vec<_> = self
            .circuit
            .gates
            .iter()
            .enumerate()
            .filter_map(move |(position, gate)| match *gate {
                Gate::And(a, b) => Some([a as usize, b as usize, inputs + position]),
                _ => None,
            })
            .collect();
        (0..INSTANCES).flat_map(move |instance| {
            let each = ands.len();
            let tweak = move |gate: usize| 2 * (FIRST_GATE + (instance * each + gate) as u64);
            ands.clone().into_iter().enumerate().map(move |(gate, wires)| (instance, gate, tweak(gate), wires))
        })
    }
}

fn own_labels() -> LabelSource {
    LabelSource::new(&Seed::reproducible(11))
}

const GARBLER_INPUTS: [Port; 3] = [("tweak", 64), ("zero_a", 128), ("zero_b", 128)];
const GARBLER_OUTPUTS: [Port; 3] = [("garbler_half", 128), ("evaluator_half", 128), ("zero_out", 128)];
const EVALUATOR_INPUTS: [Port; 5] =
    [("tweak", 64), ("label_a", 128), ("label_b", 128), ("garbler_half", 128), ("evaluator_half", 128)];
const LABEL_OUT: [Port; 1] = [("label_out", 128)];
const DELTA: Port = ("delta", 128);

fn blocks(values: &[Block]) -> Row {
    values.iter().map(|value| word(*value, 128)).collect()
}

fn tweaked(tweak: u64, values: &[Block]) -> Row {
    [vec![word(tweak, 64)], blocks(values)].concat()
}

/// The AND gates of the backend's ReLUs.
pub fn garbler() -> Vectors {
    let garbled = Garbled::new();
    let case = |(instance, gate, tweak, [a, b, out]): (usize, usize, u64, [usize; 3])| {
        let (zeros, [garbler, evaluator]) = (&garbled.zeros[instance], garbled.tables[instance][gate]);
        (tweaked(tweak, &[zeros[a], zeros[b]]), blocks(&[garbler, evaluator, zeros[out]]))
    };
    let constants = vec![round_keys(garbled.hash_key), word(garbled.delta, 128)];
    let cases: Vec<_> = garbled.ands().map(case).collect();
    streaming([&[ROUND_KEYS, DELTA], &GARBLER_INPUTS, &GARBLER_OUTPUTS], constants, cases)
}

/// The same gates evaluated.
pub fn evaluator() -> Vectors {
    let garbled = Garbled::new();
    let case = |(instance, gate, tweak, [a, b, out]): (usize, usize, u64, [usize; 3])| {
        let (active, [garbler, evaluator]) = (&garbled.active[instance], garbled.tables[instance][gate]);
        (tweaked(tweak, &[active[a], active[b], garbler, evaluator]), blocks(&[active[out]]))
    };
    let cases: Vec<_> = garbled.ands().map(case).collect();
    streaming([&[ROUND_KEYS], &EVALUATOR_INPUTS, &LABEL_OUT], vec![round_keys(garbled.hash_key)], cases)
}

/// The XOR and INV gates of the backend's ReLUs, garbled and evaluated.
pub fn free_xor() -> Vectors {
    let garbled = Garbled::new();
    let (first, mut cases) = (garbled.circuit.inputs.total(), Vec::new());
    // A negation adds delta when garbling, and nothing when evaluating.
    for (all, flip) in [(&garbled.zeros, garbled.delta), (&garbled.active, 0)] {
        for labels in all {
            for (position, gate) in garbled.circuit.gates.iter().enumerate() {
                let out = labels[first + position];
                match *gate {
                    Gate::And(..) => {}
                    Gate::Xor(a, b) => cases.push((blocks(&[labels[a as usize], labels[b as usize]]), blocks(&[out]))),
                    Gate::Inv(a) => cases.push((blocks(&[labels[a as usize], flip]), blocks(&[out]))),
                }
            }
        }
    }
    streaming([&[], &[("label_a", 128), ("label_b", 128)], &LABEL_OUT], Vec::new(), cases)
}

/// The four hashes of a gate under the re-keyed hash H(x, i) = AES_i(x) ^ x, which the backend does not use, and what
/// half gates make of them (Zahur, Rosulek and Evans, figure 2): both halves and the output's zero label.
fn rekeyed_gate(delta: Block, tweak: u64, [a, b]: [Block; 2]) -> [Block; 3] {
    let colour = |label: Block, value: Block| if label & 1 == 1 { value } else { 0 };
    let [a0, a1] = [a, a ^ delta].map(|label| rekeyed_hash(tweak, label));
    let [b0, b1] = [b, b ^ delta].map(|label| rekeyed_hash(tweak + 1, label));
    let garbler = a0 ^ a1 ^ colour(b, delta);
    let evaluator = b0 ^ b1 ^ a;
    let out_garbler = a0 ^ colour(a, garbler);
    let out_evaluator = b0 ^ colour(b, evaluator ^ a);
    [garbler, evaluator, out_garbler ^ out_evaluator]
}

fn rekeyed_hash(tweak: u64, label: Block) -> Block {
    encrypt(tweak.into(), label) ^ label
}

/// Random gates: delta, tweak and zero labels.
fn random_gates() -> (Block, Vec<(u64, [Block; 2])>) {
    let mut numbers = Numbers::new("gates", 1000);
    let delta = numbers.block() | 1;
    (delta, (0..150).map(|_| (numbers.next() & !1, [numbers.block(), numbers.block()])).collect())
}

/// The re-keyed garbler on random gates.
pub fn rekeyed_garbler() -> Vectors {
    let (delta, gates) = random_gates();
    let case = |(tweak, zeros): (u64, [Block; 2])| (tweaked(tweak, &zeros), blocks(&rekeyed_gate(delta, tweak, zeros)));
    let cases: Vec<_> = gates.into_iter().map(case).collect();
    streaming(
        [&[ROUND_KEYS, DELTA], &GARBLER_INPUTS, &GARBLER_OUTPUTS],
        vec![word(0u32, 1408), word(delta, 128)],
        cases,
    )
}

/// The re-keyed evaluator on the same gates with all four pairs of values: its output must be the label of their AND.
pub fn rekeyed_evaluator() -> Vectors {
    let (delta, gates) = random_gates();
    let cases = gates.into_iter().enumerate().map(|(index, (tweak, [a, b]))| {
        let [garbler, evaluator, zero_out] = rekeyed_gate(delta, tweak, [a, b]);
        let (x, y) = (index & 1 == 1, index & 2 == 2);
        let active = |zero: Block, value: bool| if value { zero ^ delta } else { zero };
        let labels = [active(a, x), active(b, y), garbler, evaluator];
        (tweaked(tweak, &labels), blocks(&[active(zero_out, x && y)]))
    });
    let cases: Vec<_> = cases.collect();
    streaming([&[ROUND_KEYS], &EVALUATOR_INPUTS, &LABEL_OUT], vec![word(0u32, 1408)], cases)
}
