//! What accelerators leak.

use crate::units::{Host, Place, Unit, UnitKind, Units, hardware_of};
use pisim_hw_models::{Accelerator, Platform};

/// Watts that a machine's accelerators leak beside what the energies of their work include, idle and busy, unit by unit. Nothing
/// where the platform gives a static power.
#[derive(Debug, Clone)]
pub(crate) struct Leakage {
    watts: Vec<[f64; 2]>,
}

impl Leakage {
    /// Of the units that sit on a machine.
    pub fn of(platform: &Platform, units: &Units, host: &Host) -> Self {
        if !host.hardware.leakage_derived {
            return Self { watts: Vec::new() };
        }
        let watts = |unit: &Unit| {
            let Place::At(party, kind) = unit.place else { return [0.0; 2] };
            let accelerator = match kind {
                UnitKind::GcEngine => Accelerator::GcEngine,
                UnitKind::HeEngine => Accelerator::HeEngine,
                UnitKind::MacArray => Accelerator::MacArray,
                UnitKind::Cpu | UnitKind::HeThreads | UnitKind::Storage => return [0.0; 2],
            };
            let hardware = hardware_of(platform, party);
            if !std::ptr::eq(hardware, host.hardware) {
                return [0.0; 2];
            }
            [hardware.idle_leakage_w(accelerator), hardware.busy_leakage_w(accelerator)]
        };
        Self { watts: units.all.iter().map(watts).collect() }
    }

    /// Joules in a phase of `seconds`, of which each unit is busy for `busy_s`.
    pub fn joules(&self, busy_s: &[f64], seconds: f64) -> f64 {
        let leaked = |([idle_w, at_work_w], busy_s): (&[f64; 2], &f64)| {
            idle_w * (seconds - busy_s).max(0.0) + at_work_w * busy_s
        };
        self.watts.iter().zip(busy_s).map(leaked).sum()
    }
}
