//! Vectors for the tile of multiply-accumulate cells: matrix products in the ring.

use super::cores::{Ports, Vectors};
use super::words::{Numbers, Row, packed, word};

/// The terms of every sum: more than the rows need to leave before the next tile does.
pub const TERMS: usize = 9;

/// Products of random matrices, one behind the other. Row by row, the sums leave at the top.
pub fn mac_tile(rows: usize, columns: usize, width: usize) -> Vectors {
    assert!(width <= 64 && width.is_multiple_of(4) && TERMS + 1 >= 2 * rows);
    let mask = u64::MAX >> (64 - width);
    let mut numbers = Numbers::new("matrices", 2000);
    let (mut operations, mut expected): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let mut sums = vec![vec![0u64; columns]; rows];
        for term in 0..TERMS {
            let a: Vec<u64> = (0..rows).map(|_| numbers.next() & mask).collect();
            let b: Vec<u64> = (0..columns).map(|_| numbers.next() & mask).collect();
            for (sums, a) in sums.iter_mut().zip(&a) {
                for (sum, b) in sums.iter_mut().zip(&b) {
                    *sum = sum.wrapping_add(a.wrapping_mul(*b)) & mask;
                }
            }
            let [a, b] = [a, b].map(|values| packed(values.into_iter().map(|value| word(value, width))));
            let [clear, last] = [term == 0, term == TERMS - 1].map(|flag| word(u64::from(flag), 1));
            operations.push(vec![clear, last, a, b]);
        }
        expected.extend(sums.into_iter().map(|row| vec![packed(row.into_iter().map(|sum| word(sum, width)))]));
    }
    let ports = Ports {
        statics: Vec::new(),
        inputs: vec![("clear", 1), ("last", 1), ("a", rows * width), ("b", columns * width)],
        outputs: vec![("sums", columns * width)],
    };
    Vectors { ports, statics: Vec::new(), operations, expected, group: (TERMS, rows) }
}
