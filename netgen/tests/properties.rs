//! Properties of random small networks: shapes, counts, transforms, files and the integer reference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{direct, is_fusible, networks};
use pisim_netgen::{FixedNetwork, FixedPoint, Network, Op, Weights, cull, infer, random_input, thin};
use proptest::prelude::*;

/// Formats from narrow rings, where everything wraps, to 64 bits.
fn formats() -> impl Strategy<Value = FixedPoint> {
    (30..=64u32, 3..=5u32, 2..=32u32).prop_map(|(ring_bits, fraction_bits, weight_bits)| FixedPoint {
        ring_bits,
        fraction_bits,
        weight_bits: weight_bits.min(ring_bits),
        relu_max: None,
    })
}

/// Uniform weights and inputs over their whole ranges: far from realistic, so that sums leave the ring.
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
        .map(|i| if i == 0 { most_negative } else { next() >> (64 - net.format.ring_bits) })
        .collect();
    (weights, input)
}

fn fixed(network: &Network, format: FixedPoint) -> Option<FixedNetwork> {
    // Deep random networks without ReLU may need more fraction bits than any ring has.
    FixedNetwork::new(network, format).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_reference_agrees_with_direct_loops_and_reports_every_overflow(
        network in networks(), format in formats(), seed in any::<u64>(), realistic in any::<bool>(),
    ) {
        let Some(net) = fixed(&network, format) else { return Ok(()) };
        let (weights, input) = if realistic {
            (Weights::random(&net, seed), random_input(network.input, format, seed))
        } else {
            extreme(&net, seed)
        };
        let found = infer(&net, &weights, &input).unwrap();
        let expected = direct(&net, &weights, &input);
        for (id, layer) in net.network.iter() {
            prop_assert_eq!(&found.layers[id.0].data, &expected.layers[id.0], "{}", layer.name);
            prop_assert_eq!(found.layers[id.0].shape, layer.output);
            prop_assert_eq!(layer.output.len(), expected.layers[id.0].len(), "{}", layer.name);
            prop_assert_eq!(found.overflow[id.0].is_some(), expected.left_ring[id.0], "{}", layer.name);
            prop_assert!(found.overflow[id.0].is_none_or(|bits| bits > format.ring_bits));
        }
        prop_assert_eq!(&found.outputs, expected.layers.last().unwrap());
        // The formulas of MACs, ReLUs and comparisons count what the loops did.
        prop_assert_eq!(net.network.macs(), expected.macs);
        prop_assert_eq!((net.network.relus(), net.network.comparisons()), (expected.relus, expected.comparisons));
    }

    #[test]
    fn a_fixed_network_keeps_layers_and_counts_adds_rescales_and_joins_max_pools_with_their_activations(
        network in networks(), format in formats(),
    ) {
        let Some(net) = fixed(&network, format) else { return Ok(()) };
        net.network.check().unwrap();
        let (counts, fixed) = (network.counts(), net.network.counts());
        prop_assert_eq!((fixed.params, fixed.macs, fixed.comparisons), (counts.params, counts.macs, counts.comparisons));
        let joined = net.network.layers.iter().filter(|layer| matches!(layer.op, Op::MaxPoolThen { .. })).count();
        // A pool after its activation has fewer values than before.
        let same_relus = fixed.relus == counts.relus;
        prop_assert!(same_relus || joined > 0, "{fixed:?} {counts:?}");
        let kept: Vec<_> = net.network.layers.iter().filter(|l| l.op != Op::Rescale).map(|l| &l.name).collect();
        let gone: Vec<_> = network.layers.iter().filter(|layer| !kept.contains(&&layer.name)).collect();
        prop_assert_eq!(kept.len() + gone.len(), network.layers.len());
        prop_assert_eq!(gone.len(), joined);
        let may_go = |op: Op| is_fusible(op) || op.max_window().is_some();
        prop_assert!(gone.iter().all(|layer| may_go(layer.op)));
        for (id, layer) in net.network.iter() {
            prop_assert!(net.fraction(id) + 4 < format.ring_bits);
            let multiplied = matches!(layer.op, Op::Conv(_) | Op::Linear { .. });
            prop_assert!(!multiplied || net.fraction(layer.inputs[0]) < 2 * format.fraction_bits, "{}", layer.name);
            if layer.op == Op::Rescale {
                prop_assert!(net.fraction(layer.inputs[0]) >= 2 * format.fraction_bits, "{}", layer.name);
            }
        }
    }

    #[test]
    fn joining_a_max_pool_with_its_activation_changes_no_answer(
        network in networks(), format in formats(), seed in any::<u64>(), clamp in prop::option::of(1..6u32),
    ) {
        let format = FixedPoint { relu_max: clamp, ..format };
        let Some(joined) = fixed(&network, format) else { return Ok(()) };
        // The same network with a rescale, which changes nothing, between each max pool and what is beside it.
        let mut apart = joined.clone();
        let mut builder = pisim_netgen::NetworkBuilder::new("apart", network.input).unwrap();
        let mut new_ids = vec![builder.input()];
        for (_, layer) in joined.network.iter().skip(1) {
            let inputs: Vec<_> = layer.inputs.iter().map(|id| new_ids[id.0]).collect();
            let last = match layer.op {
                Op::MaxPoolThen { kernel, stride, padding, then } => {
                    let act = builder.add(format!("{}.act", layer.name), then.op(), &inputs).unwrap();
                    builder.add(layer.name.clone(), Op::MaxPool { kernel, stride, padding }, &[act]).unwrap()
                }
                op => builder.add(layer.name.clone(), op, &inputs).unwrap(),
            };
            new_ids.push(last);
        }
        apart.network = builder.finish().unwrap();
        apart.fraction = apart.network.layers.iter().map(|layer| {
            joined.network.find(&layer.name).map_or(format.fraction_bits, |id| joined.fraction(id))
        }).collect();
        let (weights, input) = extreme(&joined, seed);
        let mut apart_weights = vec![None; apart.network.layers.len()];
        for (id, own) in new_ids.iter().zip(weights.0.clone()) {
            apart_weights[id.0] = own;
        }
        let (a, b) = (infer(&joined, &weights, &input).unwrap(), infer(&apart, &Weights(apart_weights), &input).unwrap());
        for (before, after) in new_ids.iter().enumerate() {
            prop_assert_eq!(&a.layers[before], &b.layers[after.0]);
        }
    }

    #[test]
    fn a_network_survives_json(network in networks()) {
        let text = serde_json::to_string(&network).unwrap();
        prop_assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
    }

    #[test]
    fn transforms_only_remove_relus_and_commute(network in networks()) {
        let culled = cull(&network, &["s1"]).ok();
        let thinned = thin(&network).unwrap();
        for result in culled.iter().chain([&thinned]) {
            result.check().unwrap();
            let without_relus = |n: &Network| -> Vec<String> {
                n.layers.iter().filter(|l| !l.op.is_activation()).map(|l| l.name.clone()).collect()
            };
            prop_assert_eq!(without_relus(result), without_relus(&network));
            prop_assert!(result.relus() <= network.relus());
            let slopes = |n: &Network| -> u64 {
                n.iter().filter(|(_, l)| l.op == Op::PRelu).map(|(id, _)| n.weight_count(id)).sum()
            };
            prop_assert_eq!(result.macs(), network.macs());
            prop_assert_eq!(result.params() - slopes(result), network.params() - slopes(&network));
        }
        if let Some(culled) = culled {
            prop_assert_eq!(culled.stage_counts("s1").unwrap().relus, 0);
            prop_assert_eq!(culled.stage_counts("s2"), network.stage_counts("s2"));
            let (mut a, mut b) = (thin(&culled).unwrap(), cull(&thinned, &["s1"]).unwrap());
            a.name.clear();
            b.name.clear();
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn a_changed_network_is_refused(network in networks(), layer in any::<prop::sample::Index>(), change in 0..5u8) {
        let mut changed = network.clone();
        let index = layer.index(network.layers.len());
        let target = &mut changed.layers[index];
        match change {
            0 => target.output.channels += 1,
            1 => target.inputs.push(pisim_netgen::LayerId(index)),
            2 => target.stage = 17,
            3 => changed.classes += 1,
            _ => changed.layers.truncate(index),
        }
        // Cutting after a layer that nobody else reads may leave a good network with other classes.
        if changed.check().is_ok() {
            prop_assert_eq!(change, 4);
        }
        let text = serde_json::to_string(&changed).unwrap();
        prop_assert_eq!(serde_json::from_str::<Network>(&text).is_ok(), changed.check().is_ok());
    }
}
