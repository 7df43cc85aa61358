//! The evaluator.

use super::garbled::{Garbled, split_chunk, unpack_decoding};
use super::hash::{Block, hash};
use super::labels::OfflineLabels;
use super::lanes::{QUADS, Scratch, Slot, expand, output_labels, scatter};
use super::plan::{GatePlan, SlotBit};
use super::walk::{HalfGates, Table, first_tweaks, output_colours, walk};
use super::{CHUNK, LANES, PART, per_instance, unfit};
use crate::counter::Counter;
use crate::error::Result;
use crate::simd::{AesKey, Engine, Job, Path, Quad};
use pisim_protocol::Work;
use rayon::prelude::*;
use std::ops::Range;

/// The active labels of instances of a circuit: a whole layer's, or one chunk's. Slices hold those instances only.
pub struct EvaluatorLabels<'a> {
    /// The garbler's online inputs, `[instance][input]`.
    pub garbler_online: &'a [Block],
    /// The evaluator's inputs, `[instance][input]`.
    pub evaluator: &'a [Block],
    /// The garbler's offline inputs, numbered through the layer.
    pub offline: &'a OfflineLabels,
    /// The number of AND gates garbled under the same Δ before this layer.
    pub first_gate: u64,
}

impl EvaluatorLabels<'_> {
    /// The labels of some of the instances.
    fn of(&self, plan: &GatePlan, instances: Range<usize>) -> Result<EvaluatorLabels<'_>> {
        Ok(EvaluatorLabels {
            garbler_online: per_instance(self.garbler_online, plan.inputs.garbler_online, instances.clone())?,
            evaluator: per_instance(self.evaluator, plan.inputs.evaluator, instances)?,
            ..*self
        })
    }
}

/// Evaluates garbled instances on all cores and returns their outputs as numbers.
///
/// # Errors
/// Labels of another number than the circuit's.
pub fn evaluate(
    plan: &GatePlan,
    garbled: &Garbled,
    labels: &EvaluatorLabels<'_>,
    counter: &Counter,
) -> Result<Vec<u64>> {
    let mut outputs = vec![0; garbled.instances()];
    let mut decoding = vec![0; CHUNK];
    let mut first = 0;
    for (instances, chunk) in garbled.chunks(plan) {
        let last = first + instances;
        let labels = labels.of(plan, first..last)?;
        let (tables, bits) = split_chunk(plan, instances, chunk)?;
        unpack_decoding(plan, bits, &mut decoding[..instances]);
        evaluate_chunk(plan, &labels, first, tables, &decoding[..instances], &mut outputs[first..last], counter)?;
        first = last;
    }
    Ok(outputs)
}

/// Evaluates the instances of one chunk, numbered from `first_instance` in their layer, on all cores: one number per
/// instance, from the tables in the layout of the wire and one word of decoding bits per instance.
///
/// # Errors
/// Labels, tables or decoding words of another number than the circuit's.
pub fn evaluate_chunk(
    plan: &GatePlan,
    labels: &EvaluatorLabels<'_>,
    first_instance: usize,
    tables: &[Block],
    decoding: &[u64],
    outputs: &mut [u64],
    counter: &Counter,
) -> Result<()> {
    let count = outputs.len();
    let parts = outputs.par_chunks_mut(PART).zip(decoding.par_chunks(PART)).enumerate();
    parts.try_for_each(|(part, (outputs, decoding))| {
        let instances = part * PART..(part * PART + outputs.len()).min(count);
        let labels = labels.of(plan, instances.clone())?;
        let tables = per_instance(tables, plan.table_blocks(), instances.clone())?;
        evaluate_part(plan, &labels, first_instance + instances.start, (tables, decoding, outputs), counter)
    })?;
    if decoding.len() == count { Ok(()) } else { Err(unfit()) }
}

/// [`evaluate_chunk`] on the calling thread alone, for the tables, decoding words and outputs of some of a chunk's instances.
///
/// # Errors
/// As [`evaluate_chunk`].
pub fn evaluate_part(
    plan: &GatePlan,
    labels: &EvaluatorLabels<'_>,
    first_instance: usize,
    part: (&[Block], &[u64], &mut [u64]),
    counter: &Counter,
) -> Result<()> {
    evaluate_on(Path::current(), plan, labels, first_instance, part, counter)
}

/// [`evaluate_part`] on one path.
pub(super) fn evaluate_on(
    path: Path,
    plan: &GatePlan,
    labels: &EvaluatorLabels<'_>,
    first_instance: usize,
    (tables, decoding, outputs): (&[Block], &[u64], &mut [u64]),
    counter: &Counter,
) -> Result<()> {
    if decoding.len() != outputs.len() {
        return Err(unfit());
    }
    let evaluator = Evaluator { plan, labels, first_instance, permutation: labels.offline.permutation(path) };
    let permuted = evaluator.permuted_outputs();
    evaluator.batches(tables, outputs.len(), counter, |first, _, colours| {
        let decoded = outputs[first..].iter_mut().zip(&decoding[first..]).zip(colours);
        // A constant output has its value as colour, and no permutation.
        for ((output, decoding), colour) in decoded {
            *output = colour ^ (decoding & permuted);
        }
    })
}

/// As [`evaluate_part`], but with the labels of the outputs, `[instance][output]`, instead of their values. The label of a
/// constant output is zero.
///
/// # Errors
/// As [`evaluate_part`]; outputs for another number of instances than `instances`.
pub fn evaluate_labels(
    plan: &GatePlan,
    labels: &EvaluatorLabels<'_>,
    first_instance: usize,
    (tables, outputs): (&[Block], &mut [Block]),
    instances: usize,
    counter: &Counter,
) -> Result<()> {
    let each = plan.outputs.len();
    if outputs.len() != each * instances {
        return Err(unfit());
    }
    let permutation = labels.offline.permutation(Path::current());
    let evaluator = Evaluator { plan, labels, first_instance, permutation };
    evaluator.batches(tables, instances, counter, |first, slots, colours| {
        output_labels(plan, slots, &mut outputs[first * each..(first + colours.len()) * each]);
    })
}

/// What all batches of a chunk share.
struct Evaluator<'a> {
    plan: &'a GatePlan,
    labels: &'a EvaluatorLabels<'a>,
    first_instance: usize,
    permutation: AesKey,
}

impl Evaluator<'_> {
    /// Evaluates `instances` batch by batch. `read` sees the first instance of every batch, its slots, and the colours of its
    /// outputs, one word per instance.
    fn batches(
        &self,
        tables: &[Block],
        instances: usize,
        counter: &Counter,
        mut read: impl FnMut(usize, &[Slot], &[u64]),
    ) -> Result<()> {
        let (plan, labels) = (self.plan, self.labels);
        let lengths = [
            (tables.len(), plan.table_blocks()),
            (labels.garbler_online.len(), plan.inputs.garbler_online),
            (labels.evaluator.len(), plan.inputs.evaluator),
        ];
        if lengths.iter().any(|(length, each)| *length != each * instances) {
            return Err(unfit());
        }
        let mut scratch = Scratch::new(plan);
        for first in (0..instances).step_by(LANES) {
            let lanes = LANES.min(instances - first);
            let tables = &tables[plan.table_blocks() * first..plan.table_blocks() * (first + lanes)];
            let (work, colours) = self.batch(&mut scratch, (first, lanes), tables);
            counter.add(work);
            read(first, &scratch.slots, &colours[..lanes]);
        }
        Ok(())
    }

    /// Evaluates the instances from `first` on, counted inside the chunk; returns the work, and the colours of the outputs.
    fn batch(&self, scratch: &mut Scratch, (first, lanes): (usize, usize), tables: &[Block]) -> (Work, [u64; LANES]) {
        let expanded = self.load_inputs(&mut scratch.slots, first, lanes);
        let mut padded = if lanes < LANES { scratch.padded(self.plan) } else { Vec::new() };
        for (padded, half) in padded.chunks_exact_mut(LANES).zip(tables.chunks_exact(lanes)) {
            padded[..lanes].copy_from_slice(half);
        }
        let whole = if lanes < LANES { padded.as_slice() } else { tables };
        let batch = Batch {
            plan: self.plan,
            tweaks: first_tweaks(self.plan, self.labels.first_gate, self.first_instance + first),
            slots: &mut scratch.slots,
            tables: whole.as_chunks().0.as_chunks().0,
        };
        let (each, colours) = self.permutation.run(batch);
        scratch.padded = padded;
        let lanes = lanes as u64;
        let work = Work {
            and_gates: each.and_gates * lanes,
            xor_gates: each.xor_gates * lanes,
            hash_calls: each.hash_calls * lanes,
            labels: expanded + self.plan.outputs.len() as u64 * lanes,
            ..Work::default()
        };
        (work, colours)
    }

    /// Puts the inputs' active labels into their slots; returns how many of them it expanded.
    fn load_inputs(&self, slots: &mut [Slot], first: usize, lanes: usize) -> u64 {
        let counts = self.plan.inputs;
        let (online, rest) = slots.split_at_mut(counts.garbler_online);
        let (evaluator, rest) = rest.split_at_mut(counts.evaluator);
        for (slots, labels) in [(online, self.labels.garbler_online), (evaluator, self.labels.evaluator)] {
            let each = slots.len();
            scatter(slots, &labels[first * each..(first + lanes) * each], each);
        }
        let number = (self.first_instance + first) as u64 * counts.garbler_offline as u64;
        expand(self.labels.offline.stream(), number, &mut rest[..counts.garbler_offline]);
        (lanes * counts.garbler_offline) as u64
    }

    fn permuted_outputs(&self) -> u64 {
        let outputs = self.plan.outputs.iter().enumerate();
        outputs.map(|(position, output)| u64::from(matches!(output, SlotBit::Slot(_))) << position).sum()
    }
}

/// One batch of instances on its way through the circuit: the active label of every slot, lane by lane.
struct Batch<'a> {
    plan: &'a GatePlan,
    tweaks: Slot,
    slots: &'a mut [Slot],
    tables: &'a [Table],
}

impl Job for Batch<'_> {
    /// The work of one lane, and the colours of the outputs' active labels.
    type Output = (Work, [u64; LANES]);

    #[inline(always)]
    fn run<E: Engine>(self, engine: E) -> Self::Output {
        let side = Side { tweaks: &self.tweaks };
        let work = walk(engine, self.plan, self.slots, &side, self.tables.iter());
        (work, output_colours(self.plan, self.slots))
    }
}

/// How many tables ahead of the one in use are fetched.
const AHEAD: usize = 4;

struct Side<'a> {
    tweaks: &'a Slot,
}

impl<E: Engine> HalfGates<E, &Table> for Side<'_> {
    const HASHES: u64 = 2;

    #[inline(always)]
    fn flip(&self, engine: E) -> E::Vector {
        // The active label stays as it is: the garbler changed its meaning.
        engine.splat(0)
    }

    #[inline(always)]
    fn and(&self, engine: E, slots: &mut [Slot], [a, b, out]: [usize; 3], tweak: u64, table: &Table) {
        let (garbler, evaluator) = table.split_at(QUADS);
        let one = engine.splat(1);
        // Tables come from memory once and in order, but AES keeps the processor from looking far enough ahead by itself.
        let ahead = std::ptr::from_ref(table).wrapping_add(AHEAD).cast::<Quad>();
        for quad in 0..2 * QUADS {
            engine.prefetch(ahead.wrapping_add(quad));
        }
        // Four vectors of lanes make eight vectors to hash, which hide the latency of AES and fit the registers.
        for first in (0..QUADS).step_by(4) {
            let mut labels = [one; 8];
            let mut tweaks = [one; 8];
            for quad in 0..4 {
                labels[quad] = engine.load(&slots[a].0[first + quad]);
                labels[4 + quad] = engine.load(&slots[b].0[first + quad]);
                tweaks[quad] = engine.add_low(engine.load(&self.tweaks.0[first + quad]), tweak);
                tweaks[4 + quad] = engine.xor(tweaks[quad], one);
            }
            let hashes = hash(engine, labels, &tweaks);
            for quad in 0..4 {
                let [label_a, label_b] = [labels[quad], labels[4 + quad]];
                let sum = engine.xor(hashes[quad], hashes[4 + quad]);
                let with_a = engine.xor_if(sum, label_a, engine.load(&garbler[first + quad]));
                let half_b = engine.xor(engine.load(&evaluator[first + quad]), label_a);
                engine.store(engine.xor_if(with_a, label_b, half_b), &mut slots[out].0[first + quad]);
            }
        }
    }
}
