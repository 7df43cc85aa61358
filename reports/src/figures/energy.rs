//! Energy by phase and by activity, and by unit, simulations side by side.

use super::activity::{Category, energy_by_category};
use super::breakdown::{Group, Row, Stack, Words, scene};
use super::{Data, Figure, Origin, by_phase, platform_label, sane};
use crate::draw::style::{self, Columns};
use crate::format::Quantity;
use pisim_sim::Simulation;
use std::collections::BTreeSet;

/// Energy of every phase of every simulation, and what kind of work uses it.
pub fn energy(simulations: &[Simulation], columns: Columns) -> Figure {
    let keys: Vec<_> = Category::ALL.iter().map(|c| (c.name().to_owned(), c.fill())).collect();
    let mut data = Data::new(&["network", "protocol", "hardware", "phase", "activity", "joules"]);
    let mut groups = Vec::with_capacity(simulations.len());
    for simulation in simulations {
        let (mut rows, mut stacks) = (Vec::new(), Vec::new());
        for ((phase, value), shares) in
            by_phase(&simulation.energy_j.phases).into_iter().zip(energy_by_category(&simulation.activities))
        {
            if value == 0.0 {
                continue;
            }
            for (category, joules) in Category::ALL.iter().zip(shares).filter(|(_, joules)| *joules > 0.0) {
                data.push(cells(simulation, [phase, category.key()], joules));
            }
            stacks.push(Stack { first: rows.len(), rows: 1, parts: shares.into_iter().enumerate().collect() });
            rows.push(Row { label: phase, value });
        }
        groups.push(Group {
            network: simulation.network.clone(),
            platform: platform_label(simulation, simulations),
            rows,
            stacks,
        });
    }
    let words =
        Words { quantity: Quantity::Joules, left: "Energy", right: "Share of the phase's energy (%)", keys: &keys };
    Figure {
        name: "energy".to_owned(),
        title: "Energy by phase and by activity".to_owned(),
        caption: "Left: energy of each phase, both parties and the link. Right: which kind of work uses it, memory traffic included; \
                  “static” is power that the parties draw whether or not they work, times the time."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(&groups, &words, columns),
        data,
    }
}

/// Energy of every simulation over all phases, and which unit uses it.
pub fn energy_by_unit(simulations: &[Simulation], columns: Columns) -> Figure {
    let units: BTreeSet<&String> = simulations.iter().flat_map(|s| s.energy_j.by_unit.keys()).collect();
    let keys: Vec<_> = units.iter().map(|unit| ((*unit).clone(), style::unit(unit))).collect();
    let mut data = Data::new(&["network", "protocol", "hardware", "unit", "joules"]);
    let mut groups = Vec::with_capacity(simulations.len());
    for simulation in simulations {
        let mut parts = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            let joules = sane(simulation.energy_j.by_unit.get(*unit).copied().unwrap_or(0.0));
            if joules > 0.0 {
                data.push(cells(simulation, [unit], joules));
                parts.push((index, joules));
            }
        }
        let total = parts.iter().map(|(_, joules)| joules).sum();
        let rows = if total > 0.0 { vec![Row { label: "total", value: total }] } else { Vec::new() };
        let stacks = vec![Stack { first: 0, rows: rows.len(), parts }];
        groups.push(Group {
            network: simulation.network.clone(),
            platform: platform_label(simulation, simulations),
            rows,
            stacks,
        });
    }
    let words =
        Words { quantity: Quantity::Joules, left: "Energy", right: "Share of the total energy (%)", keys: &keys };
    Figure {
        name: "energy-by-unit".to_owned(),
        title: "Energy by unit".to_owned(),
        caption:
            "Energy over all phases, and which unit, memory or link uses it; “static” as in the energy by activity."
                .to_owned(),
        origin: Origin::Modelled,
        scene: scene(&groups, &words, columns),
        data,
    }
}

fn cells<const N: usize>(simulation: &Simulation, part: [&str; N], joules: f64) -> Vec<String> {
    [&simulation.network, &simulation.protocol, &simulation.hardware]
        .into_iter()
        .cloned()
        .chain(part.map(str::to_owned))
        .chain([joules.to_string()])
        .collect()
}
