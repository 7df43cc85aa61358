//! A list scheduler: operations run on the units of an engine, event by event.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// What an operation runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// One of the transform units of a group; groups serve different limbs.
    Ntt(usize),
    /// The multipliers of a group.
    Multiply(usize),
    /// The automorphism lanes.
    Automorphism,
    /// The key-switch pipeline.
    KeySwitch,
    /// The port to memory.
    Memory,
}

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Op {
    pub unit: Unit,
    /// Cycles on a transform unit or the key-switch pipeline; products, coefficients or bytes elsewhere.
    pub amount: u64,
    /// Operations, all of them earlier in the list, whose results it needs.
    pub needs: Vec<usize>,
}

/// The units of an engine: each kind's rate in amounts per cycle, and how many servers of that rate there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub groups: usize,
    /// Transform units of one group.
    pub ntt_units: usize,
    /// Products per cycle of one group, as a numerator over `interval`.
    pub lanes: u64,
    /// Cycles between two products of a multiplier.
    pub interval: u64,
    pub automorphism_lanes: u64,
    pub bytes_per_cycle: u64,
    /// Cycles from the end of an operation to its result; memory has none.
    pub latency: u64,
}

/// One server: the time from which it is free, in parts of a cycle, so that operations follow each other without a gap.
#[derive(Debug, Clone, Copy)]
struct Server {
    free: u64,
    parts: u64,
}

impl Server {
    /// Whether an operation can start in this cycle.
    fn takes(&self, cycle: u64) -> bool {
        self.free / self.parts <= cycle
    }

    /// Starts an operation in this cycle; the cycle in which it is over.
    fn start(&mut self, cycle: u64, amount: u64) -> u64 {
        self.free = self.free.max(cycle * self.parts) + amount;
        self.free.div_ceil(self.parts)
    }
}

/// A kind of unit: its servers, and the operations that could start.
struct Pool {
    servers: Vec<Server>,
    ready: BTreeSet<usize>,
    latency: u64,
    /// Factor on amounts.
    factor: u64,
}

/// Runs the operations and returns the cycle in which the last result is there. Of those that are ready for a unit, the
/// earliest in the list starts first.
pub(super) fn run(ops: &[Op], rates: &Rates) -> u64 {
    let mut pools = pools(rates);
    let mut waiting: Vec<usize> = ops.iter().map(|op| op.needs.len()).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); ops.len()];
    for (index, op) in ops.iter().enumerate() {
        for need in &op.needs {
            if let Some(list) = users.get_mut(*need) {
                list.push(index);
            }
        }
    }
    // Results, and times at which a server is free again (no operation).
    let mut events: BinaryHeap<Reverse<(u64, Option<usize>)>> = BinaryHeap::new();
    for (index, op) in ops.iter().enumerate().filter(|(_, op)| op.needs.is_empty()) {
        if let Some(pool) = pools.get_mut(pool_of(op.unit, rates)) {
            pool.ready.insert(index);
        }
    }
    let (mut now, mut end) = (0, 0);
    loop {
        for pool in &mut pools {
            dispatch(pool, ops, now, &mut events);
        }
        let Some(Reverse((time, _))) = events.peek().copied() else { return end };
        now = time;
        while let Some(Reverse((at, done))) = events.peek().copied().filter(|Reverse((at, _))| *at == now) {
            events.pop();
            let Some(done) = done else { continue };
            end = end.max(at);
            for user in users.get(done).into_iter().flatten() {
                let Some(left) = waiting.get_mut(*user) else { continue };
                *left -= 1;
                let pool = ops.get(*user).map(|op| pool_of(op.unit, rates)).and_then(|pool| pools.get_mut(pool));
                if let (0, Some(pool)) = (*left, pool) {
                    pool.ready.insert(*user);
                }
            }
        }
    }
}

/// Starts what can start on one kind of unit in this cycle.
fn dispatch(pool: &mut Pool, ops: &[Op], now: u64, events: &mut BinaryHeap<Reverse<(u64, Option<usize>)>>) {
    while let Some(index) = pool.ready.first().copied() {
        let Some(server) = pool.servers.iter_mut().min_by_key(|server| server.free) else { return };
        if !server.takes(now) {
            return;
        }
        pool.ready.pop_first();
        let amount = ops.get(index).map_or(0, |op| op.amount) * pool.factor;
        let over = server.start(now, amount);
        events.push(Reverse((over + pool.latency, Some(index))));
        let free = server.free / server.parts;
        if free > now {
            events.push(Reverse((free, None)));
        }
    }
}

fn pool_of(unit: Unit, rates: &Rates) -> usize {
    match unit {
        Unit::Ntt(group) => group % rates.groups,
        Unit::Multiply(group) => rates.groups + group % rates.groups,
        Unit::Automorphism => 2 * rates.groups,
        Unit::KeySwitch => 2 * rates.groups + 1,
        Unit::Memory => 2 * rates.groups + 2,
    }
}

/// In the order of [`pool_of`].
fn pools(rates: &Rates) -> Vec<Pool> {
    let pool = |count: usize, parts: u64, factor: u64, latency: u64| Pool {
        servers: vec![Server { free: 0, parts: parts.max(1) }; count],
        ready: BTreeSet::new(),
        latency,
        factor,
    };
    let mut all = Vec::new();
    all.extend((0..rates.groups).map(|_| pool(rates.ntt_units, 1, 1, rates.latency)));
    all.extend((0..rates.groups).map(|_| pool(1, rates.lanes, rates.interval, rates.latency)));
    all.push(pool(1, rates.automorphism_lanes, 1, rates.latency));
    all.push(pool(1, 1, 1, rates.latency));
    all.push(pool(1, rates.bytes_per_cycle, 1, 0));
    all
}
