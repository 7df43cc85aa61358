//! Lowers a network to the two-party program that runs it privately, with exact work for every step.
//!
//! A [`Protocol`] (from TOML) says how: shares, encryption parameters, who garbles. [`lower`] packs every linear layer into
//! ciphertexts ([`LinearPlan`]), builds a Boolean circuit for every non-linear one ([`circuit::Circuit`]), proves that no
//! noise overflows, and returns the [`Program`]: steps with party, phase, dependencies and exact [`Work`]. The backend
//! runs the program and counts; the simulator times it.

pub mod circuit;
mod config;
mod counts;
pub mod gadgets;
pub mod he;
mod linear;
mod lower;
pub mod netlist;
mod noise;
pub mod nonlinear;
mod packing;
mod pixels;
pub mod prime;
mod program;
mod shares;
pub mod simd;
pub mod wire;
mod work;

pub use config::{DEFAULT_PROTOCOL, Protocol, ProtocolFile, schema};
pub use counts::CircuitCounts;
pub use linear::{Linear, LinearPlan};
pub use lower::{LowerError, conv_shape, lower, lower_planned, nonlinear_of};
pub use nonlinear::NonLinear;
pub use packing::{ConvPlan, ConvShape, PackingFault, packed};
pub use pixels::{KeptPixels, computed_pixels};
pub use program::{Message, Party, Phase, Program, Step, StepId, StepKind};
pub use shares::{DELPHI_PRIME, Shares, Transfer, WireFormat};
pub use simd::{SimdParams, SimdPlan};
pub use work::Work;
