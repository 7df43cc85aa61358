//! Counterfactuals, sensitivities and rooflines of whole inferences.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may fail")]

mod common;

use common::{platforms, program, small_program};
use pisim_hw_models::Platform;
use pisim_protocol::StepKind;
use pisim_sim::analysis::{rooflines, sensitivities, without_each};
use pisim_sim::{Level, Prepared, Workspace};
use proptest::prelude::*;

#[test]
fn removing_a_part_never_gives_less_than_what_it_takes_alone_at_the_closed_form() {
    let program = small_program(8, 12);
    let prepared = Prepared::new(&program);
    for platform in platforms() {
        let found = without_each(&prepared, &platform, Level::ClosedForm, &mut Workspace::default()).unwrap();
        let names: Vec<&str> = found.removals.iter().map(|removal| removal.unit).collect();
        assert!(names.contains(&"link.down") && names.contains(&"link.round-trip"), "{names:?}");
        for removal in &found.removals {
            let (with, without) = (&found.latency_s, &removal.latency_s);
            for (with, without) in with.phases().iter().zip(without.phases()) {
                assert!(without <= with * (1.0 + 1e-9), "{} on {}", removal.unit, platform.name);
            }
            // The others' own bounds still hold.
            for other in found.removals.iter().filter(|other| other.unit != removal.unit) {
                let bound = if other.unit.ends_with("memory") || other.unit.ends_with("cores") {
                    0.0
                } else {
                    other.bound_s.total
                };
                assert!(without.total >= bound * (1.0 - 1e-9), "{} without {}", other.unit, removal.unit);
            }
        }
        assert!(found.removals.windows(2).all(|pair| pair[0].latency_s.total <= pair[1].latency_s.total));
    }
}

#[test]
fn without_the_slow_link_direction_an_inference_on_a_local_network_is_faster() {
    let program = program("resnet20");
    let platform = Platform::builtin("cpu-lan").unwrap();
    let found = without_each(&Prepared::new(&program), &platform, Level::Event, &mut Workspace::default()).unwrap();
    let speedup = |unit: &str| found.speedup(found.removals.iter().find(|removal| removal.unit == unit).unwrap());
    assert!(speedup("link.down") > 1.1, "{found:?}");
    assert!(speedup("client.memory") >= 1.0 - 1e-9);
    // What binds most is what gives most.
    assert_eq!(found.removals.first().unwrap().unit, "link.down");
}

#[test]
fn sensitivities_name_the_link_and_do_not_depend_on_threads() {
    let program = program("resnet20");
    let platform = Platform::builtin("haac-hbm2").unwrap();
    let prepared = Prepared::new(&program);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sensitivities(&prepared, &platform, Level::ClosedForm, 64, 1)).unwrap()
    };
    let found = run(1);
    assert_eq!(found, run(3));
    assert!(found.windows(2).all(|pair| pair[0].total >= pair[1].total));
    for one in &found {
        assert!(one.half_speed >= 1.0 - 1e-9 && one.double_speed <= 1.0 + 1e-9, "{one:?}");
        assert!(one.half_speed <= 2.0 + 1e-9 && one.double_speed >= 0.5 - 1e-9, "{one:?}");
        assert!((-0.1..=1.1).contains(&one.first) && (0.0..=1.2).contains(&one.total), "{one:?}");
    }
    let most = found.first().unwrap();
    assert!(most.half_speed > 1.05 && most.total > 0.2, "{found:?}");
}

#[test]
fn every_step_lies_below_its_roof_on_every_platform() {
    let mut seen = std::collections::BTreeSet::new();
    for name in ["resnet20", "hrn-tiny"] {
        let program = program(name);
        let prepared = Prepared::new(&program);
        for platform in platforms() {
            for roof in rooflines(&prepared, &platform, &mut Workspace::default()).unwrap() {
                for step in &roof.steps {
                    let ceiling = roof.ceiling_per_s(step.intensity());
                    assert!(
                        step.rate_per_s() <= ceiling * (1.0 + 1e-6),
                        "{} on {}: {step:?} above {ceiling:e}",
                        roof.unit,
                        platform.name
                    );
                }
                if !roof.steps.is_empty() {
                    seen.insert(roof.operation);
                }
            }
        }
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Sums over a roof's steps are the program's own counts of what runs there.
    #[test]
    fn the_gates_of_a_roof_are_those_of_the_program(channels in 1_usize..6, size in 4_usize..9) {
        let program = small_program(channels, size);
        let platform = Platform::builtin("haac-hbm2").unwrap();
        let roofs = rooflines(&Prepared::new(&program), &platform, &mut Workspace::default()).unwrap();
        // The client evaluates on its processor.
        let work = program.work_of(|step| step.kind == StepKind::Garble);
        let of_gates = roofs.iter().filter(|roof| roof.operation == "gates");
        let gates: f64 = of_gates.flat_map(|roof| &roof.steps).map(|step| step.operations).sum();
        prop_assert!((gates - (work.and_gates + work.xor_gates) as f64).abs() < 0.5, "{gates} {:?}", work);
    }
}
