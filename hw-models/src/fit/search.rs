//! The search for the largest design that fits.

use super::scale::{MOST_ENGINES, MOST_LANES, MOST_ROWS, MOST_UNITS, scaled, share_products};
use super::{Accelerator, FitOptions, memory_on};
use crate::fits::slrs;
use crate::fpga::{Board, FpgaResources};
use crate::party::PartyHardware;

/// What was found.
pub(super) struct Found {
    pub party: PartyHardware,
    pub factor: f64,
    pub memory_factor: f64,
}

/// Factors that are tried: powers of 2^(1/32) from 2^-20 (one lane of the most that there can be) to 2^20, then a finer step
/// between the largest that fits and the next. Blocks of memory come in steps, so that fitting is not strictly monotone in the
/// factor and the search goes down from the top.
const STEPS_PER_OCTAVE: i32 = 32;
const OCTAVES: i32 = 20;
const FINE_STEPS: i32 = 64;

/// Memories shrink in steps of this part of their size.
const MEMORY_STEPS: u32 = 256;

/// The largest design on the board, or `None` if none fits.
pub(super) fn largest(given: &PartyHardware, board: &'static Board, options: &FitOptions) -> Option<Found> {
    let fill = |amount: u64| (u128::from(amount) * u128::from(options.fill_percent) / 100) as u64;
    let budget = board.available().map(fill);
    let given = PartyHardware { memory: memory_on(board, &given.memory), ..given.clone() };
    let design = |factor, memory| scaled(&given, board, options.grow, factor, memory);
    let fitting = |factor: f64, memory: f64| Some(design(factor, memory)).filter(|party| fits(board, &budget, party));

    let memory_fits = fitting(2f64.powi(-OCTAVES), 1.0).is_some();
    // Once memories have to shrink anyway, units come first and memories take what they leave.
    let shrunk = (1..MEMORY_STEPS).rev().map(|step| f64::from(step) / f64::from(MEMORY_STEPS));
    let memories: Vec<f64> = if memory_fits { vec![1.0] } else { shrunk.collect() };
    let with_units = |factor: f64| {
        // Whatever their memories, the units must fit; that is quick to say no to.
        fitting_logic(board, &budget, &design(factor, 1.0)).then_some(())?;
        memories.iter().find_map(|memory| Some((factor, *memory, fitting(factor, *memory)?)))
    };
    let power = |step: i32, per_octave: i32| 2f64.powf(f64::from(step) / f64::from(per_octave));
    let coarse =
        (-OCTAVES * STEPS_PER_OCTAVE..=OCTAVES * STEPS_PER_OCTAVE).rev().map(|step| power(step, STEPS_PER_OCTAVE));
    let (coarse, ..) = coarse.into_iter().find_map(with_units)?;
    let fine = (0..FINE_STEPS).rev().map(|step| coarse * power(step, STEPS_PER_OCTAVE * FINE_STEPS));
    let (factor, memory_factor, mut party) = fine.into_iter().find_map(with_units)?;
    if let Some(grow) = options.grow {
        fill_up(&mut party, board, &budget, grow);
    }
    lower_clocks(&mut party);
    Some(Found { party, factor, memory_factor })
}

/// Whether everything but memory blocks holds the design.
fn fitting_logic(board: &Board, budget: &FpgaResources, party: &PartyHardware) -> bool {
    let memories = FpgaResources { bram36: u64::MAX, uram: u64::MAX, ..*budget };
    fits(board, &memories, party)
}

/// Whether resources and SLRs hold the design, which has multipliers; clocks are lowered afterwards.
fn fits(board: &Board, budget: &FpgaResources, party: &PartyHardware) -> bool {
    let multiplies = party.he_engine.as_ref().is_none_or(|unit| unit.modmul_lanes > 0);
    multiplies && board.in_blocks(party.fpga_resources()).beyond(budget).is_empty() && slrs(board, party).is_empty()
}

/// A count of a unit, if the party has the unit.
type Count = fn(&mut PartyHardware) -> Option<&mut u64>;

/// The multipliers of an engine that has its own.
fn own_lanes(party: &mut PartyHardware) -> Option<&mut u64> {
    let own = party.he_engine.as_mut().filter(|unit| unit.design.products_on.is_none());
    own.map(|unit| &mut unit.modmul_lanes)
}

/// The counts of an accelerator that can grow one by one, and the most that files may have.
fn counts(unit: Accelerator) -> Vec<(Count, u64)> {
    match unit {
        Accelerator::GcEngine => {
            vec![(|party| party.gc_engine.as_mut().map(|unit| &mut unit.engines), MOST_ENGINES)]
        }
        Accelerator::HeEngine => vec![
            (|party| party.he_engine.as_mut().map(|unit| &mut unit.ntt_units), MOST_UNITS),
            (own_lanes, MOST_LANES),
            (|party| party.he_engine.as_mut().map(|unit| &mut unit.automorphism_lanes), MOST_LANES),
        ],
        Accelerator::MacArray => vec![
            (|party| party.mac_array.as_mut().map(|unit| &mut unit.columns), MOST_ROWS),
            (|party| party.mac_array.as_mut().map(|unit| &mut unit.rows), MOST_ROWS),
        ],
    }
}

/// Raises each count of a unit, one after the other, as far as the board holds it: by halving steps down to one.
fn fill_up(party: &mut PartyHardware, board: &Board, budget: &FpgaResources, unit: Accelerator) {
    for (count, most) in counts(unit) {
        let mut step = most;
        while step > 0 {
            let mut larger = party.clone();
            let raised = count(&mut larger).map(|count| {
                *count = count.saturating_add(step);
                *count
            });
            share_products(&mut larger);
            match raised.is_some_and(|raised| raised <= most) && fits(board, budget, &larger) {
                true => *party = larger,
                false => step /= 2,
            }
        }
    }
}

/// Lowers the clocks that the design does not reach to the whole MHz below what it reaches.
fn lower_clocks(party: &mut PartyHardware) {
    let most = (party.achievable_clock_hz().unwrap_or(f64::INFINITY) / 1e6).floor() * 1e6;
    party.gc_engine.iter_mut().for_each(|unit| unit.clock_hz = unit.clock_hz.min(most));
    party.he_engine.iter_mut().for_each(|unit| unit.clock_hz = unit.clock_hz.min(most));
    party.mac_array.iter_mut().for_each(|unit| unit.clock_hz = unit.clock_hz.min(most));
}
