//! Garbled circuits as Delphi exchanges them: every instance is a record of its own, with the labels of two constants, the
//! active labels of the garbler's offline inputs, and for every output the hashes of both labels, by which the evaluator
//! reads its value.
//!
//! The engine is that of the packed layout: chunks are garbled and evaluated side by side, and are brought to and from
//! records instance by instance. As the labels are sent instead of their seed, the key of the layer's hash comes from the first
//! two of them. Delphi draws Δ anew for every circuit; here one serves the whole inference, as FreeXOR allows.

mod record;
#[cfg(test)]
mod tests;

use super::evaluate::{EvaluatorLabels, evaluate_labels};
use super::garble::{GarblerInputs, garble_labels};
use super::hash::{Block, LayerHash};
use super::labels::{LabelSource, OfflineLabels};
use super::plan::{GatePlan, SlotBit};
use super::{LANES, unfit};
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::random::{BlockStream, Seed};
use pisim_protocol::Work;
use pisim_protocol::wire::delphi::CONSTANTS;
use rayon::prelude::*;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

pub(crate) use record::{Layout, read_label_vectors, read_labels, write_label_vectors, write_labels};

/// Instances that one thread brings from tables to records at a time, or evaluates: one batch of the engine.
const BATCH: usize = LANES;

/// All labels that the garbler draws for one layer.
pub(crate) struct RecordLabels {
    own: LabelSource,
    evaluator: BlockStream,
    constants: BlockStream,
}

impl RecordLabels {
    /// The labels of one secret seed.
    pub(crate) fn new(seed: &Seed) -> Self {
        Self {
            own: LabelSource::sending(seed),
            evaluator: BlockStream::new(&seed.derive("evaluator's labels", 0)),
            constants: BlockStream::new(&seed.derive("labels of constants", 0)),
        }
    }

    /// Writes the zero labels of the evaluator's inputs numbered from `first`, in the order `[instance][input]`, which were
    /// counted when the layer was garbled.
    pub(crate) fn evaluator_into(&self, first: u64, labels: &mut [Block]) {
        self.evaluator.fill(first, labels);
    }
}

/// What a layer's instances have in common at the garbler.
pub(crate) struct RecordGarbler<'a> {
    pub(crate) plan: &'a GatePlan,
    pub(crate) labels: &'a RecordLabels,
    /// The global offset Δ, with its lowest bit set.
    pub(crate) delta: Block,
    /// AND gates garbled under this Δ before this layer.
    pub(crate) first_gate: u64,
    /// The layer's number, which keeps its outputs' tweaks apart from others'.
    pub(crate) layer: usize,
}

impl RecordGarbler<'_> {
    /// Garbles the instances of one chunk, numbered from `first` in their layer, on all cores: their records, and what the
    /// garbler keeps of each. `offline_values` are the offline inputs, as in [`GarblerInputs`], and `masks` what goes with the
    /// encoders, one number per instance.
    ///
    /// Counts the gates, two hashes for every output, and every label that is drawn: of the inputs and of the constants.
    ///
    /// # Errors
    /// Fewer than two offline inputs; records or encoders of another size.
    pub(crate) fn garble(
        &self,
        first: usize,
        (offline_values, masks): (&[u128], &[u64]),
        (records, encoders): (&mut [u8], &mut [u8]),
        counter: &Counter,
    ) -> Result<()> {
        let words = self.plan.offline_words();
        let (layout, instances) = (Layout::of(self.plan), offline_values.len() / words);
        let sizes =
            [(records.len(), layout.record_bytes()), (encoders.len(), layout.encoder_bytes()), (masks.len(), 1)];
        if layout.inputs.garbler_offline < 2 || sizes.iter().any(|(size, each)| *size != each * instances) {
            return Err(unfit());
        }
        let mut zeros = Zeroizing::new(vec![0; instances * layout.inputs.evaluator]);
        self.labels.evaluator_into((first * layout.inputs.evaluator) as u64, &mut zeros);
        let inputs = GarblerInputs {
            delta: self.delta,
            evaluator_zeros: &zeros,
            own: &self.labels.own,
            offline_values,
            first_gate: self.first_gate,
        };
        let mut tables = vec![0; instances * layout.table_blocks];
        let mut outputs = Zeroizing::new(vec![0; instances * layout.outputs]);
        garble_labels(self.plan, &inputs, first, &mut tables, &mut outputs, counter)?;
        let hash = self.labels.own.offline().hash();
        let batches = records
            .par_chunks_mut(BATCH * layout.record_bytes())
            .zip(encoders.par_chunks_mut(BATCH * layout.encoder_bytes()))
            .enumerate();
        batches.for_each(|(batch, (records, encoders))| {
            let start = batch * BATCH;
            let end = (start + BATCH).min(instances);
            let batch = Batch {
                garbler: self,
                layout,
                first: first + start,
                tables: &tables[start * layout.table_blocks..end * layout.table_blocks],
                zeros: &zeros[start * layout.inputs.evaluator..end * layout.inputs.evaluator],
            };
            let outputs = &outputs[start * layout.outputs..end * layout.outputs];
            batch.write_records(&hash, outputs, records);
            batch.write_encoders(&offline_values[start * words..end * words], &masks[start..end], encoders);
        });
        let drawn = instances * (layout.inputs.evaluator + CONSTANTS as usize);
        let hashed = 2 * instances * layout.outputs;
        counter.add(Work { labels: drawn as u64, hash_calls: hashed as u64, ..Work::default() });
        Ok(())
    }
}

/// One batch of garbled instances on its way to records.
struct Batch<'a> {
    garbler: &'a RecordGarbler<'a>,
    layout: Layout,
    /// The number of its first instance in the layer.
    first: usize,
    tables: &'a [Block],
    /// The zero labels of the evaluator's inputs.
    zeros: &'a [Block],
}

impl Batch<'_> {
    fn write_records(&self, hash: &LayerHash, outputs: &[Block], records: &mut [u8]) {
        let (layout, labels) = (self.layout, self.garbler.labels);
        let lanes = records.len() / layout.record_bytes().max(1);
        let mut constants = vec![0; lanes * CONSTANTS as usize];
        labels.constants.fill((self.first * CONSTANTS as usize) as u64, &mut constants);
        let mut offline = vec![0; lanes * layout.inputs.garbler_offline];
        labels.own.offline().stream().fill((self.first * layout.inputs.garbler_offline) as u64, &mut offline);
        let mut pairs = Zeroizing::new(vec![0; 2 * layout.outputs]);
        for (lane, record) in records.chunks_exact_mut(layout.record_bytes()).enumerate() {
            let constants = &constants[lane * CONSTANTS as usize..][..CONSTANTS as usize];
            let outputs = &outputs[lane * layout.outputs..][..layout.outputs];
            let places = pairs.as_chunks_mut::<2>().0.iter_mut().zip(&self.garbler.plan.outputs).zip(outputs);
            for ((pair, output), zero) in places {
                // The active label of a constant is its own, whose bit is known.
                let zero = constant(output, constants).map_or(*zero, |(bit, label)| label ^ self.offset(bit));
                *pair = [zero, zero ^ self.garbler.delta];
            }
            let tweak = self.first_tweak(lane);
            hash.hash(&mut pairs, |place| tweak + (place / 2) as Block);
            let tables = self.tables.iter().skip(lane).step_by(lanes);
            let blocks = constants.iter().chain(tables).chain(pairs.iter()).copied();
            layout.write_record(
                record,
                blocks,
                &offline[lane * layout.inputs.garbler_offline..][..layout.inputs.garbler_offline],
            );
        }
    }

    fn write_encoders(&self, offline_values: &[u128], masks: &[u64], encoders: &mut [u8]) {
        let (inputs, labels) = (self.layout.inputs, self.garbler.labels);
        let mut zeros = Zeroizing::new(vec![0; inputs.total() + 1]);
        let values = offline_values.chunks_exact(self.garbler.plan.offline_words());
        let instances = encoders.chunks_exact_mut(self.layout.encoder_bytes()).zip(values).zip(masks);
        for (lane, ((encoder, values), mask)) in instances.enumerate() {
            let instance = (self.first + lane) as u64;
            let (online, rest) = zeros.split_at_mut(inputs.garbler_online);
            labels.own.online_into(instance * inputs.garbler_online as u64, online);
            let (evaluator, rest) = rest.split_at_mut(inputs.evaluator);
            evaluator.copy_from_slice(&self.zeros[lane * inputs.evaluator..][..inputs.evaluator]);
            let (offline, delta) = rest.split_at_mut(inputs.garbler_offline);
            labels.own.offline().stream().fill(instance * inputs.garbler_offline as u64, offline);
            // What is drawn are the active labels of the offline inputs.
            for (bit, label) in offline.iter_mut().enumerate() {
                *label ^= self.offset(values.get(bit / 128).map_or(0, |word| word >> (bit % 128) & 1));
            }
            delta.fill(self.garbler.delta);
            self.layout.write_encoder(encoder, &zeros, *mask);
        }
    }

    /// Δ for a set bit.
    fn offset(&self, bit: u128) -> Block {
        bit.wrapping_neg() & self.garbler.delta
    }

    fn first_tweak(&self, lane: usize) -> Block {
        first_tweak(self.garbler.layer, self.first + lane, self.layout.outputs)
    }
}

/// A constant output's bit, and the label of that constant.
fn constant(output: &SlotBit, constants: &[Block]) -> Option<(u128, Block)> {
    match *output {
        SlotBit::Const(bit) => constants.get(usize::from(bit)).map(|label| (u128::from(bit), *label)),
        SlotBit::Slot(_) => None,
    }
}

/// The tweak of an instance's first output. Gates' tweaks are below 2^64, those of every layer's outputs start at a multiple of
/// it.
fn first_tweak(layer: usize, instance: usize, outputs: usize) -> Block {
    ((layer as Block + 1) << 64) + instance as Block * outputs as Block
}

/// What a layer's instances have in common at the evaluator.
pub(crate) struct RecordEvaluator {
    /// The gates, over all inputs in one list.
    plan: GatePlan,
    layout: Layout,
    hash: OfflineLabels,
    first_gate: u64,
    layer: usize,
    /// The step whose message was wrong if a record is.
    step: usize,
}

impl RecordEvaluator {
    /// The evaluator of a layer, whose first record decides on the hash. `first_gate` is the number of AND gates garbled under the
    /// same Δ before the layer.
    ///
    /// # Errors
    /// A record that is none: a protocol error at `step`.
    pub(crate) fn new(
        plan: &GatePlan,
        (layer, first_gate): (usize, u64),
        step: usize,
        first_record: &[u8],
    ) -> Result<Self> {
        let layout = Layout::of(plan);
        let mut labels = vec![0; layout.inputs.garbler_offline];
        let record = first_record.get(..layout.record_bytes());
        let first = record.and_then(|record| layout.read_record(record, |_, _| {}, &mut labels));
        let first = first.and_then(|()| labels.first_chunk()).ok_or_else(|| malformed(step))?;
        let hash = OfflineLabels::received(first);
        Ok(Self { plan: plan.with_one_list_of_labels(), layout, hash, first_gate, layer, step })
    }

    /// Evaluates the instances of some records on the calling thread; the first is number `first` in its layer. `online` and
    /// `evaluator` are the active labels of these inputs, `[instance][input]`.
    ///
    /// Counts the gates, one hash for every output, and every output as one label that is decoded.
    ///
    /// # Errors
    /// Labels of another number than the circuit's; a record that is none, or an output whose label has neither hash: a
    /// protocol error.
    pub(crate) fn evaluate(
        &self,
        first: usize,
        records: &[u8],
        (online, evaluator): (&[Block], &[Block]),
        outputs: &mut [u64],
        counter: &Counter,
    ) -> Result<()> {
        let (layout, instances) = (self.layout, outputs.len());
        let sizes = [
            (records.len(), layout.record_bytes()),
            (online.len(), layout.inputs.garbler_online),
            (evaluator.len(), layout.inputs.evaluator),
        ];
        if sizes.iter().any(|(size, each)| *size != each * instances) {
            return Err(unfit());
        }
        let mut memory = EvaluatorBatch::new(&layout);
        let batches = outputs.chunks_mut(BATCH).zip(records.chunks(BATCH * layout.record_bytes().max(1)));
        for (batch, (outputs, records)) in batches.enumerate() {
            let start = batch * BATCH;
            let end = start + outputs.len();
            let online = &online[start * layout.inputs.garbler_online..end * layout.inputs.garbler_online];
            let evaluator = &evaluator[start * layout.inputs.evaluator..end * layout.inputs.evaluator];
            memory.read(self, records, (online, evaluator)).ok_or_else(|| malformed(self.step))?;
            self.batch(first + start, &mut memory, outputs, counter)?;
        }
        Ok(())
    }

    /// Evaluates a batch that was read.
    fn batch(&self, first: usize, memory: &mut EvaluatorBatch, outputs: &mut [u64], counter: &Counter) -> Result<()> {
        let (each, instances) = (self.layout.outputs, outputs.len());
        let labels = EvaluatorLabels {
            garbler_online: &memory.inputs[..instances * self.layout.inputs.total()],
            evaluator: &[],
            offline: &self.hash,
            first_gate: self.first_gate,
        };
        let tables = &memory.tables[..instances * self.layout.table_blocks];
        let active = &mut memory.active[..instances * each];
        evaluate_labels(&self.plan, &labels, first, (tables, active), instances, counter)?;
        for (lane, active) in active.chunks_exact_mut(each.max(1)).enumerate() {
            let constants = &memory.constants[lane * CONSTANTS as usize..][..CONSTANTS as usize];
            for (label, output) in active.iter_mut().zip(&self.plan.outputs) {
                *label = constant(output, constants).map_or(*label, |(_, constant)| constant);
            }
        }
        let tweak = first_tweak(self.layer, first, each);
        self.hash.hash().hash(active, |place| tweak + place as Block);
        counter.add(Work { hash_calls: active.len() as u64, ..Work::default() });
        for (lane, output) in outputs.iter_mut().enumerate() {
            let pairs = memory.hashes[2 * lane * each..2 * (lane + 1) * each].as_chunks::<2>().0;
            *output = self.decode(&active[lane * each..(lane + 1) * each], pairs)?;
        }
        Ok(())
    }

    /// The number of which every bit's label has the hash of its value.
    fn decode(&self, hashes: &[Block], pairs: &[[Block; 2]]) -> Result<u64> {
        let (mut value, mut decoded) = (0, Choice::from(1));
        // The same time for every value: where the server evaluates, it is the server's share.
        for (bit, (hash, [zero, one])) in hashes.iter().zip(pairs).enumerate() {
            let (is_zero, is_one) = (hash.ct_eq(zero), hash.ct_eq(one));
            value |= u64::from(is_one.unwrap_u8()) << bit;
            decoded &= is_zero ^ is_one;
        }
        if bool::from(decoded) {
            return Ok(value);
        }
        Err(BackendError::protocol(self.step, "an output of a garbled circuit is none of its two labels"))
    }
}

fn malformed(step: usize) -> BackendError {
    BackendError::protocol(step, "received bytes that are no garbled circuits of this layer")
}

/// One batch of instances on its way from records; its labels are wiped when it is dropped.
struct EvaluatorBatch {
    /// In the engine's layout.
    tables: Vec<Block>,
    constants: Vec<Block>,
    /// Both hashes of every output.
    hashes: Vec<Block>,
    /// The active labels of all inputs, `[instance][input]`.
    inputs: Zeroizing<Vec<Block>>,
    /// The active labels of the outputs, then their hashes.
    active: Zeroizing<Vec<Block>>,
}

impl EvaluatorBatch {
    fn new(layout: &Layout) -> Self {
        let secret = |each: usize| Zeroizing::new(vec![0; BATCH * each]);
        Self {
            tables: vec![0; BATCH * layout.table_blocks],
            constants: vec![0; BATCH * CONSTANTS as usize],
            hashes: vec![0; BATCH * 2 * layout.outputs],
            inputs: secret(layout.inputs.total()),
            active: secret(layout.outputs),
        }
    }

    /// Reads records and gathers the instances' input labels.
    fn read(&mut self, evaluator: &RecordEvaluator, records: &[u8], (online, own): (&[Block], &[Block])) -> Option<()> {
        let Layout { inputs: counts, table_blocks, outputs } = evaluator.layout;
        let lanes = records.len() / evaluator.layout.record_bytes().max(1);
        let first_hash = CONSTANTS as usize + table_blocks;
        for (lane, record) in records.chunks_exact(evaluator.layout.record_bytes()).enumerate() {
            let (inputs, rest) = self.inputs[lane * counts.total()..].split_at_mut(counts.garbler_online);
            inputs.copy_from_slice(&online[lane * counts.garbler_online..][..counts.garbler_online]);
            let (inputs, rest) = rest.split_at_mut(counts.evaluator);
            inputs.copy_from_slice(&own[lane * counts.evaluator..][..counts.evaluator]);
            let offline = &mut rest[..counts.garbler_offline];
            let read = |position: usize, block: Block| {
                let place = match position {
                    constant if constant < CONSTANTS as usize => {
                        self.constants.get_mut(lane * CONSTANTS as usize + constant)
                    }
                    table if table < first_hash => self.tables.get_mut((table - CONSTANTS as usize) * lanes + lane),
                    hash => self.hashes.get_mut(2 * lane * outputs + hash - first_hash),
                };
                if let Some(place) = place {
                    *place = block;
                }
            };
            evaluator.layout.read_record(record, read, offline)?;
        }
        Some(())
    }
}
