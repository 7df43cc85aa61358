//! Ciphertexts and keys as bytes, in the sizes of Delphi's: a header, and a word for every residue.

use super::context::SimdContext;
use crate::error::{BackendError, Result};
use crate::he::limb::Limb;
use pisim_protocol::SimdParams;
use pisim_protocol::simd::CIPHERTEXT_HEADER_BYTES;

const HEADER: usize = CIPHERTEXT_HEADER_BYTES as usize;

/// The header of `polynomials` polynomials of `limbs` limbs, of which `bytes` follow it. Its fields are those that SEAL
/// 3.6 has before a ciphertext: sizes, a name of the parameters, the form, the shape, a scale (1) and the inner array's size.
pub(super) fn header(params: &SimdParams, polynomials: u64, limbs: u64, bytes: u64) -> [u8; HEADER] {
    let primes = params.moduli.iter().chain([&params.special, &params.plain_modulus]);
    let numbers: Vec<u8> = primes.flat_map(|prime| prime.to_le_bytes()).collect();
    let name = blake3::derive_key("pisim slot encryption parameters", &numbers);
    let start = |bytes: u64| {
        let mut start = [0; 16];
        start[..4].copy_from_slice(b"psim");
        start[8..].copy_from_slice(&bytes.to_le_bytes());
        start
    };
    let mut header = [0; HEADER];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&start(bytes + CIPHERTEXT_HEADER_BYTES));
    put(&name);
    // Transformed.
    put(&[1]);
    for word in [polynomials, params.degree as u64, limbs, 1f64.to_bits()] {
        put(&word.to_le_bytes());
    }
    put(&start(bytes));
    put(&(bytes / 8).to_le_bytes());
    header
}

/// Takes `count` bytes off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: usize, step: usize) -> Result<&'a [u8]> {
    let (front, rest) =
        bytes.split_at_checked(count).ok_or_else(|| BackendError::protocol(step, "received too few bytes"))?;
    *bytes = rest;
    Ok(front)
}

/// Takes a header off the front, which must be the expected one.
pub(super) fn take_header(bytes: &mut &[u8], expected: &[u8; HEADER], step: usize) -> Result<()> {
    if take(bytes, HEADER, step)? != expected {
        return Err(BackendError::protocol(step, "received a ciphertext of other parameters"));
    }
    Ok(())
}

/// Takes a polynomial off the front, and refuses numbers that are no residues.
pub(super) fn take_poly(limbs: &[Limb], degree: usize, bytes: &mut &[u8], step: usize) -> Result<Vec<u64>> {
    let words = take(bytes, 8 * limbs.len() * degree, step)?;
    let poly: Vec<u64> = words.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    for (limb, residues) in limbs.iter().zip(poly.chunks(degree)) {
        if residues.iter().any(|residue| *residue >= limb.modulus) {
            return Err(BackendError::protocol(step, "received a ciphertext with a coefficient above its modulus"));
        }
    }
    Ok(poly)
}

/// Writes a polynomial.
pub(super) fn put_poly(poly: &[u64], bytes: &mut [u8]) {
    bytes.as_chunks_mut().0.iter_mut().zip(poly).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
}

impl SimdContext {
    /// The header of a ciphertext.
    pub(super) fn ciphertext_header(&self) -> [u8; HEADER] {
        let limbs = self.params.moduli.len() as u64;
        header(&self.params, 2, limbs, 16 * limbs * self.params.degree as u64)
    }

    /// Writes a ciphertext: header and both polynomials.
    pub(super) fn put_ciphertext(&self, pair: &[Vec<u64>; 2], bytes: &mut [u8]) {
        let header = self.ciphertext_header();
        let (front, rest) = bytes.split_at_mut(header.len().min(bytes.len()));
        front.copy_from_slice(&header[..front.len()]);
        let half = rest.len() / 2;
        pair.iter().zip(rest.chunks_mut(half.max(1))).for_each(|(poly, bytes)| put_poly(poly, bytes));
    }

    /// Reads a ciphertext.
    ///
    /// # Errors
    /// Another length or header, or residues above their modulus.
    pub(super) fn take_ciphertext(&self, bytes: &mut &[u8], step: usize) -> Result<[Vec<u64>; 2]> {
        take_header(bytes, &self.ciphertext_header(), step)?;
        let mut poly = || take_poly(self.q(), self.params.degree, bytes, step);
        Ok([poly()?, poly()?])
    }
}
