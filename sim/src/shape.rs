//! What a platform consists of, whatever its speeds: all that decides which job runs where and after which.

use crate::units::{PARTIES, hardware_of, layers_in_parallel};
use pisim_hw_models::Platform;
use pisim_protocol::Party;

/// The parts of a platform. Platforms of one shape run the same jobs in the same order on the same units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Steps that do not wait for each other run at the same time.
    pub overlap: bool,
    /// The server evaluates layers under encryption side by side.
    pub layered: bool,
    /// Both parties are on one machine.
    pub colocated: bool,
    /// The client's and the server's.
    pub parties: [PartyShape; 2],
}

/// The parts of a party's hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartyShape {
    pub gc_engine: bool,
    /// The GC engine extends oblivious transfers.
    pub extends_ots: bool,
    pub he_engine: bool,
    pub mac_array: bool,
    /// The MAC array makes the HE engine's products: the two are one unit.
    pub shares_multipliers: bool,
    pub storage: bool,
}

impl Shape {
    /// The shape of a platform.
    pub fn of(platform: &Platform) -> Self {
        let party = |party| {
            let hardware = hardware_of(platform, party);
            PartyShape {
                gc_engine: hardware.gc_engine.is_some(),
                extends_ots: hardware.gc_engine.as_ref().is_some_and(|engine| engine.ot_cycles.is_some()),
                he_engine: hardware.he_engine.is_some(),
                mac_array: hardware.mac_array.is_some(),
                shares_multipliers: hardware.shares_multipliers(),
                storage: hardware.storage.is_some(),
            }
        };
        Self {
            overlap: platform.mapping.overlap,
            layered: layers_in_parallel(platform, Party::Server).is_some(),
            colocated: platform.colocated,
            parties: PARTIES.map(party),
        }
    }
}
