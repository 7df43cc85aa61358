//! What every core is driven with: its ports, operations and expected results.

use super::words::{Row, Word};
use super::{aes, arithmetic, gates, tile};
use pisim_hw_models::rtl::Core;

/// A port's name and width.
pub type Port = (&'static str, usize);

/// A core's ports but for clock and valid bits.
#[derive(Clone)]
pub struct Ports {
    /// Inputs that stay the same throughout.
    pub statics: Vec<Port>,
    /// Operands.
    pub inputs: Vec<Port>,
    /// Results.
    pub outputs: Vec<Port>,
}

/// Operations and their results.
#[derive(Clone)]
pub struct Vectors {
    pub ports: Ports,
    pub statics: Row,
    /// Operands; an empty row is a cycle without an operation.
    pub operations: Vec<Row>,
    pub expected: Vec<Row>,
    /// Cycles of operations, and of results, that belong together: one each but for tiles.
    pub group: (usize, usize),
}

/// A result as it came out.
pub struct Arrival {
    pub cycle: u64,
    pub values: Row,
}

impl Vectors {
    /// Whether all results are right; if so, the cycles from each group's last operands to its last result, which
    /// must be the same for all.
    pub fn latency(&self, results: &[Arrival], interval: u64) -> Result<u64, String> {
        self.check(results)?;
        let (operations, rows) = self.group;
        let latency_of = |(group, results): (usize, &[Arrival])| {
            let operands = ((group + 1) * operations - 1) as u64 * interval;
            results.last().and_then(|result| result.cycle.checked_sub(operands))
        };
        let mut latencies: Vec<_> = results.chunks(rows).enumerate().map(latency_of).collect();
        latencies.dedup();
        match latencies[..] {
            [Some(latency)] => Ok(latency),
            _ => Err(format!("latencies of {latencies:?} cycles")),
        }
    }

    /// Whether all results are right and in order, whenever they came.
    pub fn check(&self, results: &[Arrival]) -> Result<(), String> {
        let pairs = results.iter().zip(&self.expected).enumerate();
        for (index, (found, expected)) in pairs {
            if found.values != *expected {
                return Err(format!("result {index} is {:?}, not {expected:?}", found.values));
            }
        }
        if results.len() == self.expected.len() && !results.is_empty() {
            return Ok(());
        }
        Err(format!("{} results, {} expected", results.len(), self.expected.len()))
    }

    /// The same with an idle cycle before every third and two before every seventh operation.
    pub fn with_pauses(&self) -> Self {
        let paused = self.operations.iter().enumerate().flat_map(|(index, operation)| {
            let pauses = usize::from(index % 3 == 0) + 2 * usize::from(index % 7 == 0);
            std::iter::repeat_n(Row::new(), pauses).chain([operation.clone()])
        });
        Self { operations: paused.collect(), ..self.clone() }
    }
}

/// Vectors of one operation and one result each.
pub fn streaming(
    [statics, inputs, outputs]: [&[Port]; 3],
    constants: Vec<Word>,
    cases: impl IntoIterator<Item = (Row, Row)>,
) -> Vectors {
    let ports = Ports { statics: statics.to_vec(), inputs: inputs.to_vec(), outputs: outputs.to_vec() };
    let (operations, expected) = cases.into_iter().unzip();
    Vectors { ports, statics: constants, operations, expected, group: (1, 1) }
}

/// The vectors of one of the model's cores.
pub fn vectors(core: &Core) -> Vectors {
    let parameter =
        |name: &str| core.parameters.iter().find(|(key, _)| *key == name).map_or(0, |(_, value)| *value as usize);
    let width = parameter("WIDTH");
    match (core.module, parameter("REKEYED")) {
        ("aes128_pipe", _) => aes::fixed_key(),
        ("aes128_pipe_rekeyed" | "aes128_iter", _) => aes::rekeyed(),
        ("half_gate_garbler", 0) => gates::garbler(),
        ("half_gate_garbler", _) => gates::rekeyed_garbler(),
        ("half_gate_evaluator", 0) => gates::evaluator(),
        ("half_gate_evaluator", _) => gates::rekeyed_evaluator(),
        ("free_xor", _) => gates::free_xor(),
        ("mod_multiplier", _) => arithmetic::mod_multiplier(width),
        ("mod_butterfly", _) => arithmetic::mod_butterfly(width),
        ("ring_mac", _) => arithmetic::ring_mac(width),
        ("mac_tile", _) => tile::mac_tile(parameter("ROWS"), parameter("COLUMNS"), width),
        (other, _) => panic!("no vectors for {other}"),
    }
}
