//! The equalization solver: the published multiplier sets, its properties against brute force, and its errors.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use pisim_netgen::{Equalization, EqualizeError, Equalized};
use proptest::prelude::*;

const RESNET_ORDER: [usize; 4] = [3, 2, 4, 1];

fn minimal(depths: &[u64]) -> Vec<Vec<u64>> {
    Equalization::new(depths, &RESNET_ORDER, 16).solve().unwrap().minimal
}

#[test]
fn resnet18_depths_give_the_four_hybrenets_out_of_45_solutions() {
    let found = Equalization::new(&[2, 2, 2, 2], &RESNET_ORDER, 16).solve().unwrap();
    assert_eq!(found.minimal, [[5, 5, 3], [5, 7, 2], [6, 6, 2], [7, 5, 2]]);
    assert_eq!(found.solutions, 45);
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"{"minimal":[[5,5,3],[5,7,2],[6,6,2],[7,5,2]],"solutions":45}"#
    );
}

#[test]
fn resnet34_depths_have_16_minimal_solutions() {
    let expected = [
        [4, 3, 6],
        [4, 4, 5],
        [4, 5, 4],
        [4, 6, 3],
        [4, 9, 2],
        [5, 3, 5],
        [5, 4, 4],
        [5, 5, 3],
        [5, 7, 2],
        [6, 3, 4],
        [6, 4, 3],
        [6, 6, 2],
        [7, 5, 2],
        [8, 3, 3],
        [9, 4, 2],
        [11, 3, 2],
    ];
    assert_eq!(minimal(&[3, 4, 6, 3]), expected);
}

#[test]
fn convnext_depths_have_15_minimal_solutions() {
    let expected = [
        [5, 2, 7],
        [5, 3, 5],
        [5, 5, 3],
        [5, 7, 2],
        [6, 2, 6],
        [6, 3, 4],
        [6, 4, 3],
        [6, 6, 2],
        [7, 2, 5],
        [7, 5, 2],
        [8, 3, 3],
        [9, 2, 4],
        [9, 4, 2],
        [11, 2, 3],
        [11, 3, 2],
    ];
    assert_eq!(minimal(&[3, 3, 9, 3]), expected);
}

#[test]
fn alpha_2_without_a_place_for_s1_gives_the_four_networks_for_low_relu_counts() {
    let question = Equalization {
        unordered: vec![1],
        ranges: vec![2..=2, 2..=16, 2..=16],
        ..Equalization::new(&[2, 2, 2, 2], &[3, 2, 4], 16)
    };
    assert_eq!(question.solve().unwrap().solutions, 4);
    assert_eq!(question.solutions(10).unwrap(), [[2, 5, 2], [2, 5, 3], [2, 6, 2], [2, 7, 2]]);
}

#[test]
fn multipliers_of_4_are_the_balanced_point_of_the_order_that_is_not_strict() {
    let question = Equalization { ranges: vec![4..=4; 3], ..Equalization::new(&[2, 2, 2, 2], &RESNET_ORDER, 4) };
    assert_eq!(question.solve().unwrap().solutions, 0);
    assert_eq!(Equalization { strict: false, ..question }.solve().unwrap().solutions, 1);
}

#[test]
fn designs_are_sorted_by_macs_and_have_the_networks_counts() {
    let question = Equalization::new(&[2, 2, 2, 2], &RESNET_ORDER, 16);
    let designs = question.designs(&question.solve().unwrap().minimal, 16, 32).unwrap();
    let found: Vec<_> = designs.iter().map(|d| (d.multipliers.as_slice(), d.macs, d.relus)).collect();
    assert_eq!(
        found,
        [
            (&[5, 5, 3][..], 1_053_353_152, 343_040),
            (&[5, 7, 2], 1_270_330_752, 378_880),
            (&[7, 5, 2], 1_325_577_600, 411_648),
            (&[6, 6, 2], 1_365_803_520, 401_408),
        ]
    );
    assert_eq!(designs[0].stage_relus, [65_536, 81_920, 102_400, 76_800]);
}

#[test]
fn six_stages_with_multipliers_to_64_are_solved_in_seconds() {
    let start = Instant::now();
    let found = Equalization::new(&[2, 2, 3, 4, 3, 2], &[4, 3, 5, 2, 6, 1], 64).solve().unwrap();
    assert!(found.solutions > 1000 && !found.minimal.is_empty());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn malformed_questions_are_refused_with_the_reason() {
    let error =
        |depths: &[u64], order: &[usize], max| Equalization::new(depths, order, max).solve().unwrap_err().to_string();
    assert!(error(&[2, 2, 2, 2], &[3, 2, 4], 16).contains("stage 1 is missing"));
    assert!(error(&[2, 2, 2, 2], &[3, 2, 4, 4], 16).contains("stage 4 occurs twice"));
    assert!(error(&[2, 2, 2, 2], &[3, 2, 4, 5], 16).contains("no stage 5"));
    assert!(error(&[2, 2, 2, 2], &[3, 2, 4, 0], 16).contains("no stage 0"));
    assert!(error(&[2], &[1], 16).contains("expected 2 to 16"));
    assert!(error(&[], &[], 16).contains("expected 2 to 16"));
    assert!(error(&[2, 0], &[1, 2], 16).contains("depths holds 0"));
    assert!(error(&[2, 2], &[1, 2], 1).contains("multipliers from 2 to 1"));
    assert!(error(&[2, 2], &[1, 2], 5000).contains("ranges holds 5000"));
    assert!(error(&[2; 9], &[1, 2, 3, 4, 5, 6, 7, 8, 9], 16).contains("too many to search"));
    let question = Equalization { downsampling: vec![1, 2], ..Equalization::new(&[2, 2, 2], &[1, 2, 3], 4) };
    assert!(matches!(question.solve(), Err(EqualizeError::Length { list: "downsampling", .. })));
    // Too large for 128 bits although there is a single choice.
    let question = Equalization {
        ranges: vec![1024..=1024; 15],
        ..Equalization::new(&[2; 16], &(1..=16).collect::<Vec<_>>(), 16)
    };
    assert!(matches!(question.solve(), Err(EqualizeError::TooLarge { .. })));
}

/// All solutions by trying every vector, with rational arithmetic done in another way than the solver's.
fn brute_force(question: &Equalization) -> Vec<Vec<u64>> {
    let mut vectors = vec![Vec::new()];
    for range in &question.ranges {
        vectors = vectors.iter().flat_map(|v: &Vec<u64>| range.clone().map(|m| [&v[..], &[m]].concat())).collect();
    }
    let relus = |multipliers: &[u64]| -> Vec<f64> {
        let mut per_layer = 1.0;
        let mut relus = Vec::new();
        for k in 0..question.depths.len() {
            per_layer *= if k == 0 { 1.0 } else { multipliers[k - 1] as f64 };
            per_layer /= (question.downsampling[k] * question.downsampling[k]) as f64;
            relus.push(per_layer * (question.depths[k] * question.relus_per_block[k]) as f64);
        }
        relus
    };
    let in_order = |multipliers: &Vec<u64>| {
        let relus = relus(multipliers);
        question.order.windows(2).all(|pair| {
            let (more, less) = (relus[pair[0] - 1], relus[pair[1] - 1]);
            more > less || (!question.strict && more == less)
        })
    };
    vectors.into_iter().filter(in_order).collect()
}

fn questions() -> impl Strategy<Value = Equalization> {
    (2..=5usize).prop_flat_map(|stages| {
        let depths = prop::collection::vec(1..=6u64, stages);
        // Powers of two keep the floating-point brute force exact.
        let downsampling = prop::collection::vec(prop::sample::select(vec![1u64, 2, 4]), stages);
        let relus = prop::collection::vec(1..=3u64, stages);
        let order = Just((1..=stages).collect::<Vec<_>>()).prop_shuffle();
        let ranges = prop::collection::vec((1..=4u64, 0..=5u64), stages - 1);
        (depths, downsampling, relus, order, 0..stages, ranges, any::<bool>()).prop_map(
            |(depths, downsampling, relus_per_block, order, ordered, ranges, strict)| Equalization {
                depths,
                downsampling,
                relus_per_block,
                unordered: order[ordered..].to_vec(),
                order: order[..ordered].to_vec(),
                ranges: ranges.into_iter().map(|(min, more)| min..=min + more).collect(),
                strict,
            },
        )
    })
}

proptest! {
    #[test]
    fn the_solver_agrees_with_brute_force(question in questions()) {
        let all = brute_force(&question);
        let undercuts = |a: &[u64], b: &[u64]| a != b && a.iter().zip(b).all(|(a, b)| a <= b);
        let minimal: Vec<Vec<u64>> =
            all.iter().filter(|b| !all.iter().any(|a| undercuts(a, b))).cloned().collect();
        let solutions = all.len() as u64;
        prop_assert_eq!(question.solve().unwrap(), Equalized { minimal, solutions });
        prop_assert_eq!(question.solutions(usize::MAX).unwrap(), all);
    }
}
