//! Any simulation can be drawn: nothing at all, one layer, eighty, zeros, huge ratios, undefined numbers.

use crate::figures::{self, Columns, attribute};
use crate::tests::readable::well_formed;
use crate::{Report, sample};
use pisim_sim::{ByPhase, Simulation};
use proptest::prelude::*;

fn draw_all(simulations: &[Simulation]) {
    let mut figures = vec![figures::phases(simulations)];
    for columns in [Columns::One, Columns::Two] {
        figures.extend([
            figures::latency(simulations, columns),
            figures::latency_by_unit(simulations, columns),
            figures::energy(simulations, columns),
            figures::energy_by_unit(simulations, columns),
        ]);
        figures.extend(simulations.iter().flat_map(|s| [figures::layers(s, columns), figures::timeline(s, columns)]));
    }
    for figure in figures {
        well_formed(&figure.svg().unwrap());
        assert_eq!(figure.text_faults(), Vec::<String>::new(), "{}", figure.name);
        for row in &figure.data.rows {
            assert_eq!(row.len(), figure.data.header.len(), "{}", figure.name);
        }
        assert!(figure.scene.height > 0 && figure.scene.height < 30_000, "{}: {}", figure.name, figure.scene.height);
    }
}

fn empty() -> Simulation {
    Simulation { network: "none".into(), hardware: "nothing".into(), ..Default::default() }
}

#[test]
fn nothing_at_all_still_makes_figures_and_tables() {
    draw_all(&[]);
    draw_all(&[empty()]);
    draw_all(&[empty(), sample::simulation("net", "cpu", 5, 1.0)]);
    figures::schedule(&[], Columns::Two).png().unwrap();
    assert!(Report::default().figures().is_empty());
    assert!(crate::tables::simulations(&[empty()]).contains("none"));
}

#[test]
fn undefined_and_negative_numbers_are_drawn_as_zero() {
    let mut s = sample::simulation("net", "cpu", 20, 1.0);
    s.layers[3].garble_s = f64::NAN;
    s.layers[4].he_eval_s = f64::INFINITY;
    s.layers[5].energy_j = -1.0;
    s.latency_s.offline = f64::NAN;
    s.energy_j.by_unit.insert("client.cpu".into(), f64::NAN);
    s.timeline[7].end_s = f64::NAN;
    draw_all(&[s]);
}

#[test]
fn many_networks_and_long_names_stay_apart() {
    let long = "a-network-with-a-very-long-name-indeed-that-nobody-would-print";
    let all: Vec<_> =
        (0..12).map(|i| sample::simulation(long, &format!("{long}-{i}"), 6, 1.0 + f64::from(i))).collect();
    draw_all(&all);
    for count in 1..=3 {
        let networks: Vec<_> = (0..count).map(|i| sample::schedule(long, [2, 50, 160][i])).collect();
        assert_eq!(figures::schedule(&networks, Columns::Two).text_faults(), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_scale_and_size_is_drawn_and_sums_to_its_latency(
        layers in 1usize..90,
        others in 1usize..4,
        power in -9i32..6,
        ratio in -6i32..4,
        speed in 1.0f64..1e5,
        zero_energy in any::<bool>(),
    ) {
        let mut all: Vec<Simulation> = (0..others).map(|i| sample::simulation("net", &format!("p{i}"), layers, speed)).collect();
        for (i, s) in all.iter_mut().enumerate() {
            let factor = 10f64.powi(power + ratio * i as i32);
            let scale = |p: &mut ByPhase| {
                for v in [&mut p.setup, &mut p.offline, &mut p.online, &mut p.total] {
                    *v *= factor;
                }
            };
            scale(&mut s.latency_s);
            scale(&mut s.energy_j.phases);
            s.activities.iter_mut().for_each(|a| scale(&mut a.energy_j));
            s.timeline.iter_mut().for_each(|t| (t.start_s, t.end_s) = (t.start_s * factor, t.end_s * factor));
            s.layers.iter_mut().for_each(|l| l.garble_s *= factor);
            if zero_energy {
                s.energy_j = Default::default();
                s.layers.iter_mut().for_each(|l| l.energy_j = 0.0);
            }
            for (phase, latency, shares) in attribute(s) {
                let sum: f64 = shares.iter().sum();
                prop_assert!((sum - latency).abs() <= 1e-8 * latency, "{phase}: {sum} is not {latency}");
                prop_assert!(shares.iter().all(|v| *v >= 0.0));
            }
        }
        draw_all(&all);
    }
}
