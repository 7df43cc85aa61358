//! The client: owns the input, holds the homomorphic key, gets the answer.

use super::linear::ClientKey;
use super::operands::pack_offline;
use super::roles::Roles;
use super::{Prepared, Session, Side, Trace, walk};
use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::local::local_linear;
use crate::random::Seed;
use crate::storage::{Kept, Storage};
use pisim_netgen::{LayerId, Op};
use pisim_protocol::{KeptPixels, Message, Party, Phase, Program, Step, StepKind, wire};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The client's side of one inference.
pub struct Client {
    session: Session,
    input: Vec<i64>,
    /// From which all masks come, once it is made or read from the storage.
    masks: Option<Seed>,
    secret_key: Option<ClientKey>,
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
        let roles = Roles::new(program.protocol.transfer);
        Ok(Self {
            session: Session::new(program, Party::Client, channel, counter, seed, storage)?,
            input: Vec::new(),
            masks: None,
            secret_key: None,
            roles,
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
            Op::Input => self.mask(layer),
            op if op.rescales() => self.mask(layer),
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

    /// The client's shares that a layer's circuits read.
    fn operands(&mut self, layer: LayerId) -> Result<Vec<u64>> {
        let input = self.input_share(layer)?;
        self.session.operands(layer, input)
    }

    /// Keeps a share; if it is the answer's, it is stored for the online phase.
    fn put(&mut self, layer: LayerId, share: Vec<u64>) -> Result<()> {
        if self.session.is_output(layer) {
            let counter = self.session.counter.clone();
            let bytes = Zeroizing::new(self.session.arithmetic.write(&share));
            self.session.keep(layer, Kept::Share, Buffer::secret_copy(&bytes), &counter)?;
        }
        self.shares.insert(layer, share);
        Ok(())
    }

    fn key(&self) -> Result<&ClientKey> {
        self.secret_key.as_ref().ok_or_else(|| BackendError::program("no homomorphic key yet"))
    }

    /// Makes the key and the seed of all masks.
    fn generate_key(&mut self, step: &Step) -> Result<()> {
        let masks = self.session.seed.derive("masks", 0);
        let counter = self.session.counter.clone();
        self.session.keep(step.layer, Kept::Masks, Buffer::secret_copy(&masks.0), &counter)?;
        self.masks = Some(masks);
        let (secret, message) = self.session.linear.generate(&self.session.seed.derive("key", 0));
        self.session.post(step.layer, Message::PublicKey, message);
        self.secret_key = Some(secret);
        Ok(())
    }

    fn encrypt(&mut self, step: &Step) -> Result<()> {
        let share = self.input_share(step.layer)?;
        let (plan, key) = (self.session.plan(step.layer)?, self.key()?);
        let seed = self.session.seed.derive("encrypt", step.layer.0 as u64);
        let payload = self.session.linear.encrypt(plan, key, &share, &seed)?;
        self.session.post(step.layer, Message::Ciphertexts, payload);
        Ok(())
    }

    fn decrypt(&mut self, step: &Step) -> Result<()> {
        let bytes = self.session.take_message(step.layer, Message::ReplyCiphertexts)?;
        let plan = self.session.plan(step.layer)?;
        let mut share = self.session.linear.decrypt(plan, self.key()?, bytes.bytes(), step.id.0)?;
        // Slots hold all pixels; the server's share is zero at those that nobody needs, and so is this one.
        if let Some(kept) = KeptPixels::of(&self.session.program.network.network, step.layer) {
            let pixels = plan.shape().out_height() * plan.shape().out_width();
            let silent = |index: usize| !kept.contains(index % pixels.max(1));
            share.iter_mut().enumerate().filter(|(index, _)| silent(*index)).for_each(|(_, share)| *share = 0);
        }
        self.put(step.layer, share)
    }

    /// Shares go through a local layer as the values do; the server alone adds biases.
    fn local_linear(&mut self, step: &Step) -> Result<()> {
        let inputs = self.session.inputs(step.layer).to_vec();
        let inputs: Vec<Vec<u64>> = inputs.into_iter().map(|input| self.share(input)).collect::<Result<_>>()?;
        let inputs: Vec<&[u64]> = inputs.iter().map(Vec::as_slice).collect();
        let network = &self.session.program.network;
        let arithmetic = self.session.arithmetic;
        let share = local_linear(&arithmetic, network, step.layer, &inputs, None, &self.session.counter);
        self.put(step.layer, share)
    }

    /// Garbles a layer with the client's shares and the masks of its outputs as offline inputs.
    fn send_tables(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let (shares, mask) = (Zeroizing::new(self.operands(layer)?), Zeroizing::new(self.mask(layer)?));
        let (arithmetic, offsets, wires) = (self.session.arithmetic, self.session.offsets(layer), self.session.wires());
        let moved = Zeroizing::new(arithmetic.moved(&shares, offsets.share));
        let bits = self.session.gates(layer)?.inputs.garbler_offline;
        let each = moved.chunks(self.session.taps(layer)?.max(1)).zip(mask.iter());
        let values = pack_offline(
            bits,
            each.map(|(shares, mask)| {
                let shares = shares.iter().map(|share| arithmetic.reduce(*share));
                shares.chain([arithmetic.minus(*mask, offsets.mask)]).map(|number| (number, wires))
            }),
        );
        let secret = self.roles.garbling_secret(&mut self.session, layer)?;
        self.roles.send_tables(&mut self.session, step, &secret, (&values, &mask))
    }

    /// Evaluates a layer's circuits and masks the result for the server.
    fn evaluate(&mut self, step: &Step) -> Result<()> {
        let outputs = self.roles.evaluate(&mut self.session, step)?;
        let mask = self.mask(step.layer)?;
        let masked = self.session.arithmetic.sub(&outputs, &mask, &self.session.counter);
        let payload = self.session.arithmetic.write(&masked);
        self.session.post(step.layer, Message::MaskedValues, payload);
        Ok(())
    }

    fn mask_input(&mut self, step: &Step) -> Result<()> {
        let mask = self.mask(step.layer)?;
        let arithmetic = self.session.arithmetic;
        let input: Vec<u64> = self.input.iter().map(|value| arithmetic.of_signed(*value)).collect();
        let masked = arithmetic.sub(&input, &mask, &self.session.counter);
        let payload = arithmetic.write(&masked);
        self.session.post(step.layer, Message::MaskedValues, payload);
        Ok(())
    }

    fn reconstruct(&mut self, step: &Step) -> Result<()> {
        let arithmetic = self.session.arithmetic;
        let bytes = self.session.elements(step.layer) * arithmetic.element_bytes();
        let share = match self.session.op(step.layer) {
            Op::Input => self.mask(step.layer)?,
            op if op.rescales() => self.mask(step.layer)?,
            _ => {
                let share = self.session.storage.take(step.layer, Kept::Share, bytes)?;
                arithmetic.read(share.bytes(), step.id.0)?
            }
        };
        let sum = arithmetic.add(&self.output_share, &share, &self.session.counter);
        self.outputs = sum.into_iter().map(|sum| arithmetic.signed(sum)).collect();
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
                let share = self.operands(step.layer)?;
                self.roles.send_columns(&mut self.session, step, &share)
            }
            Message::GarbledTables => self.send_tables(step),
            Message::OnlineLabels => {
                let early = || BackendError::program(format!("no masked choices for layer {}", step.layer.0));
                let values = self.masked_choices.remove(&step.layer).ok_or_else(early)?;
                self.roles.send_online_labels(&mut self.session, step, &values).map(|_| ())
            }
            _ => self.roles.send(&mut self.session, step, message),
        }
    }

    fn receive(&mut self, step: &Step, message: Message) -> Result<()> {
        match message {
            Message::ReplyCiphertexts => {
                let bytes = self.session.plan(step.layer)?.reply_bytes();
                self.session.accept(step, message, bytes)
            }
            Message::MaskedChoices => {
                let values = self.session.receive_numbers(step)?;
                self.masked_choices.insert(step.layer, values);
                Ok(())
            }
            Message::OutputShare => {
                self.output_share = self.session.receive_shares(step)?;
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
