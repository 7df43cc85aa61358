//! The evaluator's role: receiver of the oblivious transfers, keeper and evaluator of the garbled tables.

use super::session::Session;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{
    Block, CHUNK, EvaluatorLabels, Garbled, GatePlan, OfflineLabels, PART, chunk_bytes, chunk_sizes, evaluate_part,
    split_chunk, unpack_decoding,
};
use crate::ot::{BaseSender, ExtensionReceiver, pack_choices};
use crate::random::Seed;
use crate::storage::Kept;
use pisim_netgen::LayerId;
use pisim_protocol::{Message, Party, Step, StepId, StepKind, wire};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Chunks whose labels have arrived and that wait to be evaluated, or are.
const CHUNKS_AHEAD: usize = 4;

/// What the evaluator has of one inference.
#[derive(Default)]
pub(super) struct Evaluator {
    base: Option<BaseSender>,
    transfers: Option<ExtensionReceiver>,
    /// The message of online labels that the next evaluation reads.
    online_labels: Option<StepId>,
    /// Memory for a chunk's online labels each, used again for every layer.
    online_buffers: Vec<Buffer>,
    /// Time that the current evaluation has waited for labels.
    waiting: Duration,
}

impl Evaluator {
    pub(super) fn offer_base(&mut self, session: &mut Session, step: &Step) {
        let base = BaseSender::new(&session.seed.derive("base", 0));
        session.post(step.layer, Message::BaseOtOffer, base.offer());
        self.base = Some(base);
    }

    /// Derives the base transfers' keys and grows the extension's trees from them.
    pub(super) fn finish_base(&mut self, session: &mut Session, step: &Step, choices: &[u8]) -> Result<()> {
        let base = self.base.take().ok_or_else(|| BackendError::program("no base transfers offered"))?;
        let keys = base.finish(step.id.0, choices, &session.counter)?;
        let (transfers, trees) = ExtensionReceiver::new(&keys)?;
        self.transfers = Some(transfers);
        session.post(step.layer, Message::OtTrees, trees);
        Ok(())
    }

    /// Extends the transfers of the bits of `share`, all that the evaluator feeds in, keeps their labels and sends the corrections,
    /// chunk by chunk.
    pub(super) fn send_columns(&mut self, session: &mut Session, step: &Step, share: &[u64]) -> Result<()> {
        let receive = session.step_of(step.layer, StepKind::OtReceive)?;
        let transfers = self.transfers.as_mut().ok_or_else(|| BackendError::program("no base transfers yet"))?;
        let bits = session.server_bits(step.layer)?;
        let (instances, each) = (session.elements(step.layer), session.gates(step.layer)?.inputs.evaluator);
        let per_chunk = (CHUNK * session.taps(step.layer)?).max(1);
        let first = transfers.reserve((instances * each) as u64)?;
        let (counter, mut extending) = (Counter::default(), Duration::ZERO);
        session.channel.begin(step.id, wire::ot_columns_bytes((instances * each) as u64))?;
        let mut message = Buffer::new(wire::ot_columns_bytes((instances.min(CHUNK) * each) as u64) as usize);
        for (index, share) in share.chunks(per_chunk).enumerate() {
            let start = Instant::now();
            let count = share.len() * bits as usize;
            let mut labels = Buffer::secret_blocks(count);
            let message = &mut message.bytes_mut()[..wire::ot_columns_bytes(count as u64) as usize];
            let number = first + (index * CHUNK * each) as u64;
            transfers.extend_into(number, &pack_choices(share, bits), labels.blocks_mut(), message, &counter)?;
            session.keep(step.layer, Kept::Labels, labels, &counter)?;
            extending += start.elapsed();
            session.channel.send_part(message)?;
        }
        session.credit(receive, &counter, extending);
        Ok(())
    }

    /// Receives a layer's tables into the storage.
    pub(super) fn receive_tables(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        let (plan, instances) = (session.gates(step.layer)?, session.elements(step.layer));
        session.channel.expect(step.id, Garbled::bytes(&plan, instances) as u64)?;
        let parts = std::iter::once(OfflineLabels::SEED_BYTES);
        let counter = session.counter.clone();
        for bytes in parts.chain(chunk_sizes(instances).map(|chunk| chunk_bytes(&plan, chunk))) {
            let mut part = Buffer::new(bytes);
            session.channel.receive_part(part.bytes_mut())?;
            session.keep(step.layer, Kept::Tables, part, &counter)?;
        }
        Ok(())
    }

    /// The labels are read when they are used, at the evaluation that follows their message.
    pub(super) fn await_labels(&mut self, step: &Step) {
        self.online_labels = Some(step.id);
    }

    /// Evaluates a layer's circuits on the thread pool while the labels of the online share for later chunks arrive; returns
    /// the decoded outputs.
    pub(super) fn evaluate(&mut self, session: &mut Session, step: &Step) -> Result<Vec<u64>> {
        let layer = step.layer;
        let sent = self.online_labels.take().ok_or_else(|| BackendError::program("no online labels announced"))?;
        let (plan, instances) = (session.gates(layer)?, session.elements(layer));
        // As many as the evaluator has of its own: they are of the same numbers, or complete them.
        let each = plan.inputs.evaluator;
        session.channel.expect(sent, (instances * each) as u64 * wire::LABEL_BYTES)?;
        let seed = session.storage.take(layer, Kept::Tables, OfflineLabels::SEED_BYTES)?;
        let offline = OfflineLabels::new(Seed::from_slice(seed.bytes())?.0);
        let (counter, party, first_gate) = (session.counter.clone(), session.party, session.first_gate(layer));
        // Evaluated chunks hand back the memory of their online labels: so many may wait.
        let (hand_back, spare) = mpsc::channel();
        let needed = instances.div_ceil(CHUNK).min(CHUNKS_AHEAD);
        self.online_buffers.retain(|buffer| buffer.blocks().len() >= CHUNK * each);
        self.online_buffers.resize_with(needed.max(self.online_buffers.len()), || Buffer::secret_blocks(CHUNK * each));
        for buffer in self.online_buffers.drain(..) {
            let _ = hand_back.send(Ok(buffer));
        }
        let mut outputs = vec![0; instances];
        // A thread of the pool must not wait for the pool's other tasks.
        let alone = rayon::current_thread_index().is_some();
        rayon::in_place_scope(|scope| {
            for (index, outputs) in outputs.chunks_mut(CHUNK).enumerate() {
                let online = spare.recv().map_err(|_| BackendError::program("a thread failed"))??;
                let chunk = Arc::new(self.take_chunk(session, &plan, layer, outputs.len(), online)?);
                // Every part is a task of its own: a task that waited for others of its chunk would take up a later chunk
                // meanwhile, and end only after that one.
                for (part, outputs) in outputs.chunks_mut(PART).enumerate() {
                    let (plan, offline, counter) = (&plan, &offline, &counter);
                    let (chunk, hand_back) = (chunk.clone(), hand_back.clone());
                    let evaluate = move || {
                        let first = (index * CHUNK, part * PART);
                        let done = chunk.evaluate(plan, party, (offline, first_gate), first, outputs, counter);
                        // The last part returns the memory.
                        let online = Arc::into_inner(chunk).map(|chunk| chunk.online);
                        if let Some(result) = done.map(|()| online).transpose() {
                            let _ = hand_back.send(result);
                        }
                    };
                    if alone { evaluate() } else { scope.spawn(move |_| evaluate()) }
                }
            }
            Ok::<_, BackendError>(())
        })?;
        drop(hand_back);
        self.online_buffers = spare.into_iter().collect::<Result<_>>()?;
        session.credit(sent, &Counter::default(), std::mem::take(&mut self.waiting));
        Ok(outputs)
    }

    /// What the evaluation of the next `count` instances reads: from the storage, and from the connection.
    fn take_chunk(
        &mut self,
        session: &mut Session,
        plan: &GatePlan,
        layer: LayerId,
        count: usize,
        mut online: Buffer,
    ) -> Result<Chunk> {
        let labels = count * plan.inputs.evaluator;
        let tables = session.storage.take(layer, Kept::Tables, chunk_bytes(plan, count))?;
        let kept = session.storage.take(layer, Kept::Labels, count * plan.inputs.evaluator * size_of::<u128>())?;
        let start = Instant::now();
        session.channel.receive_part(bytemuck::cast_slice_mut(&mut online.blocks_mut()[..labels]))?;
        self.waiting += start.elapsed();
        Ok(Chunk { instances: count, tables, labels: kept, online })
    }
}

/// Some instances of a layer, ready to be evaluated.
struct Chunk {
    instances: usize,
    tables: Buffer,
    labels: Buffer,
    online: Buffer,
}

impl Chunk {
    /// Evaluates the instances of `outputs`, the first of which are number `first` in this chunk; `base` is the number of the
    /// chunk's own first instance in its layer. `offline` are the offline labels and the number of the layer's first gate.
    fn evaluate(
        &self,
        plan: &GatePlan,
        party: Party,
        (offline, first_gate): (&OfflineLabels, u64),
        (base, first): (usize, usize),
        outputs: &mut [u64],
        counter: &Counter,
    ) -> Result<()> {
        let last = first + outputs.len();
        let short = || BackendError::program("a chunk of kept tables or labels is too short");
        let each = plan.inputs.evaluator;
        let kept = self.labels.blocks().get(first * each..last * each).ok_or_else(short)?;
        let online = self.online.blocks().get(first * each..last * each).ok_or_else(short)?;
        let (tables, packed) = split_chunk(plan, self.instances, self.tables.bytes())?;
        let tables = tables.get(first * plan.table_blocks()..last * plan.table_blocks()).ok_or_else(short)?;
        let mut decoding = vec![0; outputs.len()];
        unpack_decoding(plan, packed.get(first * plan.outputs.len() / 8..).ok_or_else(short)?, &mut decoding);
        // The labels that the client sends complete those of the server's random choices (see the garbler's `correct`).
        let completed = match party {
            Party::Client => None,
            Party::Server => Some(Zeroizing::new(kept.iter().zip(online).map(|(a, b)| a ^ b).collect::<Vec<Block>>())),
        };
        let (garbler_online, evaluator) =
            completed.as_ref().map_or((online, kept), |completed| (&[][..], completed.as_slice()));
        let labels = EvaluatorLabels { garbler_online, evaluator, offline, first_gate };
        evaluate_part(plan, &labels, base + first, (tables, &decoding, outputs), counter)
    }
}
