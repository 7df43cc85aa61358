//! Adds up a schedule: time, energy and bytes by phase, unit, activity and layer.

use crate::engine::{Limit, PhaseTiming};
use crate::error::SimError;
use crate::layout::{Layout, Role};
use crate::leakage::Leakage;
use crate::names::{kind_of, phase_name};
use crate::prepared::{Prepared, Workspace};
use crate::result::{
    Activity, Bottleneck, Bottlenecks, Bound, ByPhase, Energy, FpgaUse, Interval, LayerCost, Level, LinkRates,
    Resources, Simulation, UnitUse,
};
use crate::units::{PARTIES, Place, UnitKind, clock_hz, hardware_of, hosts, party_name};
use pisim_hw_models::{PartyHardware, Platform};
use std::collections::BTreeMap;

/// What there is to account for.
pub(crate) struct Run<'a> {
    pub prepared: &'a Prepared<'a>,
    pub platform: &'a Platform,
    pub level: Level,
    pub layout: &'a Layout,
    /// The prices, and the schedule.
    pub workspace: &'a Workspace,
}

/// The result of a run.
pub(crate) fn account(run: &Run) -> Result<Simulation, SimError> {
    let latency_s = ByPhase::new(by_phase(run, |phase| phase.latency_s));
    let mut books = Books::open(run, &latency_s);
    let program = &*run.prepared.program;
    let jobs = run.layout.graph.nodes().iter().zip(&run.layout.tasks);
    for ((node, task), timing) in jobs.zip(&run.workspace.engine.timings) {
        let Some(step) = program.steps.get(task.step) else { continue };
        let joules = run.workspace.prices.joules.get(node.load).copied().unwrap_or_default();
        let mut energy_j = joules.unit;
        books.spend(node.phase, Payer::Unit(node.unit), joules.unit);
        for (memory, joules) in joules.memories.into_iter().enumerate() {
            books.spend(node.phase, Payer::Memory(memory), joules);
            energy_j += joules;
        }
        books.act(task.activity, node.phase, timing.busy_s, energy_j);
        let missing = SimError::Incomplete { step: task.step, layer: step.layer.0, what: "layer" };
        let layer = books.layers.get_mut(step.layer.0).ok_or(missing)?;
        *layer_seconds(layer, task.activity) += timing.busy_s;
        layer.energy_j += energy_j;
        if task.role == Role::Step {
            layer.up_bytes += step.work.bytes_up;
            layer.down_bytes += step.work.bytes_down;
        }
    }
    let (energy_j, activities, layers) = (books.energy(run), books.activities(), books.layers);
    debug_assert!(adds_up(&energy_j, &activities, &layers), "energy is not the sum of its parts: {energy_j:?}");

    let bounds = bounds(run);
    Ok(Simulation {
        network: program.network.network.name.clone(),
        protocol: program.protocol.name.clone(),
        hardware: run.platform.name.clone(),
        level: run.level,
        latency_s,
        energy_j,
        link: LinkRates::of(&run.platform.link),
        bytes: run.prepared.bytes,
        storage_bytes: run.prepared.storage_bytes,
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

/// Its position among the activities: the last.
const STATIC_NUMBER: usize = Activity::NAMES.len() - 1;

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
    memories_j: [f64; 2],
    static_j: [f64; 2],
    /// Of every activity by phase: seconds and joules.
    activities: [[[f64; 3]; 2]; Activity::NAMES.len()],
    layers: Vec<LayerCost>,
}

impl Books {
    /// Opens the books with the static energy of every machine.
    fn open(run: &Run, latency_s: &ByPhase) -> Self {
        let mut books = Self {
            phases_j: [0.0; 3],
            units_j: vec![0.0; run.layout.units.all.len()],
            memories_j: [0.0; 2],
            static_j: [0.0; 2],
            activities: Default::default(),
            layers: run.prepared.layers.clone(),
        };
        for (number, host) in hosts(run.platform).enumerate() {
            let power_w = host.hardware.static_power_w;
            let leakage = Leakage::of(run.platform, &run.layout.units, &host);
            for (phase, seconds) in latency_s.phases().into_iter().enumerate() {
                let work_s = run.workspace.engine.phases.get(phase).map_or(&[][..], |timing| &timing.unit_work_s);
                let leaked = leakage.joules(work_s, seconds);
                let joules = power_w * seconds + leaked;
                books.spend(phase, Payer::Static(number), joules);
                books.act(STATIC_NUMBER, phase, 0.0, joules);
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

    fn act(&mut self, activity: usize, phase: usize, seconds: f64, joules: f64) {
        let Some(sums) = self.activities.get_mut(activity) else { return };
        for (sums, amount) in sums.iter_mut().zip([seconds, joules]) {
            if let Some(sum) = sums.get_mut(phase) {
                *sum += amount;
            }
        }
    }

    /// All activities, with their names.
    fn activities(&self) -> Vec<Activity> {
        let named = |(name, [seconds, joules]): (&str, &[[f64; 3]; 2])| Activity {
            name: name.to_owned(),
            seconds: ByPhase::new(*seconds),
            energy_j: ByPhase::new(*joules),
        };
        Activity::NAMES.into_iter().zip(&self.activities).map(named).collect()
    }

    /// The energy by phase and by name; both directions of the link are one.
    fn energy(&self, run: &Run) -> Energy {
        let mut by_unit = BTreeMap::new();
        let mut add = |name: &str, joules: f64| match by_unit.get_mut(name) {
            Some(sum) => *sum += joules,
            None => {
                by_unit.insert(name.to_owned(), 0.0 + joules);
            }
        };
        for (unit, joules) in run.layout.units.all.iter().zip(&self.units_j) {
            let link = matches!(unit.place, Place::LinkFrom(_));
            add(if link { "link" } else { unit.name }, *joules);
        }
        for (host, (memory_j, static_j)) in hosts(run.platform).zip(self.memories_j.iter().zip(&self.static_j)) {
            add(host.memory_name, *memory_j);
            add(host.static_name, *static_j);
        }
        Energy { phases: ByPhase::new(self.phases_j), by_unit }
    }
}

/// The layer's time of an activity, by its position in [`Activity::NAMES`].
fn layer_seconds(layer: &mut LayerCost, activity: usize) -> &mut f64 {
    match Activity::NAMES.get(activity).copied().unwrap_or_default() {
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

/// Seconds that a pool needs with all of its cores, by phase.
fn pool_seconds(run: &Run, pool: usize) -> [f64; 3] {
    by_phase(run, |phase| {
        let cores = run.workspace.prices.machine.pools.get(pool).copied().unwrap_or(1.0);
        phase.pool_core_s.get(pool).map_or(0.0, |core_s| core_s / cores)
    })
}

/// The name of the pool of cores: both parties' on one machine, or a server's that evaluates layers side by side.
fn pool_name(run: &Run) -> &'static str {
    if run.platform.colocated { "machine.cores" } else { "server.cores" }
}

fn by_phase(run: &Run, value: impl Fn(&PhaseTiming) -> f64) -> [f64; 3] {
    let mut values = [0.0; 3];
    for (slot, phase) in values.iter_mut().zip(&run.workspace.engine.phases) {
        *slot = value(phase);
    }
    values
}

/// Seconds that a memory needs at its full bandwidth, by phase.
fn memory_seconds(run: &Run, memory: usize) -> [f64; 3] {
    by_phase(run, |phase| {
        let bandwidth = run.workspace.prices.machine.memories.get(memory).copied().unwrap_or(1.0);
        phase.memory_bytes.get(memory).map_or(0.0, |bytes| bytes / bandwidth)
    })
}

fn unit_use(run: &Run, latency_s: f64) -> Vec<UnitUse> {
    // Rounding may put the sum of a unit's jobs a hair above the latency.
    let utilization = |busy_s: f64| if latency_s > 0.0 { (busy_s / latency_s).min(1.0) } else { 0.0 };
    let mut units = Vec::new();
    for (number, unit) in run.layout.units.all.iter().enumerate() {
        let busy_s: f64 = by_phase(run, |phase| phase.unit_busy_s.get(number).copied().unwrap_or(0.0)).iter().sum();
        let cycles = (busy_s * clock_hz(run.platform, unit.place)).round() as u64;
        units.push(UnitUse { name: unit.name.to_owned(), busy_s, utilization: utilization(busy_s), cycles });
    }
    for pool in 0..run.workspace.prices.machine.pools.len() {
        let busy_s: f64 = pool_seconds(run, pool).iter().sum();
        units.push(UnitUse { name: pool_name(run).to_owned(), busy_s, utilization: utilization(busy_s), cycles: 0 });
    }
    for (memory, host) in hosts(run.platform).enumerate() {
        let busy_s: f64 = memory_seconds(run, memory).iter().sum();
        units.push(UnitUse { name: host.memory_name.to_owned(), busy_s, utilization: utilization(busy_s), cycles: 0 });
    }
    units
}

pub(crate) const DEPENDENCIES: &str = "dependencies";

fn bounds(run: &Run) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for (number, unit) in run.layout.units.all.iter().enumerate() {
        let seconds = by_phase(run, |phase| phase.unit_work_s.get(number).copied().unwrap_or(0.0));
        bounds.push(Bound { name: unit.name.to_owned(), seconds: ByPhase::new(seconds) });
    }
    for pool in 0..run.workspace.prices.machine.pools.len() {
        bounds.push(Bound { name: pool_name(run).to_owned(), seconds: ByPhase::new(pool_seconds(run, pool)) });
    }
    for (memory, host) in hosts(run.platform).enumerate() {
        bounds.push(Bound { name: host.memory_name.to_owned(), seconds: ByPhase::new(memory_seconds(run, memory)) });
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

fn resources(hardware: &PartyHardware) -> Resources {
    let fpga = hardware.fpga_use().map(|fpga| {
        let pairs = fpga.used.named().into_iter().zip(fpga.available.named());
        pairs.map(|((name, used), (_, available))| (name.to_owned(), FpgaUse { used, available })).collect()
    });
    Resources { area_mm2: hardware.area_mm2(), fpga: fpga.unwrap_or_default() }
}

fn timeline(run: &Run) -> Vec<Interval> {
    let program = &*run.prepared.program;
    let jobs = run.layout.graph.nodes().iter().zip(run.layout.tasks.iter().zip(&run.workspace.engine.timings));
    jobs.filter_map(|(node, (task, timing))| {
        let step = program.steps.get(task.step)?;
        let unit = run.layout.units.all.get(node.unit)?;
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
            layer: program.network.network.layers.get(step.layer.0)?.name.clone(),
            kind: kind_of(step, task.role).to_owned(),
            activity: Activity::NAMES.get(task.activity).copied().unwrap_or_default().to_owned(),
            phase: phase_name(node.phase).to_owned(),
            unit: unit.name.to_owned(),
            start_s: timing.start_s,
            end_s: timing.released_s,
            bound: bound.to_owned(),
        })
    })
    .collect()
}
