//! The hardware of one party, and what its accelerators add up to.

use crate::breakdown::Component;
use crate::cpu::Cpu;
use crate::fits::{Misfit, clocks, misfits};
use crate::fpga::{Board, FpgaResources, FpgaUse};
use crate::gc::GcEngine;
use crate::he::HeEngine;
use crate::mac::MacArray;
use crate::memory::{Memory, Storage};
use crate::technology::{FASTEST_SILICON_HZ, Fabric, Technology};

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
    /// Power in watts drawn whatever runs: the host's, and that of memory interfaces or the idle card.
    pub static_power_w: f64,
    /// The host's part of it; all of it where the file gives one static power for everything.
    pub host_static_power_w: f64,
    /// The file does not give all static power: the accelerators' was derived, and units leak beside it while they are idle.
    pub leakage_derived: bool,
    /// What the accelerators are made of; `None` when there are none.
    pub fabric: Option<Fabric>,
    /// The clock in hertz at which the file says that the design closes.
    pub achieved_clock_hz: Option<f64>,
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

    /// The fastest clock of the accelerators in hertz: the file's, or else what their FPGA is estimated to reach
    /// ([`Board::achievable_clock_hz`]) or what published ASICs run at; `None` without accelerators.
    pub fn achievable_clock_hz(&self) -> Option<f64> {
        let estimated = |fabric| match fabric {
            Fabric::Fpga(board) => Board::achievable_clock_hz(board, &self.fpga_resources()),
            Fabric::Silicon { .. } => FASTEST_SILICON_HZ,
        };
        self.fabric.map(|fabric| self.achieved_clock_hz.unwrap_or_else(|| estimated(fabric)))
    }

    /// Everything that keeps the accelerators from being built on their board, or at their clock on silicon; nothing for a platform
    /// that was loaded, since one that does not fit is refused.
    pub fn misfits(&self) -> Vec<Misfit> {
        self.board().map_or_else(|| clocks(self), |board| misfits(board, self))
    }

    /// Power in watts with every unit busy in every cycle and memory at the bandwidth that streams reach: static + processor +
    /// memory + accelerators.
    pub fn peak_power_w(&self) -> f64 {
        self.breakdown().iter().map(|component| component.part.power_w).sum()
    }

    /// The accelerators' part of it in watts, with the memory interfaces that [`PartyHardware::area_mm2`] counts too: what a published
    /// chip's power stands beside. On an FPGA without the card's own; `None` without accelerators.
    pub fn accelerator_power_w(&self) -> Option<f64> {
        let own = |component: &&Component| {
            component.part.name == "interfaces" || !["static", "cpu", "memory"].contains(&component.unit)
        };
        self.fabric?;
        Some(self.breakdown().iter().filter(own).map(|component| component.part.power_w).sum())
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
