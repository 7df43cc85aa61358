//! CACTI 7's answers for on-chip memories: RAM, one bank, 128-bit ports, ITRS-HP transistors at 360 K (runs made for this
//! project; the wheel `hwcomponents-cacti` 1.0.40, built from its source, gives the same figures).

use std::sync::OnceLock;

/// Runs at one node, by size, and the lines between them.
pub(super) struct Runs {
    pub runs: &'static [Run],
    /// For every run but the last, the slopes to the next one in the logarithms.
    slopes: OnceLock<Vec<Run>>,
}

impl Runs {
    const fn new(runs: &'static [Run]) -> Self {
        Self { runs, slopes: OnceLock::new() }
    }

    /// A figure of a bank of `kib`: along the line between the runs around it, or along the last line beyond them.
    pub fn figure(&self, kib: f64, of: fn(&Run) -> f64) -> f64 {
        let slopes = self.slopes.get_or_init(|| self.runs.windows(2).filter_map(slopes).collect());
        let beyond = self.runs.iter().skip(1).position(|high| kib <= high.kib);
        let line = beyond.unwrap_or(slopes.len().saturating_sub(1));
        match (self.runs.get(line), slopes.get(line)) {
            (Some(low), Some(slope)) => of(low) * (kib / low.kib).powf(of(slope)),
            _ => 0.0,
        }
    }
}

/// The slopes of all figures between two runs.
fn slopes(pair: &[Run]) -> Option<Run> {
    let [low, high] = pair else { return None };
    let slope = |of: fn(&Run) -> f64| (of(high) / of(low)).ln() / (high.kib / low.kib).ln();
    Some(Run {
        kib: 1.0,
        read_pj: slope(|run| run.read_pj),
        write_pj: slope(|run| run.write_pj),
        leakage_mw: slope(|run| run.leakage_mw),
        area_mm2: slope(|run| run.area_mm2),
    })
}

/// One run of CACTI.
pub(super) struct Run {
    /// Size of the bank in KiB.
    pub kib: f64,
    /// Energy of one 128-bit read, picojoules.
    pub read_pj: f64,
    /// Energy of one 128-bit write, picojoules.
    pub write_pj: f64,
    /// Leakage of the bank, milliwatts.
    pub leakage_mw: f64,
    /// Area of the bank, mm².
    pub area_mm2: f64,
}

const fn run(kib: f64, read_pj: f64, write_pj: f64, leakage_mw: f64, area_mm2: f64) -> Run {
    Run { kib, read_pj, write_pj, leakage_mw, area_mm2 }
}

/// 45 nm, one port.
pub(super) static AT_45: Runs = Runs::new(&[
    run(4.0, 3.68, 9.73, 5.36, 0.0143),
    run(16.0, 9.11, 18.98, 19.6, 0.0507),
    run(64.0, 33.2, 28.8, 67.3, 0.188),
    run(256.0, 54.6, 50.1, 269.0, 0.866),
    run(1024.0, 115.0, 91.4, 1021.0, 3.25),
    run(2048.0, 152.5, 143.9, 2148.0, 6.22),
]);

/// 32 nm, one port.
pub(super) static AT_32: Runs = Runs::new(&[
    run(4.0, 2.00, 5.24, 2.89, 0.0073),
    run(16.0, 6.78, 7.82, 9.94, 0.0271),
    run(64.0, 19.0, 15.4, 35.7, 0.0951),
    run(256.0, 30.9, 27.4, 143.0, 0.438),
    run(1024.0, 58.9, 55.4, 571.0, 1.74),
    run(2048.0, 81.6, 78.0, 1143.0, 3.39),
]);

/// 22 nm, one port.
pub(super) static AT_22: Runs = Runs::new(&[
    run(4.0, 1.45, 2.04, 1.34, 0.0039),
    run(16.0, 3.55, 3.91, 4.76, 0.0128),
    run(32.0, 5.29, 6.07, 9.44, 0.0233),
    run(64.0, 7.36, 8.15, 18.9, 0.0554),
    run(128.0, 10.4, 9.05, 34.8, 0.114),
    run(256.0, 16.6, 14.0, 69.1, 0.207),
    run(512.0, 22.9, 20.3, 138.0, 0.408),
    run(1024.0, 31.5, 28.8, 276.0, 0.822),
    run(2048.0, 43.6, 41.0, 553.0, 1.60),
]);

/// 22 nm, two ports that read and write.
pub(super) static TWO_PORTS_AT_22: Runs = Runs::new(&[
    run(4.0, 1.30, 3.41, 1.69, 0.00737),
    run(16.0, 4.64, 5.12, 5.49, 0.0267),
    run(64.0, 12.5, 13.5, 21.6, 0.120),
    run(256.0, 30.6, 27.3, 80.0, 0.444),
    run(1024.0, 73.9, 70.6, 320.0, 1.76),
]);

/// 22 nm, three ports that read and write.
pub(super) static THREE_PORTS_AT_22: Runs = Runs::new(&[
    run(4.0, 1.61, 4.06, 1.97, 0.0128),
    run(16.0, 5.71, 6.30, 6.25, 0.0453),
    run(64.0, 19.2, 20.4, 24.4, 0.206),
    run(256.0, 49.4, 45.4, 91.3, 0.762),
    run(1024.0, 134.0, 130.0, 365.0, 3.03),
]);
