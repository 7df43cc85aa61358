//! How values are shared between the parties, and how shares look on garbled wires and on the link.

use serde::{Deserialize, Serialize};

/// Delphi's field: p = 15·2^37 + 1, of 41 bits (Mishra et al., USENIX Security 2020). p ≡ 1 modulo 2^14, so plaintexts modulo p
/// have 8192 slots.
pub const DELPHI_PRIME: u64 = 2_061_584_302_081;

/// Additive secret shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shares {
    /// Integers modulo 2^bits.
    Ring {
        /// k, 8 to 64.
        bits: u32,
    },
    /// Integers modulo a prime.
    Prime {
        /// p, odd and below 2^62.
        modulus: u64,
    },
}

impl Shares {
    /// Garbled wires of one share: k for a ring; for a prime one more than its bits, so that the sum of two shares fits.
    pub fn wires(self) -> u32 {
        match self {
            Self::Ring { bits } => bits,
            Self::Prime { modulus } => bit_length(modulus) + 1,
        }
    }

    /// Bits of one share.
    pub fn bits(self) -> u32 {
        match self {
            Self::Ring { bits } => bits,
            Self::Prime { modulus } => bit_length(modulus),
        }
    }

    /// Signed bits w that values must fit, so that sums of shares say which value is meant: all k of a ring; for a prime the most
    /// with 2^(w − 1) ≤ (p − 1)/2.
    pub fn value_bits(self) -> u32 {
        match self {
            Self::Ring { bits } => bits,
            Self::Prime { modulus } => bit_length((modulus - 1) / 2),
        }
    }

    /// Bytes of one share on the link.
    pub fn element_bytes(self, format: WireFormat) -> u64 {
        match format {
            WireFormat::Packed => u64::from(self.bits().div_ceil(8)),
            WireFormat::Delphi => crate::wire::delphi::ELEMENT_BYTES,
        }
    }
}

/// Bits of a number's binary form.
fn bit_length(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

/// How the labels of the evaluator's share are transferred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transfer {
    /// Correlated transfers by SoftSpoken OT (Roy, CRYPTO 2022), whose results are the labels.
    #[default]
    SoftSpoken,
    /// Chosen transfers of both labels, by the extension of Ishai, Kilian, Nissim and Petrank as improved by Asharov, Lindell,
    /// Schneider and Zohner (CCS 2013); what Delphi uses.
    Alsz,
}

/// How messages are laid out in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WireFormat {
    /// Every value in as few bytes as it needs; what can be expanded from a seed is sent as the seed.
    #[default]
    Packed,
    /// As the published implementation of Delphi serialises its objects: see [`wire::delphi`](crate::wire::delphi).
    Delphi,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delphis_prime_is_a_prime_of_41_bits_with_slots_for_degree_8192() {
        assert_eq!(DELPHI_PRIME, 15 * (1 << 37) + 1);
        assert!(primal_check::miller_rabin(DELPHI_PRIME));
        assert_eq!(DELPHI_PRIME % (2 * 8192), 1);
        let shares = Shares::Prime { modulus: DELPHI_PRIME };
        assert_eq!((shares.wires(), shares.bits(), shares.value_bits()), (42, 41, 40));
        assert_eq!((shares.element_bytes(WireFormat::Packed), shares.element_bytes(WireFormat::Delphi)), (6, 9));
    }

    #[test]
    fn values_of_a_prime_field_and_their_negatives_never_meet() {
        for modulus in [5u64, 7, 13, 127, 131, 241, DELPHI_PRIME] {
            let largest = 1u64 << (Shares::Prime { modulus }.value_bits() - 1);
            assert!(largest <= (modulus - 1) / 2 && (modulus - 1) / 2 < 2 * largest, "{modulus}");
        }
        assert_eq!(Shares::Ring { bits: 33 }.element_bytes(WireFormat::Packed), 5);
    }
}
