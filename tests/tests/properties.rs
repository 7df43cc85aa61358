//! Random small networks: the private answer is the integer reference's bit for bit, and every step does the predicted
//! work, whatever the layers, shapes, rings, weights and inputs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_backend::{BackendError, verify};
use pisim_netgen::{
    Conv, FixedNetwork, FixedPoint, LayerId, Network, NetworkBuilder, NetworkSpec, Op, Shape, Weights, infer,
    random_input,
};
use pisim_protocol::{DEFAULT_PROTOCOL, Party, Protocol, lower};
use pisim_settings::Source;
use pisim_tests::{Run, seeds};
use proptest::prelude::*;
use std::sync::Arc;

/// The shipped protocol with another ring.
fn protocol(ring_bits: u32, fraction_bits: u32) -> Protocol {
    let text = include_str!("../../configs/protocols/ring-gc.toml");
    let text = text.replacen("\nbits = 32", &format!("\nbits = {ring_bits}"), 1);
    let text = text.replacen("fraction_bits = 8", &format!("fraction_bits = {fraction_bits}"), 1);
    let protocol = Protocol::parse(&Source::new("edited.toml", text)).unwrap();
    assert_eq!((protocol.format.ring_bits, protocol.format.fraction_bits), (ring_bits, fraction_bits));
    protocol
}

/// Random decisions of one layer.
#[derive(Clone, Copy, Debug)]
struct Choice {
    kind: u8,
    channels: usize,
    three: bool,
    stride: usize,
    relu: bool,
    norm: bool,
    bias: bool,
}

prop_compose! {
    fn choice()(
        kind in 0..10_u8,
        channels in 1..=6_usize,
        stride in 1..=2_usize,
        (three, relu, norm, bias) in any::<(bool, bool, bool, bool)>(),
    ) -> Choice {
        Choice { kind, channels, three, stride, relu, norm, bias }
    }
}

/// A network under construction.
struct Draft {
    net: NetworkBuilder,
    x: LayerId,
    layers: usize,
}

impl Draft {
    fn new(input: Shape) -> Self {
        let net = NetworkBuilder::new("random", input).unwrap();
        Self { x: net.input(), net, layers: 0 }
    }

    fn add(&mut self, op: Op, inputs: &[LayerId]) -> LayerId {
        self.layers += 1;
        self.net.add(format!("l{}", self.layers), op, inputs).unwrap()
    }

    fn conv(&mut self, from: LayerId, choice: Choice, out_channels: usize, kernel: usize, stride: usize) -> LayerId {
        let Choice { norm, bias, .. } = choice;
        self.add(Op::Conv(Conv { out_channels, kernel, stride, padding: kernel / 2, norm, bias }), &[from])
    }

    /// A branch of one or two 3×3 convolutions, added to the input or to its 1×1 projection.
    fn residual(&mut self, choice: Choice) -> LayerId {
        let (x, shape) = (self.x, self.net.shape(self.x));
        let projected = choice.three;
        let (channels, stride) = if projected { (choice.channels, choice.stride) } else { (shape.channels, 1) };
        let mut branch = self.conv(x, choice, channels, 3, stride);
        if choice.relu {
            branch = self.add(Op::Relu, &[branch]);
            branch = self.conv(branch, choice, channels, 3, 1);
        }
        let shortcut = if projected { self.conv(x, choice, channels, 1, stride) } else { x };
        let inputs = if choice.bias { [branch, shortcut] } else { [shortcut, branch] };
        self.add(Op::Add, &inputs)
    }

    fn layer(&mut self, choice: Choice) {
        let shape = self.net.shape(self.x);
        let smallest = shape.height.min(shape.width);
        let x = self.x;
        self.x = match choice.kind {
            0 | 1 => self.conv(x, choice, choice.channels, if choice.three { 3 } else { 1 }, choice.stride),
            2 if choice.three && smallest >= 3 => {
                let Choice { channels: out_channels, stride, norm, bias, .. } = choice;
                self.add(Op::Conv(Conv { out_channels, kernel: 3, stride, padding: 0, norm, bias }), &[x])
            }
            3 => self.add(Op::Relu, &[x]),
            4 if smallest >= 2 => {
                let kernel = if choice.three && smallest >= 3 { 3 } else { 2 };
                self.add(Op::AvgPool { kernel, stride: choice.stride }, &[x])
            }
            5 => self.residual(choice),
            6 => self.add(Op::ChannelBias { norm: choice.norm }, &[x]),
            7 if choice.relu => self.add(Op::GlobalAvgPool, &[x]),
            9 if shape.channels >= 2 => {
                let groups = if shape.channels.is_multiple_of(2) && choice.three { 2 } else { 1 };
                let (group, start) =
                    (shape.channels / groups, usize::from(choice.bias) * (shape.channels / groups - 1));
                let channels = if choice.bias { 1 } else { group };
                let slice = self.add(Op::Slice { groups, start, channels }, &[x]);
                let relu = if choice.relu { self.add(Op::Relu, &[slice]) } else { slice };
                self.add(Op::Concat { groups, inputs: 2 }, &if choice.norm { [relu, x] } else { [x, relu] })
            }
            7 => self.add(Op::Add, &[x, x]),
            8 if choice.relu => self.add(Op::Linear { out_features: choice.channels }, &[x]),
            _ => self.add(Op::Relu, &[x]),
        };
    }

    fn finish(self) -> Network {
        self.net.finish().unwrap()
    }
}

/// Networks that fit the format, of one to seven layers or blocks, some with a fully connected head.
fn networks(format: FixedPoint) -> impl Strategy<Value = Network> {
    let shape = (1..=6_usize, 1..=12_usize, 1..=12_usize);
    let parts = (shape, prop::collection::vec(choice(), 1..8), prop::option::of(1..=10_usize));
    parts.prop_filter_map("a network that does not fit the ring", move |((channels, height, width), choices, head)| {
        let mut draft = Draft::new(Shape::new(channels, height, width));
        choices.into_iter().for_each(|choice| draft.layer(choice));
        if let Some(out_features) = head {
            draft.x = draft.add(Op::Linear { out_features }, &[draft.x]);
        }
        let network = draft.finish();
        FixedNetwork::new(&network, format).is_ok().then_some(network)
    })
}

/// Weights and an input that use their whole ranges, so that most values leave the ring.
fn extreme(net: &FixedNetwork, seed: u64) -> (Weights, Vec<i64>) {
    let mut state = seed;
    // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    let mut signed = move |bits: u32| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) as i64) >> (64 - bits)
    };
    let FixedPoint { ring_bits, weight_bits, .. } = net.format;
    let mut weights = Weights::random(net, seed);
    for layer in weights.0.iter_mut().flatten() {
        layer.weights.iter_mut().for_each(|weight| *weight = signed(weight_bits) as i32);
        layer.bias.iter_mut().for_each(|bias| *bias = signed(ring_bits));
    }
    let mut input: Vec<i64> = (0..net.network.input.len()).map(|_| signed(ring_bits)).collect();
    // The one value whose negation is itself.
    input[0] = -1 << (ring_bits - 1);
    (weights, input)
}

/// Runs a network; with odd seeds the client garbles.
fn check(network: &Network, protocol: &Protocol, seed: u64, realistic: bool) -> Run {
    let garbler = if seed.is_multiple_of(2) { Party::Server } else { Party::Client };
    let program = lower(network, &Protocol { garbler, ..protocol.clone() }).unwrap();
    let (weights, input) = if realistic {
        (Weights::random(&program.network, seed), random_input(network.input, protocol.format, seed))
    } else {
        extreme(&program.network, seed)
    };
    let run = Run::of(program, weights, &input, seed);
    run.assert_exact_and_conforming();
    run
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn private_inference_in_the_default_ring_is_the_reference_with_the_predicted_work(
        network in networks(protocol(32, 8).format), seed in any::<u64>(), realistic in any::<bool>(),
    ) {
        check(&network, &protocol(32, 8), seed, realistic);
    }

    #[test]
    fn private_inference_in_a_ring_of_24_bits_is_the_reference_with_the_predicted_work(
        network in networks(protocol(24, 5).format), seed in any::<u64>(), realistic in any::<bool>(),
    ) {
        check(&network, &protocol(24, 5), seed, realistic);
    }

    #[test]
    fn private_inference_in_a_ring_of_19_bits_is_the_reference_with_the_predicted_work(
        network in networks(protocol(19, 3).format), seed in any::<u64>(), realistic in any::<bool>(),
    ) {
        check(&network, &protocol(19, 3), seed, realistic);
    }
}

/// Delphi's protocol with a ReLU6 as published, or with a plain ReLU.
fn delphi(clamped: bool) -> Protocol {
    let mut protocol = Protocol::load("delphi").unwrap();
    protocol.format.relu_max = protocol.format.relu_max.filter(|_| clamped);
    protocol
}

proptest! {
    // Making and reading 33 MB of keys takes most of a case.
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn private_inference_under_delphi_is_the_reference_with_the_predicted_work_for_both_garblers(
        network in networks(delphi(true).format), seed in any::<u64>(), clamped in any::<bool>(),
    ) {
        let fixed = FixedNetwork::new(&network, delphi(clamped).format).unwrap();
        let input = random_input(network.input, fixed.format, seed);
        let reference = infer(&fixed, &Weights::random(&fixed, seed), &input).unwrap();
        // Values of a field do not wrap as those of a ring do.
        prop_assume!(reference.first_overflow().is_none());
        check(&network, &delphi(clamped), seed, true);
    }
}

fn single(shape: Shape, ops: &[Op]) -> Network {
    let mut draft = Draft::new(shape);
    ops.iter().for_each(|op| draft.x = draft.add(*op, &[draft.x]));
    draft.finish()
}

const fn conv(out_channels: usize, kernel: usize, stride: usize, padding: usize) -> Op {
    Op::Conv(Conv { out_channels, kernel, stride, padding, norm: true, bias: false })
}

#[test]
fn networks_at_the_edges_are_exact_and_conform() {
    let (odd, pixel) = (Shape::new(3, 5, 7), Shape::new(4, 1, 1));
    let (pool, linear) = (Op::AvgPool { kernel: 2, stride: 2 }, Op::Linear { out_features: 3 });
    let edges = [
        ("only a ReLU", single(odd, &[Op::Relu])),
        ("only a pool", single(odd, &[pool])),
        ("only a bias", single(odd, &[Op::ChannelBias { norm: false }])),
        ("only a fully connected layer", single(odd, &[linear])),
        ("only a convolution", single(odd, &[conv(2, 3, 1, 1)])),
        ("a ReLU first", single(odd, &[Op::Relu, conv(2, 3, 1, 1), Op::Relu, linear])),
        ("a pool first", single(odd, &[pool, conv(2, 3, 1, 1), Op::Relu, linear])),
        ("a ReLU last", single(odd, &[conv(2, 3, 2, 1), Op::Relu])),
        ("a pool last", single(odd, &[conv(2, 3, 1, 1), Op::Relu, Op::GlobalAvgPool])),
        ("a bias last", single(odd, &[conv(2, 3, 1, 1), Op::ChannelBias { norm: true }])),
        ("ReLU after ReLU", single(odd, &[conv(2, 1, 1, 0), Op::Relu, Op::Relu, linear])),
        ("no ReLU", single(odd, &[conv(2, 3, 1, 1), conv(3, 3, 1, 1), linear])),
        ("one pixel", single(pixel, &[conv(5, 3, 1, 1), Op::Relu, conv(2, 1, 1, 0), Op::Relu, linear])),
        ("one value", single(Shape::new(1, 1, 1), &[conv(1, 1, 1, 0), Op::Relu, Op::Linear { out_features: 1 }])),
        ("one channel", single(Shape::new(1, 8, 8), &[conv(1, 3, 1, 1), Op::Relu, conv(1, 3, 2, 1), Op::Relu])),
        ("strided 1x1", single(odd, &[conv(4, 1, 2, 0), Op::Relu, conv(4, 1, 3, 0)])),
        ("no padding", single(odd, &[conv(4, 3, 1, 0), Op::Relu, conv(2, 3, 2, 0)])),
        (
            "a 7x7 stem",
            single(Shape::new(3, 20, 20), &[conv(4, 7, 2, 3), Op::Relu, Op::AvgPool { kernel: 3, stride: 2 }]),
        ),
        ("a row", single(Shape::new(2, 1, 12), &[conv(3, 3, 1, 1), Op::Relu, linear])),
        ("more values than one ciphertext", single(Shape::new(6, 40, 40), &[conv(2, 3, 1, 1), Op::Relu, linear])),
    ];
    for (name, mut network) in edges {
        network.name = name.to_owned();
        for protocol in [protocol(32, 8), protocol(24, 5)] {
            for seed in [7, 8] {
                check(&network, &protocol, seed, true);
                check(&network, &protocol, seed, false);
            }
        }
    }
}

#[test]
fn networks_at_the_edges_are_exact_and_conform_under_delphi() {
    let (odd, pixel) = (Shape::new(3, 5, 7), Shape::new(1, 1, 1));
    let linear = Op::Linear { out_features: 3 };
    let edges = [
        ("only a ReLU", single(odd, &[Op::Relu])),
        ("a bias last", single(odd, &[conv(2, 3, 2, 1), Op::ChannelBias { norm: true }])),
        ("no ReLU, and a pool of nine", single(odd, &[conv(2, 3, 1, 1), Op::AvgPool { kernel: 3, stride: 2 }, linear])),
        ("one value", single(pixel, &[conv(1, 1, 1, 0), Op::Relu, Op::Linear { out_features: 1 }])),
    ];
    for (index, (name, mut network)) in edges.into_iter().enumerate() {
        network.name = name.to_owned();
        check(&network, &delphi(index % 2 == 0), 7, true);
        check(&network, &delphi(index % 2 == 1), 8, true);
    }
}

/// One fully connected layer whose products reach the largest values that a prime field's format promises to hold.
#[test]
fn values_up_to_the_format_s_bound_are_exact_under_delphi() {
    let network = single(Shape::new(2, 1, 1), &[Op::Linear { out_features: 2 }, Op::Relu]);
    for garbler in [Party::Server, Party::Client] {
        let program = lower(&network, &Protocol { garbler, ..delphi(false) }).unwrap();
        let mut weights = Weights::random(&program.network, 1);
        weights.0.iter_mut().flatten().for_each(|layer| layer.weights.copy_from_slice(&[1023, 0, 0, -1024]));
        weights.0.iter_mut().flatten().for_each(|layer| layer.bias.fill(0));
        let bound = 1i64 << 39;
        for input in [[(bound - 1) / 1023, bound / 1024], [-(bound / 1023), -((bound - 1) / 1024)], [0, 0]] {
            let run = Run::of(program.clone(), weights.clone(), &input, 1);
            assert_eq!(run.reference.first_overflow(), None);
            run.assert_exact_and_conforming();
        }
    }
}

#[test]
fn an_addition_may_be_first_last_and_of_a_tensor_with_itself() {
    let mut draft = Draft::new(Shape::new(2, 4, 4));
    let input = draft.x;
    let doubled = draft.add(Op::Add, &[input, input]);
    let conv = draft.add(conv(2, 3, 1, 1), &[doubled]);
    let relu = draft.add(Op::Relu, &[conv]);
    // Three different numbers of fraction bits meet.
    let sum = draft.add(Op::Add, &[input, conv]);
    draft.add(Op::Add, &[relu, sum]);
    let network = draft.finish();
    for (seed, realistic) in [(11, true), (12, true), (11, false), (12, false)] {
        check(&network, &protocol(32, 8), seed, realistic);
    }
}

#[test]
fn extreme_values_leave_the_ring_in_most_runs() {
    // Otherwise the properties above would not have tested wrapping.
    let network = single(Shape::new(3, 6, 6), &[conv(4, 3, 1, 1), Op::Relu, Op::Linear { out_features: 5 }]);
    let left =
        (0..10).filter(|seed| check(&network, &protocol(24, 5), *seed, false).reference.first_overflow().is_some());
    assert!(left.count() >= 9);
}

#[test]
fn values_that_leave_the_ring_are_refused_by_verification() {
    let network = single(Shape::new(3, 6, 6), &[conv(4, 3, 1, 1), Op::Relu, Op::Linear { out_features: 5 }]);
    let program = Arc::new(lower(&network, &protocol(24, 5)).unwrap());
    let (weights, input) = extreme(&program.network, 1);
    let refused = verify(&program, &Arc::new(weights), &input, seeds(1), 0, &mut |_| {});
    match refused {
        Err(BackendError::Overflow { layer, bits, ring_bits }) => {
            assert_eq!((layer.as_str(), ring_bits), ("l1", 24));
            assert!(bits > 24);
        }
        other => panic!("{other:?}"),
    }
    let weights = Arc::new(Weights::random(&program.network, 1));
    let input = random_input(network.input, program.network.format, 1);
    let verified = verify(&program, &weights, &input, seeds(1), 0, &mut |_| {}).unwrap();
    assert_eq!((verified.mismatches, verified.mispredictions.len()), (0, 0));
}

#[test]
fn a_seed_decides_the_answer_and_the_masks_do_not() {
    let mut spec = NetworkSpec::named("resnet20").unwrap();
    (spec.base_channels, spec.input_size) = (Some(1), 8);
    let network = spec.build().unwrap();
    let run = |seed| Run::new(&network, DEFAULT_PROTOCOL, seed);
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first.execution.outputs, again.execution.outputs);
    assert_eq!(first.execution.client.work, again.execution.client.work);
    assert_eq!(first.execution.server.work, again.execution.server.work);
    assert_ne!(first.execution.outputs, other.execution.outputs);
    assert_eq!(first.execution.client.work, other.execution.client.work, "work does not depend on values");

    let weights = Weights::random(&first.program.network, 1);
    let input = random_input(network.input, first.program.network.format, 1);
    let masked_otherwise = Run::of(first.program.as_ref().clone(), weights, &input, 99);
    assert_eq!(first.execution.outputs, masked_otherwise.execution.outputs);
}
