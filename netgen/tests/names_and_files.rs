//! Names, options and network files: what is accepted, and what the errors say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use pisim_netgen::{
    ActivationSpec, ExactSlope, FAMILIES, NetworkError, NetworkSpec, Op, Pool, Slope, StageSpec, Stem, cull,
    load_network, network_schema, shipped_networks,
};
use pisim_settings::Source;
use proptest::prelude::*;

fn error_of(text: &str) -> String {
    load_network(&Source::new("net.toml", text)).unwrap_err().to_string()
}

#[test]
fn every_family_builds_under_its_name_at_every_usual_size() {
    for family in FAMILIES {
        for (size, classes) in [(32, None), (64, Some(200)), (224, Some(1000)), (33, None)] {
            let spec = NetworkSpec { input_size: size, ..NetworkSpec::named(family.name).unwrap() };
            let network = spec.build().unwrap();
            assert_eq!((network.name.as_str(), spec.description.as_str()), (family.name, family.description));
            assert!(classes.is_none_or(|classes| classes == network.classes), "{}", family.name);
            network.check().unwrap();
        }
    }
}

#[test]
fn every_shipped_file_loads_builds_and_is_compiled_in() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/networks");
    let on_disk: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let compiled_in: BTreeSet<String> = shipped_networks().iter().map(|s| format!("{}.toml", s.name)).collect();
    assert_eq!(compiled_in, on_disk);
    for shipped in shipped_networks() {
        let spec = shipped.load().unwrap_or_else(|error| panic!("{error}"));
        assert!(FAMILIES.iter().all(|family| family.name != shipped.name), "{} hides a family", shipped.name);
        assert_eq!(NetworkSpec::named(&shipped.name).unwrap(), spec);
        assert!(!spec.description.starts_with("a "), "{} needs a description", shipped.name);
        spec.build().unwrap();
    }
}

#[test]
fn a_file_says_all_that_the_options_can_say() {
    let text = r#"
        description = "all keys"
        family = "hrn-5x5x3x"
        input = 64
        classes = 7
        base_channels = 8
        depths = [1, 2, 3, 1]
        input_channels = 1
        stem = "imagenet"
        shortcuts = true
        head_pool = 2
        pool = "average"
        activations = { stem = "relu6", s2 = { leaky-relu = 0.25 }, s3 = "prelu", s4 = { clamped-relu = 3 } }
        cull = ["s1"]
        thin = true
    "#;
    let spec = load_network(&Source::new("some/where/mine.toml", text)).unwrap();
    let expected = NetworkSpec {
        name: "mine".into(),
        description: "all keys".into(),
        input_size: 64,
        input_channels: 1,
        classes: Some(7),
        base_channels: Some(8),
        depths: Some(vec![1, 2, 3, 1]),
        stem: Stem::Imagenet,
        head_pool: Some(2),
        pool: Some(Pool::Average),
        activations: [
            ("stem".into(), ActivationSpec::Relu6),
            ("s2".into(), ActivationSpec::LeakyRelu(ExactSlope(Slope::new(1, 2).unwrap()))),
            ("s3".into(), ActivationSpec::Prelu),
            ("s4".into(), ActivationSpec::ClampedRelu(3)),
        ]
        .into(),
        cull: vec!["s1".into()],
        thin: true,
        ..NetworkSpec::named("hrn-5x5x3x").unwrap()
    };
    assert_eq!(spec, expected);
    assert_eq!(load_network(&Source::new("mine.toml", spec.to_toml())).unwrap(), spec);
    let network = spec.build().unwrap();
    assert_eq!((network.name.as_str(), network.classes), ("mine+cull-s1+thin", 7));
    // Stem 7x7 of stride 2 and a pool: 64 to 16 rows; s1 culled; one ReLU for each block of s2 to s4.
    assert_eq!(network.relus(), 8 * 32 * 32 + 2 * 40 * 8 * 8 + 3 * 200 * 4 * 4 + 600 * 2 * 2);
}

#[test]
fn the_networks_of_delphis_published_timings_are_chains_with_its_counts() {
    // ReLUs, linear layers, and the elements of all linear layers' inputs and outputs, as the published totals have them.
    for (name, relus, linear, elements) in
        [("resnet18-cryptonite", 557_056, 18, 1_111_050), ("resnet32-cryptonite", 303_104, 32, 606_218)]
    {
        let network = NetworkSpec::named(name).unwrap().build().unwrap();
        assert_eq!((network.relus(), network.classes), (relus, 10), "{name}");
        assert!(network.layers.iter().all(|layer| layer.inputs.len() <= 1), "{name} is a chain");
        let sizes = network.layers.iter().filter(|layer| matches!(layer.op, Op::Conv(_) | Op::Linear { .. }));
        let sizes: Vec<usize> =
            sizes.map(|layer| layer.output.len() + network.layer(layer.inputs[0]).output.len()).collect();
        assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (linear, elements), "{name}");
    }
    let error = |text: &str| error_of(&format!("family = \"minionn\"\n{text}"));
    assert!(error("shortcuts = false").contains("net.toml:2:13: key `shortcuts`"), "{}", error("shortcuts = false"));
    assert!(error("head_pool = 2").contains("net.toml:2:13: key `head_pool`"), "{}", error("head_pool = 2"));
    let too_large = error_of("family = \"resnet18\"\nhead_pool = 5");
    assert!(too_large.contains("5x5 window"), "{too_large}");
    assert!(error_of("family = \"resnet18\"\nhead_pool = 0").contains("net.toml:2:13: key `head_pool`"));
}

#[test]
fn an_explicit_stage_list_can_describe_a_family() {
    let stage = |channels, stride| StageSpec { blocks: 2, channels, stride };
    let spec = NetworkSpec {
        family: "residual".into(),
        stages: vec![stage(16, 1), stage(80, 2), stage(400, 2), stage(1200, 2)],
        ..NetworkSpec::named("hrn-5x5x3x").unwrap()
    };
    assert_eq!(spec.build().unwrap(), NetworkSpec::named("hrn-5x5x3x").unwrap().build().unwrap());
}

#[test]
fn the_schema_has_every_key_and_its_comment() {
    let schema = serde_json::to_value(network_schema()).unwrap();
    let keys = [
        "description",
        "family",
        "input",
        "input_channels",
        "classes",
        "base_channels",
        "depths",
        "stem",
        "shortcuts",
        "head_pool",
        "pool",
        "activations",
        "stages",
        "cull",
        "thin",
        "transform",
    ];
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(keys));
    for (key, property) in properties {
        assert!(property["description"].is_string(), "{key}");
    }
    assert_eq!(schema["required"], serde_json::json!(["family"]));
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn errors_of_a_file_point_at_the_line_and_the_key() {
    for (text, place, says) in [
        ("family = \"resnet18\"\ninputs = 32", "net.toml:2:1: key `inputs`", "did you mean `input`?"),
        ("input = 32", "net.toml:1:1: key `family`", "missing key"),
        ("family = \"resnet19\"", "net.toml:1:10: key `family`", "did you mean `resnet18`?"),
        ("family = \"resnet18\"\n\ninput = 0", "net.toml:3:9: key `input`", "a whole number from 1 to 4096"),
        ("family = \"resnet18\"\ninput = -3", "net.toml:2:9: key `input`", "a whole number, zero or more"),
        ("family = \"resnet18\"\ninput = \"32\"", "net.toml:2:9: key `input`", "expected a whole number"),
        ("family = \"resnet18\"\nclasses = 0", "net.toml:2:11: key `classes`", "from 1 to 65536"),
        ("family = \"resnet18\"\nbase_channels = 0", "net.toml:2:17: key `base_channels`", "from 1 to 65536"),
        ("family = \"resnet18\"\ndepths = [2, 2]", "net.toml:2:10: key `depths`", "4 whole numbers"),
        ("family = \"resnet18\"\ndepths = [2, 2, 0, 2]", "net.toml:2:10: key `depths`", "from 1 to 1000"),
        ("family = \"vgg16\"\ndepths = [2, 2]", "net.toml:2:10: key `depths`", "only with a ResNet"),
        ("family = \"minionn\"\nstem = \"imagenet\"", "net.toml:2:8: key `stem`", "only with a ResNet"),
        ("family = \"resnet18\"\npool = \"max\"", "net.toml:2:8: key `pool`", "only with stem"),
        ("family = \"vgg16\"\npool = \"maximum\"", "net.toml:2:8: key `pool`", "max"),
        (
            "family = \"resnet18\"\nactivations = { s9 = \"relu6\" }",
            "net.toml:2:15: key `activations`",
            "no stage `s9`",
        ),
        (
            "family = \"resnet18\"\nactivations = { s1 = \"preluu\" }",
            "net.toml:2:22: key `activations.s1`",
            "did you mean `prelu`?",
        ),
        ("family = \"resnet18\"\nactivations = { s1 = { leaky-relu = 0.01 } }", "net.toml:2:", "41/4096"),
        ("family = \"resnet18\"\nactivations = { s1 = { clamped-relu = 0 } }", "net.toml:", "always 0"),
        ("family = \"resnet18\"\nstem = \"imagent\"", "net.toml:2:8: key `stem`", "did you mean `imagenet`?"),
        ("family = \"resnet18\"\ncull = [\"stem\", \"s9\"]", "net.toml:2:8: key `cull`", "no stage `s9`"),
        ("family = \"resnet18\"\ncull = \"stem\"", "net.toml:2:8: key `cull`", "wrong type"),
        ("family = \"residual\"", "net.toml:1:10: key `family`", "at least one stage"),
        ("family = \"residual\"\ndepths = [1]\nstages = [{blocks = 1, channels = 1}]", "net.toml:2:10", "`stages`"),
        ("family = \"residual\"\nstages = [{blocks = 0, channels = 1}]", "net.toml:2:10: key `stages`", "blocks"),
        ("family = \"resnet18\"\nstages = [{blocks = 1, channels = 1}]", "net.toml:2:10: key `stages`", "residual"),
        ("family = \"residual\"\nstages = [{blocks = 1, chanels = 1}]", "net.toml:2:", "did you mean `channels`?"),
        ("family = \"hrn-9999x9999x9999x\"", "net.toml:1:10: key `family`", "exceed the limit"),
        ("family = \"vgg16\"\ninput_channels = 0", "net.toml:2:18: key `input_channels`", "from 1 to 1024"),
        ("family = \"vgg16\"\ninput = 16", "net.toml:1:10: key `family`", "does not fit"),
        ("family = ", "net.toml:1:", "not TOML"),
    ] {
        let error = error_of(text);
        assert!(error.starts_with(place), "{text:?} gives {error}");
        assert!(error.contains(says), "{text:?} gives {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn unknown_names_suggest_the_near_miss() {
    let hint = |name: &str| match NetworkSpec::named(name) {
        Err(NetworkError::UnknownNetwork { hint, .. }) => hint,
        other => panic!("{name}: {other:?}"),
    };
    assert!(hint("resnet-18").contains("`resnet18`"));
    assert!(hint("minion").contains("`minionn`"));
    assert!(hint("hrn-5x5x3").contains("`hrn-5x5x3x`"));
    assert!(hint("deepreduce-49").contains("`deepreduce-49k`"));
    assert_eq!(hint("gpt"), "");
    for name in
        ["", "hrn-", "hrn-x", "hrn-0x2x2x", "hrn-+5x5x3x", "hrn-5xx3x", "hrn-99999999999999999999x", "hrn34-2x2x"]
    {
        hint(name);
    }
    assert!(NetworkSpec::named("hrn-3x9x2x").unwrap().build().is_ok());
    assert!(NetworkSpec::named("hrn-3x2x").unwrap().build().is_ok());
}

#[test]
fn culling_names_the_stages_that_exist() {
    let network = NetworkSpec::named("vgg16").unwrap().build().unwrap();
    let error = cull(&network, &["S1"]).unwrap_err().to_string();
    assert_eq!(error, "network vgg16 has no stage `S1`; expected one of s1, s2, s3, s4, s5, head; did you mean `s1`?");
}

#[test]
fn thinning_a_plain_network_keeps_the_last_and_every_second_relu_of_a_stage() {
    let network = NetworkSpec { thin: true, ..NetworkSpec::named("vgg16").unwrap() }.build().unwrap();
    let relus: Vec<&str> =
        network.layers.iter().map(|layer| layer.name.as_str()).filter(|name| name.contains("relu")).collect();
    assert_eq!(
        relus,
        ["s1.relu2", "s2.relu2", "s3.relu1", "s3.relu3", "s4.relu1", "s4.relu3", "s5.relu1", "s5.relu3", "head.relu2"]
    );
}

#[test]
fn thinning_a_preactivation_network_keeps_the_relu_at_each_blocks_input() {
    let network = NetworkSpec { thin: true, ..NetworkSpec::named("wrn-22-8").unwrap() }.build().unwrap();
    let mut relus = network.layers.iter().map(|layer| layer.name.as_str()).filter(|name| name.contains("relu"));
    assert_eq!(relus.clone().count(), 9);
    assert!(relus.all(|name| name.ends_with("relu1")));
}

#[test]
fn the_schedules_json_keeps_the_contract() {
    let network = NetworkSpec::named("hrn-5x5x3x").unwrap().build().unwrap();
    let json = serde_json::to_value(network.schedule()).unwrap();
    assert_eq!(json["name"], "hrn-5x5x3x");
    assert_eq!(json["input"], serde_json::json!([3, 32, 32]));
    assert_eq!(json["classes"], 100);
    assert_eq!(json["params"], 48_652_308);
    assert_eq!(json["macs"], 1_053_353_152);
    assert_eq!(json["relus"], 343_040);
    let names: Vec<&str> = json["stages"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stem", "s1", "s2", "s3", "s4", "head"]);
    let stage = &json["stages"][2];
    assert_eq!((&stage["channels"], &stage["relus"], &stage["macs"]), (&80.into(), &81_920.into(), &47_513_600.into()));
    assert!(stage["params"].is_u64());
    let layer = &json["layers"][0];
    assert_eq!(
        layer,
        &serde_json::json!({
            "id": 1, "name": "stem.conv", "kind": "conv", "stage": "stem", "input": [3, 32, 32],
            "output": [16, 32, 32], "params": 27 * 16 + 32, "macs": 27 * 16 * 1024, "relus": 0,
            "comparisons": 0,
        })
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC*") {
        let _ = load_network(&Source::new("x.toml", text));
    }

    #[test]
    fn no_option_makes_a_family_panic(
        family in prop::sample::select(FAMILIES), input in 0..5000usize, base in 0..70_000usize,
        classes in 0..70_000usize, depths in prop::option::of(prop::collection::vec(0..5usize, 0..5)),
        imagenet in any::<bool>(), thin in any::<bool>(), cull in prop::collection::vec("s[0-5]|stem|head", 0..3),
    ) {
        let spec = NetworkSpec {
            input_size: input,
            base_channels: Some(base),
            classes: Some(classes),
            depths,
            stem: if imagenet { Stem::Imagenet } else { Stem::Cifar },
            cull,
            thin,
            ..NetworkSpec::named(family.name).unwrap()
        };
        if let Ok(network) = spec.build() {
            network.check().unwrap();
            let schedule = network.schedule();
            prop_assert_eq!(schedule.stages.iter().map(|s| s.counts.relus).sum::<u64>(), network.relus());
        }
    }
}
