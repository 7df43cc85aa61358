//! The server: owns the weights, evaluates under encryption, garbles, and carries its shares through the network.

use super::{Session, Side, Trace, walk};
use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{Block, GarblerInputs, LabelSource, garble};
use crate::he::{BitReader, BitWriter, Ciphertext, HomomorphicLayer, PublicKey};
use crate::ot::{BaseReceiver, ExtensionSender};
use crate::random::{Seed, ring_mask};
use crate::ring;
use pisim_netgen::{LayerId, LayerWeights, Weights};
use pisim_protocol::{Message, Party, Program, Step, StepKind, Work, wire};
use rand_core::Rng;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// The server's side of one inference.
pub struct Server {
    session: Session,
    weights: Arc<Weights>,
    /// Garbling's global offset; its bits are the choices of the base transfers.
    delta: Block,
    public_key: Option<PublicKey>,
    base_offer: Option<Buffer>,
    base_keys: Vec<Seed>,
    trees: Option<Buffer>,
    transfers: Option<ExtensionSender>,
    ciphertexts: HashMap<LayerId, Buffer>,
    columns: HashMap<LayerId, Buffer>,
    evaluator_zeros: HashMap<LayerId, Buffer>,
    /// Seeds of each layer's secrets: the mask of a linear layer, the labels and the mask of a non-linear one.
    secrets: HashMap<LayerId, Seed>,
    masked: HashMap<LayerId, Vec<u64>>,
    shares: HashMap<LayerId, Vec<u64>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.delta.zeroize();
    }
}

impl Server {
    /// A server with the weights of the program's network.
    ///
    /// # Errors
    /// Weights that do not fit the network.
    pub fn new(
        program: Arc<Program>,
        channel: Channel,
        counter: Arc<Counter>,
        seed: Seed,
        weights: Arc<Weights>,
    ) -> Result<Self> {
        // The noise bounds rest on the weights' width.
        weights.check(&program.network).map_err(|error| BackendError::program(error.to_string()))?;
        let mut rng = seed.derive("delta", 0).rng();
        // The lowest bit is the colour of labels.
        let delta = (Block::from(rng.next_u64()) << 64 | Block::from(rng.next_u64())) | 1;
        Ok(Self {
            session: Session::new(program, Party::Server, channel, counter, seed)?,
            weights,
            delta,
            public_key: None,
            base_offer: None,
            base_keys: Vec::new(),
            trees: None,
            transfers: None,
            ciphertexts: HashMap::new(),
            columns: HashMap::new(),
            evaluator_zeros: HashMap::new(),
            secrets: HashMap::new(),
            masked: HashMap::new(),
            shares: HashMap::new(),
        })
    }

    /// Runs all phases and returns what was counted. `observer` sees every step after it.
    pub fn run(mut self, observer: &mut dyn FnMut(&Step)) -> Result<Trace> {
        walk(&mut self, observer)
    }

    fn layer_weights(&self, layer: LayerId) -> Option<&LayerWeights> {
        self.weights.0.get(layer.0).and_then(Option::as_ref)
    }

    /// A layer's fresh secret, which stays until the online phase.
    fn new_secret(&mut self, layer: LayerId) -> Seed {
        let seed = self.session.seed.derive("layer", layer.0 as u64);
        self.session.counter.add(Work { stored_server_bytes: seed.0.len() as u64, ..Work::default() });
        self.secrets.insert(layer, seed.clone());
        seed
    }

    fn secret(&self, layer: LayerId) -> Result<&Seed> {
        let early = || BackendError::program(format!("layer {} was not prepared offline", layer.0));
        self.secrets.get(&layer).ok_or_else(early)
    }

    /// The mask under a layer's secret: of a linear layer's result, or of an activation.
    fn secret_mask(&self, layer: LayerId, secret: &Seed) -> Vec<u64> {
        secret.derive("mask", 0).ring_elements(self.session.elements(layer), self.session.ring_bits())
    }

    fn share(&self, layer: LayerId) -> Result<&[u64]> {
        let early = || BackendError::program(format!("the server's share of layer {} is not ready", layer.0));
        self.shares.get(&layer).map(Vec::as_slice).ok_or_else(early)
    }

    fn choose_base(&mut self, step: &Step) -> Result<()> {
        let choices: Zeroizing<Vec<bool>> =
            Zeroizing::new((0..wire::BASE_OTS).map(|bit| self.delta >> bit & 1 == 1).collect());
        let seed = self.session.seed.derive("base", 0);
        let offer = self.base_offer.take().ok_or_else(|| BackendError::program("no base transfers offered"))?;
        let base = BaseReceiver::choose(step.id.0, offer.bytes(), &choices, &seed, &self.session.counter)?;
        self.base_keys = base.keys;
        self.session.post(step.layer, Message::BaseOtChoice, base.message);
        Ok(())
    }

    fn puncture(&mut self, step: &Step) -> Result<()> {
        let keys = std::mem::take(&mut self.base_keys);
        let trees = self.trees.take().ok_or_else(|| BackendError::program("no trees received"))?;
        self.transfers = Some(ExtensionSender::new(step.id.0, &keys, self.delta, trees.bytes())?);
        Ok(())
    }

    fn evaluate_linear(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let early = || BackendError::program(format!("no ciphertexts for layer {} yet", layer.0));
        let bytes = self.ciphertexts.remove(&layer).ok_or_else(early)?;
        let secret = self.new_secret(layer);
        let mask = self.secret_mask(layer, &secret);
        let plan = self.session.plan(layer)?;
        let each = (plan.fresh_ciphertext_bytes() as usize).max(1);
        let read = |bytes: &[u8]| Ciphertext::read(&self.session.he, &mut BitReader::new(bytes), step.id.0);
        let inputs: Vec<Ciphertext> = bytes.bytes().par_chunks(each).map(read).collect::<Result<_>>()?;
        let no_key = || BackendError::program("no public key yet");
        let homomorphic = HomomorphicLayer {
            context: &self.session.he,
            plan,
            weights: self.layer_weights(layer).map(|layer| layer.weights.as_slice()).unwrap_or_default(),
            public_key: self.public_key.as_ref().ok_or_else(no_key)?,
            flooding_bits: self.flooding_bits(layer)?,
        };
        let replies = homomorphic.evaluate(&inputs, &mask, &secret.derive("replies", 0));
        let mut writer = BitWriter::default();
        for reply in &replies {
            reply.write(&self.session.he, &mut writer);
        }
        self.session.post(layer, Message::ReplyCiphertexts, writer.finish());
        Ok(())
    }

    fn flooding_bits(&self, layer: LayerId) -> Result<u32> {
        let protocol = &self.session.program.protocol;
        Ok(protocol.he.flooding_bits(self.session.plan(layer)?, protocol.format.weight_bits))
    }

    fn send_labels(&mut self, step: &Step) -> Result<()> {
        let early = || BackendError::program(format!("no oblivious-transfer columns for layer {}", step.layer.0));
        let columns = self.columns.remove(&step.layer).ok_or_else(early)?;
        let count = self.session.elements(step.layer) * self.session.gates(step.layer)?.inputs.evaluator;
        let transfers = self.transfers.as_mut().ok_or_else(early)?;
        let zeros = transfers.extend(step.id.0, count, columns.bytes(), &self.session.counter)?;
        self.evaluator_zeros.insert(step.layer, zeros);
        Ok(())
    }

    fn garble(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let early = || BackendError::program(format!("no transferred labels for layer {}", layer.0));
        let zeros = self.evaluator_zeros.remove(&layer).ok_or_else(early)?;
        let secret = self.new_secret(layer);
        let ring = ring_mask(self.session.ring_bits());
        let minus_mask: Vec<u64> =
            self.secret_mask(layer, &secret).into_iter().map(|mask| mask.wrapping_neg() & ring).collect();
        let gates = self.session.gates(layer)?;
        let inputs = GarblerInputs {
            delta: self.delta,
            evaluator_zeros: zeros.blocks(),
            own: &LabelSource::new(&secret.derive("labels", 0)),
            offline_values: &minus_mask,
            first_gate: self.session.first_gate(layer),
        };
        let garbled = garble(&gates, &inputs, &self.session.counter)?;
        self.session.post(layer, Message::GarbledTables, garbled.into_wire());
        Ok(())
    }

    /// The labels of the server's share of a non-linear layer's input.
    fn encode(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let bits = self.session.gates(layer)?.inputs.garbler_online;
        let share = self.share(self.session.input(layer)?)?;
        let mut labels = Buffer::of_blocks(share.len() * bits);
        let source = LabelSource::new(&self.secret(layer)?.derive("labels", 0));
        source.fill(0, labels.blocks_mut(), &self.session.counter);
        let delta = self.delta;
        labels.blocks_mut().par_chunks_mut(bits.max(1)).zip(share).for_each(|(labels, value)| {
            for (bit, label) in labels.iter_mut().enumerate() {
                *label = (*label ^ (Block::from(value >> bit & 1).wrapping_neg() & delta)).to_le();
            }
        });
        self.session.post(layer, Message::OnlineLabels, labels);
        Ok(())
    }

    fn unmask(&mut self, step: &Step) -> Result<()> {
        let early = || BackendError::program(format!("no masked values for layer {}", step.layer.0));
        let masked = self.masked.remove(&step.layer).ok_or_else(early)?;
        let mask = self.secret_mask(step.layer, self.secret(step.layer)?);
        let share = ring::add(&masked, &mask, &self.session.counter);
        self.put(step.layer, share);
        Ok(())
    }

    fn ring_linear(&mut self, step: &Step) -> Result<()> {
        let layer = step.layer;
        let (shape, counter) = (self.session.plan(layer)?.shape, &self.session.counter);
        let none = || BackendError::program(format!("layer {} has no weights", layer.0));
        let weights = self.layer_weights(layer).ok_or_else(none)?;
        let input = self.share(self.session.input(layer)?)?;
        let product = ring::convolve(&shape, &weights.weights, input, self.session.ring_bits(), counter);
        let mut share = ring::add(&product, &self.secret_mask(layer, self.secret(layer)?), counter);
        let pixels = self.session.program.network.network.layer(layer).output.pixels();
        ring::add_bias(&mut share, &weights.bias, pixels, counter);
        self.put(layer, share);
        Ok(())
    }

    fn local_linear(&mut self, step: &Step) -> Result<()> {
        let inputs: Vec<&[u64]> =
            self.session.inputs(step.layer).iter().map(|input| self.share(*input)).collect::<Result<_>>()?;
        let bias = self.layer_weights(step.layer).map(|layer| layer.bias.as_slice());
        let network = &self.session.program.network;
        let share = ring::local_linear(network, step.layer, &inputs, bias, &self.session.counter);
        self.put(step.layer, share);
        Ok(())
    }

    /// Keeps a share; if it is the answer's, it goes to the client.
    fn put(&mut self, layer: LayerId, share: Vec<u64>) {
        if self.session.is_output(layer) {
            let payload = self.session.write_ring(&share);
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
            StepKind::BaseOtChoose => self.choose_base(step),
            StepKind::OtPuncture => self.puncture(step),
            StepKind::HeLinear => self.evaluate_linear(step),
            StepKind::OtSend => self.send_labels(step),
            StepKind::Garble => self.garble(step),
            StepKind::EncodeLabels => self.encode(step),
            StepKind::Unmask => self.unmask(step),
            StepKind::RingLinear => self.ring_linear(step),
            StepKind::LocalLinear => self.local_linear(step),
            _ => Err(self.session.refuse(step)),
        }
    }

    fn expected(&self, step: &Step, message: Message) -> Result<u64> {
        Ok(match message {
            Message::PublicKey => wire::public_key_bytes(&self.session.program.protocol.he),
            Message::BaseOtOffer => wire::GROUP_ELEMENT_BYTES,
            Message::OtTrees => wire::ot_trees_bytes(),
            Message::Ciphertexts => wire::ciphertexts_bytes(self.session.plan(step.layer)?),
            Message::OtColumns => {
                let each = self.session.gates(step.layer)?.inputs.evaluator;
                wire::ot_columns_bytes((self.session.elements(step.layer) * each) as u64)
            }
            Message::MaskedValues => (self.session.elements(step.layer) * self.session.ring_bytes()) as u64,
            _ => return Err(self.session.refuse(step)),
        })
    }

    fn receive(&mut self, step: &Step, message: Message, payload: Buffer) -> Result<()> {
        let layer = step.layer;
        match message {
            Message::PublicKey => {
                let mut reader = BitReader::new(payload.bytes());
                self.public_key = Some(PublicKey::read(&self.session.he, &mut reader, step.id.0)?);
            }
            Message::BaseOtOffer => self.base_offer = Some(payload),
            Message::OtTrees => self.trees = Some(payload),
            Message::Ciphertexts => {
                self.ciphertexts.insert(layer, payload);
            }
            Message::OtColumns => {
                self.columns.insert(layer, payload);
            }
            Message::MaskedValues => {
                let values = self.session.read_ring(payload.bytes());
                // The input needs no further step: what the client sent is the server's share.
                if matches!(self.session.op(layer), pisim_netgen::Op::Input) {
                    self.put(layer, values);
                } else {
                    self.masked.insert(layer, values);
                }
            }
            _ => return Err(self.session.refuse(step)),
        }
        Ok(())
    }
}
