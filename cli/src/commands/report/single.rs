//! The report of one simulation.

use super::Gallery;
use crate::args::ReportArgs;
use crate::output::table;
use crate::select;
use anyhow::Result;
use pisim_protocol::{Program, Protocol, Work};
use pisim_reports::figures::{self, Columns};
use pisim_reports::format::{Quantity, percent, seconds};
use pisim_reports::{Trace, tables, trace};
use pisim_sim::analysis::{Attribution, Roof, Sensitivity, rooflines, sensitivities, without_each};
use pisim_sim::{Level, Prepared, Simulation, Workspace};
use serde_json::{Map, Value};

/// Seed of the samples for Sobol indices: the same figures on every run.
const SEED: u32 = 0;

pub fn gallery(network: &str, args: &ReportArgs, columns: Columns) -> Result<Gallery> {
    let network = select::network(network, &args.options)?;
    let platform = args.changes.platform(&args.hardware)?;
    let program = select::program(&network, &Protocol::load(&args.protocol)?, &args.protocol)?;
    let (prepared, mut workspace, level) = (Prepared::new(&program), Workspace::default(), Level::from(args.level));
    let simulation = prepared.simulate(&platform, level, &mut workspace)?;
    let roofs = rooflines(&prepared, &platform, &mut workspace)?;
    let without = without_each(&prepared, &platform, level, &mut workspace)?;
    let speeds = sensitivities(&prepared, &platform, level, args.samples, SEED)?;
    let one = std::slice::from_ref(&simulation);
    let (name, hardware) = (simulation.network.as_str(), simulation.hardware.as_str());
    let figures = vec![
        figures::phases(one),
        figures::latency(one, columns),
        figures::latency_by_unit(one, columns),
        figures::energy(one, columns),
        figures::energy_by_unit(one, columns),
        figures::layers(&simulation, columns),
        figures::timeline(&simulation, columns),
        figures::schedule(&[network.schedule()], columns),
        figures::roofline(&roofs, name, hardware, columns),
        figures::removals(&without, name, hardware, columns),
        figures::sensitivity(&speeds, name, hardware, columns),
    ];
    let mut found = Map::new();
    found.insert("simulation".to_owned(), serde_json::to_value(&simulation)?);
    found.insert("without".to_owned(), serde_json::to_value(&without)?);
    found.insert("sensitivities".to_owned(), serde_json::to_value(&speeds)?);
    found.insert("rooflines".to_owned(), serde_json::to_value(&roofs)?);
    let others = match &args.trace {
        Some(path) => vec![(path.clone(), serde_json::to_vec(&trace_of(&simulation, &program))?)],
        None => Vec::new(),
    };
    let text = text(&simulation, &without, &speeds, &roofs);
    Ok(Gallery { figures, found, text, others, page: None })
}

/// The timeline with every step's work: what is not zero of it.
pub fn trace_of(simulation: &Simulation, program: &Program) -> Trace {
    trace(simulation, &|position| {
        let Some(step) = program.steps.get(position) else { return Map::new() };
        let counts = Work::FIELDS.iter().zip(step.work.values()).filter(|(_, count)| *count > 0);
        counts.map(|(field, count)| ((*field).to_owned(), Value::from(count))).collect()
    })
}

fn text(simulation: &Simulation, without: &Attribution, speeds: &[Sensitivity], roofs: &[Roof]) -> String {
    let title = format!("{} under {} on {} (modelled)", simulation.network, simulation.protocol, simulation.hardware);
    let removed = without.removals.iter().map(|removal| {
        let bound = if without.latency_s.total > 0.0 { removal.bound_s.total / without.latency_s.total } else { 0.0 };
        [
            removal.unit.to_owned(),
            percent(bound),
            seconds(removal.latency_s.total),
            format!("{:.2} ×", without.speedup(removal)),
        ]
    });
    let matters = speeds.iter().map(|one| {
        [
            one.part.to_owned(),
            percent(one.first.max(0.0)),
            percent(one.total),
            format!("{:+.1} %", 100.0 * (one.half_speed - 1.0)),
            format!("{:+.1} %", 100.0 * (one.double_speed - 1.0)),
        ]
    });
    let mut parts = vec![
        title,
        tables::simulations(std::slice::from_ref(simulation)),
        "Without a part's time (evaluated again)".to_owned(),
        table(&["infinitely fast", "own work of latency", "latency", "faster"], &[1, 2, 3], removed),
        "Which speed matters (Sobol indices of ln latency, half to twice each speed)".to_owned(),
        table(&["part", "first order", "total", "at half speed", "at twice"], &[1, 2, 3, 4], matters),
    ];
    let used: Vec<&Roof> = roofs.iter().filter(|roof| !roof.steps.is_empty()).collect();
    if !used.is_empty() {
        let rows = used.into_iter().map(|roof| {
            let sum = |of: fn(&pisim_sim::analysis::RoofStep) -> f64| roof.steps.iter().map(of).sum::<f64>();
            let (operations, bytes, busy_s) = (sum(|s| s.operations), sum(|s| s.bytes), sum(|s| s.seconds));
            let rate = operations / busy_s;
            let ridge = roof.peak_per_s / roof.memory_bytes_per_s;
            let low = roof.steps.iter().filter(|step| step.intensity() < ridge).count();
            [
                roof.unit.to_owned(),
                roof.operation.to_owned(),
                Quantity::OperationRate.format(roof.peak_per_s),
                format!("{} ({})", Quantity::OperationRate.format(rate), percent(rate / roof.peak_per_s)),
                Quantity::Intensity.format(operations / bytes),
                format!("{low} of {}", roof.steps.len()),
            ]
        });
        parts.push("Rooflines".to_owned());
        let header = ["unit", "operations", "peak", "attained", "operations per byte", "steps under memory's roof"];
        parts.push(table(&header, &[2, 3, 4, 5], rows));
    }
    parts.join("\n")
}
