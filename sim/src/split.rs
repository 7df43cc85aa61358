//! The split of a link's total rate between its directions that makes one inference fastest.

use crate::error::SimError;
use pisim_hw_models::{Link, MIN_SHARE, Platform, UpShare};
use pisim_protocol::{Program, StepKind};

/// Splits tried before the search is narrowed: enough to find the right valley should memories make several.
const COARSE: usize = 24;

/// Halvings of the interval around the best coarse split: the share is then known to a few parts in a million.
const FINE: usize = 30;

/// The platform with the split of its total rate that has the least latency of one inference, setup included.
///
/// When steps run one after the other, all that depends on the split is up bytes over up rate + down bytes over down rate,
/// least at √up / (√up + √down). Otherwise the latency is found by simulation: without memory traffic it is a maximum of
/// sums of such terms and so convex in the share, and a search that narrows from both sides ends at its minimum.
///
/// `latency_s` simulates: seconds of one inference, setup included, on a platform whose link rates are settled.
///
/// # Errors
/// As [`simulate`](crate::simulate).
pub(crate) fn resolved(
    program: &Program,
    platform: &Platform,
    mut latency_s: impl FnMut(&Platform) -> Result<f64, SimError>,
) -> Result<Platform, SimError> {
    let with = |share: f64| {
        let mut split = platform.clone();
        split.link.set_total(platform.link.total_bits_per_s(), UpShare::Fixed(share));
        split
    };
    if !platform.mapping.overlap {
        let [up, down] = bytes_on_link(program, &platform.link);
        return Ok(with(Link::sequential_up_share(up, down)));
    }
    let mut latency = |odds: f64| latency_s(&with(share_of(odds)));
    let edge = ((1.0 - MIN_SHARE) / MIN_SHARE).ln();
    let grid: Vec<f64> = (0..=COARSE).map(|step| edge * (2.0 * step as f64 / COARSE as f64 - 1.0)).collect();
    let mut best = (f64::INFINITY, 0.0);
    for &odds in &grid {
        let seconds = latency(odds)?;
        if seconds < best.0 {
            best = (seconds, odds);
        }
    }
    let width = 2.0 * edge / COARSE as f64;
    let (mut low, mut high) = ((best.1 - width).max(-edge), (best.1 + width).min(edge));
    // Golden sections keep one inner point from step to step; a ternary search is simpler and runs a handful more.
    for _ in 0..FINE {
        let third = (high - low) / 3.0;
        let (left, right) = (low + third, high - third);
        let (left_s, right_s) = (latency(left)?, latency(right)?);
        for found in [(left_s, left), (right_s, right)] {
            if found.0 < best.0 {
                best = found;
            }
        }
        if left_s <= right_s { high = right } else { low = left }
    }
    Ok(with(share_of(best.1)))
}

/// The share whose odds (share over rest) have this logarithm.
fn share_of(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// Bytes up and down, with what each message costs beyond its own.
fn bytes_on_link(program: &Program, link: &Link) -> [f64; 2] {
    let messages = program.steps.iter().filter(|step| matches!(step.kind, StepKind::Send(_)));
    messages.fold([0.0; 2], |[up, down], step| {
        let overhead = link.message_overhead_bytes as f64;
        match step.party {
            pisim_protocol::Party::Client => [up + step.work.bytes_up as f64 + overhead, down],
            pisim_protocol::Party::Server => [up, down + step.work.bytes_down as f64 + overhead],
        }
    })
}
