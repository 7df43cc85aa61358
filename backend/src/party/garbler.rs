//! The garbler's role: sender of the oblivious transfers, maker of the garbled tables, chooser of the online labels.

use super::session::Session;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{
    Block, CHUNK, Garbled, GarblerInputs, LabelSource, chunk_bytes, encode_labels, garble_chunk, pack_decoding,
    split_chunk_mut,
};
use crate::ot::{BaseReceiver, ExtensionSender};
use crate::random::Seed;
use crate::storage::Kept;
use pisim_netgen::LayerId;
use pisim_protocol::{Message, Party, Step, StepKind, wire};
use rand_core::Rng;
use rayon::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use zeroize::{Zeroize, Zeroizing};

/// What the garbler has of one inference.
#[derive(Default)]
pub(super) struct Garbler {
    /// Garbling's global offset, once it is chosen or read; its bits are the choices of the base transfers.
    delta: Option<Delta>,
    base_keys: Vec<Seed>,
    transfers: Option<ExtensionSender>,
    /// The corrections of layers that are not garbled yet.
    columns: HashMap<LayerId, Buffer>,
}

/// A global offset, or another secret block, that is wiped when it is dropped.
pub(super) struct Delta(Block);

impl Delta {
    /// 127 random bits, and the lowest one set: it is the colour of labels.
    pub(super) fn random(seed: &Seed) -> Self {
        let mut rng = seed.rng();
        Self((Block::from(rng.next_u64()) << 64 | Block::from(rng.next_u64())) | 1)
    }

    pub(super) fn block(&self) -> Block {
        self.0
    }
}

impl Drop for Delta {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Garbler {
    /// Chooses Δ and answers the evaluator's offer of base transfers.
    pub(super) fn choose_base(&mut self, session: &mut Session, step: &Step, offer: &[u8]) -> Result<()> {
        let delta = Delta::random(&session.seed.derive("delta", 0));
        let choices: Zeroizing<Vec<bool>> =
            Zeroizing::new((0..wire::BASE_OTS).map(|bit| delta.0 >> bit & 1 == 1).collect());
        let seed = session.seed.derive("base", 0);
        let base = BaseReceiver::choose(step.id.0, offer, &choices, &seed, &session.counter)?;
        self.base_keys = base.keys;
        session.post(step.layer, Message::BaseOtChoice, base.message);
        let counter = session.counter.clone();
        session.keep(LayerId(0), Kept::Delta, Buffer::secret_copy(&delta.0.to_le_bytes()), &counter)?;
        self.delta = Some(delta);
        Ok(())
    }

    /// Rebuilds the trees of the extension, all but the leaves at Δ.
    pub(super) fn puncture(&mut self, session: &mut Session, step: &Step, trees: &[u8]) -> Result<()> {
        let keys = std::mem::take(&mut self.base_keys);
        self.transfers = Some(ExtensionSender::new(step.id.0, &keys, self.delta(session)?, trees)?);
        Ok(())
    }

    fn delta(&mut self, session: &mut Session) -> Result<Block> {
        if let Some(delta) = &self.delta {
            return Ok(delta.0);
        }
        let bytes = session.storage.take(LayerId(0), Kept::Delta, wire::LABEL_BYTES as usize)?;
        let [delta] = bytes.blocks() else { return Err(BackendError::program("the stored offset is not one block")) };
        let delta = Delta(*delta);
        Ok(self.delta.insert(delta).0)
    }

    pub(super) fn receive_columns(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        let transfers = session.elements(step.layer) * session.gates(step.layer)?.inputs.evaluator;
        let columns = session.channel.receive(step.id, wire::ot_columns_bytes(transfers as u64))?;
        self.columns.insert(step.layer, columns);
        Ok(())
    }

    /// Extends the transfers, garbles and sends, chunk by chunk. `offline_values` are the garbler's offline inputs, as many words
    /// for each circuit as its plan says.
    pub(super) fn send_tables(
        &mut self,
        session: &mut Session,
        step: &Step,
        secret: &Seed,
        offline_values: &[u128],
    ) -> Result<()> {
        let layer = step.layer;
        let early = || BackendError::program(format!("no oblivious transfers for layer {} yet", layer.0));
        let (extend, garble) = (session.step_of(layer, StepKind::OtSend)?, session.step_of(layer, StepKind::Garble)?);
        let delta = self.delta(session)?;
        let (plan, columns) = (session.gates(layer)?, self.columns.remove(&layer).ok_or_else(early)?);
        let transfers = self.transfers.as_mut().ok_or_else(early)?;
        let (instances, each, words) = (session.elements(layer), plan.inputs.evaluator, plan.offline_words());
        let first_transfer = transfers.reserve((instances * each) as u64)?;
        let source = LabelSource::new(&secret.derive("labels", 0));
        let (extended, garbled) = (Counter::default(), Counter::default());
        let (mut extending, mut garbling) = (Duration::ZERO, Duration::ZERO);
        session.channel.begin(step.id, Garbled::bytes(&plan, instances) as u64)?;
        session.channel.send_part(source.offline().seed())?;
        let mut zeros = Buffer::secret_blocks(instances.min(CHUNK) * each);
        let mut chunk = Buffer::new(chunk_bytes(&plan, instances.min(CHUNK)));
        let mut decoding = vec![0; instances.min(CHUNK)];
        let columns = columns.bytes().chunks((wire::ot_columns_bytes((CHUNK * each) as u64) as usize).max(1));
        for (index, (values, columns)) in offline_values.chunks(CHUNK * words).zip(columns).enumerate() {
            let start = Instant::now();
            let (first, count) = (index * CHUNK, values.len() / words);
            let labels = count * each;
            let zeros = &mut zeros.blocks_mut()[..labels];
            transfers.extend_into(extend.0, first_transfer + (first * each) as u64, columns, zeros, &extended)?;
            extending += start.elapsed();
            let start = Instant::now();
            if session.party == Party::Client {
                correct(&source, first * each, zeros, &garbled);
            }
            let inputs = GarblerInputs {
                delta,
                evaluator_zeros: zeros,
                own: &source,
                offline_values: values,
                first_gate: session.first_gate(layer),
            };
            let bytes = &mut chunk.bytes_mut()[..chunk_bytes(&plan, count)];
            let (tables, packed) = split_chunk_mut(&plan, count, bytes)?;
            let decoding = &mut decoding[..count];
            garble_chunk(&plan, &inputs, first, tables, decoding, &garbled)?;
            pack_decoding(&plan, decoding, packed);
            garbling += start.elapsed();
            session.channel.send_part(bytes)?;
        }
        session.credit(extend, &extended, extending);
        session.credit(garble, &garbled, garbling);
        Ok(())
    }

    /// Sends the labels of the bits of `values`: what the server feeds in, or the client's view of it under the server's choices.
    pub(super) fn send_online_labels(&mut self, session: &mut Session, step: &Step, values: &[u64]) -> Result<()> {
        let layer = step.layer;
        let encode = session.step_of(layer, StepKind::EncodeLabels)?;
        let (bits, delta) = (session.server_bits(layer)? as usize, self.delta(session)?);
        let source = LabelSource::new(&session.secret(layer)?.derive("labels", 0));
        let (counter, mut encoding) = (Counter::default(), Duration::ZERO);
        session.channel.begin(step.id, (values.len() * bits) as u64 * wire::LABEL_BYTES)?;
        let mut buffer = Buffer::secret_blocks(values.len().min(CHUNK) * bits);
        for (index, values) in values.chunks(CHUNK).enumerate() {
            let start = Instant::now();
            let labels = &mut buffer.blocks_mut()[..values.len() * bits];
            encode_labels(&source, (index * CHUNK * bits) as u64, delta, values, bits, labels, &counter);
            encoding += start.elapsed();
            session.channel.send_part(bytemuck::cast_slice(labels))?;
        }
        session.credit(encode, &counter, encoding);
        Ok(())
    }
}

/// Turns the zero labels of transfers with random choices c into those of the evaluator's inputs a: with the zero label of a
/// wire W = q ⊕ z, the evaluator's transfer q ⊕ c·Δ and the online label z ⊕ (a ⊕ c)·Δ add up to W ⊕ a·Δ.
fn correct(source: &LabelSource, first: usize, zeros: &mut [Block], counter: &Counter) {
    const PIECE: usize = 1 << 12;
    zeros.par_chunks_mut(PIECE).enumerate().for_each_init(
        || vec![0; PIECE],
        |labels, (piece, zeros)| {
            let labels = &mut labels[..zeros.len()];
            source.fill((first + piece * PIECE) as u64, labels, counter);
            zeros.iter_mut().zip(labels).for_each(|(zero, label)| *zero ^= *label);
        },
    );
}
