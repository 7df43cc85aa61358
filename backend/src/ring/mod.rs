//! Linear work on shares in Z_2^k: convolutions and additions, all modulo 2^64 (of which 2^k is a divisor).

mod convolve;

pub(crate) use convolve::GROUP;
pub use convolve::{Pixels, convolve, convolve_pixels};

use crate::counter::Counter;
use pisim_protocol::Work;

/// `a + b`, element by element.
pub fn add(a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| a.wrapping_add(*b)).collect()
}

/// `a − b`, element by element.
pub fn sub(a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| a.wrapping_sub(*b)).collect()
}

/// `a ⊕ b`, element by element; counted as additions.
pub fn xor(a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}
