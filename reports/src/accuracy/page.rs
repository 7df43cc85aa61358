//! Accuracies as a section of the HTML report.

use super::{AccuracySummary, PHASES, share};
use crate::figures::Origin;
use crate::format::{bytes, exact, percent, seconds};
use crate::html::badge;
use maud::{Markup, html};
use pisim_sim::Simulation;

/// The verdict, the accuracies side by side, what one inference costs, and the figures (drawn already).
pub fn section(runs: &[AccuracySummary], simulations: &[Simulation], figures: &[Markup]) -> Markup {
    html! {
        @for run in runs { (verdict(run)) }
        h3 { "Accuracy " (badge(Origin::Measured)) }
        (accuracies(runs))
        p.facts { "Integer is the fixed-point reference that the private answer must equal in every bit of every logit; the whole set is \
            without cryptography." }
        h3 { "What an answer costs" }
        (costs(runs, simulations))
        @for figure in figures { (figure) }
    }
}

fn verdict(run: &AccuracySummary) -> Markup {
    html! {
        p class=(if run.passed() { "verdict good" } else { "verdict bad" }) {
            b { (run.network) } ": "
            @if let Some(failure) = run.failure() { (failure) "." }
            @else {
                "all " (exact(run.images)) " images answered privately by two parties under " (run.protocol) "; every answer equals the \
                integer reference bit for bit and every step did the predicted work."
            }
            @if run.proven {
                " No input can make a value leave the ring: proven bounds need " (run.needed_bits) " of " (run.ring_bits) " bits."
            } @else {
                " Bounds for all inputs need " (run.needed_bits) " bits, the ring has " (run.ring_bits) ": headroom is by samples only."
            }
        }
    }
}

fn accuracies(runs: &[AccuracySummary]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th.name { "Network" } th { "Images" } th { "Float" } th { "Integer" } th { "Private" } th { "Integer = private" }
                th { "Whole set" } th { "Float" } th { "Integer" }
            } }
            tbody { @for run in runs {
                @let set = run.whole_set;
                tr {
                    td.name { (run.network) } td { (exact(run.images)) }
                    @for accuracy in run.accuracies() { td { (percent(accuracy)) } }
                    td { (exact(run.exact)) " of " (exact(run.images)) } td { (exact(set.images)) }
                    td { (percent(share(set.float_right, set.images))) } td { (percent(share(set.integer_right, set.images))) }
                }
            } }
        } }
    }
}

fn costs(runs: &[AccuracySummary], simulations: &[Simulation]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th.name { "Network" } th { "Parameters" } th { "MACs " (badge(Origin::Counted)) } th { "ReLUs " (badge(Origin::Counted)) }
                th { "Bytes " (badge(Origin::Counted)) } th.name { "Where" }
                @for phase in PHASES { th { (phase) } }
            } }
            @for run in runs {
                @let modelled: Vec<_> = simulations.iter().filter(|s| s.network == run.network).collect();
                tbody {
                    tr {
                        @let rows = (modelled.len() + 1).to_string();
                        td.name rowspan=(rows) { (run.network) }
                        @for count in [run.params, run.macs, run.relus] { td rowspan=(rows) { (exact(count)) } }
                        td rowspan=(rows) { (bytes(run.bytes)) }
                        td.name { "this machine, both parties " (badge(Origin::Measured)) }
                        @for phase in PHASES { td { (seconds(run.phase(phase))) } }
                    }
                    @for simulation in modelled {
                        tr {
                            td.name { (simulation.hardware) " " (badge(Origin::Modelled)) }
                            @for time in [simulation.latency_s.setup, simulation.latency_s.offline, simulation.latency_s.online] {
                                td { (seconds(time)) }
                            }
                        }
                    }
                }
            }
        } }
    }
}
