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
    /// The loop order with the least traffic.
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

impl HeEngine {
    /// Memory traffic of a piece of work.
    ///
    /// A tiled layer takes the cheaper of both loop orders, and in each of them gives what is left of the scratchpad to
    /// switching keys or to ciphertexts first, whichever saves more. Two weight polynomials and two ciphertexts are always
    /// set aside for double buffering. All amounts are exact for these loops; there is no factor for reuse.
    pub fn traffic(&self, work: &HeWork) -> HeTraffic {
        let Some(tiling) = &work.tiling else { return self.untiled(work) };
        let orders = [
            self.output_stationary(work, tiling, First::Ciphertexts),
            self.output_stationary(work, tiling, First::Keys),
            self.input_stationary(work, tiling, First::Ciphertexts),
            self.input_stationary(work, tiling, First::Keys),
        ];
        let [mut best, rest @ ..] = orders;
        for other in rest {
            if other.total() < best.total() {
                best = other;
            }
        }
        best
    }

    /// Everything once, keys again as far as they cannot stay beside the working set, and twice what of it does not fit.
    fn untiled(&self, work: &HeWork) -> HeTraffic {
        let free = self.scratchpad_bytes.saturating_sub(work.working_set_bytes);
        HeTraffic {
            order: LoopOrder::Whole,
            input_bytes: work.input_bytes,
            output_bytes: work.output_bytes,
            weight_bytes: work.weight_bytes,
            key_bytes: self.key_traffic(work, free),
            spilled_bytes: product(&[2, work.working_set_bytes.saturating_sub(self.scratchpad_bytes)]),
        }
    }

    /// For each output group, its sums stay and all inputs pass. A group of inputs whose sums are rotated is used many times
    /// in a row, so it is held together first; what is left pins inputs for all output groups.
    fn output_stationary(&self, work: &HeWork, tiling: &HeTiling, first: First) -> HeTraffic {
        let mut room = Room::of(self, tiling);
        let sums = tiling.outputs_per_group.saturating_add(u64::from(tiling.rotates()));
        let spilled = sums - room.take(sums);
        let keys_first = matches!(first, First::Keys).then(|| self.keys_from(work, &mut room));
        let again = product(&[tiling.input_groups, tiling.output_groups]);
        let reads = if tiling.sums > 1 {
            let held = room.take(tiling.inputs_per_group);
            if held < tiling.inputs_per_group {
                let missing = tiling.inputs_per_group - held;
                product(&[again, tiling.inputs_per_group.saturating_add(product(&[missing, tiling.sums - 1]))])
            } else {
                let others = tiling.inputs() - held;
                let pinned = room.take(others);
                // With all other inputs pinned, the last group stays as well.
                let kept = if pinned == others { tiling.inputs() } else { pinned };
                kept.saturating_add(product(&[tiling.inputs() - kept, tiling.output_groups]))
            }
        } else {
            let pinned = room.take(tiling.inputs());
            pinned.saturating_add(product(&[tiling.inputs() - pinned, tiling.output_groups]))
        };
        let passes = tiling.input_groups.saturating_sub(1);
        HeTraffic {
            order: LoopOrder::OutputStationary,
            input_bytes: scaled(work.input_bytes, reads, tiling.inputs()),
            output_bytes: work.output_bytes,
            weight_bytes: work.weight_bytes,
            key_bytes: keys_first.unwrap_or_else(|| self.keys_from(work, &mut room)),
            spilled_bytes: product(&[2, spilled, passes, tiling.output_groups, tiling.ciphertext_bytes]),
        }
    }

    /// For each input group, its ciphertexts stay and the sums of all outputs pass.
    fn input_stationary(&self, work: &HeWork, tiling: &HeTiling, first: First) -> HeTraffic {
        let mut room = Room::of(self, tiling);
        let missing = tiling.inputs_per_group - room.take(tiling.inputs_per_group);
        let uses = product(&[tiling.output_groups, tiling.sums.max(1)]);
        let again = product(&[tiling.input_groups, missing, uses.saturating_sub(1)]);
        // Where sums are rotated, the sum that is being made stays beside those of the outputs.
        room.take(u64::from(tiling.rotates()));
        let keys_first = matches!(first, First::Keys).then(|| self.keys_from(work, &mut room));
        let spilled = tiling.outputs() - room.take(tiling.outputs());
        let passes = tiling.input_groups.saturating_sub(1);
        HeTraffic {
            order: LoopOrder::InputStationary,
            input_bytes: scaled(work.input_bytes, tiling.inputs().saturating_add(again), tiling.inputs()),
            output_bytes: work.output_bytes,
            weight_bytes: work.weight_bytes,
            key_bytes: keys_first.unwrap_or_else(|| self.keys_from(work, &mut room)),
            spilled_bytes: product(&[2, spilled, passes, tiling.ciphertext_bytes]),
        }
    }

    /// Key traffic with the keys that the room holds.
    fn keys_from(&self, work: &HeWork, room: &mut Room) -> u64 {
        let keys = product(&[work.distinct_keys.max(1), work.key_size(self.word_bits)]);
        let held = if work.key_switches == 0 { 0 } else { keys.min(room.bytes) };
        room.bytes -= held;
        self.key_traffic(work, held)
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
    let all = u128::from(bytes) * u128::from(reads);
    u64::try_from(all.div_ceil(u128::from(of.max(1)))).unwrap_or(u64::MAX)
}
