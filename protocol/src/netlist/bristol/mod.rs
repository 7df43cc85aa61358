//! Circuit files in Bristol and Bristol Fashion format.
//!
//! Both hold a header and one gate per line: numbers of inputs and outputs, wires, kind. Inputs are the first wires,
//! outputs the last ones. The old format's header is `gates wires`, `inputs₁ inputs₂ outputs`; the new one's (Bristol
//! Fashion) is `gates wires`, `groups size…` of the inputs, `groups size…` of the outputs. Kinds are AND, XOR, INV
//! (also NOT), and in the new format EQ (a constant), EQW (a copy) and MAND (many AND gates at once).

mod gates;
mod header;
mod lines;
mod lower;
mod wiring;
mod write;

pub use header::Format;

use super::{Netlist, Stats};
use gates::FileGate;
use header::Header;
use lines::Lines;
use pisim_settings::ConfigError;
use std::io::Read;
use std::path::Path;
use wiring::Wiring;

/// Largest file that is read. The largest public circuits have some ten megabytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A circuit that was read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct BristolFile {
    /// The file's format.
    pub format: Format,
    /// The number of gates that the file declares: of its lines, so that a MAND is one.
    pub declared_gates: u64,
    /// Whether the gates had to be sorted: the formats want them in topological order, but any order that can be sorted
    /// is taken.
    pub sorted: bool,
    /// The circuit and its groups. Copies are gone; constants are offline inputs of the garbler.
    pub netlist: Netlist,
    /// The file's own counts, with its constants and copies. Each of MAND's gates counts.
    pub stats: Stats,
}

impl BristolFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 1 GiB, or is no circuit: one error with its file and line, what is wrong
    /// and what was expected.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let unreadable = |why: &dyn std::fmt::Display| {
            ConfigError::new(&name, format!("cannot read the file: {why}; expected a circuit in Bristol format"))
        };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(unreadable(&"it is larger than 1 GiB"));
        }
        Self::from_bytes(&name, &bytes)
    }

    /// Reads a circuit from the bytes of a file; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`BristolFile::read`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            ConfigError::at_position(name, line, 1, "not UTF-8 text; expected a circuit in Bristol format")
        })?;
        let mut lines = Lines::new(name, text);
        let header = Header::read(&mut lines, bytes.len())?;
        let gates = gates::read(&mut lines, &header)?;
        let order = Wiring::new(name, &header, &gates)?.order()?;
        let (netlist, stats) = match &order {
            None => lower::lower(&header, gates.iter()),
            Some(order) => {
                let at = |index: &u32| -> Option<&FileGate> { gates.get(*index as usize) };
                lower::lower(&header, order.iter().filter_map(at))
            }
        };
        let (format, declared_gates) = (header.format, header.gates);
        Ok(Self { format, declared_gates, sorted: order.is_some(), netlist, stats })
    }
}
