//! What a piece of homomorphic work moves between memory and the scratchpad, by loop order.

use super::{HeEngine, HeTiling, HeWork};
use crate::cost::product;
use serde::Serialize;

/// Which ciphertexts of a linear layer stay on chip while the others stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoopOrder {
    /// Output groups outside: the sums of one group stay, inputs are read again for every group unless they fit as well.
    OutputStationary,
    /// Input groups outside: one group's inputs stay, sums of all outputs go out and come back unless they fit as well.
    InputStationary,
    /// No loops: the whole working set should stay.
    Whole,
}

/// Bytes that move between memory and the scratchpad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HeTraffic {
    /// The loop order.
    pub order: LoopOrder,
    /// Input ciphertexts, read again where they did not stay.
    pub input_bytes: u64,
    /// Output ciphertexts.
    pub output_bytes: u64,
    /// Weights.
    pub weight_bytes: u64,
    /// Switching keys, read again where they did not stay.
    pub key_bytes: u64,
    /// Unfinished sums (or other live data) written out and read back because they do not fit.
    pub spilled_bytes: u64,
}

impl HeTraffic {
    /// All of it.
    pub fn total(&self) -> u64 {
        [self.input_bytes, self.output_bytes, self.weight_bytes, self.key_bytes, self.spilled_bytes]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// What stays beside what the loops need at least.
#[derive(Debug, Clone, Copy)]
enum First {
    Keys,
    Ciphertexts,
}

/// What of a tiled layer stays on chip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Residency {
    pub order: LoopOrder,
    /// Outputs stationary: sums of one output group that do not stay between input groups.
    pub spilled_sums: u64,
    /// Ciphertexts of the current input group that stay while it is used.
    pub held: u64,
    /// Outputs stationary: the first inputs that stay for all output groups.
    pub pinned: u64,
    /// Inputs stationary: the first outputs whose sums stay.
    pub outputs: u64,
    /// Bytes of switching keys that stay.
    pub key_bytes: u64,
}

impl Residency {
    /// Input ciphertexts that one output group loads of one input group: for its first sum, and for every later one.
    pub fn loads(&self, tiling: &HeTiling, output: u64, input: u64) -> [u64; 2] {
        let group = tiling.inputs_per_group;
        let missing = group - self.held.min(group);
        match self.order {
            LoopOrder::InputStationary => [if output == 0 { group } else { missing }, missing],
            _ if tiling.sums > 1 && missing > 0 => [group, missing],
            _ if output == 0 => [group, 0],
            _ => {
                // The last group stays where it was held if all others are pinned.
                let pinned = self.pinned.saturating_sub(product(&[input, group])).min(group);
                let kept = tiling.sums > 1 && self.pinned.saturating_add(self.held) >= tiling.inputs();
                [if kept { 0 } else { group - pinned }, 0]
            }
        }
    }

    /// The most sums of an output group that do not stay: those of the last one.
    pub fn most_spilled(&self, tiling: &HeTiling) -> u64 {
        self.spilled(tiling, tiling.output_groups.saturating_sub(1))
    }

    /// Sums of an output group that do not stay between input groups.
    pub fn spilled(&self, tiling: &HeTiling, output: u64) -> u64 {
        match self.order {
            LoopOrder::InputStationary => {
                let first = product(&[output, tiling.outputs_per_group]);
                tiling.outputs_per_group - self.outputs.saturating_sub(first).min(tiling.outputs_per_group)
            }
            _ => self.spilled_sums,
        }
    }
}

impl HeEngine {
    /// The least memory traffic of a piece of work.
    ///
    /// A tiled layer may take either loop order, and in each of them give what is left of the scratchpad to switching keys or
    /// to ciphertexts first. Two weight polynomials and two ciphertexts are always set aside for double buffering. All amounts
    /// are exact for these loops; there is no factor for reuse.
    pub fn traffic(&self, work: &HeWork) -> HeTraffic {
        let tiled = work.tiling.as_ref().and_then(|tiling| {
            let loops = self.loops(work, tiling).into_iter().flatten();
            loops.map(|stays| self.tiled(work, tiling, &stays)).min_by_key(HeTraffic::total)
        });
        tiled.unwrap_or_else(|| self.untiled(work))
    }

    /// The loops that a layer may take, by what stays on chip in them.
    pub(super) fn loops(&self, work: &HeWork, tiling: &HeTiling) -> [Option<Residency>; 4] {
        let keys = work.key_switches > 0;
        [
            Some(self.output_stationary(work, tiling, First::Ciphertexts)),
            Some(self.input_stationary(work, tiling, First::Ciphertexts)),
            keys.then(|| self.output_stationary(work, tiling, First::Keys)),
            keys.then(|| self.input_stationary(work, tiling, First::Keys)),
        ]
    }

    /// Everything once, keys again as far as they cannot stay beside the working set, and twice what of each does not fit.
    pub(super) fn untiled(&self, work: &HeWork) -> HeTraffic {
        let free = self.scratchpad_bytes.saturating_sub(work.working_set_bytes);
        HeTraffic {
            order: LoopOrder::Whole,
            input_bytes: work.input_bytes,
            output_bytes: work.output_bytes,
            weight_bytes: work.weight_bytes,
            key_bytes: self.key_traffic(work, free),
            spilled_bytes: product(&[
                2,
                work.working_sets.max(1),
                work.working_set_bytes.saturating_sub(self.scratchpad_bytes),
            ]),
        }
    }

    /// For each output group, its sums stay and all inputs pass. A group of inputs whose sums are rotated is used many times
    /// in a row, so it is held together first; what is left pins inputs for all output groups.
    fn output_stationary(&self, work: &HeWork, tiling: &HeTiling, first: First) -> Residency {
        let mut room = Room::of(self, tiling);
        let sums = tiling.outputs_per_group.saturating_add(u64::from(tiling.rotates()));
        let spilled_sums = sums - room.take(sums);
        let keys_first = matches!(first, First::Keys).then(|| self.keys_in(work, &mut room));
        let held = if tiling.sums > 1 { room.take(tiling.inputs_per_group) } else { 0 };
        let whole_group = tiling.sums <= 1 || held == tiling.inputs_per_group;
        let pinned = if whole_group { room.take(tiling.inputs() - held) } else { 0 };
        let key_bytes = keys_first.unwrap_or_else(|| self.keys_in(work, &mut room));
        Residency { order: LoopOrder::OutputStationary, spilled_sums, held, pinned, outputs: 0, key_bytes }
    }

    /// For each input group, its ciphertexts stay and the sums of all outputs pass.
    fn input_stationary(&self, work: &HeWork, tiling: &HeTiling, first: First) -> Residency {
        let mut room = Room::of(self, tiling);
        let held = room.take(tiling.inputs_per_group);
        // Where sums are rotated, the sum that is being made stays beside those of the outputs.
        room.take(u64::from(tiling.rotates()));
        let keys_first = matches!(first, First::Keys).then(|| self.keys_in(work, &mut room));
        let outputs = room.take(tiling.outputs());
        let key_bytes = keys_first.unwrap_or_else(|| self.keys_in(work, &mut room));
        Residency { order: LoopOrder::InputStationary, spilled_sums: 0, held, pinned: 0, outputs, key_bytes }
    }

    /// The traffic of a layer with what stays on chip.
    pub(super) fn tiled(&self, work: &HeWork, tiling: &HeTiling, stays: &Residency) -> HeTraffic {
        let passes = product(&[2, tiling.input_groups.saturating_sub(1), tiling.ciphertext_bytes]);
        let (reads, spilled) = match stays.order {
            LoopOrder::InputStationary => {
                let uses = product(&[tiling.output_groups, tiling.sums.max(1)]);
                let missing = tiling.inputs_per_group - stays.held;
                let again = product(&[tiling.input_groups, missing, uses.saturating_sub(1)]);
                (tiling.inputs().saturating_add(again), tiling.outputs() - stays.outputs)
            }
            _ => (streamed_reads(tiling, stays), product(&[stays.spilled_sums, tiling.output_groups])),
        };
        HeTraffic {
            order: stays.order,
            input_bytes: scaled(work.input_bytes, reads, tiling.inputs()),
            output_bytes: work.output_bytes,
            weight_bytes: work.weight_bytes,
            key_bytes: self.key_traffic(work, stays.key_bytes),
            spilled_bytes: product(&[spilled, passes]),
        }
    }

    /// Puts as much of the switching keys into the room as fits.
    fn keys_in(&self, work: &HeWork, room: &mut Room) -> u64 {
        let keys = product(&[work.distinct_keys.max(1), work.key_size(self.word_bits)]);
        let held = if work.key_switches == 0 { 0 } else { keys.min(room.bytes) };
        room.bytes -= held;
        held
    }

    /// Bytes of switching keys read from memory when `held` bytes of them stay: each key once, and at every later switch what of
    /// it did not stay.
    fn key_traffic(&self, work: &HeWork, held: u64) -> u64 {
        if work.key_switches == 0 {
            return 0;
        }
        let (distinct, key) = (work.distinct_keys.max(1), work.key_size(self.word_bits));
        let used = distinct.min(work.key_switches);
        let missing = product(&[distinct, key]).saturating_sub(held).div_ceil(distinct);
        product(&[used, key]).saturating_add(product(&[work.key_switches - used, missing]))
    }
}

/// Reads of input ciphertexts when outputs are stationary.
fn streamed_reads(tiling: &HeTiling, stays: &Residency) -> u64 {
    if tiling.sums > 1 && stays.held < tiling.inputs_per_group {
        // What is missing of the group is read for each of its sums.
        let missing = tiling.inputs_per_group - stays.held;
        let group = tiling.inputs_per_group.saturating_add(product(&[missing, tiling.sums - 1]));
        return product(&[tiling.input_groups, tiling.output_groups, group]);
    }
    // With all other inputs pinned, the group that is held never changes.
    let kept = if stays.pinned.saturating_add(stays.held) >= tiling.inputs() { tiling.inputs() } else { stays.pinned };
    kept.saturating_add(product(&[tiling.inputs() - kept, tiling.output_groups]))
}

/// What is left of the scratchpad.
struct Room {
    bytes: u64,
    ciphertext: u64,
}

impl Room {
    fn of(engine: &HeEngine, tiling: &HeTiling) -> Self {
        let buffers = product(&[2, tiling.weight_bytes.saturating_add(tiling.ciphertext_bytes)]);
        Self { bytes: engine.scratchpad_bytes.saturating_sub(buffers), ciphertext: tiling.ciphertext_bytes.max(1) }
    }

    /// Holds as many of `wanted` ciphertexts as fit, and says how many.
    fn take(&mut self, wanted: u64) -> u64 {
        let held = wanted.min(self.bytes / self.ciphertext);
        self.bytes -= held * self.ciphertext;
        held
    }
}

/// `bytes` of `of` ciphertexts, for `reads` reads of one ciphertext.
fn scaled(bytes: u64, reads: u64, of: u64) -> u64 {
    if let Some(all) = bytes.checked_mul(reads) {
        return all.div_ceil(of.max(1));
    }
    let all = u128::from(bytes) * u128::from(reads);
    u64::try_from(all.div_ceil(u128::from(of.max(1)))).unwrap_or(u64::MAX)
}
