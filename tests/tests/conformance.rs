//! The project's invariant: every private inference gives the integer reference's answer bit for bit, and every step does
//! exactly the predicted work.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::NetworkSpec;
use pisim_tests::{Run, small};

const PROTOCOLS: [&str; 2] = ["ring-gc", "ring-gc-client"];

#[test]
fn small_networks_of_every_family_are_exact_and_conform() {
    for (name, base, size) in [
        ("hrn-5x5x3x", 1, 8),
        ("hrn-2x5x3x", 2, 16),
        ("resnet18", 2, 16),
        ("resnet20", 2, 16),
        ("wrn-22-8", 1, 8),
        ("vgg16", 1, 32),
        ("minionn", 4, 16),
        // A pool whose window is smaller than its map, and whose output is one pixel.
        ("minionn", 2, 6),
    ] {
        // Delphi's rotations take minutes on these; `delphi.rs` has its networks.
        for protocol in PROTOCOLS {
            Run::new(&small(name, base, size), protocol, 1).assert_exact_and_conforming();
        }
    }
}

#[test]
fn twenty_seeds_in_a_row_are_exact_and_conform() {
    let network = small("resnet20", 1, 8);
    for seed in 0..20 {
        Run::new(&network, PROTOCOLS[seed as usize % 2], seed).assert_exact_and_conforming();
    }
}

#[test]
fn culled_and_thinned_networks_rescale_without_a_relu() {
    let mut spec = NetworkSpec::named("hrn-5x5x3x").unwrap();
    spec.base_channels = Some(1);
    spec.input_size = 8;
    spec.cull = vec!["stem".into(), "s1".into()];
    spec.thin = true;
    for protocol in PROTOCOLS {
        Run::new(&spec.build().unwrap(), protocol, 3).assert_exact_and_conforming();
    }
}

#[test]
fn networks_that_transforms_made_are_exact_and_conform() {
    let made = |base: &str, transforms: &[&str]| {
        let mut spec = NetworkSpec::named(base).unwrap();
        (spec.base_channels, spec.input_size) = (Some(if base == "resnet18" { 8 } else { 2 }), 8);
        spec.transforms.extend(transforms.iter().map(|text| text.parse().unwrap()));
        spec.build().unwrap()
    };
    for (base, transforms) in [
        // Every way of reuse: maps that pass or are used again, one group or several, dense and grouped convolutions.
        ("resnet18", &["relu-reuse:factor=2"][..]),
        ("resnet18", &["relu-reuse:factor=4,concat=false"]),
        ("resnet18", &["relu-reuse:factor=2,groups=2,conv=grouped"]),
        (
            "resnet18",
            &["cull:stages=stem+s1", "thin", "reshape:a=0.5", "relu-reuse:factor=2,groups=2,concat=false,conv=grouped"],
        ),
        ("resnet20", &["equalize", "reshape:a=0.5,rho=0.5"]),
    ] {
        for protocol in PROTOCOLS {
            Run::new(&made(base, transforms), protocol, 4).assert_exact_and_conforming();
        }
    }
    // The shipped one of them that is small enough.
    let shipped = NetworkSpec::named("resnet-tiny-reuse-2").unwrap().build().unwrap();
    Run::new(&shipped, "ring-gc", 5).assert_exact_and_conforming();
}

#[test]
fn weights_that_some_layers_prepare_before_the_inference_change_no_answer_and_no_count_but_their_own() {
    let network = small("resnet20", 2, 16);
    let mut protocol = pisim_protocol::Protocol::load("ring-gc").unwrap();
    protocol.linear.coefficient_mut().unwrap().prepared_bytes = 1 << 20;
    let program = pisim_protocol::lower(&network, &protocol).unwrap();
    let prepared: Vec<bool> = program.plans.iter().flatten().map(|plan| plan.coefficient().unwrap().prepared).collect();
    assert!(prepared.contains(&true) && prepared.contains(&false), "{prepared:?}");
    let weights = pisim_netgen::Weights::random(&program.network, 1);
    let input = pisim_netgen::random_input(program.network.network.input, program.network.format, 1);
    Run::of(program, weights, &input, 1).assert_exact_and_conforming();
}
