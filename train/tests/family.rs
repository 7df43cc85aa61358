//! The family's ReLU counts are those of netgen's transforms and of the papers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_netgen::{NetworkSpec, cull, thin};
use pisim_train::family::{Method, family, halves};

fn counts(name: &str, budgets: &[u64]) -> Vec<(Method, u64)> {
    let base = NetworkSpec::named(name).unwrap().build().unwrap();
    let members = family(&base, budgets, 2, 1).unwrap();
    members.iter().map(|member| (member.method, member.network.relus())).collect()
}

#[test]
fn the_digits_network_has_these_relus() {
    use Method::{Culled, CulledThinned, Full, Random, Reshaped, Thinned};
    let expected = [
        (Full, 1584),
        // Stem and stage 1, then stage 3, then stage 2: nothing is left.
        (Culled, 1008),
        (Culled, 576),
        (Culled, 0),
        (Thinned, 888),
        (CulledThinned, 504),
        (CulledThinned, 288),
        // 9 and 27 channels, then 5 and 14.
        (Reshaped, 252),
        (Reshaped, 136),
        (Random, 792),
        (Random, 25),
    ];
    assert_eq!(counts("hrn-digits", &[792, 25]), expected);
}

#[test]
fn the_papers_network_has_the_papers_relus() {
    let found = counts("hrn-5x5x3x", &[100_000]);
    for expected in [
        (Method::Full, 343_040),
        (Method::Culled, 261_120),
        (Method::Thinned, 179_712),
        (Method::CulledThinned, 130_560),
        (Method::Random, 100_000),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
    }
}

#[test]
fn culling_follows_the_order_of_criticality() {
    let base = NetworkSpec::named("resnet18").unwrap().build().unwrap();
    let members = family(&base, &[], 0, 1).unwrap();
    let culled: Vec<_> = members.iter().filter(|member| member.method == Method::Culled).collect();
    let stages = [&["stem", "s1"][..], &["stem", "s1", "s4"], &["stem", "s1", "s4", "s2"]];
    for (member, stages) in culled.iter().zip(stages) {
        assert_eq!(member.network.layers, cull(&base, stages).unwrap().layers);
    }
    let thinned = members.iter().find(|member| member.method == Method::Thinned).unwrap();
    assert_eq!(thinned.network.layers, thin(&base).unwrap().layers);
}

#[test]
fn budgets_are_halves_down_to_the_last_relu() {
    let base = NetworkSpec::named("hrn-digits").unwrap().build().unwrap();
    assert_eq!(halves(&base, 6), [792, 396, 198, 99, 49, 24]);
    assert_eq!(halves(&base, 20).last(), Some(&1));
}
