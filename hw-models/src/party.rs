//! The hardware of one party, and what its accelerators add up to.

use crate::cpu::Cpu;
use crate::fits::{Misfit, misfits};
use crate::fpga::{Board, FpgaResources, FpgaUse};
use crate::gc::GcEngine;
use crate::he::HeEngine;
use crate::mac::MacArray;
use crate::memory::{Memory, Storage};
use crate::technology::{Fabric, Technology};

/// The hardware of one party.
#[derive(Debug, Clone, PartialEq)]
pub struct PartyHardware {
    /// The processor; it does what no accelerator does.
    pub cpu: Cpu,
    /// Accelerator for garbled circuits.
    pub gc_engine: Option<GcEngine>,
    /// Accelerator for homomorphic encryption.
    pub he_engine: Option<HeEngine>,
    /// Accelerator for linear work on shares.
    pub mac_array: Option<MacArray>,
    /// The memory that all units share.
    pub memory: Memory,
    /// Storage for what the offline phase made, when it does not stay in memory.
    pub storage: Option<Storage>,
    /// Power in watts drawn whatever runs.
    pub static_power_w: f64,
    /// The file gives no static power: it was derived, and units leak beside it while they are idle.
    pub leakage_derived: bool,
    /// What the accelerators are made of; `None` when there are none.
    pub fabric: Option<Fabric>,
}

impl PartyHardware {
    /// Silicon area of the accelerators and their HBM interfaces in mm²; `None` without an ASIC. The processor is a chip of
    /// its own and is not counted.
    pub fn area_mm2(&self) -> Option<f64> {
        let components = self.breakdown();
        let areas = components.iter().filter_map(|component| component.part.area_mm2);
        matches!(self.fabric?, Fabric::Silicon { .. }).then(|| areas.sum())
    }

    /// What the accelerators and memory controllers use of the FPGA; `None` without one.
    pub fn fpga_use(&self) -> Option<FpgaUse> {
        self.board().map(|board| board.fit(self.fpga_resources()))
    }

    /// FPGA resources of the accelerators and memory controllers, in UltraScale+ kinds of block; nothing on silicon.
    pub fn fpga_resources(&self) -> FpgaResources {
        self.breakdown().into_iter().map(|component| component.part.fpga).sum()
    }

    /// The FPGA board of the accelerators.
    pub fn board(&self) -> Option<&'static Board> {
        match self.fabric? {
            Fabric::Fpga(board) => Some(board),
            Fabric::Silicon { .. } => None,
        }
    }

    /// Everything that keeps the accelerators from being built on their board; nothing for a platform that was loaded, since one
    /// that does not fit is refused.
    pub fn misfits(&self) -> Vec<Misfit> {
        self.board().map(|board| misfits(board, self)).unwrap_or_default()
    }

    /// Power in watts with every unit busy in every cycle: static + processor + accelerators.
    pub fn peak_power_w(&self) -> f64 {
        self.breakdown().iter().map(|component| component.part.power_w).sum()
    }

    /// Whether the MAC array makes the HE engine's products: the two are one unit then.
    pub fn shares_multipliers(&self) -> bool {
        self.mac_array.is_some() && self.he_engine.as_ref().is_some_and(|engine| engine.design.products_on.is_some())
    }

    /// The technology of the accelerators.
    pub fn technology(&self) -> Option<Technology> {
        self.fabric.map(Technology::of)
    }
}
