//! What accelerators leak.

use crate::units::{Host, Place, Unit, UnitKind, Units, hardware_of};
use pisim_hw_models::{Accelerator, PartyHardware, Platform};

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
            let hardware = hardware_of(platform, party);
            // An array that makes the HE engine's products is no unit of its own.
            let accelerators: &[Accelerator] = match kind {
                UnitKind::GcEngine => &[Accelerator::GcEngine],
                UnitKind::HeEngine if hardware.shares_multipliers() => &[Accelerator::HeEngine, Accelerator::MacArray],
                UnitKind::HeEngine => &[Accelerator::HeEngine],
                UnitKind::MacArray => &[Accelerator::MacArray],
                UnitKind::Cpu | UnitKind::HeThreads | UnitKind::Storage => &[],
            };
            if !std::ptr::eq(hardware, host.hardware) {
                return [0.0; 2];
            }
            let sum = |leaks: fn(&PartyHardware, Accelerator) -> f64| {
                accelerators.iter().map(|accelerator| leaks(hardware, *accelerator)).sum()
            };
            [sum(PartyHardware::idle_leakage_w), sum(PartyHardware::busy_leakage_w)]
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
