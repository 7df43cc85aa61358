//! Published energies and areas of single operations, and of moving a bit, for looking up at any node.

use crate::technology::Technology;

/// One operation as published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Operation {
    /// What is done.
    pub name: &'static str,
    /// Node of the published figure in nanometres.
    pub node_nm: u32,
    /// Supply of the published figure in volts.
    pub supply_v: f64,
    /// Published energy in joules.
    pub energy_j: f64,
    /// Published area of the circuit in mm².
    pub area_mm2: Option<f64>,
    /// Whether multipliers dominate it: on an FPGA it is made of DSPs then.
    pub multiplies: bool,
    /// Where the figures are from.
    pub source: &'static str,
}

impl Operation {
    /// Joules in another technology (Stillmaker and Baas; on an FPGA Kuon and Rose's factor on top).
    pub fn energy_in(&self, technology: &Technology) -> f64 {
        let factor = if self.multiplies { Technology::dsp_energy } else { Technology::logic_energy };
        self.energy_j * factor(technology, self.node_nm, self.supply_v)
    }

    /// Area in mm² in another technology; `None` on an FPGA or where none is published.
    pub fn area_in(&self, technology: &Technology) -> Option<f64> {
        Some(self.area_mm2? * technology.area(self.node_nm)?)
    }
}

const HOROWITZ: &str = "Horowitz, ISSCC'14";
const HOROWITZ_RECALLED: &str = "Horowitz, ISSCC'14; as recalled";
const HAAC: &str = "HAAC, ISCA'23, Table 4: 16 units at 1 GHz";
const F1: &str = "F1, MICRO'21; as recalled";

const fn horowitz(
    name: &'static str,
    picojoules: f64,
    um2: Option<f64>,
    multiplies: bool,
    source: &'static str,
) -> Operation {
    let area_mm2 = match um2 {
        Some(um2) => Some(um2 * 1e-6),
        None => None,
    };
    Operation { name, node_nm: 45, supply_v: 0.9, energy_j: picojoules * 1e-12, area_mm2, multiplies, source }
}

/// Energies of operations.
pub const OPERATIONS: [Operation; 14] = [
    horowitz("add, 8-bit integer", 0.03, Some(36.0), false, HOROWITZ_RECALLED),
    horowitz("add, 16-bit integer", 0.05, Some(67.0), false, HOROWITZ_RECALLED),
    horowitz("add, 32-bit integer", 0.1, Some(137.0), false, HOROWITZ),
    horowitz("add, 16-bit float", 0.4, Some(1_360.0), false, HOROWITZ_RECALLED),
    horowitz("add, 32-bit float", 0.9, Some(4_184.0), false, HOROWITZ),
    horowitz("multiply, 8-bit integer", 0.2, Some(282.0), true, HOROWITZ_RECALLED),
    horowitz("multiply, 32-bit integer", 3.1, Some(3_495.0), true, HOROWITZ),
    horowitz("multiply, 16-bit float", 1.1, Some(1_640.0), true, HOROWITZ_RECALLED),
    horowitz("multiply, 32-bit float", 3.7, Some(7_700.0), true, HOROWITZ),
    Operation {
        name: "garble one AND gate",
        node_nm: 16,
        supply_v: 0.8,
        energy_j: 1.253 / 16e9,
        area_mm2: Some(2.15 / 16.0),
        multiplies: false,
        source: HAAC,
    },
    Operation {
        name: "XOR of two labels",
        node_nm: 16,
        supply_v: 0.8,
        energy_j: 0.321e-3 / 16e9,
        area_mm2: Some(9.51e-4 / 16.0),
        multiplies: false,
        source: HAAC,
    },
    Operation {
        name: "multiply modulo a 32-bit prime",
        node_nm: 14,
        supply_v: 0.8,
        energy_j: 0.60 / 128e9,
        area_mm2: Some(0.25 / 128.0),
        multiplies: true,
        source: F1,
    },
    Operation {
        name: "NTT butterfly, 32-bit",
        node_nm: 14,
        supply_v: 0.8,
        energy_j: 4.80 / 896e9,
        area_mm2: Some(2.27 / 896.0),
        multiplies: true,
        source: F1,
    },
    Operation {
        name: "AES-128 block",
        node_nm: 45,
        supply_v: 1.1,
        energy_j: 302e-12,
        area_mm2: Some(0.052),
        multiplies: false,
        source: "Mathew et al., JSSC'11; as recalled",
    },
];

/// Moving one bit between chips. Interfaces are analogue in large part, so these do not scale with the node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movement {
    /// Over what.
    pub name: &'static str,
    /// Joules per bit.
    pub energy_per_bit_j: f64,
    /// Where the figure is from.
    pub source: &'static str,
}

const fn moving(name: &'static str, energy_per_bit_j: f64, source: &'static str) -> Movement {
    Movement { name, energy_per_bit_j, source }
}

const ACCELERGY: &str = "Accelergy's CACTI plug-in, 80 % accuracy claimed";
const VENDORS: &str = "vendors' averages, device only";

/// Energies of moving a bit: memories, then links (both ends and what lies between).
pub const MOVEMENTS: [Movement; 12] = [
    moving("HBM2", 3.9e-12, ACCELERGY),
    moving("HMC", 4.2e-12, ACCELERGY),
    moving("HBM2E", 6.0e-12, VENDORS),
    moving("GDDR6X", 7.25e-12, VENDORS),
    moving("GDDR6", 7.5e-12, VENDORS),
    moving("LPDDR4", 8e-12, ACCELERGY),
    moving("GDDR5", 14e-12, ACCELERGY),
    moving("DDR4", 15e-12, "12 to 20 all in; as recalled"),
    moving("LPDDR", 40e-12, ACCELERGY),
    moving("DDR3, little used", 70e-12, ACCELERGY),
    moving("10 Gbit/s Ethernet", 0.5e-9, "2.5 W a port at each end; assumed"),
    moving("Wi-Fi", 20e-9, "2 W at 100 Mbit/s; assumed"),
];

/// The usual supply of a node in volts: 45 nm 0.9, 16 and 14 nm 0.8, 7 nm 0.7 as the scaling tables' authors use; the others
/// assumed between and beyond.
pub fn nominal_supply_v(node_nm: u32) -> f64 {
    match node_nm {
        ..=7 => 0.7,
        8..=13 => 0.75,
        14..=16 => 0.8,
        17..=44 => 0.85,
        45..=64 => 0.9,
        65..=89 => 1.1,
        _ => 1.2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_back_in_their_own_technology() {
        for operation in &OPERATIONS {
            let own = Technology { node_nm: operation.node_nm, supply_v: operation.supply_v, fpga: false };
            assert!((operation.energy_in(&own) / operation.energy_j - 1.0).abs() < 1e-12, "{}", operation.name);
            assert_eq!(operation.area_in(&own), operation.area_mm2, "{}", operation.name);
            assert_eq!(operation.area_in(&Technology { fpga: true, ..own }), None);
        }
    }

    #[test]
    fn a_32_bit_multiplication_at_16_nm_takes_a_seventh() {
        // 3.1 pJ × 0.142, from the scaling coefficients worked out by hand at 0.9 and 0.8 V.
        let at_16 = Technology { node_nm: 16, supply_v: nominal_supply_v(16), fpga: false };
        let multiply = OPERATIONS.iter().find(|operation| operation.name == "multiply, 32-bit integer").unwrap();
        assert!((multiply.energy_in(&at_16) / 0.440e-12 - 1.0).abs() < 0.005);
        let fpga = Technology { fpga: true, ..at_16 };
        assert!((multiply.energy_in(&fpga) / multiply.energy_in(&at_16) - 7.1).abs() < 1e-9);
    }
}
