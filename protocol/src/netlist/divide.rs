//! Division without restoring: every row adds or subtracts the divisor, as the last remainder's sign says.
//!
//! All counts and depths are those of the Bristol Fashion file divide64.

use super::shared::{either, inverted, negative, ripple};
use crate::circuit::{Bit, Builder};

/// `a / b` in two's complement, rounded towards zero; the lowest number divided by −1 is itself. Division by zero
/// gives no number that means anything.
pub(super) fn divide(builder: &mut Builder, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
    let (Some(a_sign), Some(b_sign)) = (a.last().copied(), b.last().copied()) else { return Vec::new() };
    let dividend = magnitude(builder, a, a_sign);
    let divisor = magnitude(builder, b, b_sign);
    let (quotient, not_quotient) = unsigned(builder, &dividend, &divisor);
    let sign = builder.xor(a_sign, b_sign);
    let negated = negative(builder, &quotient, &not_quotient);
    either(builder, sign, &negated, &quotient)
}

/// The number or, if its sign is set, its negative.
fn magnitude(builder: &mut Builder, a: &[Bit], sign: Bit) -> Vec<Bit> {
    let not = inverted(builder, a);
    let negated = negative(builder, a, &not);
    either(builder, sign, &negated, a)
}

/// The quotient of a dividend and a divisor below 2^(width − 1) or equal to it, and its inverted bits, which are the
/// signs of the remainders.
fn unsigned(builder: &mut Builder, dividend: &[Bit], divisor: &[Bit]) -> (Vec<Bit>, Vec<Bit>) {
    let width = divisor.len();
    let mut remainder = vec![Bit::Const(false); width];
    let mut subtract = Bit::Const(true);
    let (mut quotient, mut signs) = (Vec::with_capacity(width), Vec::with_capacity(width));
    // The first row, of a zero remainder, only says that zero is below the divisor, unless that is zero.
    let rows = std::iter::once(None).chain(dividend.iter().rev().map(|bit| Some(*bit)));
    for bit in rows {
        if let Some(bit) = bit {
            remainder.pop();
            remainder.insert(0, bit);
        }
        let carrying: Vec<Bit> = remainder.iter().map(|bit| builder.xor(*bit, subtract)).collect();
        remainder = ripple(builder, &remainder, &carrying, divisor);
        let sign = remainder.last().copied().unwrap_or(Bit::Const(false));
        subtract = builder.not(sign);
        if bit.is_some() {
            quotient.push(subtract);
            signs.push(sign);
        }
    }
    quotient.reverse();
    signs.reverse();
    (quotient, signs)
}
