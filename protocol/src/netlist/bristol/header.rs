//! The header of a circuit file: how many gates and wires, and the groups of inputs and outputs.

use super::lines::{Line, Lines, Token};
use pisim_settings::ConfigError;
use serde::Serialize;

/// Which of the two formats a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The old one: two numbers of inputs and one of outputs in one line.
    Bristol,
    /// Bristol Fashion: any number of inputs and outputs in two lines.
    BristolFashion,
}

/// What a file declares.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub format: Format,
    pub gates: u64,
    pub wires: u64,
    /// Where the number of wires stands.
    pub wires_at: Token<'a>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
}

/// A file may declare this many inputs whatever its size.
const FREE_INPUTS: u64 = 1 << 20;

impl<'a> Header<'a> {
    /// Reads the header of a file of `bytes` bytes.
    pub fn read(lines: &mut Lines<'a>, bytes: usize) -> Result<Self, ConfigError> {
        const COUNTS: &str = "the numbers of gates and of wires";
        let first = lines.expect(COUNTS)?;
        let tokens: Vec<Token<'a>> = first.tokens().collect();
        let [gates, wires_at] = tokens.as_slice() else {
            return Err(first.fault(format!("{} words; expected {COUNTS}", tokens.len())));
        };
        let (gates, wires) = (gates.number("the number of gates")?, wires_at.number("the number of wires")?);
        let second = lines.expect("the numbers of inputs")?;
        // Only the old format has its first gate here, which ends in a kind.
        let old = second.tokens().count() == 3 && lines.peek().is_none_or(ends_in_a_word);
        let sizes = |what| Groups { wires, what };
        let (format, inputs, outputs) = if old {
            let inputs = sizes("inputs").sizes(second.tokens().take(2))?;
            (Format::Bristol, inputs, sizes("outputs").sizes(second.tokens().skip(2))?)
        } else {
            let inputs = sizes("inputs").read(second)?;
            let third = lines.expect("the numbers of outputs")?;
            (Format::BristolFashion, inputs, sizes("outputs").read(third)?)
        };
        let most = FREE_INPUTS.max(bytes as u64);
        let all: u64 = inputs.iter().map(|size| *size as u64).sum();
        if all > most {
            let message = format!("{all} inputs, more than the file can use; expected at most {most} in {bytes} bytes");
            return Err(second.fault(message));
        }
        if all > wires {
            return Err(second.fault(format!("{all} inputs; expected at most as many as the {wires} wires")));
        }
        Ok(Self { format, gates, wires, wires_at: *wires_at, inputs, outputs })
    }
}

fn ends_in_a_word(line: Line<'_>) -> bool {
    line.tokens().last().is_some_and(|token| !token.is_number())
}

/// The sizes of groups of inputs or outputs.
struct Groups {
    wires: u64,
    what: &'static str,
}

impl Groups {
    /// Reads how many groups there are, and their sizes.
    fn read(&self, line: Line<'_>) -> Result<Vec<usize>, ConfigError> {
        let mut tokens = line.tokens();
        let expected = format!("the number of groups of {}", self.what);
        let first = tokens.next().ok_or_else(|| line.fault(format!("an empty line; expected {expected}")))?;
        let groups = first.number(&expected)?;
        let sizes = self.sizes(tokens)?;
        if sizes.len() as u64 != groups {
            let message = format!("{groups} groups of {}, but {} sizes; expected one for each", self.what, sizes.len());
            return Err(first.fault(message));
        }
        Ok(sizes)
    }

    /// Reads sizes that together are not more than the wires.
    fn sizes<'a>(&self, tokens: impl Iterator<Item = Token<'a>>) -> Result<Vec<usize>, ConfigError> {
        let mut left = self.wires;
        let mut size = |token: Token<'a>| {
            let size = token.number(&format!("a number of {}", self.what))?;
            left = left.checked_sub(size).ok_or_else(|| {
                token.fault(format!("too many {}; expected at most as many as the {} wires", self.what, self.wires))
            })?;
            usize::try_from(size).map_err(|_| token.fault(format!("too many {}; expected fewer", self.what)))
        };
        tokens.map(&mut size).collect()
    }
}
