//! HAAC's published figures.

/// Gate engines of the scaling figure.
pub(super) const GE: [u64; 5] = [1, 2, 4, 8, 16];

/// A row of Table 5: 16 engines garble at 1 GHz.
pub(super) struct Microbenchmark {
    pub name: &'static str,
    pub circuit: &'static str,
    pub cycles: f64,
    /// Whether latencies are fitted on it.
    pub fitted: bool,
}

const fn row(name: &'static str, circuit: &'static str, cycles: f64, fitted: bool) -> Microbenchmark {
    Microbenchmark { name, circuit, cycles, fitted }
}

pub(super) const MICROBENCHMARKS: [Microbenchmark; 7] = [
    row("Add-6", "add:6", 136.0, true),
    row("Add-16", "add:16", 396.0, true),
    row("Million-2", "greater:2", 62.0, true),
    row("Million-8", "greater:8", 218.0, true),
    row("Hamm-50", "hamming:50", 219.0, false),
    row("5x5Matx-8", "matmul:5x5x5:8", 1605.0, false),
    row("AES-128", "aes128", 3607.0, false),
];

/// A program, with its speedups over a CPU.
pub(super) struct Program {
    pub name: &'static str,
    pub circuit: &'static str,
    /// On 1, 2, 4, 8 and 16 engines that evaluate.
    pub hbm2: [f64; 5],
    pub ddr4: [f64; 5],
    /// On 16 engines and DDR4: the circuit's order, reordered and renamed, with spent wires eliminated too.
    pub passes: [f64; 3],
}

/// Hamm's length is not known, and changes little.
pub(super) const PROGRAMS: [Program; 5] = [
    Program {
        name: "BubbSt",
        circuit: "bubble-sort:256:32",
        hbm2: [123.8, 240.9, 409.7, 619.3, 1066.9],
        ddr4: [123.8, 240.9, 409.7, 482.4, 482.4],
        passes: [32.0, 184.6, 475.1],
    },
    Program {
        name: "DotProd",
        circuit: "dot-product:128:32",
        hbm2: [114.5, 225.1, 444.5, 879.2, 1713.9],
        ddr4: [114.2, 223.8, 295.0, 295.0, 295.0],
        passes: [36.2, 149.6, 285.9],
    },
    Program {
        name: "Hamm",
        circuit: "hamming-distance:20480",
        hbm2: [231.5, 452.2, 893.5, 1776.1, 3532.4],
        ddr4: [231.5, 452.2, 893.5, 1013.4, 1013.4],
        passes: [175.1, 301.4, 1009.0],
    },
    Program {
        name: "MatMult",
        circuit: "matmul:8x8x8:32",
        hbm2: [114.5, 224.0, 440.8, 884.1, 1769.1],
        ddr4: [113.4, 222.9, 264.6, 264.6, 264.6],
        passes: [35.6, 130.0, 212.3],
    },
    Program {
        name: "ReLU",
        circuit: "relu-layer:2048:32",
        hbm2: [779.0, 1551.6, 3010.4, 5681.4, 11333.5],
        ddr4: [779.0, 782.7, 782.7, 782.7, 782.7],
        passes: [546.6, 546.6, 775.8],
    },
];

/// A window and order: milliseconds of wire traffic and of computing (16 engines).
pub(super) struct Window {
    pub name: &'static str,
    pub wire_ms: f64,
    pub compute_ms: f64,
}

pub(super) struct Windows {
    pub circuit: &'static str,
    /// Wire traffic and computing with 2 MiB and full order.
    pub full_2mib: [f64; 2],
    /// Full, segment and the circuit's own order, with 0.5, 1 and 2 MiB each.
    pub rows: [Window; 9],
}

const fn at(name: &'static str, compute_ms: f64, wire_ms: f64) -> Window {
    Window { name, wire_ms, compute_ms }
}

pub(super) const WINDOWS: Windows = Windows {
    circuit: "matmul:8x8x8:32",
    full_2mib: [0.430, 0.102],
    rows: [
        at("full 0.5 MiB", 0.102, 0.891),
        at("full 1 MiB", 0.102, 0.552),
        at("full 2 MiB", 0.102, 0.430),
        at("segment 0.5 MiB", 0.159, 0.299),
        at("segment 1 MiB", 0.124, 0.282),
        at("segment 2 MiB", 0.110, 0.271),
        at("baseline 0.5 MiB", 5.01, 0.299),
        at("baseline 1 MiB", 5.01, 0.282),
        at("baseline 2 MiB", 5.01, 0.271),
    ],
};

/// Shares of energy: half gates, crossbar, SRAM, memory interface (16 engines, full order, HBM2).
pub(super) struct Shares {
    pub name: &'static str,
    pub percent: [f64; 4],
}

pub(super) const SHARES: [Shares; 8] = [
    Shares { name: "BubbSt", percent: [53.9, 2.0, 21.9, 22.3] },
    Shares { name: "DotProd", percent: [66.2, 1.2, 16.2, 16.4] },
    Shares { name: "Merse", percent: [71.9, 1.2, 13.3, 13.7] },
    Shares { name: "Triangle", percent: [64.1, 1.4, 17.0, 17.6] },
    Shares { name: "Hamm", percent: [46.1, 2.0, 25.8, 26.2] },
    Shares { name: "MatMult", percent: [64.8, 1.4, 16.6, 17.2] },
    Shares { name: "ReLU", percent: [70.9, 1.0, 14.1, 14.1] },
    Shares { name: "GradDesc", percent: [58.2, 1.6, 19.9, 20.3] },
];

/// Speedup and energy efficiency over a CPU of 25 W, in the order of [`SHARES`].
pub(super) const EFFICIENCY: [[f64; 2]; 8] = [
    [1066.9, 27e3],
    [1713.9, 32e3],
    [7342.4, 113e3],
    [3230.8, 63e3],
    [3532.4, 104e3],
    [1769.1, 34e3],
    [11333.5, 181e3],
    [713.5, 16e3],
];

/// Table 4: wire memory and queues, and the HBM2 interface, in milliwatts.
pub(super) const MEMORY_MW: f64 = 196.0 + 35.5;
pub(super) const PHY_MW: f64 = 225.0;
