//! Arithmetic in the shape of the public division, shares and SHA-256 circuits: on a [`Builder`], which folds constants
//! away and builds no gate twice. One AND gate per bit of an adder, none in the last.

use crate::circuit::{Bit, Builder};

/// The carry of three bits: `carry ⊕ ((a ⊕ carry) ∧ (b ⊕ carry))`.
fn carry(builder: &mut Builder, a: Bit, b: Bit, carry: Bit) -> Bit {
    let (a, b) = (builder.xor(a, carry), builder.xor(b, carry));
    let changes = builder.and(a, b);
    builder.xor(changes, carry)
}

/// `a ⊕ b ⊕ carry` of every bit, for carries of `carrying` and `b`: `a + b` if `carrying` is `a`, `a − b` if it is `¬a`.
pub(super) fn ripple(builder: &mut Builder, a: &[Bit], carrying: &[Bit], b: &[Bit]) -> Vec<Bit> {
    let width = a.len().min(b.len());
    let mut previous = Bit::Const(false);
    let bits = a.iter().zip(carrying).zip(b).enumerate();
    bits.map(|(position, ((a, carrying), b))| {
        let differ = builder.xor(*a, *b);
        let sum = builder.xor(differ, previous);
        if position + 1 < width {
            previous = carry(builder, *carrying, *b, previous);
        }
        sum
    })
    .collect()
}

/// `¬a`.
pub(super) fn inverted(builder: &mut Builder, a: &[Bit]) -> Vec<Bit> {
    a.iter().map(|bit| builder.not(*bit)).collect()
}

/// `a + b` modulo 2^width.
pub(super) fn sum(builder: &mut Builder, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
    ripple(builder, a, a, b)
}

/// `a − b` modulo 2^width.
pub(super) fn difference(builder: &mut Builder, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
    let borrowing = inverted(builder, a);
    ripple(builder, a, &borrowing, b)
}

/// Whether `a < b`, as unsigned numbers: the last borrow of `a − b`.
pub(super) fn below(builder: &mut Builder, a: &[Bit], b: &[Bit]) -> Bit {
    a.iter().zip(b).fold(Bit::Const(false), |borrow, (a, b)| {
        let inverted = builder.not(*a);
        carry(builder, inverted, *b, borrow)
    })
}

/// `choice ? a : b` as `(a ∧ choice) ⊕ (b ∧ ¬choice)`.
pub(super) fn either(builder: &mut Builder, choice: Bit, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
    let other = builder.not(choice);
    let bits = a.iter().zip(b);
    bits.map(|(a, b)| {
        let (a, b) = (builder.and(*a, choice), builder.and(*b, other));
        builder.xor(a, b)
    })
    .collect()
}

/// `−a` as `¬(a − 1)`, for a number and its inverted bits.
pub(super) fn negative(builder: &mut Builder, a: &[Bit], inverted: &[Bit]) -> Vec<Bit> {
    let one = Bit::Const(true);
    let zeros = std::iter::repeat(Bit::Const(false));
    let mut borrow = Bit::Const(false);
    let bits = a.iter().zip(inverted).zip(std::iter::once(one).chain(zeros)).enumerate();
    bits.map(|(position, ((a, inverted), b))| {
        // The last bit is that of `a`: inverted twice.
        let bit = match position {
            0 => *a,
            _ => {
                let difference = builder.xor(*a, borrow);
                builder.not(difference)
            }
        };
        borrow = carry(builder, *inverted, b, borrow);
        bit
    })
    .collect()
}
