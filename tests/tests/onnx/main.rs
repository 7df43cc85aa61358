//! ONNX files against onnxruntime: what pisim writes runs there, and what other tools write means the same here.
//!
//! `tests/python/onnx_models.py` makes the models of other tools and runs onnxruntime. It needs Python 3 with the packages
//! `onnx` and `onnxruntime`; without them the tests skip and say so. `PISIM_ONNX=install` gets them from PyPI into a virtual
//! environment in the target folder, `PISIM_ONNX=require` does so too and makes their absence a failure, `PISIM_ONNX=skip` skips
//! in any case.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail and tell"
)]

mod python;

use std::path::Path;
use std::sync::Arc;

use pisim_backend::{MEMORY_BYTES, Seed, verify};
use pisim_netgen::onnx::{ReadOptions, load, write};
use pisim_netgen::{Model, NetworkSpec, Transform, Weights, float};
use pisim_protocol::{Protocol, lower};
use serde::{Deserialize, Serialize};

/// Largest difference between two logits, relative to the largest logit.
const LIMIT: f32 = 1e-4;

/// Inputs of a model and what onnxruntime answers.
#[derive(Serialize, Deserialize)]
struct Answers {
    inputs: Vec<Vec<f32>>,
    #[serde(default)]
    logits: Vec<Vec<f32>>,
}

/// The largest difference between onnxruntime's logits and the float reference's, relative to the largest logit.
fn difference(model: &Model, answers: &Answers) -> f32 {
    assert!(!answers.logits.is_empty() && answers.logits.len() == answers.inputs.len());
    let mut worst = 0f32;
    for (input, theirs) in answers.inputs.iter().zip(&answers.logits) {
        let ours = float::infer(model, input).unwrap().pop().unwrap().data;
        assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(largest > 0.0);
        worst = ours.iter().zip(theirs).fold(worst, |worst, (a, b)| worst.max((a - b).abs() / largest));
    }
    worst
}

/// Seeded pixels in [0, 1).
fn image(len: usize, seed: u64) -> Vec<f32> {
    (0..len as u64).map(|index| ((index * 7919 + seed * 104_729) % 10_007) as f32 / 10_007.0).collect()
}

/// The ONNX file of a network, changed by transforms, in onnxruntime, against the float reference of the model that it was
/// written from.
fn exported(python: &Path, name: &str, transforms: &[&str]) -> f32 {
    let mut spec = NetworkSpec::named(name).unwrap();
    spec.transforms.extend(transforms.iter().map(|transform| transform.parse::<Transform>().unwrap()));
    let model = Model::random(spec.build().unwrap(), 11);
    let folder = tempfile::tempdir().unwrap();
    let [file, data] = ["model.onnx", "data.json"].map(|name| folder.path().join(name));
    std::fs::write(&file, write(&model).unwrap()).unwrap();
    let inputs = (0..2).map(|seed| image(model.network.input.len(), seed)).collect();
    std::fs::write(&data, serde_json::to_string(&Answers { inputs, logits: Vec::new() }).unwrap()).unwrap();
    python::run(python, &["run".as_ref(), file.as_os_str(), data.as_os_str()]).unwrap();
    difference(&model, &serde_json::from_str(&std::fs::read_to_string(&data).unwrap()).unwrap())
}

#[test]
fn exported_networks_run_in_onnxruntime_and_agree_with_the_float_reference() {
    let Some(python) = python::found() else { return };
    for (name, transforms) in [
        ("hrn-5x5x3x", &[][..]),
        ("minionn", &[]),
        ("wrn-22-8", &[]),
        ("resnet18", &["mask:budget=100000"]),
        ("resnet20", &["spatial-mask:kept=0.5", "mask:budget=10000"]),
    ] {
        let difference = exported(&python, name, transforms);
        println!("{name} {transforms:?}: {difference:.1e} of the largest logit");
        assert!(difference < LIMIT, "{name} {transforms:?}: {difference}");
    }
}

#[test]
fn models_of_other_tools_agree_with_onnxruntime_and_some_answer_privately_bit_for_bit() {
    let Some(python) = python::found() else { return };
    let folder = tempfile::tempdir().unwrap();
    python::run(&python, &["models".as_ref(), folder.path().as_os_str()]).unwrap();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "onnx") {
            continue;
        }
        let answers: Answers =
            serde_json::from_str(&std::fs::read_to_string(path.with_extension("json")).unwrap()).unwrap();
        match load(&path, ReadOptions::default()) {
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
            Ok(model) => {
                let difference = difference(&model, &answers);
                println!(
                    "{}: {difference:.1e} of the largest logit, stages {:?}",
                    model.network.name, model.network.stages
                );
                if difference >= LIMIT {
                    wrong.push(format!("{}: {difference}", path.display()));
                }
                if model.network.macs() < 1 << 22 {
                    private(&model, &answers.inputs[0]);
                }
            }
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, 8, "{seen}");
}

/// Runs the real protocol; its answer must be the integer reference's, and its work the predicted one.
fn private(model: &Model, image: &[f32]) {
    let protocol = Protocol::load("ring-gc").unwrap();
    let program = Arc::new(lower(&model.network, &protocol).unwrap());
    let weights = Arc::new(Weights::from_float(&program.network, model).unwrap());
    let unit = (1u64 << protocol.format.fraction_bits) as f32;
    let input: Vec<i64> = image.iter().map(|pixel| (pixel * unit).floor() as i64).collect();
    let seeds = ["client", "server"].map(|party| Seed::reproducible(1).derive(party, 0));
    let verification = verify(&program, &weights, &input, seeds, MEMORY_BYTES, &mut |_| ()).unwrap();
    assert_eq!(verification.mismatches, 0, "{}", model.network.name);
    assert!(verification.mispredictions.is_empty(), "{}", model.network.name);
    assert_eq!(verification.reference.len(), model.network.classes);
}
