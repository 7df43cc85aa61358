//! Random circuits, garbled and evaluated, equal their plain evaluation.

use super::evaluate::evaluate_on;
use super::garble::{Decoding, garble_on};
use super::*;
use crate::counter::Counter;
use crate::random::Seed;
use crate::simd::Path;
use pisim_protocol::circuit::{Bit, Builder, Circuit, Gate, Inputs};
use pisim_protocol::gadgets::{Activation, activation_circuit};
use pisim_protocol::{Party, Work};
use proptest::prelude::*;
use rand_core::Rng;

/// Garbles and evaluates `circuit` on one number per instance and input group; returns outputs and both sides' work.
fn run(circuit: &Circuit, seed: u64, online: &[u64], evaluator: &[u64], offline: &[u128]) -> (Vec<u64>, Work, Work) {
    let plan = GatePlan::new(circuit).unwrap();
    let seed = Seed::reproducible(seed);
    let mut rng = seed.derive("test", 0).rng();
    let mut block = || Block::from(rng.next_u64()) << 64 | Block::from(rng.next_u64());
    let delta = block() | 1;
    let (instances, counts) = (online.len(), circuit.inputs);
    let zeros: Vec<Block> = (0..instances * counts.evaluator).map(|_| block()).collect();
    let own = LabelSource::new(&seed);
    let inputs =
        GarblerInputs { delta, evaluator_zeros: &zeros, own: &own, offline_values: offline, first_gate: 1 << 40 };
    let (garbler_counter, evaluator_counter) = (Counter::default(), Counter::default());
    let garbled = garble(&plan, &inputs, &garbler_counter).unwrap();
    let mut online_zeros = vec![0; instances * counts.garbler_online];
    own.fill(0, &mut online_zeros, &Counter::default());
    let choose = |zeros: &[Block], values: &[u64], each: usize| -> Vec<Block> {
        let active = |i: usize| Block::from(values[i / each] >> (i % each) & 1).wrapping_neg() & delta;
        zeros.iter().enumerate().map(|(i, zero)| zero ^ active(i)).collect()
    };
    let garbled = Garbled::from_wire(&plan, instances, garbled.into_wire()).unwrap();
    let labels = EvaluatorLabels {
        offline: &garbled.offline_labels(),
        garbler_online: &choose(&online_zeros, online, counts.garbler_online.max(1)),
        evaluator: &choose(&zeros, evaluator, counts.evaluator.max(1)),
        first_gate: 1 << 40,
    };
    let outputs = evaluate(&plan, &garbled, &labels, &evaluator_counter).unwrap();
    (outputs, garbler_counter.take(), evaluator_counter.take())
}

fn plain(circuit: &Circuit, online: u64, evaluator: u64, offline: u128) -> u64 {
    let bits = |value: u128, count: usize| (0..count).map(move |bit| value >> bit & 1 == 1);
    let counts = circuit.inputs;
    let inputs: Vec<bool> = bits(online.into(), counts.garbler_online)
        .chain(bits(evaluator.into(), counts.evaluator))
        .chain(bits(offline, counts.garbler_offline))
        .collect();
    circuit.evaluate(&inputs).iter().enumerate().map(|(position, bit)| u64::from(*bit) << position).sum()
}

/// A circuit from random numbers: each gate takes two earlier bits, constants and inputs included.
fn random_circuit(inputs: Inputs, choices: &[(u8, u16, u16)], outputs: usize) -> Circuit {
    let mut builder = Builder::new(inputs);
    let mut bits = vec![Bit::Const(false), Bit::Const(true)];
    bits.extend(builder.garbler_online());
    bits.extend(builder.evaluator());
    bits.extend(builder.garbler_offline());
    for (kind, a, b) in choices {
        let (a, b) = (bits[*a as usize % bits.len()], bits[*b as usize % bits.len()]);
        let bit = match kind % 3 {
            0 => builder.and(a, b),
            1 => builder.xor(a, b),
            _ => builder.not(a),
        };
        bits.push(bit);
    }
    let first = bits.len().saturating_sub(outputs);
    builder.finish(bits.split_off(first))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_circuits_garbled_equal_plain_and_count_exactly(
        choices in proptest::collection::vec(any::<(u8, u16, u16)>(), 0..120),
        counts in (0usize..5, 0usize..5, 0usize..5),
        values in proptest::collection::vec(any::<(u64, u64, u128)>(), 1..140),
        outputs in 1usize..20,
        seed: u64,
    ) {
        let inputs = Inputs { garbler_online: counts.0, evaluator: counts.1, garbler_offline: counts.2 };
        let circuit = random_circuit(inputs, &choices, outputs);
        let (online, (evaluator, offline)): (Vec<u64>, (Vec<u64>, Vec<u128>)) =
            values.iter().map(|(a, b, c)| (*a, (*b, *c))).unzip();
        let (out, garbled, evaluated) = run(&circuit, seed, &online, &evaluator, &offline);
        for (out, (a, b, c)) in out.iter().zip(&values) {
            prop_assert_eq!(*out, plain(&circuit, *a, *b, *c));
        }
        let instances = values.len() as u64;
        prop_assert_eq!(garbled.and_gates, instances * circuit.and_gates());
        prop_assert_eq!(garbled.xor_gates, instances * circuit.xor_gates());
        prop_assert_eq!(garbled.hash_calls, 4 * instances * circuit.and_gates());
        prop_assert_eq!(evaluated.hash_calls, 2 * instances * circuit.and_gates());
        prop_assert_eq!(evaluated.xor_gates, garbled.xor_gates);
        prop_assert_eq!(garbled.labels, instances * (counts.0 + counts.2) as u64);
        prop_assert_eq!(evaluated.labels, instances * (counts.2 + outputs.min(circuit.outputs.len())) as u64);
    }

    #[test]
    fn the_garbled_ring_relu_equals_the_plain_circuit_whoever_garbles(
        values in proptest::collection::vec(any::<(u64, u64, u128)>(), 1..80),
        k in prop_oneof![8u32..=64, Just(64)], shift in 0u32..8, client: bool, seed: u64,
    ) {
        let garbler = if client { Party::Client } else { Party::Server };
        let circuit = activation_circuit(Activation::Relu, garbler, k, shift);
        let counts = circuit.inputs;
        // A client knows its share and its mask when it garbles, a server its mask alone.
        let expected = if client { (0, k, 2 * k) } else { (k, k, k) };
        prop_assert_eq!((counts.garbler_online, counts.evaluator, counts.garbler_offline),
            (expected.0 as usize, expected.1 as usize, expected.2 as usize));
        let online: Vec<u64> = values.iter().map(|(a, ..)| *a).collect();
        let evaluator: Vec<u64> = values.iter().map(|(_, b, _)| *b).collect();
        let offline: Vec<u128> = values.iter().map(|(.., c)| *c).collect();
        let (out, ..) = run(&circuit, seed, &online, &evaluator, &offline);
        for (out, (a, b, c)) in out.iter().zip(&values) {
            prop_assert_eq!(*out, plain(&circuit, *a, *b, *c));
        }
    }
}

#[test]
fn a_flipped_table_bit_changes_an_output() {
    let circuit = activation_circuit(Activation::Relu, Party::Server, 16, 4);
    let plan = GatePlan::new(&circuit).unwrap();
    let seed = Seed::reproducible(7);
    let own = LabelSource::new(&seed);
    let zeros = vec![12345; 16];
    let inputs = GarblerInputs { delta: 99, evaluator_zeros: &zeros, own: &own, offline_values: &[0], first_gate: 0 };
    let garbled = garble(&plan, &inputs, &Counter::default()).unwrap();
    let mut online = vec![0; 16];
    own.fill(0, &mut online, &Counter::default());
    let labels = EvaluatorLabels { garbler_online: &online, evaluator: &zeros, offline: own.offline(), first_gate: 0 };
    let run = |garbled: &Garbled| evaluate(&plan, garbled, &labels, &Counter::default()).unwrap();
    assert_eq!(run(&garbled), [0]);
    let (seed, tables) = (OfflineLabels::SEED_BYTES / size_of::<Block>(), plan.table_blocks());
    let mut wire = garbled.into_wire();
    let mut changed = 0;
    for position in seed..seed + tables {
        wire.blocks_mut()[position] ^= 1;
        let garbled = Garbled::from_wire(&plan, 1, wire).unwrap();
        changed += usize::from(run(&garbled) != [0]);
        wire = garbled.into_wire();
        wire.blocks_mut()[position] ^= 1;
    }
    assert!(changed > 0);
    assert!(Garbled::from_wire(&plan, 2, wire).is_err());
}

proptest! {
    #[test]
    fn decoding_bits_of_every_width_are_unpacked_as_packed(
        words in proptest::collection::vec(any::<u64>(), 0..70), outputs in 0usize..=64,
    ) {
        let mut plan = GatePlan::new(&Builder::new(Inputs::default()).finish(Vec::new())).unwrap();
        plan.outputs = vec![plan::SlotBit::Const(false); outputs];
        let mask = if outputs == 0 { 0 } else { u64::MAX >> (64 - outputs) };
        let words: Vec<u64> = words.iter().map(|word| word & mask).collect();
        let mut bytes = vec![0xaa; chunk_bytes(&plan, words.len())];
        pack_decoding(&plan, &words, &mut bytes);
        for (position, byte) in bytes.iter().enumerate() {
            for bit in 0..8 {
                let (word, output) = ((8 * position + bit) / outputs.max(1), (8 * position + bit) % outputs.max(1));
                let expected = words.get(word).is_some_and(|word| word >> output & 1 == 1);
                prop_assert_eq!(byte >> bit & 1 == 1, expected);
            }
        }
        let mut unpacked = vec![1; words.len()];
        unpack_decoding(&plan, &bytes, &mut unpacked);
        prop_assert_eq!(unpacked, words);
    }
}

#[test]
fn a_layer_is_the_concatenation_of_its_chunks_and_wrong_lengths_are_errors() {
    let circuit = activation_circuit(Activation::Relu, Party::Server, 9, 1);
    let plan = GatePlan::new(&circuit).unwrap();
    let own = LabelSource::new(&Seed::reproducible(3));
    let instances = CHUNK + LANES + 3;
    let values: Vec<u128> = (0..instances as u128).map(|instance| (instance * 77) & 511).collect();
    let zeros: Vec<Block> = (0..instances * 9).map(|wire| wire as Block * 0x9e37_79b9_7f4a_7c15).collect();
    let inputs = |range: std::ops::Range<usize>| GarblerInputs {
        delta: 0x1234_5679 << 64 | 1,
        evaluator_zeros: &zeros[range.start * 9..range.end * 9],
        own: &own,
        offline_values: &values[range],
        first_gate: 5,
    };
    let counter = Counter::default();
    let whole = garble(&plan, &inputs(0..instances), &counter).unwrap().into_wire();
    let mut parts = own.offline().seed().to_vec();
    let mut first = 0;
    for count in chunk_sizes(instances) {
        let mut chunk = crate::Buffer::new(chunk_bytes(&plan, count));
        let mut decoding = vec![0; count];
        let (tables, bits) = split_chunk_mut(&plan, count, chunk.bytes_mut()).unwrap();
        garble_chunk(&plan, &inputs(first..first + count), first, tables, &mut decoding, &counter).unwrap();
        assert!(
            garble_chunk(&plan, &inputs(first..first + count), first, tables, &mut decoding[1..], &counter).is_err()
        );
        pack_decoding(&plan, &decoding, bits);
        parts.extend_from_slice(chunk.bytes());
        assert!(split_chunk(&plan, count, &chunk.bytes()[1..]).is_err());
        first += count;
    }
    assert_eq!(first, instances);
    assert!(whole.bytes() == parts);
    assert_eq!(
        whole.bytes().len() as u64,
        pisim_protocol::wire::garbled_tables_bytes(instances as u64, circuit.and_gates(), 9)
    );
}

/// Garbles and evaluates by the book: one instance at a time, one wire label per wire, straight from the definition.
fn by_the_book(
    circuit: &Circuit,
    inputs: &GarblerInputs<'_>,
    first_instance: usize,
    instance: usize,
) -> (Vec<[Block; 2]>, Vec<bool>) {
    let key = blake3::derive_key("pisim garbling permutation of one layer", inputs.own.offline().seed());
    let aes = <aes::Aes128 as aes::cipher::KeyInit>::new_from_slice(&key[..16]).unwrap();
    let pi = |mut block: Block| {
        encrypt_blocks(&aes, std::slice::from_mut(&mut block));
        block
    };
    let hash = |x: Block, tweak: Block| pi(pi(x) ^ tweak) ^ pi(x);
    let (counts, number) = (circuit.inputs, (first_instance + instance) as u64);
    let block = |stream: &crate::random::BlockStream, number: u64| {
        let mut block = [0];
        stream.fill(number, &mut block);
        block[0]
    };
    let mut zeros: Vec<Block> = Vec::new();
    zeros.extend(
        (0..counts.garbler_online as u64)
            .map(|input| block(inputs.own.online(), number * counts.garbler_online as u64 + input)),
    );
    zeros.extend(&inputs.evaluator_zeros[instance * counts.evaluator..(instance + 1) * counts.evaluator]);
    zeros.extend((0..counts.garbler_offline as u64).map(|input| {
        let active = block(inputs.own.offline().stream(), number * counts.garbler_offline as u64 + input);
        let words = counts.garbler_offline.div_ceil(128).max(1);
        let word = inputs.offline_values[instance * words + input as usize / 128];
        if word >> (input % 128) & 1 == 1 { active ^ inputs.delta } else { active }
    }));
    let mut tables = Vec::new();
    let mut tweak = 2 * (Block::from(inputs.first_gate) + Block::from(number) * Block::from(circuit.and_gates()));
    for gate in &circuit.gates {
        let zero = |wire: u32| zeros[wire as usize];
        let out = match *gate {
            Gate::Xor(a, b) => zero(a) ^ zero(b),
            Gate::Inv(a) => zero(a) ^ inputs.delta,
            Gate::And(a, b) => {
                let hashes = |zero: Block, tweak| [hash(zero, tweak), hash(zero ^ inputs.delta, tweak)];
                let ([a0, a1], [b0, b1]) = (hashes(zero(a), tweak), hashes(zero(b), tweak + 1));
                let garbler = a0 ^ a1 ^ if zero(b) & 1 == 1 { inputs.delta } else { 0 };
                let evaluator = b0 ^ b1 ^ zero(a);
                tables.push([garbler, evaluator]);
                tweak += 2;
                let left = if zero(a) & 1 == 1 { a0 ^ garbler } else { a0 };
                left ^ if zero(b) & 1 == 1 { b0 ^ evaluator ^ zero(a) } else { b0 }
            }
        };
        zeros.push(out);
    }
    let colour = |bit: &Bit| match *bit {
        Bit::Const(value) => value,
        Bit::Wire(wire) => zeros[wire as usize] & 1 == 1,
    };
    (tables, circuit.outputs.iter().map(colour).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_path_garbles_by_the_definition_and_evaluates_alike(
        choices in proptest::collection::vec(any::<(u8, u16, u16)>(), 0..80),
        // A max pool's garbler has more offline inputs than one word holds.
        counts in (0usize..4, 0usize..4, prop_oneof![0usize..4, 120usize..300]),
        instances in 0usize..2 * LANES + 2,
        first_instance in 0usize..1 << 30,
        first_gate in 0u64..1 << 50,
        outputs in 1usize..20,
        seed: u64,
    ) {
        let inputs = Inputs { garbler_online: counts.0, evaluator: counts.1, garbler_offline: counts.2 };
        let circuit = random_circuit(inputs, &choices, outputs);
        let plan = GatePlan::new(&circuit).unwrap();
        let seed = Seed::reproducible(seed);
        let mut rng = seed.rng();
        let mut blocks = |count: usize| -> Vec<Block> {
            (0..count).map(|_| Block::from(rng.next_u64()) << 64 | Block::from(rng.next_u64())).collect()
        };
        let (zeros, online) = (blocks(instances * counts.1), blocks(instances * counts.0));
        let values = blocks(instances * plan.offline_words());
        let own = LabelSource::new(&seed);
        let delta = blocks(1)[0] | 1;
        let inputs =
            GarblerInputs { delta, evaluator_zeros: &zeros, own: &own, offline_values: &values, first_gate };
        let labels =
            EvaluatorLabels { garbler_online: &online, evaluator: &zeros, offline: own.offline(), first_gate };
        let mut evaluated: Vec<Vec<u64>> = Vec::new();
        for path in Path::ALL.into_iter().filter(|path| path.is_supported()) {
            let mut tables = vec![0; instances * plan.table_blocks()];
            let mut decoding = vec![0; instances];
            let counter = Counter::default();
            garble_on(path, &plan, &inputs, first_instance, (&mut tables, Decoding::Colours(&mut decoding)), &counter).unwrap();
            for instance in 0..instances {
                let (expected, colours) = by_the_book(&circuit, &inputs, first_instance, instance);
                let batch = instance / LANES * LANES;
                let lanes = LANES.min(instances - batch);
                let tables = &tables[batch * plan.table_blocks()..];
                for (gate, halves) in expected.iter().enumerate() {
                    for (half, expected) in halves.iter().enumerate() {
                        prop_assert_eq!(tables[(2 * gate + half) * lanes + instance - batch], *expected, "{:?}", path);
                    }
                }
                let colours = colours.iter().enumerate().map(|(output, colour)| u64::from(*colour) << output);
                prop_assert_eq!(decoding[instance], colours.sum::<u64>(), "{:?}", path);
            }
            // Labels need not belong to the tables: every path must do the same with whatever it gets.
            let mut out = vec![0; instances];
            evaluate_on(path, &plan, &labels, first_instance, (&tables, &decoding, &mut out), &counter).unwrap();
            evaluated.push(out);
        }
        prop_assert!(evaluated.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
