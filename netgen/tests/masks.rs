//! Masks: exact counts, the definition of a masked network, and what the fixed-point plan makes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{direct, networks};
use pisim_netgen::quantise::{Headroom, quantise, random_samples};
use pisim_netgen::{
    Cell, Factor, FixedNetwork, FixedPoint, Granularity, LayerMask, Model, Network, NetworkSpec, Op, ReluChoice,
    ScoreMap, Weights, cull, infer, mask, random_input, spatial_mask,
};
use proptest::prelude::*;

const FORMAT: FixedPoint = FixedPoint { ring_bits: 32, fraction_bits: 8, weight_bits: 11, relu_max: None };

fn network(name: &str) -> Network {
    NetworkSpec::named(name).unwrap().build().unwrap()
}

fn budget(network: &Network, relus: u64, seed: u64) -> Network {
    mask(network, &ReluChoice::Budget(relus), Granularity::Pixel, seed).unwrap()
}

fn kept(share: f64) -> Factor {
    Factor::new(share).unwrap()
}

/// ReLU circuits and rescale circuits that a plan runs.
fn circuits(net: &FixedNetwork) -> (usize, usize) {
    let elements = |op| net.network.layers.iter().filter(|layer| layer.op == op).map(|layer| layer.output.len()).sum();
    (elements(Op::Relu), elements(Op::Rescale))
}

#[test]
fn a_budget_leaves_exactly_so_many_relus_in_every_layer_and_everywhere() {
    let full = network("resnet18");
    for relus in [1, 12_345, 180_000, full.relus() - 1] {
        let masked = budget(&full, relus, 3);
        assert_eq!((masked.relus(), masked.macs(), masked.params()), (relus, full.macs(), full.params()));
        assert_eq!(circuits(&FixedNetwork::new(&masked, FORMAT).unwrap()).0 as u64, relus);
        assert_eq!(masked.name, format!("resnet18+mask-{relus}"));
        assert_eq!(masked.schedule().layers.iter().map(|layer| layer.counts.relus).sum::<u64>(), relus);
        masked.check().unwrap();
    }
    // Uniform over all elements: every layer keeps about its share.
    let half = budget(&full, full.relus() / 2, 3);
    for (_, layer) in half.iter().filter(|(_, layer)| layer.op == Op::Relu) {
        let kept = layer.mask.as_ref().unwrap().count(Cell::Kept) as f64 / layer.output.len() as f64;
        assert!((kept - 0.5).abs() < 0.02, "{}: {kept}", layer.name);
    }
    assert_eq!(budget(&full, 1000, 3), budget(&full, 1000, 3));
    assert_ne!(budget(&full, 1000, 3), budget(&full, 1000, 4));
}

#[test]
fn keeping_all_is_the_same_network_and_keeping_none_is_culling() {
    let full = network("hrn-tiny");
    let mut all = budget(&full, full.relus(), 1);
    assert_eq!(all.name, format!("{}+mask-{}", full.name, full.relus()));
    all.name.clone_from(&full.name);
    assert_eq!(all, full);
    let mut none = budget(&full, 0, 1);
    none.name.clear();
    let stages: Vec<&str> = full.stages.iter().map(String::as_str).collect();
    let mut culled = cull(&full, &stages).unwrap();
    culled.name.clear();
    assert_eq!(none, culled);
}

#[test]
fn whole_channels_meet_a_budget_exactly_or_the_error_names_one_that_they_meet() {
    let full = network("resnet18");
    for relus in [16, 1040, 100_000 / 16 * 16] {
        let masked = mask(&full, &ReluChoice::Budget(relus), Granularity::Channel, 7).unwrap();
        assert_eq!(masked.relus(), relus);
        for layer in masked.layers.iter().filter(|layer| layer.op == Op::Relu) {
            let Some(mask) = &layer.mask else { continue };
            for channel in mask.cells().chunks(layer.output.pixels()) {
                assert!(channel.iter().all(|cell| *cell == channel[0]), "{}", layer.name);
            }
        }
    }
    let error = mask(&full, &ReluChoice::Budget(1000), Granularity::Channel, 7).unwrap_err().to_string();
    assert!(error.contains("budget = 1000") && error.contains("whole channels of network resnet18"), "{error}");
    assert!(error.contains("for example 992"), "{error}");
}

#[test]
fn wrong_budgets_lists_and_bitmaps_are_told_with_what_was_expected() {
    let full = network("hrn-tiny");
    let relus = full.relus();
    let error = |choice| mask(&full, &choice, Granularity::Pixel, 1).unwrap_err().to_string();
    let too_many = error(ReluChoice::Budget(relus + 1));
    assert!(too_many.contains(&format!("at most the {relus} ReLUs of network hrn-tiny")), "{too_many}");
    assert!(error(ReluChoice::PerLayer(vec![1])).contains("per_layer = 1 budgets"));
    let layers = full.layers.iter().filter(|layer| layer.op == Op::Relu).count();
    let one_too_many = error(ReluChoice::PerLayer(vec![u64::MAX; layers]));
    assert!(one_too_many.contains("ReLUs of layer stem.relu"), "{one_too_many}");
    assert!(error(ReluChoice::Bitmap(vec![true])).contains(&format!("one for each of the {relus} elements")));
    // A second mask cannot bring back what the first took.
    let masked = budget(&full, relus / 2, 1);
    let back = mask(&masked, &ReluChoice::Bitmap(vec![true; relus as usize]), Granularity::Pixel, 1);
    assert!(back.unwrap_err().to_string().contains("where an earlier mask left no ReLU"));
}

#[test]
fn per_layer_budgets_and_bitmaps_choose_what_they_say_and_masks_compose() {
    let full = network("hrn-tiny");
    let sizes: Vec<usize> =
        full.layers.iter().filter(|layer| layer.op == Op::Relu).map(|layer| layer.output.len()).collect();
    let budgets: Vec<u64> = sizes.iter().enumerate().map(|(i, size)| (size / (i + 1)) as u64).collect();
    let masked = mask(&full, &ReluChoice::PerLayer(budgets.clone()), Granularity::Pixel, 5).unwrap();
    let kept: Vec<u64> = masked.schedule().layers.iter().filter(|l| l.kind == "relu").map(|l| l.counts.relus).collect();
    assert_eq!(kept, budgets);
    let bits: Vec<bool> = (0..full.relus()).map(|index| index % 3 == 0).collect();
    let chosen = mask(&full, &ReluChoice::Bitmap(bits.clone()), Granularity::Pixel, 0).unwrap();
    let cells: Vec<bool> = chosen
        .layers
        .iter()
        .filter_map(|layer| layer.mask.as_ref())
        .flat_map(|mask| mask.cells().iter().map(|cell| *cell == Cell::Kept))
        .collect();
    assert_eq!(cells, bits);
    let fewer = budget(&chosen, 10, 2);
    assert_eq!(fewer.relus(), 10);
    let was_kept = |name: &str, index: usize| {
        chosen.layer(chosen.find(name).unwrap()).mask.as_ref().unwrap().cells()[index] == Cell::Kept
    };
    for layer in fewer.layers.iter().filter(|layer| layer.op == Op::Relu) {
        let mask = layer.mask.as_ref().unwrap();
        assert!(mask.elements(Cell::Kept).all(|index| was_kept(&layer.name, index)), "{}", layer.name);
    }
}

#[test]
fn silent_pixels_take_macs_and_relus_with_them_layer_by_layer() {
    let full = network("resnet18");
    let scores = ScoreMap::centre(32, 32);
    for share in [0.9, 0.7, 0.1] {
        let masked = spatial_mask(&full, kept(share), &scores).unwrap();
        masked.check().unwrap();
        for (id, layer) in masked.iter().skip(1) {
            let old = full.layer_counts(id);
            let pixels = layer.output.pixels() as u64;
            let kept = match pixels {
                1 => 1,
                _ => ((share * pixels as f64).round() as u64).max(1),
            };
            let counts = masked.layer_counts(id);
            assert_eq!(
                (counts.macs * pixels, counts.relus * pixels),
                (old.macs * kept, old.relus * kept),
                "{}",
                layer.name
            );
        }
        let net = FixedNetwork::new(&masked, FORMAT).unwrap();
        assert_eq!(circuits(&net), (masked.relus() as usize, 0), "every activation is a ReLU or zero");
    }
    let small = spatial_mask(&full, kept(0.5), &ScoreMap::centre(8, 8)).unwrap_err().to_string();
    assert!(small.contains("8x8 pixels") && small.contains("32x32"), "{small}");
    assert_eq!(spatial_mask(&full, Factor::ONE, &scores).unwrap().layers, full.layers);
}

#[test]
fn masks_of_one_size_are_one_mask_and_smaller_ones_are_averages_of_it() {
    let masked = spatial_mask(&network("resnet18"), kept(0.5), &ScoreMap::random(32, 32, 9)).unwrap();
    let mut by_size = std::collections::HashMap::new();
    for layer in masked.layers.iter().filter(|layer| layer.mask.is_some()) {
        let pixels = layer.mask.as_ref().unwrap().kept_pixels().unwrap();
        assert_eq!(by_size.entry(layer.output.pixels()).or_insert_with(|| pixels.clone()), &pixels, "{}", layer.name);
    }
    assert_eq!(by_size.len(), 4);
}

#[test]
fn a_rescale_is_postponed_where_the_ring_has_room_and_then_linear_elements_need_no_circuit() {
    let full = network("resnet18");
    let masked = budget(&full, 100_000, 1);
    let dropped = (full.relus() - 100_000) as usize;
    // 16 fraction bits in every convolution's output: no room for another eight.
    let narrow = FixedPoint { ring_bits: 26, ..FORMAT };
    assert_eq!(circuits(&FixedNetwork::new(&masked, narrow).unwrap()), (100_000, dropped));
    let usual = circuits(&FixedNetwork::new(&masked, FORMAT).unwrap());
    println!("rescaled: {} of {dropped} in 32 bits", usual.1);
    assert_eq!(usual.0, 100_000);
    assert!(usual.1 < dropped * 2 / 3, "{} of {dropped}", usual.1);
    let wide = circuits(&FixedNetwork::new(&masked, FixedPoint { ring_bits: 64, ..FORMAT }).unwrap());
    assert!(wide.0 == 100_000 && wide.1 < usual.1 / 2, "{wide:?}");
    // Values keep their meaning: the logits of both plans are nearly the same numbers.
    let small = budget(&network("hrn-tiny"), 500, 1);
    let value = |format: FixedPoint| {
        let net = FixedNetwork::new(&small, format).unwrap();
        let result = infer(&net, &Weights::random(&net, 4), &random_input(net.network.input, format, 5)).unwrap();
        assert_eq!(result.first_overflow(), None);
        let unit = f64::from(net.fraction(net.network.output_id())).exp2();
        result.outputs.iter().map(|&logit| logit as f64 / unit).collect::<Vec<_>>()
    };
    for (a, b) in value(FORMAT).iter().zip(value(FixedPoint { ring_bits: 26, ..FORMAT })) {
        assert!((a - b).abs() < 0.2, "{a} {b}");
    }
}

#[test]
fn the_float_reference_of_a_masked_network_is_what_its_plan_approximates() {
    let full = network("hrn-tiny");
    let scores = ScoreMap::centre(full.input.height, full.input.width);
    for masked in [budget(&full, 700, 2), spatial_mask(&full, kept(0.6), &scores).unwrap()] {
        let model = Model::random(masked, 6);
        let net = FixedNetwork::new(&model.network, FORMAT).unwrap();
        let input = random_input(net.network.input, FORMAT, 7);
        let fixed = infer(&net, &Weights::from_float(&net, &model).unwrap(), &input).unwrap();
        assert_eq!(fixed.first_overflow(), None);
        let float: Vec<f32> = input.iter().map(|&value| value as f32 / 256.0).collect();
        let exact = pisim_netgen::float::infer(&model, &float).unwrap();
        let unit = f64::from(net.fraction(net.network.output_id())).exp2();
        let logits = &exact.last().unwrap().data;
        let largest = logits.iter().fold(0f32, |most, logit| most.max(logit.abs()));
        for (a, b) in fixed.outputs.iter().zip(logits) {
            assert!((*a as f64 / unit - f64::from(*b)).abs() < 0.1 * f64::from(largest) + 0.05, "{a} {b}");
        }
    }
}

#[test]
fn a_masked_network_is_quantised_and_its_bounds_hold() {
    let full = network("hrn-tiny");
    let scores = ScoreMap::centre(full.input.height, full.input.width);
    for masked in [budget(&full, 700, 2), spatial_mask(&budget(&full, 900, 1), kept(0.5), &scores).unwrap()] {
        let model = Model::random(masked, 6);
        let samples = random_samples(full.input, 4, 1);
        let format = FixedPoint { ring_bits: 48, ..FORMAT };
        let plan = quantise(&model, format, &samples, Headroom::Sampled { margin_bits: 2 }).unwrap();
        for image in &samples.inputs {
            let found = infer(&plan.net, &plan.weights, &plan.input(image)).unwrap();
            assert_eq!(found.first_overflow(), None);
            // Every value lies within the bounds of its channel.
            for (id, layer) in plan.net.network.iter() {
                let channels = found.layers[id.0].data.chunks(layer.output.pixels());
                for (values, bound) in channels.zip(&plan.bounds[id.0]) {
                    assert!(values.iter().all(|value| bound.contains((*value).into())), "{}", layer.name);
                }
                assert_eq!(plan.bounds[id.0].len(), layer.output.channels, "{}", layer.name);
            }
        }
    }
}

/// A random mask of every activation and convolution that the operation allows.
fn masked(network: &Network, seed: u64) -> Network {
    let mut masked = network.clone();
    let mut state = seed | 1;
    let mut next = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for layer in &mut masked.layers {
        let shape = layer.output;
        let pixels = shape.pixels();
        let kinds = next(3);
        layer.mask = match layer.op {
            Op::Conv(_) => {
                let silent: Vec<bool> = (0..pixels).map(|pixel| pixel != 0 && next(2) == 0).collect();
                Some(LayerMask::from_fn(shape, |i| if silent[i % pixels] { Cell::Zero } else { Cell::Kept }))
            }
            // Slopes belong to channels, of which each must keep as many elements.
            Op::PRelu => {
                let cells: Vec<Cell> = (0..pixels)
                    .map(|i| [Cell::Kept, Cell::Linear, Cell::Zero][if i == 0 { 0 } else { next(3) as usize }])
                    .collect();
                Some(LayerMask::from_fn(shape, |i| cells[i % pixels]))
            }
            op if op.is_activation() => Some(LayerMask::from_fn(shape, |i| match (i, kinds, next(3)) {
                (0, 0, _) => Cell::Linear,
                (0, ..) | (_, 1, 0) => Cell::Kept,
                (_, _, 1) => Cell::Linear,
                _ => Cell::Zero,
            })),
            _ => None,
        }
        .filter(|mask| !mask.keeps_all());
    }
    masked.check().unwrap();
    masked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_masked_network_is_what_its_definition_says(
        network in networks(), ring_bits in 26..=64u32, seed in any::<u64>(), mask_seed in any::<u64>(),
    ) {
        let network = masked(&network, mask_seed);
        let format = FixedPoint { ring_bits, fraction_bits: 5, weight_bits: 9, relu_max: None };
        let Ok(net) = FixedNetwork::new(&network, format) else { return Ok(()) };
        net.network.check().unwrap();
        // A max pool that takes in a ReLU changes how many values pass it.
        let joined = net.network.layers.iter().any(|layer| matches!(layer.op, Op::MaxPoolThen { .. }));
        prop_assert!(joined || net.network.counts() == network.counts());
        let weights = Weights::random(&net, seed);
        let input = random_input(network.input, format, seed);
        let found = infer(&net, &weights, &input).unwrap();
        let expected = direct(&net, &weights, &input);
        for (id, layer) in net.network.iter() {
            prop_assert_eq!(&found.layers[id.0].data, &expected.layers[id.0], "{}", layer.name);
        }
        prop_assert_eq!(network.macs(), expected.macs);
        prop_assert!(joined || network.relus() == expected.relus);
        // Every masked activation against its definition on the dense tensor before it.
        for layer in network.layers.iter().filter(|layer| layer.op == Op::Relu && layer.mask.is_some()) {
            let Some(mask) = &layer.mask else { continue };
            let merged = net.network.find(&format!("{}.merge", layer.name)).unwrap();
            let part = ["kept", "linear"].iter().find_map(|part| net.network.find(&format!("{}.{part}", layer.name)));
            let input = net.network.layer(part.unwrap()).inputs[0];
            let shift = net.fraction(input) - net.fraction(merged);
            let before = &found.layers[input.0].data;
            for (index, (&x, cell)) in before.iter().zip(mask.cells()).enumerate() {
                let dense = match cell {
                    Cell::Kept => (x >> shift).max(0),
                    Cell::Linear => x >> shift,
                    Cell::Zero => 0,
                };
                prop_assert_eq!(found.layers[merged.0].data[index], dense, "{} element {}", layer.name, index);
            }
        }
        let text = serde_json::to_string(&network).unwrap();
        prop_assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
    }

    #[test]
    fn masks_never_add_macs_or_relus(
        network in networks(), share in 0.0..=1.0f64, size in 0.01..=1.0f64, seed in any::<u64>(),
    ) {
        // A parametric ReLU's slopes belong to whole channels.
        prop_assume!(network.layers.iter().all(|layer| layer.op != Op::PRelu));
        let relus = (network.relus() as f64 * share) as u64;
        let masked = budget(&network, relus, seed);
        prop_assert_eq!((masked.relus(), masked.macs(), masked.params()), (relus, network.macs(), network.params()));
        let scores = ScoreMap::random(network.input.height, network.input.width, seed);
        let less = spatial_mask(&masked, kept(size), &scores).unwrap();
        let least = spatial_mask(&masked, kept(size / 2.0), &scores).unwrap();
        prop_assert!(least.relus() <= less.relus() && less.relus() <= masked.relus());
        prop_assert!(least.macs() <= less.macs() && less.macs() <= masked.macs());
        // In either order the same pixels are silent.
        prop_assert_eq!(least.macs(), spatial_mask(&network, kept(size / 2.0), &scores).unwrap().macs());
    }
}
