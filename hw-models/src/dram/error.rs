//! What can be wrong with a question about memory.

use thiserror::Error;

/// Why a device, a memory system or a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DramError {
    /// No device has this name.
    #[error("unknown memory device `{name}`; expected one of {known}{hint}")]
    UnknownDevice {
        /// The name.
        name: String,
        /// All names.
        known: String,
        /// The near miss, as a question, or nothing.
        hint: String,
    },
    /// No pattern has this name.
    #[error("unknown access pattern `{name}`; expected one of {known}{hint}")]
    UnknownPattern {
        /// The name.
        name: String,
        /// All names.
        known: String,
        /// The near miss, as a question, or nothing.
        hint: String,
    },
    /// A pattern's number is missing, not a number or impossible.
    #[error("access pattern `{name}`: {problem}; expected {expected}")]
    PatternNumber {
        /// The pattern as written.
        name: String,
        /// What is wrong.
        problem: String,
        /// What its number may be.
        expected: String,
    },
    /// A read share that is none.
    #[error("a read share of {share}; expected 0 to 1")]
    ReadShare {
        /// As given.
        share: String,
    },
    /// A read share beside a pattern that itself reads and writes.
    #[error(
        "access pattern `{pattern}` itself says what it reads and what it writes; expected seq_rd, rnd_rd, blkB, strN, strideS or \
         tileB beside a read share"
    )]
    ReadsAndWrites {
        /// The pattern.
        pattern: String,
    },
    /// A count of the system is impossible.
    #[error("{count} {what}; expected {expected}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many.
        count: u64,
        /// What it may be.
        expected: &'static str,
    },
}
