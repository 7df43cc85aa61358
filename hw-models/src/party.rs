//! The hardware of one party, and what its accelerators add up to.

use crate::cpu::Cpu;
use crate::fpga::{FpgaResources, FpgaUse};
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
    /// What the accelerators are made of; `None` when there are none.
    pub fabric: Option<Fabric>,
}

impl PartyHardware {
    /// Silicon area of the accelerators and their HBM interfaces in mm²; `None` without an ASIC. The processor is a chip of
    /// its own and is not counted.
    pub fn area_mm2(&self) -> Option<f64> {
        matches!(self.fabric?, Fabric::Silicon { .. }).then(|| {
            let units = [
                self.gc_engine.as_ref().and_then(GcEngine::area_mm2),
                self.he_engine.as_ref().and_then(HeEngine::area_mm2),
                self.mac_array.as_ref().and_then(MacArray::area_mm2),
            ];
            units.into_iter().flatten().sum::<f64>() + self.memory.interface_mm2()
        })
    }

    /// What the accelerators and memory controllers use of the FPGA; `None` without one.
    pub fn fpga_use(&self) -> Option<FpgaUse> {
        let Fabric::Fpga(board) = self.fabric? else {
            return None;
        };
        let units = [
            self.gc_engine.as_ref().map(GcEngine::fpga_resources),
            self.he_engine.as_ref().map(HeEngine::fpga_resources),
            self.mac_array.as_ref().map(MacArray::fpga_resources),
        ];
        let used =
            units.into_iter().flatten().fold(self.memory.fpga_resources(), |sum, unit: FpgaResources| sum + unit);
        Some(board.fit(used))
    }

    /// Power in watts with every unit busy in every cycle: static + processor + accelerators.
    pub fn peak_power_w(&self) -> f64 {
        self.static_power_w
            + self.cpu.peak_power_w()
            + self.gc_engine.as_ref().map_or(0.0, GcEngine::peak_power_w)
            + self.he_engine.as_ref().map_or(0.0, HeEngine::peak_power_w)
            + self.mac_array.as_ref().map_or(0.0, MacArray::peak_power_w)
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
