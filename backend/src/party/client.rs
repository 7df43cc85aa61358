//! The client: owns the input, holds the homomorphic key, evaluates the garbled circuits, gets the answer.

use super::{Session, Side, Trace, walk};
use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{EvaluatorLabels, Garbled, evaluate};
use crate::he::{BitReader, BitWriter, Reply, SecretKey, pack_inputs, unpack_outputs};
use crate::ot::{BaseSender, ExtensionReceiver};
use crate::random::{Seed, ring_mask};
use crate::ring;
use pisim_netgen::{LayerId, Op};
use pisim_protocol::{Message, Party, Program, Step, StepKind, Work, wire};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// The client's side of one inference.
pub struct Client {
    session: Session,
    input: Vec<i64>,
    secret_key: Option<SecretKey>,
    base: Option<BaseSender>,
    base_choices: Option<Buffer>,
    transfers: Option<ExtensionReceiver>,
    replies: HashMap<LayerId, Buffer>,
    /// Shares that do not come from the seed: of linear and local layers.
    shares: HashMap<LayerId, Vec<u64>>,
    /// Labels of its share bits, and garbled circuits: what the client stores from the offline to the online phase.
    labels: HashMap<LayerId, Buffer>,
    garbled: HashMap<LayerId, Garbled>,
    online_labels: HashMap<LayerId, Buffer>,
    output_share: Vec<u64>,
    outputs: Vec<i64>,
}

impl Client {
    /// A client with an input at the network's fixed-point format.
    ///
    /// # Errors
    /// An input of another size than the network's.
    pub fn new(
        program: Arc<Program>,
        channel: Channel,
        counter: Arc<Counter>,
        seed: Seed,
        input: Vec<i64>,
    ) -> Result<Self> {
        let expected = program.network.network.input.len();
        if input.len() != expected {
            let reason = format!("the input has {} values, the network takes {expected}", input.len());
            return Err(BackendError::program(reason));
        }
        Ok(Self {
            session: Session::new(program, Party::Client, channel, counter, seed)?,
            input,
            secret_key: None,
            base: None,
            base_choices: None,
            transfers: None,
            replies: HashMap::new(),
            shares: HashMap::new(),
            labels: HashMap::new(),
            garbled: HashMap::new(),
            online_labels: HashMap::new(),
            output_share: Vec::new(),
            outputs: Vec::new(),
        })
    }

    /// Runs all phases; returns the answer as signed ring elements, and what was counted. `observer` sees every step
    /// after it.
    pub fn run(mut self, observer: &mut dyn FnMut(&Step)) -> Result<(Vec<i64>, Trace)> {
        let trace = walk(&mut self, observer)?;
        Ok((self.outputs, trace))
    }

    /// The client's share of a layer's output: its mask of inputs and activations, otherwise what an offline step left.
    fn share(&self, layer: LayerId) -> Result<Vec<u64>> {
        match self.session.op(layer) {
            Op::Input | Op::Relu | Op::Rescale => Ok(self.session.mask(layer)),
            Op::ChannelBias { .. } if !self.shares.contains_key(&layer) => self.share(self.session.input(layer)?),
            _ => {
                let early = || BackendError::program(format!("the client's share of layer {} is not ready", layer.0));
                self.shares.get(&layer).cloned().ok_or_else(early)
            }
        }
    }

    fn input_share(&self, layer: LayerId) -> Result<Vec<u64>> {
        self.share(self.session.input(layer)?)
    }

    /// Keeps a share; if it is the answer's, it is stored until the end together with the seed of all masks.
    fn keep(&mut self, layer: LayerId, share: Vec<u64>) {
        if self.session.is_output(layer) {
            let stored = (share.len() * self.session.ring_bytes()) as u64 + wire::SEED_BYTES;
            self.session.counter.add(Work { stored_client_bytes: stored, ..Work::default() });
        }
        self.shares.insert(layer, share);
    }

    fn key(&self) -> Result<&SecretKey> {
        self.secret_key.as_ref().ok_or_else(|| BackendError::program("no homomorphic key yet"))
    }

    fn generate_key(&mut self, step: &Step) {
        let (secret, public) = SecretKey::generate(&self.session.he, &self.session.seed.derive("key", 0));
        let mut writer = BitWriter::default();
        public.write(&self.session.he, &mut writer);
        self.session.post(step.layer, Message::PublicKey, writer.finish());
        self.secret_key = Some(secret);
    }

    fn offer_base(&mut self, step: &Step) {
        let base = BaseSender::new(&self.session.seed.derive("base", 0));
        self.session.post(step.layer, Message::BaseOtOffer, base.offer());
        self.base = Some(base);
    }

    fn finish_base(&mut self, step: &Step) -> Result<()> {
        let base = self.base.take().ok_or_else(|| BackendError::program("no base transfers offered"))?;
        let choices = self.base_choices.take().ok_or_else(|| BackendError::program("no base choices received"))?;
        let keys = base.finish(step.id.0, choices.bytes(), &self.session.counter)?;
        let (transfers, trees) = ExtensionReceiver::new(&keys)?;
        self.transfers = Some(transfers);
        self.session.post(step.layer, Message::OtTrees, trees);
        Ok(())
    }

    fn encrypt(&mut self, step: &Step) -> Result<()> {
        let (he, plan, key) = (&self.session.he, self.session.plan(step.layer)?, self.key()?);
        let share = self.input_share(step.layer)?;
        let seed = self.session.seed.derive("encrypt", step.layer.0 as u64);
        let ciphertexts: Vec<Vec<u8>> = pack_inputs(plan, &share)
            .par_iter()
            .enumerate()
            .map(|(index, plaintext)| {
                let mut writer = BitWriter::default();
                key.encrypt(he, plaintext, &seed.derive("ciphertext", index as u64)).write(he, &mut writer);
                writer.finish()
            })
            .collect();
        self.session.post(step.layer, Message::Ciphertexts, ciphertexts.concat());
        Ok(())
    }

    fn decrypt(&mut self, step: &Step) -> Result<()> {
        let early = || BackendError::program(format!("no reply for layer {} yet", step.layer.0));
        let bytes = self.replies.remove(&step.layer).ok_or_else(early)?;
        let (he, plan) = (&self.session.he, self.session.plan(step.layer)?);
        let mut reader = BitReader::new(bytes.bytes());
        let mut replies = Vec::with_capacity(plan.output_ciphertexts() as usize);
        for tile in 0..plan.tiles() {
            for group in 0..plan.output_groups() {
                replies.push(Reply::read(he, &mut reader, plan.reply_values(tile, group), step.id.0)?);
            }
        }
        let share = unpack_outputs(he, plan, self.key()?, &replies);
        self.keep(step.layer, share);
        Ok(())
    }

    /// Shares go through a local layer as the values do; the server alone adds biases.
    fn local_linear(&mut self, step: &Step) -> Result<()> {
        let inputs = self.session.inputs(step.layer).iter().map(|input| self.share(*input));
        let inputs: Vec<Vec<u64>> = inputs.collect::<Result<_>>()?;
        let inputs: Vec<&[u64]> = inputs.iter().map(Vec::as_slice).collect();
        let network = &self.session.program.network;
        let share = ring::local_linear(network, step.layer, &inputs, None, &self.session.counter);
        self.keep(step.layer, share);
        Ok(())
    }

    fn receive_labels(&mut self, step: &Step) -> Result<()> {
        let bits = self.session.ring_bits();
        let share = self.input_share(step.layer)?;
        let early = || BackendError::program("no base transfers yet");
        let transfers = self.transfers.as_mut().ok_or_else(early)?;
        let (labels, message) = transfers.extend(&share, bits, &self.session.counter)?;
        let stored = labels.bytes().len() as u64;
        self.session.counter.add(Work { stored_client_bytes: stored, ..Work::default() });
        self.labels.insert(step.layer, labels);
        self.session.post(step.layer, Message::OtColumns, message);
        Ok(())
    }

    fn store_tables(&mut self, step: &Step, payload: Buffer) -> Result<()> {
        let (gates, instances) = (self.session.gates(step.layer)?, self.session.elements(step.layer));
        let stored = payload.bytes().len() as u64;
        self.session.counter.add(Work { stored_client_bytes: stored, ..Work::default() });
        self.garbled.insert(step.layer, Garbled::from_wire(&gates, instances, payload)?);
        Ok(())
    }

    /// Evaluates a layer's circuits and masks the result for the server.
    fn evaluate(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let early = || BackendError::program(format!("the tables or labels of layer {} are missing", layer.0));
        let garbled = self.garbled.remove(&layer).ok_or_else(early)?;
        let labels = self.labels.remove(&layer).ok_or_else(early)?;
        let online = self.online_labels.remove(&layer).ok_or_else(early)?;
        let labels = EvaluatorLabels {
            garbler_online: online.blocks(),
            evaluator: labels.blocks(),
            offline: &garbled.offline_labels(),
            first_gate: self.session.first_gate(layer),
        };
        let gates = self.session.gates(layer)?;
        let counter = &self.session.counter;
        let masked = evaluate(&gates, &garbled, &labels, counter)?;
        let masked = ring::sub(&masked, &self.session.mask(layer), counter);
        let payload = self.session.write_ring(&masked);
        self.session.post(layer, Message::MaskedValues, payload);
        Ok(())
    }

    fn mask_input(&mut self, step: &Step) {
        let input: Vec<u64> = self.input.iter().map(|value| *value as u64).collect();
        let masked = ring::sub(&input, &self.session.mask(step.layer), &self.session.counter);
        let payload = self.session.write_ring(&masked);
        self.session.post(step.layer, Message::MaskedValues, payload);
    }

    fn reconstruct(&mut self, step: &Step) -> Result<()> {
        let (bits, share) = (self.session.ring_bits(), self.share(step.layer)?);
        let sum = ring::add(&self.output_share, &share, &self.session.counter);
        let signed = |value: u64| ((value & ring_mask(bits)) << (64 - bits)) as i64 >> (64 - bits);
        self.outputs = sum.into_iter().map(signed).collect();
        Ok(())
    }
}

impl Side for Client {
    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn perform(&mut self, step: &Step) -> Result<()> {
        match step.kind {
            StepKind::HeKeygen => self.generate_key(step),
            StepKind::BaseOtOffer => self.offer_base(step),
            StepKind::BaseOtFinish => self.finish_base(step)?,
            StepKind::Encrypt => self.encrypt(step)?,
            StepKind::Decrypt => self.decrypt(step)?,
            StepKind::LocalLinear => self.local_linear(step)?,
            StepKind::OtReceive => self.receive_labels(step)?,
            StepKind::Evaluate => self.evaluate(step)?,
            StepKind::MaskInput => self.mask_input(step),
            StepKind::Reconstruct => self.reconstruct(step)?,
            _ => return Err(self.session.refuse(step)),
        }
        Ok(())
    }

    fn expected(&self, step: &Step, message: Message) -> Result<u64> {
        Ok(match message {
            Message::BaseOtChoice => wire::GROUP_ELEMENT_BYTES * wire::BASE_OTS,
            Message::ReplyCiphertexts => self.session.plan(step.layer)?.reply_bytes(),
            Message::GarbledTables => {
                let gates = self.session.gates(step.layer)?;
                Garbled::bytes(&gates, self.session.elements(step.layer)) as u64
            }
            Message::OnlineLabels => {
                let labels = self.session.gates(step.layer)?.inputs.garbler_online * self.session.elements(step.layer);
                labels as u64 * wire::LABEL_BYTES
            }
            Message::OutputShare => (self.session.elements(step.layer) * self.session.ring_bytes()) as u64,
            _ => return Err(self.session.refuse(step)),
        })
    }

    fn receive(&mut self, step: &Step, message: Message, payload: Buffer) -> Result<()> {
        match message {
            Message::BaseOtChoice => self.base_choices = Some(payload),
            Message::ReplyCiphertexts => {
                self.replies.insert(step.layer, payload);
            }
            Message::GarbledTables => self.store_tables(step, payload)?,
            Message::OnlineLabels => {
                self.online_labels.insert(step.layer, payload);
            }
            Message::OutputShare => self.output_share = self.session.read_ring(payload.bytes()),
            _ => return Err(self.session.refuse(step)),
        }
        Ok(())
    }
}
