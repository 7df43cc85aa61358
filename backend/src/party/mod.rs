//! The two parties: each walks the program's steps in order, does its own and takes part in the messages.

mod client;
mod server;

use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::GatePlan;
use crate::he::HeContext;
use crate::random::Seed;
use pisim_netgen::{LayerId, Op};
use pisim_protocol::circuit::Circuit;
use pisim_protocol::{ConvPlan, Message, Party, Phase, Program, Step, StepKind, Work};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use client::Client;
pub use server::Server;

/// What one party counted and measured, by step.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Work counted at the primitives, for every step of the program.
    pub work: Vec<Work>,
    /// Wall time, for every step of the program; waiting for the peer included.
    pub wall: Vec<Duration>,
}

impl Trace {
    /// Wall time of one phase.
    pub fn phase(&self, program: &Program, phase: Phase) -> Duration {
        program.steps.iter().zip(&self.wall).filter(|(step, _)| step.phase == phase).map(|(_, wall)| *wall).sum()
    }
}

/// What both parties need: the program, the connection, the counter, and what is prepared from the program once.
pub(crate) struct Session {
    pub(crate) program: Arc<Program>,
    pub(crate) party: Party,
    pub(crate) channel: Channel,
    pub(crate) counter: Arc<Counter>,
    pub(crate) seed: Seed,
    pub(crate) he: HeContext,
    gates: Vec<Option<Arc<GatePlan>>>,
    first_gate: Vec<u64>,
    /// Messages that a step has prepared and a later step sends.
    outbox: HashMap<(LayerId, Message), Buffer>,
}

/// One party's side of the steps; [`walk`] calls it in the program's order.
pub(crate) trait Side {
    fn session(&mut self) -> &mut Session;
    /// Does one of its own steps (messages excepted).
    fn perform(&mut self, step: &Step) -> Result<()>;
    /// How many bytes the peer's message must have.
    fn expected(&self, step: &Step, message: Message) -> Result<u64>;
    /// Takes the peer's message.
    fn receive(&mut self, step: &Step, message: Message, payload: Buffer) -> Result<()>;
}

/// Runs a party's side of the whole program.
pub(crate) fn walk(side: &mut impl Side, observer: &mut dyn FnMut(&Step)) -> Result<Trace> {
    let program = side.session().program.clone();
    let mut trace = Trace::default();
    for step in &program.steps {
        let start = Instant::now();
        let mine = step.party == side.session().party;
        match step.kind {
            StepKind::Send(message) if mine => side.session().deliver(step, message)?,
            StepKind::Send(message) => {
                let expected = side.expected(step, message)?;
                let payload = side.session().channel.receive(step.id, expected)?;
                side.receive(step, message, payload)?;
            }
            _ if mine => side.perform(step)?,
            _ => {}
        }
        trace.work.push(side.session().counter.take());
        let (elapsed, party) = (start.elapsed(), side.session().party);
        tracing::debug!(step = step.id.0, layer = step.layer.0, kind = ?step.kind, ?party, ?elapsed);
        trace.wall.push(elapsed);
        observer(step);
    }
    Ok(trace)
}

impl Session {
    pub(crate) fn new(
        program: Arc<Program>,
        party: Party,
        channel: Channel,
        counter: Arc<Counter>,
        seed: Seed,
    ) -> Result<Self> {
        let he = HeContext::new(&program.protocol.he, counter.clone())?;
        let (gates, first_gate) = gate_plans(&program)?;
        Ok(Self { program, party, channel, counter, seed, he, gates, first_gate, outbox: HashMap::new() })
    }

    /// Keeps a message for the step that sends it.
    pub(crate) fn post(&mut self, layer: LayerId, message: Message, payload: impl Into<Buffer>) {
        self.outbox.insert((layer, message), payload.into());
    }

    fn deliver(&mut self, step: &Step, message: Message) -> Result<()> {
        let missing = || BackendError::program(format!("step {} sends a message that no step prepared", step.id.0));
        let payload = self.outbox.remove(&(step.layer, message)).ok_or_else(missing)?;
        self.channel.send(step.id, payload.bytes())
    }

    pub(crate) fn ring_bits(&self) -> u32 {
        self.program.protocol.format.ring_bits
    }

    pub(crate) fn ring_bytes(&self) -> usize {
        self.ring_bits().div_ceil(8) as usize
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

    pub(crate) fn plan(&self, layer: LayerId) -> Result<&ConvPlan> {
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

    /// The mask that this party's seed gives to a layer's output.
    pub(crate) fn mask(&self, layer: LayerId) -> Vec<u64> {
        self.seed.derive("mask", layer.0 as u64).ring_elements(self.elements(layer), self.ring_bits())
    }

    /// Serialises ring elements, each in whole bytes.
    pub(crate) fn write_ring(&self, values: &[u64]) -> Vec<u8> {
        let (width, ring) = (self.ring_bytes(), crate::random::ring_mask(self.ring_bits()));
        let mut bytes = Vec::with_capacity(values.len() * width);
        for value in values {
            bytes.extend((value & ring).to_le_bytes().into_iter().take(width));
        }
        bytes
    }

    /// Reads ring elements; surplus bits of the last byte are dropped.
    pub(crate) fn read_ring(&self, bytes: &[u8]) -> Vec<u64> {
        let ring = crate::random::ring_mask(self.ring_bits());
        let element = |chunk: &[u8]| chunk.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        bytes.chunks(self.ring_bytes()).map(|chunk| element(chunk) & ring).collect()
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
