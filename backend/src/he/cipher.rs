//! Keys, encryption and decryption.

use super::context::HeContext;
use super::pack::{BitReader, BitWriter};
use super::reply::Reply;
use super::sample::Sampler;
use crate::error::{BackendError, Result};
use crate::random::Seed;
use pisim_protocol::Work;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The client's secret key, transformed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey {
    pub(super) secret: Vec<u64>,
}

/// An encryption of zero under the secret key: −(a·s + e), transformed, and the seed of a, which is taken as transformed.
pub struct PublicKey {
    pub(super) masked: Vec<u64>,
    pub(super) seed: Seed,
}

/// A fresh ciphertext, transformed: c₀ = −a·s + e + ⌊q·m/t⌉ and the seed of a. On the wire it is transformed too, so both
/// parties must run the same version of the transforms.
pub struct Ciphertext {
    pub(super) masked: Vec<u64>,
    pub(super) seed: Seed,
}

impl SecretKey {
    /// A ternary secret from `seed`, and its public key.
    pub fn generate(context: &HeContext, seed: &Seed) -> (Self, PublicKey) {
        let mut sampler = Sampler::new(&seed.derive("secret", 0));
        let ternary = Zeroizing::new(sampler.ternary(context.degree()));
        context.count_samples(ternary.len());
        let mut secret = context.lift(&ternary);
        context.forward(&mut secret);
        let key = Self { secret };
        let public = seed.derive("public", 0);
        let masked = key.mask(context, &public, &seed.derive("error", 0), &[]);
        (key, PublicKey { masked, seed: public })
    }

    /// Encrypts plaintext coefficients below 2^k, as many as the ring's degree.
    pub fn encrypt(&self, context: &HeContext, message: &[u64], seed: &Seed) -> Ciphertext {
        let uniform = seed.derive("uniform", 0);
        let masked = self.mask(context, &uniform, &seed.derive("error", 0), message);
        context.counter.add(Work { encryptions: 1, ..Work::default() });
        Ciphertext { masked, seed: uniform }
    }

    /// −a·s + e + ⌊q·m/t⌉, transformed, with a from a public and e from a secret seed.
    fn mask(&self, context: &HeContext, uniform_seed: &Seed, error_seed: &Seed, message: &[u64]) -> Vec<u64> {
        let errors = Zeroizing::new(Sampler::new(error_seed).errors(context.degree()));
        context.count_samples(errors.len());
        let mut masked = context.lift(&errors);
        for (limb, residues) in context.split_mut(&mut masked) {
            context.add_scaled(limb, residues, message);
        }
        context.forward(&mut masked);
        let mut negative = expand(context, uniform_seed);
        for (limb, residues) in context.split_mut(&mut negative) {
            for residue in residues {
                *residue = limb.sub(0, *residue);
            }
        }
        context.mul_add(&mut masked, &negative, &self.secret);
        masked
    }

    /// Decrypts the coefficients at `positions`, which are those that the reply holds.
    pub fn decrypt(&self, context: &HeContext, reply: &Reply, positions: &[usize]) -> Vec<u64> {
        let mut uniform = reply.uniform.concat();
        context.forward(&mut uniform);
        let mut phase = vec![0; uniform.len()];
        context.mul_add(&mut phase, &uniform, &self.secret);
        context.inverse(&mut phase);
        context.counter.add(Work { decryptions: 1, ..Work::default() });
        let sums = context.split(&phase).zip(&reply.values).map(|((limb, phase), values)| {
            let values = values.iter().copied().chain(std::iter::repeat(0));
            positions.iter().zip(values).map(|(position, value)| limb.add(phase[*position], value)).collect()
        });
        context.scale_down(&sums.collect::<Vec<_>>())
    }
}

/// The uniform polynomial of a public seed, taken as transformed.
pub(super) fn expand(context: &HeContext, seed: &Seed) -> Vec<u64> {
    let (mut sampler, degree) = (Sampler::new(seed), context.degree());
    let mut uniform = Vec::with_capacity(context.limbs.len() * degree);
    for limb in &context.limbs {
        sampler.uniform(limb.modulus, degree, &mut uniform);
    }
    context.count_samples(uniform.len());
    uniform
}

/// Writes a seed, and all limbs of a polynomial.
fn write_seeded(context: &HeContext, seed: &Seed, poly: &[u64], writer: &mut BitWriter) {
    writer.write_bytes(&seed.0);
    for (limb, residues) in context.split(poly) {
        writer.write(residues.iter().copied(), limb.bits);
    }
}

/// Reads a seed and all limbs of a polynomial, and refuses numbers that are no residues.
fn read_seeded(context: &HeContext, reader: &mut BitReader<'_>, step: usize) -> Result<(Seed, Vec<u64>)> {
    let seed = Seed(reader.read_bytes());
    let mut poly = Vec::with_capacity(context.limbs.len() * context.degree());
    for limb in &context.limbs {
        let first = poly.len();
        reader.read_into(&mut poly, context.degree(), limb.bits);
        if poly.iter().skip(first).any(|residue| *residue >= limb.modulus) {
            return Err(BackendError::protocol(step, "received a ciphertext with a coefficient above its modulus"));
        }
    }
    Ok((seed, poly))
}

impl PublicKey {
    /// Serialises the key: the seed, and the masked polynomial.
    pub fn write(&self, context: &HeContext, writer: &mut BitWriter) {
        write_seeded(context, &self.seed, &self.masked, writer);
    }

    /// Reads a key.
    ///
    /// # Errors
    /// Coefficients above their modulus.
    pub fn read(context: &HeContext, reader: &mut BitReader<'_>, step: usize) -> Result<Self> {
        let (seed, masked) = read_seeded(context, reader, step)?;
        Ok(Self { masked, seed })
    }
}

impl Ciphertext {
    /// Serialises the ciphertext: the seed, and the masked polynomial.
    pub fn write(&self, context: &HeContext, writer: &mut BitWriter) {
        write_seeded(context, &self.seed, &self.masked, writer);
    }

    /// Reads a ciphertext.
    ///
    /// # Errors
    /// Coefficients above their modulus.
    pub fn read(context: &HeContext, reader: &mut BitReader<'_>, step: usize) -> Result<Self> {
        let (seed, masked) = read_seeded(context, reader, step)?;
        Ok(Self { masked, seed })
    }
}
