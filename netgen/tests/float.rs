//! The float reference and weights rounded from it, against the integer reference and against direct definitions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::networks;
use pisim_netgen::{
    FixedNetwork, FixedPoint, FloatLayer, Model, NetworkBuilder, NetworkError, NetworkSpec, Op, Shape, Weights, float,
    infer, random_input,
};
use proptest::prelude::*;

const FORMAT: FixedPoint = FixedPoint { ring_bits: 32, fraction_bits: 8, weight_bits: 11, relu_max: None };
/// So many fraction bits that rounding hardly matters.
const FINE: FixedPoint = FixedPoint { ring_bits: 64, fraction_bits: 16, weight_bits: 32, relu_max: None };

#[test]
fn random_float_weights_round_to_the_random_integer_weights() {
    let mut spec = NetworkSpec::named("hrn-5x5x3x").unwrap();
    spec.base_channels = Some(8);
    spec.cull = vec!["s1".into()];
    let network = spec.build().unwrap();
    let net = FixedNetwork::new(&network, FORMAT).unwrap();
    let rounded = Weights::from_float(&net, &Model::random(network, 5)).unwrap();
    let drawn = Weights::random(&net, 5);
    for (rounded, drawn) in rounded.0.iter().zip(&drawn.0) {
        let (Some(rounded), Some(drawn)) = (rounded, drawn) else {
            assert_eq!(rounded.is_some(), drawn.is_some());
            continue;
        };
        // Single precision may put a value on the other side of a tie.
        let pairs = rounded.weights.iter().zip(&drawn.weights);
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() <= 1));
        assert!(pairs.filter(|(a, b)| a != b).count() * 1000 <= rounded.weights.len());
        assert!(rounded.bias.iter().zip(&drawn.bias).all(|(a, b)| (a - b).abs() <= 1));
    }
}

#[test]
fn a_full_size_hybrenet_in_fine_fixed_point_agrees_with_float() {
    let network = NetworkSpec::named("hrn-5x5x3x").unwrap().build().unwrap();
    let net = FixedNetwork::new(&network, FINE).unwrap();
    let input = random_input(network.input, FINE, 3);
    let unit = f64::from(1 << FINE.fraction_bits);
    let floats: Vec<f32> = input.iter().map(|&value| (value as f64 / unit) as f32).collect();
    let model = Model::random(network, 3);
    let float = float::infer(&model, &floats).unwrap();
    let fixed = infer(&net, &Weights::from_float(&net, &model).unwrap(), &input).unwrap();
    let scale = 2f64.powi(net.fraction(net.network.output_id()) as i32);
    let logits = &float.last().unwrap().data;
    let largest = logits.iter().fold(0f32, |most, value| most.max(value.abs()));
    for (&integer, &float) in fixed.outputs.iter().zip(logits) {
        let error = (integer as f64 / scale - f64::from(float)).abs();
        assert!(error < 2e-3 * f64::from(largest), "{error} of {largest}");
    }
}

#[test]
fn a_weight_or_bias_that_would_saturate_is_refused_by_layer() {
    let mut net = NetworkBuilder::new("tiny", Shape::new(1, 1, 1)).unwrap();
    net.add("head.fc", Op::Linear { out_features: 1 }, &[net.input()]).unwrap();
    let network = net.finish().unwrap();
    let fixed = FixedNetwork::new(&network, FORMAT).unwrap();
    let mut model = Model::random(network, 0);
    let mut error = |weights: Vec<f32>, bias: Vec<f32>| {
        model.weights.0[1] = Some(FloatLayer { weights, bias });
        Weights::from_float(&fixed, &model).map_err(|error| error.to_string())
    };
    assert!(error(vec![-4.0], vec![0.0]).is_ok());
    let high = error(vec![4.0], vec![0.0]).unwrap_err();
    assert!(high.starts_with("weight of layer head.fc: 4 is not possible: expected -4 to 3.99609375"), "{high}");
    assert!(error(vec![0.0], vec![40000.0]).unwrap_err().starts_with("bias of layer head.fc: 40000"));
    assert!(error(vec![f32::NAN], vec![0.0]).unwrap_err().contains("NaN is not possible: expected a finite number"));
    assert!(error(vec![0.0, 0.0], vec![0.0]).unwrap_err().contains("expected 1 values, found 2"));
}

#[test]
fn weights_of_another_network_and_inputs_of_another_size_are_refused() {
    let build = |name: &str| NetworkSpec::named(name).unwrap().build().unwrap();
    let model = Model::random(build("minionn"), 0);
    let other = FixedNetwork::new(&build("resnet20"), FORMAT).unwrap();
    assert!(matches!(Weights::from_float(&other, &model), Err(NetworkError::Weights { .. })));
    assert!(matches!(float::infer(&model, &[0.0]), Err(NetworkError::InputLength { expected: 3072, found: 1 })));
}

proptest! {
    /// Fine fixed point and float agree to 1 % of the largest value of each layer, whatever the network.
    #[test]
    fn both_references_agree_on_any_network(network in networks(), seed in any::<u64>()) {
        let Ok(net) = FixedNetwork::new(&network, FINE) else { return Ok(()) };
        let input = random_input(network.input, FINE, seed);
        let floats: Vec<f32> = input.iter().map(|&value| value as f32 / 65536.0).collect();
        let model = Model::random(network, seed);
        let Ok(weights) = Weights::from_float(&net, &model) else { return Ok(()) };
        let fixed = infer(&net, &weights, &input).unwrap();
        let float = float::infer(&model, &floats).unwrap();
        prop_assume!(fixed.first_overflow().is_none());
        for (id, layer) in net.network.iter() {
            // A pool that was joined with the activation behind it has another meaning under the same name.
            let own = model.network.find(&layer.name);
            let Some(own) = own.filter(|&own| model.network.layer(own).op == layer.op) else { continue };
            let scale = 2f64.powi(net.fraction(id) as i32);
            let largest = float[own.0].data.iter().fold(1f32, |most, value| most.max(value.abs()));
            for (&integer, &float) in fixed.layers[id.0].data.iter().zip(&float[own.0].data) {
                let error = (integer as f64 / scale - f64::from(float)).abs();
                prop_assert!(error <= 1e-2 * f64::from(largest), "{}: {error} of {largest}", layer.name);
            }
        }
    }
}
