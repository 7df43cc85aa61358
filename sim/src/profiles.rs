//! The schedules of circuits, computed once per circuit.

use crate::circuits::netlist;
use pisim_hw_models::gc::Profile;
use pisim_protocol::circuit::Circuit;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Circuits remembered at most; those that are gone are forgotten first.
const MOST: usize = 256;

type Known = HashMap<usize, (Weak<Circuit>, Arc<Profile>)>;

static PROFILES: Mutex<Option<Known>> = Mutex::new(None);

/// The profile of a circuit. Circuits are told apart by their allocation, which a remembered weak reference keeps from being
/// used again.
pub(crate) fn profile(circuit: &Arc<Circuit>) -> Profile {
    let key = Arc::as_ptr(circuit) as usize;
    let known =
        |profiles: &mut Option<Known>| profiles.get_or_insert_default().get(&key).map(|(_, profile)| profile.clone());
    let found = known(&mut PROFILES.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(profile) = found {
        return *profile;
    }
    let profile = Arc::new(Profile::of(&netlist(circuit)));
    let mut profiles = PROFILES.lock().unwrap_or_else(PoisonError::into_inner);
    let profiles = profiles.get_or_insert_default();
    if profiles.len() >= MOST {
        profiles.retain(|_, (circuit, _)| circuit.strong_count() > 0);
    }
    if profiles.len() < MOST {
        profiles.insert(key, (Arc::downgrade(circuit), profile.clone()));
    }
    *profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use pisim_protocol::netlist;

    #[test]
    fn profiles_are_remembered_by_circuit_and_not_by_place() {
        for round in 0..600 {
            // Short-lived circuits reuse each other's memory.
            let name = if round % 2 == 0 { "add:8" } else { "greater:8" };
            let circuit = Arc::new(netlist::circuit(name).unwrap().netlist.circuit);
            let fresh = Profile::of(&crate::circuits::netlist(&circuit));
            assert_eq!((profile(&circuit), profile(&circuit)), (fresh, fresh), "{name}");
        }
    }
}
