//! The server: owns the weights, evaluates under encryption, and carries its shares through the network.

use super::linear::{ServerKeys, ServerLayer};
use super::operands::pack_offline;
use super::roles::Roles;
use super::{Prepared, Session, Side, Trace, walk};
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::he::PreparedWeights;
use crate::local::{add_bias, local_linear};
use crate::masked::{at_pixels, spread};
use crate::random::Seed;
use crate::ring::{self, Pixels};
use crate::storage::Storage;
use pisim_netgen::{LayerId, LayerWeights, Op, Weights};
use pisim_protocol::{KeptPixels, Message, Party, Phase, Program, Step, StepKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The server's side of one inference.
pub struct Server {
    session: Session,
    weights: Arc<Weights>,
    prepared_weights: Option<Arc<PreparedWeights>>,
    keys: Option<ServerKeys>,
    roles: Roles,
    masked: HashMap<LayerId, Vec<u64>>,
    /// Masks of activations that were kept with their circuits' labels.
    masks: HashMap<LayerId, Zeroizing<Vec<u64>>>,
    shares: HashMap<LayerId, Vec<u64>>,
}

impl Server {
    /// A server of one new inference, with the weights of the program's network and a seed that is used for no other
    /// inference.
    ///
    /// # Errors
    /// Weights that do not fit the network.
    pub fn new(
        program: Arc<Program>,
        channel: Channel,
        counter: Arc<Counter>,
        seed: Seed,
        storage: Storage,
        weights: Arc<Weights>,
    ) -> Result<Self> {
        // The noise bounds rest on the weights' width.
        weights.check(&program.network).map_err(|error| BackendError::program(error.to_string()))?;
        let roles = Roles::new(program.protocol.transfer);
        Ok(Self {
            session: Session::new(program, Party::Server, channel, counter, seed, storage)?,
            weights,
            prepared_weights: None,
            keys: None,
            roles,
            masked: HashMap::new(),
            masks: HashMap::new(),
            shares: HashMap::new(),
        })
    }

    /// A server that goes on where [`Server::prepare`] ended, perhaps in another process.
    ///
    /// Never twice with the same precompute: a server that garbles would show the client both labels of a wire and with
    /// them Δ and all shares; one that evaluates would show the difference of its shares. See [`Prepared`].
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn resume(
        program: Arc<Program>,
        channel: Channel,
        counter: Arc<Counter>,
        prepared: Prepared,
        weights: Arc<Weights>,
    ) -> Result<Self> {
        // Nothing random happens online; what came after all would be fresh.
        Self::new(program, channel, counter, Seed::from_system()?, prepared.into_storage(), weights)
    }

    /// Uses weights that were transformed before, once for all inferences of the model. Otherwise the server transforms its
    /// own before the first layer that needs them.
    #[must_use]
    pub fn with_prepared_weights(self, weights: Arc<PreparedWeights>) -> Self {
        Self { prepared_weights: Some(weights), ..self }
    }

    /// Runs setup and offline phase. `observer` sees every step after it.
    ///
    /// # Errors
    /// A failed connection or storage, or a peer that breaks the protocol.
    pub fn prepare(mut self, observer: &mut dyn FnMut(&Step)) -> Result<(Prepared, Trace)> {
        let trace = walk(&mut self, &[Phase::Setup, Phase::Offline], observer)?;
        Ok((Prepared::new(self.session.storage), trace))
    }

    /// Runs the online phase.
    ///
    /// # Errors
    /// As [`Server::prepare`].
    pub fn answer(mut self, observer: &mut dyn FnMut(&Step)) -> Result<Trace> {
        walk(&mut self, &[Phase::Online], observer)
    }

    /// Runs all phases.
    ///
    /// # Errors
    /// As [`Server::prepare`].
    pub fn run(mut self, observer: &mut dyn FnMut(&Step)) -> Result<Trace> {
        walk(&mut self, &Phase::ALL, observer)
    }

    fn layer_weights(&self, layer: LayerId) -> Option<&LayerWeights> {
        self.weights.0.get(layer.0).and_then(Option::as_ref)
    }

    fn share(&self, layer: LayerId) -> Result<&[u64]> {
        let early = || BackendError::program(format!("the server's share of layer {} is not ready", layer.0));
        self.shares.get(&layer).map(Vec::as_slice).ok_or_else(early)
    }

    fn read_keys(&mut self, step: &Step) -> Result<()> {
        let message = self.session.take_message(step.layer, Message::PublicKey)?;
        self.keys = Some(self.session.linear.read_keys(message.bytes(), step.id.0)?);
        Ok(())
    }

    fn evaluate_linear(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let bytes = self.session.take_message(layer, Message::Ciphertexts)?;
        let counter = self.session.counter.clone();
        let secret = self.session.new_secret(layer, &counter)?;
        let mask = self.session.mask_of(layer, &secret);
        let is_prepared = self.session.plan(layer)?.coefficient().is_some_and(|plan| plan.prepared);
        if is_prepared && self.prepared_weights.is_none() {
            let prepared = PreparedWeights::new(&self.session.program, &self.weights)?;
            self.prepared_weights = Some(Arc::new(prepared));
        }
        let no_keys = || BackendError::program("no homomorphic keys yet");
        let homomorphic = ServerLayer {
            plan: self.session.plan(layer)?,
            keys: self.keys.as_ref().ok_or_else(no_keys)?,
            weights: self.layer_weights(layer).map(|layer| layer.weights.as_slice()).unwrap_or_default(),
            prepared: self.prepared_weights.as_ref().and_then(|weights| weights.layer(layer)),
            arithmetic: self.session.arithmetic,
            mask: &mask,
            seed: secret.derive("replies", 0),
        };
        let replies = self.session.linear.evaluate(&homomorphic, bytes.bytes(), step.id.0)?;
        self.session.post(layer, Message::ReplyCiphertexts, replies);
        Ok(())
    }

    /// Garbles a layer with fresh masks of its outputs, and slopes if there are any, as offline inputs.
    fn send_tables(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let secret = self.roles.garbling_secret(&mut self.session, layer)?;
        let (arithmetic, offsets) = (self.session.arithmetic, self.session.offsets(layer));
        let mask = Zeroizing::new(self.session.mask_of(layer, &secret));
        let (slopes, wires) = (self.slopes(layer)?, self.session.wires());
        let bits = self.session.gates(layer)?.inputs.garbler_offline;
        let slope_bits = bits.saturating_sub(wires as usize) as u32;
        let values = pack_offline(
            bits,
            mask.iter().enumerate().map(|(instance, mask)| {
                let slope = slopes.get(instance).map(|slope| (*slope, slope_bits));
                slope.into_iter().chain([(arithmetic.minus(*mask, offsets.mask), wires)])
            }),
        );
        self.roles.send_tables(&mut self.session, step, &secret, (&values, &mask))
    }

    fn slopes(&self, layer: LayerId) -> Result<Zeroizing<Vec<u64>>> {
        self.session.slopes(layer, self.layer_weights(layer).map(|layer| layer.weights.as_slice()))
    }

    /// The numbers that the server feeds into a layer's circuits when it evaluates them: its shares, with the slopes above them.
    fn numbers(&self, layer: LayerId) -> Result<Zeroizing<Vec<u64>>> {
        let shares = self.session.operands(layer, self.share(self.session.input(layer)?)?.to_vec())?;
        let (mut numbers, slopes) = (Zeroizing::new(shares), self.slopes(layer)?);
        // Shares are correct modulo 2^k only; their upper bits would run into the slopes.
        for (number, slope) in numbers.iter_mut().zip(slopes.iter()) {
            *number = self.session.arithmetic.reduce(*number) | slope << self.session.wires();
        }
        Ok(numbers)
    }

    /// Transfers the labels of what it feeds in, or offline, when that is not known yet, of random bits.
    fn send_columns(&mut self, step: &Step) -> Result<()> {
        if step.phase == Phase::Online {
            let numbers = self.numbers(step.layer)?;
            return self.roles.send_columns(&mut self.session, step, &numbers);
        }
        let stored = Counter::default();
        let secret = self.session.new_secret(step.layer, &stored)?;
        let receive = self.session.step_of(step.layer, StepKind::OtReceive)?;
        self.session.credit(receive, &stored, Duration::ZERO);
        let choices = Zeroizing::new(self.session.choices(step.layer, &secret)?);
        self.roles.send_columns(&mut self.session, step, &choices)
    }

    /// Hides what the server feeds in online under the random choices.
    fn mask_choices(&mut self, step: &Step) -> Result<()> {
        let secret = self.session.secret(step.layer)?;
        let choices = Zeroizing::new(self.session.choices(step.layer, &secret)?);
        let shown = ring::xor(&self.numbers(step.layer)?, &choices, &self.session.counter);
        let payload = self.session.write_numbers(step.layer, &shown)?;
        self.session.post(step.layer, Message::MaskedChoices, payload);
        Ok(())
    }

    /// Evaluates a layer's circuits: the result under the client's mask is the server's share.
    fn evaluate(&mut self, step: &Step) -> Result<()> {
        let outputs = self.roles.evaluate(&mut self.session, step)?;
        self.put(step.layer, outputs);
        Ok(())
    }

    fn unmask(&mut self, step: &Step) -> Result<()> {
        let early = || BackendError::program(format!("no masked values for layer {}", step.layer.0));
        let masked = self.masked.remove(&step.layer).ok_or_else(early)?;
        let mask = match self.masks.remove(&step.layer) {
            Some(mask) => mask,
            None => {
                let secret = self.session.secret(step.layer)?;
                Zeroizing::new(self.session.mask_of(step.layer, &secret))
            }
        };
        let share = self.session.arithmetic.add(&masked, &mask, &self.session.counter);
        self.put(step.layer, share);
        Ok(())
    }

    fn ring_linear(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let secret = self.session.secret(layer)?;
        let (shape, counter, arithmetic) =
            (*self.session.plan(layer)?.shape(), &self.session.counter, self.session.arithmetic);
        let none = || BackendError::program(format!("layer {} has no weights", layer.0));
        let weights = self.layer_weights(layer).ok_or_else(none)?;
        let input = self.share(self.session.input(layer)?)?;
        let network = &self.session.program.network.network;
        let all = network.layer(layer).output.pixels();
        let kept: Option<Vec<usize>> = KeptPixels::of(network, layer).map(|kept| kept.iter().collect());
        let mut mask = self.session.mask_of(layer, &secret);
        if let Some(kept) = &kept {
            mask = at_pixels(&mask, all, kept);
        }
        let pixels = kept.as_deref().map_or(Pixels::All, Pixels::Some);
        let product = arithmetic.convolve(&shape, &weights.weights, input, pixels, counter)?;
        let mut share = arithmetic.add(&product, &mask, counter);
        add_bias(&arithmetic, &mut share, &weights.bias, kept.as_ref().map_or(all, Vec::len), counter);
        if let Some(kept) = &kept {
            // Where nothing is computed, both shares are zero.
            share = spread(&share, all, kept);
        }
        self.put(layer, share);
        Ok(())
    }

    fn local_linear(&mut self, step: &Step) -> Result<()> {
        let inputs: Vec<&[u64]> =
            self.session.inputs(step.layer).iter().map(|input| self.share(*input)).collect::<Result<_>>()?;
        let bias = self.layer_weights(step.layer).map(|layer| layer.bias.as_slice());
        let network = &self.session.program.network;
        let arithmetic = self.session.arithmetic;
        let share = local_linear(&arithmetic, network, step.layer, &inputs, bias, &self.session.counter);
        self.put(step.layer, share);
        Ok(())
    }

    /// Keeps a share; if it is the answer's, it goes to the client.
    fn put(&mut self, layer: LayerId, share: Vec<u64>) {
        if self.session.is_output(layer) {
            let payload = self.session.arithmetic.write(&share);
            self.session.post(layer, Message::OutputShare, payload);
        }
        self.shares.insert(layer, share);
    }
}

impl Side for Server {
    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn perform(&mut self, step: &Step) -> Result<()> {
        match step.kind {
            StepKind::HeReadKeys => self.read_keys(step)?,
            StepKind::HeLinear => self.evaluate_linear(step)?,
            StepKind::MaskChoices => self.mask_choices(step)?,
            StepKind::Evaluate => self.evaluate(step)?,
            StepKind::Unmask => self.unmask(step)?,
            StepKind::RingLinear => self.ring_linear(step)?,
            StepKind::LocalLinear => self.local_linear(step)?,
            _ => return self.roles.perform(&mut self.session, step),
        }
        Ok(())
    }

    fn send(&mut self, step: &Step, message: Message) -> Result<()> {
        match message {
            Message::OtColumns => self.send_columns(step),
            Message::GarbledTables => self.send_tables(step),
            Message::OnlineLabels => {
                let input = self.share(self.session.input(step.layer)?)?.to_vec();
                let shares = Zeroizing::new(self.session.operands(step.layer, input)?);
                let offset = self.session.offsets(step.layer).share;
                let moved = Zeroizing::new(self.session.arithmetic.moved(&shares, offset));
                if let Some(masks) = self.roles.send_online_labels(&mut self.session, step, &moved)? {
                    self.masks.insert(step.layer, masks);
                }
                Ok(())
            }
            _ => self.roles.send(&mut self.session, step, message),
        }
    }

    fn receive(&mut self, step: &Step, message: Message) -> Result<()> {
        let layer = step.layer;
        match message {
            Message::PublicKey => {
                let bytes = self.session.program.protocol.linear.keys_bytes();
                self.session.accept(step, message, bytes)?;
                // Where keys take work to read, that is a step of its own.
                let reads = self.session.step_of(layer, StepKind::HeReadKeys).is_ok();
                if reads { Ok(()) } else { self.read_keys(step) }
            }
            Message::Ciphertexts => {
                let bytes = self.session.plan(layer)?.ciphertexts_bytes();
                self.session.accept(step, message, bytes)
            }
            Message::MaskedValues => {
                let values = self.session.receive_shares(step)?;
                // The input needs no further step: what the client sent is the server's share.
                if matches!(self.session.op(layer), Op::Input) {
                    self.put(layer, values);
                } else {
                    self.masked.insert(layer, values);
                }
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
