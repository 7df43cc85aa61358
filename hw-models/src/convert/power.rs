//! Static power of platform files: all of it, or the host's part with the accelerators' derived beside it.

use super::Checked;
use crate::breakdown::derived_static_w;
use crate::check::Check;
use crate::memory::Memory;
use crate::raw::RawParty;
use crate::technology::Fabric;
use pisim_settings::Power;

/// What a party draws whatever runs.
pub(super) struct StaticPower {
    /// Watts of the whole party, less the leakage of idle units where that is derived.
    pub all_w: f64,
    /// The host's part of it; all of it where the file does not tell them apart.
    pub host_w: f64,
    /// The file does not give it all: what the accelerators draw and leak is derived.
    pub leakage_derived: bool,
}

pub(super) fn static_power(
    check: &Check<'_>,
    raw: &RawParty,
    fabric: Option<Fabric>,
    memory: &Memory,
) -> Checked<StaticPower> {
    let (all, host) = ("static_power", "host_static_power");
    match (raw.static_power, raw.host_static_power, fabric) {
        (Some(_), Some(_), _) => {
            let message = "given beside `static_power`, of which it is a part; expected one of the two (a file with a base \
                           leaves the base's out with `without`)";
            Err(check.error(host, message))
        }
        (Some(power), None, _) => {
            let all_w = watts(check, all, power)?;
            Ok(StaticPower { all_w, host_w: all_w, leakage_derived: false })
        }
        (None, Some(_), None) => {
            let message = "the party has no accelerators beside its host; expected `static_power`";
            Err(check.error(host, message))
        }
        (None, power, Some(fabric)) => {
            let host_w = power.map_or(Ok(0.0), |power| watts(check, host, power))?;
            let all_w = host_w + derived_static_w(fabric, memory.interface_mm2());
            Ok(StaticPower { all_w, host_w, leakage_derived: true })
        }
        (None, None, None) => {
            Err(check.error(all, "missing; expected it in a party without `silicon` or `fpga` to derive it from"))
        }
    }
}

/// A static power of a file.
pub(super) fn watts(check: &Check<'_>, key: &str, power: Power) -> Checked<f64> {
    check.within(key, power, "0 W", "100 kW").map(Power::watts)
}
