//! The units and memories of a platform, numbered for the engine.

use crate::shape::Shape;
use pisim_hw_models::{HeParallel, PartyHardware, Platform, Threads, WorkClass};
use pisim_protocol::Party;

/// Kinds of units that belong to a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnitKind {
    Cpu,
    /// The server's threads that each evaluate one layer under encryption: as many jobs at once as there are threads.
    HeThreads,
    GcEngine,
    HeEngine,
    MacArray,
    Storage,
}

/// Where an engine unit sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A unit of one party.
    At(Party, UnitKind),
    /// The link's direction in which this party sends: one ordered stream.
    LinkFrom(Party),
}

/// One unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub place: Place,
    /// `client.cpu`, `link.up`, …
    pub name: &'static str,
}

/// The units of a platform. A position in `all` is the engine's unit number.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    pub all: Vec<Unit>,
}

/// The two parties.
pub(crate) const PARTIES: [Party; 2] = [Party::Client, Party::Server];

/// A place in two-element tables by party.
pub(crate) fn position_of(party: Party) -> usize {
    match party {
        Party::Client => 0,
        Party::Server => 1,
    }
}

/// A machine with its own memory and static power: one for each party, or one for both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host<'a> {
    /// `client.memory`, `server.memory`, or `machine.memory` for both.
    pub memory_name: &'static str,
    /// `client.static`, `server.static`, or `machine.static` for both.
    pub static_name: &'static str,
    pub hardware: &'a PartyHardware,
}

/// The machines of a platform, in the order of the engine's memories.
pub(crate) fn hosts(platform: &Platform) -> impl Iterator<Item = Host<'_>> {
    let host = |memory_name, static_name, hardware| Some(Host { memory_name, static_name, hardware });
    let own = if platform.colocated {
        [host("machine.memory", "machine.static", &platform.server), None]
    } else {
        [
            host("client.memory", "client.static", &platform.client),
            host("server.memory", "server.static", &platform.server),
        ]
    };
    own.into_iter().flatten()
}

/// The engine's number of the memory that a party uses.
pub(crate) fn memory_of(platform: &Platform, party: Party) -> usize {
    if platform.colocated { 0 } else { position_of(party) }
}

/// The threads that a party may use.
pub(crate) fn threads_of(platform: &Platform, party: Party) -> &Threads {
    match party {
        Party::Client => &platform.mapping.client,
        Party::Server => &platform.mapping.server,
    }
}

/// On how many threads a party evaluates layers under encryption side by side; `None` if it takes one layer at a time.
pub(crate) fn layers_in_parallel(platform: &Platform, party: Party) -> Option<u64> {
    let layers = party == Party::Server && platform.mapping.he_parallel == HeParallel::Layer;
    let hardware = hardware_of(platform, party);
    (layers && hardware.he_engine.is_none()).then(|| threads_of(platform, party).of(WorkClass::He, hardware.cpu.cores))
}

/// The engine's pool of cores that a party's processor draws on, if several jobs may want them at once: both parties' on one
/// machine, or the server's that evaluates layers side by side.
pub(crate) fn pool_of(platform: &Platform, party: Party) -> Option<usize> {
    (platform.colocated || layers_in_parallel(platform, party).is_some()).then_some(0)
}

/// The party's name in unit names.
pub(crate) fn party_name(party: Party) -> &'static str {
    match party {
        Party::Client => "client",
        Party::Server => "server",
    }
}

/// A party's hardware.
pub(crate) fn hardware_of(platform: &Platform, party: Party) -> &PartyHardware {
    match party {
        Party::Client => &platform.client,
        Party::Server => &platform.server,
    }
}

impl Units {
    pub fn new(shape: &Shape) -> Self {
        let mut all = Vec::new();
        for (party, own) in PARTIES.into_iter().zip(&shape.parties) {
            let found = [
                (UnitKind::Cpu, true),
                (UnitKind::HeThreads, shape.layered && party == Party::Server),
                (UnitKind::GcEngine, own.gc_engine),
                (UnitKind::HeEngine, own.he_engine),
                // A MAC array that makes the HE engine's products is a part of it: one job at a time has both.
                (UnitKind::MacArray, own.mac_array && !own.shares_multipliers),
                (UnitKind::Storage, own.storage),
            ];
            let found = found.into_iter().filter(|(_, there)| *there);
            all.extend(found.map(|(kind, _)| Unit { place: Place::At(party, kind), name: unit_name(party, kind) }));
        }
        for (party, name) in [(Party::Client, "link.up"), (Party::Server, "link.down")] {
            all.push(Unit { place: Place::LinkFrom(party), name });
        }
        Self { all }
    }

    /// The engine's number of the unit at `place`; `None` if the platform has none.
    pub fn number(&self, place: Place) -> Option<usize> {
        self.all.iter().position(|unit| unit.place == place)
    }
}

fn unit_name(party: Party, kind: UnitKind) -> &'static str {
    match (party, kind) {
        (Party::Client, UnitKind::Cpu) => "client.cpu",
        (Party::Client, UnitKind::HeThreads) => "client.he-threads",
        (Party::Client, UnitKind::GcEngine) => "client.gc-engine",
        (Party::Client, UnitKind::HeEngine) => "client.he-engine",
        (Party::Client, UnitKind::MacArray) => "client.mac-array",
        (Party::Client, UnitKind::Storage) => "client.storage",
        (Party::Server, UnitKind::Cpu) => "server.cpu",
        (Party::Server, UnitKind::HeThreads) => "server.he-threads",
        (Party::Server, UnitKind::GcEngine) => "server.gc-engine",
        (Party::Server, UnitKind::HeEngine) => "server.he-engine",
        (Party::Server, UnitKind::MacArray) => "server.mac-array",
        (Party::Server, UnitKind::Storage) => "server.storage",
    }
}

/// A unit's cycles per second; 0 for what has no clock.
pub(crate) fn clock_hz(platform: &Platform, place: Place) -> f64 {
    let Place::At(party, kind) = place else { return 0.0 };
    let hardware = hardware_of(platform, party);
    let clock = match kind {
        UnitKind::Cpu | UnitKind::HeThreads => Some(hardware.cpu.clock_hz),
        UnitKind::GcEngine => hardware.gc_engine.as_ref().map(|unit| unit.clock_hz),
        UnitKind::HeEngine => hardware.he_engine.as_ref().map(|unit| unit.clock_hz),
        UnitKind::MacArray => hardware.mac_array.as_ref().map(|unit| unit.clock_hz),
        UnitKind::Storage => None,
    };
    clock.unwrap_or(0.0)
}
