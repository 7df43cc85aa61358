//! Runs both parties in one process and compares what they did with the program and the integer reference.

use crate::channel::Channel;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::memory::memory_pair;
use crate::party::{Client, Server, Trace};
use crate::random::Seed;
use crate::storage::Storage;
use pisim_netgen::{Weights, infer};
use pisim_protocol::{CircuitCounts, Party, Phase, Program, Step, StepKind, Work};
use serde::Serialize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What a party keeps in memory from the offline to the online phase unless it is told otherwise; more goes to a temporary
/// file.
pub const MEMORY_BYTES: u64 = 6 << 30;

/// What both parties did.
#[derive(Debug, Clone)]
pub struct Execution {
    /// The answer, as signed numbers.
    pub outputs: Vec<i64>,
    /// What the client counted and measured.
    pub client: Trace,
    /// What the server counted and measured.
    pub server: Trace,
}

/// A field of a step's work in which prediction and count differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misprediction {
    /// The step's number.
    pub step: usize,
    /// The field of [`Work`].
    pub field: &'static str,
    /// What lowering predicted.
    pub predicted: u64,
    /// What both parties counted.
    pub counted: u64,
}

/// A private run held against the integer reference and the predicted work.
#[derive(Debug, Clone)]
pub struct Verification {
    /// What both parties did.
    pub execution: Execution,
    /// What the integer reference answers.
    pub reference: Vec<i64>,
    /// Outputs that differ from it.
    pub mismatches: usize,
    /// Fields of steps in which prediction and count differ.
    pub mispredictions: Vec<Misprediction>,
}

/// Runs a program as [`execute`] does and compares outputs and work.
///
/// # Errors
/// As [`execute`]; also a network whose values leave the ring on this input, so that its answer would have no meaning.
pub fn verify(
    program: &Arc<Program>,
    weights: &Arc<Weights>,
    input: &[i64],
    seeds: [Seed; 2],
    memory_bytes: u64,
    observer: &mut dyn FnMut(&Step),
) -> Result<Verification> {
    verify_after(program, weights, input, seeds, memory_bytes, &mut || (), observer)
}

/// As [`verify`], and calls `ready` when the reference's answer is known, right before the private run.
///
/// # Errors
/// As [`verify`].
pub fn verify_after(
    program: &Arc<Program>,
    weights: &Arc<Weights>,
    input: &[i64],
    seeds: [Seed; 2],
    memory_bytes: u64,
    ready: &mut dyn FnMut(),
    observer: &mut dyn FnMut(&Step),
) -> Result<Verification> {
    let network = &program.network;
    let inference = infer(network, weights, input).map_err(|error| BackendError::program(error.to_string()))?;
    if let Some((layer, bits)) = inference.first_overflow() {
        let layer = network.network.layer(layer).name.clone();
        return Err(BackendError::Overflow { layer, bits, ring_bits: network.format.ring_bits });
    }
    ready();
    let execution = execute(program, weights, input, seeds, memory_bytes, observer)?;
    let pairs = execution.outputs.iter().zip(&inference.outputs);
    let missing = execution.outputs.len().abs_diff(inference.outputs.len());
    let mismatches = pairs.filter(|(ours, reference)| ours != reference).count() + missing;
    let mispredictions = execution.mispredictions(program);
    Ok(Verification { execution, reference: inference.outputs, mismatches, mispredictions })
}

/// Runs a program between two threads that are connected in memory. Each party's secrets come from its own seed.
/// Of what a party keeps from the offline to the online phase, `memory_bytes` stay in memory and the rest goes to a temporary
/// file. `observer` sees every step when the client has gone past it.
///
/// # Errors
/// The first party's error; if one party fails, the other sees a closed connection.
pub fn execute(
    program: &Arc<Program>,
    weights: &Arc<Weights>,
    input: &[i64],
    seeds: [Seed; 2],
    memory_bytes: u64,
    observer: &mut dyn FnMut(&Step),
) -> Result<Execution> {
    let (client_end, server_end) = memory_pair();
    let [client_seed, server_seed] = seeds;
    let (program, weights) = (program.clone(), weights.clone());
    let server_program = program.clone();
    let server = thread::Builder::new().name("server".into()).spawn(move || {
        let counter = Arc::new(Counter::default());
        let channel = Channel::new(Box::new(server_end), Party::Server, counter.clone());
        let storage = Storage::in_memory(memory_bytes);
        Server::new(server_program, channel, counter, server_seed, storage, weights)?.run(&mut |_| {})
    })?;
    let counter = Arc::new(Counter::default());
    let channel = Channel::new(Box::new(client_end), Party::Client, counter.clone());
    let client = Client::new(program, channel, counter, client_seed, Storage::in_memory(memory_bytes))
        .and_then(|client| client.run(input.to_vec(), observer));
    let server = server.join().map_err(|_| BackendError::program("the server's thread panicked"))?;
    match (client, server) {
        (Ok((outputs, client)), Ok(server)) => Ok(Execution { outputs, client, server }),
        // The party that found the fault closes the connection; its error is the one that explains.
        (Err(BackendError::Connection(_)), Err(error)) | (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

impl Execution {
    /// The work of one step that both parties counted together.
    pub fn counted(&self, step: usize) -> Work {
        let of = |trace: &Trace| trace.work.get(step).copied().unwrap_or_default();
        of(&self.client) + of(&self.server)
    }

    /// Every field of every step in which prediction and count differ.
    pub fn mispredictions(&self, program: &Program) -> Vec<Misprediction> {
        let of_step = |step: &pisim_protocol::Step| {
            let differences = step.work.differences(&self.counted(step.id.0));
            let misprediction =
                |(field, predicted, counted)| Misprediction { step: step.id.0, field, predicted, counted };
            differences.into_iter().map(misprediction).collect::<Vec<_>>()
        };
        program.steps.iter().flat_map(of_step).collect()
    }

    /// Garbled circuits by what they are for, from the AND gates that the garbler counted.
    pub fn circuit_counts(&self, program: &Program) -> CircuitCounts {
        CircuitCounts::of(program, |layer| {
            let garble = program.steps.iter().find(|step| step.layer == layer && step.kind == StepKind::Garble);
            let circuit = program.circuits.get(layer.0).and_then(Option::as_ref);
            let instances = garble
                .zip(circuit)
                .and_then(|(step, circuit)| self.counted(step.id.0).and_gates.checked_div(circuit.and_gates()));
            instances.unwrap_or(0)
        })
    }

    /// Everything counted, each interactive primitive once: garbled gates at the garbler, transfers at the sender.
    pub fn total(&self, program: &Program) -> Work {
        let mut total = Work::default();
        for step in &program.steps {
            let mut work = self.counted(step.id.0);
            match step.kind {
                StepKind::Evaluate => (work.and_gates, work.xor_gates) = (0, 0),
                StepKind::OtReceive => work.extended_ots = 0,
                StepKind::BaseOtFinish => work.base_ots = 0,
                _ => {}
            }
            total += work;
        }
        total
    }

    /// Measured wall time of one phase: of the party that took longer.
    pub fn wall(&self, program: &Program, phase: Phase) -> Duration {
        self.client.phase(program, phase).max(self.server.phase(program, phase))
    }
}
