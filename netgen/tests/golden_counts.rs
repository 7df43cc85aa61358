//! Golden counts of the families. Sources: DeepReShape (TMLR 2024) and PrivCirNet's code for the HybReNets, DeepReDuce
//! (ICML 2021) for culled and thinned ResNet-18, SNL's code for WRN-22-8, cryptonite's scripts for the published ReLU
//! counts; parameters and MACs are derived from the closed formulas of a basic block.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use pisim_netgen::{Network, NetworkSpec, Op, Pool, Stem, cull};

struct Row {
    name: &'static str,
    base: usize,
    channels: &'static [usize],
    /// Parameters, convolution weights only, MACs.
    totals: [u64; 3],
    /// MACs of s1 to s4 (0 where there is no s4).
    stage_macs: [u64; 4],
    /// ReLUs of the stem and of s1 to s4.
    stage_relus: [u64; 5],
    relus: u64,
}

const fn row(
    name: &'static str,
    base: usize,
    channels: &'static [usize],
    totals: [u64; 3],
    stage_macs: [u64; 4],
    stage_relus: [u64; 5],
    relus: u64,
) -> Row {
    Row { name, base, channels, totals, stage_macs, stage_relus, relus }
}

#[rustfmt::skip]
const AT_32: [Row; 14] = [
    row("resnet18", 64, &[64, 128, 256, 512], [11_220_132, 11_159_232, 555_468_800], [150_994_944, 134_217_728, 134_217_728, 134_217_728], [65_536, 262_144, 131_072, 65_536, 32_768], 557_056),
    row("resnet34", 64, &[64, 128, 256, 512], [21_328_292, 21_259_968, 1_159_448_576], [226_492_416, 285_212_672, 436_207_616, 209_715_200], [65_536, 393_216, 262_144, 196_608, 49_152], 966_656),
    row("wrn-22-8", 16, &[128, 256, 512], [17_204_276, 17_142_192, 2_454_161_408], [775_946_240, 838_860_800, 838_860_800, 0], [0, 671_744, 458_752, 229_376, 0], 1_359_872),
    row("hrn-5x5x3x", 16, &[16, 80, 400, 1200], [48_652_308, 48_515_248, 1_053_353_152], [9_437_184, 47_513_600, 296_960_000, 698_880_000], [16_384, 65_536, 81_920, 102_400, 76_800], 343_040),
    row("hrn-5x7x2x", 16, &[16, 80, 560, 1120], [49_381_108, 49_251_248, 1_270_330_752], [9_437_184, 47_513_600, 570_572_800, 642_252_800], [16_384, 65_536, 81_920, 143_360, 71_680], 378_880),
    row("hrn-6x6x2x", 16, &[16, 96, 576, 1152], [52_385_780, 52_252_080, 1_365_803_520], [9_437_184, 67_633_152, 608_698_368, 679_477_248], [16_384, 65_536, 98_304, 147_456, 73_728], 401_408),
    row("hrn-7x5x2x", 16, &[16, 112, 560, 1120], [49_731_636, 49_601_456, 1_325_577_600], [9_437_184, 91_291_648, 582_041_600, 642_252_800], [16_384, 65_536, 114_688, 143_360, 71_680], 411_648),
    row("hrn-2x5x2x", 32, &[32, 64, 320, 640], [16_320_260, 16_245_600, 472_021_504], [37_748_736, 33_554_432, 190_054_400, 209_715_200], [32_768, 131_072, 65_536, 81_920, 40_960], 352_256),
    row("hrn-2x5x3x", 32, &[32, 64, 320, 960], [31_203_460, 31_093_600, 709_621_504], [37_748_736, 33_554_432, 190_054_400, 447_283_200], [32_768, 131_072, 65_536, 81_920, 61_440], 372_736),
    row("hrn-2x6x2x", 32, &[32, 64, 384, 768], [23_359_620, 23_270_240, 644_787_200], [37_748_736, 33_554_432, 270_532_608, 301_989_888], [32_768, 131_072, 65_536, 98_304, 49_152], 376_832),
    row("hrn-2x7x2x", 32, &[32, 64, 448, 896], [31_668_740, 31_564_640, 848_485_888], [37_748_736, 33_554_432, 365_166_592, 411_041_792], [32_768, 131_072, 65_536, 114_688, 57_344], 401_408),
    row("hrn-2x5x3x", 16, &[16, 32, 160, 480], [7_828_596, 7_773_616, 177_650_560], [9_437_184, 8_388_608, 47_513_600, 111_820_800], [16_384, 65_536, 32_768, 40_960, 30_720], 186_368),
    row("hrn-2x6x2x", 16, &[16, 32, 192, 384], [5_862_516, 5_817_776, 161_437_184], [9_437_184, 8_388_608, 67_633_152, 75_497_472], [16_384, 65_536, 32_768, 49_152, 24_576], 188_416),
    row("hrn34-4x6x3x", 16, &[16, 64, 384, 1152], [79_412_596, 79_269_808, 2_059_698_688], [14_155_776, 68_681_728, 950_009_856, 1_026_293_760], [16_384, 98_304, 131_072, 294_912, 110_592], 651_264),
];
#[rustfmt::skip]
const AT_64: [Row; 14] = [
    row("resnet18", 64, &[64, 128, 256, 512], [11_271_432, 11_159_232, 2_221_772_800], [603_979_776, 536_870_912, 536_870_912, 536_870_912], [262_144, 1_048_576, 524_288, 262_144, 131_072], 2_228_224),
    row("resnet34", 64, &[64, 128, 256, 512], [21_379_592, 21_259_968, 4_637_691_904], [905_969_664, 1_140_850_688, 1_744_830_464, 838_860_800], [262_144, 1_572_864, 1_048_576, 786_432, 196_608], 3_866_624),
    row("wrn-22-8", 16, &[128, 256, 512], [17_255_576, 17_142_192, 9_816_543_232], [3_103_784_960, 3_355_443_200, 3_355_443_200, 0], [0, 2_686_976, 1_835_008, 917_504, 0], 5_439_488),
    row("hrn-5x5x3x", 16, &[16, 80, 400, 1200], [48_772_408, 48_515_248, 4_213_172_608], [37_748_736, 190_054_400, 1_187_840_000, 2_795_520_000], [65_536, 262_144, 327_680, 409_600, 307_200], 1_372_160),
    row("hrn-5x7x2x", 16, &[16, 80, 560, 1120], [49_493_208, 49_251_248, 5_081_099_008], [37_748_736, 190_054_400, 2_282_291_200, 2_569_011_200], [65_536, 262_144, 327_680, 573_440, 286_720], 1_515_520),
    row("hrn-6x6x2x", 16, &[16, 96, 576, 1152], [52_501_080, 52_252_080, 5_462_983_680], [37_748_736, 270_532_608, 2_434_793_472, 2_717_908_992], [65_536, 262_144, 393_216, 589_824, 294_912], 1_605_632),
    row("hrn-7x5x2x", 16, &[16, 112, 560, 1120], [49_843_736, 49_601_456, 5_302_086_400], [37_748_736, 365_166_592, 2_328_166_400, 2_569_011_200], [65_536, 262_144, 458_752, 573_440, 286_720], 1_646_592),
    row("hrn-2x5x2x", 32, &[32, 64, 320, 640], [16_384_360, 16_245_600, 1_887_958_016], [150_994_944, 134_217_728, 760_217_600, 838_860_800], [131_072, 524_288, 262_144, 327_680, 163_840], 1_409_024),
    row("hrn-2x5x3x", 32, &[32, 64, 320, 960], [31_299_560, 31_093_600, 2_838_294_016], [150_994_944, 134_217_728, 760_217_600, 1_789_132_800], [131_072, 524_288, 262_144, 327_680, 245_760], 1_490_944),
    row("hrn-2x6x2x", 32, &[32, 64, 384, 768], [23_436_520, 23_270_240, 2_578_995_200], [150_994_944, 134_217_728, 1_082_130_432, 1_207_959_552], [131_072, 524_288, 262_144, 393_216, 196_608], 1_507_328),
    row("hrn-2x7x2x", 32, &[32, 64, 448, 896], [31_758_440, 31_564_640, 3_393_764_352], [150_994_944, 134_217_728, 1_460_666_368, 1_644_167_168], [131_072, 524_288, 262_144, 458_752, 229_376], 1_605_632),
    row("hrn-2x5x3x", 16, &[16, 32, 160, 480], [7_876_696, 7_773_616, 710_506_240], [37_748_736, 33_554_432, 190_054_400, 447_283_200], [65_536, 262_144, 131_072, 163_840, 122_880], 745_472),
    row("hrn-2x6x2x", 16, &[16, 32, 192, 384], [5_901_016, 5_817_776, 645_671_936], [37_748_736, 33_554_432, 270_532_608, 301_989_888], [65_536, 262_144, 131_072, 196_608, 98_304], 753_664),
    row("hrn34-4x6x3x", 16, &[16, 64, 384, 1152], [79_527_896, 79_269_808, 8_238_564_352], [56_623_104, 274_726_912, 3_800_039_424, 4_105_175_040], [65_536, 393_216, 524_288, 1_179_648, 442_368], 2_605_056),
];
#[rustfmt::skip]
const COARSE: [(&str, [[u64; 4]; 2]); 10] = [
    ("resnet18", [[557_056, 229_376, 114_688, 311_296], [2_228_224, 917_504, 458_752, 1_245_184]]),
    ("resnet34", [[966_656, 507_904, 253_952, 516_096], [3_866_624, 2_031_616, 1_015_808, 2_064_384]]),
    ("hrn-5x5x3x", [[343_040, 261_120, 130_560, 179_712], [1_372_160, 1_044_480, 522_240, 718_848]]),
    ("hrn-5x7x2x", [[378_880, 296_960, 148_480, 197_632], [1_515_520, 1_187_840, 593_920, 790_528]]),
    ("hrn-6x6x2x", [[401_408, 319_488, 159_744, 208_896], [1_605_632, 1_277_952, 638_976, 835_584]]),
    ("hrn-7x5x2x", [[411_648, 329_728, 164_864, 214_016], [1_646_592, 1_318_912, 659_456, 856_064]]),
    ("hrn-2x5x2x", [[352_256, 188_416, 94_208, 192_512], [1_409_024, 753_664, 376_832, 770_048]]),
    ("hrn-2x5x3x", [[372_736, 208_896, 104_448, 202_752], [1_490_944, 835_584, 417_792, 811_008]]),
    ("hrn-2x6x2x", [[376_832, 212_992, 106_496, 204_800], [1_507_328, 851_968, 425_984, 819_200]]),
    ("hrn-2x7x2x", [[401_408, 237_568, 118_784, 217_088], [1_605_632, 950_272, 475_136, 868_352]]),
];

fn build(name: &str, change: impl FnOnce(&mut NetworkSpec)) -> Network {
    let mut spec = NetworkSpec::named(name).expect(name);
    change(&mut spec);
    spec.build().expect(name)
}

fn conv_weights(network: &Network) -> u64 {
    let is_conv = |op| matches!(op, Op::Conv(_));
    network.iter().filter(|(_, layer)| is_conv(layer.op)).map(|(id, _)| network.weight_count(id)).sum()
}

fn check(rows: &[Row], size: usize, classes: usize) {
    for row in rows {
        let network = build(row.name, |spec| {
            spec.input_size = size;
            spec.base_channels = Some(row.base);
        });
        let name = format!("{} at {size}", row.name);
        assert_eq!(network.classes, classes, "{name}");
        assert_eq!([network.params(), conv_weights(&network), network.macs()], row.totals, "{name}");
        assert_eq!(network.relus(), row.relus, "{name}");
        let stage = |stage: &str| network.stage_counts(stage).unwrap_or_default();
        assert_eq!(["s1", "s2", "s3", "s4"].map(|s| stage(s).macs), row.stage_macs, "{name}");
        assert_eq!(["stem", "s1", "s2", "s3", "s4"].map(|s| stage(s).relus), row.stage_relus, "{name}");
        let schedule = network.schedule();
        let body: Vec<usize> = schedule
            .stages
            .iter()
            .filter(|s| s.name.starts_with('s') && s.name != "stem")
            .map(|s| s.channels)
            .collect();
        assert_eq!(body, row.channels, "{name}");
        assert_eq!(schedule.stages.iter().map(|s| s.counts.params).sum::<u64>(), row.totals[0], "{name}");
        assert_eq!(schedule.layers.iter().map(|l| l.counts.macs).sum::<u64>(), row.totals[2], "{name}");
    }
}

#[test]
fn every_network_has_the_published_counts_at_32x32_with_100_classes() {
    check(&AT_32, 32, 100);
}

#[test]
fn every_network_has_the_published_counts_at_64x64_with_200_classes() {
    check(&AT_64, 64, 200);
}

#[test]
fn base_channels_default_to_16_and_to_32_for_the_alpha_2_family() {
    for (name, base) in [("hrn-5x5x3x", 16), ("hrn34-4x6x3x", 16), ("hrn-2x5x3x", 32), ("HRN-2x7x2x", 32)] {
        let network = build(name, |_| ());
        assert_eq!(network.schedule().stages[0].channels, base, "{name}");
    }
}

#[test]
fn the_base_channel_and_stage_channel_series_have_their_counts() {
    let series = [
        ("hrn-2x2x2x", 16, [713_076, 35_058_176, 139_264]),
        ("hrn-2x2x2x", 32, [2_820_740, 139_322_368, 278_528]),
        ("hrn-2x2x2x", 128, [44_755_172, 2_218_233_856, 1_114_112]),
        ("hrn-2x2x2x", 256, [178_770_276, 8_865_652_736, 2_228_224]),
        ("hrn-3x3x3x", 16, [6_419_156, 158_644_416, 195_584]),
        ("hrn-4x4x4x", 16, [33_112_884, 659_574_784, 278_528]),
        ("hrn-5x5x5x", 16, [121_060_308, 2_210_553_152, 394_240]),
        ("hrn-6x6x6x", 16, [352_564_724, 6_164_841_984, 548_864]),
        ("hrn-7x7x7x", 16, [874_668_756, 14_919_495_616, 748_544]),
        ("hrn-8x8x8x", 16, [1_926_833_076, 32_358_219_776, 999_424]),
    ];
    for (name, base, counts) in series {
        let network = build(name, |spec| spec.base_channels = Some(base));
        assert_eq!([network.params(), network.macs(), network.relus()], counts, "{name} m={base}");
    }
}

#[test]
fn stage_channels_4x4x4x_are_relu_balanced() {
    let network = build("hrn-4x4x4x", |_| ());
    for stage in ["s1", "s2", "s3", "s4"] {
        assert_eq!(network.stage_counts(stage).unwrap().relus, 65_536);
    }
}

#[test]
fn culling_and_thinning_leave_the_published_relu_counts() {
    for (name, by_size) in COARSE {
        for (size, [full, culled, both, thinned]) in [32, 64].into_iter().zip(by_size) {
            let relus = |cull: bool, thin: bool| {
                let network = build(name, |spec| {
                    spec.input_size = size;
                    spec.thin = thin;
                    if cull {
                        spec.cull = vec!["stem".into(), "s1".into()];
                    }
                });
                network.relus()
            };
            let found = [relus(false, false), relus(true, false), relus(true, true), relus(false, true)];
            assert_eq!(found, [full, culled, both, thinned], "{name} at {size}");
        }
    }
}

#[test]
fn the_deepreduce_operating_points_are_reproduced() {
    let points = [
        ("deepreduce-196k", 196_608),
        ("deepreduce-98k", 98_304),
        ("deepreduce-57k", 57_344),
        ("deepreduce-49k", 49_152),
        ("deepreduce-28k", 28_672),
        ("deepreduce-12k", 12_288),
    ];
    for (name, relus) in points {
        assert_eq!(build(name, |_| ()).relus(), relus, "{name}");
    }
}

#[test]
fn without_its_stem_relu_resnet18_has_the_count_of_snl_and_autorep() {
    for (size, relus) in [(32, 491_520), (64, 1_966_080)] {
        let network = build("resnet18", |spec| spec.input_size = size);
        assert_eq!(cull(&network, &["stem"]).unwrap().relus(), relus);
    }
}

#[test]
fn the_stem_keeps_stride_1_at_224_as_in_the_published_relu_counts() {
    let at_224 = |name| build(name, |spec| spec.input_size = 224);
    let resnet18 = at_224("resnet18");
    assert_eq!((resnet18.relus(), resnet18.classes), (27_295_744, 1000));
    assert!(resnet18.notes.iter().any(|note| note.contains("imagenet")));
    assert_eq!(at_224("resnet32").relus(), 14_852_096);
    assert_eq!(at_224("vgg16").relus(), 13_547_520 + 2 * 4096);
}

#[test]
fn the_imagenet_stem_gives_the_usual_resnet_parameters_and_macs() {
    // torchvision's ResNet-18 and ResNet-34: 11,689,512 and 21,797,672 parameters; 1.814 and 3.664 GMACs.
    for (name, params, macs) in [("resnet18", 11_689_512, 1_814_073_344), ("resnet34", 21_797_672, 3_663_761_408)] {
        let network = build(name, |spec| (spec.input_size, spec.stem) = (224, Stem::Imagenet));
        assert_eq!((network.params(), network.macs()), (params, macs), "{name}");
        // A 3x3 max pool: eight comparisons for each of its 64·56² outputs, and no ReLU more.
        assert_eq!(network.comparisons(), 8 * 64 * 56 * 56);
        let averaged = build(name, |spec| {
            (spec.input_size, spec.stem, spec.pool) = (224, Stem::Imagenet, Some(Pool::Average));
        });
        assert_eq!((averaged.params(), averaged.macs()), (params, macs));
        assert_eq!((averaged.relus(), averaged.comparisons()), (network.relus(), 0));
        assert!(averaged.notes.iter().any(|note| note.contains("average pool")));
    }
}

#[test]
fn resnet20_and_resnet32_have_their_counts() {
    let resnet32 = build("resnet32", |_| ());
    assert_eq!((resnet32.relus(), resnet32.classes), (303_104, 10));
    assert_eq!(build("resnet32", |spec| spec.input_size = 64).relus(), 1_212_416);
    // 16·32² + 6·(16·32² + 32·16² + 64·8²)
    assert_eq!(build("resnet20", |_| ()).relus(), 16_384 + 6 * (16_384 + 8_192 + 4_096));
}

#[test]
fn vgg16_has_its_counts() {
    assert_eq!(build("vgg16", |_| ()).relus(), 284_672);
    assert_eq!(build("vgg16", |spec| spec.input_size = 64).relus(), 1_114_112);
    // The ImageNet network of Simonyan and Zisserman, configuration D.
    let imagenet = build("vgg16", |spec| spec.input_size = 224);
    assert_eq!((imagenet.params(), imagenet.macs()), (138_357_544, 15_470_264_320));
    let published = build("vgg16", |spec| spec.pool = Some(Pool::Max));
    // Three comparisons for each output of a 2x2 pool.
    let pooled = 64 * 16 * 16 + 128 * 8 * 8 + 256 * 4 * 4 + 512 * 2 * 2 + 512;
    assert_eq!((published.relus(), published.comparisons()), (284_672, 3 * pooled));
}

#[test]
fn minionn_has_its_counts() {
    let network = build("minionn", |_| ());
    assert_eq!((network.relus(), network.params(), network.classes), (173_056, 164_954, 10));
}
