//! Jobs without their quantities: units, phases and dependencies, checked once and flat, for any number of runs.

use super::{EngineError, Load, Machine, Workspace};

/// A job's place: everything but what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    /// The unit that does it.
    pub unit: usize,
    /// The phase it belongs to.
    pub phase: usize,
    /// What it takes, an index into the loads of a run.
    pub load: usize,
}

/// How often a phase has a load on a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub unit: usize,
    pub phase: usize,
    pub load: usize,
    pub jobs: u64,
}

/// Lists of numbers, one after the other in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// List `i` is `items[bounds[i]..bounds[i + 1]]`.
    bounds: Vec<usize>,
    items: Vec<usize>,
}

impl Lists {
    /// From pairs of a list's number and an item, in the order of the pairs within each list.
    fn grouped(count: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut bounds = vec![0_usize; count + 1];
        for (list, _) in pairs.clone() {
            if let Some(end) = bounds.get_mut(list + 1) {
                *end += 1;
            }
        }
        let mut sum = 0;
        for bound in &mut bounds {
            sum += *bound;
            *bound = sum;
        }
        let mut next = bounds.clone();
        let mut items = vec![0; sum];
        for (list, item) in pairs {
            let Some(place) = next.get_mut(list) else { continue };
            if let Some(slot) = items.get_mut(*place) {
                *slot = item;
            }
            *place += 1;
        }
        Self { bounds, items }
    }

    /// A list; empty if there is none of that number.
    #[inline]
    pub fn of(&self, list: usize) -> &[usize] {
        let Some(&[from, to]) = self.bounds.get(list..list + 2) else { return &[] };
        self.items.get(from..to).unwrap_or_default()
    }
}

/// The jobs of a run: who waits for whom, and in which order units take them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Graph {
    pub(super) units: usize,
    pub(super) phases: usize,
    pub(super) nodes: Vec<Node>,
    /// For each job, those of its own phase that it waits for: phases are barriers, so earlier ones need no waiting.
    pub(super) deps: Lists,
    /// For each job, those of its own phase that wait for it.
    pub(super) dependents: Lists,
    /// For each job, how many of its own phase it waits for.
    pub(super) waiting_for: Vec<usize>,
    /// The jobs of each phase, in order.
    pub(super) of_phase: Lists,
    /// The jobs of unit `u` in phase `p`, in order, as list `p × units + u`.
    pub(super) queues: Lists,
    /// All jobs, counted.
    pub(super) tallies: Vec<Tally>,
}

impl Graph {
    /// Checks the jobs' places. `deps` has each job's dependencies, in the order of `nodes`.
    ///
    /// # Errors
    /// A job names a unit or phase that does not exist, or waits for one that does not run before it.
    pub fn new<'a>(
        units: usize,
        phases: usize,
        nodes: Vec<Node>,
        deps: impl Iterator<Item = &'a [usize]>,
    ) -> Result<Self, EngineError> {
        let mut pairs = Vec::new();
        for ((job, node), deps) in nodes.iter().enumerate().zip(deps) {
            for (what, index, count) in [("unit", node.unit, units), ("phase", node.phase, phases)] {
                if index >= count {
                    return Err(EngineError::OutOfRange { job, what, index, count });
                }
            }
            for &dep in deps {
                match nodes.get(dep) {
                    Some(other) if dep < job && other.phase == node.phase => pairs.push((job, dep)),
                    Some(other) if dep < job && other.phase < node.phase => {}
                    _ => return Err(EngineError::Dependency { job, dep }),
                }
            }
        }
        let mut waiting_for = vec![0; nodes.len()];
        for (job, _) in &pairs {
            if let Some(count) = waiting_for.get_mut(*job) {
                *count += 1;
            }
        }
        let numbered = || nodes.iter().enumerate();
        Ok(Self {
            units,
            phases,
            deps: Lists::grouped(nodes.len(), pairs.iter().copied()),
            dependents: Lists::grouped(nodes.len(), pairs.iter().map(|(job, dep)| (*dep, *job))),
            waiting_for,
            of_phase: Lists::grouped(phases, numbered().map(|(job, node)| (node.phase, job))),
            queues: Lists::grouped(phases * units, numbered().map(|(job, node)| (node.phase * units + node.unit, job))),
            tallies: tallies(&nodes),
            nodes,
        })
    }

    /// All jobs, counted.
    pub fn tallies(&self) -> &[Tally] {
        &self.tallies
    }

    /// The jobs, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Runs the jobs on `machine`, whose units and phases are the graph's. Afterwards the workspace holds every job's
    /// timing and every phase's sums.
    ///
    /// # Errors
    /// A memory or pool of the machine or a load is impossible, or time does not end.
    pub fn run(&self, machine: &Machine, loads: &[Load], workspace: &mut Workspace) -> Result<(), EngineError> {
        self.check(machine, loads)?;
        workspace.start(self, machine);
        let mut offset = 0.0;
        for phase in 0..self.phases {
            workspace.run_phase(self, machine, loads, phase);
            offset += workspace.sum_up(self, machine, loads, phase, offset)?;
        }
        if offset.is_finite() { Ok(()) } else { Err(EngineError::Endless) }
    }

    /// Whether the quantities are possible.
    pub(super) fn check(&self, machine: &Machine, loads: &[Load]) -> Result<(), EngineError> {
        for (memory, &bandwidth) in machine.memories.iter().enumerate() {
            if !(bandwidth.is_finite() && bandwidth > 0.0) {
                return Err(EngineError::Bandwidth { memory, bandwidth });
            }
        }
        for (pool, &cores) in machine.pools.iter().enumerate() {
            if !(cores.is_finite() && cores > 0.0) {
                return Err(EngineError::Pool { pool, cores });
            }
        }
        let bad = loads.iter().enumerate().find_map(|(number, load)| Some((number, load.problem(machine)?)));
        bad.map_or(Ok(()), |(number, problem)| {
            let job = self.nodes.iter().position(|node| node.load == number).unwrap_or(number);
            Err(problem.of(job))
        })
    }
}

/// Counts the jobs by load, unit and phase, in the order of their first.
fn tallies(nodes: &[Node]) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Vec::new();
    for &Node { unit, phase, load } in nodes {
        let same = |tally: &&mut Tally| (tally.load, tally.unit, tally.phase) == (load, unit, phase);
        match tallies.iter_mut().find(same) {
            Some(tally) => tally.jobs += 1,
            None => tallies.push(Tally { unit, phase, load, jobs: 1 }),
        }
    }
    tallies
}

/// What is wrong with a load.
pub(super) enum Problem {
    Quantity(&'static str, f64),
    OutOfRange(&'static str, usize, usize),
}

impl Problem {
    /// The error of a job that has it.
    fn of(self, job: usize) -> EngineError {
        match self {
            Self::Quantity(what, value) => EngineError::Quantity { job, what, value },
            Self::OutOfRange(what, index, count) => EngineError::OutOfRange { job, what, index, count },
        }
    }
}

impl Load {
    /// The first impossible quantity, if there is one.
    fn problem(&self, machine: &Machine) -> Option<Problem> {
        let moved = self.traffic.map_or(0.0, |traffic| traffic.bytes);
        let cores = self.cores.map_or(0.0, |cores| cores.count);
        let quantities = [self.work_s, self.latency_s, self.first.work_s, self.first.bytes, moved, cores];
        let possible = |value: &f64| *value >= 0.0 && *value < f64::INFINITY;
        if !quantities.iter().fold(true, |all, value| all & possible(value)) {
            let what = ["work", "latency", "work", "bytes", "bytes", "cores"];
            let bad = what.iter().zip(quantities).find(|(_, value)| !possible(value));
            return bad.map(|(what, value)| Problem::Quantity(what, value));
        }
        if let Some(traffic) = &self.traffic {
            let count = machine.memories.len();
            let beyond = |memory: &usize| *memory >= count;
            if let Some(memory) = Some(traffic.memory).filter(beyond).or(traffic.copy_to.filter(beyond)) {
                return Some(Problem::OutOfRange("memory", memory, count));
            }
        }
        let (pool, count) = (self.cores.map(|cores| cores.pool), machine.pools.len());
        pool.filter(|pool| *pool >= count).map(|pool| Problem::OutOfRange("pool", pool, count))
    }
}
