//! Masks as transforms: in network files, on the command line, and after other transforms.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pisim_netgen::{Network, NetworkSpec, Transform, load_network};
use pisim_settings::Source;

fn network(name: &str) -> Network {
    NetworkSpec::named(name).unwrap().build().unwrap()
}

fn apply(network: &Network, transforms: &[&str]) -> Result<Network, String> {
    transforms.iter().try_fold(network.clone(), |network, text| {
        let transform: Transform = text.parse().map_err(|error: pisim_netgen::TransformTextError| error.to_string())?;
        transform.apply(&network).map_err(|error| error.to_string())
    })
}

fn file_error(lines: &str) -> String {
    let text = format!("family = \"resnet20\"\n\n[[transform]]\n{lines}\n");
    load_network(&Source::new("dir/net.toml", text)).unwrap_err().to_string()
}

#[test]
fn shipped_masked_networks_have_their_counts() {
    let full = network("resnet18");
    let snl = network("resnet18-snl-100k");
    assert_eq!((snl.relus(), snl.macs()), (100_000, full.macs()));
    let silent = network("resnet18-spatial-70");
    // 717 of 1024, 179 of 256, 45 of 64 and 11 of 16 pixels.
    let relus = 64 * 5 * 717 + 128 * 4 * 179 + 256 * 4 * 45 + 512 * 4 * 11;
    assert_eq!(silent.relus(), relus);
    assert!((silent.macs() as f64 / full.macs() as f64 - 0.7).abs() < 0.01);
}

#[test]
fn a_mask_on_the_command_line_is_the_mask_of_a_file() {
    let full = network("resnet20");
    let masked = apply(&full, &["mask:budget=200,seed=3"]).unwrap();
    assert_eq!(masked.relus(), 200);
    let text = "family = \"resnet20\"\n[[transform]]\nkind = \"mask\"\nbudget = 200\nseed = 3\n";
    let spec = load_network(&Source::new("net.toml", text)).unwrap();
    assert_eq!(spec.build().unwrap().layers, masked.layers);
    // What was read is written again.
    assert_eq!(load_network(&Source::new("net.toml", spec.to_toml())).unwrap().transforms, spec.transforms);
    for text in ["mask:budget=200,seed=3", "spatial-mask:kept=0.5", "spatial-mask:kept=0.5,seed=9", "mask:file=a.npy"] {
        let transform: Transform = text.parse().unwrap();
        assert_eq!(transform.to_string().parse::<Transform>().unwrap(), transform);
    }
    assert_ne!(
        apply(&full, &["spatial-mask:kept=0.5,seed=1"]).unwrap().layers,
        apply(&full, &["spatial-mask:kept=0.5,seed=2"]).unwrap().layers
    );
    let channels = apply(&full, &["mask:budget=256,granularity=channel"]).unwrap();
    assert_eq!(channels.relus(), 256);
}

#[test]
fn masks_come_last_and_stack() {
    let full = network("hrn-tiny");
    let all = apply(&full, &["cull:stages=stem", "thin", "spatial-mask:kept=0.5", "mask:budget=100"]).unwrap();
    assert_eq!(all.relus(), 100);
    assert!(all.macs() < full.macs());
    // Whatever is dropped behind a mask takes its masks with it.
    let dropped = apply(&full, &["mask:budget=500", "cull:stages=s1"]).unwrap();
    assert_eq!(dropped.stage_counts("s1").unwrap().relus, 0);
    assert!(dropped.relus() < 500);
    for late in ["reshape:a=0.5", "relu-reuse:factor=2", "equalize:multipliers=2+2+2"] {
        let error = apply(&full, &["mask:budget=500", late]).unwrap_err();
        assert!(error.contains("comes before mask and spatial-mask"), "{late}: {error}");
    }
}

#[test]
fn what_is_wrong_with_a_mask_is_told_at_its_line() {
    for (lines, line, says) in [
        ("kind = \"mask\"\nbudget = 999999999", "5:", "at most the"),
        ("kind = \"mask\"", "4:", "exactly one of budget, per_layer and file"),
        ("kind = \"mask\"\nbudget = 1\nper_layer = [1]", "5:", "exactly one of budget, per_layer and file"),
        ("kind = \"mask\"\nper_layer = [1, 2]", "5:", "2 budgets"),
        ("kind = \"mask\"\nbudget = 1\ngranularity = \"channel\"", "5:", "whole channels"),
        ("kind = \"mask\"\nfile = \"none.npy\"", "5:", "none.npy: No such file"),
        ("kind = \"mask\"\nfile = \"none.npy\"\nseed = 4", "6:", "no such key where a file says"),
        ("kind = \"mask\"\nbudgte = 4", "5:", "did you mean `budget`?"),
        ("kind = \"mask\"\nbudget = -4", "5:", "budget"),
        ("kind = \"spatial-mask\"\nkept = 0.0", "5:", "above 0 and at most 1"),
        ("kind = \"spatial-mask\"", "", "missing key"),
        ("kind = \"spatial-mask\"\nkept = 0.5\nseed = 1\nfile = \"x.png\"", "6:", "either seed or file"),
        ("kind = \"spacial-mask\"\nkept = 0.5", "4:", "did you mean `spatial-mask`?"),
    ] {
        let error = file_error(lines);
        assert!(error.contains(says) && error.contains(&format!("net.toml:{line}")), "{lines}: {error}");
    }
    // Files are looked for beside the file that names them.
    assert!(file_error("kind = \"mask\"\nfile = \"none.npy\"").contains("dir/none.npy"));
}
