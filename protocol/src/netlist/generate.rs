//! Generators: named circuits of any size, refused before they are built when they would be too large.

use super::Netlist;
use super::family::FAMILIES;
use super::raw::RawBuilder;
use crate::circuit::Wire;
use pisim_settings::did_you_mean;
use std::fmt;
use std::str::FromStr;

/// Most gates and inputs of a generated circuit together: 2^27, which is 1.5 GiB of gates.
pub const MAX_WIRES: u64 = 1 << 27;

/// Gates of [`Aes128`]: 200 S-boxes of 132 gates, 36 columns mixed with 97 XOR gates each, 11 round keys added, 10
/// made, and the 16 ones of the round constants.
const AES_GATES: u128 = 200 * 132 + 36 * 97 + 11 * 128 + 10 * 128 + 16;

/// Why a generator's name gives no circuit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeneratorError {
    /// No family has this name.
    #[error("unknown circuit `{name}`; expected a path that ends in `.txt` or `.bristol`, or one of {}{hint}", forms())]
    Unknown {
        /// The name.
        name: String,
        /// The near miss, as a sentence.
        hint: String,
    },
    /// The sizes do not have the family's form.
    #[error("wrong sizes in `{text}`; expected `{form}` with whole numbers from 1 to {most}", most = u32::MAX)]
    Form {
        /// The text.
        text: String,
        /// The form.
        form: &'static str,
    },
    /// The circuit would be too large.
    #[error("`{name}` would have {gates} gates and {inputs} inputs; expected at most {MAX_WIRES} together")]
    TooLarge {
        /// The generator.
        name: String,
        /// Its gates.
        gates: u128,
        /// Its inputs.
        inputs: u128,
    },
}

fn forms() -> String {
    FAMILIES.iter().map(|family| format!("`{}`", family.form)).collect::<Vec<_>>().join(", ")
}

/// A circuit by name. Sizes are at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are the sizes of the family's form")]
pub enum Generator {
    /// `a + b`: the garbler has `a`, the evaluator `b`.
    Add { bits: u32 },
    /// `a − b`: the garbler has `a`, the evaluator `b`.
    Sub { bits: u32 },
    /// `a > b` in two's complement: the garbler has `a`, the evaluator `b`.
    Greater { bits: u32 },
    /// `a · b`: the garbler has `a`, the evaluator `b`.
    Mult { bits: u32 },
    /// The ones of a string of the garbler.
    Hamming { bits: u32 },
    /// In how many bits a string of the garbler and one of the evaluator differ.
    HammingDistance { bits: u32 },
    /// The product of a vector of the garbler and one of the evaluator.
    DotProduct { pairs: u32, bits: u32 },
    /// The product of a matrix of the garbler and one of the evaluator, row by row.
    Matmul { rows: u32, inner: u32, columns: u32, bits: u32 },
    /// Sorted numbers of the garbler.
    BubbleSort { count: u32, bits: u32 },
    /// ReLUs of numbers of the garbler.
    Relu { count: u32, bits: u32 },
    /// AES-128: the garbler has the key, the evaluator the block.
    Aes128,
    /// `a + b`: the garbler has `a`, the evaluator `b`.
    AddFolded { bits: u32 },
    /// `a − b`: the garbler has `a`, the evaluator `b`.
    SubFolded { bits: u32 },
    /// `−a` of a number of the garbler.
    Neg { bits: u32 },
    /// `a · b`: the garbler has `a`, the evaluator `b`.
    MultFolded { bits: u32 },
    /// All bits of `a · b`: the garbler has `a`, the evaluator `b`.
    MultWide { bits: u32 },
    /// Whether a number of the garbler is zero.
    IsZero { bits: u32 },
}
use Generator::{Add, Aes128, BubbleSort, DotProduct, Greater, Hamming, HammingDistance, Matmul, Mult, Relu, Sub};
use Generator::{AddFolded, IsZero, MultFolded, MultWide, Neg, SubFolded};

impl FromStr for Generator {
    type Err = GeneratorError;

    fn from_str(text: &str) -> Result<Self, GeneratorError> {
        let name = text.split(':').next().unwrap_or(text);
        let Some(family) = FAMILIES.iter().find(|family| family.name() == name) else {
            let hint = did_you_mean(name, FAMILIES.iter().map(|family| family.name()));
            return Err(GeneratorError::Unknown { name: name.to_owned(), hint });
        };
        let generator = family.sizes(text).and_then(|sizes| (family.make)(&sizes));
        generator.ok_or_else(|| GeneratorError::Form { text: text.to_owned(), form: family.form })
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Add { bits } => write!(f, "add:{bits}"),
            Sub { bits } => write!(f, "sub:{bits}"),
            Greater { bits } => write!(f, "greater:{bits}"),
            Mult { bits } => write!(f, "mult:{bits}"),
            Hamming { bits } => write!(f, "hamming:{bits}"),
            HammingDistance { bits } => write!(f, "hamming-distance:{bits}"),
            DotProduct { pairs, bits } => write!(f, "dot-product:{pairs}:{bits}"),
            Matmul { rows, inner, columns, bits } => write!(f, "matmul:{rows}x{inner}x{columns}:{bits}"),
            BubbleSort { count, bits } => write!(f, "bubble-sort:{count}:{bits}"),
            Relu { count: 1, bits } => write!(f, "relu:{bits}"),
            Relu { count, bits } => write!(f, "relu-layer:{count}:{bits}"),
            Aes128 => write!(f, "aes128"),
            AddFolded { bits } => write!(f, "add-folded:{bits}"),
            SubFolded { bits } => write!(f, "sub-folded:{bits}"),
            Neg { bits } => write!(f, "neg:{bits}"),
            MultFolded { bits } => write!(f, "mult-folded:{bits}"),
            MultWide { bits } => write!(f, "mult-wide:{bits}"),
            IsZero { bits } => write!(f, "is-zero:{bits}"),
        }
    }
}

impl Generator {
    /// The exact number of gates of the circuit, without building it.
    pub fn gates(&self) -> u128 {
        let wide = u128::from;
        match *self {
            Add { bits } | Sub { bits } => add_gates(wide(bits)),
            Greater { bits } => greater_gates(wide(bits)),
            Mult { bits } => mult_gates(wide(bits)),
            Hamming { bits } => hamming_gates(wide(bits)),
            HammingDistance { bits } => wide(bits) + hamming_gates(wide(bits)),
            DotProduct { pairs, bits } => dot_gates(wide(pairs), wide(bits)),
            // Four sizes of 32 bits each can be more than 2^128 gates.
            Matmul { rows, inner, columns, bits } => {
                dot_gates(wide(inner), wide(bits)).saturating_mul(wide(rows)).saturating_mul(wide(columns))
            }
            BubbleSort { count, bits } => {
                let swaps = wide(count) * (wide(count) - 1) / 2;
                swaps * (greater_gates(wide(bits)) + 6 * wide(bits))
            }
            Relu { count, bits } => wide(count) * (wide(bits) + 1),
            Aes128 => AES_GATES,
            AddFolded { bits } => add_folded_gates(wide(bits)),
            SubFolded { bits } => add_folded_gates(wide(bits)) + wide(bits) - 1,
            Neg { bits } => 3 * (wide(bits) - 1),
            MultFolded { bits } => mult_folded_gates(wide(bits)),
            MultWide { bits } => mult_wide_gates(wide(bits)),
            IsZero { bits } => 2 * wide(bits) - 1,
        }
    }

    /// Input bits of the garbler and of the evaluator.
    fn inputs(&self) -> [u128; 2] {
        let wide = u128::from;
        match *self {
            Add { bits } | Sub { bits } | Greater { bits } | Mult { bits } | HammingDistance { bits } => {
                [wide(bits); 2]
            }
            AddFolded { bits } | SubFolded { bits } | MultFolded { bits } | MultWide { bits } => [wide(bits); 2],
            Hamming { bits } | Neg { bits } | IsZero { bits } => [wide(bits), 0],
            DotProduct { pairs, bits } => [wide(pairs) * wide(bits); 2],
            Matmul { rows, inner, columns, bits } => {
                [rows, columns].map(|lines| wide(lines) * wide(inner) * wide(bits))
            }
            BubbleSort { count, bits } | Relu { count, bits } => [wide(count) * wide(bits), 0],
            Aes128 => [128; 2],
        }
    }

    /// Builds the circuit.
    ///
    /// # Errors
    /// It would have more than [`MAX_WIRES`] gates and inputs.
    pub fn build(&self) -> Result<Netlist, GeneratorError> {
        let (gates, [garbler, evaluator]) = (self.gates(), self.inputs());
        if gates.saturating_add(garbler).saturating_add(evaluator) > u128::from(MAX_WIRES) {
            return Err(GeneratorError::TooLarge { name: self.to_string(), gates, inputs: garbler + evaluator });
        }
        let constants: &[bool] = if self.needs_zero() { &[false] } else { &[] };
        let mut builder = RawBuilder::new(garbler as usize, evaluator as usize, constants, gates as usize);
        let outputs = self.outputs(&mut builder);
        let (circuit, constants) = builder.finish(&outputs);
        let inputs = if evaluator == 0 { vec![garbler as usize] } else { vec![garbler as usize, evaluator as usize] };
        Ok(Netlist { circuit, constants, inputs, outputs: vec![outputs.len()] })
    }

    /// Whether the circuit reads a constant zero.
    fn needs_zero(&self) -> bool {
        match self {
            Add { .. } | Sub { .. } | Greater { .. } | Mult { .. } | DotProduct { .. } | Matmul { .. } => true,
            Hamming { .. } | HammingDistance { .. } | BubbleSort { .. } => true,
            Relu { .. } | Aes128 | AddFolded { .. } | SubFolded { .. } | Neg { .. } => false,
            MultFolded { .. } | MultWide { .. } | IsZero { .. } => false,
        }
    }

    /// Builds the gates and returns the output wires.
    fn outputs(&self, builder: &mut RawBuilder) -> Vec<Wire> {
        let (a, b) = (builder.garbler(), builder.evaluator());
        let zero = builder.constant(0);
        match *self {
            Add { .. } => builder.add(&a, &b, zero),
            Sub { .. } => builder.sub(&a, &b, zero),
            Greater { .. } => vec![builder.greater(&a, &b, zero)],
            Mult { .. } => builder.multiply(&a, &b, zero),
            Hamming { .. } => builder.hamming_weight(&a, zero),
            HammingDistance { .. } => {
                let differences = builder.xor_all(&a, &b);
                builder.hamming_weight(&differences, zero)
            }
            DotProduct { bits, .. } => {
                builder.sum_of_products(a.chunks(bits as usize).zip(b.chunks(bits as usize)), zero)
            }
            Matmul { inner, columns, bits, .. } => {
                builder.matrix_product(&a, &b, [inner as usize, columns as usize], bits as usize, zero)
            }
            BubbleSort { bits, .. } => builder.bubble_sort(&a, bits as usize, zero),
            Relu { bits, .. } => builder.relu_layer(&a, bits as usize),
            Aes128 => builder.aes128(&a, &b),
            AddFolded { .. } => builder.add_folded(&a, &b, false),
            SubFolded { .. } => builder.sub_folded(&a, &b),
            Neg { .. } => builder.negate(&a),
            MultFolded { .. } => builder.multiply_folded(&a, &b, false),
            MultWide { .. } => builder.multiply_folded(&a, &b, true),
            IsZero { .. } => builder.is_zero(&a).into_iter().collect(),
        }
    }
}

/// A bit of an adder is 5 gates, its last one 2.
fn add_gates(bits: u128) -> u128 {
    5 * (bits - 1) + 2
}

fn greater_gates(bits: u128) -> u128 {
    add_gates(bits + 1) + 2
}

/// Partial products of 1 to `bits` bits, each added by an adder as wide.
fn mult_gates(bits: u128) -> u128 {
    bits * (bits + 1) / 2 + 5 * bits * (bits - 1) / 2 + 2 * bits
}

fn dot_gates(pairs: u128, bits: u128) -> u128 {
    pairs * mult_gates(bits) + (pairs - 1) * add_gates(bits)
}

fn hamming_gates(bits: u128) -> u128 {
    let (mut words, mut width, mut gates) = (bits, 2, 0);
    while words > 1 {
        gates += words / 2 * add_gates(width);
        (words, width) = (words.div_ceil(2), width + 1);
    }
    gates
}

/// A half adder of 2 gates, full adders of 6, and a last bit of 2; only a XOR for one bit.
fn add_folded_gates(bits: u128) -> u128 {
    if bits == 1 { 1 } else { 6 * bits - 8 }
}

/// Partial products of 1 to `bits` bits, and an adder as wide for all but the widest.
fn mult_folded_gates(bits: u128) -> u128 {
    let adders = if bits == 1 { 0 } else { 1 + 3 * (bits * (bits - 1) - 2) - 8 * (bits - 2) };
    bits * (bits + 1) / 2 + adders
}

/// All partial products; a first adder whose last bit has no third operand, and further ones with a carry.
fn mult_wide_gates(bits: u128) -> u128 {
    let adders = if bits == 1 { 0 } else { 6 * bits - 8 + (bits - 2) * (6 * bits - 4) };
    bits * bits + adders
}
