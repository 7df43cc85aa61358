//! Calibrated plans: nothing leaves the ring, bounds are reached, and what is refused comes with a fix that works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use pisim_netgen::quantise::{Headroom, Interval, Range, Samples, bounds, hull, quantise, random_samples, top1};
use pisim_netgen::{
    Conv, FixedNetwork, FixedPoint, FloatLayer, FloatWeights, Model, Network, NetworkBuilder, NetworkError,
    NetworkSpec, Op, Shape, float, infer,
};
use proptest::prelude::*;

const FORMAT: FixedPoint = FixedPoint { ring_bits: 32, fraction_bits: 8, weight_bits: 11, relu_max: None };

fn small_hybrenet() -> Network {
    let mut spec = NetworkSpec::named("hrn-6x3x").unwrap();
    (spec.input_size, spec.base_channels, spec.depths) = (8, Some(2), Some(vec![1, 1, 1]));
    spec.build().unwrap()
}

/// Inputs at the ends of a range, where bounds are nearest, and some in between.
fn extreme_inputs(net: &FixedNetwork, range: Range, seed: u64) -> Vec<Vec<i64>> {
    let one = 2f64.powi(net.format.fraction_bits as i32);
    let [low, high] = [range.low, range.high].map(|end| (end * one).round() as i64);
    let noise = pisim_netgen::random_input(net.network.input, FORMAT, seed);
    let picked = |pick: fn(i64, i64, i64) -> i64| noise.iter().map(|&bits| pick(bits, low, high)).collect();
    vec![
        picked(|_, low, _| low),
        picked(|_, _, high| high),
        picked(|bits, low, high| if bits & 1 == 0 { low } else { high }),
        picked(|bits, low, high| low + (high - low) * bits / 256),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_input_of_the_range_makes_a_calibrated_network_leave_the_ring_or_its_bounds(
        network in common::networks(), seed: u64, ring_bits in 18..=64u32, weight_bits in 4..=12u32,
        fraction_bits in 3..=8u32, clamped: bool,
    ) {
        let format = FixedPoint { ring_bits, fraction_bits, weight_bits, relu_max: clamped.then_some(3) };
        let model = Model::random(network, seed);
        let mut samples = random_samples(model.network.input, 3, seed);
        samples.range = Range { low: -0.5, high: 1.5 };
        let calibrated = match quantise(&model, format, &samples, Headroom::Proven) {
            Ok(calibrated) => calibrated,
            // A slope of a parametric ReLU has f fraction bits, which few weight bits do not hold.
            Err(NetworkError::RingTooSmall { .. } | NetworkError::Layer { .. } | NetworkError::FloatValue { .. }) => {
                return Err(TestCaseError::reject("the network does not fit this format"));
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(calibrated.is_proven());
        let net = &calibrated.net;
        for input in extreme_inputs(net, samples.range, seed) {
            let run = infer(net, &calibrated.weights, &input).unwrap();
            prop_assert_eq!(run.first_overflow(), None);
            for ((id, layer), tensor) in net.network.iter().zip(&run.layers) {
                let pixels = tensor.shape.pixels();
                for (index, &value) in tensor.data.iter().enumerate() {
                    let channel = calibrated.bounds[id.0][index / pixels];
                    prop_assert!(channel.contains(value.into()), "{}: {value} is not in {channel:?}", layer.name);
                }
            }
        }
    }

    #[test]
    fn a_plan_is_what_the_default_rules_say_where_the_fractions_are_those(network in common::networks(), seed: u64) {
        let format = FixedPoint { ring_bits: 60, ..FORMAT };
        let Ok(net) = FixedNetwork::new(&network, format) else { return Ok(()) };
        let again = FixedNetwork::with_fractions(net.network.clone(), format, net.fraction.clone()).unwrap();
        prop_assert_eq!(&again, &net);
        let mut shorter = net.fraction.clone();
        shorter.pop();
        prop_assert!(FixedNetwork::with_fractions(net.network.clone(), format, shorter).is_err());
        // The input's fraction bits are those of the format.
        let mut moved = net.fraction.clone();
        moved[0] += 1 + (seed % 3) as u32;
        prop_assert!(FixedNetwork::with_fractions(net.network, format, moved).is_err());
    }
}

/// One convolution with a negative, a positive and no bias, padded or not.
fn one_convolution(padding: usize) -> Model {
    let mut net = NetworkBuilder::new("one", Shape::new(2, 3, 3)).unwrap();
    let conv = Conv { out_channels: 3, kernel: 3, stride: 1, padding, norm: false, bias: true };
    let conv = net.add("conv", Op::Conv(conv), &[net.input()]).unwrap();
    net.add("relu", Op::Relu, &[conv]).unwrap();
    let weights: Vec<f32> = (0..3 * 2 * 9).map(|i| ((i * 37 % 23) as f32 - 11.0) / 8.0).collect();
    let own = FloatLayer { weights, bias: vec![-2.0, 0.5, 0.0] };
    Model { network: net.finish().unwrap(), weights: FloatWeights(vec![None, Some(own), None]) }
}

#[test]
fn bounds_of_one_convolution_are_reached_by_the_inputs_that_its_weights_ask_for() {
    let model = one_convolution(0);
    let samples = Samples { inputs: vec![vec![0.5; 18]], range: Range { low: -1.0, high: 2.0 } };
    let calibrated = quantise(&model, FORMAT, &samples, Headroom::Proven).unwrap();
    let own = calibrated.weights.0[1].clone().unwrap();
    for channel in 0..3 {
        for (sign, end) in [(1, true), (-1, false)] {
            let row = &own.weights[channel * 18..(channel + 1) * 18];
            let input: Vec<i64> = row.iter().map(|w| if w * sign > 0 { 512 } else { -256 }).collect();
            let value = infer(&calibrated.net, &calibrated.weights, &input).unwrap().layers[1].data[channel];
            let Interval { low, high } = calibrated.bounds[1][channel];
            assert_eq!(i128::from(value), if end { high } else { low }, "channel {channel}");
        }
    }
}

#[test]
fn padding_counts_as_zero_where_no_input_is() {
    // All inputs are from 2 to 3, but at the border weights meet zeros.
    let samples = Samples { inputs: vec![vec![2.5; 18]], range: Range { low: 2.0, high: 3.0 } };
    let [inner, padded] = [0, 1].map(|padding| {
        let calibrated = quantise(&one_convolution(padding), FORMAT, &samples, Headroom::Proven).unwrap();
        let border = infer(&calibrated.net, &calibrated.weights, &[512; 18]).unwrap().layers[1].clone();
        let inside = border
            .data
            .iter()
            .zip(0..)
            .all(|(&value, index)| calibrated.bounds[1][index / border.shape.pixels()].contains(value.into()));
        assert!(inside);
        hull(&calibrated.bounds[1])
    });
    assert!(padded.low < inner.low && padded.high > inner.high);
}

#[test]
fn a_ring_that_is_too_small_is_refused_with_a_ring_and_fraction_bits_that_do() {
    let model = Model::random(small_hybrenet(), 3);
    let samples = random_samples(model.network.input, 4, 3);
    let plan = |ring_bits, fraction_bits| {
        quantise(&model, FixedPoint { ring_bits, fraction_bits, ..FORMAT }, &samples, Headroom::Proven)
    };
    let Err(NetworkError::RingTooSmall { needed_bits: Some(needed), full_precision_bits: full, ring_bits: 17, .. }) =
        plan(17, 8)
    else {
        panic!("{:?}", plan(17, 8).map(|plan| plan.needed_bits()));
    };
    assert!(needed > 17 && full > needed, "{needed} {full}");
    assert!(plan(needed, 8).unwrap().is_proven());
    assert!(matches!(plan(needed - 1, 8), Err(NetworkError::RingTooSmall { .. })));
    // In the ring that keeps everything nothing is given up, in a smaller one something is.
    assert!(plan(full, 8).unwrap().given_up.iter().all(|bits| *bits == 0));
    assert!(plan(full - 1, 8).unwrap().given_up.iter().any(|bits| *bits > 0));
    // A wide input in a narrow ring: its fraction bits are what can be had less of.
    let wide = needed - 5;
    let Err(error) = plan(needed, wide) else { panic!("{wide} fraction bits fit {needed} bits") };
    let NetworkError::RingTooSmall { fraction_bits: Some(fewer), .. } = error else { panic!("{error}") };
    assert!(fewer >= 8 && plan(needed, fewer).unwrap().is_proven() && plan(needed, fewer + 1).is_err());
    assert!(error.to_string().contains(&format!("fraction_bits = {fewer}")), "{error}");
}

#[test]
fn calibration_is_nearer_to_floating_point_than_one_scale_for_all_layers() {
    let mut model = Model::random(small_hybrenet(), 5);
    // A layer of large weights and one of small ones, as training leaves them.
    for (name, factor) in [("s1.b1.conv1", 0.02f32), ("s2.b1.conv2", 8.0), ("s3.b1.conv1", 0.05)] {
        let id = model.network.find(name).unwrap();
        model.weights.0[id.0].as_mut().unwrap().weights.iter_mut().for_each(|weight| *weight *= factor);
    }
    let format = FixedPoint { ring_bits: 40, weight_bits: 15, ..FORMAT };
    let samples = random_samples(model.network.input, 16, 5);
    let calibrated = quantise(&model, format, &samples, Headroom::Proven).unwrap();
    let report = calibrated.report(&model, &samples).unwrap();
    assert_eq!((report.overflowing_samples, report.samples), (0, 16));
    let plain = FixedNetwork::new(&model.network, format).unwrap();
    let weights = pisim_netgen::Weights::from_float(&plain, &model).unwrap();
    let plain_error = |input: &Vec<f32>| {
        let integers = infer(&plain, &weights, &calibrated.input(input)).unwrap().outputs;
        let one = 2f64.powi(-(plain.fraction(plain.network.output_id()) as i32));
        let exact = float::infer(&model, input).unwrap().pop().unwrap().data;
        integers.iter().zip(exact).map(|(a, b)| (*a as f64 * one - f64::from(b)).abs()).sum::<f64>() / 100.0
    };
    let plain_mean = samples.inputs.iter().map(plain_error).sum::<f64>() / 16.0;
    let calibrated_mean = report.layers.last().unwrap().mean_error;
    assert!(calibrated_mean < 0.5 * plain_mean, "{calibrated_mean} against {plain_mean}");
    // Small weights get more fraction bits than large ones.
    let bits =
        |name: &str| report.layers.iter().find(|layer| layer.name == name).unwrap().weight_fraction_bits.unwrap();
    assert!(bits("s1.b1.conv1") > bits("s2.b1.conv2") + 6);
}

#[test]
fn headroom_by_samples_leaves_the_margin_and_says_that_nothing_is_proven() {
    // Deep enough that bounds of all layers together are far beyond what values ever are.
    let mut spec = NetworkSpec::named("resnet32").unwrap();
    (spec.input_size, spec.base_channels) = (8, Some(4));
    let model = Model::random(spec.build().unwrap(), 1);
    let samples = random_samples(model.network.input, 4, 1);
    assert!(quantise(&model, FORMAT, &samples, Headroom::Proven).is_err());
    let sampled = quantise(&model, FORMAT, &samples, Headroom::Sampled { margin_bits: 2 }).unwrap();
    assert!(!sampled.is_proven() && sampled.spare_bits() == 0);
    let report = sampled.report(&model, &samples).unwrap();
    assert!(!report.proven && report.overflowing_samples == 0 && report.top1_agreement >= 3, "{report:?}");
    for layer in &report.layers {
        let largest = layer.sampled.magnitude() * 2f64.powi(layer.fraction_bits as i32);
        assert!(largest <= 2f64.powi(29), "{}: {largest}", layer.name);
    }
    // Clamped ReLUs bound each layer by itself: the same network is proven.
    let clamped = FixedPoint { relu_max: Some(6), ..FORMAT };
    assert!(quantise(&model, clamped, &samples, Headroom::Proven).unwrap().is_proven());
}

#[test]
fn bounds_of_the_plan_without_calibration_hold_too() {
    let net = FixedNetwork::new(&small_hybrenet(), FixedPoint { ring_bits: 64, ..FORMAT }).unwrap();
    let weights = pisim_netgen::Weights::random(&net, 1);
    let all = bounds(&net, &weights, Interval::new(0, 255)).unwrap();
    let run = infer(&net, &weights, &pisim_netgen::random_input(net.network.input, net.format, 1)).unwrap();
    for (id, tensor) in run.layers.iter().enumerate() {
        let inside = |(index, &value): (usize, &i64)| all[id][index / tensor.shape.pixels()].contains(value.into());
        assert!(tensor.data.iter().enumerate().all(inside), "layer {id}");
    }
}

#[test]
fn wrong_samples_are_refused() {
    let model = Model::random(small_hybrenet(), 1);
    let refused = |inputs: Vec<Vec<f32>>| {
        quantise(&model, FORMAT, &Samples::new(inputs), Headroom::Proven).unwrap_err().to_string()
    };
    assert!(refused(Vec::new()).contains("192 values, found 0"));
    assert!(refused(vec![vec![0.0; 64]]).contains("192 values, found 64"));
    assert!(refused(vec![vec![f32::NAN; 192]]).contains("finite"));
    assert_eq!(Samples::new(vec![vec![0.1, 0.9]]).range, Range { low: 0.0, high: 1.0 });
    assert_eq!((top1(&[1, 3, 3]), top1::<i64>(&[])), (Some(1), None));
}
