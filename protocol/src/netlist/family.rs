//! The families of circuits that generators know, with the form of their names.

use super::generate::Generator;

/// A family of circuits.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name with its sizes: `matmul:RxKxC:BITS`.
    pub form: &'static str,
    /// What its circuits compute.
    pub about: &'static str,
    /// The generator of some sizes, which are as many as the form names.
    pub(super) make: fn(&[u32]) -> Option<Generator>,
}

impl Family {
    /// The name without sizes.
    pub fn name(&self) -> &'static str {
        self.form.split(':').next().unwrap_or(self.form)
    }

    /// The sizes in `text`, which has this family's name, or `None` when it does not have the family's form.
    pub(super) fn sizes(&self, text: &str) -> Option<Vec<u32>> {
        let (mut forms, mut fields) = (self.form.split(':').skip(1), text.split(':').skip(1));
        let mut sizes = Vec::new();
        loop {
            let (form, field) = match (forms.next(), fields.next()) {
                (None, None) => return Some(sizes),
                (form, field) => (form?, field?),
            };
            let numbers: Vec<&str> = field.split('x').collect();
            if numbers.len() != form.split('x').count() {
                return None;
            }
            for number in numbers {
                // `parse` alone would take "+8".
                let digits = number.bytes().all(|digit| digit.is_ascii_digit());
                sizes.push(number.parse().ok().filter(|size| digits && *size > 0)?);
            }
        }
    }
}

/// All families, in the order in which help should list them.
pub const FAMILIES: &[Family] = &[
    Family {
        form: "add:N",
        about: "a + b modulo 2^N",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Add { bits }),
            _ => None,
        },
    },
    Family {
        form: "sub:N",
        about: "a − b modulo 2^N",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Sub { bits }),
            _ => None,
        },
    },
    Family {
        form: "greater:N",
        about: "a > b of N-bit numbers in two's complement (the millionaires' problem)",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Greater { bits }),
            _ => None,
        },
    },
    Family {
        form: "mult:N",
        about: "a · b modulo 2^N",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Mult { bits }),
            _ => None,
        },
    },
    Family {
        form: "mac:N",
        about: "a · b + c modulo 2^N, one step of a product of matrices",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Mac { bits }),
            _ => None,
        },
    },
    Family {
        form: "hamming:N",
        about: "the number of ones among N bits",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Hamming { bits }),
            _ => None,
        },
    },
    Family {
        form: "hamming-distance:N",
        about: "the number of bits in which two N-bit strings differ",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::HammingDistance { bits }),
            _ => None,
        },
    },
    Family {
        form: "dot-product:N:BITS",
        about: "the sum of the products of N pairs of words, modulo 2^BITS",
        make: |sizes| match *sizes {
            [pairs, bits] => Some(Generator::DotProduct { pairs, bits }),
            _ => None,
        },
    },
    Family {
        form: "matmul:RxKxC:BITS",
        about: "the product of an R×K and a K×C matrix, modulo 2^BITS",
        make: |sizes| match *sizes {
            [rows, inner, columns, bits] => Some(Generator::Matmul { rows, inner, columns, bits }),
            _ => None,
        },
    },
    Family {
        form: "bubble-sort:COUNT:BITS",
        about: "COUNT words in two's complement sorted upwards by swaps of neighbours",
        make: |sizes| match *sizes {
            [count, bits] => Some(Generator::BubbleSort { count, bits }),
            _ => None,
        },
    },
    Family {
        form: "relu:BITS",
        about: "max(a, 0) of a number in two's complement",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Relu { count: 1, bits }),
            _ => None,
        },
    },
    Family {
        form: "relu-layer:COUNT:BITS",
        about: "COUNT independent ReLUs",
        make: |sizes| match *sizes {
            [count, bits] => Some(Generator::Relu { count, bits }),
            _ => None,
        },
    },
    Family {
        form: "aes128",
        about: "AES-128 encryption of a block, with the key schedule",
        make: |sizes| match *sizes {
            [] => Some(Generator::Aes128),
            _ => None,
        },
    },
    Family {
        form: "add-folded:N",
        about: "a + b modulo 2^N without constant wires, like the public adder64",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::AddFolded { bits }),
            _ => None,
        },
    },
    Family {
        form: "sub-folded:N",
        about: "a − b modulo 2^N without constant wires, like the public sub64",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::SubFolded { bits }),
            _ => None,
        },
    },
    Family {
        form: "neg:N",
        about: "−a modulo 2^N, like the public neg64",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Neg { bits }),
            _ => None,
        },
    },
    Family {
        form: "mult-folded:N",
        about: "a · b modulo 2^N without constant wires, like the public mult64",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::MultFolded { bits }),
            _ => None,
        },
    },
    Family {
        form: "mult-wide:N",
        about: "all 2N bits of a · b, like the public mult2_64",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::MultWide { bits }),
            _ => None,
        },
    },
    Family {
        form: "is-zero:N",
        about: "whether a is zero, like the public zero_equal",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::IsZero { bits }),
            _ => None,
        },
    },
    Family {
        form: "add-nand:N",
        about: "a + b with its carry, of NAND gates, like the public adder_32bit",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::AddNand { bits }),
            _ => None,
        },
    },
    Family {
        form: "divide:N",
        about: "a / b in two's complement, rounded towards zero, like the public divide64",
        make: |sizes| match *sizes {
            [bits] => Some(Generator::Divide { bits }),
            _ => None,
        },
    },
    Family {
        form: "from-shares:N:BITS",
        about: "the signed number of two shares modulo an N-bit p, like the public LSSS_to_GC",
        make: |sizes| match *sizes {
            [modulus_bits, bits] => Some(Generator::FromShares { modulus_bits, bits }),
            _ => None,
        },
    },
    Family {
        form: "fp-eq",
        about: "whether two doubles (IEEE 754) are equal, like the public FP-eq",
        make: |sizes| match *sizes {
            [] => Some(Generator::FloatEqual),
            _ => None,
        },
    },
    Family {
        form: "fp-lt",
        about: "whether a < b of doubles (IEEE 754), like the public FP-lt",
        make: |sizes| match *sizes {
            [] => Some(Generator::FloatLess),
            _ => None,
        },
    },
    Family {
        form: "sha256",
        about: "SHA-256's compression of a block into a state, like the public sha256",
        make: |sizes| match *sizes {
            [] => Some(Generator::Sha256),
            _ => None,
        },
    },
];
