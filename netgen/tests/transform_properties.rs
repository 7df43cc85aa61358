//! Properties of sequences of transforms on random networks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{direct, networks};
use pisim_netgen::{
    Cull, Factor, FixedNetwork, FixedPoint, Network, NetworkSpec, ReluReuse, Reshape, ReuseConv, StageSpec, Thin,
    Transform, Weights, infer, random_input,
};
use proptest::prelude::*;

/// Transforms that never raise a count: all but equalization, with parameters that often fit small networks.
fn transforms() -> impl Strategy<Value = Vec<Transform>> {
    let stages = || prop::sample::subsequence(vec!["s1".to_owned(), "s2".to_owned()], 1..=2);
    let factor = || prop::sample::select(vec![1.0, 0.75, 0.5, 0.3, 0.1]).prop_map(|value| Factor::new(value).unwrap());
    let reuse = (1..=4usize, 1..=3usize, any::<bool>(), any::<bool>()).prop_map(|(factor, groups, concat, grouped)| {
        let conv = if grouped && groups > 1 { ReuseConv::Grouped } else { ReuseConv::Dense };
        Transform::ReluReuse(ReluReuse { factor, groups, concat, conv })
    });
    let one = prop_oneof![
        stages().prop_map(|stages| Transform::Cull(Cull { stages })),
        Just(Transform::Thin(Thin {})),
        (factor(), factor()).prop_map(|(a, rho)| Transform::Reshape(Reshape { a, rho })),
        reuse,
    ];
    prop::collection::vec(one, 0..5)
}

/// Residual networks whose channels have many divisors.
fn residual() -> impl Strategy<Value = Network> {
    let stage = (1..=2usize, prop::sample::select(vec![4, 8, 12, 24]), 1..=2usize)
        .prop_map(|(blocks, channels, stride)| StageSpec { blocks, channels, stride });
    (prop::collection::vec(stage, 2..=3), prop::sample::select(vec![4, 8]), any::<bool>(), 6..=12usize).prop_map(
        |(stages, base, shortcuts, input_size)| {
            let spec = NetworkSpec {
                family: "residual".into(),
                classes: Some(5),
                base_channels: Some(base),
                stages,
                shortcuts,
                input_size,
                ..NetworkSpec::named("resnet20").unwrap()
            };
            spec.build().unwrap()
        },
    )
}

/// Applies what can be applied; says how much that was.
fn apply(network: &Network, transforms: &[Transform]) -> (Vec<Network>, usize) {
    let mut steps = vec![network.clone()];
    for transform in transforms {
        // Channels that do not divide, stages that are not there: an error is an answer, a panic is not.
        if let Ok(next) = transform.apply(steps.last().unwrap()) {
            steps.push(next);
        }
    }
    let applied = steps.len() - 1;
    (steps, applied)
}

fn check_sequence(network: &Network, transforms: &[Transform], seed: u64) -> Result<usize, TestCaseError> {
    let (steps, applied) = apply(network, transforms);
    for pair in steps.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        prop_assert!(
            after.relus() <= before.relus(),
            "{} {} → {} {}",
            before.name,
            before.relus(),
            after.name,
            after.relus()
        );
        prop_assert!(after.macs() <= before.macs(), "{} → {}", before.name, after.name);
        prop_assert!(after.check().is_ok(), "{}", after.name);
        prop_assert_eq!(&after.stages, &before.stages);
        prop_assert_eq!(after.classes, before.classes);
    }
    // What comes out is a network that infers, as the definition of its operations says.
    let format = FixedPoint { ring_bits: 64, fraction_bits: 4, weight_bits: 8, relu_max: None };
    let last = steps.last().unwrap();
    let Ok(net) = FixedNetwork::new(last, format) else { return Ok(applied) };
    let weights = Weights::random(&net, seed);
    let input = random_input(last.input, format, seed);
    let (found, expected) = (infer(&net, &weights, &input).unwrap(), direct(&net, &weights, &input));
    prop_assert_eq!(&found.outputs, expected.layers.last().unwrap());
    prop_assert_eq!((last.macs(), net.network.relus()), (expected.macs, expected.relus));
    Ok(applied)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_sequence_raises_a_count_and_every_result_is_a_network_that_infers(
        network in networks(), transforms in transforms(), seed in any::<u64>(),
    ) {
        check_sequence(&network, &transforms, seed)?;
    }

    #[test]
    fn residual_networks_keep_their_shape_of_answer_under_any_sequence(
        network in residual(), transforms in transforms(), seed in any::<u64>(),
    ) {
        let applied = check_sequence(&network, &transforms, seed)?;
        // Culling, thinning and reshaping always apply to these.
        let certain = transforms.iter().take_while(|t| !matches!(t, Transform::ReluReuse(_))).filter(|t| matches!(t, Transform::Cull(_) | Transform::Thin(Thin {}) | Transform::Reshape(_)));
        prop_assert!(applied >= certain.count());
    }

    #[test]
    fn culling_thinning_and_reshaping_commute(network in residual(), a in 0.1..1.0f64, rho in 0.3..1.0f64) {
        let (a, rho) = (Factor::new(a).unwrap(), Factor::new(rho).unwrap());
        let three = [Transform::Cull(Cull { stages: vec!["s1".into()] }), Transform::Thin(Thin {}), Transform::Reshape(Reshape { a, rho })];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let results: Vec<_> = orders
            .iter()
            .map(|order| order.iter().fold(network.clone(), |net, &i| three[i].apply(&net).unwrap()).layers)
            .collect();
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_transform_reads_back_from_text_and_from_a_file(transforms in transforms()) {
        for transform in &transforms {
            prop_assert_eq!(&transform.to_string().parse::<Transform>().unwrap(), transform);
        }
        let spec = NetworkSpec { transforms, ..NetworkSpec::named("resnet18").unwrap() };
        let file = pisim_settings::Source::new("resnet18.toml", spec.to_toml());
        if let Ok(read) = pisim_netgen::load_network(&file) {
            prop_assert_eq!(read, spec);
        } else {
            prop_assert!(spec.build().is_err());
        }
    }
}
