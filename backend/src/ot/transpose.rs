//! Transposition of 128×128 bit blocks.

/// Transposes a 128×128 bit matrix in place: bit c of row r becomes bit r of row c.
///
/// Recursive exchange of off-diagonal quadrants (Hacker's Delight, §7-3): seven rounds of 64 exchanges.
pub(super) fn transpose(rows: &mut [u128; 128]) {
    let mut width = 64;
    let mut mask = u128::MAX >> 64;
    while width > 0 {
        let mut row = 0;
        while row < 128 {
            for low in row..row + width {
                let swap = ((rows[low] >> width) ^ rows[low + width]) & mask;
                rows[low] ^= swap << width;
                rows[low + width] ^= swap;
            }
            row += 2 * width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn transposition_swaps_row_and_column(rows in proptest::collection::vec(any::<u128>(), 128)) {
            let mut transposed: [u128; 128] = rows.clone().try_into().unwrap();
            transpose(&mut transposed);
            for (r, row) in rows.iter().enumerate() {
                for (c, column) in transposed.iter().enumerate() {
                    prop_assert_eq!(row >> c & 1, column >> r & 1);
                }
            }
        }
    }
}
