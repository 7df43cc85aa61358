//! Checks of what accelerators are made of.

use super::Checked;
use crate::check::Check;
use crate::fpga::Board;
use crate::raw::{RawFpga, RawParty, RawSilicon};
use crate::technology::{Fabric, NODES_NM};
use pisim_settings::Frequency;

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

/// The clock at which the file says that the design closes.
pub(super) fn achieved_clock(check: &Check<'_>, raw: &RawParty) -> Checked<Option<f64>> {
    let known = [
        ("silicon", raw.silicon.as_ref().and_then(|raw| raw.achieved_clock)),
        ("fpga", raw.fpga.as_ref().and_then(|raw| raw.achieved_clock)),
    ];
    let given = known.into_iter().find_map(|(table, known)| Some((table, known?)));
    let within = |(table, known)| check.inside(table).within("achieved_clock", known, "1 MHz", "10 GHz");
    given.map(within).transpose().map(|known| known.map(Frequency::hz))
}
