//! Choice bits, packed as the extension takes them.

use crate::gc::Block;
use crate::random::ring_mask;
use zeroize::Zeroizing;

/// The lowest `bits` bits (1 to 64) of each element, lowest first, one element after the other: the choice of transfer i is
/// bit i mod 128 of block ⌊i/128⌋. Elements in multiples of 128 fill whole blocks at any width. Wiped when dropped.
pub fn pack_choices(elements: &[u64], bits: u32) -> Zeroizing<Vec<Block>> {
    let (bits, mask) = (bits.clamp(1, 64), ring_mask(bits));
    let mut packed = Zeroizing::new(Vec::with_capacity((elements.len() * bits as usize).div_ceil(128)));
    let (mut block, mut used) = (0, 0);
    for element in elements {
        let element = Block::from(element & mask);
        block |= element << used;
        used += bits;
        if used >= 128 {
            packed.push(block);
            used -= 128;
            block = element >> (bits - used);
        }
    }
    if used > 0 {
        packed.push(block);
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_choice_is_its_bit_of_its_element(
            elements in proptest::collection::vec(any::<u64>(), 0..300), bits in 1u32..=64,
        ) {
            let packed = pack_choices(&elements, bits);
            prop_assert_eq!(packed.len(), (elements.len() * bits as usize).div_ceil(128));
            let total = elements.len() * bits as usize;
            for transfer in 0..packed.len() * 128 {
                let element = elements.get(transfer / bits as usize).filter(|_| transfer < total).copied().unwrap_or(0);
                let expected = element >> (transfer % bits as usize) & 1;
                prop_assert_eq!(packed[transfer / 128] >> (transfer % 128) & 1, Block::from(expected));
            }
        }
    }
}
