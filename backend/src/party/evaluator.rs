//! The evaluator's role: receiver of the oblivious transfers, keeper and evaluator of the garbled tables.

use super::session::Session;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{
    CHUNK, EvaluatorLabels, Garbled, OfflineLabels, chunk_bytes, chunk_sizes, evaluate_chunk, split_chunk,
    unpack_decoding,
};
use crate::ot::{BaseSender, ExtensionReceiver, pack_choices};
use crate::random::Seed;
use crate::storage::Kept;
use pisim_protocol::{Message, Party, Step, StepId, StepKind, wire};
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// What the evaluator has of one inference.
#[derive(Default)]
pub(super) struct Evaluator {
    base: Option<BaseSender>,
    transfers: Option<ExtensionReceiver>,
    /// The message of online labels that the next evaluation reads.
    online_labels: Option<StepId>,
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

    /// Extends the transfers of the bits of `share`, keeps their labels and sends the corrections, chunk by chunk.
    pub(super) fn send_columns(&mut self, session: &mut Session, step: &Step, share: &[u64]) -> Result<()> {
        let receive = session.step_of(step.layer, StepKind::OtReceive)?;
        let transfers = self.transfers.as_mut().ok_or_else(|| BackendError::program("no base transfers yet"))?;
        let bits = session.ring_bits();
        let each = bits as usize;
        let first = transfers.reserve((share.len() * each) as u64)?;
        let (counter, mut extending) = (Counter::default(), Duration::ZERO);
        session.channel.begin(step.id, wire::ot_columns_bytes((share.len() * each) as u64))?;
        let mut message = Buffer::new(wire::ot_columns_bytes((share.len().min(CHUNK) * each) as u64) as usize);
        for (index, share) in share.chunks(CHUNK).enumerate() {
            let start = Instant::now();
            let mut labels = Buffer::secret_blocks(share.len() * each);
            let message = &mut message.bytes_mut()[..wire::ot_columns_bytes((share.len() * each) as u64) as usize];
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

    /// Evaluates a layer's circuits while the labels of the online share arrive; returns the decoded outputs.
    pub(super) fn evaluate(&mut self, session: &mut Session, step: &Step) -> Result<Vec<u64>> {
        let layer = step.layer;
        let sent = self.online_labels.take().ok_or_else(|| BackendError::program("no online labels announced"))?;
        let (plan, instances) = (session.gates(layer)?, session.elements(layer));
        let (bits, each) = (session.ring_bits() as usize, plan.inputs.evaluator);
        session.channel.expect(sent, (instances * bits) as u64 * wire::LABEL_BYTES)?;
        let seed = session.storage.take(layer, Kept::Tables, OfflineLabels::SEED_BYTES)?;
        let offline = OfflineLabels::new(Seed::from_slice(seed.bytes())?.0);
        let mut online = Buffer::secret_blocks(instances.min(CHUNK) * bits);
        let mut outputs = vec![0; instances];
        let mut decoding = vec![0; instances.min(CHUNK)];
        let (counter, mut waiting) = (session.counter.clone(), Duration::ZERO);
        for (index, outputs) in outputs.chunks_mut(CHUNK).enumerate() {
            let count = outputs.len();
            let tables = session.storage.take(layer, Kept::Tables, chunk_bytes(&plan, count))?;
            let mut labels = session.storage.take(layer, Kept::Labels, count * each * size_of::<u128>())?;
            let start = Instant::now();
            let online = &mut online.blocks_mut()[..count * bits];
            session.channel.receive_part(bytemuck::cast_slice_mut(online))?;
            waiting += start.elapsed();
            let garbler_online: &[u128] = match session.party {
                Party::Client => online,
                // The labels complete those of the server's random choices (see the garbler's `correct`).
                Party::Server => {
                    let pairs = labels.blocks_mut().par_iter_mut().zip(&*online).with_min_len(1 << 13);
                    pairs.for_each(|(label, online)| *label ^= online);
                    &[]
                }
            };
            let inputs = EvaluatorLabels {
                garbler_online,
                evaluator: labels.blocks(),
                offline: &offline,
                first_gate: session.first_gate(layer),
            };
            let (tables, packed) = split_chunk(&plan, count, tables.bytes())?;
            let decoding = &mut decoding[..count];
            unpack_decoding(&plan, packed, decoding);
            evaluate_chunk(&plan, &inputs, index * CHUNK, tables, decoding, outputs, &counter)?;
        }
        session.credit(sent, &Counter::default(), waiting);
        Ok(outputs)
    }
}
