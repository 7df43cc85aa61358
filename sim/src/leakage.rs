//! What accelerators leak.

use crate::account::Run;
use crate::units::{Host, Place, UnitKind, hardware_of, party_name};
use pisim_hw_models::Accelerator;

/// Joules that a machine's accelerators leak in a phase of `seconds` beside what the energies of their work include. Nothing where
/// the platform gives a static power.
pub(crate) fn leaked_j(run: &Run, host: &Host, phase: usize, seconds: f64) -> f64 {
    let Some(timing) = run.schedule.phases.get(phase) else { return 0.0 };
    let leaked = |(unit, busy_s): (&crate::units::Unit, &f64)| {
        let Place::At(party, kind) = unit.place else { return 0.0 };
        let accelerator = match kind {
            UnitKind::GcEngine => Accelerator::GcEngine,
            UnitKind::HeEngine => Accelerator::HeEngine,
            UnitKind::MacArray => Accelerator::MacArray,
            UnitKind::Cpu | UnitKind::HeThreads | UnitKind::Storage => return 0.0,
        };
        let own = party_name(party) == host.name;
        let hardware = hardware_of(run.platform, party);
        let idle_j = hardware.idle_leakage_w(accelerator) * (seconds - busy_s).max(0.0);
        if own { idle_j + hardware.busy_leakage_w(accelerator) * busy_s } else { 0.0 }
    };
    run.units.all.iter().zip(&timing.unit_busy_s).map(leaked).sum()
}
