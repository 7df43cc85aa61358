//! The gates of a circuit file, line by line.

use super::header::Header;
use super::lines::{Line, Lines, Token};
use crate::netlist::stats::Kind;
use pisim_settings::{ConfigError, did_you_mean};

/// A gate of a file, in the file's numbers of wires. A gate with one input has it twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileGate {
    pub kind: Kind,
    pub inputs: [u32; 2],
    pub output: u32,
    /// The number of its line.
    pub line: u32,
}

/// The kinds by name, and the numbers of inputs and outputs that they have; MAND has twice as many inputs as outputs.
const KINDS: [&str; 7] = ["AND", "XOR", "INV", "NOT", "EQ", "EQW", "MAND"];

/// Reads the gates, which must be as many as the header says. Only lines that are there take memory.
pub(super) fn read(lines: &mut Lines<'_>, header: &Header<'_>) -> Result<Vec<FileGate>, ConfigError> {
    let mut gates = Vec::new();
    let mut tokens = Vec::new();
    for read in 0..header.gates {
        let Some(line) = lines.next() else {
            return Err(lines.truncated(&format!("gate {} of {}", read + 1, header.gates)));
        };
        tokens.clear();
        tokens.extend(line.tokens());
        gate(line, &tokens, header, &mut gates)?;
    }
    match lines.next() {
        Some(line) => {
            Err(line.fault(format!("more gates than declared; expected the file to end after {}", header.gates)))
        }
        None => Ok(gates),
    }
}

fn gate(line: Line<'_>, tokens: &[Token<'_>], header: &Header<'_>, to: &mut Vec<FileGate>) -> Result<(), ConfigError> {
    const FORM: &str = "numbers of inputs and outputs, their wires and a kind (`2 1 0 1 2 AND`)";
    let [inputs, outputs, wires @ .., kind] = tokens else {
        return Err(line.fault(format!("{} words are no gate; expected {FORM}", tokens.len())));
    };
    if kind.is_number() {
        return Err(kind.fault(format!("the gate's kind is missing; expected one of {}", KINDS.join(", "))));
    }
    if !KINDS.contains(&kind.text) {
        let hint = did_you_mean(kind.text, KINDS);
        return Err(kind.fault(format!("unknown gate {}; expected one of {}{hint}", kind.quoted(), KINDS.join(", "))));
    }
    let (ins, outs) = (inputs.number("the gate's number of inputs")?, outputs.number("the gate's number of outputs")?);
    if ins.checked_add(outs) != Some(wires.len() as u64) {
        let message = format!("{} wires; expected {ins} inputs and {outs} outputs as the gate says", wires.len());
        return Err(line.fault(message));
    }
    let arity =
        |expected: &str| line.fault(format!("{} with {ins} inputs and {outs} outputs; expected {expected}", kind.text));
    let wire = |token: &Token<'_>| number_of_wire(*token, header.wires);
    let number = u32::try_from(line.number).map_err(|_| line.fault("too many lines; expected fewer than 2^32"))?;
    let mut push = |kind, a: u32, b: u32, output: u32| to.push(FileGate { kind, inputs: [a, b], output, line: number });
    match (kind.text, wires) {
        ("AND" | "XOR", [a, b, output]) if outs == 1 => {
            let kind = if kind.text == "AND" { Kind::And } else { Kind::Xor };
            push(kind, wire(a)?, wire(b)?, wire(output)?);
        }
        ("AND" | "XOR", _) => return Err(arity("2 inputs and 1 output")),
        ("EQ", [constant, output]) if outs == 1 => push(Kind::Constant(bit(*constant)?), 0, 0, wire(output)?),
        ("INV" | "NOT" | "EQW", [a, output]) if outs == 1 => {
            let (kind, a) = (if kind.text == "EQW" { Kind::Copy } else { Kind::Inv }, wire(a)?);
            push(kind, a, a, wire(output)?);
        }
        ("MAND", wires) if outs > 0 && ins.checked_div(2) == Some(outs) && ins % 2 == 0 => {
            let (a, rest) = wires.split_at(wires.len() / 3);
            let (b, outputs) = rest.split_at(rest.len() / 2);
            for ((a, b), output) in a.iter().zip(b).zip(outputs) {
                push(Kind::And, wire(a)?, wire(b)?, wire(output)?);
            }
        }
        ("MAND", _) => return Err(arity("two inputs for each output")),
        _ => return Err(arity("1 input and 1 output")),
    }
    Ok(())
}

fn number_of_wire(token: Token<'_>, wires: u64) -> Result<u32, ConfigError> {
    let wire = token.number("the number of a wire")?;
    u32::try_from(wire).ok().filter(|_| wire < wires).ok_or_else(|| {
        let most = wires.min(1 << 32);
        token.fault(format!("wire {wire} is out of range; expected a number below {most}, the number of wires"))
    })
}

fn bit(token: Token<'_>) -> Result<bool, ConfigError> {
    match token.text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(token.fault(format!("{} is not a constant; expected 0 or 1", token.quoted()))),
    }
}
