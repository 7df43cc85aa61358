//! Generators: named circuits of any size, refused before they are built when they would be too large.

use super::Netlist;
use super::divide::divide;
use super::family::FAMILIES;
use super::from_shares::from_shares;
use super::gate_counts;
use super::raw::RawBuilder;
use super::sha256::compress;
use crate::circuit::{Builder, Circuit, Inputs, Wire};
use pisim_settings::did_you_mean;
use std::fmt;
use std::str::FromStr;

/// Most gates and inputs of a generated circuit together: 2^27, which is 1.5 GiB of gates.
pub const MAX_WIRES: u64 = 1 << 27;

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
    /// `a · b + c`: the garbler has `a` and `c`, the evaluator `b`.
    Mac { bits: u32 },
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
    /// `a + b` with the carry: the garbler has `a`, the evaluator `b`.
    AddNand { bits: u32 },
    /// `a / b` in two's complement: the garbler has `a`, the evaluator `b`.
    Divide { bits: u32 },
    /// The number that two shares modulo another number stand for: the garbler has the first share, the evaluator the second
    /// and the modulus.
    FromShares { modulus_bits: u32, bits: u32 },
    /// Whether two doubles are equal: the garbler has `a`, the evaluator `b`.
    FloatEqual,
    /// Whether `a < b` of doubles: the garbler has `a`, the evaluator `b`.
    FloatLess,
    /// SHA-256's compression: the garbler has the block, the evaluator the state.
    Sha256,
}
use Generator::{Add, Aes128, BubbleSort, DotProduct, Greater, Hamming, HammingDistance, Mac, Matmul, Mult, Relu, Sub};
use Generator::{AddFolded, AddNand, IsZero, MultFolded, MultWide, Neg, SubFolded};
use Generator::{Divide, FloatEqual, FloatLess, FromShares, Sha256};

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
            Mac { bits } => write!(f, "mac:{bits}"),
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
            AddNand { bits } => write!(f, "add-nand:{bits}"),
            Divide { bits } => write!(f, "divide:{bits}"),
            FromShares { modulus_bits, bits } => write!(f, "from-shares:{modulus_bits}:{bits}"),
            FloatEqual => write!(f, "fp-eq"),
            FloatLess => write!(f, "fp-lt"),
            Sha256 => write!(f, "sha256"),
        }
    }
}

impl Generator {
    /// The exact number of gates of the circuit, without building it.
    pub fn gates(&self) -> u128 {
        let wide = u128::from;
        match *self {
            Add { bits } | Sub { bits } => gate_counts::add(wide(bits)),
            Greater { bits } => gate_counts::greater(wide(bits)),
            Mult { bits } => gate_counts::mult(wide(bits)),
            Mac { bits } => gate_counts::mult(wide(bits)) + gate_counts::add(wide(bits)),
            Hamming { bits } => gate_counts::hamming(wide(bits)),
            HammingDistance { bits } => wide(bits) + gate_counts::hamming(wide(bits)),
            DotProduct { pairs, bits } => gate_counts::dot(wide(pairs), wide(bits)),
            // Four sizes of 32 bits each can be more than 2^128 gates.
            Matmul { rows, inner, columns, bits } => {
                gate_counts::dot(wide(inner), wide(bits)).saturating_mul(wide(rows)).saturating_mul(wide(columns))
            }
            BubbleSort { count, bits } => {
                let swaps = wide(count) * (wide(count) - 1) / 2;
                swaps * (gate_counts::greater(wide(bits)) + 6 * wide(bits))
            }
            Relu { count, bits } => wide(count) * (wide(bits) + 1),
            Aes128 => gate_counts::AES,
            AddFolded { bits } => gate_counts::add_folded(wide(bits)),
            SubFolded { bits } => gate_counts::add_folded(wide(bits)) + wide(bits) - 1,
            Neg { bits } => 3 * (wide(bits) - 1),
            MultFolded { bits } => gate_counts::mult_folded(wide(bits)),
            MultWide { bits } => gate_counts::mult_wide(wide(bits)),
            IsZero { bits } => 2 * wide(bits) - 1,
            AddNand { bits } => gate_counts::add_nand(wide(bits)),
            Divide { bits } => gate_counts::divide(wide(bits)),
            FromShares { modulus_bits, bits } => gate_counts::from_shares(wide(modulus_bits), wide(bits)),
            FloatEqual => gate_counts::FLOAT_EQUAL,
            FloatLess => gate_counts::FLOAT_LESS,
            Sha256 => gate_counts::SHA_256,
        }
    }

    /// Sizes of the groups of input bits: the garbler's, then the evaluator's.
    fn groups(&self) -> Vec<u128> {
        let wide = u128::from;
        match *self {
            Add { bits } | Sub { bits } | Greater { bits } | Mult { bits } | HammingDistance { bits } => {
                vec![wide(bits); 2]
            }
            AddFolded { bits } | SubFolded { bits } | MultFolded { bits } | MultWide { bits } => vec![wide(bits); 2],
            AddNand { bits } | Divide { bits } => vec![wide(bits); 2],
            Mac { bits } => vec![2 * wide(bits), wide(bits)],
            Hamming { bits } | Neg { bits } | IsZero { bits } => vec![wide(bits)],
            DotProduct { pairs, bits } => vec![wide(pairs) * wide(bits); 2],
            Matmul { rows, inner, columns, bits } => {
                [rows, columns].map(|lines| wide(lines) * wide(inner) * wide(bits)).to_vec()
            }
            BubbleSort { count, bits } | Relu { count, bits } => vec![wide(count) * wide(bits)],
            Aes128 => vec![128; 2],
            FromShares { modulus_bits, .. } => vec![wide(modulus_bits); 3],
            FloatEqual | FloatLess => vec![64; 2],
            Sha256 => vec![512, 256],
        }
    }

    /// Builds the circuit.
    ///
    /// # Errors
    /// It would have more than [`MAX_WIRES`] gates and inputs.
    pub fn build(&self) -> Result<Netlist, GeneratorError> {
        let (gates, groups) = (self.gates(), self.groups());
        let inputs = groups.iter().fold(0, |sum: u128, group| sum.saturating_add(*group));
        if gates.saturating_add(inputs) > u128::from(MAX_WIRES) {
            return Err(GeneratorError::TooLarge { name: self.to_string(), gates, inputs });
        }
        let groups: Vec<usize> = groups.into_iter().map(|group| group as usize).collect();
        let garbler = groups.first().copied().unwrap_or(0);
        let evaluator = inputs as usize - garbler;
        let (circuit, constants) = match self.shared(Inputs { garbler_online: garbler, evaluator, garbler_offline: 0 })
        {
            Some(circuit) => (circuit, Vec::new()),
            None => {
                let constants: &[bool] = if self.needs_zero() { &[false] } else { &[] };
                let mut builder = RawBuilder::new(garbler, evaluator, constants, gates as usize);
                let outputs = self.outputs(&mut builder);
                builder.finish(&outputs)
            }
        };
        let outputs = vec![circuit.outputs.len()];
        Ok(Netlist { circuit, constants, inputs: groups, outputs })
    }

    /// The circuit, for those that fold constants and share gates.
    fn shared(&self, inputs: Inputs) -> Option<Circuit> {
        let mut builder = Builder::new(inputs);
        let (a, b) = (builder.garbler_online(), builder.evaluator());
        let outputs = match *self {
            Divide { .. } => divide(&mut builder, &a, &b),
            FromShares { modulus_bits, bits } => {
                let (b, modulus) = b.split_at_checked(modulus_bits as usize)?;
                from_shares(&mut builder, [&a, b], modulus, bits as usize)
            }
            Sha256 => compress(&mut builder, &a, &b),
            _ => return None,
        };
        Some(builder.finish(outputs))
    }

    /// Whether the circuit reads a constant zero.
    fn needs_zero(&self) -> bool {
        match self {
            Add { .. } | Sub { .. } | Greater { .. } | Mult { .. } | DotProduct { .. } | Matmul { .. } => true,
            Mac { .. } | Hamming { .. } | HammingDistance { .. } | BubbleSort { .. } => true,
            Relu { .. } | Aes128 | AddFolded { .. } | SubFolded { .. } | Neg { .. } => false,
            MultFolded { .. } | MultWide { .. } | IsZero { .. } | AddNand { .. } | FloatEqual | FloatLess => false,
            Divide { .. } | FromShares { .. } | Sha256 => false,
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
            Mac { bits } => {
                let (a, c) = a.split_at_checked(bits as usize).unwrap_or_default();
                let product = builder.multiply(a, &b, zero);
                builder.add(&product, c, zero)
            }
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
            AddNand { .. } => builder.add_nand(&a, &b),
            FloatEqual => builder.float_equal(&a, &b),
            FloatLess => builder.float_less(&a, &b),
            Divide { .. } | FromShares { .. } | Sha256 => Vec::new(),
        }
    }
}
