//! Punctured pseudorandom functions: trees of seeds of which the other party learns all leaves but one.
//!
//! Goldreich, Goldwasser, Micali (JACM 1986) for the tree; the transfer of a punctured tree by one base transfer per level
//! is that of Roy (CRYPTO 2022), after Boyle et al. (CCS 2019). Level l decides bit l of a leaf's number, lowest bit first.

use super::base::KeyPair;
use crate::random::Seed;
use pisim_protocol::wire;
use subtle::{Choice, ConditionallySelectable};

/// Levels of a tree, and base transfers that it takes.
pub(super) const DEPTH: usize = wire::SUBFIELD_BITS as usize;

/// Leaves of a tree.
pub(super) const LEAVES: usize = 1 << DEPTH;

/// Bytes of one tree's message.
pub(super) const TREE_BYTES: usize = (wire::ot_trees_bytes() / wire::OT_VOLES) as usize;

const SEED_BYTES: usize = wire::SEED_BYTES as usize;

fn child(node: &Seed, side: u64) -> Seed {
    node.derive("oblivious-transfer tree child", side)
}

/// Encrypts a sum under the base key of one choice; each key is used for one sum.
fn padded(sum: &Seed, key: &Seed) -> Seed {
    xor(sum, &key.derive("oblivious-transfer tree sum", 0))
}

fn xor(a: &Seed, b: &Seed) -> Seed {
    let mut sum = a.clone();
    sum.0.iter_mut().zip(&b.0).for_each(|(a, b)| *a ^= b);
    sum
}

fn sum(seeds: &[Seed]) -> Seed {
    seeds.iter().fold(Seed([0; SEED_BYTES]), |sum, seed| xor(&sum, seed))
}

fn select(zero: &Seed, one: &Seed, choice: Choice) -> Seed {
    Seed(<[u8; SEED_BYTES]>::conditional_select(&zero.0, &one.0, choice))
}

/// Grows a whole tree from both keys of its [`DEPTH`] base transfers: all leaves by number, and the message that lets the
/// peer grow its punctured tree. A peer whose point has bit b at a level chose the key b, and gets the level's side 1 − b.
pub(super) fn grow(keys: &[KeyPair], message: &mut Vec<u8>) -> Vec<Seed> {
    let Some((first, lower)) = keys.split_first() else { return Vec::new() };
    let mut nodes = vec![first.one.clone(), first.zero.clone()];
    for keys in lower {
        let left: Vec<Seed> = nodes.iter().map(|node| child(node, 0)).collect();
        let right: Vec<Seed> = nodes.iter().map(|node| child(node, 1)).collect();
        for encrypted in [padded(&sum(&right), &keys.zero), padded(&sum(&left), &keys.one)] {
            message.extend_from_slice(&encrypted.0);
        }
        nodes = left;
        nodes.extend(right);
    }
    nodes
}

/// Grows a tree punctured at `point`, from the base transfers' keys of the point's bits and from the peer's message of
/// [`TREE_BYTES`]. Leaf y of the result is the peer's leaf y ⊕ point; leaf 0 is unknown, and zero here.
///
/// Numbering leaves by their difference from the point makes neither time nor memory depend on it.
pub(super) fn grow_punctured(keys: &[Seed], point: u8, message: &[u8]) -> Vec<Seed> {
    let unknown = || Seed([0; SEED_BYTES]);
    let Some((first, lower)) = keys.split_first() else { return Vec::new() };
    let mut nodes = vec![unknown(), first.clone()];
    let (sums, _) = message.as_chunks::<SEED_BYTES>();
    for (level, (key, sums)) in lower.iter().zip(sums.chunks_exact(2)).enumerate() {
        let bit = Choice::from(point >> (level + 1) & 1);
        let (mut near, mut far) = (vec![unknown()], vec![unknown()]);
        for node in nodes.iter().skip(1) {
            let (left, right) = (child(node, 0), child(node, 1));
            near.push(select(&left, &right, bit));
            far.push(select(&right, &left, bit));
        }
        if let ([zero, one], Some(sibling)) = (sums, far.first_mut()) {
            *sibling = padded(&select(&Seed(*zero), &Seed(*one), bit), key);
        }
        let sibling = sum(&far);
        if let Some(first) = far.first_mut() {
            *first = sibling;
        }
        nodes = near;
        nodes.append(&mut far);
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(seed: u64) -> Vec<KeyPair> {
        let seed = Seed::reproducible(seed);
        let pair = |level| KeyPair { zero: seed.derive("zero", level), one: seed.derive("one", level) };
        (0..DEPTH as u64).map(pair).collect()
    }

    fn chosen(keys: &[KeyPair], point: u8) -> Vec<Seed> {
        let bit = |level: usize| point >> level & 1 == 1;
        let choose = keys.iter().enumerate().map(|(level, pair)| if bit(level) { &pair.one } else { &pair.zero });
        choose.cloned().collect()
    }

    #[test]
    fn a_punctured_tree_has_every_leaf_but_the_one_at_its_point() {
        for point in 0..LEAVES as u8 {
            let keys = keys(u64::from(point));
            let mut message = Vec::new();
            let leaves = grow(&keys, &mut message);
            assert_eq!((leaves.len(), message.len()), (LEAVES, TREE_BYTES));
            let punctured = grow_punctured(&chosen(&keys, point), point, &message);
            assert_eq!(punctured.len(), LEAVES);
            for (y, leaf) in punctured.iter().enumerate() {
                assert_eq!(leaf == &leaves[y ^ usize::from(point)], y != 0);
            }
            assert!(!punctured.contains(&leaves[usize::from(point)]));
        }
    }

    #[test]
    fn a_sum_opens_only_with_the_key_of_its_choice() {
        let keys = keys(11);
        let mut message = Vec::new();
        let leaves = grow(&keys, &mut message);
        for point in 0..LEAVES as u8 {
            for level in 1..DEPTH {
                // Keys of the point, but at one level those of the other bit, whose sum would complete the tree.
                let mut held = chosen(&keys, point);
                held[level] = chosen(&keys, !point)[level].clone();
                let opened = grow_punctured(&held, point, &message);
                let sibling = 1usize << level;
                assert!((sibling..2 * sibling).any(|y| opened[y] != leaves[y ^ usize::from(point)]));
            }
        }
        let plain: Vec<Seed> = keys.iter().map(|pair| Seed(pair.zero.0)).collect();
        assert!(message.as_chunks().0.iter().all(|sum| !leaves.contains(&Seed(*sum)) && !plain.contains(&Seed(*sum))));
    }

    #[test]
    fn all_leaves_of_a_tree_differ() {
        let leaves = grow(&keys(7), &mut Vec::new());
        for (index, leaf) in leaves.iter().enumerate() {
            assert!(!leaves[..index].contains(leaf));
        }
    }

    #[test]
    fn every_byte_of_the_message_reaches_the_peer_that_chose_its_key() {
        let keys = keys(3);
        let mut message = Vec::new();
        grow(&keys, &mut message);
        for byte in 0..TREE_BYTES {
            let mut changed = message.clone();
            changed[byte] ^= 1;
            // Sums come in pairs, one for each choice; a level's bit is that of the point.
            let (level, side) = (byte / SEED_BYTES / 2 + 1, byte / SEED_BYTES % 2);
            for point in 0..LEAVES as u8 {
                let chosen = chosen(&keys, point);
                let same = grow_punctured(&chosen, point, &message) == grow_punctured(&chosen, point, &changed);
                assert_eq!(same, usize::from(point >> level & 1) != side);
            }
        }
    }
}
