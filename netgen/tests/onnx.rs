//! ONNX files: what is written reads back as the same network with the same function, and no bytes whatever do harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::networks;
use pisim_netgen::onnx::{ReadOptions, read, write};
use pisim_netgen::{
    FAMILIES, Model, Network, NetworkSpec, Op, ReluReuse, ReuseConv, cull, float, relu_reuse, shipped_networks, thin,
};
use proptest::prelude::*;

fn network(name: &str, change: impl FnOnce(&mut NetworkSpec)) -> Network {
    let mut spec = NetworkSpec::named(name).unwrap();
    change(&mut spec);
    spec.build().unwrap()
}

fn round_trip(model: &Model) -> Model {
    read(&write(model).unwrap(), "file", ReadOptions::default()).unwrap()
}

/// The same network without groups where they make no difference: whole groups, or those of a single tensor.
fn plain(network: &Network) -> Network {
    let mut plain = network.clone();
    for (id, layer) in network.iter() {
        plain.layers[id.0].op = match layer.op {
            Op::Slice { channels, .. } if layer.output.channels == network.input_shape(id).channels => {
                Op::Slice { groups: 1, start: 0, channels: channels.max(layer.output.channels) }
            }
            Op::Concat { inputs: 1, .. } => Op::Concat { groups: 1, inputs: 1 },
            op => op,
        };
    }
    plain
}

fn random_image(len: usize, seed: u64) -> Vec<f32> {
    (0..len).map(|index| ((index as u64 * 2_654_435_761 + seed % 1009) % 1009) as f32 / 1009.0).collect()
}

/// The largest difference of two models' logits, relative to the largest logit.
fn difference(a: &Model, b: &Model, seed: u64) -> f32 {
    let image = random_image(a.network.input.len(), seed);
    let logits = |model: &Model| float::infer(model, &image).unwrap().pop().unwrap().data;
    let (a, b) = (logits(a), logits(b));
    assert_eq!(a.len(), b.len());
    let largest = a.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    a.iter().zip(&b).fold(0.0, |most, (a, b)| most.max((a - b).abs() / largest))
}

#[test]
fn every_built_in_network_and_its_transforms_survive_the_round_trip() {
    let families = FAMILIES.iter().map(|family| family.name.to_owned());
    let parametric = ["hrn-5x5x3x", "hrn34-5x3x2x"].map(String::from);
    let mut checked = 0;
    for name in families.chain(shipped_networks().into_iter().map(|file| file.name)).chain(parametric) {
        // A family with parameters in its name is a pattern, not a network.
        let Ok(mut spec) = NetworkSpec::named(&name) else { continue };
        if spec.stages.is_empty() {
            spec.base_channels = Some(4);
        }
        let mut network = spec.build();
        if network.is_err() {
            // Its transforms divide more channels than that.
            spec.base_channels = Some(16);
            network = spec.build();
        }
        let network = network.unwrap_or_else(|error| panic!("{name}: {error}"));
        let culled = cull(&network, &[&network.stages[0]]).unwrap();
        let reuse = ReluReuse { factor: 2, groups: 2, concat: checked % 2 == 0, conv: ReuseConv::Dense };
        // Not every network's channels can be divided.
        let reused = relu_reuse(&network, &reuse).ok();
        for network in [Some(thin(&culled).unwrap()), Some(culled), Some(network), reused].into_iter().flatten() {
            let model = Model::random(network, 1);
            let back = round_trip(&model);
            assert_eq!(back.network, model.network, "{name}");
            assert_eq!(back.weights, model.weights, "{name}");
            checked += 1;
        }
    }
    assert!(checked >= 24, "{checked}");
}

/// As another tool would write it: without stages, names of layers and notes.
fn without_metadata(model: &Model) -> Vec<u8> {
    let mut file = write(model).unwrap();
    // The metadata's key becomes another one of the same length.
    let key = file.windows(7).rposition(|window| window == b"\x0a\x05pisim").unwrap();
    file[key + 2] = b'x';
    file
}

fn masked(name: &str, changes: &[&str]) -> Network {
    let mut spec = NetworkSpec::named(name).unwrap();
    spec.transforms = changes.iter().map(|change| change.parse().unwrap()).collect();
    spec.build().unwrap_or_else(|error| panic!("{name}, {changes:?}: {error}"))
}

#[test]
fn masked_activations_and_convolutions_survive_the_round_trip_also_without_metadata() {
    for name in ["hrn-tiny", "minionn"] {
        for changes in [
            &["mask:budget=500"][..],
            &["mask:budget=1"],
            &["spatial-mask:kept=0.5"],
            &["cull:stages=stem", "spatial-mask:kept=0.7", "mask:budget=300"],
        ] {
            if name == "minionn" && changes.len() == 3 {
                continue;
            }
            let model = Model::random(masked(name, changes), 3);
            assert!(model.network.layers.iter().any(|layer| layer.mask.is_some()));
            let back = round_trip(&model);
            assert_eq!(back.network, model.network, "{name}, {changes:?}");
            assert_eq!(back.weights, model.weights, "{name}, {changes:?}");
            let plain = read(&without_metadata(&model), "file", ReadOptions::default()).unwrap();
            assert_eq!((plain.network.relus(), plain.network.macs()), (model.network.relus(), model.network.macs()));
            assert!(difference(&model, &plain, 5) < 1e-4, "{name}, {changes:?}");
        }
    }
}

#[test]
fn stages_are_found_without_metadata() {
    for (name, pretend) in [("resnet18", 1), ("hrn-5x5x3x", 1), ("resnet20", 1), ("vgg16", 1), ("minionn", 1)] {
        let mut model = Model::random(network(name, |spec| spec.base_channels = Some(4)), 1);
        let stages = |network: &Network| {
            let stage = |layer: &pisim_netgen::Layer| network.stages[layer.stage].clone();
            network.layers.iter().skip(1).map(stage).collect::<Vec<String>>()
        };
        let expected = stages(&model.network);
        // Names that tell nothing, so that only resolutions can.
        for (index, layer) in model.network.layers.iter_mut().enumerate().skip(pretend) {
            layer.name = format!("node_{index}");
        }
        let back = read(&without_metadata(&model), "file", ReadOptions::default()).unwrap();
        assert_eq!(stages(&back.network), expected, "{name}");
        assert_eq!((back.network.name.as_str(), back.network.notes.len()), ("file", 0));
        assert_eq!(back.weights, model.weights);
    }
}

proptest! {
    #[test]
    fn any_network_survives_the_round_trip(network in networks(), seed in any::<u64>()) {
        let model = Model::random(network, seed);
        let back = round_trip(&model);
        prop_assert_eq!(&back.network, &plain(&model.network));
        prop_assert_eq!(&back.weights, &model.weights);
    }

    /// Without the metadata, batch norms and biases fold into their neighbours, and the function stays the same.
    #[test]
    fn folding_keeps_the_function(network in networks(), seed in any::<u64>()) {
        let model = Model::random(network, seed);
        match read(&without_metadata(&model), "file", ReadOptions::default()) {
            Ok(back) => prop_assert!(difference(&model, &back, seed) < 1e-4),
            // A graph of nothing but an input is no network for a file.
            Err(error) => prop_assert!(error.to_string().contains("is not computed from the input"), "{}", error),
        }
    }
}

/// A small valid file with every operator that is written.
fn valid(network: Network) -> Vec<u8> {
    write(&Model::random(network, 7)).unwrap()
}

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Damage {
    Truncate(prop::sample::Index),
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    /// Copies a part of the file to another place: fields twice, in the wrong order or in the wrong message.
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(Damage::Truncate),
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        index().prop_map(Damage::Remove),
        (index(), index(), 1..64usize).prop_map(|(from, to, length)| Damage::Copy(from, to, length)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match damage {
            Damage::Truncate(at) => bytes.truncate(at.index(length)),
            Damage::Replace(at, byte) => bytes[at.index(length)] = *byte,
            Damage::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Damage::Remove(at) => {
                bytes.remove(at.index(length));
            }
            Damage::Copy(from, to, count) => {
                let from = from.index(length);
                let part = bytes[from..(from + count).min(length)].to_vec();
                let to = to.index(length);
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}

/// Reads bytes of any kind. Whatever is read must be a network that runs.
fn read_anything(bytes: &[u8]) {
    match read(bytes, "fuzz", ReadOptions { input_size: Some(4) }) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(model) => {
            model.network.check().unwrap();
            model.check().unwrap();
            if model.network.macs() < 1 << 20 && model.network.input.len() < 1 << 16 {
                float::infer(&model, &vec![0.5; model.network.input.len()]).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn damaged_files_are_errors_or_networks(network in networks(), damages in prop::collection::vec(damage(), 1..6)) {
        read_anything(&damaged(valid(network), &damages));
    }

    #[test]
    fn random_bytes_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_anything(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000_000))]

    /// The same, for minutes: `cargo test --release -p pisim-netgen --test onnx -- --ignored`.
    #[test]
    #[ignore = "takes minutes"]
    fn damaged_files_are_errors_or_networks_at_length(
        network in networks(),
        damages in prop::collection::vec(damage(), 1..12),
    ) {
        read_anything(&damaged(valid(network), &damages));
    }
}
