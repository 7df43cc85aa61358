//! The detailed engine: compiles circuits, steps them, and says what bounds them.

use super::banks::Ports;
use super::program::{Compiler, Program};
use super::step::{EngineCycles, Latencies, Machine, step};
use super::stream::{MemoryPort, StreamShape};
use super::{GateCounts, GcEngine, GcError, LABEL_BYTES, Netlist, Order, Role};
use serde::Serialize;

/// The engines that the detailed model steps at most.
const MOST_ENGINES: u64 = 65_536;

/// Bytes by stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Instructions read.
    pub instructions: u64,
    /// Tables, written by the garbler or read by the evaluator.
    pub tables: u64,
    /// Labels read again after they had left the window, and inputs that it could not hold.
    pub wires_read: u64,
    /// Labels written back: outputs, and what is read again after it has left the window; without the elimination of spent wires,
    /// all that leave it.
    pub wires_written: u64,
    /// Input labels: those of the first circuits are on chip before the engines start, those of later ones are streamed.
    pub inputs: u64,
}

impl Traffic {
    /// All bytes.
    pub fn total(&self) -> u64 {
        self.instructions + self.tables + self.wires_read + self.wires_written + self.inputs
    }
}

/// What limits a program most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The engines take no more gates.
    Issue,
    /// The banks of the wire memory serve no more gates.
    Banks,
    /// The memory moves no more bytes.
    Memory,
    /// The longest chain of gates.
    Chain,
}

/// Cycles that no schedule goes below, by what limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Floors {
    /// Gates over engines.
    pub issue: u64,
    /// Labels written into the window over its banks' ports.
    pub banks: u64,
    /// Bytes moved while the engines run over the bandwidth.
    pub memory: u64,
    /// The longest chain of gates.
    pub chain: u64,
}

impl Floors {
    /// The highest of them.
    pub fn bound(&self) -> Bound {
        let all = [
            (self.issue, Bound::Issue),
            (self.banks, Bound::Banks),
            (self.memory, Bound::Memory),
            (self.chain, Bound::Chain),
        ];
        // The first of equals, so that the reverse finds the last maximum.
        all.into_iter().rev().max_by_key(|(cycles, _)| *cycles).map_or(Bound::Issue, |(_, bound)| bound)
    }
}

/// What a program took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Detailed {
    /// Cycles of the engines' clock, from the first instruction to the last label and byte.
    pub cycles: u64,
    /// The same in seconds.
    pub seconds: f64,
    /// Cycles of all engines together, by cause.
    pub engine_cycles: EngineCycles,
    /// Bytes moved, by stream.
    pub traffic: Traffic,
    /// Dynamic energy of engines and on-chip memory in joules.
    pub energy_j: f64,
}

impl GcEngine {
    /// How the engine's compiler works.
    pub fn compiler(&self) -> Compiler {
        Compiler { order: self.order, rename: self.rename, window: self.wire_memory_bytes / LABEL_BYTES }
    }

    /// Compiles a circuit for this engine.
    ///
    /// # Errors
    /// The netlist is no circuit, it is too large, or the window holds no gate.
    pub fn compile(&self, netlist: &Netlist) -> Result<Program, GcError> {
        Program::new(netlist, self.compiler())
    }

    /// Compiles many instances of a circuit, see [`Program::of_instances`].
    ///
    /// # Errors
    /// As [`GcEngine::compile`].
    pub fn compile_instances(&self, netlist: &Netlist, instances: u64) -> Result<Program, GcError> {
        Program::of_instances(netlist, self.compiler(), instances)
    }

    /// Steps a program gate by gate.
    ///
    /// # Errors
    /// The engine or the memory has quantities that no hardware has, or the program needs labels from memory and the engine has
    /// no queue for them.
    pub fn run(&self, program: &Program, role: Role, port: MemoryPort) -> Result<Detailed, GcError> {
        let machine = self.machine(program, role, port)?;
        let (cycles, engine_cycles) = step(program, &machine);
        Ok(Detailed {
            cycles,
            seconds: cycles as f64 / self.clock_hz,
            engine_cycles,
            traffic: self.traffic(program),
            energy_j: self.gates_energy_j(&program.counts(), role),
        })
    }

    /// What no schedule of the program goes below.
    pub fn floors(&self, program: &Program, role: Role, port: MemoryPort) -> Floors {
        let counts = program.counts();
        // Instructions and tables are rounded up to bytes each.
        let streamed = self.streamed_bytes(program).saturating_sub(2);
        Floors {
            issue: counts.total().div_ceil(self.engines.max(1)),
            banks: counts.total().div_ceil(u64::from(super::banks::PORT_ACCESSES) * self.wire_banks.max(1)),
            memory: (streamed as f64 / port.bytes_per_cycle) as u64,
            chain: program.critical_path(self.latencies(role)),
        }
    }

    /// Cycles from an AND gate's inputs to its output.
    pub fn and_latency(&self, role: Role) -> u64 {
        match role {
            Role::Garble => self.garble_latency,
            Role::Evaluate => self.evaluate_latency,
        }
    }

    /// Cycles of every kind of gate.
    pub(super) fn latencies(&self, role: Role) -> Latencies {
        Latencies { and: self.and_latency(role), xor: self.xor_latency, inv: self.inv_latency() }
    }

    /// Cycles of a negation: an XOR's without that of the XOR.
    pub fn inv_latency(&self) -> u64 {
        self.xor_latency.saturating_sub(1).max(1)
    }

    /// Bytes of a program's streams.
    pub fn traffic(&self, program: &Program) -> Traffic {
        let counts = program.counts();
        let written = if self.esw { program.live() } else { counts.total() + program.loaded() };
        Traffic {
            instructions: (u128::from(counts.total()) * u128::from(self.bits(program))).div_ceil(8) as u64,
            tables: self.tables.bytes(counts.and),
            wires_read: program.far_reads() * LABEL_BYTES,
            wires_written: written * LABEL_BYTES,
            inputs: program.loaded() * LABEL_BYTES,
        }
    }

    /// Bytes that move while the engines run: all but the input labels that the window holds at the start.
    pub fn streamed_bytes(&self, program: &Program) -> u64 {
        self.traffic(program).total().saturating_sub(program.preloaded() * LABEL_BYTES)
    }

    /// Joules of gates: their unit, and window, queues, crossbar and forwarding of each.
    pub(super) fn gates_energy_j(&self, counts: &GateCounts, role: Role) -> f64 {
        let and_j = match role {
            Role::Garble => self.garble_and_energy_j(),
            Role::Evaluate => self.evaluate_and_energy_j(),
        };
        counts.and as f64 * and_j
            + (counts.xor + counts.inv) as f64 * self.xor_energy_j()
            + counts.total() as f64 * self.gate_overhead_j()
    }

    /// Bits of an instruction; one that names its output has another address.
    fn bits(&self, program: &Program) -> u64 {
        self.instruction_bits + if program.names_outputs() { self.address_bits() } else { 0 }
    }

    /// Bits of an address in the window.
    pub(crate) fn address_bits(&self) -> u64 {
        let labels = (self.wire_memory_bytes / LABEL_BYTES).max(1);
        u64::from(labels.next_power_of_two().trailing_zeros())
    }

    fn machine(&self, program: &Program, role: Role, port: MemoryPort) -> Result<Machine, GcError> {
        let within = |what, value: f64, low: f64, high: f64, expected| {
            let impossible = || GcError::Impossible { what, value: value.to_string(), expected };
            if (low..=high).contains(&value) { Ok(()) } else { Err(impossible()) }
        };
        within("the number of gate engines", self.engines as f64, 1.0, MOST_ENGINES as f64, "1 to 65536")?;
        within("the engines' clock in hertz", self.clock_hz, 1e6, 1e10, "1 MHz to 10 GHz")?;
        let latency = |what, cycles: u64| within(what, cycles as f64, 1.0, 1e6, "1 to 1000000");
        latency("an AND gate's latency in cycles", self.and_latency(role))?;
        latency("an XOR gate's latency in cycles", self.xor_latency)?;
        within("the number of wire banks", self.wire_banks as f64, 1.0, 65_536.0, "1 to 65536")?;
        within("the memory's bytes per cycle", port.bytes_per_cycle, f64::MIN_POSITIVE, f64::INFINITY, "more than 0")?;
        within("the memory's latency in cycles", port.latency_cycles, 0.0, 1e9, "0 to 1e9")?;
        self.check_window(program)?;
        let counts = program.counts();
        Ok(Machine {
            engines: self.engines,
            latencies: self.latencies(role),
            banks: self.wire_banks,
            ports: if self.technology.fpga { Ports::Shared } else { Ports::Separate },
            esw: self.esw,
            streams: StreamShape {
                port,
                instruction_bytes: self.bits(program) as f64 / 8.0,
                table_bytes: self.tables.bits() as f64 / 8.0,
                garbles: role == Role::Garble,
                instruction_queue: self.instruction_queue_bytes(),
                table_queue: self.table_queue_bytes,
                wire_queue: self.wire_queue_bytes,
                entries: [counts.total(), counts.and, program.far_reads()],
            },
        })
    }

    /// Whether the engine can run a circuit: a label that leaves the window before it is read for the last time has to come
    /// back through the wire queue.
    ///
    /// # Errors
    /// There is such a label and no queue for it, or the netlist is no circuit.
    pub fn check_circuit(&self, netlist: &Netlist) -> Result<(), GcError> {
        if self.wire_queue_bytes >= LABEL_BYTES {
            return Ok(());
        }
        self.check_window(&self.compile(&netlist.folded())?)
    }

    fn check_window(&self, program: &Program) -> Result<(), GcError> {
        match program.first_far {
            Some((gate, distance)) if self.wire_queue_bytes < LABEL_BYTES => {
                Err(GcError::OutOfWindow { gate, distance, window: program.window() })
            }
            _ => Ok(()),
        }
    }

    /// The part of the queue memory that holds instructions.
    pub fn instruction_queue_bytes(&self) -> u64 {
        self.queue_memory_bytes.saturating_sub(self.table_queue_bytes).saturating_sub(self.wire_queue_bytes)
    }

    /// The same engine with another order of gates.
    pub fn with_order(&self, order: Order) -> Self {
        Self { order, ..self.clone() }
    }
}
