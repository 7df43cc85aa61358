//! Latency by phase and by activity, and by unit, simulations side by side.

use super::activity::{Category, WAITING, attribute, attribute_to_units};
use super::breakdown::{Group, Row, Stack, Words, scene};
use super::{Data, Figure, Origin, platform_label};
use crate::draw::style::{self, Columns};
use crate::format::Quantity;
use pisim_sim::Simulation;
use std::collections::BTreeSet;

/// Latency of every phase of every simulation, and what each phase's time goes to.
pub fn latency(simulations: &[Simulation], columns: Columns) -> Figure {
    let keys: Vec<_> = Category::ALL.iter().map(|c| (c.name().to_owned(), c.fill())).collect();
    let mut data = Data::new(&["network", "protocol", "hardware", "phase", "activity", "seconds"]);
    let groups: Vec<Group> = simulations
        .iter()
        .map(|simulation| {
            let phases: Vec<_> = attribute(simulation).into_iter().filter(|(_, latency, _)| *latency > 0.0).collect();
            for (phase, _, shares) in &phases {
                for (category, seconds) in Category::ALL.iter().zip(shares).filter(|(_, s)| **s > 0.0) {
                    data.push([
                        simulation.network.clone(),
                        simulation.protocol.clone(),
                        simulation.hardware.clone(),
                        (*phase).to_owned(),
                        category.key().to_owned(),
                        seconds.to_string(),
                    ]);
                }
            }
            Group {
                network: simulation.network.clone(),
                platform: platform_label(simulation, simulations),
                rows: phases.iter().map(|(phase, value, _)| Row { label: phase, value: *value }).collect(),
                stacks: phases
                    .iter()
                    .enumerate()
                    .map(|(first, (_, _, shares))| Stack {
                        first,
                        rows: 1,
                        parts: shares.iter().copied().enumerate().collect(),
                    })
                    .collect(),
            }
        })
        .collect();
    let words =
        Words { quantity: Quantity::Seconds, left: "Latency", right: "Share of the phase's latency (%)", keys: &keys };
    Figure {
        name: "latency".to_owned(),
        title: "Latency by phase and by activity".to_owned(),
        caption: "Left: latency of each phase. Right: what the phase's time goes to; an instant at which several steps run is \
                  divided equally among them, and “waiting” is time in which only a message is on its way."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(&groups, &words, columns),
        data,
    }
}

/// Latency of every phase of every simulation, and which unit or direction of the link each phase's time goes to.
pub fn latency_by_unit(simulations: &[Simulation], columns: Columns) -> Figure {
    let names: BTreeSet<&str> =
        simulations.iter().flat_map(|s| &s.timeline).map(|interval| interval.unit.as_str()).chain([WAITING]).collect();
    let fill = |name: &str| if name == WAITING { Category::Waiting.fill() } else { style::unit(name) };
    let keys: Vec<_> = names.iter().map(|name| ((*name).to_owned(), fill(name))).collect();
    let mut data = Data::new(&["network", "protocol", "hardware", "phase", "unit", "seconds"]);
    let mut groups = Vec::with_capacity(simulations.len());
    for simulation in simulations {
        let (mut rows, mut stacks) = (Vec::new(), Vec::new());
        for (phase, value, shares) in attribute_to_units(simulation) {
            if value <= 0.0 {
                continue;
            }
            let mut parts = Vec::new();
            for (unit, seconds) in shares.into_iter().filter(|(_, seconds)| *seconds > 0.0) {
                let names_of = [&simulation.network, &simulation.protocol, &simulation.hardware].map(String::clone);
                let cells = [phase.to_owned(), unit.clone(), seconds.to_string()];
                data.push(names_of.into_iter().chain(cells));
                if let Some(key) = names.iter().position(|name| *name == unit) {
                    parts.push((key, seconds));
                }
            }
            parts.sort_by_key(|(key, _)| *key);
            stacks.push(Stack { first: rows.len(), rows: 1, parts });
            rows.push(Row { label: phase, value });
        }
        let platform = platform_label(simulation, simulations);
        groups.push(Group { network: simulation.network.clone(), platform, rows, stacks });
    }
    let words =
        Words { quantity: Quantity::Seconds, left: "Latency", right: "Share of the phase's latency (%)", keys: &keys };
    Figure {
        name: "latency-by-unit".to_owned(),
        title: "Latency by phase and by unit".to_owned(),
        caption: "Which unit or direction of the link each phase's time goes to; an instant at which several work is divided equally \
                  among them, and “waiting” is time in which only a message is on its way."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(&groups, &words, columns),
        data,
    }
}
