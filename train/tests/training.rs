//! Training learns, repeats, and meets budgets exactly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_netgen::{Model, NetworkSpec};
use pisim_train::data::{DataSet, Pictures};
use pisim_train::finished::Finished;
use pisim_train::fit::{Lessons, RATES, fit};
use pisim_train::loss::{Distillation, right};
use pisim_train::snl::{Lasso, binarised, learn};
use pisim_train::trainable::Trainable;
use pisim_train::{TrainError, data};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn pictures() -> Pictures {
    DataSet::load(None).unwrap().train.first(512)
}

fn digits() -> pisim_netgen::Network {
    NetworkSpec::named("hrn-digits").unwrap().build().unwrap()
}

fn lessons(pictures: &Pictures, seed: u64) -> Lessons<'_> {
    Lessons { pictures, teacher: None, seed, progress: &|| () }
}

fn accuracy(model: &Model, pictures: &Pictures) -> f64 {
    let data::Batch { inputs, labels } = pictures.all().unwrap();
    let logits = Finished::new(model).unwrap().forward(&inputs).unwrap();
    right(&logits, &labels).unwrap() as f64 / pictures.len() as f64
}

#[test]
fn a_short_training_lowers_the_loss_and_learns_the_digits() {
    let data = DataSet::load(None).unwrap();
    let trainable = Trainable::random(digits(), 1).unwrap();
    let epochs = AtomicUsize::new(0);
    let count = || {
        epochs.fetch_add(1, Ordering::Relaxed);
    };
    let lessons = Lessons { progress: &count, ..lessons(&data.train, 1) };
    let losses = fit(&trainable, &lessons, 5, RATES[0]).unwrap();
    assert_eq!((losses.len(), epochs.into_inner()), (5, 5));
    assert!(losses[4] < 0.7 * losses[0], "{losses:?}");
    let model = trainable.fold(&data.train.all().unwrap().inputs).unwrap();
    assert!(accuracy(&model, &data.test) > 0.9);
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_one_others() {
    let pictures = pictures();
    let weights = |seed: u64| {
        let trainable = Trainable::random(digits(), seed).unwrap();
        fit(&trainable, &lessons(&pictures, seed), 1, RATES[0]).unwrap();
        trainable.fold(&pictures.all().unwrap().inputs).unwrap().weights
    };
    assert_eq!(weights(3), weights(3));
    assert_ne!(weights(3), weights(4));
}

#[test]
fn a_copy_is_trained_by_itself() {
    let pictures = pictures();
    let first = Trainable::random(digits(), 1).unwrap();
    let all = pictures.all().unwrap().inputs;
    let before = first.fold(&all).unwrap();
    let copy = first.onto(pisim_netgen::thin(&digits()).unwrap()).unwrap();
    fit(&copy, &lessons(&pictures, 1), 1, RATES[0]).unwrap();
    assert_eq!(first.fold(&all).unwrap(), before);
    assert_ne!(copy.fold(&all).unwrap().weights.0[1], before.weights.0[1]);
    let narrow = NetworkSpec { base_channels: Some(2), ..NetworkSpec::named("hrn-digits").unwrap() };
    assert!(matches!(first.onto(narrow.build().unwrap()), Err(TrainError::Network(_))));
}

#[test]
fn learnt_masks_meet_every_budget_and_the_largest_stay_longest() {
    let pictures = pictures();
    let first = Trainable::random(digits(), 1).unwrap();
    fit(&first, &lessons(&pictures, 1), 3, RATES[0]).unwrap();
    let all = pictures.all().unwrap().inputs;
    let teacher = Finished::new(&first.fold(&all).unwrap()).unwrap();
    let taught = Lessons { teacher: Some((&teacher, Distillation::default())), ..lessons(&pictures, 1) };
    let fast = Lasso { start: 3e-3, growth: 1.5, mask_rate: 5e-2, ..Lasso::default() };
    let path = learn(&first, &[300, 1000, 7], &taught, &fast).unwrap();
    let relus: Vec<u64> = path.networks.iter().map(|network| network.network.relus()).collect();
    assert_eq!(relus, [1000, 300, 7]);
    assert!(path.epochs > 0 && path.epochs < 100, "{}", path.epochs);
    let hopeless = Lasso { most_epochs: 1, start: 0.0, ..fast };
    let error = learn(&first, &[7], &taught, &hopeless).unwrap_err();
    assert!(error.is_failed_check() && error.to_string().contains("more than the budget of 7"), "{error}");
}

#[test]
fn impossible_budgets_are_refused() {
    let (pictures, first) = (pictures(), Trainable::random(digits(), 1).unwrap());
    for budget in [0, 1584, 1 << 40] {
        let error = learn(&first, &[100, budget], &lessons(&pictures, 1), &Lasso::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("{budget} is not possible: expected a number from 1 to 1583")));
    }
}

proptest! {
    #[test]
    fn any_masks_are_made_binary_with_exactly_the_budget(
        values in prop::collection::vec(prop_oneof![Just(0f32), Just(0.5), 0f32..1.0], 1584),
        budget in 1u64..1584,
    ) {
        let network = binarised(&digits(), &values, budget).unwrap();
        prop_assert_eq!(network.relus(), budget);
        // Who is kept has no smaller mask than who is not.
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        let least = sorted[1584 - budget as usize];
        let (mut kept, mut start) = (0, 0);
        let base = digits();
        for layer in base.layers.iter().filter(|layer| layer.op.is_activation()) {
            let own = &values[start..start + layer.output.len()];
            start += layer.output.len();
            let masked = network.find(&layer.name).map(|id| network.layer(id).mask.clone());
            // Without a layer nothing of it is kept; without a mask all of it is.
            let Some(mask) = masked else { continue };
            for (index, value) in own.iter().enumerate() {
                let keeps = mask.as_ref().is_none_or(|mask| mask.cells()[index] == pisim_netgen::Cell::Kept);
                prop_assert!(!keeps || *value >= least);
                kept += u64::from(keeps);
            }
        }
        prop_assert_eq!(kept, budget);
    }
}
