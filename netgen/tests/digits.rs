//! The shipped trained networks are what their files and names say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pisim_netgen::onnx::{ReadOptions, read};
use pisim_netgen::{Equalization, Model, NetworkSpec, Shape};

fn shipped(bytes: &[u8]) -> Model {
    read(bytes, "shipped", ReadOptions::default()).unwrap()
}

#[test]
fn the_trained_hybrenet_is_the_family_member_of_its_network_file() {
    let trained = shipped(include_bytes!("../../configs/digits/hrn.onnx")).network;
    let built = NetworkSpec::named("hrn-digits").unwrap().build().unwrap();
    assert_eq!((trained.input, trained.classes), (Shape::new(1, 8, 8), 10));
    let of = |network: &pisim_netgen::Network| {
        let counts = network.counts();
        let layers: Vec<_> = network.schedule().layers.iter().map(|layer| (layer.kind, layer.counts.macs)).collect();
        (counts.params, counts.macs, counts.relus, layers)
    };
    let (mut trained, mut built) = (of(&trained), of(&built));
    // Files may list the two branches of a block in another order.
    trained.3.sort_unstable();
    built.3.sort_unstable();
    assert_eq!(trained, built);
    assert_eq!((built.0, built.2), (40_609, 1584));
    // Equalized: the least multipliers for stages of one block whose ReLUs are to fall in the order 2, 3, 1.
    let minimal = Equalization::new(&[1, 1, 1], &[2, 3, 1], 16).solve().unwrap().minimal;
    assert!(minimal.contains(&vec![6, 3]), "{minimal:?}");
}

#[test]
fn the_trained_plain_network_has_the_counts_of_its_description() {
    let counts = shipped(include_bytes!("../../configs/digits/cnn.onnx")).network.counts();
    // 8 maps of 8x8, 16 of 4x4, 32 of 2x2.
    assert_eq!((counts.params, counts.relus), (7178, 8 * 64 + 16 * 16 + 32 * 4));
    assert_eq!(counts.macs, 64 * 9 * 8 + 16 * 9 * 8 * 16 + 4 * 9 * 16 * 32 + 128 * 10);
}
