//! Whole programs in the manner of VIP-Bench: products of matrices and vectors, a sort, a layer of ReLUs.

use super::raw::RawBuilder;
use crate::circuit::Wire;

/// The words of `bits`, each `width` bits wide.
fn words(bits: &[Wire], width: usize) -> Vec<&[Wire]> {
    bits.chunks(width.max(1)).collect()
}

impl RawBuilder {
    /// `Σ a·b` modulo 2^width over pairs of words; the first product starts the sum.
    pub fn sum_of_products<'a>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'a [Wire], &'a [Wire])>,
        zero: Wire,
    ) -> Vec<Wire> {
        let mut sum: Option<Vec<Wire>> = None;
        for (a, b) in pairs {
            let product = self.multiply(a, b, zero);
            sum = Some(match sum {
                Some(sum) => self.add(&sum, &product, zero),
                None => product,
            });
        }
        sum.unwrap_or_default()
    }

    /// The product of a matrix of `inner` columns and one of `inner` rows and `columns` columns, of `width`-bit
    /// words, all row by row.
    pub fn matrix_product(
        &mut self,
        a: &[Wire],
        b: &[Wire],
        [inner, columns]: [usize; 2],
        width: usize,
        zero: Wire,
    ) -> Vec<Wire> {
        let (a, b) = (words(a, width), words(b, width));
        let mut product = Vec::new();
        for row in a.chunks(inner.max(1)) {
            for column in 0..columns {
                let down = b.iter().skip(column).step_by(columns.max(1));
                let pairs = row.iter().copied().zip(down.copied());
                product.extend(self.sum_of_products(pairs, zero));
            }
        }
        product
    }

    /// Sorts `width`-bit words in two's complement upwards: `count`·(`count` − 1)/2 compare-and-swaps of neighbours,
    /// each a comparison and two selections.
    pub fn bubble_sort(&mut self, bits: &[Wire], width: usize, zero: Wire) -> Vec<Wire> {
        let mut values: Vec<Vec<Wire>> = words(bits, width).into_iter().map(<[Wire]>::to_vec).collect();
        for end in (1..values.len()).rev() {
            for pair in 0..end {
                let Some([low, high]) = values.get_mut(pair..pair + 2) else { continue };
                let swap = self.greater(low, high, zero);
                let lower = self.select(swap, high, low);
                let upper = self.select(swap, low, high);
                (*low, *high) = (lower, upper);
            }
        }
        values.concat()
    }

    /// [`RawBuilder::relu`] of every word.
    pub fn relu_layer(&mut self, bits: &[Wire], width: usize) -> Vec<Wire> {
        words(bits, width).into_iter().flat_map(|word| self.relu(word)).collect()
    }
}
