//! Technology nodes: how energy and area of a published block change with node, voltage and fabric.

use crate::fpga::Board;

/// The nodes that the scaling tables cover, in nanometres.
pub const NODES_NM: [u32; 10] = [130, 90, 65, 45, 32, 20, 16, 14, 10, 7];

/// Energy of one operation at each node is proportional to a·V² + b·V + c (Stillmaker and Baas, Integration 2017, as
/// in Accelergy's library plug-in `scaling.py`).
const ENERGY_A: [f64; 10] = [7.171, 4.762, 3.755, 1.103, 0.9559, 0.373, 0.2958, 0.2363, 0.2068, 0.1776];
const ENERGY_B: [f64; 10] = [-6.709, -4.781, -4.398, -0.362, -0.7823, -0.1582, -0.1241, -0.09675, -0.09311, -0.09097];
const ENERGY_C: [f64; 10] = [2.904, 2.092, 1.975, 0.2767, 0.471, 0.04104, 0.03024, 0.02239, 0.02375, 0.02447];

/// Area of one block relative to 16 nm (same source, its row for 16 nm).
const AREA_FROM_16: [f64; 10] = [34.0, 15.0, 7.9, 5.3, 2.4, 1.1, 1.0, 0.91, 0.54, 0.31];

/// Dynamic power of an FPGA over that of an ASIC in the same node for logic with memory blocks (Kuon and Rose, IEEE
/// TCAD 26(2), 2007, Table of dynamic power ratios: 14; as recalled).
const FPGA_LOGIC_FACTOR: f64 = 14.0;

/// The same for circuits built mostly of DSP and memory blocks: 7.1 (same source, as recalled).
const FPGA_DSP_FACTOR: f64 = 7.1;

/// Leakage of logic: a 32-bit multiplier and adder at 40/45 nm, 0.9 V and 1 ns leak 80.1 µW on 6,629 µm² (Aladdin's power
/// tables, `MUL_1ns` and `ADD_1ns`). Per area it is taken to be the same at every node, as CACTI finds for memories.
const LOGIC_LEAKAGE_W_PER_MM2: f64 = 80.1e-6 / 6_629e-6;
const LOGIC_LEAKAGE_V: f64 = 0.9;

/// The fastest clock in hertz of an ASIC of this field, on any node: pipelined AES at 2.1 GHz (Mathew, JSSC'11, 45 nm at 1.1 V; as
/// recalled); HAAC's wire memory runs and RPU's synthesis aims at 2 GHz (16 and 12 nm). The engines' energies and areas are those
/// of designs at 1 GHz and do not change with the clock; that they hold up to here is assumed, and nothing says that they do beyond.
pub(crate) const FASTEST_SILICON_HZ: f64 = 2.1e9;

/// What the accelerators of a party are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fabric {
    /// An ASIC.
    Silicon {
        /// Technology node in nanometres, one of [`NODES_NM`].
        node_nm: u32,
        /// Supply voltage in volts.
        supply_v: f64,
    },
    /// An FPGA board.
    Fpga(&'static Board),
}

/// What a unit is made in: scales published energies and areas to where the unit is built.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Technology {
    /// Technology node in nanometres, one of [`NODES_NM`].
    pub node_nm: u32,
    /// Supply voltage in volts.
    pub supply_v: f64,
    /// Whether the unit is made of FPGA fabric.
    pub fpga: bool,
}

impl Technology {
    /// The technology of a fabric.
    pub fn of(fabric: Fabric) -> Self {
        match fabric {
            Fabric::Silicon { node_nm, supply_v } => Self { node_nm, supply_v, fpga: false },
            Fabric::Fpga(board) => Self { node_nm: board.node_nm, supply_v: board.supply_v, fpga: true },
        }
    }

    /// Factor on the energy of a block of logic (AES, multiplexers) published for `node_nm` at `supply_v`.
    pub fn logic_energy(&self, node_nm: u32, supply_v: f64) -> f64 {
        self.energy(node_nm, supply_v, FPGA_LOGIC_FACTOR)
    }

    /// Factor on the energy of a block of multipliers and memories published for `node_nm` at `supply_v`.
    pub fn dsp_energy(&self, node_nm: u32, supply_v: f64) -> f64 {
        self.energy(node_nm, supply_v, FPGA_DSP_FACTOR)
    }

    fn energy(&self, node_nm: u32, supply_v: f64, fpga_factor: f64) -> f64 {
        let scaled = relative_energy(self.node_nm, self.supply_v) / relative_energy(node_nm, supply_v);
        if self.fpga { scaled * fpga_factor } else { scaled }
    }

    /// Factor on the area of a block published for `node_nm`; `None` on an FPGA, whose area is counted in resources.
    pub fn area(&self, node_nm: u32) -> Option<f64> {
        (!self.fpga).then(|| entry(&AREA_FROM_16, self.node_nm) / entry(&AREA_FROM_16, node_nm))
    }

    /// Watts that `area_mm2` of logic leak, in proportion to area and supply.
    pub fn logic_leakage_w(&self, area_mm2: f64) -> f64 {
        area_mm2 * LOGIC_LEAKAGE_W_PER_MM2 * self.supply_v / LOGIC_LEAKAGE_V
    }
}

/// Energy of one operation at a node and voltage, in the scaling tables' units.
fn relative_energy(node_nm: u32, supply_v: f64) -> f64 {
    (entry(&ENERGY_A, node_nm) * supply_v + entry(&ENERGY_B, node_nm)) * supply_v + entry(&ENERGY_C, node_nm)
}

/// A table's entry for the nearest node that is not smaller; every node is checked on loading to be one of the tables'.
fn entry(table: &[f64; 10], node_nm: u32) -> f64 {
    let position = NODES_NM.iter().rposition(|node| *node >= node_nm).unwrap_or(0);
    table.get(position).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silicon(node_nm: u32, supply_v: f64) -> Technology {
        Technology { node_nm, supply_v, fpga: false }
    }

    #[test]
    fn energy_relative_to_45_nm_is_as_published() {
        // At equal 0.8 V, from the same coefficients worked out by hand.
        for (node, expected) in [(32, 0.659), (20, 0.221), (16, 0.174), (14, 0.139), (10, 0.118), (7, 0.094)] {
            let factor = silicon(node, 0.8).logic_energy(45, 0.8);
            assert!((factor - expected).abs() < 1e-3, "{node} nm: {factor}");
        }
        // At nominal voltages.
        for (node, volts, expected) in [(16, 0.8, 0.142), (14, 0.8, 0.114), (7, 0.7, 0.057)] {
            let factor = silicon(node, volts).logic_energy(45, 0.9);
            assert!((factor - expected).abs() < 1e-3, "{node} nm: {factor}");
        }
    }

    #[test]
    fn area_shrinks_as_published() {
        assert_eq!(silicon(7, 0.7).area(16), Some(0.31));
        assert_eq!(silicon(16, 0.8).area(16), Some(1.0));
        assert!(silicon(7, 0.7).area(7).is_some_and(|factor| (factor - 1.0).abs() < 1e-12));
    }

    #[test]
    fn an_fpga_costs_more_energy_than_an_asic_of_its_node_and_has_no_area() {
        let fpga = Technology { node_nm: 16, supply_v: 0.8, fpga: true };
        assert_eq!(fpga.logic_energy(16, 0.8), 14.0);
        assert_eq!(fpga.dsp_energy(16, 0.8), 7.1);
        assert_eq!(fpga.area(16), None);
    }
}
