//! What both parties need: the program, the connection, the counter, and what is prepared from the program once.

use super::linear::LinearEngine;
use super::trace::Trace;
use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::GatePlan;
use crate::random::Seed;
use crate::shares::Arithmetic;
use crate::storage::{Kept, Storage};
use pisim_netgen::{LayerId, Op};
use pisim_protocol::circuit::Circuit;
use pisim_protocol::prime::Offsets;
use pisim_protocol::{LinearPlan, Message, Party, Phase, Program, Step, StepId, StepKind, Work, nonlinear_of, wire};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// One party's state that does not depend on its side.
pub(crate) struct Session {
    pub(crate) program: Arc<Program>,
    pub(crate) party: Party,
    pub(crate) channel: Channel,
    pub(crate) counter: Arc<Counter>,
    /// The root of this inference's secrets; never used for another inference.
    pub(crate) seed: Seed,
    pub(super) linear: LinearEngine,
    pub(crate) arithmetic: Arithmetic,
    pub(crate) storage: Storage,
    pub(crate) trace: Trace,
    /// Time of the current step that was credited to another one.
    credited: Duration,
    gates: Vec<Option<Arc<GatePlan>>>,
    first_gate: Vec<u64>,
    /// The steps after which this party reads a layer's share no more, by step.
    last_reads: HashMap<StepId, Vec<LayerId>>,
    /// Seeds of layers' secrets that were read from the storage or have just been made.
    secrets: HashMap<LayerId, Seed>,
    /// Messages that a step has prepared and a later step sends.
    outbox: HashMap<(LayerId, Message), Buffer>,
    /// Messages that have arrived and a later step takes.
    inbox: HashMap<(LayerId, Message), Buffer>,
}

impl Session {
    pub(crate) fn new(
        program: Arc<Program>,
        party: Party,
        channel: Channel,
        counter: Arc<Counter>,
        seed: Seed,
        storage: Storage,
    ) -> Result<Self> {
        let linear = LinearEngine::new(&program.protocol.linear, counter.clone())?;
        let arithmetic = Arithmetic::new(&program.protocol)?;
        let (gates, first_gate) = gate_plans(&program)?;
        Ok(Self {
            trace: Trace::of(&program),
            last_reads: last_reads(&program, party),
            party,
            channel,
            counter,
            seed,
            linear,
            arithmetic,
            storage,
            credited: Duration::ZERO,
            gates,
            first_gate,
            secrets: HashMap::new(),
            outbox: HashMap::new(),
            inbox: HashMap::new(),
            program,
        })
    }

    /// Keeps a message for the step that sends it.
    pub(crate) fn post(&mut self, layer: LayerId, message: Message, payload: impl Into<Buffer>) {
        self.outbox.insert((layer, message), payload.into());
    }

    /// Sends a message that was posted.
    pub(crate) fn deliver(&mut self, step: &Step, message: Message) -> Result<()> {
        let missing = || BackendError::program(format!("step {} sends a message that no step prepared", step.id.0));
        let payload = self.outbox.remove(&(step.layer, message)).ok_or_else(missing)?;
        self.channel.send(step.id, payload.bytes())
    }

    /// Receives a message of `bytes` bytes for a later step.
    pub(crate) fn accept(&mut self, step: &Step, message: Message, bytes: u64) -> Result<()> {
        let payload = self.channel.receive(step.id, bytes)?;
        self.inbox.insert((step.layer, message), payload);
        Ok(())
    }

    /// Takes a message that has arrived.
    pub(crate) fn take_message(&mut self, layer: LayerId, message: Message) -> Result<Buffer> {
        let early = || BackendError::program(format!("{message:?} of layer {} has not arrived", layer.0));
        self.inbox.remove(&(layer, message)).ok_or_else(early)
    }

    /// Credits work that was done for another step than the current one.
    pub(crate) fn credit(&mut self, step: StepId, counter: &Counter, wall: Duration) {
        self.trace.credit(step, counter.take(), wall);
        self.credited += wall;
    }

    /// Ends a step that took `wall`.
    pub(super) fn close(&mut self, step: &Step, wall: Duration) {
        let own = wall.saturating_sub(std::mem::take(&mut self.credited));
        self.trace.credit(step.id, self.counter.take(), own);
        tracing::debug!(step = step.id.0, layer = step.layer.0, kind = ?step.kind, party = ?self.party, elapsed = ?own);
    }

    /// Layers whose shares this party reads no more after a step.
    pub(crate) fn read_last(&self, step: &Step) -> &[LayerId] {
        self.last_reads.get(&step.id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Keeps a chunk for the online phase, and counts its bytes.
    pub(crate) fn keep(&mut self, layer: LayerId, kept: Kept, chunk: Buffer, counter: &Counter) -> Result<()> {
        let bytes = chunk.bytes().len() as u64;
        self.storage.put(layer, kept, chunk)?;
        counter.add(match self.party {
            Party::Client => Work { stored_client_bytes: bytes, ..Work::default() },
            Party::Server => Work { stored_server_bytes: bytes, ..Work::default() },
        });
        Ok(())
    }

    /// A fresh secret of a layer, which is kept for the online phase.
    pub(crate) fn new_secret(&mut self, layer: LayerId, counter: &Counter) -> Result<Seed> {
        let seed = self.seed.derive("layer", layer.0 as u64);
        self.keep(layer, Kept::Secret, Buffer::secret_copy(&seed.0), counter)?;
        Ok(seed)
    }

    /// The secret of a layer, from the storage.
    pub(crate) fn secret(&mut self, layer: LayerId) -> Result<Seed> {
        if let Some(seed) = self.secrets.get(&layer) {
            return Ok(seed.clone());
        }
        let bytes = self.storage.take(layer, Kept::Secret, wire::SEED_BYTES as usize)?;
        let seed = Seed::from_slice(bytes.bytes())?;
        self.secrets.insert(layer, seed.clone());
        Ok(seed)
    }

    /// The mask under a layer's secret.
    pub(crate) fn mask_of(&self, layer: LayerId, secret: &Seed) -> Vec<u64> {
        self.arithmetic.elements(&secret.derive("mask", layer.0 as u64), self.elements(layer))
    }

    /// Garbled wires of one share.
    pub(crate) fn wires(&self) -> u32 {
        self.program.protocol.shares.wires()
    }

    pub(crate) fn elements(&self, layer: LayerId) -> usize {
        self.program.network.network.layer(layer).output.len()
    }

    pub(crate) fn op(&self, layer: LayerId) -> Op {
        self.program.network.network.layer(layer).op
    }

    pub(crate) fn inputs(&self, layer: LayerId) -> &[LayerId] {
        &self.program.network.network.layer(layer).inputs
    }

    pub(crate) fn input(&self, layer: LayerId) -> Result<LayerId> {
        let missing = || BackendError::program(format!("layer {} has no input", layer.0));
        self.inputs(layer).first().copied().ok_or_else(missing)
    }

    pub(crate) fn is_output(&self, layer: LayerId) -> bool {
        self.program.network.network.output_id() == layer
    }

    pub(crate) fn plan(&self, layer: LayerId) -> Result<&LinearPlan> {
        let plan = self.program.plans.get(layer.0).and_then(Option::as_ref);
        plan.ok_or_else(|| BackendError::program(format!("layer {} is not linear", layer.0)))
    }

    pub(crate) fn gates(&self, layer: LayerId) -> Result<Arc<GatePlan>> {
        let gates = self.gates.get(layer.0).cloned().flatten();
        gates.ok_or_else(|| BackendError::program(format!("layer {} has no circuit", layer.0)))
    }

    /// AND gates of all circuits before this layer's: its first tweak.
    pub(crate) fn first_gate(&self, layer: LayerId) -> u64 {
        self.first_gate.get(layer.0).copied().unwrap_or(0)
    }

    /// Receives shares, one for each element of the step's layer.
    pub(crate) fn receive_shares(&mut self, step: &Step) -> Result<Vec<u64>> {
        let bytes = self.elements(step.layer) * self.arithmetic.element_bytes();
        let payload = self.channel.receive(step.id, bytes as u64)?;
        self.arithmetic.read(payload.bytes(), step.id.0)
    }

    /// What the garbler of a layer adds to its inputs.
    pub(super) fn offsets(&self, layer: LayerId) -> Offsets {
        let network = &self.program.network;
        let (shares, shift) = (self.program.protocol.shares, network.shift(layer));
        nonlinear_of(network, layer).map_or(Offsets::default(), |nonlinear| Offsets::of(nonlinear, shares, shift))
    }

    /// The step of a layer with a given kind.
    pub(crate) fn step_of(&self, layer: LayerId, kind: StepKind) -> Result<StepId> {
        let step = self.program.steps.iter().find(|step| step.layer == layer && step.kind == kind);
        step.map(|step| step.id).ok_or_else(|| BackendError::program(format!("layer {} has no {kind:?}", layer.0)))
    }

    /// An error for a step that a party cannot do.
    pub(crate) fn refuse(&self, step: &Step) -> BackendError {
        BackendError::program(format!("step {} ({:?}) is not one of the {:?}'s", step.id.0, step.kind, self.party))
    }
}

type GatePlans = (Vec<Option<Arc<GatePlan>>>, Vec<u64>);

/// Prepares every distinct circuit once, and numbers all AND gates through the network.
fn gate_plans(program: &Program) -> Result<GatePlans> {
    let mut known: HashMap<*const Circuit, Arc<GatePlan>> = HashMap::new();
    let (mut plans, mut first_gates, mut gates) = (Vec::new(), Vec::new(), 0);
    for (circuit, layer) in program.circuits.iter().zip(&program.network.network.layers) {
        first_gates.push(gates);
        let Some(circuit) = circuit else {
            plans.push(None);
            continue;
        };
        gates += circuit.and_gates() * layer.output.len() as u64;
        let key = Arc::as_ptr(circuit);
        let plan = match known.get(&key) {
            Some(plan) => plan.clone(),
            None => Arc::new(GatePlan::new(circuit)?),
        };
        known.insert(key, plan.clone());
        plans.push(Some(plan));
    }
    Ok((plans, first_gates))
}

/// For every layer the last step in which a party reads its share: offline for the client, whose shares follow from its
/// masks, online for the server.
fn last_reads(program: &Program, party: Party) -> HashMap<StepId, Vec<LayerId>> {
    let phase = match party {
        Party::Client => Phase::Offline,
        Party::Server => Phase::Online,
    };
    let layers = &program.network.network.layers;
    let mut last_own: Vec<Option<StepId>> = vec![None; layers.len()];
    for step in program.steps.iter().filter(|step| step.party == party && step.phase == phase) {
        if let Some(last) = last_own.get_mut(step.layer.0) {
            *last = Some(step.id);
        }
    }
    // Later layers read earlier ones; the client's share goes through a bias unchanged, so its readers read the input too.
    let mut last: Vec<Option<StepId>> = last_own.clone();
    for (index, layer) in layers.iter().enumerate().rev() {
        let passes = party == Party::Client && matches!(layer.op, Op::ChannelBias { .. });
        let read = if passes { last.get(index) } else { last_own.get(index) };
        let read = read.copied().flatten();
        for input in &layer.inputs {
            if let Some(last) = last.get_mut(input.0) {
                *last = (*last).max(read);
            }
        }
    }
    let mut reads: HashMap<StepId, Vec<LayerId>> = HashMap::new();
    for (layer, step) in last.into_iter().enumerate() {
        if let Some(step) = step {
            reads.entry(step).or_default().push(LayerId(layer));
        }
    }
    reads
}
