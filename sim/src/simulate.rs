//! From a program and a platform to jobs for the engine, and from its schedule to a result.

use crate::account;
use crate::engine::{Cores, Job, Machine, Traffic, run};
use crate::error::SimError;
use crate::mapping::assign;
use crate::order::Order;
use crate::result::Simulation;
use crate::split;
use crate::units::{
    PARTIES, Place, UnitKind, Units, hardware_of, hosts, layers_in_parallel, memory_of, pool_of, position_of,
};
use pisim_hw_models::{Cost, Direction, Platform};
use pisim_protocol::{Party, Phase, Program, Step, StepKind};
use rayon::prelude::*;

/// What the engine does not need to know of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    /// The step that it is, or that it stores or loads for.
    pub step: usize,
    /// What its unit does for the step.
    pub role: Role,
    /// Dynamic energy of its unit, joules.
    pub unit_j: f64,
}

/// What a job does for its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The step itself.
    Step,
    /// Writes what the step leaves for the online phase to storage.
    Store,
    /// Reads back what the step's layer needs.
    Load,
}

/// Simulates one inference of `program` on `platform`: setup, offline and online phase, one after the other.
///
/// A message occupies its direction of the link while it leaves one memory and enters the other, and arrives half a round
/// trip later. A job that reads or writes memory waits one memory latency before its double buffering is under way. Where a
/// party has storage, what a step keeps for the online phase is written there after the step, and read back before the
/// first online step of its layer, in the order of the program and as early as possible.
///
/// A link whose platform gives only the total of its rates is split first, for the least latency of this program.
///
/// # Errors
/// The program lacks a plan or circuit, or its dependencies are not in order.
pub fn simulate(program: &Program, platform: &Platform) -> Result<Simulation, SimError> {
    if !platform.link.optimal_split {
        return simulate_split(program, platform);
    }
    let mut simulation = simulate_split(program, &split::resolved(program, platform)?)?;
    simulation.link.optimal_split = true;
    Ok(simulation)
}

/// Seconds of one inference, setup included, on a platform whose link rates are settled.
pub(crate) fn latency_s(program: &Program, platform: &Platform) -> Result<f64, SimError> {
    let units = Units::new(platform);
    let jobs = Builder::new(program, platform, &units).build()?;
    let schedule = run(&machine(platform, &units), &jobs.jobs)?;
    Ok(schedule.phases.iter().map(|phase| phase.latency_s).sum())
}

/// Simulates on a platform whose link rates are settled.
fn simulate_split(program: &Program, platform: &Platform) -> Result<Simulation, SimError> {
    let units = Units::new(platform);
    let machine = machine(platform, &units);
    let jobs = Builder::new(program, platform, &units).build()?;
    let schedule = run(&machine, &jobs.jobs)?;
    account::account(&account::Run {
        program,
        platform,
        units: &units,
        machine: &machine,
        jobs: &jobs,
        schedule: &schedule,
    })
}

/// What the platform is to the engine. Machines of their own have a processor for each party, whose cores serve one step at
/// a time; on one machine, both parties' steps and the copies of messages draw on the same cores, and so do the layers that
/// a server evaluates side by side with its other steps.
fn machine(platform: &Platform, units: &Units) -> Machine {
    Machine {
        units: units.all.len(),
        memories: hosts(platform).iter().map(|host| host.hardware.memory.streaming_bytes_per_s()).collect(),
        lanes: units.all.iter().map(|unit| lanes(platform, unit.place)).collect(),
        pools: pool_of(platform, Party::Server).map(|_| platform.server.cpu.cores as f64).into_iter().collect(),
        phases: Phase::ALL.len(),
    }
}

/// Jobs that a unit runs at once: one, or a layer on each of the server's threads for that.
fn lanes(platform: &Platform, place: Place) -> usize {
    match place {
        Place::At(party, UnitKind::HeThreads) => layers_in_parallel(platform, party).unwrap_or(1) as usize,
        _ => 1,
    }
}

/// Simulates every program on every platform, on all cores. The results are in order: all platforms of the first program,
/// then of the next. They do not depend on the number of threads.
pub fn simulate_many(programs: &[&Program], platforms: &[&Platform]) -> Vec<Result<Simulation, SimError>> {
    let points: Vec<(&Program, &Platform)> =
        programs.iter().flat_map(|program| platforms.iter().map(move |platform| (*program, *platform))).collect();
    points.into_par_iter().map(|(program, platform)| simulate(program, platform)).collect()
}

/// The jobs of one simulation, with the task behind each.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub jobs: Vec<Job>,
    pub tasks: Vec<Task>,
}

/// What a party has put into storage for one layer.
#[derive(Debug, Clone, Default)]
struct Stored {
    bytes: u64,
    writes: Vec<usize>,
}

struct Builder<'a> {
    program: &'a Program,
    platform: &'a Platform,
    units: &'a Units,
    made: Jobs,
    /// The job of every step so far.
    job_of: Vec<usize>,
    /// For each party, by layer.
    stored: [Vec<Stored>; 2],
    /// On one machine, the last message: both parties took part in it.
    last_message: Option<usize>,
    order: Order,
}

impl<'a> Builder<'a> {
    fn new(program: &'a Program, platform: &'a Platform, units: &'a Units) -> Self {
        let layers = program.network.network.layers.len();
        let stored = PARTIES.map(|_| vec![Stored::default(); layers]);
        Self {
            program,
            platform,
            units,
            made: Jobs::default(),
            job_of: vec![usize::MAX; program.steps.len()],
            stored,
            last_message: None,
            order: Order::new(platform),
        }
    }

    fn build(mut self) -> Result<Jobs, SimError> {
        for position in self.order.of(self.program) {
            let Some(step) = self.program.steps.get(position) else { continue };
            let mut deps: Vec<usize> = Vec::with_capacity(step.deps.len() + 1);
            for dep in &step.deps {
                // A dependency on a later step has no job yet; the engine names it as an error.
                deps.push(self.job_of.get(dep.0).copied().unwrap_or(usize::MAX));
            }
            deps.extend(self.load(position, step));
            deps.extend(self.last_message);
            let (job, unit_j) = match step.kind {
                StepKind::Send(_) => self.message(step, deps),
                _ => self.compute(step, deps)?,
            };
            let made = self.push(job, Task { step: position, role: Role::Step, unit_j });
            if let Some(job) = self.job_of.get_mut(position) {
                *job = made;
            }
            // Parties on one machine copy their messages themselves, in order, as the backend's do: what comes after waits.
            if self.platform.colocated && matches!(step.kind, StepKind::Send(_)) {
                self.last_message = Some(made);
            }
            self.store(position, step, made);
        }
        Ok(self.made)
    }

    fn push(&mut self, mut job: Job, task: Task) -> usize {
        let number = self.made.jobs.len();
        let evaluates = self.program.steps.get(task.step).is_some_and(|step| matches!(step.kind, StepKind::HeLinear));
        self.order.chain(number, evaluates, &mut job.deps);
        self.made.jobs.push(job);
        self.made.tasks.push(task);
        number
    }

    /// A step on a unit of its party.
    fn compute(&self, step: &Step, deps: Vec<usize>) -> Result<(Job, f64), SimError> {
        let hardware = hardware_of(self.platform, step.party);
        let assignment = assign(self.program, step, self.platform)?;
        let Cost { seconds, core_seconds, memory_bytes, energy_j, .. } = assignment.cost;
        let first_access_s = if memory_bytes > 0 { hardware.memory.latency_s } else { 0.0 };
        let job = Job {
            unit: self.unit(Place::At(step.party, assignment.unit)),
            phase: phase_number(step.phase),
            work_s: seconds + first_access_s,
            traffic: Some(Traffic { bytes: memory_bytes as f64, memory: self.memory_of(step.party), copy_to: None }),
            cores: self.cores(step.party, core_seconds, seconds),
            latency_s: 0.0,
            deps,
        };
        Ok((job, energy_j))
    }

    /// The cores of the party's pool that keep busy with `core_seconds` of work in `seconds`, if it has one.
    fn cores(&self, party: Party, core_seconds: f64, seconds: f64) -> Option<Cores> {
        let count = if seconds > 0.0 { core_seconds / seconds } else { 0.0 };
        pool_of(self.platform, party).map(|pool| Cores { pool, count })
    }

    /// A message: it leaves the sender's memory and enters the receiver's while it occupies its direction of the link. On one
    /// machine a core copies it out and another one in, and the latter takes memory for what the receiver keeps.
    fn message(&self, step: &Step, deps: Vec<usize>) -> (Job, f64) {
        let link = &self.platform.link;
        let (direction, bytes) = match step.party {
            Party::Client => (Direction::Up, step.work.bytes_up),
            Party::Server => (Direction::Down, step.work.bytes_down),
        };
        let (memory, peer) = (self.memory_of(step.party), self.memory_of(step.party.peer()));
        let occupied_s = link.occupancy_s(direction, bytes);
        let receiver = hardware_of(self.platform, step.party.peer());
        let (taking_s, cores, passes) = if self.platform.colocated {
            let kept = step.work.stored_client_bytes.saturating_add(step.work.stored_server_bytes);
            let taking_s = kept as f64 * receiver.cpu.costs.kept_byte_s;
            let copying = receiver.cpu.cores.min(2) as f64;
            (taking_s, self.cores(step.party, copying * occupied_s + taking_s, occupied_s + taking_s), 2.0)
        } else {
            (0.0, None, 1.0)
        };
        let job = Job {
            unit: self.unit(Place::LinkFrom(step.party)),
            phase: phase_number(step.phase),
            work_s: occupied_s + taking_s,
            traffic: Some(Traffic { bytes: passes * bytes as f64, memory, copy_to: Some(peer) }),
            cores,
            latency_s: link.propagation_s(),
            deps,
        };
        (job, link.energy_j(bytes))
    }

    /// Writes what a step keeps for the online phase to storage, for each party that has one.
    fn store(&mut self, position: usize, step: &Step, made: usize) {
        if step.phase == Phase::Online {
            return;
        }
        let kept = [step.work.stored_client_bytes, step.work.stored_server_bytes];
        for (party, bytes) in PARTIES.into_iter().zip(kept) {
            let Some(storage) = &hardware_of(self.platform, party).storage else { continue };
            if bytes == 0 {
                continue;
            }
            let job = Job {
                unit: self.unit(Place::At(party, UnitKind::Storage)),
                phase: phase_number(step.phase),
                work_s: storage.write_s(bytes),
                traffic: Some(Traffic { bytes: bytes as f64, memory: self.memory_of(party), copy_to: None }),
                cores: None,
                latency_s: 0.0,
                deps: vec![made],
            };
            let task = Task { step: position, role: Role::Store, unit_j: storage.energy_j(bytes) };
            let write = self.push(job, task);
            if let Some(stored) = self.stored.get_mut(position_of(party)).and_then(|all| all.get_mut(step.layer.0)) {
                stored.bytes += bytes;
                stored.writes.push(write);
            }
        }
    }

    /// Reads back what a party stored for a layer, before its first own online step there.
    fn load(&mut self, position: usize, step: &Step) -> Option<usize> {
        if step.phase != Phase::Online || matches!(step.kind, StepKind::Send(_)) {
            return None;
        }
        let party = step.party;
        let storage = hardware_of(self.platform, party).storage.as_ref()?;
        let stored = std::mem::take(self.stored.get_mut(position_of(party))?.get_mut(step.layer.0)?);
        if stored.bytes == 0 {
            return None;
        }
        let job = Job {
            unit: self.unit(Place::At(party, UnitKind::Storage)),
            phase: phase_number(step.phase),
            work_s: storage.read_s(stored.bytes),
            traffic: Some(Traffic { bytes: stored.bytes as f64, memory: self.memory_of(party), copy_to: None }),
            cores: None,
            latency_s: 0.0,
            deps: stored.writes,
        };
        let unit_j = storage.energy_j(stored.bytes);
        Some(self.push(job, Task { step: position, role: Role::Load, unit_j }))
    }

    fn memory_of(&self, party: Party) -> usize {
        memory_of(self.platform, party)
    }

    /// The engine's number of a unit; one that the platform lacks is out of range, which the engine names as an error.
    fn unit(&self, place: Place) -> usize {
        self.units.number(place).unwrap_or(usize::MAX)
    }
}

fn phase_number(phase: Phase) -> usize {
    match phase {
        Phase::Setup => 0,
        Phase::Offline => 1,
        Phase::Online => 2,
    }
}
