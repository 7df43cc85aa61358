//! Garbled circuits and oblivious transfers, prepared for timing.

use super::timing::{Effort, Timing};
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::Result;
use crate::gc::{
    Block, CHUNK, EvaluatorLabels, GarblerInputs, GatePlan, LabelSource, encode_labels, evaluate_chunk, evaluate_part,
    garble_chunk,
};
use crate::ot::{BaseReceiver, BaseSender, ExtensionReceiver, ExtensionSender, pack_choices};
use crate::random::Seed;
use pisim_protocol::gadgets::{Activation, activation_circuit};
use pisim_protocol::{Party, Work, wire};
use rayon::prelude::*;
use std::hint::black_box;

/// Bits of a share in the benchmarks, and fractional bits: those of the default protocol.
pub(super) const RING_BITS: u32 = 32;
const FRACTION_BITS: u32 = 8;

/// One side of garbling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    /// Work of the instances, as counted.
    pub work: Work,
    /// Seconds.
    pub time: Timing,
}

/// Chunks of garbled activations in memory of their own, with the labels to evaluate them.
pub(super) struct Garbling {
    plan: GatePlan,
    own: LabelSource,
    zeros: Vec<Block>,
    values: Vec<u128>,
    tables: Vec<Buffer>,
    decoding: Vec<u64>,
    counter: Counter,
    effort: Effort,
}

impl Garbling {
    /// One chunk's tables stay in the last-level cache; those of a layer's many chunks stream to and from memory.
    pub(super) fn new(activation: Activation, chunks: usize, effort: Effort) -> Result<Self> {
        let plan = GatePlan::new(&activation_circuit(activation, Party::Server, RING_BITS, FRACTION_BITS))?;
        let zeros = (0..CHUNK * RING_BITS as usize).map(|wire| wire as Block * 0x9e37_79b9_7f4a_7c15).collect();
        let tables = (0..chunks).map(|_| Buffer::of_blocks(CHUNK * plan.table_blocks())).collect();
        let own = LabelSource::new(&Seed::reproducible(1));
        let (values, decoding) = (vec![5; CHUNK], vec![0; CHUNK]);
        let mut garbling = Self { plan, own, zeros, values, tables, decoding, counter: Counter::default(), effort };
        garbling.garble_all()?;
        let _ = garbling.counter.take();
        Ok(garbling)
    }

    fn garble_all(&mut self) -> Result<()> {
        let inputs = GarblerInputs {
            delta: 3 << 100 | 1,
            evaluator_zeros: &self.zeros,
            own: &self.own,
            offline_values: &self.values,
            first_gate: 0,
        };
        let (plan, decoding, counter) = (&self.plan, &mut self.decoding, &self.counter);
        self.tables
            .iter_mut()
            .try_for_each(|tables| garble_chunk(plan, &inputs, 0, tables.blocks_mut(), decoding, counter))
    }

    fn evaluate_one(&self, tables: &Buffer, evaluator: &[Block], outputs: &mut [u64]) -> Result<()> {
        let (garbler_online, offline) = (self.zeros.as_slice(), self.own.offline());
        let labels = EvaluatorLabels { garbler_online, evaluator, offline, first_gate: 0 };
        evaluate_chunk(&self.plan, &labels, 0, tables.blocks(), &self.decoding, outputs, &self.counter)
    }

    /// Garbles all chunks, one after the other: XORs, labels and decoding in.
    pub(super) fn garble(&mut self) -> Result<Side> {
        self.garble_all()?;
        let work = self.counter.take();
        let time = self.effort.time(|| _ = black_box(self.garble_all()));
        let _ = self.counter.take();
        Ok(Side { work, time })
    }

    /// Evaluates all chunks, one after the other: XORs, labels and decoding in.
    pub(super) fn evaluate(&self) -> Result<Side> {
        let mut outputs = vec![0; CHUNK];
        let kept = vec![self.zeros.clone(); self.tables.len()];
        let mut all = || {
            let mut chunks = self.tables.iter().zip(&kept);
            chunks.try_for_each(|(tables, kept)| self.evaluate_one(tables, kept, &mut outputs))
        };
        all()?;
        let work = self.counter.take();
        let time = self.effort.time(|| _ = black_box(all()));
        let _ = self.counter.take();
        Ok(Side { work, time })
    }

    /// As [`Garbling::evaluate`], from chunks that were kept and are given back, with their labels wiped: each by one thread.
    pub(super) fn evaluate_kept(&self) -> Result<Side> {
        let copy = |tables: &Buffer| {
            let labels = Buffer::secret_copy(bytemuck::cast_slice(&self.zeros));
            (Buffer::from(tables.bytes().to_vec()), labels)
        };
        let kept = || self.tables.iter().map(copy).collect();
        let all = |kept: Vec<(Buffer, Buffer)>| {
            kept.into_par_iter().try_for_each(|(tables, kept)| {
                let (garbler_online, offline) = (self.zeros.as_slice(), self.own.offline());
                let labels = EvaluatorLabels { garbler_online, evaluator: kept.blocks(), offline, first_gate: 0 };
                let part = (tables.blocks(), self.decoding.as_slice(), &mut vec![0; CHUNK][..]);
                evaluate_part(&self.plan, &labels, 0, part, &self.counter)
            })
        };
        all(kept())?;
        let work = self.counter.take();
        let time = self.effort.time_prepared(kept, |kept| _ = black_box(all(kept)));
        let _ = self.counter.take();
        Ok(Side { work, time })
    }
}

/// Seconds per label when a garbler chooses the labels of its online inputs, chunk by chunk in the same memory.
pub(super) fn encoding(effort: Effort) -> Timing {
    let bits = RING_BITS as usize;
    let source = LabelSource::new(&Seed::reproducible(3));
    let (counter, values) = (Counter::default(), vec![0x1234_5678_9abc_def0; CHUNK]);
    let mut labels = vec![0; CHUNK * bits];
    effort
        .time(|| encode_labels(&source, 0, 3 << 100 | 1, &values, bits, &mut labels, &counter))
        .per((CHUNK * bits) as f64)
}

/// A receiver and a sender of oblivious transfers that know each other.
pub(super) struct Transfers {
    receiver: ExtensionReceiver,
    sender: ExtensionSender,
    counter: Counter,
    effort: Effort,
}

impl Transfers {
    pub(super) fn new(effort: Effort) -> Result<Self> {
        let (counter, seed) = (Counter::default(), Seed::reproducible(2));
        let base = BaseSender::new(&seed);
        let choices: Vec<bool> = (0..wire::BASE_OTS).map(|bit| bit % 3 == 0).collect();
        let delta = choices.iter().enumerate().map(|(bit, choice)| Block::from(*choice) << bit).sum();
        let chosen = BaseReceiver::choose(0, &base.offer(), &choices, &seed, &counter)?;
        let (receiver, trees) = ExtensionReceiver::new(&base.finish(0, &chosen.message, &counter)?)?;
        let sender = ExtensionSender::new(0, &chosen.keys, delta, &trees)?;
        Ok(Self { receiver, sender, counter, effort })
    }

    /// Extends the transfers of one chunk of shares again and again: the receiver's time and the sender's, per transfer. The
    /// receiver keeps its labels, `chunks` chunks of them; the sender uses the same memory again.
    pub(super) fn extend(&mut self, chunks: usize) -> Result<[Timing; 2]> {
        let transfers = CHUNK * RING_BITS as usize;
        let shares = vec![0x1234_5678_9abc_def0; CHUNK];
        let first = self.receiver.reserve(transfers as u64)?;
        self.sender.reserve(transfers as u64)?;
        let (receiver, sender, counter) = (&self.receiver, &self.sender, &self.counter);
        let mut message = vec![0; wire::ot_columns_bytes(transfers as u64) as usize];
        let mut kept: Vec<Buffer> = (0..chunks).map(|_| Buffer::of_blocks(transfers)).collect();
        let (mut zeros, mut next) = (Buffer::of_blocks(transfers), 0);
        let mut receive = || {
            let choices = pack_choices(&shares, RING_BITS);
            next = (next + 1) % kept.len().max(1);
            let labels = kept.get_mut(next).map_or(&mut [][..], Buffer::blocks_mut);
            receiver.extend_into(first, &choices, labels, &mut message, counter)
        };
        receive()?;
        let received = self.effort.time(|| _ = black_box(receive()));
        let mut send = || sender.extend_into(0, first, &message, zeros.blocks_mut(), counter);
        send()?;
        let sent = self.effort.time(|| _ = black_box(send()));
        Ok([received, sent].map(|timing| timing.per(transfers as f64)))
    }
}

/// One party's part in a base transfer: the mean of both parties.
pub(super) fn base_transfers(effort: Effort) -> Result<Timing> {
    let (counter, seed) = (Counter::default(), Seed::reproducible(4));
    let base = BaseSender::new(&seed);
    let (offer, choices) = (base.offer(), [true; wire::BASE_OTS as usize]);
    let chosen = BaseReceiver::choose(0, &offer, &choices, &seed, &counter)?;
    let choose = effort.time(|| drop(black_box(BaseReceiver::choose(0, &offer, &choices, &seed, &counter))));
    let finish = effort.time(|| drop(black_box(base.finish(0, &chosen.message, &counter))));
    Ok(choose.with(finish, |choose, finish| choose + finish).per(2.0 * wire::BASE_OTS as f64))
}
