//! The evaluator's role as Delphi plays it: has its labels transferred, keeps records, and evaluates them.

use super::delphi_garbler::{in_their_phase, transfers_online};
use super::session::Session;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::delphi::{Layout, RecordEvaluator, read_label_vectors, read_labels, write_labels};
use crate::gc::{Block, CHUNK, GatePlan, PART, chunk_sizes};
use crate::ot::{BaseSender, ChosenReceiver, KeyPair, columns_bytes, pack_choices, payload_bytes, session_seed};
use crate::random::Seed;
use crate::storage::Kept;
use pisim_netgen::LayerId;
use pisim_protocol::{Message, Phase, Step, StepId, StepKind, wire};
use rayon::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What Delphi's evaluator has of one inference.
#[derive(Default)]
pub(super) struct DelphiEvaluator {
    base: Option<BaseSender>,
    transfers: Option<ChosenReceiver>,
    /// Transfers that have not been opened.
    chosen: HashMap<LayerId, Chosen>,
    /// Labels that were transferred online, for the next evaluation.
    opened: HashMap<LayerId, Buffer>,
    /// The message of online labels that the next evaluation reads.
    online_labels: Option<StepId>,
}

/// The choices of one layer's transfers.
struct Chosen {
    first: u64,
    choices: Zeroizing<Vec<Block>>,
}

impl DelphiEvaluator {
    pub(super) fn offer_base(&mut self, session: &mut Session, step: &Step) {
        let base = BaseSender::new(&session.seed.derive("base", 0));
        session.post(step.layer, Message::BaseOtOffer, base.offer());
        self.base = Some(base);
    }

    /// Derives the base transfers' keys; keeps them if the transfers are made online.
    pub(super) fn finish_base(&mut self, session: &mut Session, step: &Step, choices: &[u8]) -> Result<()> {
        let base = self.base.take().ok_or_else(|| BackendError::program("no base transfers offered"))?;
        let keys = base.finish(step.id.0, choices, &session.counter)?;
        let public = session_seed(&base.offer(), choices);
        self.transfers = Some(ChosenReceiver::new(&keys, &public)?);
        if transfers_online(session) {
            let pairs = keys.iter().flat_map(|pair| [pair.zero.0, pair.one.0]).flatten();
            let state: Zeroizing<Vec<u8>> = Zeroizing::new(pairs.chain(public.0).collect());
            let counter = session.counter.clone();
            session.keep(step.layer, Kept::Transfers, Buffer::secret_copy(&state), &counter)?;
        }
        Ok(())
    }

    /// The transfers' receiver, made or from the storage.
    fn transfers(&mut self, session: &mut Session) -> Result<&mut ChosenReceiver> {
        if self.transfers.is_none() {
            let bytes = wire::alsz_receiver_state_bytes() as usize;
            let state = session.storage.take(LayerId(0), Kept::Transfers, bytes)?;
            let (pairs, public) = state.bytes().split_at(2 * wire::BASE_OTS as usize * wire::SEED_BYTES as usize);
            let pair = |bytes: &[u8]| {
                let (zero, one) = bytes.split_at(wire::SEED_BYTES as usize);
                Ok(KeyPair { zero: Seed::from_slice(zero)?, one: Seed::from_slice(one)? })
            };
            let keys: Vec<KeyPair> = pairs.chunks(2 * wire::SEED_BYTES as usize).map(pair).collect::<Result<_>>()?;
            self.transfers = Some(ChosenReceiver::new(&keys, &Seed::from_slice(public)?)?);
        }
        self.transfers.as_mut().ok_or_else(|| BackendError::program("no base transfers yet"))
    }

    /// Chooses the labels of the bits of `share`, all that the evaluator feeds in, and sends the columns chunk by chunk.
    pub(super) fn send_columns(&mut self, session: &mut Session, step: &Step, share: &[u64]) -> Result<()> {
        let (bits, evaluator) = (session.server_bits(step.layer)?, session.gates(step.layer)?.inputs.evaluator);
        let (transfers, each) = (session.elements(step.layer) * evaluator, CHUNK * evaluator);
        let choices = pack_choices(share, bits);
        in_their_phase(session, step)?;
        let receiver = self.transfers(session)?;
        let first = receiver.reserve(transfers as u64)?;
        let (counter, mut choosing) = (Counter::default(), Duration::ZERO);
        session.channel.begin(step.id, columns_bytes(transfers) as u64)?;
        let mut message = Buffer::new(columns_bytes(transfers.min(each)));
        for (index, choices) in choices.chunks((each / 128).max(1)).enumerate() {
            let start = Instant::now();
            let count = each.min(transfers - index * each);
            let message = &mut message.bytes_mut()[..columns_bytes(count)];
            receiver.choose_into(first + (index * each) as u64, count, choices, message, &counter)?;
            choosing += start.elapsed();
            session.channel.send_part(message)?;
        }
        self.chosen.insert(step.layer, Chosen { first, choices });
        let receive = session.step_of(step.layer, StepKind::OtReceive)?;
        session.credit(receive, &counter, choosing);
        Ok(())
    }

    /// Receives both masked labels of every wire and opens the chosen ones, chunk by chunk: offline they are kept, online the
    /// next evaluation takes them.
    pub(super) fn receive_payload(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        let layer = step.layer;
        let early = || BackendError::program(format!("no labels chosen for layer {}", layer.0));
        let Chosen { first, choices } = self.chosen.remove(&layer).ok_or_else(early)?;
        let (wires, instances) = (session.gates(layer)?.inputs.evaluator, session.elements(layer));
        let (counter, mut opening) = (Counter::default(), Duration::ZERO);
        session.channel.expect(step.id, payload_bytes(instances * wires) as u64)?;
        let online = step.phase == Phase::Online;
        let mut labels = Buffer::secret_blocks(wires * if online { instances } else { instances.min(CHUNK) });
        let mut payload = Buffer::new(payload_bytes(instances.min(CHUNK) * wires));
        let chunks = choices.chunks((CHUNK * wires / 128).max(1)).zip(chunk_sizes(instances));
        for (index, (choices, count)) in chunks.enumerate() {
            let payload = &mut payload.bytes_mut()[..payload_bytes(count * wires)];
            session.channel.receive_part(payload)?;
            let start = Instant::now();
            let place = if online { index * CHUNK * wires } else { 0 };
            let labels = &mut labels.blocks_mut()[place..place + count * wires];
            let number = first + (index * CHUNK * wires) as u64;
            let receiver = self.transfers(session)?;
            receiver.open_into(step.id.0, number, choices, payload, labels, &counter)?;
            if !online {
                let mut kept = Buffer::secret(labels.len() * wire::delphi::LABEL_BYTES as usize);
                write_labels(kept.bytes_mut(), labels);
                session.keep(layer, Kept::Labels, kept, &counter)?;
            }
            opening += start.elapsed();
        }
        if online {
            self.opened.insert(layer, labels);
        }
        let open = session.step_of(layer, StepKind::OtOpen)?;
        session.credit(open, &counter, opening);
        Ok(())
    }

    /// Receives a layer's records into the storage.
    pub(super) fn receive_tables(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        let (layout, instances) = (Layout::of(&*session.gates(step.layer)?), session.elements(step.layer));
        session.channel.expect(step.id, (instances * layout.record_bytes()) as u64)?;
        let counter = session.counter.clone();
        for count in chunk_sizes(instances) {
            let mut records = Buffer::new(count * layout.record_bytes());
            session.channel.receive_part(records.bytes_mut())?;
            session.keep(step.layer, Kept::Tables, records, &counter)?;
        }
        Ok(())
    }

    /// The labels are read when they are used, at the evaluation that follows their message.
    pub(super) fn await_labels(&mut self, step: &Step) {
        self.online_labels = Some(step.id);
    }

    /// Evaluates a layer's records on all cores, chunk by chunk; returns the decoded outputs.
    pub(super) fn evaluate(&mut self, session: &mut Session, step: &Step) -> Result<Vec<u64>> {
        let layer = step.layer;
        let (plan, instances) = (session.gates(layer)?, session.elements(layer));
        let layout = Layout::of(&plan);
        let vector = wire::delphi::online_labels_bytes(plan.inputs.garbler_online as u64) as usize;
        let sent = self.online_labels.take();
        if let Some(sent) = sent {
            session.channel.expect(sent, (instances * vector) as u64)?;
        }
        let opened = self.opened.remove(&layer);
        let mut message = Buffer::secret(sent.map_or(0, |_| instances.min(CHUNK) * vector));
        let mut online = Buffer::secret_blocks(instances.min(CHUNK) * plan.inputs.garbler_online);
        let mut own = Buffer::secret_blocks(instances.min(CHUNK) * plan.inputs.evaluator);
        let (counter, first_gate) = (session.counter.clone(), session.first_gate(layer));
        let (mut outputs, mut waiting) = (vec![0; instances], Duration::ZERO);
        let mut evaluator: Option<RecordEvaluator> = None;
        for (index, outputs) in outputs.chunks_mut(CHUNK).enumerate() {
            let count = outputs.len();
            let records = session.storage.take(layer, Kept::Tables, count * layout.record_bytes())?;
            let own = match &opened {
                Some(labels) => opened_chunk(labels, index, count * plan.inputs.evaluator, &plan)?,
                None => kept_chunk(session, layer, &mut own.blocks_mut()[..count * plan.inputs.evaluator])?,
            };
            let online = &mut online.blocks_mut()[..count * plan.inputs.garbler_online];
            if let Some(sent) = sent {
                let start = Instant::now();
                let message = &mut message.bytes_mut()[..count * vector];
                session.channel.receive_part(message)?;
                waiting += start.elapsed();
                let wrong = || BackendError::protocol(sent.0, "received bytes that are no labels");
                read_label_vectors(message, online, plan.inputs.garbler_online).ok_or_else(wrong)?;
            }
            let side = match evaluator.take() {
                Some(side) => side,
                None => RecordEvaluator::new(&plan, (layer.0, first_gate), step.id.0, records.bytes())?,
            };
            evaluate_chunk(&side, (index * CHUNK, layout), records.bytes(), (online, own), outputs, &counter)?;
            evaluator = Some(side);
        }
        if let Some(sent) = sent {
            session.credit(sent, &Counter::default(), waiting);
        }
        Ok(outputs)
    }
}

/// The labels of a chunk among those of a whole layer.
fn opened_chunk<'a>(labels: &'a Buffer, index: usize, count: usize, plan: &GatePlan) -> Result<&'a [Block]> {
    let start = index * CHUNK * plan.inputs.evaluator;
    labels.blocks().get(start..start + count).ok_or_else(|| BackendError::program("too few labels were transferred"))
}

/// The kept labels of the next chunk.
fn kept_chunk<'a>(session: &mut Session, layer: LayerId, labels: &'a mut [Block]) -> Result<&'a [Block]> {
    let kept = session.storage.take(layer, Kept::Labels, labels.len() * wire::delphi::LABEL_BYTES as usize)?;
    read_labels(kept.bytes(), labels).ok_or_else(|| BackendError::program("stored labels are broken"))?;
    Ok(labels)
}

/// Evaluates one chunk in parts; `first` is the number of its first instance.
fn evaluate_chunk(
    side: &RecordEvaluator,
    (first, layout): (usize, Layout),
    records: &[u8],
    (online, own): (&[Block], &[Block]),
    outputs: &mut [u64],
    counter: &Counter,
) -> Result<()> {
    let parts = outputs.par_chunks_mut(PART).enumerate();
    parts.try_for_each(|(part, outputs)| {
        let range = |each: usize| part * PART * each..(part * PART + outputs.len()) * each;
        let records = &records[range(layout.record_bytes())];
        let labels = (&online[range(layout.inputs.garbler_online)], &own[range(layout.inputs.evaluator)]);
        side.evaluate(first + part * PART, records, labels, outputs, counter)
    })
}
