//! Garbled circuits and oblivious transfers, prepared for timing.

use super::timing::{Timing, time};
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::Result;
use crate::gc::{
    Block, CHUNK, EvaluatorLabels, GarblerInputs, GatePlan, LabelSource, encode_labels, evaluate_chunk, garble_chunk,
};
use crate::ot::{BaseReceiver, BaseSender, ExtensionReceiver, ExtensionSender, pack_choices};
use crate::random::Seed;
use pisim_protocol::gadgets::{Activation, activation_circuit};
use pisim_protocol::{Party, Work, wire};
use std::hint::black_box;

/// Bits of a share in the benchmarks, and fractional bits: those of the default protocol.
pub(super) const RING_BITS: u32 = 32;
const FRACTION_BITS: u32 = 8;

/// Both sides of garbling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Garbling {
    /// Work of garbling the instances, as counted.
    pub garble: Work,
    /// Work of evaluating them.
    pub evaluate: Work,
    /// Seconds of each.
    pub garble_time: Timing,
    pub evaluate_time: Timing,
}

/// Garbles and evaluates activations whole, XORs, labels and decoding in: `chunks` chunks of `instances` one after the other,
/// each in memory of its own. One chunk's tables stay in the last-level cache; those of a layer stream to and from memory.
pub(super) fn garbling(activation: Activation, instances: usize, chunks: usize) -> Result<Garbling> {
    let plan = GatePlan::new(&activation_circuit(activation, Party::Server, RING_BITS, FRACTION_BITS))?;
    let wires = instances * RING_BITS as usize;
    let zeros: Vec<Block> = (0..wires).map(|wire| wire as Block * 0x9e37_79b9_7f4a_7c15).collect();
    let (own, values) = (LabelSource::new(&Seed::reproducible(1)), vec![5; instances]);
    let inputs = GarblerInputs {
        delta: 3 << 100 | 1,
        evaluator_zeros: &zeros,
        own: &own,
        offline_values: &values,
        first_gate: 0,
    };
    let counter = Counter::default();
    let mut tables: Vec<Buffer> = (0..chunks).map(|_| Buffer::of_blocks(instances * plan.table_blocks())).collect();
    let (mut decoding, mut outputs) = (vec![0; instances], vec![0; instances]);
    let mut garble = || {
        let mut chunk =
            |tables: &mut Buffer| garble_chunk(&plan, &inputs, 0, tables.blocks_mut(), &mut decoding, &counter);
        tables.iter_mut().try_for_each(&mut chunk)
    };
    garble()?;
    let garble_work = counter.take();
    let garble_time = time(|| _ = black_box(garble()));
    let _ = counter.take();
    // Like its tables, the labels of a chunk were kept since long.
    let kept: Vec<Vec<Block>> = vec![zeros.clone(); chunks];
    let mut evaluate = || {
        let mut chunk = |(tables, kept): (&Buffer, &Vec<Block>)| {
            let labels =
                EvaluatorLabels { garbler_online: &zeros, evaluator: kept, offline: own.offline(), first_gate: 0 };
            evaluate_chunk(&plan, &labels, 0, tables.blocks(), &decoding, &mut outputs, &counter)
        };
        tables.iter().zip(&kept).try_for_each(&mut chunk)
    };
    evaluate()?;
    let evaluate_work = counter.take();
    let evaluate_time = time(|| _ = black_box(evaluate()));
    Ok(Garbling { garble: garble_work, evaluate: evaluate_work, garble_time, evaluate_time })
}

/// Seconds per label when a garbler chooses the labels of its online inputs, chunk by chunk in the same memory.
pub(super) fn encoding() -> Timing {
    let bits = RING_BITS as usize;
    let source = LabelSource::new(&Seed::reproducible(3));
    let (counter, values) = (Counter::default(), vec![0x1234_5678_9abc_def0; CHUNK]);
    let mut labels = vec![0; CHUNK * bits];
    time(|| encode_labels(&source, 0, 3 << 100 | 1, &values, bits, &mut labels, &counter)).per((CHUNK * bits) as f64)
}

/// A receiver and a sender of oblivious transfers that know each other.
pub(super) struct Transfers {
    receiver: ExtensionReceiver,
    sender: ExtensionSender,
    counter: Counter,
}

impl Transfers {
    pub(super) fn new() -> Result<Self> {
        let (counter, seed) = (Counter::default(), Seed::reproducible(2));
        let base = BaseSender::new(&seed);
        let choices: Vec<bool> = (0..wire::BASE_OTS).map(|bit| bit % 3 == 0).collect();
        let delta = choices.iter().enumerate().map(|(bit, choice)| Block::from(*choice) << bit).sum();
        let chosen = BaseReceiver::choose(0, &base.offer(), &choices, &seed, &counter)?;
        let (receiver, trees) = ExtensionReceiver::new(&base.finish(0, &chosen.message, &counter)?)?;
        let sender = ExtensionSender::new(0, &chosen.keys, delta, &trees)?;
        Ok(Self { receiver, sender, counter })
    }

    /// Extends the transfers of one chunk of shares again and again, in the same memory: the
    /// receiver's time and the sender's, per transfer.
    pub(super) fn extend(&mut self) -> Result<[Timing; 2]> {
        let transfers = CHUNK * RING_BITS as usize;
        let shares = vec![0x1234_5678_9abc_def0; CHUNK];
        let first = self.receiver.reserve(transfers as u64)?;
        self.sender.reserve(transfers as u64)?;
        let (receiver, sender, counter) = (&self.receiver, &self.sender, &self.counter);
        let mut message = vec![0; wire::ot_columns_bytes(transfers as u64) as usize];
        let (mut labels, mut zeros) = (Buffer::of_blocks(transfers), Buffer::of_blocks(transfers));
        let mut receive = || {
            let choices = pack_choices(&shares, RING_BITS);
            receiver.extend_into(first, &choices, labels.blocks_mut(), &mut message, counter)
        };
        receive()?;
        let received = time(|| _ = black_box(receive()));
        let mut send = || sender.extend_into(0, first, &message, zeros.blocks_mut(), counter);
        send()?;
        let sent = time(|| _ = black_box(send()));
        Ok([received, sent].map(|timing| timing.per(transfers as f64)))
    }
}

/// One party's part in a base transfer: the mean of both parties.
pub(super) fn base_transfers() -> Result<Timing> {
    let (counter, seed) = (Counter::default(), Seed::reproducible(4));
    let base = BaseSender::new(&seed);
    let (offer, choices) = (base.offer(), [true; wire::BASE_OTS as usize]);
    let chosen = BaseReceiver::choose(0, &offer, &choices, &seed, &counter)?;
    let choose = time(|| drop(black_box(BaseReceiver::choose(0, &offer, &choices, &seed, &counter))));
    let finish = time(|| drop(black_box(base.finish(0, &chosen.message, &counter))));
    Ok(choose.with(finish, |choose, finish| choose + finish).per(2.0 * wire::BASE_OTS as f64))
}
