//! Transforms on known networks: golden counts, the laws of reshaping and reuse, and files and errors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pisim_netgen::{
    Equalization, Equalize, Factor, FixedNetwork, FixedPoint, Ladder, Network, NetworkSpec, Op, ReluReuse, ReuseConv,
    Rungs, Transform, Weights, cull, equalize, infer, load_network, random_input, relu_reuse, reshape,
    shipped_networks, thin,
};
use pisim_settings::Source;

fn network(name: &str, size: usize) -> Network {
    NetworkSpec { input_size: size, ..NetworkSpec::named(name).unwrap() }.build().unwrap()
}

fn factor(value: f64) -> Factor {
    Factor::new(value).unwrap()
}

fn stage_macs(network: &Network) -> Vec<u64> {
    ["s2", "s3", "s4"].map(|stage| network.stage_counts(stage).unwrap().macs).to_vec()
}

/// DeepReDuce's operating points on ResNet-18 (ICML 2021), CIFAR-100 and TinyImageNet.
const LADDER_32: [u64; 8] = [229_376, 196_608, 114_688, 98_304, 57_344, 49_152, 28_672, 12_288];
const LADDER_64: [u64; 8] = [917_504, 458_752, 393_216, 229_376, 196_608, 114_688, 98_304, 57_344];

#[test]
fn the_ladder_of_resnet18_is_deepreduces_list() {
    for (size, golden) in [(32, LADDER_32), (64, LADDER_64)] {
        let spec = NetworkSpec { input_size: size, ..NetworkSpec::named("resnet18").unwrap() };
        let ladder = Ladder::of(&spec, &[], Rungs::Published).unwrap();
        assert_eq!(ladder.rungs.iter().map(|rung| rung.counts.relus).collect::<Vec<_>>(), golden, "{size}");
        assert_eq!((ladder.full.relus, &ladder.order[..]), (network("resnet18", size).relus(), &[3, 2, 4, 1][..]));
        // The whole walk holds them all and says which they are.
        let all = Ladder::of(&spec, &[], Rungs::All).unwrap();
        assert_eq!(all.rungs.len(), 10);
        let published: Vec<u64> =
            all.rungs.iter().filter(|rung| rung.published).map(|rung| rung.counts.relus).collect();
        assert_eq!(published, golden);
    }
}

#[test]
fn every_rung_is_made_by_its_transforms_and_reads_back_from_its_file() {
    for name in ["resnet18", "hrn-5x5x3x", "resnet32", "wrn-22-8", "vgg16", "minionn"] {
        let spec = NetworkSpec::named(name).unwrap();
        let ladder = Ladder::of(&spec, &[], Rungs::All).unwrap();
        assert!(ladder.rungs.len() >= 5, "{name}");
        let mut above = ladder.full.relus;
        for rung in &ladder.rungs {
            let made = rung.transforms.iter().try_fold(spec.build().unwrap(), |net, transform| transform.apply(&net));
            assert_eq!(made.unwrap().counts(), rung.counts, "{}", rung.name);
            let file = Source::new(format!("{}.toml", rung.spec.name), rung.spec.to_toml());
            let read = load_network(&file).unwrap_or_else(|error| panic!("{error}\n{}", file.text));
            assert_eq!(read, rung.spec, "{}", file.text);
            assert_eq!(read.build().unwrap().counts(), rung.counts);
            assert!((1..above).contains(&rung.counts.relus), "{}", rung.name);
            above = rung.counts.relus;
        }
    }
}

#[test]
fn an_order_of_one_s_own_changes_what_is_culled_first() {
    let spec = NetworkSpec::named("resnet18").unwrap();
    let ladder = Ladder::of(&spec, &[1, 2, 3, 4], Rungs::All).unwrap();
    assert_eq!(ladder.rungs[0].name, "resnet18+cull-stem-s4");
    assert_eq!(ladder.rungs[0].counts.relus, 557_056 - 65_536 - 32_768);
    let error = |order: &[usize]| Ladder::of(&spec, order, Rungs::All).unwrap_err().to_string();
    assert!(error(&[1, 2]).contains("order = [1, 2] is not possible: expected each of the stages 1 to 4 once"));
    let one = NetworkSpec {
        family: "residual".into(),
        stages: vec![pisim_netgen::StageSpec { blocks: 1, channels: 8, stride: 1 }],
        ..spec.clone()
    };
    assert!(Ladder::of(&one, &[], Rungs::All).unwrap_err().to_string().contains("expected at least 2"));
}

#[test]
fn reshaping_follows_its_laws() {
    for name in ["resnet18", "hrn-5x5x3x", "hrn-2x5x3x"] {
        let full = network(name, 64);
        for (a, divisor) in [(0.5, 2), (0.25, 4), (0.125, 8)] {
            for (rho, rho_divisor) in [(1.0, 1), (0.5, 2), (0.25, 4)] {
                let small = reshape(&full, factor(a), factor(rho)).unwrap();
                small.check().unwrap();
                // ReLUs ∝ a·ρ²; MACs between scaled layers ∝ a²·ρ².
                assert_eq!(small.relus() * divisor * rho_divisor * rho_divisor, full.relus(), "{name} {a} {rho}");
                let scaled: Vec<u64> =
                    stage_macs(&small).iter().map(|macs| macs * (divisor * rho_divisor).pow(2)).collect();
                assert_eq!(scaled, stage_macs(&full), "{name} {a} {rho}");
                // The stem reads colours, which are not scaled: MACs ∝ a·ρ².
                let stem = |net: &Network| net.stage_counts("stem").unwrap().macs;
                assert_eq!(stem(&small) * divisor * rho_divisor * rho_divisor, stem(&full));
                assert_eq!((small.classes, small.input.channels), (full.classes, 3));
                let same_resolution = rho == 1.0;
                assert_eq!(small.input == full.input, same_resolution);
            }
        }
        let name = reshape(&full, factor(0.5), factor(0.5)).unwrap().name;
        assert_eq!(name, format!("{}+reshape-a0.5-rho0.5", full.name));
        assert_eq!(reshape(&full, Factor::ONE, Factor::ONE).unwrap(), full);
    }
    // An answer that is a feature map would get other pixels.
    let maps = cull(&network("resnet18", 32), &["s1"]).unwrap();
    let mut maps_only = maps.clone();
    maps_only.layers.truncate(maps.find("head.pool").unwrap().0);
    maps_only.classes = maps_only.layers.last().unwrap().output.len();
    maps_only.check().unwrap();
    assert!(reshape(&maps_only, factor(0.5), Factor::ONE).is_ok());
    let error = reshape(&maps_only, Factor::ONE, factor(0.5)).unwrap_err().to_string();
    assert!(error.contains("rho = 0.5 is not possible"), "{error}");
    // Hidden fully connected layers are scaled, the logits are not.
    let vgg = reshape(&network("vgg16", 32), factor(0.5), Factor::ONE).unwrap();
    assert_eq!((vgg.relus(), vgg.classes), (284_672 / 2, 100));
}

#[test]
fn deepreduces_points_are_the_same_by_resolution() {
    // 12,288 = (S2+S3) thinned with a = 1/8, or a = 1/2 and ρ = 1/2.
    let kept = thin(&cull(&network("resnet18", 32), &["stem", "s1", "s4"]).unwrap()).unwrap();
    assert_eq!(reshape(&kept, factor(0.125), Factor::ONE).unwrap().relus(), 12_288);
    assert_eq!(reshape(&kept, factor(0.5), factor(0.5)).unwrap().relus(), 12_288);
}

#[test]
fn relu_reuse_divides_relus_by_n_and_grouped_convolutions_divide_macs_by_g() {
    for name in ["resnet18", "hrn-5x5x3x", "vgg16", "wrn-22-8"] {
        let full = network(name, 32);
        for factor in [2, 4, 8, 16] {
            for (groups, concat) in [(1, true), (1, false), (2, true), (4, false)] {
                // HRN-5x5x3x and WRN-22-8 begin with 16 channels.
                if !full.layers[1].output.channels.is_multiple_of(factor * groups) {
                    continue;
                }
                let dense = ReluReuse { factor, groups, concat, conv: ReuseConv::Dense };
                let reused = relu_reuse(&full, &dense).unwrap();
                reused.check().unwrap();
                assert_eq!(reused.relus() * factor as u64, full.relus(), "{name} {dense:?}");
                assert_eq!((reused.macs(), reused.params()), (full.macs(), full.params()), "{name} {dense:?}");
                if groups == 1 {
                    continue;
                }
                let grouped = relu_reuse(&full, &ReluReuse { conv: ReuseConv::Grouped, ..dense }).unwrap();
                grouped.check().unwrap();
                assert_eq!(grouped.relus(), reused.relus());
                for (id, layer) in full.iter().filter(|(_, layer)| matches!(layer.op, Op::Conv(_))) {
                    let before = full.layer_counts(id).macs;
                    let parts: Vec<u64> = grouped
                        .iter()
                        .filter(|(_, part)| {
                            part.name == layer.name || part.name.starts_with(&format!("{}.g", layer.name))
                        })
                        .map(|(id, _)| grouped.layer_counts(id).macs)
                        .collect();
                    let reads_colours = full.input_shape(id).channels == 3;
                    let (count, divisor) = if reads_colours { (1, 1) } else { (groups, groups as u64) };
                    assert_eq!(parts.len(), count, "{}", layer.name);
                    assert_eq!(parts.iter().sum::<u64>() * divisor, before, "{name}: {}", layer.name);
                }
            }
        }
    }
}

#[test]
fn what_reuse_activates_is_spread_over_the_groups_and_the_rest_passes_or_is_replaced() {
    let spec = NetworkSpec { base_channels: Some(4), input_size: 8, ..NetworkSpec::named("resnet20").unwrap() };
    let full = spec.build().unwrap();
    let format = FixedPoint { ring_bits: 64, fraction_bits: 8, weight_bits: 12, relu_max: None };
    for concat in [true, false] {
        let reuse = ReluReuse { factor: 2, groups: 2, concat, conv: ReuseConv::Dense };
        let net = FixedNetwork::new(&relu_reuse(&full, &reuse).unwrap(), format).unwrap();
        let weights = Weights::random(&net, 1);
        let found = infer(&net, &weights, &random_input(net.network.input, format, 1)).unwrap();
        let values = |name: &str| &found.layers[net.network.find(name).unwrap().0].data;
        let (before, after) = (values("stem.conv"), values("stem.relu.whole"));
        for (channel, (before, after)) in before.chunks(64).zip(after.chunks(64)).enumerate() {
            let rescaled: Vec<i64> = before.iter().map(|value| value >> 8).collect();
            let relu: Vec<i64> = rescaled.iter().map(|value| *value.max(&0)).collect();
            // Of the groups {0, 1} and {2, 3}, maps 0 and 2 are activated.
            let expected = match (channel % 2, concat) {
                (0, _) => relu,
                (_, true) => rescaled,
                (_, false) => values("stem.relu.whole").chunks(64).nth(channel - 1).unwrap().to_vec(),
            };
            assert_eq!(after, expected, "channel {channel}, concat {concat}");
        }
        // One ReLU and, where maps pass, one rescale for the others: never both for the same value.
        let rescales: usize = net.network.layers.iter().filter(|l| l.op == Op::Rescale).map(|l| l.output.len()).sum();
        let of_relus = |n: u64| if concat { n as usize } else { 0 };
        assert!(rescales <= of_relus(full.relus()), "{rescales}");
        assert_eq!(net.network.relus() * 2, full.relus());
    }
}

#[test]
fn reuse_refuses_channels_that_cannot_be_divided() {
    let error = |name: &str, reuse| relu_reuse(&network(name, 32), &reuse).unwrap_err().to_string();
    let reuse = ReluReuse { factor: 2, groups: 1, concat: true, conv: ReuseConv::Dense };
    let large = error("hrn-5x5x3x", ReluReuse { factor: 32, ..reuse });
    assert!(large.contains("layer stem.relu: its 16 channels cannot be divided by 32"), "{large}");
    assert!(error("resnet18", ReluReuse { conv: ReuseConv::Grouped, ..reuse }).contains("at least 2 groups"));
    assert!(error("resnet18", ReluReuse { factor: 0, ..reuse }).contains("factor = 0 is not possible"));
    assert!(error("resnet18", ReluReuse { groups: 5000, ..reuse }).contains("groups = 5000 is not possible"));
}

#[test]
fn equalizing_resnet18_gives_the_four_hybrenets() {
    let base = network("resnet18", 32);
    let question = Equalization::of(&base, &[], 16).unwrap();
    assert_eq!(question, Equalization::new(&[2, 2, 2, 2], &[3, 2, 4, 1], 16));
    for multipliers in question.solve().unwrap().minimal {
        let label: String = multipliers.iter().map(|m| format!("{m}x")).collect();
        let parameters = Equalize { multipliers, base_channels: Some(16), ..Equalize::default() };
        let equalized = equalize(&base, &parameters).unwrap();
        let family = network(&format!("hrn-{label}"), 32);
        assert_eq!((equalized.counts(), &equalized.layers), (family.counts(), &family.layers), "{label}");
        assert!(equalized.keeps_order(&[3, 2, 4, 1]));
    }
    // Of the minimal solutions, the one with the fewest MACs.
    let smallest = equalize(&base, &Equalize { base_channels: Some(16), ..Equalize::default() }).unwrap();
    assert_eq!((smallest.name.as_str(), smallest.macs()), ("resnet18+equalized-5x5x3x", 1_053_353_152));
}

#[test]
fn every_staged_network_is_equalized_from_its_own_depths_and_down_sampling() {
    for name in ["resnet34", "resnet20", "resnet32", "wrn-22-8"] {
        let base = network(name, 32);
        let question = Equalization::of(&base, &[], 16).unwrap();
        assert_eq!(question.depths, base.body().iter().map(|stage| stage.blocks).collect::<Vec<_>>(), "{name}");
        assert_eq!(question.downsampling[0], 1);
        assert!(question.downsampling[1..].iter().all(|&s| s == 2) && question.relus_per_block.iter().all(|&n| n == 2));
        let equalized = equalize(&base, &Equalize { base_channels: Some(16), ..Equalize::default() }).unwrap();
        equalized.check().unwrap();
        assert!(equalized.keeps_order(&question.order), "{name}");
    }
    // The ResNet-34 body with its sixteen minimal solutions holds the network of the literature.
    let question = Equalization::of(&network("resnet34", 32), &[], 16).unwrap();
    assert!(question.solve().unwrap().minimal.contains(&vec![4, 6, 3]));
    let error = |name: &str, parameters: Equalize| equalize(&network(name, 32), &parameters).unwrap_err().to_string();
    let wrong = Equalize { multipliers: vec![2, 2, 2], ..Equalize::default() };
    assert!(error("resnet18", wrong).contains("put the stages in order"));
    let few = Equalize { multipliers: vec![2], ..Equalize::default() };
    assert!(error("resnet18", few).contains("3 whole numbers"));
    assert!(error("resnet18", Equalize { max: 3, ..Equalize::default() }).contains("max = 3"));
    assert!(error("resnet18", Equalize { order: vec![1, 2], ..Equalize::default() }).contains("order = [1, 2]"));
    let culled = cull(&network("resnet18", 32), &["s1"]).unwrap();
    assert!(equalize(&culled, &Equalize::default()).unwrap_err().to_string().contains("equalize before culling"));
}

#[test]
fn culling_twice_is_culling_once_and_so_is_thinning_residual_stages() {
    for name in ["resnet18", "resnet34", "hrn-5x5x3x", "wrn-22-8"] {
        let full = network(name, 32);
        let culled = cull(&full, &["s1"]).unwrap();
        assert_eq!(cull(&culled, &["s1"]).unwrap().layers, culled.layers);
        let thinned = thin(&full).unwrap();
        assert_eq!(thin(&thinned).unwrap().layers, thinned.layers);
    }
    // In a chain of ReLUs, every second goes each time.
    let once = thin(&network("vgg16", 32)).unwrap();
    assert!(thin(&once).unwrap().relus() < once.relus());
}

fn error_of(text: &str) -> String {
    load_network(&Source::new("net.toml", text)).unwrap_err().to_string()
}

#[test]
fn a_file_lists_transforms_and_its_errors_point_at_them() {
    let text = r#"
family = "resnet18"
[[transform]]
kind = "cull"
stages = ["stem", "s1"]
[[transform]]
kind = "thin"
[[transform]]
kind = "reshape"
a = 0.5
[[transform]]
kind = "relu-reuse"
factor = 4
groups = 2
concat = false
conv = "grouped"
"#;
    let spec = load_network(&Source::new("net.toml", text)).unwrap();
    assert_eq!(spec.transforms.len(), 4);
    assert_eq!(spec.build().unwrap().relus(), 57_344 / 4);
    assert_eq!(spec.build().unwrap().name, "net+cull-stem-s1+thin+reshape-a0.5+reuse-4");
    for (from, to, place, says) in [
        ("kind = \"thin\"", "kind = \"thinn\"", "net.toml:7:8: key `transform[1].kind`", "did you mean `thin`?"),
        ("\"stem\", \"s1\"", "\"stem\", \"s9\"", "net.toml:5:10: key `transform[0].stages`", "has no stage `s9`"),
        ("\"stem\", \"s1\"", "", "net.toml:5:10: key `transform[0].stages`", "at least one stage"),
        ("a = 0.5", "a = 0", "net.toml:10:5: key `transform[2].a`", "above 0 and at most 1"),
        ("a = 0.5", "b = 0.5", "net.toml:10:5: key `transform[2].b`", "expected `a` or `rho`"),
        ("factor = 4", "factors = 4", "net.toml:13:11: key `transform[3].factors`", "did you mean `factor`?"),
        ("factor = 4", "", "net.toml:11:1: key `transform[3].factor`", "missing key"),
        ("factor = 4", "factor = 0", "net.toml:13:10: key `transform[3].factor`", "from 1 to 1024"),
        (
            "groups = 2",
            "groups = 3",
            "net.toml:12:8: key `transform[3].kind`",
            "layer s1.b1.conv1: its 32 channels cannot be divided by 3",
        ),
    ] {
        assert!(text.contains(from));
        let error = error_of(&text.replacen(from, to, 1));
        assert!(error.starts_with(place) && error.contains(says), "{from} → {to}: {error}");
    }
}

#[test]
fn the_networks_shipped_with_transforms_are_the_published_points_they_claim() {
    let shipped = shipped_networks();
    let spec = |name: &str| shipped.iter().find(|shipped| shipped.name == name).expect(name).load().unwrap();
    for (name, relus) in
        [("resnet18-tinyimagenet-57k", 57_344), ("hrn-5x5x3x-reuse-4", 261_120 / 4), ("resnet18-equalized", 343_040)]
    {
        assert_eq!(spec(name).build().unwrap().relus(), relus, "{name}");
        assert!(!spec(name).transforms.is_empty());
    }
    let dense =
        NetworkSpec { transforms: spec("hrn-5x5x3x-reuse-4").transforms[..1].to_vec(), ..spec("hrn-5x5x3x-reuse-4") };
    let (grouped, dense) = (spec("hrn-5x5x3x-reuse-4").build().unwrap(), dense.build().unwrap());
    assert_eq!(stage_macs(&grouped).iter().map(|macs| macs * 4).collect::<Vec<_>>(), stage_macs(&dense));
    assert!(matches!(spec("hrn-5x5x3x-reuse-4").transforms[0], Transform::Cull(_)));
}
