//! Masked networks run privately: what a mask leaves out is not garbled, not transferred and not multiplied, and the answer is
//! the integer reference's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_hw_models::Platform;
use pisim_netgen::{
    Cell, Conv, Factor, FixedNetwork, Granularity, LayerMask, Network, NetworkBuilder, Op, ReluChoice, ScoreMap, Shape,
    cull, infer, mask, random_input, spatial_mask,
};
use pisim_protocol::{LinearPlan, Message, Party, Phase, Program, Protocol, StepKind, Work, lower};
use pisim_sim::simulate;
use pisim_tests::{Run, small};
use proptest::prelude::*;

const PRESETS: [&str; 4] = ["ring-gc", "ring-gc-client", "delphi", "delphi-client"];

/// Two convolutions with a residual addition on small images: few enough ciphertexts for Delphi's rotations.
fn block() -> Network {
    let mut net = NetworkBuilder::new("block", Shape::new(2, 6, 6)).unwrap();
    let conv = |stride| Op::Conv(Conv { out_channels: 4, kernel: 3, stride, padding: 1, norm: true, bias: false });
    let input = net.input();
    let first = net.add("conv1", conv(1), &[input]).unwrap();
    let relu = net.add("relu1", Op::Relu, &[first]).unwrap();
    let second = net.add("conv2", conv(1), &[relu]).unwrap();
    let sum = net.add("add", Op::Add, &[second, relu]).unwrap();
    let relu = net.add("relu2", Op::Relu, &[sum]).unwrap();
    let third = net.add("conv3", conv(2), &[relu]).unwrap();
    let relu = net.add("relu3", Op::Relu, &[third]).unwrap();
    net.add("fc", Op::Linear { out_features: 3 }, &[relu]).unwrap();
    net.finish().unwrap()
}

fn kept(share: f64) -> Factor {
    Factor::new(share).unwrap()
}

fn budget(network: &Network, relus: u64) -> Network {
    mask(network, &ReluChoice::Budget(relus), Granularity::Pixel, 11).unwrap()
}

fn protocol(name: &str) -> Protocol {
    Protocol::load(name).unwrap()
}

/// Circuits that both parties counted in the garbling of all layers of one kind.
fn garbled(run: &Run, op: Op) -> u64 {
    let circuits = run.program.steps.iter().map(|step| {
        let is_op = run.program.network.network.layer(step.layer).op == op && step.kind == StepKind::Garble;
        let circuit = run.program.circuits[step.layer.0].as_ref().filter(|_| is_op);
        circuit.map_or(0, |circuit| run.execution.counted(step.id.0).and_gates / circuit.and_gates())
    });
    circuits.sum()
}

#[test]
fn a_budget_is_the_number_of_relu_circuits_in_schedule_program_and_run_of_every_preset() {
    let full = block();
    for preset in PRESETS {
        for relus in [1, 77, 200, full.relus() - 1] {
            let masked = budget(&full, relus);
            assert_eq!(masked.schedule().counts.relus, relus);
            let run = Run::new(&masked, preset, relus);
            run.assert_exact_and_conforming();
            assert_eq!(garbled(&run, Op::Relu), relus, "{preset}");
            let rescaled: usize =
                run.program.network.network.layers.iter().filter(|l| l.op == Op::Rescale).map(|l| l.output.len()).sum();
            assert_eq!(garbled(&run, Op::Rescale), rescaled as u64, "{preset}");
            assert!(rescaled as u64 <= full.relus() - relus, "{preset}: {rescaled}");
        }
    }
}

#[test]
fn silent_pixels_cost_nothing_online_in_any_preset() {
    let full = block();
    for (preset, share) in PRESETS.into_iter().flat_map(|preset| [(preset, 0.7), (preset, 0.2)]) {
        let masked = spatial_mask(&full, kept(share), &ScoreMap::random(6, 6, 3)).unwrap();
        let run = Run::new(&masked, preset, 5);
        run.assert_exact_and_conforming();
        assert_eq!((garbled(&run, Op::Relu), garbled(&run, Op::Rescale)), (masked.relus(), 0), "{preset}");
        let macs: u64 = run
            .program
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::RingLinear)
            .map(|step| run.execution.counted(step.id.0).ring_macs)
            .sum();
        assert_eq!(macs, masked.macs(), "{preset}");
        assert!(macs < full.macs());
        // Every silent value is zero in the reference, and the run agrees with that.
        let relu = run.program.network.network.find("relu2.merge").unwrap();
        let zeros = run.reference.layers[relu.0].data.iter().filter(|value| **value == 0).count();
        assert!(zeros as f64 >= (1.0 - share) * 140.0, "{zeros} of 144 at {share}");
    }
}

#[test]
fn a_mask_that_keeps_all_changes_no_step_and_one_that_keeps_none_is_culling() {
    let full = small("resnet20", 2, 16);
    let steps = |network: &Network, preset| lower(network, &protocol(preset)).unwrap().steps;
    for preset in ["ring-gc", "ring-gc-client"] {
        assert_eq!(steps(&budget(&full, full.relus()), preset), steps(&full, preset));
        let stages: Vec<&str> = full.stages.iter().map(String::as_str).collect();
        assert_eq!(steps(&budget(&full, 0), preset), steps(&cull(&full, &stages).unwrap(), preset));
        let nothing_silent = spatial_mask(&full, Factor::ONE, &ScoreMap::centre(16, 16)).unwrap();
        assert_eq!(steps(&nothing_silent, preset), steps(&full, preset));
    }
}

#[test]
fn whole_networks_of_every_family_are_exact_and_conform_under_all_masks() {
    for (name, base, size) in [("hrn-5x5x3x", 1, 8), ("resnet18", 2, 16), ("wrn-22-8", 1, 8), ("minionn", 4, 16)] {
        let full = small(name, base, size);
        let some = budget(&full, full.relus() / 3);
        let channels =
            full.layers.iter().filter(|layer| layer.op == Op::Relu).map(|layer| layer.output.pixels() as u64);
        let channel = mask(&full, &ReluChoice::Budget(channels.max().unwrap()), Granularity::Channel, 2).unwrap();
        let silent = spatial_mask(&full, kept(0.6), &ScoreMap::centre(size, size)).unwrap();
        let stages: Vec<&str> = full.stages.iter().take(2).map(String::as_str).collect();
        let culled = spatial_mask(&cull(&some, &stages).unwrap(), kept(0.6), &ScoreMap::random(size, size, 1)).unwrap();
        for (index, masked) in [some, channel, silent, culled].iter().enumerate() {
            Run::new(masked, PRESETS[index % 2], index as u64).assert_exact_and_conforming();
        }
    }
}

#[test]
fn silent_values_are_neither_in_replies_nor_in_messages() {
    let full = small("resnet18", 4, 32);
    let masked = spatial_mask(&full, kept(0.5), &ScoreMap::centre(32, 32)).unwrap();
    let [dense, sparse] = [&full, &masked].map(|network| lower(network, &protocol("ring-gc")).unwrap());
    let bytes = |program: &Program, message| -> u64 {
        let of = |step: &&pisim_protocol::Step| step.kind == StepKind::Send(message);
        program.steps.iter().filter(of).map(|step| step.work.bytes_up + step.work.bytes_down).sum()
    };
    for message in [Message::GarbledTables, Message::OnlineLabels, Message::OtColumns] {
        let ratio = bytes(&sparse, message) as f64 / bytes(&dense, message) as f64;
        assert!((ratio - 0.5).abs() < 0.01, "{message:?}: {ratio}");
    }
    assert!(bytes(&sparse, Message::MaskedValues) < bytes(&dense, Message::MaskedValues));
    assert!(bytes(&sparse, Message::ReplyCiphertexts) < bytes(&dense, Message::ReplyCiphertexts));
    // What carries the input does not change, and neither do the products under encryption.
    assert_eq!(bytes(&sparse, Message::Ciphertexts), bytes(&dense, Message::Ciphertexts));
    let products = |program: &Program| program.work_of(|_| true).he_plain_muls;
    assert_eq!(products(&sparse), products(&dense));
    for (id, plan) in sparse.plans.iter().enumerate() {
        let Some(LinearPlan::Coefficient(plan)) = plan else { continue };
        let mask = sparse.network.network.layers[id].mask.as_ref();
        assert_eq!(plan.outputs(), mask.map_or(plan.shape.outputs(), |mask| mask.count(Cell::Kept)));
    }
}

#[test]
fn fewer_relus_and_pixels_never_cost_more_time_or_energy() {
    let platform = Platform::builtin("epyc7502-atom").unwrap();
    let full = small("hrn-5x5x3x", 4, 32);
    let cost = |network: &Network| {
        let program = lower(network, &protocol("ring-gc")).unwrap();
        let result = simulate(&program, &platform).unwrap();
        (result.latency_s.total, result.energy_j.phases.total, program.work_of(|step| step.phase == Phase::Online))
    };
    let scores = ScoreMap::centre(32, 32);
    let mut last = cost(&full);
    for share in [0.8, 0.5, 0.2] {
        let next = cost(&spatial_mask(&full, kept(share), &scores).unwrap());
        assert!(next.0 < last.0 && next.1 < last.1, "{share}: {next:?} after {last:?}");
        assert!(next.2.ring_macs < last.2.ring_macs && next.2.and_gates < last.2.and_gates);
        last = next;
    }
    let mut last = cost(&full);
    for share in [3, 2, 1] {
        let next = cost(&budget(&full, full.relus() * share / 4));
        assert!(next.0 < last.0, "{share}/4: {} after {}", next.0, last.0);
        assert!(next.2.and_gates < last.2.and_gates && next.2.ring_macs == last.2.ring_macs);
        assert!(next.2.moved_shares > 0);
        last = next;
    }
}

/// A network of up to three blocks with random masks everywhere.
fn masked_networks() -> impl Strategy<Value = Network> {
    let shape = (1..=3usize, 1..=7usize, 1..=7usize);
    let layer = (1..=4usize, 1..=2usize, any::<bool>(), any::<bool>(), 0..4u8);
    (shape, prop::collection::vec(layer, 1..4), any::<u64>()).prop_map(|((channels, height, width), layers, seed)| {
        let mut net = NetworkBuilder::new("random", Shape::new(channels, height, width)).unwrap();
        let mut state = seed | 1;
        let mut random = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut x = net.input();
        for (index, (out_channels, stride, three, residual, kind)) in layers.into_iter().enumerate() {
            let kernel = if three { 3 } else { 1 };
            let stride = if residual { 1 } else { stride };
            let out_channels = if residual { net.shape(x).channels } else { out_channels };
            let conv = Conv { out_channels, kernel, stride, padding: kernel / 2, norm: true, bias: false };
            let from = net.shape(x);
            let size = |len: usize| (len - 1) / stride + 1;
            let shape = Shape::new(out_channels, size(from.height), size(from.width));
            let silent: Vec<bool> =
                (0..shape.pixels()).map(|pixel| kind & 1 == 1 && pixel != 0 && random(3) == 0).collect();
            let pixels = LayerMask::from_fn(shape, |i| if silent[i % silent.len()] { Cell::Zero } else { Cell::Kept });
            let mut y = net.add_masked(format!("conv{index}"), Op::Conv(conv), &[x], Some(pixels)).unwrap();
            if residual {
                y = net.add(format!("add{index}"), Op::Add, &[y, x]).unwrap();
            }
            let cells = LayerMask::from_fn(shape, |i| match random(3) {
                _ if i == 0 && kind < 2 => Cell::Kept,
                0 if silent[i % silent.len()] => Cell::Zero,
                1 => Cell::Kept,
                _ => Cell::Linear,
            });
            let cells = Some(cells).filter(|cells| cells.count(Cell::Zero) < shape.len());
            x = net.add_masked(format!("relu{index}"), Op::Relu, &[y], cells).unwrap();
        }
        net.finish().unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_masks_are_exact_and_conform_for_both_garblers(network in masked_networks(), seed in any::<u64>()) {
        for preset in ["ring-gc", "ring-gc-client"] {
            let run = Run::new(&network, preset, seed);
            run.assert_exact_and_conforming();
            prop_assert_eq!(garbled(&run, Op::Relu), network.relus());
        }
    }
}

proptest! {
    // Making and reading 33 MB of keys takes most of a case.
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_masks_are_exact_and_conform_under_delphi(network in masked_networks(), seed in any::<u64>()) {
        let protocol = protocol("delphi");
        let fixed = FixedNetwork::new(&network, protocol.format).unwrap();
        let weights = pisim_netgen::Weights::random(&fixed, seed);
        let input = random_input(network.input, protocol.format, seed);
        // Values of a field do not wrap as those of a ring do.
        prop_assume!(infer(&fixed, &weights, &input).unwrap().first_overflow().is_none());
        let garbler = if seed.is_multiple_of(2) { Party::Server } else { Party::Client };
        let program = lower(&network, &Protocol { garbler, ..protocol }).unwrap();
        let run = Run::of(program, weights, &input, seed);
        run.assert_exact_and_conforming();
        prop_assert_eq!(garbled(&run, Op::Relu), network.relus());
    }
}

#[test]
fn moved_shares_are_counted_on_both_sides() {
    let run = Run::new(&budget(&block(), 100), "ring-gc", 1);
    let moved = |party: Party| -> u64 {
        run.program.steps.iter().filter(|step| step.party == party).map(|step| step.work.moved_shares).sum()
    };
    assert!(moved(Party::Client) > 0 && moved(Party::Client) <= moved(Party::Server));
    let total: Work = run.program.work_of(|_| true);
    assert_eq!(total.moved_shares, moved(Party::Client) + moved(Party::Server));
}
