//! What the compiler does with a circuit, and how gates are garbled.

use super::TABLE_BYTES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The order in which the engines get a circuit's gates (HAAC's compiler).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As the circuit has them.
    Baseline,
    /// By level inside segments of half of the wire window: what leaves the window is what leaves it in the circuit's own order,
    /// some parallelism is found.
    Segment,
    /// By level over the whole circuit: all parallelism, operands far away.
    #[default]
    Full,
}

/// How AND gates are garbled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tables {
    /// Two ciphertexts of 128 bits; four hash calls to garble, two to evaluate (Zahur, Rosulek and Evans, 2015).
    #[default]
    HalfGates,
    /// Three half ciphertexts of 64 bits and 5 control bits; six hash calls to garble, three to evaluate (Rosulek and Roy, CRYPTO
    /// 2021). The engine has half as many hash circuits more, and takes a gate in every cycle as before.
    ThreeHalves,
    /// One ciphertext of 128 bits. No choice of a platform, as no garbling of two private inputs has such tables: it is what the
    /// published DDR4 times of HAAC amount to, and what its validation is computed with.
    #[serde(skip)]
    OneCiphertext,
}

impl Tables {
    /// Bits of one gate's table: 256, 3/2 × 128 + 5 = 197, or 128.
    pub fn bits(self) -> u64 {
        match self {
            Self::HalfGates => 8 * TABLE_BYTES,
            Self::ThreeHalves => 197,
            Self::OneCiphertext => 128,
        }
    }

    /// Bytes of the tables of `ands` gates, packed.
    pub fn bytes(self, ands: u64) -> u64 {
        let bits = u128::from(ands) * u128::from(self.bits());
        u64::try_from(bits.div_ceil(8)).unwrap_or(u64::MAX)
    }

    /// Hash circuits of a gate unit over those of a half-gate unit.
    pub(crate) fn hashes(self) -> f64 {
        match self {
            Self::HalfGates | Self::OneCiphertext => 1.0,
            Self::ThreeHalves => 1.5,
        }
    }
}

/// Which half of the work an engine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Makes tables and writes them.
    Garble,
    /// Reads tables.
    Evaluate,
}
