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
            let leaks = |unit| [hardware.idle_leakage_w(unit), hardware.busy_leakage_w(unit)];
            let [idle_w, at_work_w] = leaks(accelerator);
            if kind == UnitKind::HeEngine && hardware.shares_multipliers() {
                // The array that makes the products is no unit of its own.
                let [idle_too_w, at_work_too_w] = leaks(Accelerator::MacArray);
                return [idle_w + idle_too_w, at_work_w + at_work_too_w];
            }
            [idle_w, at_work_w]
        };
        Self { watts: units.all.iter().map(watts).collect() }
    }

    /// Joules in a phase of `seconds`, of which each unit works for `work_s`; while it waits for memory it is idle.
    pub fn joules(&self, work_s: &[f64], seconds: f64) -> f64 {
        let leaked = |([idle_w, at_work_w], work_s): (&[f64; 2], &f64)| {
            idle_w * (seconds - work_s).max(0.0) + at_work_w * work_s
        };
        self.watts.iter().zip(work_s).map(leaked).sum()
    }
}
