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
mod bristol;
mod divide;
mod family;
mod float;
mod folded;
mod from_shares;
mod gate_counts;
mod generate;
mod mix;
mod nand;
mod programs;
mod raw;
mod sbox;
mod sha256;
mod shared;
mod stats;

pub use bristol::{BristolFile, Format};
pub use family::{FAMILIES, Family};
pub use generate::{Generator, GeneratorError, MAX_WIRES};
pub use raw::RawBuilder;
pub use stats::Stats;

use crate::circuit::Circuit;
use pisim_settings::ConfigError;

/// A circuit with the groups that its inputs and outputs form.
///
/// The garbler feeds the first group online and the evaluator all further ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Netlist {
    /// The circuit.
    pub circuit: Circuit,
    /// The values of the last inputs, which the garbler feeds offline and which are public constants.
    pub constants: Vec<bool>,
    /// Sizes of the groups of inputs, without the constants.
    pub inputs: Vec<usize>,
    /// Sizes of the groups of outputs.
    pub outputs: Vec<usize>,
}

impl Netlist {
    /// The outputs for the inputs of both parties, in the order of the wires; the constants are added. Missing inputs
    /// count as zero.
    pub fn evaluate(&self, inputs: &[bool]) -> Vec<bool> {
        let mut values = inputs.to_vec();
        values.resize(self.circuit.inputs.total().saturating_sub(self.constants.len()), false);
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

/// The circuit that `name_or_path` names: a path when it holds a path separator or ends in `.txt` or `.bristol`, else a
/// generator.
///
/// # Errors
/// No such generator, a size that is impossible or too large; a file that cannot be read or is no circuit.
pub fn circuit(name_or_path: &str) -> Result<Named, ConfigError> {
    if is_path(name_or_path) {
        let BristolFile { netlist, stats, .. } = BristolFile::read(name_or_path)?;
        return Ok(Named { name: name_or_path.to_owned(), netlist, stats });
    }
    let generator: Generator =
        name_or_path.parse().map_err(|error: GeneratorError| ConfigError::new(name_or_path, error.to_string()))?;
    let netlist = generator.build().map_err(|error| ConfigError::new(name_or_path, error.to_string()))?;
    let stats = Stats::of(&netlist.circuit);
    Ok(Named { name: generator.to_string(), netlist, stats })
}

fn is_path(name: &str) -> bool {
    name.contains(std::path::is_separator) || [".txt", ".bristol"].iter().any(|ending| name.ends_with(ending))
}
