//! From a netlist to the engines' instructions: ordered, renamed, with what leaves the window and comes back marked.
//!
//! Wires are counted by *position*: inputs first, then outputs in the order of the instructions. With renaming a wire's address
//! is its position, so that no instruction names its output, and the window slides over the addresses by half of its length: it holds
//! the half that is being made and the one before. An operand further back is fetched from memory through the wire queue, and whatever is fetched so was written back when it was
//! made (HAAC: an instruction's `live` bit), as are the circuit's outputs. Without renaming a wire keeps the circuit's number, and what is made outside of
//! the window around the program counter goes to memory at once.

use super::order::sequence;
use super::step::Latencies;
use super::{GateCounts, GcError, Netlist, Op, Order};

/// Wires that an instruction can name beside its flags.
pub(super) const MOST_WIRES: u64 = 1 << 29;

/// The least window: two operands and an output.
pub(super) const LEAST_WINDOW: u64 = 3;

/// The positions of two operands, with flags in the upper bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction {
    a: u32,
    b: u32,
}

const POSITION: u32 = (MOST_WIRES - 1) as u32;
const AND: u32 = 1 << 31;
const LIVE: u32 = 1 << 30;
const FAR_A: u32 = 1 << 29;
const INV: u32 = 1 << 31;
const FAR_B: u32 = 1 << 30;

/// Labels by which the window slides.
pub(super) fn half(window: u64) -> u64 {
    window.div_ceil(2).max(1)
}

impl Instruction {
    fn new(op: Op, [a, b]: [u32; 2]) -> Self {
        Self { a: a | if op == Op::And { AND } else { 0 }, b: b | if op == Op::Inv { INV } else { 0 } }
    }

    pub fn a(self) -> u32 {
        self.a & POSITION
    }

    pub fn b(self) -> u32 {
        self.b & POSITION
    }

    pub fn is_and(self) -> bool {
        self.a & AND != 0
    }

    pub fn is_inv(self) -> bool {
        self.b & INV != 0
    }

    /// Whether its output is read again after it has left the window, or is one of the circuit's.
    pub fn is_live(self) -> bool {
        self.a & LIVE != 0
    }

    /// Whether its first operand comes from memory.
    pub fn far_a(self) -> bool {
        self.a & FAR_A != 0
    }

    /// Whether its second operand comes from memory.
    pub fn far_b(self) -> bool {
        self.b & FAR_B != 0
    }
}

/// Inputs, then the gates that read them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// Input labels.
    pub inputs: u32,
    /// Instructions.
    pub gates: usize,
}

/// What the compiler is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compiler {
    /// The order of the gates.
    pub order: Order,
    /// Whether outputs are numbered in the order of the program.
    pub rename: bool,
    /// Labels that the wire window holds.
    pub window: u64,
}

/// A compiled program.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) blocks: Vec<Block>,
    /// Address of every position, when it is not the position itself.
    pub(super) addresses: Option<Vec<u32>>,
    /// The first operand that comes from memory: its instruction, and the labels since.
    pub(super) first_far: Option<(usize, u64)>,
    counts: GateCounts,
    window: u64,
    far_reads: u64,
    live: u64,
}

impl Program {
    /// Compiles one circuit, without XORs with public constants ([`Netlist::folded`]).
    ///
    /// # Errors
    /// The netlist is no circuit, it is too large, or the window holds no gate.
    pub fn new(netlist: &Netlist, compiler: Compiler) -> Result<Self, GcError> {
        Self::of_instances(netlist, compiler, 1)
    }

    /// Compiles many instances of one circuit, as the closed form assumes them: in as few waves as the window allows, of equal
    /// size (one instance at least); inside a wave, every instruction of the circuit for all of its instances before the next instruction.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn of_instances(netlist: &Netlist, compiler: Compiler, instances: u64) -> Result<Self, GcError> {
        netlist.check()?;
        let netlist = &netlist.folded();
        if compiler.window < LEAST_WINDOW {
            let value = format!("{} labels", compiler.window);
            let expected = "two operands and an output at least: 3 labels (48 bytes)";
            return Err(GcError::Impossible { what: "the wire window", value, expected });
        }
        let wires = netlist.wires().saturating_mul(instances);
        if wires > MOST_WIRES {
            return Err(GcError::TooLarge { wires, limit: MOST_WIRES });
        }
        let order = sequence(netlist, compiler.order, compiler.window);
        let wave = (compiler.window / netlist.wires().max(1)).max(1);
        let mut program = Self {
            instructions: Vec::with_capacity(netlist.gates.len() * instances as usize),
            blocks: Vec::new(),
            addresses: (!compiler.rename && order.is_some()).then(Vec::new),
            first_far: None,
            counts: GateCounts::default(),
            window: compiler.window,
            far_reads: 0,
            live: 0,
        };
        let waves = instances.div_ceil(wave);
        for number in 0..waves {
            let size = instances / waves + u64::from(number < instances % waves);
            program.push(netlist, order.as_deref(), size as u32);
        }
        program.mark();
        Ok(program)
    }

    /// Appends a wave of `size` instances.
    fn push(&mut self, netlist: &Netlist, order: Option<&[u32]>, size: u32) {
        let inputs = netlist.inputs;
        let start =
            (self.instructions.len() as u64 + self.blocks.iter().map(|b| u64::from(b.inputs)).sum::<u64>()) as u32;
        // The place of a wire among an instance's positions.
        let mut places: Vec<u32> = Vec::new();
        if let Some(order) = order {
            places = vec![0; order.len()];
            for (place, gate) in order.iter().enumerate() {
                if let Some(slot) = places.get_mut(*gate as usize) {
                    *slot = place as u32;
                }
            }
        }
        let place = |wire: u32| match wire.checked_sub(inputs) {
            Some(gate) => inputs + places.get(gate as usize).copied().unwrap_or(gate),
            None => wire,
        };
        let sequence =
            (0..netlist.gates.len()).map(|i| order.and_then(|order| order.get(i)).map_or(i, |gate| *gate as usize));
        for gate in sequence.clone().filter_map(|gate| netlist.gates.get(gate)) {
            let [a, b] = gate.operands().map(|wire| start + place(wire) * size);
            self.instructions.extend((0..size).map(|instance| Instruction::new(gate.op, [a + instance, b + instance])));
            for _ in 0..size {
                self.counts.add(gate.op);
            }
        }
        let first = self.instructions.len() - netlist.gates.len() * size as usize;
        for gate in netlist.outputs.iter().filter_map(|wire| wire.checked_sub(inputs)) {
            let place = places.get(gate as usize).copied().unwrap_or(gate);
            for instance in 0..size {
                self.keep(first + (place * size + instance) as usize);
            }
        }
        if let Some(addresses) = &mut self.addresses {
            let numbers = (0..inputs).chain(sequence.map(|gate| inputs + gate as u32));
            addresses.extend(numbers.flat_map(|wire| (0..size).map(move |instance| start + wire * size + instance)));
        }
        self.blocks.push(Block { inputs: inputs * size, gates: netlist.gates.len() * size as usize });
    }

    /// Marks operands that come from memory, and the gates that made them.
    fn mark(&mut self) {
        let (mut first, mut inputs) = (0, 0u64);
        for block in self.blocks.clone() {
            // The compiler starts every wave with a half of the window.
            let start = first as u64 + inputs;
            inputs += u64::from(block.inputs);
            let end = first + block.gates;
            for index in first..end {
                let position = inputs + index as u64;
                let Some(&instruction) = self.instructions.get(index) else { continue };
                let window = self.window_start(position, start);
                let mut flags = (0, 0);
                for (operand, second) in [(instruction.a(), false), (instruction.b(), true)] {
                    if (second && instruction.is_inv()) || !self.is_far(u64::from(operand), window, start) {
                        continue;
                    }
                    self.far_reads += 1;
                    self.first_far.get_or_insert((index, position - u64::from(operand)));
                    if second {
                        flags.1 = FAR_B
                    } else {
                        flags.0 = FAR_A
                    }
                    // An input has its place in memory already.
                    if u64::from(operand) >= start + u64::from(block.inputs) {
                        self.keep((u64::from(operand) - inputs) as usize);
                    }
                }
                if let Some(instruction) = self.instructions.get_mut(index) {
                    instruction.a |= flags.0;
                    instruction.b |= flags.1;
                }
            }
            first = end;
        }
    }

    /// The output of an instruction is written back.
    fn keep(&mut self, index: usize) {
        if let Some(instruction) = self.instructions.get_mut(index) {
            self.live += u64::from(!instruction.is_live());
            instruction.a |= LIVE;
        }
    }

    /// The first address in the window when the gate at `position` runs, in a wave that begins at `start`.
    fn window_start(&self, position: u64, start: u64) -> u64 {
        let (half, made) = (half(self.window), position - start);
        // A window of an odd length has no room for two whole halves.
        start + ((made / half).saturating_sub(1) * half).max((made + 1).saturating_sub(self.window))
    }

    /// Whether the label of `operand` is not in a window that begins at the address `first`, in a wave that begins at `start`.
    fn is_far(&self, operand: u64, first: u64, start: u64) -> bool {
        let Some(addresses) = &self.addresses else { return operand < first };
        let address = addresses.get(operand as usize).map_or(operand, |address| u64::from(*address));
        // It was in the window when it was made, and the window has not passed it since.
        address >= self.window_start(operand, start).saturating_add(self.window) || address < first
    }

    /// Gates by kind.
    pub fn counts(&self) -> GateCounts {
        self.counts
    }

    /// Operands that are fetched from memory.
    pub fn far_reads(&self) -> u64 {
        self.far_reads
    }

    /// Gate outputs that are written back: read again after they have left the window, or outputs of the circuit.
    pub fn live(&self) -> u64 {
        self.live
    }

    /// Labels that the window holds.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// Whether instructions must name their outputs.
    pub fn names_outputs(&self) -> bool {
        self.addresses.is_some()
    }

    /// Input labels that the window holds before the first gate.
    pub(super) fn preloaded(&self) -> u64 {
        self.blocks.first().map_or(0, |block| u64::from(block.inputs)).min(self.window)
    }

    /// Input labels that are loaded into the window; those that it cannot hold come through the wire queue alone.
    pub fn loaded(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.inputs).min(self.window)).sum()
    }

    /// Input labels of all instances.
    pub fn inputs(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.inputs)).sum()
    }

    /// Cycles of the longest chain of gates when nothing else delays them.
    pub(super) fn critical_path(&self, latencies: Latencies) -> u64 {
        let (mut first, mut longest) = (0, 0);
        for block in &self.blocks {
            // Operands lie in their own block.
            let start = (first + self.inputs_before(first)) as u32;
            let mut done = vec![0u64; block.inputs as usize];
            done.reserve(block.gates);
            for instruction in self.instructions.iter().skip(first).take(block.gates) {
                let at = |position: u32| done.get((position - start) as usize).copied().unwrap_or(0);
                let end = at(instruction.a()).max(at(instruction.b())) + latencies.of(*instruction);
                longest = longest.max(end);
                done.push(end);
            }
            first += block.gates;
        }
        longest
    }

    /// Input labels of the blocks before the instruction at `index`.
    fn inputs_before(&self, index: usize) -> usize {
        let mut first = 0;
        let before = self.blocks.iter().take_while(|block| {
            first += block.gates;
            first <= index
        });
        before.map(|block| block.inputs as usize).sum()
    }
}
