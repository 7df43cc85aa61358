//! Checks of what accelerators are made of, and the static power that follows from it.

use super::Checked;
use crate::breakdown::derived_static_w;
use crate::check::Check;
use crate::fpga::Board;
use crate::memory::Memory;
use crate::raw::{RawFpga, RawParty, RawSilicon};
use crate::technology::{Fabric, NODES_NM};

pub(super) fn fabric(check: &Check<'_>, raw: &RawParty) -> Checked<Option<Fabric>> {
    let accelerated = raw.gc_engine.is_some() || raw.he_engine.is_some() || raw.mac_array.is_some();
    match (&raw.silicon, &raw.fpga) {
        (Some(_), Some(_)) => Err(check.error("fpga", "both `silicon` and `fpga` are given; expected one of them")),
        (Some(_), None) if !accelerated => {
            Err(check.error("silicon", "nothing is made of it; expected an accelerator in the same party"))
        }
        (None, Some(_)) if !accelerated => {
            Err(check.error("fpga", "nothing is on it; expected an accelerator in the same party"))
        }
        (Some(raw), None) => silicon(&check.inside("silicon"), raw).map(Some),
        (None, Some(raw)) => fpga(&check.inside("fpga"), raw).map(Some),
        (None, None) => Ok(None),
    }
}

fn silicon(check: &Check<'_>, raw: &RawSilicon) -> Checked<Fabric> {
    if !NODES_NM.contains(&raw.node_nm) {
        let nodes = NODES_NM.map(|node| node.to_string()).join(", ");
        return Err(check.error("node_nm", format!("no scaling data for {} nm; expected one of {nodes}", raw.node_nm)));
    }
    Ok(Fabric::Silicon { node_nm: raw.node_nm, supply_v: check.within("supply_v", raw.supply_v, "0.4", "1.5")? })
}

fn fpga(check: &Check<'_>, raw: &RawFpga) -> Checked<Fabric> {
    Board::known(&raw.board).map(Fabric::Fpga).map_err(|problem| check.error("board", problem))
}

/// The static power of a party, and whether it is derived.
pub(super) fn static_power(
    check: &Check<'_>,
    raw: &RawParty,
    fabric: Option<Fabric>,
    memory: &Memory,
) -> Checked<(f64, bool)> {
    match (raw.static_power, fabric) {
        (Some(power), _) => Ok((check.within("static_power", power, "0 W", "100 kW")?.watts(), false)),
        (None, Some(fabric)) => Ok((derived_static_w(fabric, memory.interface_mm2()), true)),
        (None, None) => Err(check
            .error("static_power", "missing; expected it in a party without `silicon` or `fpga` to derive it from")),
    }
}
