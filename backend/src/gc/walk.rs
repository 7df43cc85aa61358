//! The way of one batch through a circuit, the same for garbler and evaluator: AND gates take the next table, XOR and INV
//! gates are free.

use super::hash::Block;
use super::lanes::{QUADS, Slot};
use super::plan::{GatePlan, SlotBit, SlotGate};
use super::{LANES, lanes};
use crate::simd::{Engine, Quad};
use pisim_protocol::Work;

/// The table of one AND gate in all lanes: the garbler's halves, then the evaluator's.
pub(super) type Table = [Quad; 2 * QUADS];

/// What one side does at a gate, in all lanes. `T` is the table that it writes or reads.
pub(super) trait HalfGates<E: Engine, T> {
    /// Calls of the hash for every lane.
    const HASHES: u64;

    /// The gate over slots `a` and `b`, whose tweaks are those of its instance's first gate and `tweak` more.
    fn and(&self, engine: E, slots: &mut [Slot], gate: [usize; 3], tweak: u64, table: T);

    /// What negation adds to a label.
    fn flip(&self, engine: E) -> E::Vector;
}

/// Takes `side` through all gates in order; returns the work of one lane.
#[inline(always)]
pub(super) fn walk<E: Engine, T, S: HalfGates<E, T>>(
    engine: E,
    plan: &GatePlan,
    slots: &mut [Slot],
    side: &S,
    mut tables: impl Iterator<Item = T>,
) -> Work {
    let mut work = Work::default();
    let flip = side.flip(engine);
    for gate in &plan.gates {
        match *gate {
            SlotGate::And { a, b, out } => {
                let Some(table) = tables.next() else { return work };
                side.and(engine, slots, [a, b, out], 2 * work.and_gates, table);
                work.and_gates += 1;
                work.hash_calls += S::HASHES;
            }
            SlotGate::Xor { a, b, out } => {
                for quad in 0..QUADS {
                    let sum = engine.xor(engine.load(&slots[a].0[quad]), engine.load(&slots[b].0[quad]));
                    engine.store(sum, &mut slots[out].0[quad]);
                }
                work.xor_gates += 1;
            }
            SlotGate::Inv { a, out } => {
                for quad in 0..QUADS {
                    let sum = engine.xor(engine.load(&slots[a].0[quad]), flip);
                    engine.store(sum, &mut slots[out].0[quad]);
                }
            }
        }
    }
    work
}

/// The tweaks of a batch's first AND gate. Gates of one instance and then instances follow each other, two tweaks per gate,
/// so that no tweak is ever used twice under one Δ.
pub(super) fn first_tweaks(plan: &GatePlan, first_gate: u64, first_instance: usize) -> Slot {
    let mut tweaks = Slot([[0; 4]; QUADS]);
    for (lane, tweak) in tweaks.labels_mut().iter_mut().enumerate() {
        let gate = ((first_instance + lane) as u64).wrapping_mul(plan.and_gates as u64).wrapping_add(first_gate);
        *tweak = Block::from(gate.wrapping_mul(2));
    }
    tweaks
}

/// The colours of the outputs' labels, one word per lane; constant outputs have their value.
#[inline(always)]
pub(super) fn output_colours(plan: &GatePlan, slots: &[Slot]) -> [u64; LANES] {
    let mut constants = 0;
    for (position, output) in plan.outputs.iter().enumerate() {
        if let SlotBit::Const(value) = *output {
            constants |= u64::from(value) << position;
        }
    }
    let outputs = plan.outputs.iter().enumerate().filter_map(|(position, output)| match *output {
        SlotBit::Slot(slot) => Some((position, slot)),
        SlotBit::Const(_) => None,
    });
    lanes::colours(slots, outputs).map(|word| word | constants)
}
