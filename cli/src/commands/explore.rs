//! `pisim hardware explore`: a design space around a platform.

use crate::Outcome;
use crate::args::{Counts, ExploreArgs};
use crate::output::{Output, table};
use crate::plot::Plot;
use crate::select;
use anyhow::{Result, bail};
use pisim_protocol::Protocol;
use pisim_reports::figures::{self, MEMORIES_PER_FIGURE};
use pisim_reports::format::Quantity;
use pisim_sim::Prepared;
use pisim_sim::explore::{DesignPoint, DesignSpace, Exploration, explore};

/// The platform's HE lanes over the fewest that are tried when no lanes are named.
const LANES_RANGE: u64 = 256;

/// A design is as good as the fastest when it is this much slower at most.
const NEARLY: f64 = 1.05;

pub fn run(args: &ExploreArgs, output: Output) -> Result<Outcome> {
    // A folder that is not there is found before the designs are gone through, not after.
    let plot = args.plot.as_deref().map(Plot::new).transpose()?;
    let memories = args.memory.len();
    if plot.is_some() && memories > MEMORIES_PER_FIGURE {
        bail!("--plot: {memories} memories do not fit one figure; expected at most {MEMORIES_PER_FIGURE}");
    }
    let network = select::network(&args.network, &args.options)?;
    let platform = args.changes.platform(&args.hardware)?;
    let program = select::program(&network, &Protocol::load(&args.protocol)?, &args.protocol)?;
    // A platform without such an engine has no counts; the exploration says so.
    let own_engines = platform.server.gc_engine.as_ref().map_or(1, |engine| engine.engines);
    let own_lanes = platform.server.he_engine.as_ref().map_or(1, |engine| engine.modmul_lanes);
    let space = DesignSpace {
        engines: args.engines.clone().unwrap_or_else(|| Counts::doubling(1, own_engines)).0,
        he_lanes: args.he_lanes.clone().unwrap_or_else(|| Counts::doubling(own_lanes / LANES_RANGE, own_lanes)).0,
        memories: args.memory.iter().map(|memory| memory.0.clone()).collect(),
        both: args.both,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build()?;
    let explored = pool.install(|| explore(&Prepared::new(&program), &platform, &space, args.level.into()))?;
    if let Some(plot) = &plot {
        plot.write_with_data(&figures::explore(&explored))?;
    }
    output.print(&explored, || {
        let mut text = format!(
            "{} under {}, {} designs around {} (modelled)\n{}\n{}",
            explored.network,
            explored.protocol,
            explored.points.len(),
            explored.hardware,
            regions(&explored),
            best(&explored)
        );
        if let Some(plot) = &plot {
            text += &format!("\nFigure: {}\nData:   {}", plot.path.display(), plot.data_path().display());
        }
        text
    })?;
    Ok(Outcome::Done)
}

/// For each memory, the units that bind designs, with the ranges of those that fit their boards.
fn regions(explored: &Exploration) -> String {
    let mut rows = Vec::new();
    for (number, memory) in explored.space.memories.iter().enumerate() {
        let points = explored.of_memory(number);
        let mut units: Vec<&str> = Vec::new();
        for point in points {
            if !units.contains(&point.bottleneck.unit) {
                units.push(point.bottleneck.unit);
            }
        }
        for unit in units {
            let bound: Vec<&DesignPoint> = points.iter().filter(|point| point.bottleneck.unit == unit).collect();
            let fitting: Vec<&DesignPoint> = bound.iter().copied().filter(|point| point.fits).collect();
            let range = |quantity: Quantity, value: fn(&DesignPoint) -> f64| {
                let values = || fitting.iter().map(|point| value(point));
                if fitting.is_empty() {
                    return "–".to_owned();
                }
                let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
                format!("{} … {}", quantity.format(low), quantity.format(high))
            };
            rows.push([
                memory.name.clone(),
                unit.to_owned(),
                bound.len().to_string(),
                fitting.len().to_string(),
                range(Quantity::Seconds, |point| point.latency_s.total),
                range(Quantity::Joules, |point| point.energy_j.total),
            ]);
        }
    }
    table(&["memory", "bound by", "designs", "that fit", "latency", "energy"], &[2, 3, 4, 5], rows)
}

/// For each memory, the fastest design, and the smallest that is nearly as fast.
fn best(explored: &Exploration) -> String {
    let mut rows = Vec::new();
    for number in 0..explored.space.memories.len() {
        let points = || explored.of_memory(number).iter().filter(|point| point.fits);
        let Some(fastest) = points().min_by(|a, b| a.latency_s.total.total_cmp(&b.latency_s.total)) else { continue };
        let nearly = points().filter(|point| point.latency_s.total <= NEARLY * fastest.latency_s.total);
        // Without an ASIC, units stand for area.
        let size = |point: &DesignPoint| point.area_mm2.unwrap_or((point.engines * point.he_lanes) as f64);
        let smallest = nearly.min_by(|a, b| size(a).total_cmp(&size(b)));
        for (what, point) in [("fastest", Some(fastest)), ("smallest within 5 %", smallest)] {
            let Some(point) = point else { continue };
            rows.push([
                point.memory.clone(),
                what.to_owned(),
                point.engines.to_string(),
                point.he_lanes.to_string(),
                Quantity::Seconds.format(point.latency_s.total),
                Quantity::Joules.format(point.energy_j.total),
                point.area_mm2.map_or_else(|| "–".to_owned(), |area| format!("{area:.1} mm2")),
                format!("{} ({:.0} %)", point.bottleneck.unit, 100.0 * point.bottleneck.share),
            ]);
        }
    }
    if rows.is_empty() {
        return "None of the designs fits its board.".to_owned();
    }
    let header = ["memory", "design", "engines", "HE lanes", "latency", "energy", "area", "bound by"];
    table(&header, &[2, 3, 4, 5, 6], rows)
}
