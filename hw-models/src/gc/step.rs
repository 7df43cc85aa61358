//! Steps a program gate by gate.
//!
//! Instruction i goes to engine i mod engines, so that an engine knows its output's address from its own program counter and its
//! number (HAAC: output address = PC + offset). Every engine issues in order and holds an instruction until its operands, its stream
//! entries and its banks' ports are there. Everything is known when the compiler runs, so the order of the program is the order
//! of all claims. Time jumps from issue to issue.

use super::banks::{Banks, Ports};
use super::program::{Instruction, Program};
use super::stream::{Moves, StreamShape, Streams};

/// Cycles before the first gate issues. Fitted with the latencies of `haac-hbm2` to the Add and Million rows of HAAC's Table 5: Add-n takes
/// 26(n − 1) + 6 cycles, and its chain 26(n − 1).
pub(super) const START_CYCLES: u64 = 6;

/// Cycles from a gate's inputs to its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Latencies {
    pub and: u64,
    pub xor: u64,
    pub inv: u64,
}

impl Latencies {
    #[inline]
    pub fn of(self, instruction: Instruction) -> u64 {
        if instruction.is_and() {
            self.and
        } else if instruction.is_inv() {
            self.inv
        } else {
            self.xor
        }
    }

    fn longest(self) -> u64 {
        self.and.max(self.xor).max(self.inv)
    }
}

/// What the stepper knows of an engine.
pub(super) struct Machine {
    pub engines: u64,
    pub latencies: Latencies,
    pub banks: u64,
    pub ports: Ports,
    /// Whether labels that are not read again, and are no outputs, stay on chip.
    pub esw: bool,
    pub streams: StreamShape,
}

/// Cycles of all engines together, by what they were spent on; they add up to engines × cycles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct EngineCycles {
    /// A gate was issued.
    pub issue: u64,
    /// An operand was not computed yet.
    pub dependence: u64,
    /// An instruction, a table or a label was not there yet, or there was no room for a write.
    pub memory: u64,
    /// A bank of the wire memory was taken.
    pub bank: u64,
    /// Before the first and after the last instruction of an engine.
    pub fill_drain: u64,
}

impl EngineCycles {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.issue + self.dependence + self.memory + self.bank + self.fill_drain
    }
}

/// Cycles of the program, and what its engines did in them.
pub(super) fn step(program: &Program, machine: &Machine) -> (u64, EngineCycles) {
    Stepper::new(program, machine).run()
}

struct Stepper<'a> {
    program: &'a Program,
    machine: &'a Machine,
    /// When the label at each of the last positions can be used.
    ready: Vec<u64>,
    /// When each engine is free, and whose turn it is.
    free: Vec<u64>,
    turn: usize,
    banks: Banks,
    streams: Streams,
    spent: EngineCycles,
    /// When the last label is written.
    end: u64,
}

impl<'a> Stepper<'a> {
    fn new(program: &'a Program, machine: &'a Machine) -> Self {
        let gates = program.instructions.len() as u64;
        let latency = machine.latencies.longest();
        // Gates in flight, and cycles between the engines that are furthest apart, as a rule.
        let spread = machine.engines.saturating_mul(latency).saturating_mul(2);
        let streams = Streams::new(&machine.streams);
        // No instruction is fetched before those that are a queue's length ahead have issued, so that twice as far back
        // everything has been computed.
        let ahead = streams.instructions_ahead().max(spread).saturating_mul(2);
        let positions = program.window().max(ahead).min(gates + program.inputs()).max(1);
        Self {
            program,
            machine,
            ready: vec![0; usize::try_from(positions).unwrap_or(1).next_power_of_two()],
            free: vec![START_CYCLES; machine.engines as usize],
            turn: 0,
            banks: Banks::new(machine.banks, machine.ports, spread.min(gates.saturating_mul(latency))),
            streams,
            spent: EngineCycles::default(),
            end: START_CYCLES,
        }
    }

    fn run(mut self) -> (u64, EngineCycles) {
        let (mut index, mut position) = (0, 0u64);
        let program = self.program;
        for (number, block) in program.blocks.iter().enumerate() {
            // The first inputs are on chip before the engines start.
            let loaded = if number > 0 { self.streams.load(u64::from(block.inputs).min(program.window())) } else { 0 };
            for input in 0..u64::from(block.inputs) {
                self.set_ready(position + input, loaded);
            }
            position += u64::from(block.inputs);
            // Operands lie in their own block: those before its first gate are inputs.
            let first = if self.machine.ports == Ports::Shared { position } else { 0 };
            let gates = program.instructions.get(index..index + block.gates).unwrap_or_default();
            for instruction in gates {
                self.gate(*instruction, position, first);
                position += 1;
            }
            index += block.gates;
            if !self.machine.esw {
                // Nothing says which inputs are spent.
                self.streams.store(u64::from(block.inputs).min(program.window()));
            }
        }
        let cycles = self.end.max(self.streams.end());
        let idle = self.free.iter().map(|free| cycles - free).sum::<u64>();
        self.spent.fill_drain = idle + self.machine.engines * START_CYCLES;
        (cycles, self.spent)
    }

    /// Steps a gate; operands before `first` take no port of the wire memory.
    #[inline]
    fn gate(&mut self, instruction: Instruction, position: u64, first: u64) {
        let [a, b] = [instruction.a(), instruction.b()].map(u64::from);
        let [ready_a, ready_b] = [a, b].map(|operand| self.ready_at(operand, position));
        let latency = self.machine.latencies.of(instruction);
        let far = [instruction.far_a(), instruction.far_b()];
        let free = self.free.get(self.turn).copied().unwrap_or(START_CYCLES);
        let moves = Moves {
            and: instruction.is_and(),
            far: [far[0].then_some(ready_a), far[1].then_some(ready_b)],
            writes: if instruction.is_live() || !self.machine.esw { 1.0 } else { 0.0 },
        };
        let computed = free.max(ready_a).max(ready_b);
        let fetched = computed.max(self.streams.arrival(&moves));
        let near = [!far[0] && a >= first, !far[1] && b >= first && !instruction.is_inv()];
        let reads = [near[0].then(|| self.address(a)), near[1].then(|| self.address(b))];
        let at = self.banks.claim(fetched, reads, self.address(position), latency);
        self.streams.issue(at, &moves);
        self.spent.issue += 1;
        self.spent.dependence += computed - free;
        self.spent.memory += fetched - computed;
        self.spent.bank += at - fetched;
        if let Some(free) = self.free.get_mut(self.turn) {
            *free = at + 1;
        }
        self.turn += 1;
        if self.turn == self.free.len() {
            self.turn = 0;
        }
        self.set_ready(position, at + latency);
        self.end = self.end.max(at + latency);
    }

    fn address(&self, position: u64) -> u32 {
        let addresses = self.program.addresses.as_ref();
        addresses.and_then(|addresses| addresses.get(position as usize)).copied().unwrap_or(position as u32)
    }

    fn ready_at(&self, operand: u64, position: u64) -> u64 {
        // Older labels were made long ago.
        if position - operand > self.ready.len() as u64 {
            return 0;
        }
        self.ready.get(operand as usize & (self.ready.len() - 1)).copied().unwrap_or(0)
    }

    fn set_ready(&mut self, position: u64, cycle: u64) {
        let mask = self.ready.len() - 1;
        if let Some(ready) = self.ready.get_mut(position as usize & mask) {
            *ready = cycle;
        }
    }
}
