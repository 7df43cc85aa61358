//! Energy of on-chip memory by bank size.

/// Read energy in pJ of one 128-bit access by bank size in KiB: CACTI 7, RAM, one bank, ITRS-HP, 22 nm, 360 K (runs
/// made for this project).
const READ_PJ_22NM: [(f64, f64); 10] = [
    (4.0, 1.45),
    (16.0, 3.55),
    (32.0, 5.29),
    (64.0, 7.36),
    (128.0, 10.4),
    (256.0, 16.6),
    (512.0, 22.9),
    (1024.0, 31.5),
    (2048.0, 43.6),
    // One more doubling by the slope of the last two, for the 4 MiB banks of published HE scratchpads.
    (4096.0, 60.3),
];

/// Joules to read one byte of an SRAM bank of `bank_bytes` at 22 nm, interpolated between CACTI's points along straight
/// lines in the logarithms and continued beyond them along the last line.
pub fn sram_energy_per_byte_j(bank_bytes: f64) -> f64 {
    let kib = (bank_bytes / 1024.0).max(0.25);
    let above = READ_PJ_22NM.iter().position(|(high, _)| kib <= *high).unwrap_or(READ_PJ_22NM.len() - 1).max(1);
    let (Some(&(low, at_low)), Some(&(high, at_high))) = (READ_PJ_22NM.get(above - 1), READ_PJ_22NM.get(above)) else {
        return 0.0;
    };
    let slope = (at_high / at_low).ln() / (high / low).ln();
    let picojoules = at_low * (kib / low).powf(slope);
    picojoules * 1e-12 / 16.0
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
