//! The parts of a platform whose speed can be changed without changing what runs where.

use crate::layout::Layout;
use crate::price::Prices;
use crate::units::hosts;
use pisim_hw_models::Platform;

/// Faster than any program can tell: bytes per second, or cores.
const ENDLESS: f64 = 1e30;

/// A part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A unit or a direction of the link, by the engine's number: how fast it works.
    Unit(usize),
    /// A pool of cores that several jobs share: how many there are.
    Pool(usize),
    /// A memory: its bandwidth.
    Memory(usize),
    /// The link's propagation: half of the round trip.
    Propagation,
}

/// What the propagation is called among the parts.
pub(super) const ROUND_TRIP: &str = "link.round-trip";

/// The parts of a platform with their names, as in [`crate::UnitSummary`], and the round trip.
pub(super) fn parts(layout: &Layout, prices: &Prices, platform: &Platform) -> Vec<(&'static str, Part)> {
    let units = layout.units.all.iter().enumerate().map(|(number, unit)| (unit.name, Part::Unit(number)));
    let pool = if platform.colocated { "machine.cores" } else { "server.cores" };
    let pools = (0..prices.machine.pools.len()).map(|number| (pool, Part::Pool(number)));
    let memories = hosts(platform).enumerate().map(|(number, host)| (host.memory_name, Part::Memory(number)));
    units.chain(pools).chain(memories).chain([(ROUND_TRIP, Part::Propagation)]).collect()
}

/// Makes a part `factor` times as fast; infinitely fast, it takes no time, but what others do for the same work (a memory for an
/// engine's traffic, the propagation of a message) still does.
pub(super) fn speed_up(part: Part, factor: f64, layout: &Layout, prices: &mut Prices) {
    let scaled = |rate: f64| (rate * factor).min(ENDLESS);
    match part {
        Part::Unit(unit) => {
            // A load is of one unit, but many jobs have it.
            let mut done = vec![false; prices.loads.len()];
            for node in layout.graph.nodes().iter().filter(|node| node.unit == unit) {
                let (Some(load), Some(done)) = (prices.loads.get_mut(node.load), done.get_mut(node.load)) else {
                    continue;
                };
                if !std::mem::replace(done, true) {
                    load.work_s /= factor;
                    load.first.work_s /= factor;
                }
            }
        }
        Part::Pool(pool) => {
            prices.machine.pools.iter_mut().skip(pool).take(1).for_each(|cores| *cores = scaled(*cores))
        }
        Part::Memory(memory) => {
            prices.machine.memories.iter_mut().skip(memory).take(1).for_each(|rate| *rate = scaled(*rate));
        }
        Part::Propagation => prices.loads.iter_mut().for_each(|load| load.latency_s /= factor),
    }
}
