//! The garbler's role as Delphi plays it: draws all labels, sends every circuit as a record with its labels, keeps their
//! zero labels, and transfers both labels of the evaluator's bits.
//!
//! A garbler that is the server transfers offline, right after the tables; one that is the client transfers online, when the server
//! has its share. Columns and labels of one layer's transfers are in memory as a whole (672 bytes per circuit of 42 wires);
//! everything else streams.

use super::garbler::Delta;
use super::session::Session;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::delphi::{Layout, RecordGarbler, RecordLabels, write_label_vectors};
use crate::gc::{Block, CHUNK, GatePlan};
use crate::ot::{BaseReceiver, ChosenSender, columns_bytes, payload_bytes, session_seed};
use crate::random::Seed;
use crate::storage::Kept;
use pisim_netgen::LayerId;
use pisim_protocol::{Message, Party, Phase, Step, StepKind, Work, wire};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What Delphi's garbler has of one inference.
#[derive(Default)]
pub(super) struct DelphiGarbler {
    delta: Option<Delta>,
    transfers: Option<ChosenSender>,
    /// The columns of layers whose transfers have not been answered.
    columns: HashMap<LayerId, Buffer>,
}

impl DelphiGarbler {
    /// Chooses Δ and the transfers' secret, and answers the evaluator's offer of base transfers.
    pub(super) fn choose_base(&mut self, session: &mut Session, step: &Step, offer: &[u8]) -> Result<()> {
        self.delta = Some(Delta::random(&session.seed.derive("delta", 0)));
        let secret = Delta::random(&session.seed.derive("transfers' secret", 0));
        let choices: Zeroizing<Vec<bool>> =
            Zeroizing::new((0..wire::BASE_OTS).map(|bit| secret.block() >> bit & 1 == 1).collect());
        let seed = session.seed.derive("base", 0);
        let base = BaseReceiver::choose(step.id.0, offer, &choices, &seed, &session.counter)?;
        let public = session_seed(offer, &base.message);
        self.transfers = Some(ChosenSender::new(&base.keys, secret.block(), &public)?);
        if transfers_online(session) {
            let keys = base.keys.iter().flat_map(|key| key.0);
            let state: Zeroizing<Vec<u8>> =
                Zeroizing::new(keys.chain(secret.block().to_le_bytes()).chain(public.0).collect());
            let counter = session.counter.clone();
            session.keep(step.layer, Kept::Transfers, Buffer::secret_copy(&state), &counter)?;
        }
        session.post(step.layer, Message::BaseOtChoice, base.message);
        Ok(())
    }

    /// The transfers' sender, made or from the storage.
    fn transfers(&mut self, session: &mut Session) -> Result<&mut ChosenSender> {
        if self.transfers.is_none() {
            let bytes = wire::alsz_sender_state_bytes() as usize;
            let state = session.storage.take(LayerId(0), Kept::Transfers, bytes)?;
            let (keys, rest) = state.bytes().split_at(wire::BASE_OTS as usize * wire::SEED_BYTES as usize);
            let keys: Vec<Seed> =
                keys.chunks(wire::SEED_BYTES as usize).map(Seed::from_slice).collect::<Result<_>>()?;
            let broken = || BackendError::program("the stored state of the transfers is broken");
            let (secret, public) = rest.split_first_chunk().ok_or_else(broken)?;
            let secret = Zeroizing::new(Block::from_le_bytes(*secret));
            self.transfers = Some(ChosenSender::new(&keys, *secret, &Seed::from_slice(public)?)?);
        }
        self.transfers.as_mut().ok_or_else(|| BackendError::program("no base transfers yet"))
    }

    pub(super) fn receive_columns(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        let transfers = session.elements(step.layer) * session.gates(step.layer)?.inputs.evaluator;
        let columns = session.channel.receive(step.id, columns_bytes(transfers) as u64)?;
        self.columns.insert(step.layer, columns);
        Ok(())
    }

    /// Garbles a layer, sends its records and keeps its encoders, chunk by chunk. `values` are the garbler's offline inputs,
    /// packed into words, `masks` the masks of the outputs.
    pub(super) fn send_tables(
        &mut self,
        session: &mut Session,
        step: &Step,
        (values, masks): (&[u128], &[u64]),
    ) -> Result<()> {
        let layer = step.layer;
        let plan = session.gates(layer)?;
        let no_delta = || BackendError::program("tables before the base transfers");
        let (layout, labels) = (Layout::of(&plan), labels_of(session, layer));
        let garbler = RecordGarbler {
            plan: &plan,
            labels: &labels,
            delta: self.delta.as_ref().ok_or_else(no_delta)?.block(),
            first_gate: session.first_gate(layer),
            layer: layer.0,
        };
        let (counter, mut garbling) = (Counter::default(), Duration::ZERO);
        session.channel.begin(step.id, (layout.record_bytes() * masks.len()) as u64)?;
        let mut records = Buffer::new(layout.record_bytes() * masks.len().min(CHUNK));
        let chunks = values.chunks(CHUNK * plan.offline_words()).zip(masks.chunks(CHUNK));
        for (index, (values, masks)) in chunks.enumerate() {
            let start = Instant::now();
            let records = &mut records.bytes_mut()[..layout.record_bytes() * masks.len()];
            let mut encoders = Buffer::secret(layout.encoder_bytes() * masks.len());
            garbler.garble(index * CHUNK, (values, masks), (records, encoders.bytes_mut()), &counter)?;
            session.keep(layer, Kept::Encoders, encoders, &counter)?;
            garbling += start.elapsed();
            session.channel.send_part(records)?;
        }
        let garble = session.step_of(layer, StepKind::Garble)?;
        session.credit(garble, &counter, garbling);
        Ok(())
    }

    /// Answers a layer's columns with both labels of every wire, chunk by chunk: offline the ones that were drawn for the
    /// tables, online those that were kept with the encoders.
    pub(super) fn send_payload(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        let layer = step.layer;
        let early = || BackendError::program(format!("no columns of transfers for layer {} yet", layer.0));
        let (plan, columns) = (session.gates(layer)?, self.columns.remove(&layer).ok_or_else(early)?);
        let (instances, each) = (session.elements(layer), plan.inputs.evaluator);
        let mut delta = self.delta.as_ref().map_or(0, Delta::block);
        let labels = labels_of(session, layer);
        in_their_phase(session, step)?;
        let transfers = self.transfers(session)?;
        let first_transfer = transfers.reserve((instances * each) as u64)?;
        session.channel.begin(step.id, payload_bytes(instances * each) as u64)?;
        let mut payload = Buffer::new(payload_bytes(instances.min(CHUNK) * each));
        let mut zeros = Buffer::secret_blocks(instances.min(CHUNK) * each);
        let (encoded, sent) = (Counter::default(), Counter::default());
        let (mut encoding, mut sending) = (Duration::ZERO, Duration::ZERO);
        let chunks = columns.bytes().chunks(columns_bytes(CHUNK * each).max(1)).enumerate();
        for (index, columns) in chunks {
            let start = Instant::now();
            let count = CHUNK.min(instances - index * CHUNK);
            let zeros = &mut zeros.blocks_mut()[..count * each];
            if step.phase == Phase::Online {
                let encoders = Encoders::take(session, &plan, layer, count)?;
                delta = encoders.read(plan.inputs.garbler_online, zeros, &mut [], &encoded)?;
            } else {
                labels.evaluator_into((index * CHUNK * each) as u64, zeros);
            }
            encoding += start.elapsed();
            let start = Instant::now();
            let payload = &mut payload.bytes_mut()[..payload_bytes(zeros.len())];
            let number = (step.id.0, first_transfer + (index * CHUNK * each) as u64);
            transfers.send_into(number, columns, (zeros, delta), payload, &sent)?;
            sending += start.elapsed();
            session.channel.send_part(payload)?;
        }
        if step.phase == Phase::Online {
            let encode = session.step_of(layer, StepKind::EncodeLabels)?;
            session.credit(encode, &encoded, encoding);
        }
        let send = session.step_of(layer, StepKind::OtSend)?;
        session.credit(send, &sent, sending);
        Ok(())
    }

    /// Sends the labels of the bits of `values`, the server's shares, from the encoders; returns the masks that were kept with
    /// them.
    pub(super) fn send_online_labels(
        &mut self,
        session: &mut Session,
        step: &Step,
        values: &[u64],
    ) -> Result<Zeroizing<Vec<u64>>> {
        let layer = step.layer;
        let (plan, wires, instances) = (session.gates(layer)?, session.wires() as usize, session.elements(layer));
        let each = plan.inputs.garbler_online;
        let vector = wire::delphi::online_labels_bytes(each as u64) as usize;
        let (counter, mut encoding) = (Counter::default(), Duration::ZERO);
        session.channel.begin(step.id, (instances * vector) as u64)?;
        let mut message = Buffer::secret(instances.min(CHUNK) * vector);
        let mut labels = Buffer::secret_blocks(instances.min(CHUNK) * each);
        let mut masks = Zeroizing::new(vec![0; instances]);
        let chunks = values.chunks((CHUNK * session.taps(layer)?).max(1)).zip(masks.chunks_mut(CHUNK));
        for (values, masks) in chunks {
            let start = Instant::now();
            let labels = &mut labels.blocks_mut()[..masks.len() * each];
            let encoders = Encoders::take(session, &plan, layer, masks.len())?;
            let delta = encoders.read(0, labels, masks, &counter)?;
            for (labels, value) in labels.chunks_exact_mut(wires.max(1)).zip(values) {
                for (bit, label) in labels.iter_mut().enumerate() {
                    *label ^= Block::from(value >> bit & 1).wrapping_neg() & delta;
                }
            }
            let message = &mut message.bytes_mut()[..masks.len() * vector];
            write_label_vectors(message, labels, each);
            encoding += start.elapsed();
            session.channel.send_part(message)?;
        }
        let encode = session.step_of(layer, StepKind::EncodeLabels)?;
        session.credit(encode, &counter, encoding);
        Ok(masks)
    }
}

/// Whether the transfers are made online, so that what they need is kept: if the client garbles.
pub(super) fn transfers_online(session: &Session) -> bool {
    session.program.protocol.garbler == Party::Client
}

/// Transfers are numbered from zero again when a precompute is resumed, so all of an inference belong to one phase: a number
/// used twice would show the evaluator both labels of a wire.
pub(super) fn in_their_phase(session: &Session, step: &Step) -> Result<()> {
    let phase = if transfers_online(session) { Phase::Online } else { Phase::Offline };
    if step.phase == phase { Ok(()) } else { Err(session.refuse(step)) }
}

/// A layer's labels. Nothing of their seed is kept: what online steps need is in the encoders.
fn labels_of(session: &Session, layer: LayerId) -> RecordLabels {
    RecordLabels::new(&session.seed.derive("labels of records", layer.0 as u64))
}

/// What was kept of some instances.
struct Encoders {
    layout: Layout,
    bytes: Buffer,
}

impl Encoders {
    fn take(session: &mut Session, plan: &GatePlan, layer: LayerId, count: usize) -> Result<Self> {
        let layout = Layout::of(plan);
        let bytes = session.storage.take(layer, Kept::Encoders, count * layout.encoder_bytes())?;
        Ok(Self { layout, bytes })
    }

    /// Writes as many zero labels of every instance, from input `first` on, as `zeros` has room for, and the masks that
    /// `masks` has room for; returns Δ. Counts the labels.
    fn read(&self, first: usize, zeros: &mut [Block], masks: &mut [u64], counter: &Counter) -> Result<Block> {
        let broken = || BackendError::program("a stored encoder is broken");
        let encoders = self.bytes.bytes().chunks_exact(self.layout.encoder_bytes());
        let each = zeros.len() / encoders.len().max(1);
        let mut labels = Zeroizing::new(vec![0; self.layout.inputs.total() + 1]);
        for (index, encoder) in encoders.enumerate() {
            let mask = self.layout.read_encoder(encoder, &mut labels).ok_or_else(broken)?;
            let chosen = labels.get(first..first + each).ok_or_else(broken)?;
            zeros[index * each..(index + 1) * each].copy_from_slice(chosen);
            if let Some(place) = masks.get_mut(index) {
                *place = mask;
            }
        }
        counter.add(Work { labels: zeros.len() as u64, ..Work::default() });
        labels.last().copied().ok_or_else(broken)
    }
}
