//! Why a network cannot be lowered.

use crate::he::NoiseMargin;
use pisim_netgen::{FixedPoint, NetworkError};
use thiserror::Error;

/// Why a network cannot run under a protocol.
#[derive(Debug, Error)]
pub enum LowerError {
    /// The network itself, or its fixed-point form, is impossible.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A network was planned for another format than the protocol's.
    #[error("the network is planned in {plan:?}, the protocol has {protocol:?}")]
    Format {
        /// The plan's.
        plan: FixedPoint,
        /// The protocol's.
        protocol: FixedPoint,
    },
    /// A layer's noise could make decryption fail.
    #[error(
        "layer `{layer}` does not fit the encryption parameters of protocol `{protocol}`: its noise may reach \
         2^{noise:.1}, decryption is exact below 2^{capacity:.1} ({stage}); use more or larger limbs, a smaller ring or \
         narrower weights", noise = margin.noise.log2(), capacity = margin.capacity.log2(), stage = margin.stage
    )]
    Noise {
        /// The layer.
        layer: String,
        /// The protocol.
        protocol: String,
        /// The bound that does not hold, for the packing with the least noise.
        margin: NoiseMargin,
    },
    /// One window of a layer has more values than a ciphertext.
    #[error("layer `{layer}` does not fit one ciphertext of degree {degree}: its kernel window alone has more pixels")]
    Packing {
        /// The layer.
        layer: String,
        /// Ring degree.
        degree: usize,
    },
    /// One channel of a layer's images has more pixels than a row of slots.
    #[error(
        "layer `{layer}` does not fit the slots of a ciphertext: one channel of its images has more pixels than the \
         {slots} slots of a row; use smaller images, a larger degree or coefficient packing"
    )]
    Row {
        /// The layer.
        layer: String,
        /// Slots of one row.
        slots: usize,
    },
    /// A secret slope and a share are too wide to be fed in together.
    #[error(
        "layer `{layer}` ({op}) does not fit a client that garbles: the server feeds in a share and a slope together, and \
         {share_bits} + {slope_bits} bits are more than 64; let the server garble, or use a smaller ring or narrower weights"
    )]
    Slope {
        /// The layer.
        layer: String,
        /// Its operation.
        op: &'static str,
        /// Wires of a share.
        share_bits: u32,
        /// Bits of a slope.
        slope_bits: u32,
    },
}
