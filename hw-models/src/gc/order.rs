//! The order in which the engines get gates.

use super::program::half;
use super::{Netlist, Order};

/// Gates in the order of the program: its `i`-th instruction is gate `order[i]`; `None` is the circuit's own order.
pub(super) fn sequence(netlist: &Netlist, order: Order, window: u64) -> Option<Vec<u32>> {
    let gates = netlist.gates.len();
    match order {
        Order::Baseline => None,
        Order::Full => Some(by_level(&netlist.levels(), 0, gates)),
        Order::Segment => {
            // A segment's outputs are a half of the window, so that the order inside does not change what has left it.
            let segment = usize::try_from(half(window)).unwrap_or(usize::MAX);
            let inputs = netlist.inputs as usize;
            let levels = netlist.levels();
            let mut sorted = Vec::with_capacity(gates);
            while sorted.len() < gates {
                let start = sorted.len();
                let left = segment - inputs.wrapping_add(start) % segment;
                sorted.extend(by_level(&levels, start, gates.min(start.saturating_add(left))));
            }
            Some(sorted)
        }
    }
}

/// The gates `start..end` by level, those of a level in the circuit's order: a counting sort.
fn by_level(levels: &[u32], start: usize, end: usize) -> Vec<u32> {
    let part = levels.get(start..end).unwrap_or_default();
    let (Some(least), Some(most)) = (part.iter().min(), part.iter().max()) else { return Vec::new() };
    let mut next = vec![0u32; (most - least) as usize + 2];
    for level in part {
        if let Some(count) = next.get_mut((level - least) as usize + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for count in &mut next {
        sum += *count;
        *count = sum;
    }
    let mut sorted = vec![0; part.len()];
    for (gate, level) in (start as u32..).zip(part) {
        if let Some(place) = next.get_mut((level - least) as usize) {
            if let Some(slot) = sorted.get_mut(*place as usize) {
                *slot = gate;
            }
            *place += 1;
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gc::{Gate, Op};

    fn chain_beside_independent_gates() -> Netlist {
        // Levels 1, 2, 1, 3, 1.
        let gate = |a, b| Gate { op: Op::Xor, a, b };
        let gates = vec![gate(0, 1), gate(2, 1), gate(0, 0), gate(3, 1), gate(1, 1)];
        Netlist { inputs: 2, gates, ..Netlist::default() }
    }

    #[test]
    fn full_order_is_by_level_and_stable() {
        let netlist = chain_beside_independent_gates();
        assert_eq!(sequence(&netlist, Order::Full, 1_000), Some(vec![0, 2, 4, 1, 3]));
        assert_eq!(sequence(&netlist, Order::Baseline, 1_000), None);
    }

    #[test]
    fn segments_are_halves_of_the_window_over_all_wires() {
        let netlist = chain_beside_independent_gates();
        // Inputs are wires 0 and 1: gate 0 is in the first half of three wires, gates 1 to 3 in the second.
        assert_eq!(sequence(&netlist, Order::Segment, 6), Some(vec![0, 2, 1, 3, 4]));
        assert_eq!(sequence(&netlist, Order::Segment, 1_000), sequence(&netlist, Order::Full, 1_000));
        assert_eq!(sequence(&netlist, Order::Segment, 2), Some(vec![0, 1, 2, 3, 4]));
    }
}
