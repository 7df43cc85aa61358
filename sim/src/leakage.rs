//! What accelerators leak.

use crate::units::{Host, Place, Unit, UnitKind, Units, hardware_of};
use pisim_hw_models::{Accelerator, Platform};

/// Joules that a machine's accelerators leak in a phase of `seconds` beside what the energies of their work include. Nothing where
/// the platform gives a static power.
pub(crate) fn leaked_j(platform: &Platform, units: &Units, busy_s: &[f64], host: &Host, seconds: f64) -> f64 {
    if !host.hardware.leakage_derived {
        return 0.0;
    }
    let leaked = |(unit, busy_s): (&Unit, &f64)| {
        let Place::At(party, kind) = unit.place else { return 0.0 };
        let accelerator = match kind {
            UnitKind::GcEngine => Accelerator::GcEngine,
            UnitKind::HeEngine => Accelerator::HeEngine,
            UnitKind::MacArray => Accelerator::MacArray,
            UnitKind::Cpu | UnitKind::HeThreads | UnitKind::Storage => return 0.0,
        };
        let hardware = hardware_of(platform, party);
        let own = std::ptr::eq(hardware, host.hardware);
        let idle_j = hardware.idle_leakage_w(accelerator) * (seconds - busy_s).max(0.0);
        if own { idle_j + hardware.busy_leakage_w(accelerator) * busy_s } else { 0.0 }
    };
    units.all.iter().zip(busy_s).map(leaked).sum()
}
