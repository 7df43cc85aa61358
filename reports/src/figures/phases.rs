//! Which phase dominates: latency and energy as stacked shares, with the totals.

use super::breakdown::{LONGEST_VALUE, empty};
use super::{Data, Figure, Origin, by_phase, platform_label, sane};
use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{FAINT_INK, INK, LABEL_PT, ONE_COLUMN_IN, SMALL_PT, inches, phase, points};
use crate::draw::{font, frame, legend};
use crate::format::Quantity;
use pisim_sim::Simulation;

const PHASES: [&str; 3] = ["setup", "offline", "online"];

/// Latency and energy of every simulation, stacked by phase, with the total at each bar's end.
pub fn phases(simulations: &[Simulation]) -> Figure {
    let mut data = Data::new(&["network", "protocol", "hardware", "phase", "latency_s", "energy_j"]);
    for simulation in simulations {
        for ((phase, seconds), (_, joules)) in
            by_phase(&simulation.latency_s).into_iter().zip(by_phase(&simulation.energy_j.phases))
        {
            data.push([
                simulation.network.clone(),
                simulation.protocol.clone(),
                simulation.hardware.clone(),
                phase.to_owned(),
                seconds.to_string(),
                joules.to_string(),
            ]);
        }
    }
    Figure {
        name: "phases".to_owned(),
        title: "Latency and energy by phase".to_owned(),
        caption: "Shares of setup (keys and base transfers), offline (once per inference, before the input is known) and online \
                  (from the input to the answer). The total stands at the end of each bar."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(simulations),
        data,
    }
}

fn scene(simulations: &[Simulation]) -> Scene {
    let mut scene = Scene::new(ONE_COLUMN_IN);
    if simulations.is_empty() {
        return empty(scene, "no simulations");
    }
    let margin = points(3.0);
    let limit = inches(0.95);
    let labels: Vec<_> = simulations.iter().map(|s| platform_label(s, simulations)).collect();
    let label_width = simulations
        .iter()
        .zip(&labels)
        .flat_map(|(s, label)| [font::width(&s.network, LABEL_PT), font::width(label, SMALL_PT)])
        .max()
        .unwrap_or(0)
        .min(limit);
    let value_width = font::width(LONGEST_VALUE, LABEL_PT) + points(4.0);
    let (x0, x1) = (margin + label_width + points(8.0), scene.width - value_width - margin);
    let entries: Vec<_> = PHASES.iter().map(|name| (*name, phase(name))).collect();
    let mut y = legend::draw(&mut scene, (x0, x1), margin, &entries) + points(5.0);
    let row_height = points(18.0);
    let share = Axis::Linear { quantity: Quantity::Count, step: 20.0, end: 100.0 };
    for (quantity, title) in
        [(Quantity::Seconds, "Share of the latency (%)"), (Quantity::Joules, "Share of the energy (%)")]
    {
        let area = Area { x0, y0: y, x1, y1: y + row_height * simulations.len() as i32 };
        y = frame::value_axis_below(&mut scene, area, &share, title) + points(6.0);
        for (i, (simulation, label)) in simulations.iter().zip(&labels).enumerate() {
            let values =
                if quantity == Quantity::Seconds { &simulation.latency_s } else { &simulation.energy_j.phases };
            let total: f64 = by_phase(values).iter().map(|(_, v)| v).sum();
            let y0 = area.y0 + i as i32 * row_height;
            if total > 0.0 {
                let bar = Area { y0: y0 + points(3.0), y1: y0 + row_height - points(3.0), ..area };
                frame::stack_right(
                    &mut scene,
                    bar,
                    total,
                    by_phase(values).into_iter().map(|(name, v)| (phase(name), v)),
                );
            }
            let middle = y0 + row_height / 2;
            let total = quantity.format(sane(total));
            scene.text((area.x1 + points(4.0), middle + points(LABEL_PT * 0.35)), total, LABEL_PT, Anchor::Start, INK);
            scene.text(
                (margin, middle - points(1.0)),
                font::fit(&simulation.network, LABEL_PT, limit),
                LABEL_PT,
                Anchor::Start,
                INK,
            );
            scene.text(
                (margin, middle + points(6.5)),
                font::fit(label, SMALL_PT, limit),
                SMALL_PT,
                Anchor::Start,
                FAINT_INK,
            );
        }
    }
    scene.height = y - points(6.0) + margin;
    scene
}
