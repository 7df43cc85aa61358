//! Chosen messages, their bytes and their chunks, from base transfers on.

use super::tests::{base, fair, random_blocks};
use super::*;
use crate::counter::Counter;
use crate::error::BackendError;
use crate::gc::Block;
use crate::random::Seed;
use pisim_protocol::Work;
use proptest::prelude::*;

fn pair(seed: u64, secret: Block) -> (ChosenReceiver, ChosenSender) {
    let (keys, chosen) = base(seed, secret);
    let session = Seed::reproducible(seed);
    (ChosenReceiver::new(&keys, &session).unwrap(), ChosenSender::new(&chosen, secret, &session).unwrap())
}

/// What crosses the wire and what the receiver opens, in one reservation that both ends work on in their own chunks.
struct Transfer {
    columns: Vec<u8>,
    payload: Vec<u8>,
    labels: Vec<Block>,
}

fn transfer(
    (receiver, sender): (&mut ChosenReceiver, &mut ChosenSender),
    choices: &[Block],
    (zeros, delta): (&[Block], Block),
    chunks: (usize, usize),
) -> Transfer {
    let transfers = zeros.len();
    let first = receiver.reserve(transfers as u64).unwrap();
    assert_eq!(sender.reserve(transfers as u64).unwrap(), first);
    let (mine, yours) = (Counter::default(), Counter::default());
    let mut columns = vec![3; columns_bytes(transfers)];
    let (mut payload, mut labels) = (vec![4; payload_bytes(transfers)], vec![5; transfers]);
    let starts = |chunk: usize| (0..transfers).step_by(chunk * 128);
    for start in starts(chunks.0) {
        let count = (transfers - start).min(chunks.0 * 128);
        let columns = &mut columns[start * 16..][..columns_bytes(count)];
        let choices = &choices[start / 128..][..count.div_ceil(128)];
        receiver.choose_into(first + start as u64, count, choices, columns, &mine).unwrap();
    }
    for start in starts(chunks.1) {
        let count = (transfers - start).min(chunks.1 * 128);
        let columns = &columns[start * 16..][..columns_bytes(count)];
        let payload = &mut payload[start * 32..][..payload_bytes(count)];
        let zeros = &zeros[start..][..count];
        sender.send_into((0, first + start as u64), columns, (zeros, delta), payload, &yours).unwrap();
    }
    for start in starts(chunks.0) {
        let labels = &mut labels[start..(start + chunks.0 * 128).min(transfers)];
        let choices = &choices[start / 128..][..labels.len().div_ceil(128)];
        let payload = &payload[start * 32..][..labels.len() * 32];
        receiver.open_into(0, first + start as u64, choices, payload, labels, &mine).unwrap();
    }
    let transfers = transfers as u64;
    assert_eq!(mine.take(), Work { extended_ots: transfers, hash_calls: transfers, ..Work::default() });
    assert_eq!(yours.take(), Work { extended_ots: transfers, hash_calls: 2 * transfers, ..Work::default() });
    Transfer { columns, payload, labels }
}

fn check(labels: &[Block], zeros: &[Block], choices: &[Block], delta: Block) {
    for (transfer, (label, zero)) in labels.iter().zip(zeros).enumerate() {
        let choice = choices[transfer / 128] >> (transfer % 128) & 1;
        assert_eq!(*label, zero ^ (choice.wrapping_neg() & delta), "transfer {transfer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_receiver_opens_the_label_of_its_choice_in_any_chunks(
        seed: u64, secret: u128, delta: u128,
        batches in proptest::collection::vec((0usize..12_000, 1usize..80, 1usize..80), 1..4),
    ) {
        let (mut receiver, mut sender) = pair(seed, secret);
        for (transfers, mine, yours) in batches {
            let (choices, zeros) = (random_blocks(seed, transfers.div_ceil(128)), random_blocks(!seed, transfers));
            let done = transfer((&mut receiver, &mut sender), &choices, (&zeros, delta), (mine, yours));
            check(&done.labels, &zeros, &choices, delta);
        }
    }

    #[test]
    fn messages_do_not_depend_on_the_chunks(seed: u64, transfers in 1usize..12_000, blocks in 1usize..80) {
        let (choices, zeros) = (random_blocks(seed, transfers.div_ceil(128)), random_blocks(!seed, transfers));
        let ends = |chunks| {
            let (mut receiver, mut sender) = pair(seed, 77);
            transfer((&mut receiver, &mut sender), &choices, (&zeros, 5), chunks)
        };
        let whole = transfers.div_ceil(128);
        let (one, other) = (ends((whole, blocks)), ends((blocks, whole)));
        prop_assert_eq!(one.columns, other.columns);
        prop_assert_eq!(one.payload, other.payload);
    }
}

#[test]
fn sizes_around_a_block_and_a_tile_transfer_every_label() {
    for secret in [0, 1, Block::MAX, 1 << 127] {
        let (mut receiver, mut sender) = pair(4, secret);
        for transfers in [0usize, 1, 127, 128, 129, 4095, 4096, 4097] {
            let zeros = random_blocks(transfers as u64, transfers);
            for choices in [vec![0; transfers.div_ceil(128)], vec![Block::MAX; transfers.div_ceil(128)]] {
                let done = transfer((&mut receiver, &mut sender), &choices, (&zeros, 9), (64, 64));
                check(&done.labels, &zeros, &choices, 9);
                assert_eq!(done.columns.len(), transfers.div_ceil(128) * 2048);
                assert_eq!(done.payload.len(), transfers * 32);
            }
        }
    }
}

#[test]
fn both_messages_look_uniform_whatever_the_choices_and_the_labels() {
    let transfers = 1 << 15;
    let (mut receiver, mut sender) = pair(3, Block::MAX);
    for choice in [0, Block::MAX, Block::MAX / 3] {
        let choices = vec![choice; transfers / 128];
        let done = transfer((&mut receiver, &mut sender), &choices, (&vec![choice; transfers], 0), (64, 64));
        let ones = |bytes: &[u8], every: usize, at: usize| -> u64 {
            bytes
                .chunks(every)
                .map(|chunk| chunk[at..][..16].iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>())
                .sum()
        };
        for column in 0..128 {
            assert!(fair(ones(&done.columns, 2048, 16 * column), transfers as u64), "column {column}");
        }
        for half in 0..2 {
            assert!(fair(ones(&done.payload, 32, 16 * half), 128 * transfers as u64), "half {half}");
        }
        // The message that was not chosen stays masked: even equal messages are under different masks.
        assert!(done.payload.chunks(32).all(|pair| pair[..16] != pair[16..]));
    }
}

#[test]
fn equal_choices_and_labels_give_other_messages_every_time() {
    let (mut receiver, mut sender) = pair(3, 1);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let done = transfer((&mut receiver, &mut sender), &[0; 8], (&[0; 1024], 0), (8, 8));
        let blocks = done.columns.chunks(16).chain(done.payload.chunks(16));
        assert!(blocks.map(<[u8]>::to_vec).all(|block| seen.insert(block)));
    }
}

#[test]
fn messages_of_another_length_are_protocol_errors_and_other_transfers_are_refused() {
    let (mut receiver, mut sender) = pair(2, 3);
    let counter = Counter::default();
    receiver.reserve(129).unwrap();
    sender.reserve(129).unwrap();
    for (transfers, length) in [(0usize, 2048), (1, 0), (1, 2047), (1, 2049), (128, 4096), (129, 2048)] {
        let (zeros, mut payload) = (vec![0; transfers], vec![0; payload_bytes(transfers)]);
        let refused = sender.send_into((8, 0), &vec![0; length], (&zeros, 1), &mut payload, &counter);
        assert!(matches!(refused, Err(BackendError::Protocol { step: 8, .. })), "{transfers}, {length}");
    }
    for length in [0, 31, 33, 64] {
        let refused = receiver.open_into(8, 0, &[0], &vec![0; length], &mut [0], &counter);
        assert!(matches!(refused, Err(BackendError::Protocol { step: 8, .. })), "{length}");
    }
    for first in [1, 64, 256, u64::MAX - 127] {
        let mut message = vec![0; 2048];
        assert!(receiver.choose_into(first, 128, &[0], &mut message, &counter).is_err(), "{first}");
        assert!(receiver.open_into(0, first, &[0], &[0; 4096], &mut [0; 128], &counter).is_err());
        assert!(sender.send_into((0, first), &message, (&[0; 128], 1), &mut [0; 4096], &counter).is_err());
    }
    assert!(receiver.choose_into(0, 1, &[], &mut [0; 2048], &counter).is_err());
    assert!(receiver.choose_into(0, 1, &[0], &mut [0; 2047], &counter).is_err());
    assert!(sender.send_into((0, 0), &[0; 2048], (&[0], 1), &mut [0; 31], &counter).is_err());
    assert_eq!(counter.take(), Work::default());
    let (keys, chosen) = base(2, 3);
    assert!(ChosenReceiver::new(&keys[1..], &Seed::reproducible(1)).is_err());
    assert!(ChosenSender::new(&chosen[1..], 3, &Seed::reproducible(1)).is_err());
}
