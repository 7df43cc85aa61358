//! Boolean circuits from files and from generators, and their counts.
//!
//! [`circuit`] takes a generator's name (`add:16`, `aes128`, see [`Generator`]) or the path of a circuit in Bristol or
//! Bristol Fashion format, and returns the circuit with its counts.
//!
//! ```
//! let named = pisim_protocol::netlist::circuit("add:16")?;
//! assert_eq!((named.stats.and, named.stats.gates, named.stats.levels), (15, 77, 47));
//! # Ok::<(), pisim_settings::ConfigError>(())
//! ```

mod aes;
mod arithmetic;
mod family;
mod generate;
mod programs;
mod raw;
mod sbox;
mod stats;

pub use family::{FAMILIES, Family};
pub use generate::{Generator, GeneratorError, MAX_WIRES};
pub use raw::RawBuilder;
pub use stats::Stats;

use crate::circuit::Circuit;
use pisim_settings::ConfigError;

/// A circuit with the groups that its inputs and outputs form.
///
/// The garbler feeds the first group online and the evaluator all further ones. Constants are the garbler's offline inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Netlist {
    /// The circuit.
    pub circuit: Circuit,
    /// The values of the garbler's offline inputs, which are public constants.
    pub constants: Vec<bool>,
    /// Sizes of the groups of inputs, without the constants.
    pub inputs: Vec<usize>,
    /// Sizes of the groups of outputs.
    pub outputs: Vec<usize>,
}

impl Netlist {
    /// The outputs for the inputs of both parties; the constants are added.
    pub fn evaluate(&self, inputs: &[bool]) -> Vec<bool> {
        let online = self.circuit.inputs.garbler_online + self.circuit.inputs.evaluator;
        let mut values = inputs.to_vec();
        values.resize(online, false);
        values.extend(&self.constants);
        self.circuit.evaluate(&values)
    }
}

/// A circuit with its name and counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The generator's name, or the path of the file.
    pub name: String,
    /// The circuit.
    pub netlist: Netlist,
    /// Its counts: those of the file when it comes from one, with its copies.
    pub stats: Stats,
}

/// The circuit that `name_or_path` names: a path when it holds a path separator or ends in `.txt` or `.bristol`, else a generator.
///
/// # Errors
/// No such generator, a size that is impossible or too large; a file that cannot be read or is no circuit.
pub fn circuit(name_or_path: &str) -> Result<Named, ConfigError> {
    let generator: Generator =
        name_or_path.parse().map_err(|error: GeneratorError| ConfigError::new(name_or_path, error.to_string()))?;
    let netlist = generator.build().map_err(|error| ConfigError::new(name_or_path, error.to_string()))?;
    let stats = Stats::of(&netlist.circuit);
    Ok(Named { name: generator.to_string(), netlist, stats })
}
