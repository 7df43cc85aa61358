//! Adds up a schedule: time, energy and bytes by phase, unit, activity and layer.

use crate::engine::{Limit, Machine, Schedule};
use crate::error::SimError;
use crate::leakage::leaked_j;
use crate::names::{activity_of, kind_of, phase_name};
use crate::result::{
    Activity, Bottleneck, Bottlenecks, Bound, ByPhase, Energy, FpgaUse, Interval, LayerCost, LinkRates, PhaseTraffic,
    Resources, Simulation, Storage, Traffic, UnitUse,
};
use crate::simulate::{Jobs, Role};
use crate::units::{Host, PARTIES, Place, UnitKind, Units, hardware_of, hosts, party_name};
use pisim_hw_models::{PartyHardware, Platform};
use pisim_netgen::Layer;
use pisim_protocol::{Phase, Program};
use std::collections::BTreeMap;

/// What there is to account for.
pub(crate) struct Run<'a> {
    pub program: &'a Program,
    pub platform: &'a Platform,
    pub units: &'a Units,
    pub machine: &'a Machine,
    pub jobs: &'a Jobs,
    pub schedule: &'a Schedule,
}

/// The result of a run.
pub(crate) fn account(run: &Run) -> Result<Simulation, SimError> {
    let latency_s = ByPhase::new(by_phase(run, |phase| phase.latency_s));
    let mut books = Books::open(run, &latency_s);
    for (job, (task, timing)) in run.jobs.jobs.iter().zip(run.jobs.tasks.iter().zip(&run.schedule.jobs)) {
        let Some(step) = run.program.steps.get(task.step) else { continue };
        let mut energy_j = task.unit_j;
        books.spend(job.phase, Payer::Unit(job.unit), task.unit_j);
        for (memory, host) in hosts(run.platform).iter().enumerate() {
            if let Some(traffic) =
                job.traffic.filter(|traffic| traffic.memory == memory || traffic.copy_to == Some(memory))
            {
                let joules = host.hardware.memory.energy_j(traffic.bytes as u64);
                books.spend(job.phase, Payer::Memory(memory), joules);
                energy_j += joules;
            }
        }
        let what = activity_of(step, task.role);
        books.act(what, job.phase, timing.busy_s, energy_j);
        let missing = SimError::Incomplete { step: task.step, layer: step.layer.0, what: "layer" };
        let layer = books.layers.get_mut(step.layer.0).ok_or(missing)?;
        *layer_seconds(layer, what) += timing.busy_s;
        layer.energy_j += energy_j;
        if task.role == Role::Step {
            layer.up_bytes += step.work.bytes_up;
            layer.down_bytes += step.work.bytes_down;
        }
    }
    let (energy_j, activities, layers) = (books.energy(run), books.activities, books.layers);
    debug_assert!(adds_up(&energy_j, &activities, &layers), "energy is not the sum of its parts: {energy_j:?}");

    let bounds = bounds(run);
    Ok(Simulation {
        network: run.program.network.network.name.clone(),
        protocol: run.program.protocol.name.clone(),
        hardware: run.platform.name.clone(),
        latency_s,
        energy_j,
        link: LinkRates {
            up_bits_per_s: run.platform.link.up_bits_per_s,
            down_bits_per_s: run.platform.link.down_bits_per_s,
            optimal_split: false,
        },
        bytes: bytes(run.program),
        storage_bytes: storage(run.program),
        units: unit_use(run, latency_s.total),
        resources: PARTIES
            .map(|party| (party_name(party).to_owned(), resources(hardware_of(run.platform, party))))
            .into(),
        activities,
        bottleneck: bottlenecks(&bounds, &latency_s),
        bounds,
        layers,
        timeline: timeline(run),
    })
}

/// Whether the parts of the energy sum to the total, but for rounding.
fn adds_up(energy: &Energy, activities: &[Activity], layers: &[LayerCost]) -> bool {
    let total = energy.phases.total;
    let close = |sum: f64| (sum - total).abs() <= 1e-9 * total.abs();
    let fixed = activities.iter().find(|activity| activity.name == STATIC).map_or(0.0, |found| found.energy_j.total);
    close(energy.by_unit.values().sum())
        && close(activities.iter().map(|activity| activity.energy_j.total).sum())
        && close(layers.iter().map(|layer| layer.energy_j).sum::<f64>() + fixed)
}

const STATIC: &str = "static";

/// Who spends energy.
#[derive(Debug, Clone, Copy)]
enum Payer {
    /// A unit, by its number: dynamic energy.
    Unit(usize),
    /// A memory, by its number: traffic.
    Memory(usize),
    /// A machine, by its memory's number: static power.
    Static(usize),
}

/// The sums while jobs are gone through, in the order of the jobs: the same order of additions on every run.
struct Books {
    phases_j: [f64; 3],
    units_j: Vec<f64>,
    /// Of every machine, by the engine's number of its memory.
    memories_j: Vec<f64>,
    static_j: Vec<f64>,
    activities: Vec<Activity>,
    layers: Vec<LayerCost>,
}

impl Books {
    /// Opens the books with the static energy of every machine.
    fn open(run: &Run, latency_s: &ByPhase) -> Self {
        let network = &run.program.network.network;
        let layer = |layer: &Layer| LayerCost {
            id: layer.name.clone(),
            kind: layer.op.kind().to_owned(),
            stage: network.stages.get(layer.stage).cloned().unwrap_or_default(),
            ..LayerCost::default()
        };
        let named = |name: &str| Activity { name: name.to_owned(), ..Activity::default() };
        let hosts = hosts(run.platform);
        let mut books = Self {
            phases_j: [0.0; 3],
            units_j: vec![0.0; run.units.all.len()],
            memories_j: vec![0.0; hosts.len()],
            static_j: vec![0.0; hosts.len()],
            activities: Activity::NAMES.map(named).into(),
            layers: network.layers.iter().map(layer).collect(),
        };
        for (number, host) in hosts.iter().enumerate() {
            let power_w = host.hardware.static_power_w;
            for (phase, seconds) in latency_s.phases().into_iter().enumerate() {
                let joules = power_w * seconds + leaked_j(run, host, phase, seconds);
                books.spend(phase, Payer::Static(number), joules);
                books.act(STATIC, phase, 0.0, joules);
            }
        }
        books
    }

    fn spend(&mut self, phase: usize, payer: Payer, joules: f64) {
        let own = match payer {
            Payer::Unit(unit) => self.units_j.get_mut(unit),
            Payer::Memory(memory) => self.memories_j.get_mut(memory),
            Payer::Static(host) => self.static_j.get_mut(host),
        };
        for sum in own.into_iter().chain(self.phases_j.get_mut(phase)) {
            *sum += joules;
        }
    }

    fn act(&mut self, name: &str, phase: usize, seconds: f64, joules: f64) {
        let Some(activity) = self.activities.iter_mut().find(|activity| activity.name == name) else { return };
        for (sums, amount) in [(&mut activity.seconds, seconds), (&mut activity.energy_j, joules)] {
            let mut phases = sums.phases();
            if let Some(sum) = phases.get_mut(phase) {
                *sum += amount;
            }
            *sums = ByPhase::new(phases);
        }
    }

    /// The energy by phase and by name; both directions of the link are one.
    fn energy(&self, run: &Run) -> Energy {
        let mut by_unit = BTreeMap::new();
        let mut add = |name: String, joules: f64| *by_unit.entry(name).or_insert(0.0) += joules;
        for (unit, joules) in run.units.all.iter().zip(&self.units_j) {
            let link = matches!(unit.place, Place::LinkFrom(_));
            add(if link { "link".to_owned() } else { unit.name.clone() }, *joules);
        }
        for (host, (memory_j, static_j)) in hosts(run.platform).iter().zip(self.memories_j.iter().zip(&self.static_j)) {
            add(memory_name(host), *memory_j);
            add(format!("{}.{STATIC}", host.name), *static_j);
        }
        Energy { phases: ByPhase::new(self.phases_j), by_unit }
    }
}

/// The layer's time of an activity.
fn layer_seconds<'a>(layer: &'a mut LayerCost, activity: &str) -> &'a mut f64 {
    match activity {
        "he-evaluate" => &mut layer.he_eval_s,
        "encrypt" => &mut layer.encrypt_s,
        "decrypt" => &mut layer.decrypt_s,
        "ot" => &mut layer.ot_s,
        "garble" => &mut layer.garble_s,
        "evaluate" => &mut layer.evaluate_s,
        "ring-linear" => &mut layer.ring_linear_s,
        "transfer" => &mut layer.transfer_s,
        "storage" => &mut layer.storage_s,
        _ => &mut layer.other_s,
    }
}

fn memory_name(host: &Host) -> String {
    format!("{}.memory", host.name)
}

/// Seconds that a pool needs with all of its cores, by phase.
fn pool_seconds(run: &Run, pool: usize) -> [f64; 3] {
    by_phase(run, |phase| {
        let cores = run.machine.pools.get(pool).copied().unwrap_or(1.0);
        phase.pool_core_s.get(pool).map_or(0.0, |core_s| core_s / cores)
    })
}

/// The name of the pool of cores: both parties' on one machine, or a server's that evaluates layers side by side.
fn pool_name(run: &Run) -> &'static str {
    if run.platform.colocated { "machine.cores" } else { "server.cores" }
}

fn by_phase(run: &Run, value: impl Fn(&crate::engine::PhaseTiming) -> f64) -> [f64; 3] {
    let mut values = [0.0; 3];
    for (slot, phase) in values.iter_mut().zip(&run.schedule.phases) {
        *slot = value(phase);
    }
    values
}

/// Seconds that a memory needs at its full bandwidth, by phase.
fn memory_seconds(run: &Run, memory: usize) -> [f64; 3] {
    by_phase(run, |phase| {
        let bandwidth = run.machine.memories.get(memory).copied().unwrap_or(1.0);
        phase.memory_bytes.get(memory).map_or(0.0, |bytes| bytes / bandwidth)
    })
}

fn unit_use(run: &Run, latency_s: f64) -> Vec<UnitUse> {
    // Rounding may put the sum of a unit's jobs a hair above the latency.
    let utilization = |busy_s: f64| if latency_s > 0.0 { (busy_s / latency_s).min(1.0) } else { 0.0 };
    let mut units = Vec::new();
    for (number, unit) in run.units.all.iter().enumerate() {
        let busy_s: f64 = by_phase(run, |phase| phase.unit_busy_s.get(number).copied().unwrap_or(0.0)).iter().sum();
        let cycles = (busy_s * unit.clock_hz).round() as u64;
        units.push(UnitUse { name: unit.name.clone(), busy_s, utilization: utilization(busy_s), cycles });
    }
    for pool in 0..run.machine.pools.len() {
        let busy_s: f64 = pool_seconds(run, pool).iter().sum();
        units.push(UnitUse { name: pool_name(run).to_owned(), busy_s, utilization: utilization(busy_s), cycles: 0 });
    }
    for (memory, host) in hosts(run.platform).iter().enumerate() {
        let busy_s: f64 = memory_seconds(run, memory).iter().sum();
        units.push(UnitUse { name: memory_name(host), busy_s, utilization: utilization(busy_s), cycles: 0 });
    }
    units
}

pub(crate) const DEPENDENCIES: &str = "dependencies";

fn bounds(run: &Run) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for (number, unit) in run.units.all.iter().enumerate() {
        let seconds = by_phase(run, |phase| phase.unit_work_s.get(number).copied().unwrap_or(0.0));
        bounds.push(Bound { name: unit.name.clone(), seconds: ByPhase::new(seconds) });
    }
    for pool in 0..run.machine.pools.len() {
        bounds.push(Bound { name: pool_name(run).to_owned(), seconds: ByPhase::new(pool_seconds(run, pool)) });
    }
    for (memory, host) in hosts(run.platform).iter().enumerate() {
        bounds.push(Bound { name: memory_name(host), seconds: ByPhase::new(memory_seconds(run, memory)) });
    }
    let seconds = ByPhase::new(by_phase(run, |phase| phase.path_s));
    bounds.push(Bound { name: DEPENDENCIES.to_owned(), seconds });
    bounds
}

fn bottlenecks(bounds: &[Bound], latency_s: &ByPhase) -> Bottlenecks {
    let of_phase = |phase: usize| {
        let latency_s = latency_s.phases().get(phase).copied().unwrap_or(0.0);
        let mut best = Bottleneck::default();
        for bound in bounds.iter().filter(|bound| bound.name != DEPENDENCIES) {
            let seconds = bound.seconds.phases().get(phase).copied().unwrap_or(0.0);
            let share = if latency_s > 0.0 { (seconds / latency_s).min(1.0) } else { 0.0 };
            if share > best.share {
                best = Bottleneck { unit: bound.name.clone(), share };
            }
        }
        best
    };
    Bottlenecks { setup: of_phase(0), offline: of_phase(1), online: of_phase(2) }
}

fn bytes(program: &Program) -> PhaseTraffic {
    let [setup, offline, online] = Phase::ALL.map(|phase| {
        let work = program.work_of(|step| step.phase == phase);
        Traffic { up: work.bytes_up, down: work.bytes_down }
    });
    PhaseTraffic { setup, offline, online }
}

fn storage(program: &Program) -> Storage {
    let work = program.work_of(|_| true);
    Storage { client: work.stored_client_bytes, server: work.stored_server_bytes }
}

fn resources(hardware: &PartyHardware) -> Resources {
    let fpga = hardware.fpga_use().map(|fpga| {
        let pairs = fpga.used.named().into_iter().zip(fpga.available.named());
        pairs.map(|((name, used), (_, available))| (name.to_owned(), FpgaUse { used, available })).collect()
    });
    Resources { area_mm2: hardware.area_mm2(), fpga: fpga.unwrap_or_default() }
}

fn timeline(run: &Run) -> Vec<Interval> {
    let jobs = run.jobs.jobs.iter().zip(run.jobs.tasks.iter().zip(&run.schedule.jobs));
    jobs.filter_map(|(job, (task, timing))| {
        let step = run.program.steps.get(task.step)?;
        let unit = run.units.all.get(job.unit)?;
        let bound = match (timing.limit, unit.place) {
            (Limit::Memory, _) => "memory",
            (Limit::Latency, _) => "latency",
            (Limit::Cores, _) => "cores",
            (Limit::Work, Place::LinkFrom(_)) => "link",
            (Limit::Work, Place::At(_, UnitKind::Storage)) => "storage",
            (Limit::Work, Place::At(..)) => "compute",
        };
        Some(Interval {
            step: task.step,
            layer: run.program.network.network.layers.get(step.layer.0)?.name.clone(),
            kind: kind_of(step, task.role).to_owned(),
            activity: activity_of(step, task.role).to_owned(),
            phase: phase_name(job.phase).to_owned(),
            unit: unit.name.clone(),
            start_s: timing.start_s,
            end_s: timing.released_s,
            bound: bound.to_owned(),
        })
    })
    .collect()
}
