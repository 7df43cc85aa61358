//! The report as one HTML page: figures inside, no scripts, nothing from the network.

use crate::Report;
use crate::VerificationSummary;
use crate::accuracy;
use crate::draw::style::{TWO_COLUMNS_IN, inches};
use crate::figures::{Figure, Origin, by_phase};
use crate::format::{bytes, exact, joules, percent, seconds};
use crate::tables::limit_words;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pisim_netgen::Schedule;
use pisim_sim::Simulation;

pub(crate) const STYLE: &str = include_str!("html.css");

/// A page's head: its title and its style, light or dark as the reader's system is.
pub(crate) fn head(title: &str, style: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            style { (PreEscaped(style)) }
        }
    }
}

/// The page; `figures` come with their drawn SVG documents.
pub fn page(report: &Report, figures: &[(&Figure, &str)]) -> String {
    let draw = |prefix: &str| {
        figures.iter().filter(|(f, _)| f.name.starts_with(prefix)).map(|(f, svg)| figure(f, svg)).collect::<Vec<_>>()
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&report.title, STYLE))
            body {
                header {
                    h1 { (report.title) }
                    p.facts { "pisim " (report.version) ", seed " (report.seed) }
                    @if !report.command.is_empty() { pre { (report.command) } }
                    p.facts {
                        (badge(Origin::Modelled)) " computed by the simulator from a model of the hardware. "
                        (badge(Origin::Measured)) " taken from a clock during a real run. "
                        (badge(Origin::Counted)) " exact counts of the network or the program."
                    }
                }
                @if !report.simulations.is_empty() {
                    section {
                        h2 { "Simulations side by side " (badge(Origin::Modelled)) }
                        (side_by_side(&report.simulations))
                        @for name in ["phases", "latency", "energy"] { @for drawn in draw(name) { (drawn) } }
                    }
                }
                @if let Some(run) = &report.verification {
                    section { h2 { "Verified private run" } (verification(run)) }
                }
                @if !report.accuracy.is_empty() {
                    section { h2 { "Answered privately" } (accuracy::section(&report.accuracy, &report.simulations, &draw("answers-"))) }
                }
                @if !report.networks.is_empty() {
                    section {
                        h2 { "Networks " (badge(Origin::Counted)) }
                        @for drawn in draw("schedule") { (drawn) }
                        @for network in &report.networks { (schedule(network)) }
                    }
                }
                @if !report.simulations.is_empty() {
                    section {
                        h2 { "Each simulation " (badge(Origin::Modelled)) }
                        // The figures come in the order of the simulations: one by layer and one time line each.
                        @for (simulation, pair) in report.simulations.iter().zip(detail_figures(figures).chunks(2)) {
                            details open[report.simulations.len() == 1] {
                                summary { (simulation.network) " on " (simulation.hardware) ", " (simulation.protocol) ": "
                                    (seconds(simulation.latency_s.total)) ", " (joules(simulation.energy_j.phases.total)) }
                                @for (drawn, svg) in pair { (figure(drawn, svg)) }
                                (units(simulation))
                                (resources(simulation))
                            }
                        }
                    }
                }
                @if !report.notes.is_empty() {
                    section { h2 { "Notes" } ul { @for note in &report.notes { li { (note) } } } }
                }
                footer {
                    p { "All numbers: " a href="report.json" { "report.json" } ", by layer: " a href="layers.csv" { "layers.csv" }
                        ". Every figure stands in " code { "figures/" } " as SVG, as PNG at 300 dpi, and as CSV with exactly its data." }
                }
            }
        }
    }
    .into_string()
}

fn detail_figures<'a>(figures: &[(&'a Figure, &'a str)]) -> Vec<(&'a Figure, &'a str)> {
    figures.iter().filter(|(f, _)| f.name.starts_with("layers-") || f.name.starts_with("timeline-")).copied().collect()
}

pub(crate) fn badge(origin: Origin) -> Markup {
    html! { span class={ "badge " (origin.word()) } { (origin.word()) } }
}

pub(crate) fn figure(figure: &Figure, svg: &str) -> Markup {
    html! {
        // A figure for one column must not be blown up to the page's width.
        figure class=[(figure.scene.width < inches(TWO_COLUMNS_IN)).then_some("narrow")] {
            div.card { (PreEscaped(svg)) }
            figcaption {
                b { (figure.title) } " " (badge(figure.origin)) " " (figure.caption) " "
                @for kind in ["svg", "png", "csv"] { a href={ "figures/" (figure.name) "." (kind) } { (kind.to_uppercase()) } " " }
            }
        }
    }
}

fn side_by_side(simulations: &[Simulation]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th.name { "Network" } th.name { "Hardware" } th.name { "Protocol" } th.name { "Phase" } th { "Latency" } th { "Energy" }
                th { "Up" } th { "Down" } th { "Stored at client" } th { "Stored at server" } th.name { "Limited by" }
            } }
            @for s in simulations {
                @let traffic = [s.bytes.setup, s.bytes.offline, s.bytes.online];
                @let limits = [&s.bottleneck.setup, &s.bottleneck.offline, &s.bottleneck.online];
                tbody {
                    @for (i, (phase, time)) in by_phase(&s.latency_s).into_iter().enumerate() {
                        tr {
                            @if i == 0 {
                                th.name rowspan="4" { (s.network) } th.name rowspan="4" { (s.hardware) } th.name rowspan="4" { (s.protocol) }
                            }
                            td.name { (phase) } td { (seconds(time)) } td { (joules(by_phase(&s.energy_j.phases)[i].1)) }
                            td { (bytes(traffic[i].up)) } td { (bytes(traffic[i].down)) } td {} td {} td.name { (limit_words(limits[i])) }
                        }
                    }
                    tr.total {
                        td.name { "total" } td { (seconds(s.latency_s.total)) } td { (joules(s.energy_j.phases.total)) }
                        td { (bytes(traffic.iter().map(|t| t.up).sum())) } td { (bytes(traffic.iter().map(|t| t.down).sum())) }
                        td { (bytes(s.storage_bytes.client)) } td { (bytes(s.storage_bytes.server)) } td {}
                    }
                }
            }
        } }
        p.facts { "Up is client to server. Bytes and storage are exact counts of the program; latency and energy are modelled. \
            A phase is limited by the unit whose own lower bound of the time is nearest to the phase's latency (its share in brackets)." }
    }
}

fn verification(run: &VerificationSummary) -> Markup {
    html! {
        p class=(if run.passed() { "verdict good" } else { "verdict bad" }) {
            @if run.exact { "All " (exact(run.outputs)) " outputs equal the integer reference bit for bit" }
            @else { (exact(run.mismatches)) " of " (exact(run.outputs)) " outputs differ from the integer reference" }
            "; the counted work equals the predicted work in " (exact(run.steps_matching)) " of " (exact(run.steps)) " steps."
        }
        @if let Some(answer) = &run.answer { p { (answer) } }
        p { "Both parties ran " b { (run.protocol) } " on " b { (run.network) } " with real cryptography, " (run.threads) " thread"
            @if run.threads != 1 { "s" } " each." }
        div.pair {
            table {
                thead { tr { th.name { "Phase" } th { "Time " (badge(Origin::Measured)) } } }
                tbody { @for (phase, time) in run.phases() { tr { td.name { (phase) } td { (seconds(time)) } } } }
            }
            table {
                thead { tr { th.name { "Work" } th { "Amount " (badge(Origin::Counted)) } } }
                tbody {
                    @for (field, count) in run.work.iter().filter(|(_, count)| **count > 0) {
                        tr { td.name { (field.replace('_', " ")) } td { (exact(*count)) } }
                    }
                }
            }
        }
        @if !run.prediction.is_empty() {
            h3 { "Steps that differ" }
            table {
                thead { tr { th.name { "Step" } th.name { "Field" } th { "Predicted" } th { "Counted" } } }
                tbody {
                    @for wrong in run.prediction.iter().take(50) {
                        tr { td.name { (wrong.step) } td.name { (wrong.field) } td { (exact(wrong.predicted)) } td { (exact(wrong.counted)) } }
                    }
                }
            }
        }
    }
}

fn schedule(network: &Schedule) -> Markup {
    html! {
        details {
            summary { (network.name) ": " (exact(network.counts.params)) " parameters, " (exact(network.counts.macs)) " MACs, "
                (exact(network.counts.relus)) " ReLUs"
                @if network.counts.comparisons > 0 { ", " (exact(network.counts.comparisons)) " comparisons in max pools" } }
            table {
                thead { tr { th.name { "Stage" } th { "Channels" } th { "Parameters" } th { "MACs" } th { "ReLUs" } th { "MACs" } th { "ReLUs" } } }
                tbody { @for stage in &network.stages { tr {
                    td.name { (stage.name) } td { (stage.channels) } td { (exact(stage.counts.params)) } td { (exact(stage.counts.macs)) }
                    td { (exact(stage.counts.relus)) } td { (percent(stage.mac_share)) } td { (percent(stage.relu_share)) }
                } } }
            }
            @for note in &network.notes { p.facts { (note) } }
        }
    }
}

fn units(simulation: &Simulation) -> Markup {
    html! {
        h3 { "Units " (badge(Origin::Modelled)) }
        table {
            thead { tr { th.name { "Unit" } th { "Busy" } th { "Utilization" } th { "Cycles" } th { "Energy" } } }
            tbody {
                @for unit in &simulation.units {
                    tr {
                        td.name { (unit.name) } td { (seconds(unit.busy_s)) } td { (percent(unit.utilization)) }
                        td { @if unit.cycles > 0 { (exact(unit.cycles)) } @else { "–" } }
                        td { @if let Some(energy) = simulation.energy_j.by_unit.get(&unit.name) { (joules(*energy)) } @else { "–" } }
                    }
                }
                // Energy that belongs to no unit of the list: static power, and a link whose directions are listed one by one.
                @for (name, energy) in simulation.energy_j.by_unit.iter().filter(|(n, _)| simulation.units.iter().all(|u| u.name != **n)) {
                    tr { td.name { (name) } td { "–" } td { "–" } td { "–" } td { (joules(*energy)) } }
                }
            }
        }
    }
}

fn resources(simulation: &Simulation) -> Markup {
    let any = simulation.resources.values().any(|r| r.area_mm2.is_some() || !r.fpga.is_empty());
    html! {
        @if any {
            h3 { "Area and FPGA resources " (badge(Origin::Modelled)) }
            table {
                thead { tr { th.name { "Party" } th.name { "Resource" } th { "Used" } th { "Available" } th { "Share" } } }
                tbody {
                    @for (party, resources) in &simulation.resources {
                        @if let Some(area) = resources.area_mm2 {
                            tr { td.name { (party) } td.name { "area" } td { (format!("{area:.1} mm²")) } td { "–" } td { "–" } }
                        }
                        @for (name, fpga) in &resources.fpga {
                            tr {
                                td.name { (party) } td.name { (name.to_uppercase()) } td { (exact(fpga.used)) } td { (exact(fpga.available)) }
                                td { @if fpga.available > 0 { (percent(fpga.used as f64 / fpga.available as f64)) } @else { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}
