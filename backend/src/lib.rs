//! Runs a program between two real parties: garbling, oblivious transfer, homomorphic encryption, shares.
//!
//! [`verify`] holds a run against the integer reference; [`execute`] runs both parties of a [`Program`](pisim_protocol::Program) in one process. Each party ([`Client`],
//! [`Server`]) walks the program's steps in order over a [`Channel`]; every primitive counts its own work in the party's
//! [`Counter`], and [`Execution::mispredictions`] compares the counts with what lowering predicted, step by step.
//!
//! Security: semi-honest. Labels and keys have 128 bits. Every layer is hashed under a permutation of its own, so that finding
//! garbling's Δ takes 2^105 calls of AES for the largest layer of HRN-5x5x3x and 2^102 for that of ResNet-18 at 64×64
//! (`gc/hash.rs`). Flooding hides each *coefficient* of a reply with σ = 40 bits; over a whole inference the statistical
//! distances add up, and what is left is σ − log₂(coefficients of all replies) bits. Secrets come from a 256-bit [`Seed`]: of the
//! operating system, or reproducible for tests.

#[cfg(not(target_endian = "little"))]
compile_error!("labels, tables and ciphertexts go over the wire as they lie in memory, which must be little-endian");

pub mod bench;
mod buffer;
mod channel;
mod counter;
mod error;
pub mod field;
pub mod gc;
pub mod he;
mod local;
mod masked;
mod memory;
pub mod net;
pub mod ot;
mod party;
mod random;
pub mod ring;
mod run;
pub mod shares;
pub mod simd;
mod storage;
pub mod store;

pub use buffer::Buffer;
pub use channel::{Channel, Traffic, Transport};
pub use counter::Counter;
pub use error::{BackendError, Result};
pub use memory::{MemoryTransport, memory_pair};
pub use party::{Client, Prepared, Server, Trace};
pub use random::Seed;
pub use run::{Execution, MEMORY_BYTES, Misprediction, Verification, execute, verify, verify_after};
pub use storage::{Kept, Storage, StorageIndex};
