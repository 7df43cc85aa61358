//! MixColumns of AES as 97 XOR gates, 7 levels deep.
//!
//! The program was found for pisim by the greedy heuristic of Boyar and Peralta ("A new combinational logic
//! minimization technique", SEA 2010) on MixColumns' 32 × 32 matrix. Writing the sums out with shared pairs takes 108
//! gates.

use super::raw::RawBuilder;
use crate::circuit::Wire;

/// The sums of two earlier values: values 0 to 31 are the column's bits, step `i` makes value 32 + `i`.
#[rustfmt::skip]
const STEPS: [(u8, u8); 97] = [
    (7, 15), (23, 31), (15, 23), (7, 31), (6, 30), (16, 24), (0, 8), (13, 21), (14, 22), (5, 29),
    (4, 12), (1, 25), (10, 18), (3, 27), (9, 17), (2, 26), (20, 28), (11, 19), (40, 41), (6, 50),
    (29, 36), (35, 40), (23, 53), (14, 34), (46, 47), (18, 56), (9, 44), (32, 36), (23, 59), (29, 42),
    (39, 61), (12, 41), (21, 63), (20, 64), (41, 48), (13, 66), (0, 34), (37, 68), (16, 38), (35, 70),
    (33, 37), (70, 72), (8, 37), (32, 74), (54, 55), (30, 76), (26, 58), (1, 78), (43, 72), (9, 80),
    (21, 52), (14, 82), (6, 55), (31, 84), (22, 36), (39, 86), (51, 52), (13, 88), (62, 63), (28, 90),
    (25, 58), (57, 92), (2, 44), (43, 94), (43, 70), (17, 96), (68, 97), (19, 45), (33, 99), (18, 49),
    (100, 101), (26, 102), (34, 99), (44, 104), (35, 47), (49, 106), (3, 107), (28, 42), (3, 109), (100, 110),
    (25, 32), (38, 112), (46, 113), (33, 114), (96, 115), (69, 116), (48, 49), (27, 32), (94, 101), (119, 120),
    (4, 34), (118, 122), (104, 119), (123, 124), (42, 125), (111, 124), (48, 127),
];

/// The values that are the mixed column's bits.
#[rustfmt::skip]
const OUTPUTS: [u8; 32] = [
    75, 114, 79, 121, 126, 62, 89, 85,
    69, 98, 57, 105, 123, 65, 87, 54,
    73, 81, 93, 103, 111, 67, 83, 77,
    71, 117, 95, 108, 128, 91, 51, 60,
];

impl RawBuilder {
    /// The column `[2·a + 3·b + c + d, 2·b + 3·c + d + a, …]` of the bytes `[a, b, c, d]`, each least significant bit
    /// first.
    pub fn mix_column(&mut self, column: [[Wire; 8]; 4]) -> [[Wire; 8]; 4] {
        let mut values: Vec<Wire> = column.into_iter().flatten().collect();
        let at = |values: &[Wire], value: u8| values.get(usize::from(value)).copied().unwrap_or_default();
        for (a, b) in STEPS {
            let sum = self.xor(at(&values, a), at(&values, b));
            values.push(sum);
        }
        let mut bits = OUTPUTS.iter().map(|value| at(&values, *value));
        column.map(|byte| byte.map(|_| bits.next().unwrap_or_default()))
    }
}
