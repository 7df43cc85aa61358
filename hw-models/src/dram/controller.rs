//! The controller of one channel: queues, order of commands, refresh.
//!
//! Requests wait in a queue of reads or a buffer of writes, [`QUEUE`] each, from which one per clock moves into the queue of
//! its bank ([`BANK_QUEUE`]). Reads move until the write buffer is full; then all writes in it move (a drain), so that the data
//! bus turns around once per buffer and not once per write. It also drains a part-filled buffer when nothing else is to do.
//! Of a bank's requests, the first goes whose command the device allows (first ready, first come, first served); banks take
//! turns, and the turn passes over banks of which no command is allowed. Rows stay open until another row of the bank is
//! wanted; requests to the open row pass older ones to another row until [`PASSES`] requests have used it, and after that while
//! the device does not allow the precharge yet. These are the rules of DRAMsim3 (`src/command_queue.cc`), whose figures are
//! among those that `pisim validate` compares with.

use super::clocks::{Clocks, Command, CommandKind};
use super::system::DramSystem;
use std::collections::VecDeque;
use std::ops::Add;

/// Entries of the read queue and of the write buffer, per burst that a line takes (as in the published runs).
pub(super) const QUEUE: usize = 32;
/// Entries of a bank's queue, likewise.
pub(super) const BANK_QUEUE: usize = 8;
/// Requests that one row may serve while an older request waits for another row of its bank: without a bound it would starve.
const PASSES: u32 = 4;
/// A part-filled write buffer drains when no read waits and it holds more than this.
const IDLE_DRAIN: usize = 8;

/// One burst.
#[derive(Debug, Clone, Copy)]
pub(super) struct Burst {
    pub bank: usize,
    pub row: u64,
    pub write: bool,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    row: u64,
    write: bool,
}

#[derive(Debug, Default)]
struct Bank {
    queue: VecDeque<Waiting>,
    open: Option<u64>,
    /// Column commands that the open row has served.
    served: u32,
    /// The place in the queue of the oldest read and of the oldest write of the open row.
    hits: [Option<usize>; 2],
}

impl Bank {
    /// Looks for the oldest requests of the open row, after the row or the queue has changed.
    fn find_hits(&mut self) {
        let (queue, open) = (&self.queue, self.open);
        self.hits = [false, true].map(|write| {
            let open = open?;
            queue.iter().position(|waiting| waiting.row == open && waiting.write == write)
        });
    }
}

/// What a bank asks for: the command, its first allowed clock, and the place of its request in the bank's queue.
#[derive(Debug, Clone, Copy)]
struct Wish {
    kind: CommandKind,
    clock: u64,
    bank: usize,
    index: usize,
}

impl Wish {
    fn is_column(&self) -> bool {
        matches!(self.kind, CommandKind::Read | CommandKind::Write)
    }

    fn of_rank(&self) -> bool {
        matches!(self.kind, CommandKind::PrechargeAll | CommandKind::Refresh)
    }
}

/// The first wish of one kind in the turn of the banks, and how many there are besides.
#[derive(Debug, Clone, Copy, Default)]
struct Choice {
    best: Option<Wish>,
    others: u32,
}

impl Choice {
    /// Wishes are offered in the turn of the banks, a refresh before all of them.
    fn offer(&mut self, wish: Wish) {
        self.others += u32::from(self.best.is_some());
        self.best.get_or_insert(wish);
    }
}

/// What a controller has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bursts read.
    pub reads: u64,
    /// Bursts written.
    pub writes: u64,
    /// Rows opened.
    pub activates: u64,
    /// Rank refreshes.
    pub refreshes: u64,
}

impl Add for Counts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
            activates: self.activates + other.activates,
            refreshes: self.refreshes + other.refreshes,
        }
    }
}

/// One channel's controller and its banks.
#[derive(Debug)]
pub(super) struct Controller {
    clocks: Clocks,
    banks: Vec<Bank>,
    reads: VecDeque<Burst>,
    writes: VecDeque<Burst>,
    capacity: usize,
    bank_capacity: usize,
    /// Writes of the current drain that have not moved to their bank yet.
    draining: usize,
    /// Bursts in the banks' queues.
    queued: usize,
    /// The bank that had the last turn.
    turn: usize,
    /// No command is possible before this clock.
    next_command: u64,
    /// When the next refresh of each rank is due.
    refresh_due: Vec<u64>,
    refresh_interval: u64,
    banks_per_rank: usize,
    row_command_bus: bool,
    burst_clocks: u64,
    read_clocks: u64,
    write_clocks: u64,
    /// No more requests come: what is left drains.
    pub ending: bool,
    /// Ends of the data of reads under way, oldest first.
    pub completions: VecDeque<u64>,
    /// The end of the last data.
    pub end: u64,
    pub counts: Counts,
    pub trace: Option<Vec<Command>>,
}

impl Controller {
    pub fn new(system: &DramSystem, traced: bool) -> Self {
        let (device, ranks) = (system.device, system.ranks as usize);
        let banks = ranks * device.banks() as usize;
        let timing = device.timing;
        let per_line = device.bursts_per_line() as usize;
        // Ranks take turns, so that one of them can work while another one refreshes.
        let due = |rank: u64| timing.refi * (rank + 1) / system.ranks;
        Self {
            clocks: Clocks::new(device, ranks),
            banks: std::iter::repeat_with(Bank::default).take(banks).collect(),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            capacity: QUEUE * per_line,
            bank_capacity: BANK_QUEUE * per_line,
            draining: 0,
            queued: 0,
            turn: 0,
            next_command: 0,
            refresh_due: (0..system.ranks).map(due).collect(),
            refresh_interval: timing.refi,
            banks_per_rank: device.banks() as usize,
            row_command_bus: device.row_command_bus,
            burst_clocks: device.burst_clocks(),
            read_clocks: timing.cl + device.burst_clocks(),
            write_clocks: timing.cwl + device.burst_clocks(),
            ending: false,
            completions: VecDeque::new(),
            end: 0,
            counts: Counts::default(),
            trace: traced.then(Vec::new),
        }
    }

    /// Whether a read or a write finds a place.
    pub fn has_room(&self, write: bool) -> bool {
        if write { self.writes.len() < self.capacity } else { self.reads.len() < self.capacity }
    }

    /// Takes a burst for which there is room.
    pub fn accept(&mut self, burst: Burst) {
        if burst.write { self.writes.push_back(burst) } else { self.reads.push_back(burst) }
    }

    /// Whether nothing waits any more.
    pub fn idle(&self) -> bool {
        self.queued == 0 && self.reads.is_empty() && self.writes.is_empty()
    }

    /// Does what is to do in the clock `now`, and says in which clock there may be something to do again.
    pub fn step(&mut self, now: u64) -> u64 {
        if self.next_command <= now {
            self.next_command = self.give_commands(now);
        }
        if self.advance_queues(now) { now + 1 } else { self.next_command }
    }

    /// Moves one burst towards its bank; false if none could.
    fn advance_queues(&mut self, now: u64) -> bool {
        if self.draining == 0 {
            let full = self.writes.len() >= self.capacity;
            let idle = self.queued == 0 && self.reads.is_empty();
            if full || (idle && (self.writes.len() > IDLE_DRAIN || self.ending)) {
                self.draining = self.writes.len();
            }
        }
        let from = if self.draining > 0 { &mut self.writes } else { &mut self.reads };
        let (banks, capacity) = (&mut self.banks, self.bank_capacity);
        let has_room = |burst: &Burst| banks.get(burst.bank).is_some_and(|bank| bank.queue.len() < capacity);
        let Some(burst) = from.iter().position(has_room).and_then(|index| from.remove(index)) else { return false };
        if let Some(bank) = self.banks.get_mut(burst.bank) {
            bank.queue.push_back(Waiting { row: burst.row, write: burst.write });
            bank.find_hits();
        }
        if let Some(wish) = self.wish(burst.bank, now) {
            self.next_command = self.next_command.min(wish.clock.max(now + 1));
        }
        self.queued += 1;
        self.draining = self.draining.saturating_sub(usize::from(burst.write));
        true
    }

    /// Gives the commands of the clock `now`: one, or a column and a row command where rows have a bus of their own. Returns
    /// the first clock in which another one may be possible: commands only ever put each other off.
    fn give_commands(&mut self, now: u64) -> u64 {
        let mut next = u64::MAX;
        let refresh = self.refresh_wish(now, &mut next).filter(|wish| wish.clock <= now);
        let (mut columns, mut rows) = (Choice::default(), Choice { best: refresh, others: 0 });
        let in_turn = (self.turn + 1..self.banks.len()).chain(0..=self.turn);
        for number in in_turn {
            match self.wish(number, now) {
                Some(wish) if wish.clock > now => next = next.min(wish.clock),
                Some(wish) if wish.is_column() => columns.offer(wish),
                Some(wish) => rows.offer(wish),
                None => {}
            }
        }
        // A refresh goes before everything. Where all commands share one bus, the bank whose turn it is goes next.
        let (mut column, mut row) = (columns.best, rows.best);
        if let (false, Some(one), Some(other)) = (self.row_command_bus, column, row) {
            if refresh.is_none() && self.comes_before(one.bank, other.bank) { row = None } else { column = None }
        }
        if columns.best.is_some() && (column.is_none() || columns.others > 0) {
            next = next.min(if column.is_some() { now + self.burst_clocks } else { now + 1 });
        }
        if rows.best.is_some() && (row.is_none() || rows.others > 0) {
            next = next.min(now + 1);
        }
        let mut last = None;
        for wish in [column, row].into_iter().flatten() {
            self.give(wish, now);
            let again = if wish.of_rank() { Some(now + 1) } else { self.wish(wish.bank, now).map(|wish| wish.clock) };
            next = next.min(again.map_or(u64::MAX, |clock| clock.max(now + 1)));
            if !wish.of_rank() && last.is_none_or(|bank| self.comes_before(bank, wish.bank)) {
                last = Some(wish.bank);
            }
        }
        self.turn = last.unwrap_or(self.turn);
        next
    }

    /// Whether one bank has its turn before another.
    fn comes_before(&self, one: usize, other: usize) -> bool {
        let banks = self.banks.len();
        let wait = |bank: usize| (bank + banks - self.turn - 1) % banks;
        wait(one) < wait(other)
    }

    /// What the most urgent refresh needs. A due rank gets no other command until it is refreshed.
    fn refresh_wish(&self, now: u64, next: &mut u64) -> Option<Wish> {
        let mut best: Option<Wish> = None;
        for (rank, due) in self.refresh_due.iter().enumerate() {
            if *due > now {
                *next = (*next).min(*due);
                continue;
            }
            let first = rank * self.banks_per_rank;
            let banks = self.banks.iter().enumerate().skip(first).take(self.banks_per_rank);
            let open = banks.filter(|(_, bank)| bank.open.is_some());
            let closable = open.map(|(number, _)| self.clocks.precharge(number)).max();
            let (kind, clock) = match closable {
                Some(clock) => (CommandKind::PrechargeAll, clock),
                None => (CommandKind::Refresh, self.clocks.refresh(rank)),
            };
            *next = (*next).min(clock.max(now + 1));
            if best.is_none_or(|other| clock < other.clock) {
                best = Some(Wish { kind, clock, bank: first, index: 0 });
            }
        }
        best
    }

    /// The next command that the bank wants: its first allowed burst of the open row, or the row that its oldest burst needs.
    fn wish(&self, number: usize, now: u64) -> Option<Wish> {
        let bank = self.banks.get(number)?;
        let head = bank.queue.front()?;
        let due = self.refresh_due.get(number / self.banks_per_rank)?;
        if *due <= now {
            return None;
        }
        let row = |kind, clock| Wish { kind, clock, bank: number, index: 0 };
        let Some(open) = bank.open else {
            return Some(row(CommandKind::Activate, self.clocks.activate(number)));
        };
        let close = row(CommandKind::Precharge, self.clocks.precharge(number));
        let starved = head.row != open && bank.served >= PASSES;
        if starved && close.clock <= now {
            return Some(close);
        }
        let hit = |write: bool| {
            let (index, kind, clock) = match (write, bank.hits) {
                (true, [_, index]) => (index?, CommandKind::Write, self.clocks.write(number)),
                (false, [index, _]) => (index?, CommandKind::Read, self.clocks.read(number)),
            };
            Some(Wish { kind, clock, bank: number, index })
        };
        let hit = match (hit(false), hit(true)) {
            (Some(read), Some(write)) => {
                // Both allowed: the older one; otherwise the one that is allowed first.
                let key = |wish: Wish| (wish.clock.max(now), wish.index);
                Some(if key(read) <= key(write) { read } else { write })
            }
            (one, other) => one.or(other),
        };
        match hit {
            Some(hit) if !starved || hit.clock <= close.clock => Some(hit),
            _ => Some(close),
        }
    }

    fn give(&mut self, wish: Wish, now: u64) {
        self.clocks.give(wish.kind, wish.bank, now);
        let rank = wish.bank / self.banks_per_rank;
        let mut row = 0;
        if let Some(bank) = self.banks.get_mut(wish.bank) {
            match wish.kind {
                CommandKind::Activate => {
                    row = bank.queue.front().map_or(0, |head| head.row);
                    bank.open = Some(row);
                    bank.served = 0;
                    self.counts.activates += 1;
                }
                CommandKind::Precharge => bank.open = None,
                CommandKind::Read | CommandKind::Write => {
                    row = bank.open.unwrap_or_default();
                    bank.queue.remove(wish.index);
                    bank.served += 1;
                    self.queued -= 1;
                }
                CommandKind::PrechargeAll | CommandKind::Refresh => {}
            }
            bank.find_hits();
        }
        match wish.kind {
            CommandKind::Read => {
                self.counts.reads += 1;
                self.end = self.end.max(now + self.read_clocks);
                self.completions.push_back(now + self.read_clocks);
            }
            CommandKind::Write => {
                self.counts.writes += 1;
                self.end = self.end.max(now + self.write_clocks);
            }
            CommandKind::PrechargeAll => {
                let banks = self.banks.iter_mut().skip(wish.bank).take(self.banks_per_rank);
                banks.for_each(|bank| {
                    bank.open = None;
                    bank.find_hits();
                });
            }
            CommandKind::Refresh => {
                self.counts.refreshes += 1;
                if let Some(due) = self.refresh_due.get_mut(rank) {
                    *due += self.refresh_interval;
                }
            }
            CommandKind::Activate | CommandKind::Precharge => {}
        }
        if let Some(trace) = &mut self.trace {
            trace.push(Command { clock: now, kind: wish.kind, bank: wish.bank, row });
        }
    }
}
