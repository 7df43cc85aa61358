//! The units and memories of a platform, numbered for the engine.

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
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub place: Place,
    /// `client.cpu`, `link.up`, …
    pub name: String,
    /// Cycles per second; 0 for what has no clock.
    pub clock_hz: f64,
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
    /// `client`, `server`, or `machine` for both.
    pub name: &'static str,
    pub hardware: &'a PartyHardware,
}

/// The machines of a platform, in the order of the engine's memories.
pub(crate) fn hosts(platform: &Platform) -> Vec<Host<'_>> {
    if platform.colocated {
        return vec![Host { name: "machine", hardware: &platform.server }];
    }
    PARTIES.map(|party| Host { name: party_name(party), hardware: hardware_of(platform, party) }).into()
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
    pub fn new(platform: &Platform) -> Self {
        let mut all = Vec::new();
        for party in PARTIES {
            let hardware = hardware_of(platform, party);
            // A MAC array that makes the HE engine's products is a part of it: one job at a time has both.
            let mac_array = hardware.mac_array.as_ref().filter(|_| !hardware.shares_multipliers());
            let found = [
                (UnitKind::Cpu, "cpu", Some(hardware.cpu.clock_hz)),
                (UnitKind::HeThreads, "he-threads", layers_in_parallel(platform, party).map(|_| hardware.cpu.clock_hz)),
                (UnitKind::GcEngine, "gc-engine", hardware.gc_engine.as_ref().map(|unit| unit.clock_hz)),
                (UnitKind::HeEngine, "he-engine", hardware.he_engine.as_ref().map(|unit| unit.clock_hz)),
                (UnitKind::MacArray, "mac-array", mac_array.map(|unit| unit.clock_hz)),
                (UnitKind::Storage, "storage", hardware.storage.as_ref().map(|_| 0.0)),
            ];
            for (kind, name, clock_hz) in found {
                let Some(clock_hz) = clock_hz else { continue };
                let name = format!("{}.{name}", party_name(party));
                all.push(Unit { place: Place::At(party, kind), name, clock_hz });
            }
        }
        for (party, name) in [(Party::Client, "link.up"), (Party::Server, "link.down")] {
            all.push(Unit { place: Place::LinkFrom(party), name: name.to_owned(), clock_hz: 0.0 });
        }
        Self { all }
    }

    /// The engine's number of the unit at `place`; `None` if the platform has none.
    pub fn number(&self, place: Place) -> Option<usize> {
        self.all.iter().position(|unit| unit.place == place)
    }
}
