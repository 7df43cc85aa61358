//! Delphi with either garbler: every private inference gives the integer reference's answer bit for bit, and every step does
//! exactly the predicted work, bytes on the wire included.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::NetworkSpec;
use pisim_tests::{Run, small};

const PROTOCOLS: [&str; 2] = ["delphi", "delphi-client"];

#[test]
fn a_small_network_is_exact_and_conforms_under_both_garblers() {
    for protocol in PROTOCOLS {
        Run::new(&small("minionn", 2, 8), protocol, 1).assert_exact_and_conforming();
    }
}

#[test]
fn residual_networks_with_stride_and_without_a_relu_after_a_layer_are_exact_and_conform() {
    Run::new(&small("resnet20", 1, 8), PROTOCOLS[1], 1).assert_exact_and_conforming();
    let mut spec = NetworkSpec::named("hrn-5x5x3x").unwrap();
    spec.base_channels = Some(1);
    spec.input_size = 8;
    spec.cull = vec!["stem".into(), "s1".into()];
    spec.thin = true;
    Run::new(&spec.build().unwrap(), PROTOCOLS[0], 3).assert_exact_and_conforming();
}
