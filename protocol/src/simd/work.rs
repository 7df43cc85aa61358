//! The exact work of encryption with slots. N is the degree, L the limbs of q, and keys have one limb more.

use super::{SimdParams, SimdPlan};
use crate::work::Work;

/// Amounts that many operations share.
#[derive(Clone, Copy)]
struct Ring {
    /// N.
    degree: u64,
    /// L.
    limbs: u64,
}

impl Ring {
    /// Dividing one transformed polynomial by the special prime: its residues modulo that prime are transformed back, and
    /// forward in every other limb; every residue is multiplied by the prime's inverse.
    fn division(self) -> Work {
        Work { ntts: 1 + self.limbs, mod_muls: self.limbs * self.degree, ..Work::default() }
    }

    /// One key switch: the residues of every limb are a digit, which is transformed in all other limbs and multiplies both
    /// polynomials of its key in all; both sums are divided by the special prime.
    fn key_switch(self) -> Work {
        let digits = Work {
            ntts: self.limbs + self.limbs * self.limbs,
            mod_muls: 2 * self.limbs * (self.limbs + 1) * self.degree,
            key_switches: 1,
            ..Work::default()
        };
        digits + self.division() + self.division()
    }

    /// A ciphertext × plaintext product: encoding, and the plaintext in every limb.
    fn product(self) -> Work {
        let mod_muls = 2 * self.limbs * self.degree;
        Work { he_plain_muls: 1, ntts: 1 + self.limbs, mod_muls, ..Work::default() }
    }

    /// Making one sum a reply: a fresh encryption of zero (one ternary and two error polynomials with the public key), the
    /// mask of all slots, and flooding noise.
    fn finish(self) -> Work {
        let all = self.limbs + 1;
        let zero = Work { ntts: 3 * all, mod_muls: 2 * all * self.degree, ..Work::default() };
        let hidden = Work {
            ntts: 1 + self.limbs,
            mod_muls: all * self.degree,
            sampled_coefficients: 5 * self.degree,
            ..Work::default()
        };
        zero + self.division() + self.division() + hidden
    }
}

impl SimdParams {
    fn ring(&self) -> Ring {
        Ring { degree: self.degree as u64, limbs: self.limb_bits.len() as u64 }
    }

    /// The work of one key switch, which is part of every rotation.
    pub fn key_switch_work(&self) -> Work {
        self.ring().key_switch()
    }

    /// The work of making all keys: the secret and its square; for every key polynomial an error and the uniform half, and
    /// one product with the secret; in all but the public key the switched secret, times the special prime in one limb.
    pub fn keygen_work(&self) -> Work {
        let Ring { degree, limbs } = self.ring();
        let polynomials = self.key_polynomials();
        Work {
            ntts: (limbs + 1) * (1 + polynomials),
            mod_muls: degree * (limbs + (limbs + 1) * polynomials + polynomials - 1),
            sampled_coefficients: degree * (1 + (limbs + 2) * polynomials),
            ..Work::default()
        }
    }

    /// The work of receiving all keys: their uniform halves are expanded from their seeds.
    pub fn read_keys_work(&self) -> Work {
        let Ring { degree, limbs } = self.ring();
        Work { sampled_coefficients: (limbs + 1) * degree * self.key_polynomials(), ..Work::default() }
    }
}

impl SimdPlan {
    fn ring(&self) -> Ring {
        Ring { degree: self.degree as u64, limbs: self.limbs as u64 }
    }

    /// The work of encrypting one layer's input: every ciphertext is encoded, scaled up and transformed in every limb, and
    /// gets one product with the secret; the error and the uniform half are sampled.
    pub fn encrypt_work(&self) -> Work {
        let Ring { degree, limbs } = self.ring();
        let one = Work {
            encryptions: 1,
            ntts: 1 + limbs,
            mod_muls: (1 + 2 * limbs) * degree,
            sampled_coefficients: (1 + limbs) * degree,
            ..Work::default()
        };
        one.times(self.input_ciphertexts())
    }

    /// The work of one homomorphic linear layer: products, rotations, and making replies.
    pub fn linear_work(&self) -> Work {
        let ring = self.ring();
        let rotations = Work { he_rotations: self.rotations(), ..Work::default() };
        ring.product().times(self.plain_muls())
            + ring.key_switch().times(self.key_switches())
            + ring.finish().times(self.output_ciphertexts())
            + rotations
    }

    /// The work of decrypting one layer's replies: one product with the secret, back in every limb, scaled down, decoded.
    pub fn decrypt_work(&self) -> Work {
        let Ring { degree, limbs } = self.ring();
        let one = Work { decryptions: 1, ntts: limbs + 1, mod_muls: 2 * limbs * degree, ..Work::default() };
        one.times(self.output_ciphertexts())
    }
}
