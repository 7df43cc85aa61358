//! Keys, encryption and decryption.

use super::context::HeContext;
use super::pack::{BitReader, BitWriter};
use super::sample;
use crate::error::{BackendError, Result};
use crate::random::Seed;
use pisim_protocol::Work;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The client's secret key, transformed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey {
    secret: Vec<u64>,
}

/// An encryption of zero under the secret key: −(a·s + e) and a, both transformed.
pub struct PublicKey {
    pub(super) masked: Vec<u64>,
    pub(super) uniform: Vec<u64>,
    seed: Seed,
}

/// A fresh ciphertext, transformed: c₀ = −a·s + e + ⌊q·m/t⌉ and the seed of a. On the wire it is transformed too, so both
/// parties must run the same version of the transforms.
pub struct Ciphertext {
    pub(super) masked: Vec<u64>,
    seed: Seed,
}

/// A reply in the limbs that are left, not transformed: the coefficients of c₀ that hold outputs, and all of c₁.
pub struct Reply {
    pub(super) values: Vec<Vec<u64>>,
    pub(super) uniform: Vec<Vec<u64>>,
}

impl SecretKey {
    /// A ternary secret from `seed`, and its public key.
    pub fn generate(context: &HeContext, seed: &Seed) -> (Self, PublicKey) {
        let ternary = Zeroizing::new(sample::ternary(&mut seed.derive("secret", 0).rng(), context.degree()));
        let mut secret = context.lift(&ternary);
        context.forward(&mut secret);
        let key = Self { secret };
        let masked = key.mask(context, &seed.derive("public", 0), &seed.derive("error", 0), &[]);
        let seed = seed.derive("public", 0);
        let uniform = expand(context, &seed);
        (key, PublicKey { masked, uniform, seed })
    }

    /// Encrypts plaintext coefficients below 2^k, as many as the ring's degree.
    pub fn encrypt(&self, context: &HeContext, message: &[u64], seed: &Seed) -> Ciphertext {
        let uniform_seed = seed.derive("uniform", 0);
        let masked = self.mask(context, &uniform_seed, &seed.derive("error", 0), message);
        context.counter.add(Work { encryptions: 1, ..Work::default() });
        Ciphertext { masked, seed: uniform_seed }
    }

    /// −a·s + e + ⌊q·m/t⌉, transformed, with a from a public and e from a secret seed.
    fn mask(&self, context: &HeContext, uniform_seed: &Seed, error_seed: &Seed, message: &[u64]) -> Vec<u64> {
        let mut rng = error_seed.rng();
        let errors: Zeroizing<Vec<i64>> =
            Zeroizing::new((0..context.degree()).map(|_| sample::error(&mut rng)).collect());
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
fn expand(context: &HeContext, seed: &Seed) -> Vec<u64> {
    let mut rng = seed.rng();
    let degree = context.degree();
    context.limbs.iter().flat_map(|limb| sample::uniform(&mut rng, limb.modulus, degree).collect::<Vec<_>>()).collect()
}

/// Writes all limbs of a polynomial.
fn write_poly(context: &HeContext, poly: &[u64], writer: &mut BitWriter) {
    for (limb, residues) in context.split(poly) {
        writer.write(residues.iter().copied(), limb.bits);
    }
}

/// Reads `count` residues of one limb, and refuses numbers that are none.
fn read_limb(reader: &mut BitReader<'_>, count: usize, bits: u32, modulus: u64, step: usize) -> Result<Vec<u64>> {
    let residues = reader.read(count, bits);
    if residues.iter().any(|residue| *residue >= modulus) {
        return Err(BackendError::protocol(step, "received a ciphertext with a coefficient above its modulus"));
    }
    Ok(residues)
}

fn read_poly(context: &HeContext, reader: &mut BitReader<'_>, step: usize) -> Result<Vec<u64>> {
    let mut poly = Vec::with_capacity(context.limbs.len() * context.degree());
    for limb in &context.limbs {
        poly.extend(read_limb(reader, context.degree(), limb.bits, limb.modulus, step)?);
    }
    Ok(poly)
}

impl PublicKey {
    /// Serialises the key: the seed, and the masked polynomial.
    pub fn write(&self, context: &HeContext, writer: &mut BitWriter) {
        writer.write_bytes(&self.seed.0);
        write_poly(context, &self.masked, writer);
    }

    /// Reads a key.
    ///
    /// # Errors
    /// Coefficients above their modulus.
    pub fn read(context: &HeContext, reader: &mut BitReader<'_>, step: usize) -> Result<Self> {
        let seed = Seed(reader.read_bytes());
        let masked = read_poly(context, reader, step)?;
        Ok(Self { masked, uniform: expand(context, &seed), seed })
    }
}

impl Ciphertext {
    /// Serialises the ciphertext: the seed, and the masked polynomial.
    pub fn write(&self, context: &HeContext, writer: &mut BitWriter) {
        writer.write_bytes(&self.seed.0);
        write_poly(context, &self.masked, writer);
    }

    /// Reads a ciphertext.
    ///
    /// # Errors
    /// Coefficients above their modulus.
    pub fn read(context: &HeContext, reader: &mut BitReader<'_>, step: usize) -> Result<Self> {
        let seed = Seed(reader.read_bytes());
        Ok(Self { masked: read_poly(context, reader, step)?, seed })
    }

    /// The second polynomial, transformed.
    pub(super) fn uniform(&self, context: &HeContext) -> Vec<u64> {
        expand(context, &self.seed)
    }
}

impl Reply {
    /// Serialises the reply.
    pub fn write(&self, context: &HeContext, writer: &mut BitWriter) {
        for (limb, (uniform, values)) in context.limbs.iter().zip(self.uniform.iter().zip(&self.values)) {
            writer.write(uniform.iter().copied(), limb.bits);
            writer.write(values.iter().copied(), limb.bits);
        }
    }

    /// Reads a reply with `values` outputs.
    ///
    /// # Errors
    /// Coefficients above their modulus.
    pub fn read(context: &HeContext, reader: &mut BitReader<'_>, values: usize, step: usize) -> Result<Self> {
        let mut reply = Self { values: Vec::new(), uniform: Vec::new() };
        for limb in context.limbs.iter().take(context.params.response_limbs) {
            reply.uniform.push(read_limb(reader, context.degree(), limb.bits, limb.modulus, step)?);
            reply.values.push(read_limb(reader, values, limb.bits, limb.modulus, step)?);
        }
        Ok(reply)
    }
}
