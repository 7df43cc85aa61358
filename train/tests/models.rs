//! Trained networks come back from their files as what was trained.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_netgen::onnx::{self, ReadOptions};
use pisim_netgen::{Granularity, Model, NetworkSpec, ReluChoice, float, mask, thin};
use pisim_train::experiment::Outcome;
use pisim_train::export::file;
use pisim_train::family::Method;
use pisim_train::measure::Measured;

fn outcome(model: Model, method: Method) -> Outcome {
    let counts = model.network.counts();
    let measured = Measured {
        counts,
        pictures: 1,
        float_right: 1,
        integer_right: 1,
        proven: true,
        latency_s: Default::default(),
        bytes: 0,
    };
    Outcome { method, steps: String::new(), seed: 1, epochs: 1, measured, model }
}

#[test]
fn masked_and_plain_networks_answer_as_before() {
    let base = NetworkSpec::named("hrn-digits").unwrap().build().unwrap();
    let few = mask(&base, &ReluChoice::Budget(40), Granularity::Pixel, 3).unwrap();
    // One whole layer is gone, and one is whole.
    let mut bits = vec![true; 192];
    bits.extend(vec![false; 192]);
    bits.extend((0..1200).map(|index| index % 3 == 0));
    let some = mask(&base, &ReluChoice::Bitmap(bits), Granularity::Pixel, 0).unwrap();
    let picture: Vec<f32> = (0..64).map(|index| (index % 7) as f32 / 7.0).collect();
    for (network, method) in [
        (base.clone(), Method::Full),
        (thin(&base).unwrap(), Method::Thinned),
        (few, Method::Random),
        (some, Method::Learnt),
    ] {
        let model = Model::random(network, 9);
        let expected = float::infer(&model, &picture).unwrap().pop().unwrap();
        let (name, content) = file(&outcome(model.clone(), method)).unwrap();
        assert_eq!(name, format!("models/{}-{}.onnx", method.slug(), model.network.relus()));
        let read = onnx::read(&content, "read", ReadOptions::default()).unwrap();
        assert_eq!(read.network.relus(), model.network.relus());
        let found = float::infer(&read, &picture).unwrap().pop().unwrap();
        for (a, b) in found.data.iter().zip(&expected.data) {
            assert!((a - b).abs() < 1e-4, "{method:?}: {a} {b}");
        }
    }
}
