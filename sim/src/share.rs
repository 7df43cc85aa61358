//! Max-min fair sharing of memory bandwidth and of cores, by exact progressive filling.

/// One flow: a job that moves bytes while it works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flow {
    /// The most that it can use, bytes per second; infinite for a job that does nothing but move bytes.
    pub cap: f64,
    /// The memory that it reads or writes, or [`NO_MEMORY`].
    pub memory: usize,
    /// A second memory that the same bytes pass, for a copy from one to the other.
    pub copy_to: Option<usize>,
}

/// The memory of a flow that only its cap limits.
pub(crate) const NO_MEMORY: usize = usize::MAX;

impl Flow {
    fn uses(&self, memory: usize) -> bool {
        self.memory == memory || self.copy_to == Some(memory)
    }
}

/// Scratch space of [`fill`], kept between calls so that the event loop does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    settled: Vec<bool>,
    memories: Vec<Level>,
}

/// A memory while it is divided: what is left, and how many flows still rise.
#[derive(Debug, Clone, Copy)]
struct Level {
    left: f64,
    rising: usize,
}

/// The max-min fair rate of every flow, bytes per second, in the order of `flows`, which must be sorted by their caps.
///
/// Progressive filling: all rates rise together; a flow stops at its cap, and all flows of a memory stop when it is full.
/// The result is exact, because the common level only rises from one step to the next: flows are settled in order of
/// their caps as long as the cap is below every memory's level, and otherwise the fullest memory settles all of its own.
pub(crate) fn fill(flows: &[Flow], bandwidth: &[f64], scratch: &mut Filling, rates: &mut Vec<f64>) {
    let Filling { settled, memories } = scratch;
    rates.clear();
    rates.extend(flows.iter().map(|flow| flow.cap));
    memories.clear();
    memories.extend(bandwidth.iter().map(|&left| Level { left, rising: 0 }));
    for flow in flows {
        take(memories, flow, flow.cap, 1);
    }
    if memories.iter().all(|memory| memory.left >= 0.0) {
        return;
    }
    for (memory, &bandwidth) in memories.iter_mut().zip(bandwidth) {
        memory.left = bandwidth;
    }
    settled.clear();
    settled.resize(flows.len(), false);
    for position in 0..flows.len() {
        // A memory may have settled this flow already; every turn of the inner loop settles at least one.
        while !settled.get(position).copied().unwrap_or(true) {
            let Some((full, level)) = fullest(memories) else { return };
            let Some(flow) = flows.get(position) else { return };
            if flow.cap <= level {
                take(memories, flow, flow.cap, -1);
                if let Some(done) = settled.get_mut(position) {
                    *done = true;
                }
                continue;
            }
            for ((flow, rate), done) in flows.iter().zip(rates.iter_mut()).zip(settled.iter_mut()).skip(position) {
                if !*done && flow.uses(full) {
                    take(memories, flow, level, -1);
                    (*rate, *done) = (level, true);
                }
            }
        }
    }
}

/// The most that each of `wanted` gets of `capacity` when all get the same or what they want; infinite if all get what they
/// want. Sorts `wanted`.
pub(crate) fn even_level(wanted: &mut [f64], capacity: f64) -> f64 {
    wanted.sort_by(f64::total_cmp);
    let (mut left, mut rest) = (capacity, wanted.len());
    for &want in wanted.iter() {
        let level = left / rest as f64;
        if want > level {
            return level;
        }
        left -= want;
        rest -= 1;
    }
    f64::INFINITY
}

/// The memory with the lowest level at which it would be full, among those with flows that still rise.
fn fullest(memories: &[Level]) -> Option<(usize, f64)> {
    let rising = memories.iter().enumerate().filter(|(_, memory)| memory.rising > 0);
    rising
        .map(|(number, memory)| (number, memory.left.max(0.0) / memory.rising as f64))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Takes a rate from the flow's memories, and changes the number of their rising flows.
fn take(memories: &mut [Level], flow: &Flow, rate: f64, flows: isize) {
    for number in [Some(flow.memory), flow.copy_to].into_iter().flatten() {
        if let Some(memory) = memories.get_mut(number) {
            memory.left -= rate;
            memory.rising = memory.rising.saturating_add_signed(flows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates(flows: &[(f64, usize, Option<usize>)], bandwidth: &[f64]) -> Vec<f64> {
        let flows: Vec<Flow> = flows.iter().map(|&(cap, memory, copy_to)| Flow { cap, memory, copy_to }).collect();
        let mut rates = Vec::new();
        fill(&flows, bandwidth, &mut Filling::default(), &mut rates);
        rates
    }

    #[test]
    fn small_flows_get_what_they_ask_and_the_rest_is_split_evenly() {
        assert_eq!(rates(&[(1.0, 0, None), (100.0, 0, None), (f64::INFINITY, 0, None)], &[11.0]), [1.0, 5.0, 5.0]);
        assert_eq!(rates(&[(1.0, 0, None), (2.0, 0, None)], &[11.0]), [1.0, 2.0]);
    }

    #[test]
    fn cores_are_split_evenly_among_those_that_want_more() {
        assert_eq!(even_level(&mut [2.0, 2.0], 2.0), 1.0);
        assert_eq!(even_level(&mut [2.0, 0.5, 2.0], 2.0), 0.75);
        assert_eq!(even_level(&mut [1.0, 1.0], 2.0), f64::INFINITY);
        assert_eq!(even_level(&mut [], 2.0), f64::INFINITY);
    }

    #[test]
    fn memories_do_not_disturb_each_other() {
        assert_eq!(rates(&[(9.0, 0, None), (9.0, 1, None), (9.0, 1, None)], &[10.0, 10.0]), [9.0, 5.0, 5.0]);
    }

    #[test]
    fn a_copy_is_held_back_by_the_fuller_memory_and_leaves_the_rest_of_the_other() {
        // Memory 1 is split in two; the copy's half is all that it takes of memory 0.
        let shared =
            rates(&[(f64::INFINITY, 0, None), (f64::INFINITY, 0, Some(1)), (f64::INFINITY, 1, None)], &[10.0, 4.0]);
        assert_eq!(shared, [8.0, 2.0, 2.0]);
    }

    proptest! {
        /// The definition of max-min fairness: nobody can get more without taking from somebody who has no more.
        #[test]
        fn every_flow_is_at_its_cap_or_among_the_largest_of_a_full_memory(
            caps in prop::collection::vec((prop_oneof![Just(f64::INFINITY), 0.1..50.0], 0_usize..3, any::<bool>()), 1..12),
            bandwidth in prop::array::uniform3(1.0..100.0),
        ) {
            let mut flows: Vec<Flow> = caps
                .iter()
                .map(|&(cap, memory, copy)| Flow { cap, memory, copy_to: copy.then_some((memory + 1) % 3) })
                .collect();
            flows.sort_by(|a, b| a.cap.total_cmp(&b.cap));
            let mut rates = Vec::new();
            fill(&flows, &bandwidth, &mut Filling::default(), &mut rates);
            let used = |memory| flows.iter().zip(&rates).filter(|(flow, _)| flow.uses(memory)).map(|(_, rate)| rate).sum::<f64>();
            let largest = |memory| {
                let here = flows.iter().zip(&rates).filter(|(flow, _)| flow.uses(memory));
                here.map(|(_, rate)| *rate).fold(0.0, f64::max)
            };
            for (memory, most) in bandwidth.iter().enumerate() {
                prop_assert!(used(memory) <= most * (1.0 + 1e-12));
            }
            for (flow, &rate) in flows.iter().zip(&rates) {
                let full = |memory: usize| used(memory) >= bandwidth[memory] * (1.0 - 1e-12);
                let held = |memory: usize| full(memory) && rate >= largest(memory) * (1.0 - 1e-12);
                prop_assert!(rate > 0.0 && (rate == flow.cap || held(flow.memory) || flow.copy_to.is_some_and(held)));
            }
        }
    }
}
