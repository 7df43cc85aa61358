//! What every piece of work takes on a platform: time on its unit, memory traffic, cores and energy.

use crate::engine::{Cores, Load, Machine, Stretch, Traffic};
use crate::error::SimError;
use crate::layout::{Layout, Piece};
use crate::mapping::cost_of;
use crate::stage::Rates;
use crate::units::{PARTIES, Place, UnitKind, hardware_of, hosts, layers_in_parallel, memory_of, pool_of};
use crate::work::StepWork;
use pisim_hw_models::{Cost, Direction, Platform};
use pisim_protocol::{Party, Phase, Program};

/// Dynamic energy of one piece of work, joules.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Joules {
    /// Of its unit.
    pub unit: f64,
    /// Of each memory that it moves bytes through, by the engine's number of the memory.
    pub memories: [f64; 2],
}

/// The platform as the engine sees it, and the price of every piece of work.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    pub machine: Machine,
    /// By the number of the piece.
    pub loads: Vec<Load>,
    /// By the number of the piece.
    pub joules: Vec<Joules>,
}

impl Prices {
    /// Sets the prices of a layout's pieces on a platform of its shape.
    ///
    /// # Errors
    /// The program lacks what a unit needs to know of a step.
    pub fn set(
        &mut self,
        program: &Program,
        works: &[StepWork],
        layout: &Layout,
        platform: &Platform,
    ) -> Result<(), SimError> {
        set_machine(&mut self.machine, layout, platform);
        self.loads.clear();
        self.joules.clear();
        let (degree, ring_bits) = (program.protocol.linear.degree(), program.protocol.shares.bits());
        let rates = |party| hardware_of(platform, party).cpu.costs.rates(degree as u64, u64::from(ring_bits));
        let rates = PARTIES.map(rates);
        for piece in &layout.pieces {
            let (load, unit_j) = price(piece, works, platform, &rates)?;
            self.loads.push(load);
            self.joules.push(Joules { unit: unit_j, memories: memories_j(&load, platform) });
        }
        Ok(())
    }
}

/// What the platform is to the engine. Machines of their own have a processor for each party, whose cores serve one step at
/// a time; on one machine, both parties' steps and the copies of messages draw on the same cores, and so do the layers that
/// a server evaluates side by side with its other steps.
fn set_machine(machine: &mut Machine, layout: &Layout, platform: &Platform) {
    machine.units = layout.units.all.len();
    machine.phases = Phase::ALL.len();
    machine.memories.clear();
    machine.memories.extend(hosts(platform).map(|host| host.hardware.memory.streaming_bytes_per_s()));
    machine.lanes.clear();
    machine.lanes.extend(layout.units.all.iter().map(|unit| lanes(platform, unit.place)));
    machine.pools.clear();
    machine.pools.extend(pool_of(platform, Party::Server).map(|_| platform.server.cpu.cores as f64));
}

/// Jobs that a unit runs at once: one, or a layer on each of the server's threads for that.
fn lanes(platform: &Platform, place: Place) -> usize {
    match place {
        Place::At(party, UnitKind::HeThreads) => layers_in_parallel(platform, party).unwrap_or(1) as usize,
        _ => 1,
    }
}

/// A piece's load, and the energy of its unit.
fn price(
    piece: &Piece,
    works: &[StepWork],
    platform: &Platform,
    [client, server]: &[Rates; 2],
) -> Result<(Load, f64), SimError> {
    match *piece {
        Piece::Step { work, party, unit } => {
            let cost = match works.get(work) {
                Some(work) => {
                    let rates = if party == Party::Client { client } else { server };
                    cost_of(work, party, unit, platform, rates)?
                }
                None => Cost::default(),
            };
            Ok(step(&cost, party, platform))
        }
        Piece::Message { sender, bytes, kept_bytes } => Ok(message(sender, bytes, kept_bytes, platform)),
        Piece::Store { party, bytes } | Piece::Load { party, bytes } => {
            let seconds = hardware_of(platform, party).storage.as_ref().map_or((0.0, 0.0), |storage| {
                let writes = matches!(piece, Piece::Store { .. });
                (if writes { storage.write_s(bytes) } else { storage.read_s(bytes) }, storage.energy_j(bytes))
            });
            let traffic = Traffic { bytes: bytes as f64, memory: memory_of(platform, party), copy_to: None };
            let first = Stretch::default();
            Ok((Load { work_s: seconds.0, traffic: Some(traffic), first, cores: None, latency_s: 0.0 }, seconds.1))
        }
    }
}

/// A step on a unit of its party. It waits one memory latency before its double buffering is under way.
fn step(cost: &Cost, party: Party, platform: &Platform) -> (Load, f64) {
    let Cost { seconds, core_seconds, memory_bytes, starved, energy_j, .. } = *cost;
    let first_access_s = if memory_bytes > 0 { hardware_of(platform, party).memory.latency_s } else { 0.0 };
    let traffic = Traffic { bytes: memory_bytes as f64, memory: memory_of(platform, party), copy_to: None };
    let load = Load {
        work_s: seconds + first_access_s,
        traffic: Some(traffic),
        first: Stretch { work_s: starved.seconds, bytes: starved.memory_bytes as f64 },
        cores: cores(platform, party, core_seconds, seconds),
        latency_s: 0.0,
    };
    (load, energy_j)
}

/// The cores of the party's pool that keep busy with `core_seconds` of work in `seconds`, if it has one.
fn cores(platform: &Platform, party: Party, core_seconds: f64, seconds: f64) -> Option<Cores> {
    let count = if seconds > 0.0 { core_seconds / seconds } else { 0.0 };
    pool_of(platform, party).map(|pool| Cores { pool, count })
}

/// A message: it leaves the sender's memory and enters the receiver's while it occupies its direction of the link, and
/// arrives half a round trip later. On one machine a core copies it out and another one in, and the latter takes memory for
/// what the receiver keeps; their energy is the link's.
fn message(sender: Party, bytes: u64, kept_bytes: u64, platform: &Platform) -> (Load, f64) {
    let link = &platform.link;
    let direction = match sender {
        Party::Client => Direction::Up,
        Party::Server => Direction::Down,
    };
    let (memory, peer) = (memory_of(platform, sender), memory_of(platform, sender.peer()));
    let occupied_s = link.occupancy_s(direction, bytes);
    let receiver = hardware_of(platform, sender.peer());
    let (taking_s, core_s, cores, passes) = if platform.colocated {
        let taking_s = kept_bytes as f64 * receiver.cpu.costs.kept_byte_s;
        let core_s = receiver.cpu.cores.min(2) as f64 * occupied_s + taking_s;
        (taking_s, core_s, cores(platform, sender, core_s, occupied_s + taking_s), 2.0)
    } else {
        (0.0, 0.0, None, 1.0)
    };
    let load = Load {
        work_s: occupied_s + taking_s,
        traffic: Some(Traffic { bytes: passes * bytes as f64, memory, copy_to: Some(peer) }),
        first: Stretch::default(),
        cores,
        latency_s: link.propagation_s(),
    };
    (load, link.energy_j(bytes) + core_s * receiver.cpu.active_power_w)
}

/// What a load's traffic costs each memory.
fn memories_j(load: &Load, platform: &Platform) -> [f64; 2] {
    let mut joules = [0.0; 2];
    let Some(traffic) = &load.traffic else { return joules };
    for (memory, (host, joules)) in hosts(platform).zip(&mut joules).enumerate() {
        if traffic.memory == memory || traffic.copy_to == Some(memory) {
            *joules = host.hardware.memory.energy_j(traffic.bytes as u64);
        }
    }
    joules
}
