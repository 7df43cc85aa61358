//! The AES S-box as a circuit of AND depth 4: 34 AND, 94 XOR (4 of them followed by an INV).
//!
//! Source: Boyar and Peralta, "A depth-16 circuit for the AES S-box", IACR ePrint 2011/332 (as recalled; all
//! of AES is tested against FIPS-197).

use super::raw::RawBuilder;
use crate::circuit::Wire;

/// One gate of the program: `(output, left, right)`, in numbers of slots.
type Step = (usize, usize, usize);

// Slots: the input U0..U7 (most significant first), then T1..T27, M1..M63 and L0..L29; slot 8 is free so that T1 has
// slot 9.
const fn t(number: usize) -> usize {
    8 + number
}
const fn m(number: usize) -> usize {
    35 + number
}
const fn l(number: usize) -> usize {
    99 + number
}
const SLOTS: usize = l(30);

/// The linear layer in front: T1..T27 as sums of inputs and of each other.
const TOP: [Step; 27] = [
    (t(1), 0, 3),
    (t(2), 0, 5),
    (t(3), 0, 6),
    (t(4), 3, 5),
    (t(5), 4, 6),
    (t(6), t(1), t(5)),
    (t(7), 1, 2),
    (t(8), 7, t(6)),
    (t(9), 7, t(7)),
    (t(10), t(6), t(7)),
    (t(11), 1, 5),
    (t(12), 2, 5),
    (t(13), t(3), t(4)),
    (t(14), t(6), t(11)),
    (t(15), t(5), t(11)),
    (t(16), t(5), t(12)),
    (t(17), t(9), t(16)),
    (t(18), 3, 7),
    (t(19), t(7), t(18)),
    (t(20), t(1), t(19)),
    (t(21), 6, 7),
    (t(22), t(7), t(21)),
    (t(23), t(2), t(22)),
    (t(24), t(2), t(10)),
    (t(25), t(20), t(17)),
    (t(26), t(3), t(16)),
    (t(27), t(1), t(12)),
];

/// A step of the middle: a product or a sum.
#[derive(Clone, Copy)]
enum Middle {
    And(usize, usize),
    Xor(usize, usize),
}
use Middle::{And, Xor};

/// The inversion in GF(2^8): M1..M63.
const MIDDLE: [Middle; 63] = [
    And(t(13), t(6)),
    And(t(23), t(8)),
    Xor(t(14), m(1)),
    And(t(19), 7),
    Xor(m(4), m(1)),
    And(t(3), t(16)),
    And(t(22), t(9)),
    Xor(t(26), m(6)),
    And(t(20), t(17)),
    Xor(m(9), m(6)),
    And(t(1), t(15)),
    And(t(4), t(27)),
    Xor(m(12), m(11)),
    And(t(2), t(10)),
    Xor(m(14), m(11)),
    Xor(m(3), m(2)),
    Xor(m(5), t(24)),
    Xor(m(8), m(7)),
    Xor(m(10), m(15)),
    Xor(m(16), m(13)),
    Xor(m(17), m(15)),
    Xor(m(18), m(13)),
    Xor(m(19), t(25)),
    Xor(m(22), m(23)),
    And(m(22), m(20)),
    Xor(m(21), m(25)),
    Xor(m(20), m(21)),
    Xor(m(23), m(25)),
    And(m(28), m(27)),
    And(m(26), m(24)),
    And(m(20), m(23)),
    And(m(27), m(31)),
    Xor(m(27), m(25)),
    And(m(21), m(22)),
    And(m(24), m(34)),
    Xor(m(24), m(25)),
    Xor(m(21), m(29)),
    Xor(m(32), m(33)),
    Xor(m(23), m(30)),
    Xor(m(35), m(36)),
    Xor(m(38), m(40)),
    Xor(m(37), m(39)),
    Xor(m(37), m(38)),
    Xor(m(39), m(40)),
    Xor(m(42), m(41)),
    And(m(44), t(6)),
    And(m(40), t(8)),
    And(m(39), 7),
    And(m(43), t(16)),
    And(m(38), t(9)),
    And(m(37), t(17)),
    And(m(42), t(15)),
    And(m(45), t(27)),
    And(m(41), t(10)),
    And(m(44), t(13)),
    And(m(40), t(23)),
    And(m(39), t(19)),
    And(m(43), t(3)),
    And(m(38), t(22)),
    And(m(37), t(20)),
    And(m(42), t(1)),
    And(m(45), t(4)),
    And(m(41), t(2)),
];

/// The linear layer behind: L0..L29.
const BOTTOM: [(usize, usize); 30] = [
    (m(61), m(62)),
    (m(50), m(56)),
    (m(46), m(48)),
    (m(47), m(55)),
    (m(54), m(58)),
    (m(49), m(61)),
    (m(62), l(5)),
    (m(46), l(3)),
    (m(51), m(59)),
    (m(52), m(53)),
    (m(53), l(4)),
    (m(60), l(2)),
    (m(48), m(51)),
    (m(50), l(0)),
    (m(52), m(61)),
    (m(55), l(1)),
    (m(56), l(0)),
    (m(57), l(1)),
    (m(58), l(8)),
    (m(63), l(4)),
    (l(0), l(1)),
    (l(1), l(7)),
    (l(3), l(12)),
    (l(18), l(2)),
    (l(15), l(9)),
    (l(6), l(10)),
    (l(7), l(9)),
    (l(8), l(10)),
    (l(11), l(14)),
    (l(11), l(17)),
];

/// The outputs S0..S7, most significant first, and whether each is negated (the ones of the constant 0x63).
const OUTPUTS: [(usize, usize, bool); 8] = [
    (l(6), l(24), false),
    (l(16), l(26), true),
    (l(19), l(28), true),
    (l(6), l(21), false),
    (l(20), l(22), false),
    (l(25), l(29), false),
    (l(13), l(27), true),
    (l(6), l(23), true),
];

impl RawBuilder {
    /// The S-box of a byte, both least significant bit first.
    pub fn sbox(&mut self, byte: [Wire; 8]) -> [Wire; 8] {
        let mut slots = [0; SLOTS];
        for (slot, wire) in slots.iter_mut().zip(byte.iter().rev()) {
            *slot = *wire;
        }
        let at = |slots: &[Wire; SLOTS], slot: usize| slots.get(slot).copied().unwrap_or_default();
        let set = |slots: &mut [Wire; SLOTS], slot: usize, wire| {
            if let Some(slot) = slots.get_mut(slot) {
                *slot = wire;
            }
        };
        for (output, a, b) in TOP {
            let wire = self.xor(at(&slots, a), at(&slots, b));
            set(&mut slots, output, wire);
        }
        for (number, step) in MIDDLE.into_iter().enumerate() {
            let wire = match step {
                And(a, b) => self.and(at(&slots, a), at(&slots, b)),
                Xor(a, b) => self.xor(at(&slots, a), at(&slots, b)),
            };
            set(&mut slots, m(number + 1), wire);
        }
        for (number, (a, b)) in BOTTOM.into_iter().enumerate() {
            let wire = self.xor(at(&slots, a), at(&slots, b));
            set(&mut slots, l(number), wire);
        }
        let mut output = OUTPUTS.map(|(a, b, negated)| {
            let sum = self.xor(at(&slots, a), at(&slots, b));
            if negated { self.not(sum) } else { sum }
        });
        output.reverse();
        output
    }
}
