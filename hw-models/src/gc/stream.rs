//! What the engines stream from and to memory: instructions, tables, labels that come back, labels that leave.
//!
//! One channel serves all streams in the order of the program. A stream is fetched ahead as far as its queue has room: the
//! place of an entry is free when the entry that had it has been used, and the request then takes the memory's latency. At the
//! start the first requests are under way, so that their data come at the channel's bandwidth from cycle 0 on. A write takes its
//! share of the channel when its gate issues; gates wait while more is to be written than the queues hold.

use super::LABEL_BYTES;

/// The memory at the engines' side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryPort {
    /// Bytes in one cycle of the engines; infinite for none of memory's limits.
    pub bytes_per_cycle: f64,
    /// Cycles from a request to its data.
    pub latency_cycles: f64,
}

impl MemoryPort {
    /// A memory that never limits.
    pub const UNBOUNDED: Self = Self { bytes_per_cycle: f64::INFINITY, latency_cycles: 0.0 };
}

/// When the place of each entry is free: a ring of the last entries' times. `None` when all entries fit.
struct Queue {
    free: Option<Vec<f64>>,
    next: usize,
}

impl Queue {
    fn new(bytes: u64, entry_bytes: f64, entries: u64) -> Self {
        let capacity = if entry_bytes > 0.0 { (bytes as f64 / entry_bytes) as u64 } else { u64::MAX };
        let free = (capacity < entries).then(|| vec![0.0; capacity.max(1) as usize]);
        Self { free, next: 0 }
    }

    /// When the next entry's place is free.
    fn room(&self) -> f64 {
        self.free.as_ref().and_then(|free| free.get(self.next)).copied().unwrap_or(0.0)
    }

    /// The next entry is used, and its place requested again, at `time`.
    fn used(&mut self, time: f64) {
        if let Some(free) = &mut self.free {
            if let Some(place) = free.get_mut(self.next) {
                *place = time;
            }
            self.next += 1;
            if self.next == free.len() {
                self.next = 0;
            }
        }
    }
}

/// Sizes of the streams' entries and queues.
pub(super) struct StreamShape {
    pub port: MemoryPort,
    pub instruction_bytes: f64,
    pub table_bytes: f64,
    pub garbles: bool,
    pub instruction_queue: u64,
    pub table_queue: u64,
    pub wire_queue: u64,
    /// Instructions, AND gates and labels from memory of the whole program.
    pub entries: [u64; 3],
}

/// What one gate moves.
pub(super) struct Moves {
    pub and: bool,
    /// For each operand from memory, when it was made.
    pub far: [Option<u64>; 2],
    /// Labels written.
    pub writes: f64,
}

/// The channel and the queues.
pub(super) struct Streams {
    cycles_per_byte: f64,
    latency: f64,
    instruction: f64,
    table: f64,
    garbles: bool,
    instructions: Queue,
    tables: Queue,
    wires: Queue,
    /// Cycles of the channel that the queues of writes hold.
    slack: f64,
    /// When the channel has moved everything so far.
    clock: f64,
}

impl Streams {
    pub fn new(shape: &StreamShape) -> Self {
        let cycles_per_byte = 1.0 / shape.port.bytes_per_cycle;
        let [instructions, ands, wires] = shape.entries;
        let written = shape.wire_queue + if shape.garbles { shape.table_queue } else { 0 };
        Self {
            cycles_per_byte,
            latency: shape.port.latency_cycles,
            instruction: shape.instruction_bytes * cycles_per_byte,
            table: shape.table_bytes * cycles_per_byte,
            garbles: shape.garbles,
            instructions: Queue::new(shape.instruction_queue, shape.instruction_bytes, instructions),
            tables: Queue::new(shape.table_queue, shape.table_bytes, if shape.garbles { 0 } else { ands }),
            wires: Queue::new(shape.wire_queue, LABEL_BYTES as f64, wires),
            slack: written as f64 * cycles_per_byte,
            clock: 0.0,
        }
    }

    /// Instructions that are fetched ahead at most.
    pub fn instructions_ahead(&self) -> u64 {
        self.instructions.free.as_ref().map_or(u64::MAX, |free| free.len() as u64)
    }

    /// The cycle in which everything that a gate needs is there, and there is room for what it writes.
    pub fn arrival(&mut self, moves: &Moves) -> u64 {
        self.clock = self.clock.max(self.instructions.room()) + self.instruction;
        let mut arrival = self.clock;
        if moves.and && !self.garbles {
            self.clock = self.clock.max(self.tables.room()) + self.table;
            arrival = self.clock;
        }
        for made in moves.far.into_iter().flatten() {
            let label = LABEL_BYTES as f64 * self.cycles_per_byte;
            self.clock = self.clock.max(self.wires.room()) + label;
            // A label that was just made is written before it is read; others do not wait for it.
            arrival = arrival.max(self.clock).max(made as f64 + 2.0 * self.latency + label);
        }
        arrival.max(self.clock - self.slack).ceil() as u64
    }

    /// The gate issues in `cycle`: its entries are used, its writes take their share of the channel.
    pub fn issue(&mut self, cycle: u64, moves: &Moves) {
        let again = cycle as f64 + self.latency;
        self.instructions.used(again);
        if moves.and {
            if self.garbles {
                self.clock += self.table;
            } else {
                self.tables.used(again);
            }
        }
        for _ in moves.far.iter().flatten() {
            self.wires.used(again);
        }
        self.clock += moves.writes * LABEL_BYTES as f64 * self.cycles_per_byte;
    }

    /// Loads the input labels of further circuits; the cycle in which they are there.
    pub fn load(&mut self, labels: u64) -> u64 {
        self.clock += (labels * LABEL_BYTES) as f64 * self.cycles_per_byte;
        self.clock.ceil() as u64
    }

    /// Writes labels back.
    pub fn store(&mut self, labels: u64) {
        self.clock += (labels * LABEL_BYTES) as f64 * self.cycles_per_byte;
    }

    /// When everything has been moved.
    pub fn end(&self) -> u64 {
        self.clock.ceil() as u64
    }
}
