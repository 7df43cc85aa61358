//! Published measurements: every limit holds, and the platform files have the constants that are fitted on ResNet-18.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_hw_models::{Cpu, Platform};
use pisim_sim::validate::{Fit, PASS_MAX_PCT, Set, Target, Verdict, breakdowns, fit, target_names, validate};
use std::sync::LazyLock;

/// All targets, computed once for all tests.
static ALL: LazyLock<Vec<Target>> = LazyLock::new(|| validate(None).unwrap());

#[test]
fn every_published_target_is_met_on_fitted_and_on_predicted_networks() {
    let targets = &*ALL;
    for target in targets {
        let (mean, max) = (target.mean_abs_error_pct, target.max_abs_error_pct);
        assert!(target.pass, "{} {}: {mean:.2} / {max:.2} %", target.target, target.network);
        assert_eq!(target.cases, target.details.len());
    }
    for name in target_names() {
        assert!(targets.iter().any(|target| target.target == name), "{name} compares nothing");
    }
    let layers = |network| {
        let found = targets.iter().find(|target| (target.target, target.network) == ("he-evaluation", network));
        found.map(|target| (target.cases, target.set)).unwrap()
    };
    // 17 and 31 convolutions and a classifier: layers correspond one to one.
    assert_eq!(layers("resnet18"), (18, Set::Fitted));
    assert_eq!(layers("resnet32"), (32, Set::Predicted));
}

#[test]
fn resnet32_is_a_test_set_for_every_time() {
    for target in ALL.iter().filter(|target| target.network == "resnet32") {
        assert_eq!(target.set, Set::Predicted, "{}", target.target);
    }
}

#[test]
fn haacs_ddr4_figures_are_those_of_one_ciphertext_per_and_gate() {
    let bytes = |tables| ALL.iter().find(|target| (target.target, target.network) == ("haac-ddr4-plateau", tables));
    let (one, two) = (bytes("one ciphertext").unwrap(), bytes("half gates").unwrap());
    assert!(one.details.iter().all(|case| (case.modelled / case.published - 1.0).abs() < 0.1), "{one:?}");
    // 32 bytes would be a third too much for every one of five programs.
    assert!(two.details.iter().all(|case| case.modelled > 1.3 * case.published), "{two:?}");
}

#[test]
fn what_the_model_misses_is_not_called_a_pass_and_says_why() {
    for target in ALL.iter() {
        let name = (target.target, target.network);
        if target.verdict == Verdict::KnownMiss {
            assert!(target.note.is_some(), "{name:?} does not say why it misses");
        } else {
            assert!(target.max_abs_error_pct <= PASS_MAX_PCT, "{name:?}");
        }
    }
    let verdict = |name, part| {
        ALL.iter().find(|target| (target.target, target.network) == (name, part)).map(|target| target.verdict)
    };
    for (name, part) in [
        ("haac-ddr4-plateau", "half gates"),
        ("haac-ddr4-knee", "-"),
        ("f1-transforms", "-"),
        ("craterlake-units", "-"),
        ("rtl-others", "other structure"),
    ] {
        assert_eq!(verdict(name, part), Some(Verdict::KnownMiss), "{name} {part}");
    }
    assert_eq!(verdict("haac-ddr4-plateau", "one ciphertext"), Some(Verdict::Pass));
    assert_eq!(verdict("zama-hpu", "-"), Some(Verdict::Pass));
}

#[test]
fn both_levels_of_the_memory_model_are_held_against_the_same_bands() {
    for memory in ["ddr4-2400", "ddr4-3200", "hbm2", "hbm2-8ch"] {
        let of = |prefix: &str| ALL.iter().find(|target| target.target == format!("{prefix}{memory}")).unwrap();
        let (stepped, closed) = (of("memory-"), of("memory-closed-"));
        let rows = |target: &Target| {
            target.details.iter().map(|case| (case.case.clone(), case.band.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!((stepped.cases, rows(stepped)), (22, rows(closed)), "{memory}");
        let figures = |target: &Target| target.details.iter().map(|case| case.modelled).collect::<Vec<_>>();
        assert_ne!(figures(stepped), figures(closed), "{memory}");
        for bands in [stepped.bands.unwrap(), closed.bands.unwrap()] {
            assert!(bands.inside >= 21 && bands.farthest_from_middle > 0.0, "{memory}: {bands:?}");
        }
    }
}

#[test]
fn figures_that_restate_the_model_are_identities() {
    let set = |name: &str| ALL.iter().find(|target| target.target == name).unwrap().set;
    assert_eq!(["f1-area", "craterlake-area", "bts-balance"].map(set), [Set::Identity; 3]);
    let bts = ALL.iter().find(|target| target.target == "bts-balance").unwrap();
    // Nothing is rounded to the published digits.
    assert!(bts.max_abs_error_pct > 0.01 && bts.max_abs_error_pct < 0.1, "{}", bts.max_abs_error_pct);
}

#[test]
fn one_target_alone_is_the_same_as_among_all() {
    for name in ["one-inference", "layer-parallel"] {
        let alone = validate(Some(name)).unwrap();
        let among: Vec<_> = ALL.iter().filter(|target| target.target == name).cloned().collect();
        assert!(!alone.is_empty() && alone == among, "{name}");
    }
    let error = validate(Some("one-inferense")).unwrap_err().to_string();
    assert!(error.starts_with("unknown target `one-inferense`; expected one of he-evaluation, "), "{error}");
    assert!(error.ends_with("did you mean `one-inference`?"), "{error}");
}

/// A constant of a file, by name, next to the fitted one.
fn library(cpu: &Cpu, fit: &Fit) -> Vec<(&'static str, f64, f64)> {
    let library = cpu.costs.he_library.unwrap();
    vec![
        ("plain_mul_coefficient", library.plain_mul_coefficient_s, fit.plain_mul_coefficient_s),
        ("key_switch_coefficient", library.key_switch_coefficient_s, fit.key_switch_coefficient_s),
        ("evaluate_layer", library.evaluate_layer_s, fit.evaluate_layer_s),
        ("encrypt_coefficient", library.encrypt_coefficient_s, fit.encrypt_coefficient_s),
        ("decrypt_coefficient", library.decrypt_coefficient_s, fit.decrypt_coefficient_s),
        ("decrypt_layer", library.decrypt_layer_s, fit.decrypt_layer_s),
        ("keygen", library.keygen_s, fit.keygen_s),
        ("encode_label", cpu.costs.encode_label_s, fit.encode_label_s),
    ]
}

#[test]
fn the_platform_files_have_the_fitted_constants() {
    let fit = fit().unwrap();
    let [atom, pair] = ["epyc7502-atom", "epyc7502-pair"].map(|name| Platform::builtin(name).unwrap());
    let (client, server, machine) = (&atom.client.cpu, &atom.server.cpu, &pair.server.cpu);
    let mut pairs: Vec<_> = [client, server, machine].into_iter().flat_map(|cpu| library(cpu, &fit)).collect();
    for cpu in [server, machine] {
        pairs.push(("ring_element", cpu.costs.ring_element_s, fit.ring_element_s));
        pairs.push(("wide_ring_mac", cpu.costs.wide_ring_mac_s, fit.ring_mac_s));
    }
    let gates = [
        ("garble_and of the Atom", client.costs.garble_and_s, fit.and_s.atom_garble_s),
        ("evaluate_and of the Atom", client.costs.evaluate_and_s, fit.and_s.atom_evaluate_s),
        ("garble_and of the EPYC", server.costs.garble_and_s, fit.and_s.epyc_garble_s),
        ("evaluate_and of the EPYC", server.costs.evaluate_and_s, fit.and_s.epyc_evaluate_s),
        ("garble_and of the pair", machine.costs.garble_and_s, fit.and_s.pair_garble_s),
        ("evaluate_and of the pair", machine.costs.evaluate_and_s, fit.and_s.pair_evaluate_s),
    ];
    for (name, in_file, fitted) in pairs.into_iter().chain(gates) {
        assert!((in_file / fitted - 1.0).abs() < 1e-4, "{name}: {in_file:e} in the file, {fitted:e} fitted");
    }
}

#[test]
fn the_parts_of_a_published_inference_sum_to_its_latency() {
    let breakdowns = breakdowns().unwrap();
    let one_inference = validate(Some("one-inference")).unwrap();
    let modelled: Vec<f64> =
        one_inference.iter().flat_map(|target| &target.details).map(|case| case.modelled).collect();
    let sums = breakdowns.iter().flat_map(|breakdown| {
        [&breakdown.phases.offline, &breakdown.phases.online].map(|parts| parts.iter().map(|(_, s)| s).sum::<f64>())
    });
    let sums: Vec<f64> = sums.collect();
    assert_eq!(sums.len(), modelled.len());
    for (sum, latency_s) in sums.into_iter().zip(modelled) {
        assert!((sum / latency_s - 1.0).abs() < 1e-6, "{sum} of {latency_s}");
    }
}

#[test]
fn accelerators_rows_that_set_a_constant_are_told_apart_from_predictions() {
    let sets = |name| validate(Some(name)).unwrap().iter().map(|target| (target.set, target.cases)).collect::<Vec<_>>();
    for name in ["zama-hpu", "cofhee"] {
        let [(fitted, 1), (predicted, _)] = sets(name)[..] else { unreachable!("{name}") };
        assert_eq!((fitted, predicted), (Set::Fitted, Set::Predicted), "{name}");
    }
    assert_eq!(sets("fase"), [(Set::Fitted, 1), (Set::Seen, 4)]);
    assert_eq!(sets("heax"), [(Set::Seen, 12)]);
    assert_eq!(sets("rpu-ntt"), [(Set::Seen, 1)]);
}
