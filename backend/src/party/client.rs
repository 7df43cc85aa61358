//! The client: owns the input, holds the homomorphic key, gets the answer.

use super::roles::Roles;
use super::{Prepared, Session, Side, Trace, walk};
use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::he::{BitWriter, SecretKey, decrypt_all, encrypt_each};
use crate::random::{Seed, ring_mask};
use crate::ring;
use crate::storage::{Kept, Storage};
use pisim_netgen::{LayerId, Op};
use pisim_protocol::{Message, Party, Phase, Program, Step, StepKind, wire};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The client's side of one inference.
pub struct Client {
    session: Session,
    input: Vec<i64>,
    /// From which all masks come, once it is made or read from the storage.
    masks: Option<Seed>,
    secret_key: Option<SecretKey>,
    roles: Roles,
    /// Shares that do not come from the seed: of linear and local layers.
    shares: HashMap<LayerId, Vec<u64>>,
    /// The server's online shares under its choices, when the client garbles.
    masked_choices: HashMap<LayerId, Vec<u64>>,
    output_share: Vec<u64>,
    outputs: Vec<i64>,
}

impl Client {
    /// A client of one new inference, with a seed that is used for no other.
    ///
    /// # Errors
    /// A program that cannot run.
    pub fn new(
        program: Arc<Program>,
        channel: Channel,
        counter: Arc<Counter>,
        seed: Seed,
        storage: Storage,
    ) -> Result<Self> {
        Ok(Self {
            session: Session::new(program, Party::Client, channel, counter, seed, storage)?,
            input: Vec::new(),
            masks: None,
            secret_key: None,
            roles: Roles::default(),
            shares: HashMap::new(),
            masked_choices: HashMap::new(),
            output_share: Vec::new(),
            outputs: Vec::new(),
        })
    }

    /// A client that goes on where [`Client::prepare`] ended, perhaps in another process.
    ///
    /// Never twice with the same precompute: two inputs under the same masks show the server their difference, and a client
    /// that garbles would reveal Δ. See [`Prepared`].
    ///
    /// # Errors
    /// A program that cannot run.
    pub fn resume(program: Arc<Program>, channel: Channel, counter: Arc<Counter>, prepared: Prepared) -> Result<Self> {
        // Nothing random happens online; what came after all would be fresh.
        Self::new(program, channel, counter, Seed::from_system()?, prepared.into_storage())
    }

    /// Runs setup and offline phase. `observer` sees every step after it.
    ///
    /// # Errors
    /// A failed connection or storage, or a peer that breaks the protocol.
    pub fn prepare(mut self, observer: &mut dyn FnMut(&Step)) -> Result<(Prepared, Trace)> {
        let trace = walk(&mut self, &[Phase::Setup, Phase::Offline], observer)?;
        Ok((Prepared::new(self.session.storage), trace))
    }

    /// Runs the online phase on an input in the network's fixed-point format; returns the answer as signed ring elements.
    ///
    /// # Errors
    /// An input of another size than the network's, and as [`Client::prepare`].
    pub fn answer(mut self, input: Vec<i64>, observer: &mut dyn FnMut(&Step)) -> Result<(Vec<i64>, Trace)> {
        self.take_input(input)?;
        let trace = walk(&mut self, &[Phase::Online], observer)?;
        Ok((self.outputs, trace))
    }

    /// Runs all phases.
    ///
    /// # Errors
    /// As [`Client::answer`].
    pub fn run(mut self, input: Vec<i64>, observer: &mut dyn FnMut(&Step)) -> Result<(Vec<i64>, Trace)> {
        self.take_input(input)?;
        let trace = walk(&mut self, &Phase::ALL, observer)?;
        Ok((self.outputs, trace))
    }

    fn take_input(&mut self, input: Vec<i64>) -> Result<()> {
        let expected = self.session.program.network.network.input.len();
        if input.len() != expected {
            let reason = format!("the input has {} values, the network takes {expected}", input.len());
            return Err(BackendError::program(reason));
        }
        self.input = input;
        Ok(())
    }

    /// The client's mask of an input or activation.
    fn mask(&mut self, layer: LayerId) -> Result<Vec<u64>> {
        let seed = match &self.masks {
            Some(seed) => seed.clone(),
            None => {
                let bytes = self.session.storage.take(LayerId(0), Kept::Masks, wire::SEED_BYTES as usize)?;
                self.masks.insert(Seed::from_slice(bytes.bytes())?).clone()
            }
        };
        Ok(self.session.mask_of(layer, &seed))
    }

    /// The client's share of a layer's output: its mask of inputs and activations, otherwise what an offline step left.
    fn share(&mut self, layer: LayerId) -> Result<Vec<u64>> {
        match self.session.op(layer) {
            Op::Input | Op::Relu | Op::Rescale => self.mask(layer),
            Op::ChannelBias { .. } if !self.shares.contains_key(&layer) => {
                let input = self.session.input(layer)?;
                self.share(input)
            }
            _ => {
                let early = || BackendError::program(format!("the client's share of layer {} is not ready", layer.0));
                self.shares.get(&layer).cloned().ok_or_else(early)
            }
        }
    }

    fn input_share(&mut self, layer: LayerId) -> Result<Vec<u64>> {
        let input = self.session.input(layer)?;
        self.share(input)
    }

    /// Keeps a share; if it is the answer's, it is stored for the online phase.
    fn put(&mut self, layer: LayerId, share: Vec<u64>) -> Result<()> {
        if self.session.is_output(layer) {
            let counter = self.session.counter.clone();
            let bytes = Zeroizing::new(self.session.write_ring(&share));
            self.session.keep(layer, Kept::Share, Buffer::secret_copy(&bytes), &counter)?;
        }
        self.shares.insert(layer, share);
        Ok(())
    }

    fn key(&self) -> Result<&SecretKey> {
        self.secret_key.as_ref().ok_or_else(|| BackendError::program("no homomorphic key yet"))
    }

    /// Makes the key and the seed of all masks.
    fn generate_key(&mut self, step: &Step) -> Result<()> {
        let masks = self.session.seed.derive("masks", 0);
        let counter = self.session.counter.clone();
        self.session.keep(step.layer, Kept::Masks, Buffer::secret_copy(&masks.0), &counter)?;
        self.masks = Some(masks);
        let (secret, public) = SecretKey::generate(&self.session.he, &self.session.seed.derive("key", 0));
        let mut writer = BitWriter::default();
        public.write(&self.session.he, &mut writer);
        self.session.post(step.layer, Message::PublicKey, writer.finish());
        self.secret_key = Some(secret);
        Ok(())
    }

    fn encrypt(&mut self, step: &Step) -> Result<()> {
        let share = self.input_share(step.layer)?;
        let (he, plan, key) = (&self.session.he, self.session.plan(step.layer)?, self.key()?);
        let seed = self.session.seed.derive("encrypt", step.layer.0 as u64);
        let mut payload = Buffer::new(wire::ciphertexts_bytes(plan) as usize);
        let each = plan.fresh_ciphertext_bytes() as usize;
        encrypt_each(he, plan, key, &share, &seed, |index, bytes| {
            payload.bytes_mut()[index * each..][..each].copy_from_slice(&bytes);
            Ok(())
        })?;
        self.session.post(step.layer, Message::Ciphertexts, payload);
        Ok(())
    }

    fn decrypt(&mut self, step: &Step) -> Result<()> {
        let bytes = self.session.take_message(step.layer, Message::ReplyCiphertexts)?;
        let plan = self.session.plan(step.layer)?;
        let share = decrypt_all(&self.session.he, plan, self.key()?, bytes.bytes(), step.id.0)?;
        self.put(step.layer, share)
    }

    /// Shares go through a local layer as the values do; the server alone adds biases.
    fn local_linear(&mut self, step: &Step) -> Result<()> {
        let inputs = self.session.inputs(step.layer).to_vec();
        let inputs: Vec<Vec<u64>> = inputs.into_iter().map(|input| self.share(input)).collect::<Result<_>>()?;
        let inputs: Vec<&[u64]> = inputs.iter().map(Vec::as_slice).collect();
        let network = &self.session.program.network;
        let share = ring::local_linear(network, step.layer, &inputs, None, &self.session.counter);
        self.put(step.layer, share)
    }

    /// Garbles a layer with the client's share and the mask of its activation as offline inputs.
    fn send_tables(&mut self, step: &Step) -> Result<()> {
        let (share, mask, bits) = (self.input_share(step.layer)?, self.mask(step.layer)?, self.session.ring_bits());
        // Shares are correct modulo 2^k only; their upper bits would run into the mask's.
        let reduced = |value: u64| u128::from(value & ring_mask(bits));
        let offline = |(share, mask): (&u64, &u64)| reduced(*share) | reduced(mask.wrapping_neg()) << bits;
        let values: Vec<u128> = share.iter().zip(&mask).map(offline).collect();
        let stored = Counter::default();
        let secret = self.session.new_secret(step.layer, &stored)?;
        let garble = self.session.step_of(step.layer, StepKind::Garble)?;
        self.session.credit(garble, &stored, std::time::Duration::ZERO);
        self.roles.garbler.send_tables(&mut self.session, step, &secret, &values)
    }

    /// Evaluates a layer's circuits and masks the result for the server.
    fn evaluate(&mut self, step: &Step) -> Result<()> {
        let outputs = self.roles.evaluator.evaluate(&mut self.session, step)?;
        let mask = self.mask(step.layer)?;
        let masked = ring::sub(&outputs, &mask, &self.session.counter);
        let payload = self.session.write_ring(&masked);
        self.session.post(step.layer, Message::MaskedValues, payload);
        Ok(())
    }

    fn mask_input(&mut self, step: &Step) -> Result<()> {
        let mask = self.mask(step.layer)?;
        let input: Vec<u64> = self.input.iter().map(|value| *value as u64).collect();
        let masked = ring::sub(&input, &mask, &self.session.counter);
        let payload = self.session.write_ring(&masked);
        self.session.post(step.layer, Message::MaskedValues, payload);
        Ok(())
    }

    fn reconstruct(&mut self, step: &Step) -> Result<()> {
        let (bits, bytes) = (self.session.ring_bits(), self.session.elements(step.layer) * self.session.ring_bytes());
        let share = match self.session.op(step.layer) {
            Op::Input | Op::Relu | Op::Rescale => self.mask(step.layer)?,
            _ => {
                let share = self.session.storage.take(step.layer, Kept::Share, bytes)?;
                self.session.read_ring(share.bytes())
            }
        };
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
            StepKind::HeKeygen => self.generate_key(step)?,
            StepKind::Encrypt => self.encrypt(step)?,
            StepKind::Decrypt => self.decrypt(step)?,
            StepKind::LocalLinear => self.local_linear(step)?,
            StepKind::Evaluate => self.evaluate(step)?,
            StepKind::MaskInput => self.mask_input(step)?,
            StepKind::Reconstruct => self.reconstruct(step)?,
            _ => return self.roles.perform(&mut self.session, step),
        }
        Ok(())
    }

    fn send(&mut self, step: &Step, message: Message) -> Result<()> {
        match message {
            Message::OtColumns => {
                let share = self.input_share(step.layer)?;
                self.roles.evaluator.send_columns(&mut self.session, step, &share)
            }
            Message::GarbledTables => self.send_tables(step),
            Message::OnlineLabels => {
                let early = || BackendError::program(format!("no masked choices for layer {}", step.layer.0));
                let values = self.masked_choices.remove(&step.layer).ok_or_else(early)?;
                self.roles.garbler.send_online_labels(&mut self.session, step, &values)
            }
            _ => self.session.deliver(step, message),
        }
    }

    fn receive(&mut self, step: &Step, message: Message) -> Result<()> {
        match message {
            Message::ReplyCiphertexts => {
                let bytes = self.session.plan(step.layer)?.reply_bytes();
                self.session.accept(step, message, bytes)
            }
            Message::MaskedChoices => {
                let values = self.session.receive_ring(step)?;
                self.masked_choices.insert(step.layer, values);
                Ok(())
            }
            Message::OutputShare => {
                self.output_share = self.session.receive_ring(step)?;
                Ok(())
            }
            _ => self.roles.receive(&mut self.session, step, message),
        }
    }

    fn forget(&mut self, step: &Step) {
        for layer in self.session.read_last(step) {
            self.shares.remove(layer);
        }
    }
}
