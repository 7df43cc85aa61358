//! The garbler.

use super::garbled::{Garbled, pack_decoding, split_chunk_mut};
use super::hash::{Block, hash};
use super::labels::LabelSource;
use super::lanes::{QUADS, Scratch, Slot, expand, output_labels, scatter};
use super::plan::GatePlan;
use super::walk::{HalfGates, Table, first_tweaks, output_colours, walk};
use super::{CHUNK, LANES, per_instance, unfit};
use crate::counter::Counter;
use crate::error::Result;
use crate::simd::{AesKey, Engine, Job, Path};
use pisim_protocol::Work;
use rayon::prelude::*;

/// What the garbler feeds into instances of a circuit: a whole layer's, or one chunk's. Slices hold those instances only.
pub struct GarblerInputs<'a> {
    /// The global offset Δ, with its lowest bit set.
    pub delta: Block,
    /// Zero labels of the evaluator's inputs, `[instance][input]`: what oblivious transfer left with the sender.
    pub evaluator_zeros: &'a [Block],
    /// Labels of the garbler's own inputs, numbered through the layer.
    pub own: &'a LabelSource,
    /// The offline inputs, least significant bit first: [`GatePlan::offline_words`] words per instance.
    pub offline_values: &'a [u128],
    /// The number of AND gates garbled under this Δ before this layer: its first tweak.
    pub first_gate: u64,
}

/// Garbles as many instances of a circuit as there are offline values for, on all cores.
///
/// # Errors
/// Labels of another number than the circuit's.
pub fn garble(plan: &GatePlan, inputs: &GarblerInputs<'_>, counter: &Counter) -> Result<Garbled> {
    let words = plan.offline_words();
    let mut garbled = Garbled::new(plan, inputs.offline_values.len() / words);
    let (seed, chunks) = garbled.parts_mut(plan);
    seed.copy_from_slice(inputs.own.offline().seed());
    let mut decoding = vec![0; CHUNK];
    let mut first = 0;
    for (instances, chunk) in chunks {
        let last = first + instances;
        let inputs = GarblerInputs {
            evaluator_zeros: per_instance(inputs.evaluator_zeros, plan.inputs.evaluator, first..last)?,
            offline_values: &inputs.offline_values[first * words..last * words],
            ..*inputs
        };
        let (tables, bits) = split_chunk_mut(plan, instances, chunk)?;
        garble_chunk(plan, &inputs, first, tables, &mut decoding[..instances], counter)?;
        pack_decoding(plan, &decoding[..instances], bits);
        first = last;
    }
    Ok(garbled)
}

/// Garbles the instances of one chunk, numbered from `first_instance` in their layer, on all cores: their tables in the
/// layout of the wire, and one word of decoding bits per instance.
///
/// # Errors
/// Labels, tables or decoding words of another number than the circuit's.
pub fn garble_chunk(
    plan: &GatePlan,
    inputs: &GarblerInputs<'_>,
    first_instance: usize,
    tables: &mut [Block],
    decoding: &mut [u64],
    counter: &Counter,
) -> Result<()> {
    garble_on(Path::current(), plan, inputs, first_instance, (tables, Decoding::Colours(decoding)), counter)
}

/// As [`garble_chunk`], but with the zero labels of the outputs, `[instance][output]`, instead of decoding bits. The label of a
/// constant output is zero.
///
/// # Errors
/// As [`garble_chunk`].
pub fn garble_labels(
    plan: &GatePlan,
    inputs: &GarblerInputs<'_>,
    first_instance: usize,
    tables: &mut [Block],
    outputs: &mut [Block],
    counter: &Counter,
) -> Result<()> {
    garble_on(Path::current(), plan, inputs, first_instance, (tables, Decoding::Labels(outputs)), counter)
}

/// What is left of the outputs' zero labels.
pub(super) enum Decoding<'a> {
    /// Their colours, one word per instance.
    Colours(&'a mut [u64]),
    /// All of them, `[instance][output]`.
    Labels(&'a mut [Block]),
}

impl<'a> Decoding<'a> {
    /// Takes the part of the next instances.
    fn split_off(&mut self, plan: &GatePlan, instances: usize) -> Option<Decoding<'a>> {
        match self {
            Self::Colours(words) => words.split_off_mut(..instances).map(Decoding::Colours),
            Self::Labels(labels) => labels.split_off_mut(..instances * plan.outputs.len()).map(Decoding::Labels),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Colours(words) => words.is_empty(),
            Self::Labels(labels) => labels.is_empty(),
        }
    }
}

/// [`garble_chunk`] or [`garble_labels`] on one path.
pub(super) fn garble_on(
    path: Path,
    plan: &GatePlan,
    inputs: &GarblerInputs<'_>,
    first_instance: usize,
    (mut tables, mut decoding): (&mut [Block], Decoding<'_>),
    counter: &Counter,
) -> Result<()> {
    let instances = inputs.offline_values.len() / plan.offline_words();
    if inputs.evaluator_zeros.len() != plan.inputs.evaluator * instances {
        return Err(unfit());
    }
    let mut batches = Vec::with_capacity(instances.div_ceil(LANES));
    for first in (0..instances).step_by(LANES) {
        let lanes = LANES.min(instances - first);
        let batch = tables.split_off_mut(..plan.table_blocks() * lanes).zip(decoding.split_off(plan, lanes));
        batches.push(batch.ok_or_else(unfit)?);
    }
    if !tables.is_empty() || !decoding.is_empty() {
        return Err(unfit());
    }
    let garbler =
        Garbler { plan, inputs, instances, first_instance, permutation: inputs.own.offline().permutation(path) };
    batches.into_par_iter().enumerate().for_each_init(
        || Scratch::new(plan),
        |scratch, (index, (tables, decoding))| {
            counter.add(garbler.batch(scratch, index * LANES, tables, decoding));
        },
    );
    Ok(())
}

/// What all batches of a chunk share.
struct Garbler<'a> {
    plan: &'a GatePlan,
    inputs: &'a GarblerInputs<'a>,
    instances: usize,
    first_instance: usize,
    permutation: AesKey,
}

impl Garbler<'_> {
    /// Garbles the instances from `first` on, counted inside the chunk; returns the work.
    fn batch(&self, scratch: &mut Scratch, first: usize, tables: &mut [Block], decoding: Decoding<'_>) -> Work {
        let lanes = LANES.min(self.instances - first);
        let labels = self.load_inputs(&mut scratch.slots, first, lanes);
        let words = self.plan.offline_words();
        let mut values = std::mem::take(&mut scratch.values);
        values.clear();
        values.resize(words, [0; LANES]);
        let of_batch = &self.inputs.offline_values[first * words..(first + lanes) * words];
        for (lane, of_lane) in of_batch.chunks_exact(words).enumerate() {
            values.iter_mut().zip(of_lane).for_each(|(word, value)| word[lane] = *value);
        }
        let mut padded = if lanes < LANES { scratch.padded(self.plan) } else { Vec::new() };
        let whole = if lanes < LANES { padded.as_mut_slice() } else { &mut *tables };
        let batch = Batch {
            plan: self.plan,
            delta: self.inputs.delta,
            values: &values,
            tweaks: first_tweaks(self.plan, self.inputs.first_gate, self.first_instance + first),
            slots: &mut scratch.slots,
            tables: whole.as_chunks_mut().0.as_chunks_mut().0,
        };
        let (each, colours) = self.permutation.run(batch);
        scratch.values = values;
        match decoding {
            Decoding::Colours(words) => words.copy_from_slice(&colours[..lanes]),
            Decoding::Labels(labels) => output_labels(self.plan, &scratch.slots, labels),
        }
        if lanes < LANES {
            for (half, padded) in tables.chunks_exact_mut(lanes).zip(padded.chunks_exact(LANES)) {
                half.copy_from_slice(&padded[..lanes]);
            }
            scratch.padded = padded;
        }
        let lanes = lanes as u64;
        Work {
            and_gates: each.and_gates * lanes,
            xor_gates: each.xor_gates * lanes,
            hash_calls: each.hash_calls * lanes,
            labels,
            ..Work::default()
        }
    }

    /// Puts labels into the inputs' slots: zero labels, but for the offline inputs the active ones. Returns how many of them
    /// it expanded.
    fn load_inputs(&self, slots: &mut [Slot], first: usize, lanes: usize) -> u64 {
        let (counts, number) = (self.plan.inputs, (self.first_instance + first) as u64);
        let (online, rest) = slots.split_at_mut(counts.garbler_online);
        expand(self.inputs.own.online(), number * counts.garbler_online as u64, online);
        let zeros = &self.inputs.evaluator_zeros[first * counts.evaluator..(first + lanes) * counts.evaluator];
        let (evaluator, rest) = rest.split_at_mut(counts.evaluator);
        scatter(evaluator, zeros, counts.evaluator);
        let offline = self.inputs.own.offline().stream();
        expand(offline, number * counts.garbler_offline as u64, &mut rest[..counts.garbler_offline]);
        (lanes * (counts.garbler_online + counts.garbler_offline)) as u64
    }
}

/// One batch of instances on its way through the circuit: the zero label of every slot, lane by lane.
struct Batch<'a> {
    plan: &'a GatePlan,
    delta: Block,
    /// The offline inputs of every lane, word by word.
    values: &'a [[u128; LANES]],
    tweaks: Slot,
    slots: &'a mut [Slot],
    tables: &'a mut [Table],
}

impl Job for Batch<'_> {
    /// The work of one lane, and the colours of the outputs' zero labels, so that the evaluator can read its result.
    type Output = (Work, [u64; LANES]);

    #[inline(always)]
    fn run<E: Engine>(self, engine: E) -> Self::Output {
        let delta = engine.splat(self.delta);
        let counts = self.plan.inputs;
        let offline = &mut self.slots[counts.total() - counts.garbler_offline..counts.total()];
        take_values(engine, offline, self.values, delta);
        let side = Side { delta, tweaks: &self.tweaks };
        let work = walk(engine, self.plan, self.slots, &side, self.tables.iter_mut());
        (work, output_colours(self.plan, self.slots))
    }
}

/// From the active labels of the offline inputs to their zero labels.
#[inline(always)]
fn take_values<E: Engine>(engine: E, slots: &mut [Slot], values: &[[u128; LANES]], delta: E::Vector) {
    // The engine shifts words of 64 bits.
    for (half, slots) in slots.chunks_mut(64).enumerate() {
        let Some(values) = values.get(half / 2) else { return };
        for quad in 0..QUADS {
            let mut bits = [0; 4];
            for (bits, value) in bits.iter_mut().zip(&values[4 * quad..]) {
                *bits = *value >> (64 * (half % 2));
            }
            let bits = engine.load(&bits);
            for (input, slot) in slots.iter_mut().enumerate() {
                let choice = engine.shift_right(bits, input as u32);
                let zero = engine.xor_if(engine.load(&slot.0[quad]), choice, delta);
                engine.store(zero, &mut slot.0[quad]);
            }
        }
    }
}

struct Side<'a, E: Engine> {
    delta: E::Vector,
    tweaks: &'a Slot,
}

impl<E: Engine> HalfGates<E, &mut Table> for Side<'_, E> {
    const HASHES: u64 = 4;

    #[inline(always)]
    fn flip(&self, _engine: E) -> E::Vector {
        // The label that stood for zero stands for one.
        self.delta
    }

    #[inline(always)]
    fn and(&self, engine: E, slots: &mut [Slot], [a, b, out]: [usize; 3], tweak: u64, table: &mut Table) {
        let (garbler, evaluator) = table.split_at_mut(QUADS);
        // Two vectors of lanes make eight vectors to hash, which hide the latency of AES and fit the registers.
        for quad in (0..QUADS).step_by(2) {
            let zeros_a = [engine.load(&slots[a].0[quad]), engine.load(&slots[a].0[quad + 1])];
            let zeros_b = [engine.load(&slots[b].0[quad]), engine.load(&slots[b].0[quad + 1])];
            let tweaks = [self.tweak(engine, quad, tweak), self.tweak(engine, quad + 1, tweak)];
            let hashes = self.hash(engine, zeros_a, zeros_b, tweaks);
            for lane in 0..2 {
                let [a0, a1, b0, b1] = [hashes[lane], hashes[2 + lane], hashes[4 + lane], hashes[6 + lane]];
                let (zero_a, zero_b) = (zeros_a[lane], zeros_b[lane]);
                let both_b = engine.xor(b0, b1);
                let garbler_half = engine.xor_if(engine.xor(a0, a1), zero_b, self.delta);
                engine.store(garbler_half, &mut garbler[quad + lane]);
                engine.store(engine.xor(both_b, zero_a), &mut evaluator[quad + lane]);
                let zero_out = engine.xor_if(engine.xor(a0, b0), zero_a, garbler_half);
                engine.store(engine.xor_if(zero_out, zero_b, both_b), &mut slots[out].0[quad + lane]);
            }
        }
    }
}

impl<E: Engine> Side<'_, E> {
    /// The even tweaks of four lanes.
    #[inline(always)]
    fn tweak(&self, engine: E, quad: usize, tweak: u64) -> E::Vector {
        engine.add_low(engine.load(&self.tweaks.0[quad]), tweak)
    }

    /// The hashes of both labels of a, under even tweaks, and of both labels of b, under odd ones.
    #[inline(always)]
    fn hash(&self, engine: E, a: [E::Vector; 2], b: [E::Vector; 2], even: [E::Vector; 2]) -> [E::Vector; 8] {
        let other = |zero| engine.xor(zero, self.delta);
        let one = engine.splat(1);
        let odd = [engine.xor(even[0], one), engine.xor(even[1], one)];
        hash(
            engine,
            [a[0], a[1], other(a[0]), other(a[1]), b[0], b[1], other(b[0]), other(b[1])],
            &[even[0], even[1], even[0], even[1], odd[0], odd[1], odd[0], odd[1]],
        )
    }
}
