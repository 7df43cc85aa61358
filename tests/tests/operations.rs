//! Max pools, leaky, parametric and clamped ReLUs, run privately: the integer reference's answer bit for bit, and exactly the
//! predicted work, under every protocol and with either garbler.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::{
    Conv, FixedNetwork, Network, NetworkBuilder, NetworkSpec, Op, Shape, Slope, Weights, infer, random_input,
};
use pisim_protocol::{LowerError, Party, Program, Protocol, Shares, StepKind, Work, lower};
use pisim_tests::Run;
use proptest::prelude::*;

const RING: [&str; 2] = ["ring-gc", "ring-gc-client"];
const DELPHI: [&str; 2] = ["delphi", "delphi-client"];

const fn conv(out_channels: usize, kernel: usize, stride: usize) -> Op {
    Op::Conv(Conv { out_channels, kernel, stride, padding: kernel / 2, norm: true, bias: false })
}

const fn max(kernel: usize, stride: usize, padding: usize) -> Op {
    Op::MaxPool { kernel, stride, padding }
}

fn leaky(numerator: u32, bits: u32) -> Op {
    Op::LeakyRelu { slope: Slope::new(numerator, bits).unwrap() }
}

fn chain(name: &str, shape: Shape, ops: &[Op]) -> Network {
    let mut net = NetworkBuilder::new(name, shape).unwrap();
    let mut x = net.input();
    for (index, op) in ops.iter().enumerate() {
        x = net.add(format!("l{index}"), *op, &[x]).unwrap();
    }
    net.finish().unwrap()
}

/// Weights and inputs over their whole ranges, the most negative one among them.
fn extreme(net: &FixedNetwork, seed: u64) -> (Weights, Vec<i64>) {
    let mut state = seed | 1;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ (state >> 31)) as i64
    };
    let mut weights = Weights::random(net, seed);
    for layer in weights.0.iter_mut().flatten() {
        layer.weights.iter_mut().for_each(|w| *w = (next() >> (64 - net.format.weight_bits)) as i32);
        layer.bias.iter_mut().for_each(|b| *b = next() >> (64 - net.format.ring_bits));
    }
    let most_negative = -1 << (net.format.ring_bits - 1);
    let input = (0..net.network.input.len())
        .map(|i| if i % 3 == 0 { most_negative } else { next() >> (64 - net.format.ring_bits) })
        .collect();
    (weights, input)
}

/// Runs one network with realistic numbers, and in a ring also with numbers that leave it.
fn check(network: &Network, protocol: &Protocol, seed: u64) -> Program {
    let program = lower(network, protocol).unwrap_or_else(|error| panic!("{}: {error}", network.name));
    let mut cases =
        vec![(Weights::random(&program.network, seed), random_input(network.input, program.network.format, seed))];
    if matches!(protocol.shares, Shares::Ring { .. }) {
        cases.push(extreme(&program.network, seed));
    }
    for (weights, input) in cases {
        Run::of(program.clone(), weights, &input, seed).assert_exact_and_conforming();
    }
    program
}

fn edges() -> Vec<Network> {
    let (odd, pixel, linear) = (Shape::new(3, 5, 7), Shape::new(2, 1, 1), Op::Linear { out_features: 3 });
    vec![
        chain("a max pool alone, of stride 2", odd, &[max(3, 2, 1)]),
        chain("windows that overlap", odd, &[conv(2, 3, 1), Op::Relu, max(3, 1, 1), linear]),
        chain("a window of one value", odd, &[conv(2, 3, 1), max(1, 2, 0), linear]),
        chain("one pixel and padding", pixel, &[max(3, 1, 2), linear]),
        chain("one channel", Shape::new(1, 8, 8), &[conv(1, 3, 1), max(2, 2, 0), Op::Relu, conv(1, 3, 2)]),
        chain("pools of pools", Shape::new(2, 8, 8), &[max(2, 2, 0), max(2, 2, 0), leaky(1, 3), max(2, 2, 0)]),
        chain(
            "a pool with each activation",
            odd,
            &[
                conv(2, 3, 1),
                Op::ClampedRelu { max: 6 },
                max(2, 1, 0),
                conv(2, 3, 1),
                max(2, 1, 0),
                leaky(41, 12),
                conv(2, 3, 1),
                Op::PRelu,
                max(2, 1, 0),
            ],
        ),
        chain("a parametric ReLU alone", odd, &[Op::PRelu]),
        chain(
            "each activation once",
            odd,
            &[
                conv(3, 3, 1),
                leaky(1, 3),
                conv(3, 3, 2),
                Op::PRelu,
                conv(3, 3, 1),
                Op::ClampedRelu { max: 2 },
                linear,
                Op::PRelu,
            ],
        ),
        chain("slopes of zero and one", odd, &[conv(2, 3, 1), leaky(0, 0), conv(2, 3, 1), leaky(1, 0), linear]),
        chain("a leaky ReLU last", odd, &[conv(2, 3, 1), leaky(7, 3)]),
    ]
}

#[test]
fn networks_of_the_new_operations_are_exact_and_conform_on_ring_shares() {
    for network in edges() {
        for (seed, protocol) in RING.iter().enumerate() {
            check(&network, &Protocol::load(protocol).unwrap(), seed as u64);
        }
    }
}

#[test]
fn networks_of_the_new_operations_are_exact_and_conform_under_delphi() {
    // Its keys alone take a second, so that few networks have all operations between them.
    let odd = Shape::new(2, 5, 6);
    let pools = chain("pools", odd, &[max(3, 2, 1), conv(2, 3, 1), Op::Relu, max(2, 1, 0), leaky(41, 12)]);
    let slopes = chain("slopes", odd, &[Op::PRelu, conv(2, 3, 1), leaky(1, 3), conv(2, 1, 1), Op::PRelu]);
    let mixed = chain("mixed", odd, &[conv(2, 3, 1), Op::ClampedRelu { max: 2 }, max(3, 1, 1), leaky(0, 0), Op::PRelu]);
    for network in [pools, slopes, mixed] {
        for (seed, protocol) in DELPHI.iter().enumerate() {
            check(&network, &Protocol::load(protocol).unwrap(), seed as u64);
        }
    }
}

#[test]
fn the_shipped_network_of_all_operations_is_exact_and_conforms_under_every_protocol() {
    let network = NetworkSpec::named("activations-tiny").unwrap().build().unwrap();
    for protocol in RING.into_iter().chain(DELPHI) {
        Run::new(&network, protocol, 1).assert_exact_and_conforming();
    }
}

#[test]
fn a_residual_network_with_a_pool_that_shares_its_input_is_exact() {
    let mut net = NetworkBuilder::new("shared", Shape::new(2, 6, 6)).unwrap();
    let stem = net.add("stem", conv(2, 3, 1), &[net.input()]).unwrap();
    let relu = net.add("relu", leaky(1, 3), &[stem]).unwrap();
    let pool = net.add("pool", max(3, 1, 1), &[relu]).unwrap();
    let branch = net.add("branch", conv(2, 3, 1), &[relu]).unwrap();
    let sum = net.add("sum", Op::Add, &[branch, pool]).unwrap();
    let act = net.add("act", Op::PRelu, &[sum]).unwrap();
    net.add("fc", Op::Linear { out_features: 4 }, &[act]).unwrap();
    let network = net.finish().unwrap();
    for protocol in RING {
        check(&network, &Protocol::load(protocol).unwrap(), 5);
    }
}

#[test]
fn more_windows_than_a_chunk_and_rings_of_other_widths_are_exact() {
    let many = chain("many", Shape::new(3, 28, 28), &[max(2, 1, 0), Op::PRelu]);
    for protocol in RING {
        check(&many, &Protocol::load(protocol).unwrap(), 9);
    }
    let small = chain("small", Shape::new(1, 4, 4), &[conv(2, 3, 1), Op::Relu, max(3, 2, 1), Op::PRelu]);
    for (name, bits) in RING.into_iter().flat_map(|name| [21, 40, 53].map(|bits| (name, bits))) {
        let mut protocol = Protocol::load(name).unwrap();
        protocol.shares = Shares::Ring { bits };
        protocol.format.ring_bits = bits;
        if let Some(he) = protocol.linear.coefficient_mut() {
            he.plain_bits = bits;
        }
        // Wide shares have no room in the encryption's parameters; without a linear layer they need none.
        let network =
            if bits > 32 { chain("local", Shape::new(1, 4, 4), &[max(3, 2, 1), Op::PRelu]) } else { small.clone() };
        check(&network, &protocol, 4);
    }
}

#[test]
fn a_fused_pool_costs_one_circuit_per_window_and_transfers_every_value_that_it_reads() {
    let network =
        chain("stem", Shape::new(3, 8, 8), &[conv(4, 3, 1), Op::Relu, max(3, 2, 1), Op::Linear { out_features: 2 }]);
    let windows = 4 * 4 * 4u64;
    for protocol in RING {
        let program = lower(&network, &Protocol::load(protocol).unwrap()).unwrap();
        let of = |kind: StepKind| -> Work { program.work_of(|step| step.kind == kind) };
        assert_eq!(of(StepKind::Garble).and_gates, windows * 717);
        assert_eq!(of(StepKind::Evaluate).and_gates, windows * 717);
        assert_eq!(of(StepKind::OtReceive).extended_ots, windows * 9 * 32);
        assert_eq!(of(StepKind::EncodeLabels).labels, windows * 9 * 32);
    }
}

#[test]
fn slopes_are_transferred_only_where_the_server_evaluates() {
    let network = chain("slopes", Shape::new(1, 4, 4), &[Op::PRelu]);
    let program = |name| lower(&network, &Protocol::load(name).unwrap()).unwrap();
    let transfers = |name| program(name).work_of(|step| step.kind == StepKind::OtReceive).extended_ots;
    // A slope has 11 bits; a field's share has 42 wires.
    assert_eq!(RING.map(transfers), [16 * 32, 16 * (32 + 11)]);
    assert_eq!(DELPHI.map(transfers), [16 * 42, 16 * (42 + 11)]);
    let relu = chain("relu", Shape::new(1, 4, 4), &[leaky(1, 3)]);
    for (protocol, garbler) in RING.into_iter().zip([Party::Server, Party::Client]) {
        let protocol = Protocol::load(protocol).unwrap();
        assert_eq!(protocol.garbler, garbler);
        let plain = lower(&chain("relu", Shape::new(1, 4, 4), &[Op::Relu]), &protocol).unwrap();
        let leaky = lower(&relu, &protocol).unwrap();
        let ands = |program: &Program| program.work_of(|_| true).and_gates;
        assert_eq!(ands(&leaky), ands(&plain), "a slope of a power of two is free");
    }
}

#[test]
fn a_share_and_a_slope_too_wide_for_a_client_that_garbles_are_refused_by_layer() {
    let mut protocol = Protocol::load("ring-gc-client").unwrap();
    protocol.shares = Shares::Ring { bits: 60 };
    protocol.format.ring_bits = 60;
    let network = chain("wide", Shape::new(1, 2, 2), &[Op::PRelu]);
    let error = lower(&network, &protocol).map(|_| ()).unwrap_err();
    assert!(matches!(error, LowerError::Slope { share_bits: 60, slope_bits: 11, .. }));
    let text = error.to_string();
    assert!(text.contains("layer `l0` (prelu)") && text.contains("let the server garble"), "{text}");
    protocol.garbler = Party::Server;
    check(&network, &protocol, 1);
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (1..=3usize, any::<bool>(), 1..=2usize)
            .prop_map(|(channels, three, stride)| { conv(channels, if three { 3 } else { 1 }, stride) }),
        (1..=3usize, 1..=2usize, any::<bool>()).prop_map(|(kernel, stride, padded)| max(
            kernel,
            stride,
            if padded { kernel / 2 } else { 0 }
        )),
        (0..=16u32).prop_map(|numerator| leaky(numerator, 4)),
        Just(Op::PRelu),
        (1..8u32).prop_map(|max| Op::ClampedRelu { max }),
        Just(Op::Relu),
    ]
}

/// Chains of up to six operations; those that do not fit what is left of the image are left out.
fn networks() -> impl Strategy<Value = Network> {
    let parts = (1..=3usize, 1..=6usize, 1..=6usize, prop::collection::vec(op(), 1..=6));
    parts.prop_map(|(channels, height, width, ops)| {
        let mut net = NetworkBuilder::new("random", Shape::new(channels, height, width)).unwrap();
        let mut x = net.input();
        for (index, op) in ops.into_iter().enumerate() {
            x = net.add(format!("l{index}"), op, &[x]).unwrap_or(x);
        }
        if x == net.input() {
            x = net.add("relu", Op::Relu, &[x]).unwrap();
        }
        net.add("fc", Op::Linear { out_features: 2 }, &[x]).unwrap();
        net.finish().unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chain_of_operations_is_exact_and_conforms_for_both_garblers(network in networks(), seed in any::<u64>()) {
        for protocol in RING {
            check(&network, &Protocol::load(protocol).unwrap(), seed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chain_of_operations_is_exact_and_conforms_under_delphi(network in networks(), seed in any::<u64>()) {
        for protocol in DELPHI {
            let protocol = Protocol::load(protocol).unwrap();
            let fixed = FixedNetwork::new(&network, protocol.format).unwrap();
            let input = random_input(network.input, protocol.format, seed);
            let reference = infer(&fixed, &Weights::random(&fixed, seed), &input).unwrap();
            // Values of a field do not wrap as those of a ring do.
            prop_assume!(reference.first_overflow().is_none());
            check(&network, &protocol, seed);
        }
    }
}
