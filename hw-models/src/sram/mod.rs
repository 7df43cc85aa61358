//! On-chip memories: energy, area and leakage by size, banks, ports and technology.

mod runs;

use crate::technology::Technology;
use runs::{AT_22, AT_32, AT_45, Run, Runs, THREE_PORTS_AT_22, TWO_PORTS_AT_22};

/// Bytes of one access in CACTI's runs.
const ACCESS_BYTES: f64 = 16.0;

/// The smallest bank that is told apart, in KiB.
const LEAST_KIB: f64 = 0.25;

/// Leakage of compiled SRAM over CACTI's ITRS-HP cells. HAAC's compiled 2 MiB at 16 nm draw 196 mW in all, dynamic power
/// included (ISCA'23, Table 4), where CACTI lets 64 banks of 32 KiB leak 604 mW at 22 nm: 0.2 is an upper bound.
const COMPILED_LEAKAGE: f64 = 0.2;

/// The most ports of a bank that CACTI was run for.
pub const MAX_SRAM_PORTS: u64 = 3;

/// A set of equal memory banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sram {
    /// Bytes of all banks together.
    pub bytes: u64,
    /// Banks.
    pub banks: u64,
    /// Ports of each bank, each of which reads or writes; 1 to [`MAX_SRAM_PORTS`].
    pub ports: u64,
}

/// What a memory costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SramCosts {
    /// Joules to read one byte, in accesses of 16.
    pub read_j_per_byte: f64,
    /// Joules to write one byte, in accesses of 16.
    pub write_j_per_byte: f64,
    /// Watts that all banks leak; 0 on an FPGA, whose memory blocks leak within the card's static power.
    pub leakage_w: f64,
    /// Area of all banks in mm²; `None` on an FPGA.
    pub area_mm2: Option<f64>,
}

impl Sram {
    /// A memory of `bytes` in `banks`, one port each.
    pub fn banked(bytes: u64, banks: u64) -> Self {
        Self { bytes, banks: banks.max(1), ports: 1 }
    }

    /// What the memory costs when made in `technology`.
    ///
    /// CACTI's runs at 45, 32 and 22 nm are interpolated along straight lines in the logarithms of size and figure and
    /// continued beyond the last line. The run of the nearest node that is not smaller is scaled to the technology: energy and
    /// area as those of logic, leakage in proportion to area and supply (CACTI's leakage per area is the same at its three
    /// nodes within 16 %). Runs at 22 nm count as 20 nm, the scaling tables' nearest. Further ports multiply each figure by
    /// the ratio that CACTI finds at 22 nm for the same size.
    pub fn costs(&self, technology: &Technology) -> SramCosts {
        let kib = self.bytes as f64 / self.banks.max(1) as f64 / 1024.0;
        let banks = self.banks.max(1) as f64;
        let (runs, node_nm, supply_v) = match technology.node_nm {
            33.. => (&AT_45, 45, 1.0),
            21..=32 => (&AT_32, 32, 0.9),
            _ => (&AT_22, 20, 0.8),
        };
        let figure = |of: fn(&Run) -> f64| interpolate(runs, kib, of) * self.port_factor(kib, of);
        let energy = technology.dsp_energy(node_nm, supply_v);
        let area = technology.area(node_nm);
        let leakage_w = figure(|run| run.leakage_mw) * 1e-3 * COMPILED_LEAKAGE * banks;
        SramCosts {
            read_j_per_byte: figure(|run| run.read_pj) * 1e-12 / ACCESS_BYTES * energy,
            write_j_per_byte: figure(|run| run.write_pj) * 1e-12 / ACCESS_BYTES * energy,
            leakage_w: area.map_or(0.0, |area| leakage_w * area * technology.supply_v / supply_v),
            area_mm2: area.map(|area| figure(|run| run.area_mm2) * banks * area),
        }
    }

    /// A figure of this many ports over that of one.
    fn port_factor(&self, kib: f64, of: fn(&Run) -> f64) -> f64 {
        let ported = match self.ports {
            0 | 1 => return 1.0,
            2 => &TWO_PORTS_AT_22,
            _ => &THREE_PORTS_AT_22,
        };
        interpolate(ported, kib, of) / interpolate(&AT_22, kib, of)
    }
}

/// Joules to read one byte of an SRAM bank of `bank_bytes` at 22 nm, interpolated between CACTI's points along straight
/// lines in the logarithms and continued beyond them along the last line.
pub fn sram_energy_per_byte_j(bank_bytes: f64) -> f64 {
    interpolate(&AT_22, bank_bytes / 1024.0, |run| run.read_pj) * 1e-12 / ACCESS_BYTES
}

/// A figure of a bank of `kib`.
fn interpolate(runs: &Runs, kib: f64, of: fn(&Run) -> f64) -> f64 {
    runs.figure(kib.max(LEAST_KIB), of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silicon(node_nm: u32, supply_v: f64) -> Technology {
        Technology { node_nm, supply_v, fpga: false }
    }

    #[test]
    fn table_points_are_met_and_larger_banks_cost_more() {
        assert!((sram_energy_per_byte_j(65_536.0) * 16e12 - 7.36).abs() < 1e-9);
        assert!((sram_energy_per_byte_j(2_097_152.0) * 16e12 - 43.6).abs() < 1e-9);
        let mut last = 0.0;
        for bits in 0..32 {
            let energy = sram_energy_per_byte_j(f64::from(1u32 << bits));
            assert!(energy >= last && energy.is_finite(), "2^{bits} bytes");
            last = energy;
        }
    }

    #[test]
    fn cactis_figures_come_back_at_its_nodes_and_voltages() {
        for (node_nm, supply_v, read_pj, write_pj, leakage_mw, area_mm2) in [
            (45, 1.0, 54.6, 50.1, 269.0, 0.866),
            (32, 0.9, 30.9, 27.4, 143.0, 0.438),
            (20, 0.8, 16.6, 14.0, 69.1, 0.207),
        ] {
            let costs = Sram::banked(256 << 10, 1).costs(&silicon(node_nm, supply_v));
            let close =
                |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 1e-9, "{value} {expected}");
            close(costs.read_j_per_byte * 16e12, read_pj);
            close(costs.write_j_per_byte * 16e12, write_pj);
            close(costs.leakage_w * 1e3, 0.2 * leakage_mw);
            close(costs.area_mm2.unwrap(), area_mm2);
        }
    }

    #[test]
    fn leakage_per_area_hardly_depends_on_the_node() {
        for (at_45, (at_32, at_22)) in [
            (&AT_45.runs[0], (&AT_32.runs[0], &AT_22.runs[0])),
            (&AT_45.runs[2], (&AT_32.runs[2], &AT_22.runs[3])),
            (&AT_45.runs[5], (&AT_32.runs[5], &AT_22.runs[8])),
        ] {
            assert_eq!((at_45.kib, at_32.kib), (at_22.kib, at_22.kib));
            let per_area = [at_45, at_32, at_22].map(|run| run.leakage_mw / run.area_mm2);
            let (least, most) =
                (per_area.into_iter().fold(f64::MAX, f64::min), per_area.into_iter().fold(0.0, f64::max));
            assert!(most / least < 1.16, "{per_area:?}");
        }
    }

    #[test]
    fn haacs_wire_memory_leaks_less_than_it_draws_and_is_about_as_large() {
        let costs = Sram::banked(2 << 20, 64).costs(&silicon(16, 0.8));
        assert!(costs.leakage_w < 0.196 && costs.leakage_w > 0.05, "{}", costs.leakage_w);
        // Table 4 has 1.94 mm², with the periphery of a compiled macro.
        let area = costs.area_mm2.unwrap();
        assert!((0.6..=1.1).contains(&(area / 1.94)), "{area}");
    }

    #[test]
    fn a_second_port_doubles_the_area() {
        let of = |ports| Sram { ports, ..Sram::banked(64 << 10, 1) }.costs(&silicon(20, 0.8));
        let (one, two, three) = (of(1), of(2), of(3));
        let ratio = two.area_mm2.unwrap() / one.area_mm2.unwrap();
        assert!((2.0..2.3).contains(&ratio), "{ratio}");
        assert!(three.area_mm2 > two.area_mm2 && three.leakage_w > two.leakage_w && two.leakage_w > one.leakage_w);
        assert!(three.read_j_per_byte > two.read_j_per_byte && two.read_j_per_byte > one.read_j_per_byte);
    }
}
