//! Which instructions this crate's own kernels use, chosen when the program runs, and the AES that they share.
//!
//! [`Path::current`] is what garbling, streams of blocks, the transposition of oblivious transfers and the products of
//! homomorphic encryption go by. Two libraries find out by themselves what the processor has, whatever
//! [`Path::VARIABLE`] says: `tfhe-ntt` (transforms) and `pulp` (vectorised loops over words: ring convolutions, sums of
//! streams, sampled errors). So does `blake3`. All of them give the same bits with any instructions.
//!
//! A kernel is written once, as a [`Job`] over an [`Engine`]; [`AesKey::run`] compiles it for every path and calls the one that
//! this machine has. The paths give the same bits.

mod engine;
mod key;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use engine::{Engine, Job, Quad};
pub use key::{AesKey, encrypt_counters};

use std::sync::OnceLock;
use thiserror::Error;

/// A set of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// Plain Rust around the `aes` crate, which runs everywhere.
    Portable,
    /// x86 with AES-NI: one block per instruction.
    AesNi,
    /// x86 with AVX-512 and VAES: four blocks per instruction.
    Avx512,
}

/// An override that this program or this machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathError {
    /// Another word.
    #[error("{variable} is `{value}`; it must be `portable`, `aes-ni` or `avx512`", variable = Path::VARIABLE)]
    Unknown {
        /// What the variable holds.
        value: String,
    },
    /// Instructions that this processor lacks.
    #[error("{variable} is `{name}`, but this processor does not have these instructions", variable = Path::VARIABLE)]
    Unsupported {
        /// The path's name.
        name: &'static str,
    },
}

impl Path {
    /// All paths, the fastest last.
    pub const ALL: [Self; 3] = [Self::Portable, Self::AesNi, Self::Avx512];

    /// The environment variable that forces a path.
    pub const VARIABLE: &'static str = "PISIM_SIMD";

    /// The name in [`Path::VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::AesNi => "aes-ni",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this processor has the path's instructions.
    pub fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::AesNi => x86::has_aes_ni(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => x86::has_avx512(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::AesNi | Self::Avx512 => false,
        }
    }

    /// The fastest path of this processor.
    pub fn detect() -> Self {
        Self::ALL.into_iter().rev().find(|path| path.is_supported()).unwrap_or(Self::Portable)
    }

    /// The path that [`Path::VARIABLE`] asks for, or the fastest if it is not set or empty.
    ///
    /// # Errors
    /// A word that names no path, or a path that this processor does not have.
    pub fn from_env() -> Result<Self, PathError> {
        let value = std::env::var_os(Self::VARIABLE).map(|value| value.to_string_lossy().into_owned());
        value.filter(|value| !value.is_empty()).map_or_else(|| Ok(Self::detect()), |value| Self::from_name(&value))
    }

    fn from_name(value: &str) -> Result<Self, PathError> {
        let path = Self::ALL.into_iter().find(|path| path.name() == value);
        let path = path.ok_or_else(|| PathError::Unknown { value: value.into() })?;
        if path.is_supported() { Ok(path) } else { Err(PathError::Unsupported { name: path.name() }) }
    }

    /// The path that kernels use from the first call on: [`Path::from_env`], or the fastest if that is an error, which the
    /// command line reports before it starts.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Path> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::from_env().unwrap_or_else(|_| Self::detect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_by_name_and_others_are_errors() {
        for path in Path::ALL {
            match Path::from_name(path.name()) {
                Ok(found) => assert!(found == path && path.is_supported()),
                Err(error) => {
                    assert_eq!(error, PathError::Unsupported { name: path.name() });
                    assert!(!path.is_supported());
                }
            }
        }
        let error = Path::from_name("sse9").unwrap_err();
        assert!(error.to_string().contains("PISIM_SIMD is `sse9`"));
        assert!(Path::detect().is_supported() && Path::Portable.is_supported());
    }
}
