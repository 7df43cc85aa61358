//! Vectors for modular and ring arithmetic: the butterflies of whole transforms, which are held against the NTT
//! library, and wrapping sums.

use super::cores::{Port, Vectors, streaming};
use super::words::{Numbers, Row, Word, word};
use tfhe_ntt::prime64::Plan;

/// Points of the transforms.
const POINTS: usize = 32;

/// Arithmetic modulo a prime of at most 64 bits, by definition.
#[derive(Clone, Copy)]
struct Field(u64);

impl Field {
    fn mul(self, a: u64, b: u64) -> u64 {
        (u128::from(a) * u128::from(b) % u128::from(self.0)) as u64
    }

    fn add(self, a: u64, b: u64) -> u64 {
        ((u128::from(a) + u128::from(b)) % u128::from(self.0)) as u64
    }

    fn sub(self, a: u64, b: u64) -> u64 {
        self.add(a, self.0 - b)
    }

    fn pow(self, base: u64, exponent: u64) -> u64 {
        (0..exponent.checked_ilog2().map_or(0, |top| top + 1)).rev().fold(1, |power, bit| {
            let square = self.mul(power, power);
            if exponent >> bit & 1 == 1 { self.mul(square, base) } else { square }
        })
    }

    /// value · 2^width.
    fn montgomery(self, value: u64, width: usize) -> u64 {
        self.mul(value, ((1u128 << width) % u128::from(self.0)) as u64)
    }

    /// The modulus and its inverse modulo 2^width, as the cores take them.
    fn constants(self, width: usize) -> Row {
        // Newton's iteration doubles the right bits; an odd number is its own inverse modulo 8.
        let inverse = (0..5).fold(self.0, |x, _| x.wrapping_mul(2u64.wrapping_sub(self.0.wrapping_mul(x))));
        vec![word(self.0, width), word(inverse & (u64::MAX >> (64 - width)), width)]
    }
}

/// The largest prime of the width for which there is a transform.
fn prime(width: usize) -> u64 {
    let step = 2 * POINTS as u64;
    let top = (u64::MAX >> (64 - width)) / step * step + 1;
    let below = (0..).map(|index| top - index * step);
    below.into_iter().find(|prime| Plan::try_new(POINTS, *prime).is_some()).expect("a prime")
}

const MODULUS: [&str; 2] = ["modulus", "inverse"];

fn ports(names: &[&'static str], width: usize) -> Vec<Port> {
    names.iter().map(|name| (*name, width)).collect()
}

/// Montgomery products of random numbers and of the largest residues.
pub fn mod_multiplier(width: usize) -> Vectors {
    let field = Field(prime(width));
    let mut numbers = Numbers::new("products", 400);
    let edges = [0, 1, field.0 - 1];
    let edges = edges.into_iter().flat_map(|a| edges.map(|b| (a, b)));
    let pairs = edges.chain((0..150).map(|_| (numbers.next() % field.0, numbers.next() % field.0)));
    let case =
        |(a, b)| (vec![word(field.montgomery(a, width), width), word(b, width)], vec![word(field.mul(a, b), width)]);
    let cases: Vec<_> = pairs.map(case).collect();
    streaming(
        [&ports(&MODULUS, width), &ports(&["a", "b"], width), &ports(&["product"], width)],
        field.constants(width),
        cases,
    )
}

/// Every butterfly of the transforms of random and of largest coefficients.
pub fn mod_butterfly(width: usize) -> Vectors {
    let field = Field(prime(width));
    let mut numbers = Numbers::new("coefficients", 4 * POINTS);
    let random: Vec<u64> = (0..POINTS).map(|_| numbers.next() % field.0).collect();
    let cases = [random, vec![field.0 - 1; POINTS]].into_iter().flat_map(|data| transform(field, data, width));
    let cases: Vec<_> = cases.collect();
    streaming(
        [&ports(&MODULUS, width), &ports(&["w", "u", "v"], width), &ports(&["sum", "difference"], width)],
        field.constants(width),
        cases,
    )
}

/// The negacyclic transform of Cooley and Tukey: every butterfly's operands and results. The library must get the
/// same values, in whatever order it has them, since any root of order 2N gives the values at all of them.
fn transform(field: Field, mut data: Vec<u64>, width: usize) -> Vec<(Row, Row)> {
    let mut expected = data.clone();
    Plan::try_new(POINTS, field.0).unwrap().fwd(&mut expected);
    let group = (field.0 - 1) / (2 * POINTS as u64);
    let root = (2..).map(|base| field.pow(base, group)).find(|root| field.pow(*root, POINTS as u64) == field.0 - 1);
    let root = root.unwrap();
    let (mut butterflies, mut half) = (Vec::new(), POINTS / 2);
    while half > 0 {
        for (block, values) in data.chunks_exact_mut(2 * half).enumerate() {
            let place = POINTS / (2 * half) + block;
            let exponent = place.reverse_bits() >> (usize::BITS - POINTS.ilog2());
            let factor = field.pow(root, exponent as u64);
            let (upper, lower) = values.split_at_mut(half);
            for (u, v) in upper.iter_mut().zip(lower) {
                let operands = [field.montgomery(factor, width), *u, *v];
                let product = field.mul(factor, *v);
                (*u, *v) = (field.add(*u, product), field.sub(*u, product));
                let words = |values: &[u64]| values.iter().map(|value| word(*value, width)).collect::<Row>();
                butterflies.push((words(&operands), words(&[*u, *v])));
            }
        }
        half /= 2;
    }
    data.sort_unstable();
    expected.sort_unstable();
    assert_eq!(data, expected, "the butterflies against the library's transform");
    butterflies
}

/// Sums of random products, each of one to nine terms, and of the largest numbers.
pub fn ring_mac(width: usize) -> Vectors {
    let mask = u64::MAX >> (64 - width);
    let mut numbers = Numbers::new("terms", 1000);
    let (mut cases, mut sum, mut left): (Vec<(Row, Row)>, u64, u64) = (Vec::new(), 0, 0);
    for index in 0..300 {
        let clear = left == 0;
        left = if clear { numbers.next() % 9 } else { left - 1 };
        let [a, b] = if index < 20 { [mask; 2] } else { [numbers.next() & mask, numbers.next() & mask] };
        sum = a.wrapping_mul(b).wrapping_add(if clear { 0 } else { sum }) & mask;
        let operands: Vec<Word> = vec![word(u64::from(clear), 1), word(a, width), word(b, width)];
        cases.push((operands, vec![word(sum, width)]));
    }
    let inputs = [vec![("clear", 1)], ports(&["a", "b"], width)].concat();
    streaming([&[], &inputs, &ports(&["sum"], width)], Vec::new(), cases)
}
