//! Networks with fraction bits of each layer's own run as exactly as those with the same for all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_backend::verify;
use pisim_netgen::quantise::{Headroom, quantise, random_samples};
use pisim_netgen::{FixedNetwork, FixedPoint, Model, NetworkSpec, Op};
use pisim_protocol::{LowerError, Protocol, lower, lower_planned};
use pisim_tests::seeds;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A small residual network whose layers have weights of very different sizes, as training leaves them.
fn model(input_size: usize) -> Model {
    let mut spec = NetworkSpec::named("resnet20").unwrap();
    (spec.input_size, spec.base_channels, spec.depths) = (input_size, Some(2), Some(vec![1, 1, 1]));
    // Layers without a ReLU before a convolution are rescaled alone.
    spec.cull = vec!["s2".into()];
    let mut model = Model::random(spec.build().unwrap(), 9);
    for (index, layer) in model.weights.0.iter_mut().flatten().enumerate() {
        let factor = [0.1, 3.0, 0.6, 0.02][index % 4];
        layer.weights.iter_mut().for_each(|weight| *weight *= factor);
    }
    model
}

#[test]
fn calibrated_networks_are_exact_under_every_preset() {
    for (name, size) in [("ring-gc", 8), ("ring-gc-client", 8), ("delphi", 4), ("delphi-client", 4)] {
        let protocol = Protocol::load(name).unwrap();
        let model = model(size);
        let samples = random_samples(model.network.input, 4, 2);
        let calibrated = quantise(&model, protocol.format, &samples, Headroom::Proven).unwrap();
        let program = Arc::new(lower_planned(calibrated.net.clone(), &protocol).unwrap());
        let shifts: BTreeSet<u32> = program.network.network.iter().map(|(id, _)| program.network.shift(id)).collect();
        assert!(shifts.len() > 3, "{name}: {shifts:?} hardly differ");
        assert!(program.network.network.layers.iter().any(|layer| layer.op == Op::Rescale), "{name}");
        let input = calibrated.input(&samples.inputs[0]);
        let weights = Arc::new(calibrated.weights);
        let run = verify(&program, &weights, &input, seeds(3), 1 << 30, &mut |_| {}).unwrap();
        assert_eq!((run.mismatches, run.mispredictions.len()), (0, 0), "{name}");
        assert!(run.reference.iter().any(|value| *value != 0), "{name}");
    }
}

#[test]
fn a_plan_of_the_default_rules_lowers_to_the_default_program() {
    let (protocol, network) = (Protocol::load("ring-gc").unwrap(), model(8).network);
    let planned = lower_planned(FixedNetwork::new(&network, protocol.format).unwrap(), &protocol).unwrap();
    let simple = lower(&network, &protocol).unwrap();
    assert_eq!((&planned.network, &planned.steps), (&simple.network, &simple.steps));
    let narrower = FixedPoint { weight_bits: 10, ..protocol.format };
    let other = lower_planned(FixedNetwork::new(&network, narrower).unwrap(), &protocol);
    assert!(matches!(other, Err(LowerError::Format { .. })));
}
