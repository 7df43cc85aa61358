//! Latency by phase and by activity, simulations side by side.

use super::activity::{Category, attribute};
use super::breakdown::{Group, Row, Stack, Words, scene};
use super::{Data, Figure, Origin, platform_label};
use crate::format::Quantity;
use pisim_sim::Simulation;

/// Latency of every phase of every simulation, and what each phase's time goes to.
pub fn latency(simulations: &[Simulation]) -> Figure {
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
        scene: scene(&groups, &words),
        data,
    }
}
