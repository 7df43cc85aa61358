//! Lowering: from a network to the ordered steps of its private inference.
//!
//! Delphi's structure (Mishra et al., USENIX Security 2020), on its own field or on ring shares. The client's share of every value is a mask,
//! or follows from masks alone, so the whole client side of the linear layers happens offline under encryption; online
//! the server works on its own shares, and garbled circuits turn shares of a sum into freshly masked activations. Either
//! party can garble: the server as in Delphi, or the client (Client-Garbler; Garimella et al., ASPLOS 2023), which moves
//! storage and evaluation to the server.

mod error;
mod garbling;
mod offline;
mod online;

pub use error::LowerError;

use crate::circuit::{Circuit, Inputs};
use crate::config::Protocol;
use crate::gadgets::Activation;
use crate::linear::LinearPlan;
use crate::nonlinear::NonLinear;
use crate::packing::{ConvShape, PackingFault};
use crate::pixels::{KeptPixels, computed_pixels};
use crate::program::{Message, Party, Phase, Program, Step, StepId, StepKind};
use crate::shares::Transfer;
use crate::wire;
use crate::work::Work;
use pisim_netgen::{FixedNetwork, Layer, LayerId, Network, Op, Pointwise};
use std::collections::HashMap;
use std::sync::Arc;

/// Lowers `network` to the program that `protocol` runs, with exact work for every step: the same fraction bits for all layers.
pub fn lower(network: &Network, protocol: &Protocol) -> Result<Program, LowerError> {
    lower_planned(FixedNetwork::new(network, protocol.format)?, protocol)
}

/// As [`lower`], for a network that is planned already: with fraction bits of each layer's own, for example calibrated ones.
pub fn lower_planned(fixed: FixedNetwork, protocol: &Protocol) -> Result<Program, LowerError> {
    if fixed.format != protocol.format {
        return Err(LowerError::Format { plan: fixed.format, protocol: protocol.format });
    }
    let plans = plans(&fixed, protocol)?;
    let circuits = circuits(&fixed, protocol)?;
    let mut lowering = Lowering {
        network: &fixed,
        protocol,
        plans: &plans,
        circuits: &circuits,
        steps: Vec::new(),
        client_shares: vec![None; fixed.network.layers.len()],
        replies: HashMap::new(),
        decrypted: HashMap::new(),
        tables: HashMap::new(),
    };
    let setup = lowering.setup();
    lowering.offline(setup);
    lowering.online();
    let steps = lowering.steps;
    Ok(Program { network: Arc::new(fixed), protocol: Arc::new(protocol.clone()), plans, circuits, steps })
}

/// A layer's shape as a convolution, if it is linear with weights.
pub fn conv_shape(network: &Network, id: LayerId) -> Option<ConvShape> {
    let layer = network.layers.get(id.0)?;
    let input = network.layers.get(layer.inputs.first()?.0)?.output;
    match &layer.op {
        Op::Conv(conv) => Some(ConvShape {
            in_channels: input.channels,
            in_height: input.height,
            in_width: input.width,
            out_channels: conv.out_channels,
            kernel: conv.kernel,
            stride: conv.stride,
            padding: conv.padding,
        }),
        Op::Linear { out_features } => Some(ConvShape {
            in_channels: input.len(),
            in_height: 1,
            in_width: 1,
            out_channels: *out_features,
            kernel: 1,
            stride: 1,
            padding: 0,
        }),
        _ => None,
    }
}

/// Packs every linear layer and proves that its noise stays below what decrypts.
fn plans(fixed: &FixedNetwork, protocol: &Protocol) -> Result<Vec<Option<LinearPlan>>, LowerError> {
    let mut known: HashMap<ConvShape, LinearPlan> = HashMap::new();
    let mut plan_of = |id: usize| -> Result<Option<LinearPlan>, LowerError> {
        let Some(shape) = conv_shape(&fixed.network, LayerId(id)) else { return Ok(None) };
        let kept = KeptPixels::of(&fixed.network, LayerId(id));
        if let Some(plan) = known.get(&shape) {
            return Ok(Some(plan.clone().keeping(kept)));
        }
        let name = || fixed.network.layers.get(id).map(|layer| layer.name.clone()).unwrap_or_default();
        let plan = plan(shape, protocol, name)?;
        known.insert(shape, plan.clone());
        Ok(Some(plan.keeping(kept)))
    };
    let mut plans: Vec<Option<LinearPlan>> =
        (0..fixed.network.layers.len()).map(&mut plan_of).collect::<Result<_, _>>()?;
    let mut room = protocol.linear.coefficient().map_or(0, |he| he.prepared_bytes);
    for plan in plans.iter_mut().flatten() {
        let LinearPlan::Coefficient(plan) = plan else { continue };
        if let Some(left) = room.checked_sub(plan.prepared_bytes()) {
            (plan.prepared, room) = (true, left);
        }
    }
    Ok(plans)
}

/// The cheapest packing of one layer whose noise bounds hold.
fn plan(shape: ConvShape, protocol: &Protocol, name: impl Fn() -> String) -> Result<LinearPlan, LowerError> {
    protocol.linear.plan(shape, protocol.format.weight_bits).map_err(|fault| match fault {
        PackingFault::Noise(margin) => LowerError::Noise { layer: name(), protocol: protocol.name.clone(), margin },
        PackingFault::Pixels => LowerError::Packing { layer: name(), degree: protocol.linear.degree() },
        PackingFault::Row => LowerError::Row { layer: name(), slots: protocol.linear.degree() / 2 },
    })
}

/// One circuit for every distinct (operation, shift).
fn circuits(fixed: &FixedNetwork, protocol: &Protocol) -> Result<Vec<Option<Arc<Circuit>>>, LowerError> {
    let mut known: HashMap<(NonLinear, u32), Arc<Circuit>> = HashMap::new();
    let wires = protocol.shares.wires();
    let circuit = |(id, layer): (LayerId, &Layer)| {
        let Some(nonlinear) = nonlinear_of(fixed, id) else { return Ok(None) };
        let slope_bits = nonlinear.slope_bits() as u32;
        if nonlinear.server_bits(protocol.garbler, wires) > u64::BITS {
            let (layer, op) = (layer.name.clone(), layer.op.kind());
            return Err(LowerError::Slope { layer, op, share_bits: wires, slope_bits });
        }
        let shift = fixed.shift(id);
        let build = || Arc::new(nonlinear.circuit(protocol.garbler, protocol.shares, shift));
        Ok(Some(known.entry((nonlinear, shift)).or_insert_with(build).clone()))
    };
    fixed.network.iter().map(circuit).collect()
}

/// What a non-linear layer computes for each of its output values; `None` for a linear one.
pub fn nonlinear_of(network: &FixedNetwork, layer: LayerId) -> Option<NonLinear> {
    let format = network.format;
    let op = network.network.layers.get(layer.0)?.op;
    let clamped = |own: Option<u32>| match own.into_iter().chain(format.relu_max).min() {
        Some(max) => Activation::ClampedRelu { most: u64::from(max) << network.fraction(layer) },
        None => Activation::Relu,
    };
    let pointwise = |pointwise| match pointwise {
        Pointwise::Relu => clamped(None),
        Pointwise::ClampedRelu { max } => clamped(Some(max)),
        Pointwise::LeakyRelu { slope } => Activation::LeakyRelu { slope },
    };
    let activation = match op {
        Op::PRelu => Activation::PRelu { slope_bits: format.weight_bits, fraction_bits: format.fraction_bits },
        Op::Rescale | Op::MaxPool { .. } => Activation::Rescale,
        Op::MaxPoolThen { then, .. } => pointwise(then),
        op => pointwise(op.pointwise()?),
    };
    Some(NonLinear { activation, taps: op.max_window().map_or(1, |window| window.taps()) })
}

/// The state of one lowering: the steps so far, and which step makes a share of a layer ready.
struct Lowering<'a> {
    network: &'a FixedNetwork,
    protocol: &'a Protocol,
    plans: &'a [Option<LinearPlan>],
    circuits: &'a [Option<Arc<Circuit>>],
    steps: Vec<Step>,
    /// The client's local step of a layer, once emitted.
    client_shares: Vec<Option<StepId>>,
    /// The delivery of a linear layer's encrypted result.
    replies: HashMap<LayerId, StepId>,
    /// The decryption of a linear layer's result.
    decrypted: HashMap<LayerId, StepId>,
    /// The delivery of a non-linear layer's garbled tables.
    tables: HashMap<LayerId, StepId>,
}

/// A message's bytes without its header, and how many of them the receiver keeps for the online phase.
#[derive(Clone, Copy)]
struct Payload {
    bytes: u64,
    stored: u64,
}

impl From<u64> for Payload {
    /// A message of which nothing is kept.
    fn from(bytes: u64) -> Self {
        Self { bytes, stored: 0 }
    }
}

/// Bytes that a party keeps from the offline to the online phase.
fn stored(party: Party, bytes: u64) -> Work {
    match party {
        Party::Client => Work { stored_client_bytes: bytes, ..Work::default() },
        Party::Server => Work { stored_server_bytes: bytes, ..Work::default() },
    }
}

/// The last setup steps of both sides.
#[derive(Clone, Copy)]
struct Setup {
    public_key: StepId,
    evaluator_ready: StepId,
    garbler_ready: StepId,
}

impl Lowering<'_> {
    fn push(
        &mut self,
        layer: LayerId,
        kind: StepKind,
        party: Party,
        phase: Phase,
        deps: impl IntoIterator<Item = StepId>,
        work: Work,
    ) -> StepId {
        let id = StepId(self.steps.len());
        let mut deps: Vec<StepId> = deps.into_iter().collect();
        deps.sort_unstable();
        deps.dedup();
        self.steps.push(Step { id, layer, kind, party, phase, deps, work });
        id
    }

    fn send(
        &mut self,
        layer: LayerId,
        message: Message,
        from: Party,
        phase: Phase,
        deps: impl IntoIterator<Item = StepId>,
        payload: Payload,
    ) -> StepId {
        let bytes = wire::HEADER_BYTES + payload.bytes;
        let sent = match from {
            Party::Client => Work { bytes_up: bytes, ..Work::default() },
            Party::Server => Work { bytes_down: bytes, ..Work::default() },
        };
        self.push(layer, StepKind::Send(message), from, phase, deps, sent + stored(from.peer(), payload.stored))
    }

    /// Keys, base oblivious transfers and the extension's punctured trees. The evaluator of garbled circuits receives its
    /// labels by oblivious transfer, so it is the receiver of the extension and therefore the sender of the base transfers.
    fn setup(&mut self) -> Setup {
        let (layer, phase) = (LayerId(0), Phase::Setup);
        let garbler = self.protocol.garbler;
        let evaluator = garbler.peer();
        let linear = &self.protocol.linear;
        // The seed of the client's masks is made with its key, and kept.
        let work = linear.keygen_work() + stored(Party::Client, wire::SEED_BYTES);
        let keygen = self.push(layer, StepKind::HeKeygen, Party::Client, phase, [], work);
        let key_bytes = linear.keys_bytes();
        let mut public_key = self.send(layer, Message::PublicKey, Party::Client, phase, [keygen], key_bytes.into());
        let reading = linear.read_keys_work();
        if reading != Work::default() {
            public_key = self.push(layer, StepKind::HeReadKeys, Party::Server, phase, [public_key], reading);
        }
        let offer = self.push(layer, StepKind::BaseOtOffer, evaluator, phase, [], Work::default());
        let offered =
            self.send(layer, Message::BaseOtOffer, evaluator, phase, [offer], wire::GROUP_ELEMENT_BYTES.into());
        let base = Work { base_ots: wire::BASE_OTS, ..Work::default() };
        let (sender_keeps, receiver_keeps) = self.kept_transfers();
        let choosing = base + stored(garbler, sender_keeps);
        let choose = self.push(layer, StepKind::BaseOtChoose, garbler, phase, [offered], choosing);
        let choices = wire::GROUP_ELEMENT_BYTES * wire::BASE_OTS;
        let chosen = self.send(layer, Message::BaseOtChoice, garbler, phase, [choose], choices.into());
        let finishing = base + stored(evaluator, receiver_keeps);
        let evaluator_ready = self.push(layer, StepKind::BaseOtFinish, evaluator, phase, [chosen], finishing);
        if self.protocol.transfer == Transfer::Alsz {
            return Setup { public_key, evaluator_ready, garbler_ready: choose };
        }
        let trees = wire::ot_trees_bytes();
        let grown = self.send(layer, Message::OtTrees, evaluator, phase, [evaluator_ready], trees.into());
        let garbler_ready = self.push(layer, StepKind::OtPuncture, garbler, phase, [choose, grown], Work::default());
        Setup { public_key, evaluator_ready, garbler_ready }
    }

    /// What both ends of the extension, its sender and its receiver, keep of the base transfers for the online phase.
    fn kept_transfers(&self) -> (u64, u64) {
        match self.protocol.transfer {
            // The garbler's Δ, whose bits are the choices, is needed again online.
            Transfer::SoftSpoken => (wire::LABEL_BYTES, 0),
            Transfer::Alsz if self.transfers_online() => {
                (wire::alsz_sender_state_bytes(), wire::alsz_receiver_state_bytes())
            }
            // All transfers are made offline, and Δ is kept with every garbled circuit.
            Transfer::Alsz => (0, 0),
        }
    }

    fn op(&self, layer: LayerId) -> &Op {
        &self.network.network.layer(layer).op
    }

    fn inputs(&self, layer: LayerId) -> Vec<LayerId> {
        self.network.network.layer(layer).inputs.clone()
    }

    fn elements(&self, layer: LayerId) -> u64 {
        self.network.network.layer(layer).output.len() as u64
    }

    /// Output pixels that a linear layer computes.
    fn computed_pixels(&self, layer: LayerId, shape: &ConvShape) -> u64 {
        computed_pixels(shape, KeptPixels::of(&self.network.network, layer).as_ref()) as u64
    }

    fn layer_ids(&self) -> impl Iterator<Item = LayerId> + use<> {
        (0..self.network.network.layers.len()).map(LayerId)
    }

    fn output_layer(&self) -> LayerId {
        self.network.network.output_id()
    }

    /// Input wires of a layer's circuit; none for a linear layer.
    fn circuit_inputs(&self, layer: LayerId) -> Inputs {
        self.circuits.get(layer.0).and_then(Option::as_ref).map(|circuit| circuit.inputs).unwrap_or_default()
    }

    /// Labels that the garbler sends online: one for every bit that the server feeds into a layer's circuits.
    fn online_labels(&self, layer: LayerId) -> u64 {
        let inputs = self.circuit_inputs(layer);
        let each = match self.protocol.garbler {
            Party::Server => inputs.garbler_online,
            Party::Client => inputs.evaluator,
        };
        self.elements(layer) * each as u64
    }

    /// Numbers that the server feeds into a layer's circuits, and the bytes of each on the link: its shares of the values that
    /// they read, with the slope if there is a secret one.
    fn server_numbers(&self, layer: LayerId) -> (u64, u64) {
        let Some(nonlinear) = nonlinear_of(self.network, layer) else { return (0, 0) };
        let bits = nonlinear.server_bits(self.protocol.garbler, self.protocol.shares.wires());
        (self.elements(layer) * nonlinear.taps as u64, u64::from(bits.div_ceil(8)))
    }

    fn element_bytes(&self) -> u64 {
        self.protocol.shares.element_bytes(self.protocol.wire)
    }

    /// What the client keeps for the end when `layer` is the answer: its share of it.
    fn kept_answer_bytes(&self, layer: LayerId) -> u64 {
        if layer != self.output_layer() {
            return 0;
        }
        self.elements(layer) * self.element_bytes()
    }

    /// The work of a local linear layer on one share.
    fn local_work(&self, layer: LayerId) -> Work {
        let outputs = self.elements(layer);
        let inputs = self.inputs(layer).first().map_or(0, |input| self.elements(*input));
        match self.op(layer) {
            Op::AvgPool { kernel, .. } => self.pool_work(layer, outputs, (kernel * kernel) as u64),
            Op::GlobalAvgPool => self.pool_work(layer, outputs, inputs / outputs.max(1)),
            Op::Add | Op::ChannelBias { .. } => Work { ring_adds: outputs, ..Work::default() },
            Op::Select { .. } => Work { moved_shares: outputs, ..Work::default() },
            Op::Merge { .. } => {
                let moved = self.inputs(layer).iter().map(|input| self.elements(*input)).sum();
                Work { moved_shares: moved, ..Work::default() }
            }
            _ => Work::default(),
        }
    }

    fn pool_work(&self, layer: LayerId, outputs: u64, window: u64) -> Work {
        let scaled = self.network.pool_factor(layer) != 1;
        Work { ring_adds: outputs * (window - 1), ring_macs: if scaled { outputs } else { 0 }, ..Work::default() }
    }
}
