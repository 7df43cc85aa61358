//! What a step costs, in primitives: the quantities that the backend counts and the simulator times.

use serde::{Deserialize, Serialize};

/// Declares [`Work`] once: the struct, its names for reports and its arithmetic all come from this list.
macro_rules! work {
    ($($(#[$doc:meta])* $field:ident),* $(,)?) => {
        /// Exact amounts of every primitive that a step performs. All fields are counts or bytes.
        ///
        /// Lowering predicts a `Work` for every step, the backend counts one at the primitives, and the two must be equal.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Work { $($(#[$doc])* pub $field: u64,)* }

        impl Work {
            /// The names of the fields, in the order of [`Work::values`].
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The values of the fields, in the order of [`Work::FIELDS`].
            pub fn values(&self) -> [u64; Self::FIELDS.len()] { [$(self.$field),*] }
        }

        impl Work {
            fn scale(&mut self, count: u64) { $(self.$field *= count;)* }
        }

        impl std::ops::AddAssign for Work {
            fn add_assign(&mut self, other: Self) { $(self.$field += other.$field;)* }
        }
    };
}

work! {
    /// AND gates garbled or evaluated.
    and_gates,
    /// XOR gates garbled or evaluated (free of cryptography under FreeXOR).
    xor_gates,
    /// Calls of the correlation-robust hash of garbling.
    hash_calls,
    /// Wire labels sampled, selected or decoded.
    labels,
    /// Base oblivious transfers (public-key).
    base_ots,
    /// Extended oblivious transfers.
    extended_ots,
    /// Number-theoretic transforms of one limb (forward or inverse, of the ring degree N).
    ntts,
    /// Pointwise modular multiplications of limb coefficients, outside of the transforms.
    mod_muls,
    /// Coefficients drawn from a pseudorandom stream: uniform, ternary, error and flooding ones.
    sampled_coefficients,
    /// Ciphertext × plaintext multiplications.
    he_plain_muls,
    /// Homomorphic rotations (automorphism and key switch).
    he_rotations,
    /// Key switches.
    key_switches,
    /// Ciphertexts encrypted.
    encryptions,
    /// Ciphertexts decrypted.
    decryptions,
    /// Multiply-accumulates in the share ring.
    ring_macs,
    /// Additions in the share ring (pooling, residual additions, masks).
    ring_adds,
    /// Shares that masks gather or scatter: read at one place and written to another, without arithmetic.
    moved_shares,
    /// Bytes that the client sends to the server, message headers included.
    bytes_up,
    /// Bytes that the server sends to the client, message headers included.
    bytes_down,
    /// Bytes that the client keeps from the offline to the online phase.
    stored_client_bytes,
    /// Bytes that the server keeps from the offline to the online phase.
    stored_server_bytes,
}

impl std::ops::Add for Work {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl std::iter::Sum for Work {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), std::ops::Add::add)
    }
}

impl Work {
    /// This work, `count` times over.
    pub fn times(mut self, count: u64) -> Self {
        self.scale(count);
        self
    }

    /// The fields in which two works differ: name, this value, the other value.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, u64, u64)> {
        Self::FIELDS
            .iter()
            .zip(self.values().into_iter().zip(other.values()))
            .filter(|(_, (a, b))| a != b)
            .map(|(name, (a, b))| (*name, a, b))
            .collect()
    }
}
