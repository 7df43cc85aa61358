//! What is trained is what is simulated: candle's answers are netgen's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use candle_core::Tensor;
use pisim_netgen::{Model, Network, NetworkSpec, Transform};
use pisim_train::data::DataSet;
use pisim_train::finished::{self, Finished, ROUNDING};
use pisim_train::fit::{Lessons, fit};
use pisim_train::trainable::Trainable;
use proptest::prelude::*;

fn digits() -> DataSet {
    DataSet::load(None).unwrap()
}

fn network(name: &str, base: usize, transforms: &[&str]) -> Network {
    let mut spec = NetworkSpec::named(name).unwrap();
    (spec.input_size, spec.input_channels, spec.classes) = (8, 1, Some(10));
    spec.base_channels = Some(base);
    spec.transforms = transforms.iter().map(|text| text.parse::<Transform>().unwrap()).collect();
    spec.build().unwrap()
}

/// Every operation that can be trained, in all its masked forms.
const TRANSFORMS: [&[&str]; 8] = [
    &[],
    &["cull:stages=stem+s1"],
    &["thin"],
    &["cull:stages=s3", "thin", "reshape:a=0.5"],
    &["mask:budget=20,seed=3"],
    &["thin", "mask:budget=7,granularity=pixel,seed=1"],
    &["relu-reuse:factor=2"],
    &["spatial-mask:kept=0.5,seed=2", "mask:budget=9,seed=1"],
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_weights_give_netgens_answers(
        which in 0usize..TRANSFORMS.len(),
        name in prop_oneof![Just("hrn-digits"), Just("resnet20")],
        base in 1usize..3,
        seed in any::<u64>(),
    ) {
        // Groups of a reused ReLU must be equal.
        let model = Model::random(network(name, 4 * base, TRANSFORMS[which]), seed);
        let difference = finished::difference(&model, &digits().test, 4).unwrap();
        prop_assert!(difference <= ROUNDING, "{difference} in {}", model.network.name);
    }
}

#[test]
fn folded_batch_norms_give_the_answers_of_the_batch_they_were_folded_with() {
    let data = digits();
    for transforms in [&[][..], &["thin"], &["mask:budget=100,seed=3"]] {
        let trainable = Trainable::random(network("hrn-digits", 3, transforms), 5).unwrap();
        // Scales and shifts away from where they start.
        let lessons = Lessons { pictures: &data.train, teacher: None, seed: 1, progress: &|| () };
        fit(&trainable, &lessons, 1, 4e-3).unwrap();
        let all = data.train.all().unwrap().inputs;
        let model = trainable.fold(&all).unwrap();
        let of = |logits: Tensor| logits.to_vec2::<f32>().unwrap().concat();
        let (before, after) =
            (of(trainable.forward(&all).unwrap()), of(Finished::new(&model).unwrap().forward(&all).unwrap()));
        let worst = before.iter().zip(&after).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
        finished::agrees(&model, &data.test, 16).unwrap();
    }
}

#[test]
fn a_wrong_weight_is_a_disagreement() {
    let data = digits();
    let model = Model::random(network("hrn-digits", 3, &[]), 5);
    let answers = finished::reference(&model, &data.test, 2).unwrap();
    let mut other = model.clone();
    other.weights.0.last_mut().unwrap().as_mut().unwrap().bias[3] += 0.01;
    let changed = finished::reference(&other, &data.test, 2).unwrap();
    let moved: Vec<f32> = answers[0].iter().zip(&changed[0]).map(|(a, b)| (a - b).abs()).collect();
    assert!((moved[3] - 0.01).abs() < 1e-5 && moved[2] == 0.0, "{moved:?}");
}

#[test]
fn networks_that_cannot_be_trained_are_refused_with_their_layer() {
    let mut spec = NetworkSpec::named("minionn").unwrap();
    (spec.input_size, spec.input_channels, spec.pool) = (16, 1, Some(pisim_netgen::Pool::Max));
    let error = Trainable::random(spec.build().unwrap(), 1).unwrap_err().to_string();
    assert!(error.contains("max-pool cannot be trained here"), "{error}");
}
