//! Homomorphic work in primitives, and how a layer's ciphertexts are tiled.

use crate::cost::product;

/// Homomorphic work in primitives. Encryption and decryption appear as their transforms and multiplications; the
/// engine's random-number generators are taken to keep up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeWork {
    /// Ring degree N.
    pub degree: u64,
    /// Limbs of a ciphertext polynomial.
    pub limbs: u64,
    /// Bits of a limb; 0 when it fits the engine's word.
    pub limb_bits: u64,
    /// Transforms of one limb, forward or inverse, those of key switches included.
    pub ntts: u64,
    /// Pointwise modular multiplications of coefficients, those of key switches included, those of transforms not.
    pub mod_muls: u64,
    /// Automorphisms of a ciphertext (two polynomials).
    pub automorphisms: u64,
    /// Key switches: they add the traffic of the switching key.
    pub key_switches: u64,
    /// Of `ntts`, those of key switches; an engine with a key-switch pipeline does them there.
    pub switch_ntts: u64,
    /// Of `mod_muls`, those of key switches.
    pub switch_mod_muls: u64,
    /// Bytes of one switching key; 0 for one digit per limb and one special limb.
    pub key_bytes: u64,
    /// Distinct switching keys, used in turn; 0 is one.
    pub distinct_keys: u64,
    /// Rounds that each need the result of the round before, with equal shares of the work; 0 is one.
    pub rounds: u64,
    /// Bytes of ciphertexts read from memory.
    pub input_bytes: u64,
    /// Bytes of ciphertexts written to memory.
    pub output_bytes: u64,
    /// Bytes of encoded weights read from memory.
    pub weight_bytes: u64,
    /// Bytes that should stay on chip during the work, where there is no tiling.
    pub working_set_bytes: u64,
    /// How many such working sets the work has, one after the other; 0 is one.
    pub working_sets: u64,
    /// How the ciphertexts of a linear layer are tiled.
    pub tiling: Option<HeTiling>,
}

/// A linear layer as loops over ciphertexts: each of `output_groups` needs all `input_groups`.
///
/// With coefficient packing a group of input channels has one ciphertext in every spatial tile, and so has a group of output
/// channels. With slot packing an input group is the shifted copies of one ciphertext, and an output group is one reply: the
/// sum of many products, each of which is rotated to its place first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeTiling {
    /// Groups of input ciphertexts.
    pub input_groups: u64,
    /// Ciphertexts of one input group: spatial tiles, or shifted copies.
    pub inputs_per_group: u64,
    /// Groups of output ciphertexts.
    pub output_groups: u64,
    /// Ciphertexts of one output group: spatial tiles, or 1.
    pub outputs_per_group: u64,
    /// Rotated sums of one input group in one output group; 1 without rotations.
    pub sums: u64,
    /// Weight polynomials of one sum: one for all tiles, or one for each shifted copy.
    pub weights_per_sum: u64,
    /// Rotations of one output that follow each other when all its sums are in.
    pub folds: u64,
    /// Transforms of one limb that prepare one weight polynomial.
    pub ntts_per_weight: u64,
    /// Transforms of one limb that make one output a reply.
    pub ntts_per_output: u64,
    /// Of these, those that need the output's sums.
    pub ntts_after_sums: u64,
    /// Bytes of one ciphertext on chip.
    pub ciphertext_bytes: u64,
    /// Bytes of one transformed weight polynomial on chip.
    pub weight_bytes: u64,
}

impl HeTiling {
    /// Input ciphertexts of the layer.
    pub fn inputs(&self) -> u64 {
        product(&[self.input_groups, self.inputs_per_group])
    }

    /// Output ciphertexts of the layer.
    pub fn outputs(&self) -> u64 {
        product(&[self.output_groups, self.outputs_per_group])
    }

    /// Weight polynomials of the layer.
    pub fn weights(&self) -> u64 {
        product(&[self.input_groups, self.output_groups, self.sums.max(1), self.weights_per_sum])
    }

    /// Whether sums are rotated, as with slot packing.
    pub fn rotates(&self) -> bool {
        self.sums > 1 || self.folds > 0
    }
}

impl HeWork {
    /// One hybrid key switch of a polynomial of `limbs` limbs in `digits` digits with `special` limbs more, on shared
    /// transform and multiply units: digits + 2 polynomials are transformed in all limbs, every digit multiplies both
    /// halves of its key, and both halves are divided (the accounting of BTS, ISCA'22, for its balance of compute and
    /// memory). The key has two polynomials per digit, in words of `word_bytes`.
    pub fn hybrid_key_switch(degree: u64, limbs: u64, special: u64, digits: u64, word_bytes: u64) -> Self {
        let all = limbs.saturating_add(special);
        let ntts = product(&[digits.saturating_add(2), all]);
        let mod_muls = product(&[2, digits, all, degree]).saturating_add(product(&[2, limbs, degree]));
        Self {
            degree,
            limbs,
            limb_bits: 8 * word_bytes,
            ntts,
            mod_muls,
            key_switches: 1,
            switch_ntts: ntts,
            switch_mod_muls: mod_muls,
            key_bytes: product(&[2, digits, all, degree, word_bytes]),
            ..Self::default()
        }
    }

    /// Bytes of one switching key: as given, or two polynomials of limbs + 1 limbs for each limb, in words of 4 or 8 bytes.
    pub(crate) fn key_size(&self, word_bits: u64) -> u64 {
        if self.key_bytes > 0 {
            return self.key_bytes;
        }
        let bits = if self.limb_bits == 0 { word_bits } else { self.limb_bits };
        let word_bytes = product(&[bits.div_ceil(32), 4]);
        product(&[2, self.limbs, self.limbs.saturating_add(1), self.degree, word_bytes])
    }
}
