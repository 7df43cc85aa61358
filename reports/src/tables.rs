//! Tables for a terminal. Colour and the terminal's width are used only where the output is a terminal.

use crate::VerificationSummary;
use crate::figures::by_phase;
use crate::format::{Quantity, bytes, exact, joules, percent, seconds};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use pisim_netgen::{Counts, Schedule};
use pisim_sim::{Bottleneck, Simulation};

pub use crate::accuracy::accuracies;
pub use crate::requests::table as requests;
pub use crate::targets::{cases, targets};

/// Cells of a table: text, and whether it is a number (numbers are aligned to the right).
pub(crate) fn table(header: &[&str], numbers_from: usize) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// What limits a phase, in words: `server.cpu (93.1 %)`, the unit whose own lower bound is nearest to the phase's latency.
pub(crate) fn limit_words(bottleneck: &Bottleneck) -> String {
    if bottleneck.unit.is_empty() {
        "–".to_owned()
    } else {
        format!("{} ({})", bottleneck.unit, percent(bottleneck.share))
    }
}

/// Simulations side by side: latency, energy and bytes by phase, storage, and what limits each phase (modelled).
pub fn simulations(simulations: &[Simulation]) -> String {
    let header = ["network", "hardware", "phase", "latency", "energy", "up", "down", "stored", "limited by"];
    let mut table = table(&header, 3);
    if let Some(column) = table.column_mut(header.len() - 1) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    for s in simulations {
        let limits = [&s.bottleneck.setup, &s.bottleneck.offline, &s.bottleneck.online].map(limit_words);
        let traffic = [s.bytes.setup, s.bytes.offline, s.bytes.online];
        let phases = by_phase(&s.latency_s).into_iter().zip(by_phase(&s.energy_j.phases));
        for ((((phase, time), (_, energy)), traffic), limit) in phases.zip(traffic).zip(limits) {
            let names = [s.network.clone(), s.hardware.clone(), phase.to_owned()];
            let amounts = [seconds(time), joules(energy), bytes(traffic.up), bytes(traffic.down), String::new(), limit];
            table.add_row(names.into_iter().chain(amounts));
        }
        let stored = format!("{} client\n{} server", bytes(s.storage_bytes.client), bytes(s.storage_bytes.server));
        let (up, down) = (traffic.iter().map(|t| t.up).sum(), traffic.iter().map(|t| t.down).sum());
        let totals = [
            seconds(s.latency_s.total),
            joules(s.energy_j.phases.total),
            bytes(up),
            bytes(down),
            stored,
            String::new(),
        ];
        let names = [s.network.clone(), s.hardware.clone(), "total".to_owned()];
        table.add_row(names.into_iter().chain(totals).map(|text| Cell::new(text).add_attribute(Attribute::Bold)));
    }
    table.to_string()
}

/// The split of a link's total rate that was found for a program.
pub fn split(simulation: &Simulation) -> String {
    let link = &simulation.link;
    let total = link.up_bits_per_s + link.down_bits_per_s;
    let rate = |bits_per_s: f64| format!("{:.1} Mbit/s", bits_per_s / 1e6);
    format!(
        "link: {} up and {} down, the split of {} with the least latency ({} up)\n",
        rate(link.up_bits_per_s),
        rate(link.down_bits_per_s),
        rate(total),
        percent(link.up_bits_per_s / total)
    )
}

/// How busy every unit, memory and link direction is, and what takes energy without being one of them (modelled).
pub fn units(simulation: &Simulation) -> String {
    let mut table = table(&["unit", "busy", "utilization", "cycles", "energy"], 1);
    for unit in &simulation.units {
        let energy = simulation.energy_j.by_unit.get(&unit.name);
        let share = Cell::new(percent(unit.utilization));
        table.add_row([
            Cell::new(&unit.name),
            Cell::new(seconds(unit.busy_s)),
            if unit.utilization > 0.8 { share.fg(Color::Yellow) } else { share },
            Cell::new(if unit.cycles == 0 { "–".to_owned() } else { exact(unit.cycles) }),
            Cell::new(energy.map_or_else(|| "–".to_owned(), |value| joules(*value))),
        ]);
    }
    let others =
        simulation.energy_j.by_unit.iter().filter(|(name, _)| !simulation.units.iter().any(|unit| unit.name == **name));
    let total = ("total".to_owned(), simulation.energy_j.phases.total);
    for (name, energy) in others.map(|(name, energy)| (name.clone(), *energy)).chain([total]) {
        table.add_row([name, "–".to_owned(), "–".to_owned(), "–".to_owned(), joules(energy)]);
    }
    table.to_string()
}

/// Time, bytes and energy of every layer (modelled).
pub fn layers(simulation: &Simulation) -> String {
    let header = [
        "layer", "kind", "HE eval", "encrypt", "decrypt", "garble", "OT", "evaluate", "ring", "transfer", "other",
        "up", "down", "energy",
    ];
    let mut table = table(&header, 2);
    for layer in &simulation.layers {
        let times = [
            layer.he_eval_s,
            layer.encrypt_s,
            layer.decrypt_s,
            layer.garble_s,
            layer.ot_s,
            layer.evaluate_s,
            layer.ring_linear_s,
            layer.transfer_s,
            layer.storage_s + layer.other_s,
        ];
        let mut cells = vec![layer.id.clone(), layer.kind.clone()];
        cells.extend(times.map(|time| if time == 0.0 { "–".to_owned() } else { seconds(time) }));
        cells.extend(
            [layer.up_bytes, layer.down_bytes].map(|count| if count == 0 { "–".to_owned() } else { bytes(count) }),
        );
        cells.push(joules(layer.energy_j));
        table.add_row(cells);
    }
    table.to_string()
}

/// A network's ReLU/MAC schedule by stage (counted), or by layer if `by_layer`. Comparisons of max pools have a column where
/// there are any.
pub fn schedule(network: &Schedule, by_layer: bool) -> String {
    let share = |part: u64, whole: u64| if whole == 0 { "–".to_owned() } else { percent(part as f64 / whole as f64) };
    let total = network.counts;
    let pools = |counts: &Counts| (total.comparisons > 0).then_some(counts.comparisons);
    let column = (total.comparisons > 0).then_some("comparisons");
    let with = |names: &[&'static str]| names.iter().copied().chain(column).collect::<Vec<_>>();
    if by_layer {
        let mut table = table(&with(&["layer", "kind", "stage", "output", "params", "MACs", "ReLUs"]), 3);
        for layer in &network.layers {
            let shape = format!("{}×{}×{}", layer.output.channels, layer.output.height, layer.output.width);
            let counts = [layer.counts.params, layer.counts.macs, layer.counts.relus];
            let cells = [layer.name.clone(), layer.kind.to_owned(), layer.stage.clone(), shape];
            let counts = counts.into_iter().chain(pools(&layer.counts));
            table.add_row(cells.into_iter().chain(counts.map(|n| if n == 0 { "–".to_owned() } else { exact(n) })));
        }
        let names = ["total", "", "", ""].map(str::to_owned);
        let counts = [total.params, total.macs, total.relus].into_iter().chain(pools(&total));
        table.add_row(names.into_iter().chain(counts.map(exact)));
        return table.to_string();
    }
    let mut table = table(&with(&["stage", "channels", "params", "MACs", "MACs %", "ReLUs", "ReLUs %"]), 1);
    for stage in &network.stages {
        let cells = [
            stage.name.clone(),
            stage.channels.to_string(),
            exact(stage.counts.params),
            exact(stage.counts.macs),
            share(stage.counts.macs, total.macs),
            exact(stage.counts.relus),
            share(stage.counts.relus, total.relus),
        ];
        table.add_row(cells.into_iter().chain(pools(&stage.counts).map(exact)));
    }
    let [params, macs, relus] = [total.params, total.macs, total.relus].map(exact);
    let cells = ["total".to_owned(), String::new(), params, macs, String::new(), relus, String::new()];
    table.add_row(cells.into_iter().chain(pools(&total).map(exact)));
    table.to_string()
}

/// The result of a verified run: outputs, work, and measured time by phase.
pub fn verification(run: &VerificationSummary) -> String {
    let mut table = table(&["verified run", "result"], 1);
    let verdict = |good: bool, text: String| Cell::new(text).fg(if good { Color::Green } else { Color::Red });
    table.add_row([Cell::new("network, protocol"), Cell::new(format!("{}, {}", run.network, run.protocol))]);
    if let Some(answer) = &run.answer {
        table.add_row([Cell::new("answer"), Cell::new(answer)]);
    }
    let outputs =
        format!("{} of {} equal bit for bit", exact(run.outputs.saturating_sub(run.mismatches)), exact(run.outputs));
    table.add_row([Cell::new("outputs"), verdict(run.exact, outputs)]);
    let steps = format!("{} of {} as predicted", exact(run.steps_matching), exact(run.steps));
    table.add_row([Cell::new("work of the steps"), verdict(run.work_matches, steps)]);
    for wrong in run.prediction.iter().take(5) {
        let text = format!("predicted {}, counted {}", exact(wrong.predicted), exact(wrong.counted));
        table.add_row([Cell::new(format!("  {}: {}", wrong.step, wrong.field)), Cell::new(text)]);
    }
    for (purpose, count) in run.circuits.iter().filter(|(_, count)| **count > 0) {
        let name = format!("circuits: {}", purpose.replace('_', " "));
        table.add_row([Cell::new(name), Cell::new(exact(*count))]);
    }
    for (phase, time) in run.phases() {
        let of_runs = if run.runs > 1 { format!(", fastest of {} runs", run.runs) } else { String::new() };
        let measured = format!("{phase} (measured, {} threads{of_runs})", run.threads);
        let median = run.median_wall_s.get(phase).filter(|_| run.runs > 1);
        let median = median.map(|median| format!(" (median {})", seconds(*median)));
        table.add_row([Cell::new(measured), Cell::new(format!("{}{}", seconds(time), median.unwrap_or_default()))]);
        if let Some((predicted, error)) = run.predicted_s.as_ref().and_then(|times| times.phase(phase)) {
            let text = format!("{} ({error:+.1} %)", seconds(predicted));
            table.add_row([Cell::new(format!("{phase} (modelled)")), Cell::new(text)]);
        }
    }
    if let Some(times) = &run.predicted_s {
        let cores = format!("{} core{}", times.cores, if times.cores == 1 { "" } else { "s" });
        let parties = if times.one_machine { "both parties on one machine" } else { "a machine for each party" };
        let drift = times.drift_pct.map(|drift| format!("; {drift:.0} % slower when most disturbed"));
        let modelled = format!("{}: {parties}, {cores}{}", times.hardware, drift.unwrap_or_default());
        table.add_row([Cell::new("modelled on"), Cell::new(modelled)]);
    }
    for (field, count) in run.work.iter().filter(|(_, count)| **count > 0) {
        let text = if field.contains("bytes") { bytes(*count) } else { Quantity::Count.format(*count as f64) };
        table.add_row([Cell::new(field.replace('_', " ")), Cell::new(text)]);
    }
    table.to_string()
}
