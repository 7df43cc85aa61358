//! Steps a program gate by gate.
//!
//! An instruction goes to the engine that is free first; engines issue in order and hold an instruction until its operands, its
//! stream entries and its banks' ports are there. Everything is known when the compiler runs, so the order of the program is
//! the order of all claims. Time jumps from issue to issue.

use super::banks::Banks;
use super::program::Program;
use super::stream::{Moves, StreamShape, Streams};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// Cycles to fetch and decode the first instruction.
pub(super) const FETCH_CYCLES: u64 = 1;

/// What the stepper knows of an engine.
pub(super) struct Machine {
    pub engines: u64,
    pub and_latency: u64,
    pub xor_latency: u64,
    pub banks: u64,
    /// Whether labels that are not read again stay on chip.
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
    if machine.streams.port.limits() {
        Stepper::new(program, machine).run::<true>()
    } else {
        Stepper::new(program, machine).run::<false>()
    }
}

struct Stepper<'a> {
    program: &'a Program,
    machine: &'a Machine,
    /// When the label at each of the last positions can be used.
    ready: Vec<u64>,
    /// When each engine is free.
    free: BinaryHeap<Reverse<u64>>,
    banks: Banks,
    streams: Streams,
    spent: EngineCycles,
    /// When the last label is written.
    end: u64,
}

impl<'a> Stepper<'a> {
    fn new(program: &'a Program, machine: &'a Machine) -> Self {
        let gates = program.instructions.len() as u64;
        // An engine without an instruction changes nothing but its own idle time.
        let used = machine.engines.min(gates);
        let latency = machine.and_latency.max(machine.xor_latency);
        // Gates in flight: what is older has been computed.
        let spread = machine.engines.saturating_mul(latency).saturating_add(latency);
        let positions = program.window().max(spread.saturating_mul(2)).min(gates + program.inputs()).max(1);
        Self {
            program,
            machine,
            ready: vec![0; usize::try_from(positions).unwrap_or(1).next_power_of_two()],
            free: (0..used).map(|_| Reverse(FETCH_CYCLES)).collect(),
            banks: Banks::new(machine.banks, spread),
            streams: Streams::new(&machine.streams),
            spent: EngineCycles::default(),
            end: FETCH_CYCLES,
        }
    }

    fn run<const LIMITED: bool>(mut self) -> (u64, EngineCycles) {
        let (mut index, mut position) = (0, 0u64);
        for (number, block) in self.program.blocks.iter().enumerate() {
            // The first inputs are on chip before the engines start.
            let loaded = if LIMITED && number > 0 { self.streams.load(u64::from(block.inputs)) } else { 0 };
            for input in 0..u64::from(block.inputs) {
                self.set_ready(position + input, loaded);
            }
            position += u64::from(block.inputs);
            let program = self.program;
            let gates = program.instructions.get(index..index + block.gates).unwrap_or_default();
            for instruction in gates {
                self.gate::<LIMITED>(*instruction, position);
                position += 1;
            }
            index += block.gates;
        }
        let cycles = if LIMITED { self.end.max(self.streams.end()) } else { self.end };
        let idle = self.free.iter().map(|Reverse(free)| cycles - free).sum::<u64>();
        let unused = (self.machine.engines - self.free.len() as u64) * cycles;
        self.spent.fill_drain = idle + unused + self.free.len() as u64 * FETCH_CYCLES;
        (cycles, self.spent)
    }

    #[inline]
    fn gate<const LIMITED: bool>(&mut self, instruction: super::program::Instruction, position: u64) {
        let [a, b] = [instruction.a(), instruction.b()].map(u64::from);
        let [ready_a, ready_b] = [a, b].map(|operand| self.ready_at(operand, position));
        let latency = if instruction.is_and() { self.machine.and_latency } else { self.machine.xor_latency };
        let far = [instruction.far_a(), instruction.far_b()];
        let Some(free) = self.free.peek().map(|Reverse(free)| *free) else { return };
        let computed = free.max(ready_a).max(ready_b);
        let mut at = computed;
        let moves = Moves {
            and: instruction.is_and(),
            far: [far[0].then_some(ready_a), far[1].then_some(ready_b)],
            writes: if instruction.is_live() || !self.machine.esw { 1.0 } else { 0.0 },
        };
        if LIMITED {
            at = at.max(self.streams.arrival(&moves));
        }
        let fetched = at;
        let reads = [(!far[0]).then(|| self.address(a)), (!far[1] && !instruction.is_inv()).then(|| self.address(b))];
        at = self.banks.claim(at, reads, self.address(position), latency);
        if LIMITED {
            self.streams.issue(at, &moves);
        }
        self.spent.issue += 1;
        self.spent.dependence += computed - free;
        self.spent.memory += fetched - computed;
        self.spent.bank += at - fetched;
        if let Some(mut first) = self.free.peek_mut() {
            *first = Reverse(at + 1);
            drop::<PeekMut<'_, _>>(first);
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
