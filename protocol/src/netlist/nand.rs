//! An adder whose carries are made of NAND gates, which are an AND and an inverter each.
//!
//! All counts and depths are those of the public adder_32bit, a file of the older Bristol format.

use super::raw::RawBuilder;
use crate::circuit::Wire;

impl RawBuilder {
    fn nand(&mut self, a: Wire, b: Wire) -> Wire {
        let both = self.and(a, b);
        self.not(both)
    }

    /// `a + b` with the carry as one bit more. The carry is `¬(¬(a ∧ b) ∧ ¬((a ∨ b) ∧ carry))`; a sum is two XORs, but
    /// the second and the last bit take `a ⊕ b` from the gates of their carry, as `(a ∨ b) ∧ ¬(a ∧ b)`.
    pub fn add_nand(&mut self, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
        let (Some((a_first, a_rest)), Some((b_first, b_rest))) = (a.split_first(), b.split_first()) else {
            return Vec::new();
        };
        let mut sum = vec![self.xor(*a_first, *b_first)];
        let mut carry = self.and(*a_first, *b_first);
        let mut no_carry = None;
        for (position, (a_bit, b_bit)) in a_rest.iter().zip(b_rest).enumerate() {
            let not_both = self.nand(*a_bit, *b_bit);
            let (not_a, not_b) = (self.not(*a_bit), self.not(*b_bit));
            let any = self.nand(not_a, not_b);
            sum.push(match no_carry {
                None => {
                    let differ = self.and(any, not_both);
                    self.xor(differ, carry)
                }
                Some(no_carry) if position + 1 == a_rest.len() => {
                    let same = self.nand(any, not_both);
                    self.xor(no_carry, same)
                }
                Some(_) => {
                    let with_carry = self.xor(*a_bit, carry);
                    self.xor(*b_bit, with_carry)
                }
            });
            let not_carried_on = self.nand(any, carry);
            let none = self.and(not_carried_on, not_both);
            carry = self.not(none);
            no_carry = Some(none);
        }
        sum.push(carry);
        sum
    }
}
