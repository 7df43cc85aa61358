//! The correlation, its bytes and its chunks, from base transfers on.

use super::*;
use crate::counter::Counter;
use crate::error::BackendError;
use crate::gc::Block;
use crate::random::Seed;
use pisim_protocol::{Work, wire};
use proptest::prelude::*;
use rand_core::Rng;

const BASE: usize = wire::BASE_OTS as usize;

pub(super) fn base(seed: u64, delta: Block) -> (Vec<KeyPair>, Vec<Seed>) {
    let (counter, seed) = (Counter::default(), Seed::reproducible(seed));
    let sender = BaseSender::new(&seed.derive("sender", 0));
    let choices: Vec<bool> = (0..BASE).map(|bit| delta >> bit & 1 == 1).collect();
    let chosen = BaseReceiver::choose(0, &sender.offer(), &choices, &seed.derive("receiver", 0), &counter).unwrap();
    let keys = sender.finish(0, &chosen.message, &counter).unwrap();
    assert_eq!(counter.take(), Work { base_ots: 2 * wire::BASE_OTS, ..Work::default() });
    (keys, chosen.keys)
}

fn pair(seed: u64, delta: Block) -> (ExtensionReceiver, ExtensionSender) {
    let (keys, chosen) = base(seed, delta);
    let (receiver, trees) = ExtensionReceiver::new(&keys).unwrap();
    assert_eq!(trees.len() as u64, wire::ot_trees_bytes());
    (receiver, ExtensionSender::new(0, &chosen, delta, &trees).unwrap())
}

pub(super) fn random_blocks(seed: u64, count: usize) -> Vec<Block> {
    let mut rng = Seed::reproducible(seed).rng();
    (0..count).map(|_| Block::from(rng.next_u64()) << 64 | Block::from(rng.next_u64())).collect()
}

/// The receiver's labels and message, and the sender's labels, of one reservation that both extend in their own chunks.
fn extend(
    (receiver, sender): (&mut ExtensionReceiver, &mut ExtensionSender),
    choices: &[Block],
    transfers: usize,
    chunks: (usize, usize),
) -> (Vec<Block>, Vec<u8>, Vec<Block>) {
    let first = receiver.reserve(transfers as u64).unwrap();
    assert_eq!(sender.reserve(transfers as u64).unwrap(), first);
    let (mut labels, mut zeros) = (vec![1; transfers], vec![2; transfers]);
    let mut message = vec![3; wire::ot_columns_bytes(transfers as u64) as usize];
    let (counter, other) = (Counter::default(), Counter::default());
    let parts = labels.chunks_mut(chunks.0 * 128).zip(message.chunks_mut(chunks.0 * 512));
    for (index, ((labels, message), choices)) in parts.zip(choices.chunks(chunks.0)).enumerate() {
        let first = first + (index * chunks.0 * 128) as u64;
        receiver.extend_into(first, choices, labels, message, &counter).unwrap();
    }
    for (index, (zeros, message)) in zeros.chunks_mut(chunks.1 * 128).zip(message.chunks(chunks.1 * 512)).enumerate() {
        let first = first + (index * chunks.1 * 128) as u64;
        sender.extend_into(0, first, message, zeros, &other).unwrap();
    }
    for counter in [counter, other] {
        assert_eq!(counter.take(), Work { extended_ots: transfers as u64, ..Work::default() });
    }
    (labels, message, zeros)
}

fn check_correlation(labels: &[Block], zeros: &[Block], choices: &[Block], delta: Block) {
    assert_eq!(labels.len(), zeros.len());
    for (transfer, (label, zero)) in labels.iter().zip(zeros).enumerate() {
        let choice = choices[transfer / 128] >> (transfer % 128) & 1;
        assert_eq!(*label, zero ^ (choice.wrapping_neg() & delta), "transfer {transfer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_transferred_label_is_the_zero_label_plus_choice_times_delta_in_any_chunks(
        seed: u64, delta: u128, batches in proptest::collection::vec((0usize..20_000, 1usize..80, 1usize..80), 1..4),
    ) {
        let (mut receiver, mut sender) = pair(seed, delta);
        for (transfers, mine, yours) in batches {
            let choices = random_blocks(seed, transfers.div_ceil(128));
            let (labels, _, zeros) = extend((&mut receiver, &mut sender), &choices, transfers, (mine, yours));
            check_correlation(&labels, &zeros, &choices, delta);
        }
    }

    #[test]
    fn labels_and_message_do_not_depend_on_the_chunks(seed: u64, transfers in 1usize..20_000, blocks in 1usize..80) {
        let choices = random_blocks(seed, transfers.div_ceil(128));
        let whole = transfers.div_ceil(128);
        let ends = |chunks| {
            let (mut receiver, mut sender) = pair(seed, 77);
            extend((&mut receiver, &mut sender), &choices, transfers, chunks)
        };
        prop_assert_eq!(ends((whole, blocks)), ends((blocks, whole)));
    }

    #[test]
    fn a_layer_of_ring_elements_transfers_the_labels_of_its_bits(
        delta: u128, elements in proptest::collection::vec(any::<u64>(), 0..200), bits in 1u32..=64,
    ) {
        let (mut receiver, mut sender) = pair(1, delta);
        let counter = Counter::default();
        let transfers = elements.len() * bits as usize;
        let (labels, message) = receiver.extend(&elements, bits, &counter).unwrap();
        prop_assert_eq!(message.bytes().len() as u64, wire::ot_columns_bytes(transfers as u64));
        let zeros = sender.extend(0, transfers, message.bytes(), &counter).unwrap();
        check_correlation(labels.blocks(), zeros.blocks(), &pack_choices(&elements, bits), delta);
    }
}

#[test]
fn sizes_around_a_block_and_a_tile_transfer_every_label() {
    for delta in [1, Block::MAX, 1 << 127 | 1] {
        let (mut receiver, mut sender) = pair(4, delta);
        for transfers in [0usize, 1, 127, 128, 129, 8191, 8192, 8193] {
            for choices in [vec![0; transfers.div_ceil(128)], vec![Block::MAX; transfers.div_ceil(128)]] {
                let (labels, message, zeros) = extend((&mut receiver, &mut sender), &choices, transfers, (64, 64));
                check_correlation(&labels, &zeros, &choices, delta);
                assert_eq!(message.len(), transfers.div_ceil(128) * 512);
            }
        }
    }
}

#[test]
fn labels_come_again_from_their_positions() {
    let (mut receiver, mut sender) = pair(9, 5);
    let choices = random_blocks(9, 100);
    let (labels, message, zeros) = extend((&mut receiver, &mut sender), &choices, 12_700, (100, 100));
    let counter = Counter::default();
    let mut again = vec![0; 1000];
    receiver.regenerate(1280, &mut again, &counter).unwrap();
    assert_eq!(again, labels[1280..2280]);
    assert_eq!(counter.take(), Work { labels: 1000, ..Work::default() });
    sender.extend_into(0, 1280, &message[10 * 512..18 * 512], &mut again, &counter).unwrap();
    assert_eq!(again, zeros[1280..2280]);
}

#[test]
fn messages_of_another_length_are_protocol_errors() {
    let (keys, chosen) = base(2, 3);
    let (_, trees) = ExtensionReceiver::new(&keys).unwrap();
    for length in [0, trees.len() - 1, trees.len() + 1] {
        let trees = trees.iter().cycle().take(length).copied().collect::<Vec<u8>>();
        let refused = ExtensionSender::new(7, &chosen, 3, &trees);
        assert!(matches!(refused, Err(BackendError::Protocol { step: 7, .. })));
    }
    let counter = Counter::default();
    let mut sender = ExtensionSender::new(7, &chosen, 3, &trees).unwrap();
    for (transfers, length) in [(0, 512), (1, 0), (1, 511), (1, 513), (128, 1024), (129, 512)] {
        let refused = sender.extend(8, transfers, &vec![0; length], &counter);
        assert!(matches!(refused, Err(BackendError::Protocol { step: 8, .. })), "{transfers}, {length}");
    }
    assert_eq!(counter.take(), Work::default());
}

#[test]
fn only_reserved_transfers_are_extended_and_none_is_reserved_twice() {
    let (mut receiver, mut sender) = pair(6, 3);
    let counter = Counter::default();
    assert_eq!((receiver.reserve(129).unwrap(), sender.reserve(129).unwrap()), (0, 0));
    assert_eq!((receiver.reserve(1).unwrap(), sender.reserve(1).unwrap()), (256, 256));
    let (mut labels, mut message) = (vec![0; 128], vec![0; 512]);
    for first in [1, 64, 384, u64::MAX - 127, u64::MAX] {
        assert!(receiver.extend_into(first, &[0], &mut labels, &mut message, &counter).is_err(), "{first}");
        assert!(receiver.regenerate(first, &mut labels, &counter).is_err());
        assert!(sender.extend_into(0, first, &message, &mut labels, &counter).is_err());
    }
    assert!(receiver.extend_into(0, &[0, 0], &mut labels, &mut message, &counter).is_err());
    assert!(receiver.extend_into(0, &[0], &mut labels, &mut message[1..], &counter).is_err());
    assert!(receiver.reserve(u64::MAX).is_err() && sender.reserve(u64::MAX).is_err());
    assert_eq!(counter.take(), Work::default());
    assert_eq!(receiver.reserve(1).unwrap(), 384);
}

#[test]
fn another_number_of_base_transfers_is_refused() {
    let (keys, chosen) = base(2, 3);
    let (_, trees) = ExtensionReceiver::new(&keys).unwrap();
    assert!(ExtensionReceiver::new(&keys[1..]).is_err());
    assert!(ExtensionSender::new(0, &chosen[1..], 3, &trees).is_err());
}

#[test]
fn bytes_that_are_no_group_element_are_a_protocol_error() {
    let (counter, seed) = (Counter::default(), Seed::reproducible(1));
    let sender = BaseSender::new(&seed);
    // Not canonical, too short, and the identity.
    for bytes in [vec![255; 32], vec![0; 3], vec![0; 32]] {
        let refused = sender.finish(9, &bytes, &counter);
        assert!(matches!(refused, Err(BackendError::Protocol { step: 9, .. })));
        let refused = BaseReceiver::choose(9, &bytes, &[true], &seed, &counter);
        assert!(matches!(refused, Err(BackendError::Protocol { step: 9, .. })));
    }
    let chosen = BaseReceiver::choose(9, &sender.offer(), &[true, false], &seed, &counter).unwrap();
    assert!(sender.finish(9, &chosen.message[1..], &counter).is_err());
}

/// Whether `ones` of `bits` fair coins is within six standard deviations: a fair coin fails once in 5·10^8.
pub(super) fn fair(ones: u64, bits: u64) -> bool {
    (2.0 * ones as f64 - bits as f64).abs() <= 6.0 * (bits as f64).sqrt()
}

#[test]
fn messages_and_labels_look_uniform_whatever_the_choices() {
    let transfers = 1 << 16;
    let (mut receiver, mut sender) = pair(3, Block::MAX);
    for choice in [0, Block::MAX, Block::MAX / 3] {
        let choices = vec![choice; transfers / 128];
        let (labels, message, zeros) = extend((&mut receiver, &mut sender), &choices, transfers, (64, 64));
        // Every vector OLE's corrections, every label column, and the distance of neighbours in both.
        for vole in 0..32 {
            let ones = |block: usize| -> u64 {
                message[block * 512 + vole * 16..][..16].iter().map(|byte| u64::from(byte.count_ones())).sum()
            };
            assert!(fair((0..transfers / 128).map(ones).sum(), transfers as u64), "vole {vole}");
        }
        for rows in [&labels, &zeros] {
            for column in 0..128 {
                let ones = rows.iter().filter(|row| **row >> column & 1 == 1).count() as u64;
                assert!(fair(ones, transfers as u64), "column {column}");
            }
            let changed = rows.windows(2).map(|pair| u64::from((pair[0] ^ pair[1]).count_ones())).sum();
            assert!(fair(changed, 128 * (transfers as u64 - 1)));
        }
    }
}

#[test]
fn equal_choices_give_other_messages_and_labels_every_time() {
    let (mut receiver, mut sender) = pair(3, 1);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let (labels, message, _) = extend((&mut receiver, &mut sender), &[0; 8], 1024, (8, 8));
        let corrections = message.as_chunks().0.iter().map(|bytes| Block::from_le_bytes(*bytes));
        assert!(labels.into_iter().chain(corrections).all(|block| seen.insert(block)));
    }
}
