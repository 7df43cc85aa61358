//! Networks for budgets: what is found meets the limits, is on the front, and is ranked; what cannot be met says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_hw_models::Platform;
use pisim_netgen::{Candidate, NetworkSpec, bases, candidates};
use pisim_protocol::Protocol;
use pisim_sim::budget::{Budget, BudgetError, Fit, Setting, Timed, fit};
use pisim_sim::{Level, simulate};
use std::sync::LazyLock;

static CANDIDATES: LazyLock<Vec<Candidate>> = LazyLock::new(|| candidates(&bases(32, None).unwrap(), &[]).unwrap());

fn relus(most: u64) -> Budget {
    Budget { relus: Some(most), ..Budget::default() }
}

fn found(budget: Budget) -> Fit {
    fit(CANDIDATES.clone(), &budget, None).unwrap()
}

#[test]
fn what_is_found_meets_the_budget_and_nothing_that_meets_it_beats_it() {
    for budget in [relus(100_000), relus(12_288), Budget { macs: Some(50_000_000), ..relus(200_000) }] {
        let meets = |candidate: &Candidate| {
            candidate.counts.relus <= budget.relus.unwrap()
                && budget.macs.is_none_or(|most| candidate.counts.macs <= most)
        };
        let answer = found(budget);
        assert_eq!(answer.meeting, CANDIDATES.iter().filter(|candidate| meets(candidate)).count());
        assert_eq!((answer.candidates, answer.unfit, answer.protocol), (CANDIDATES.len(), 0, None));
        for fitting in &answer.front {
            let own = &fitting.candidate;
            assert!(meets(own), "{}", own.name);
            let beats = |other: &Candidate| {
                let as_good = other.order_kept >= own.order_kept
                    && other.counts.relus >= own.counts.relus
                    && other.counts.macs <= own.counts.macs;
                let better = (other.order_kept && !own.order_kept) || other.counts != own.counts;
                as_good
                    && better
                    && (other.counts.relus, other.counts.macs, other.order_kept)
                        != (own.counts.relus, own.counts.macs, own.order_kept)
            };
            assert!(!CANDIDATES.iter().any(|other| meets(other) && beats(other)), "{}", own.name);
            // The file that would be written is this network.
            assert_eq!(own.spec.build().unwrap().counts(), own.counts);
        }
        let ranks: Vec<(bool, f64)> =
            answer.front.iter().map(|f| (!f.candidate.order_kept, f.candidate.macs_per_relu)).collect();
        assert!(ranks.windows(2).all(|pair| pair[0] <= pair[1]), "{ranks:?}");
    }
}

#[test]
fn hybrenets_are_found_because_they_keep_the_order() {
    let answer = found(relus(150_000));
    let kept: Vec<&str> =
        answer.front.iter().filter(|f| f.candidate.order_kept).map(|f| f.candidate.base.as_str()).collect();
    assert!(kept.iter().any(|base| base.starts_with("hrn-") || base.starts_with("hrn34-")), "{kept:?}");
    assert!(answer.front.first().unwrap().candidate.order_kept);
}

#[test]
fn simulated_latencies_are_those_of_the_closed_form_and_limit_what_is_found() {
    let spec = NetworkSpec { input_size: 8, base_channels: Some(4), ..NetworkSpec::named("resnet20").unwrap() };
    let few = candidates(&[spec], &[]).unwrap();
    let (protocol, platform) = (Protocol::load("ring-gc").unwrap(), Platform::builtin("haac-hbm2").unwrap());
    let setting = Setting { protocol: &protocol, platform: &platform, level: Level::ClosedForm };
    let unlimited = fit(few.clone(), &Budget { latency_s: Some(1e6), ..Budget::default() }, Some(setting)).unwrap();
    assert_eq!(unlimited.meeting, few.len());
    let total = |fit: &Fit| fit.front.iter().map(|f| f.latency_s.unwrap().total).fold(0.0, f64::max);
    let slowest = total(&unlimited);
    for fitting in &unlimited.front {
        let program = pisim_protocol::lower(&fitting.candidate.network, &protocol).unwrap();
        let event = simulate(&program, &platform).unwrap().latency_s.total;
        let closed = fitting.latency_s.unwrap().total;
        assert!(closed <= event * (1.0 + 1e-9) && closed > event / 3.0, "{closed} {event}");
    }
    let limited =
        fit(few.clone(), &Budget { latency_s: Some(0.9 * slowest), ..Budget::default() }, Some(setting)).unwrap();
    assert!(limited.meeting < few.len() && total(&limited) <= 0.9 * slowest);
    let online = Budget { latency_s: Some(slowest), timed: Timed::Online, ..Budget::default() };
    assert_eq!(fit(few.clone(), &online, Some(setting)).unwrap().meeting, few.len());
    let impossible = Budget { latency_s: Some(1e-9), ..Budget::default() };
    let error = fit(few.clone(), &impossible, Some(setting)).unwrap_err().to_string();
    assert!(error.contains("no network meets 0.000000001 s") && error.contains("s (modelled)"), "{error}");
    assert_eq!(fit(few, &impossible, None).unwrap_err(), BudgetError::NoSetting);
}

#[test]
fn a_budget_that_no_network_meets_names_the_nearest() {
    let fewest = CANDIDATES.iter().map(|candidate| candidate.counts.relus).min().unwrap();
    let error = fit(CANDIDATES.clone(), &relus(fewest - 1), None).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("no network meets {} ReLUs", fewest - 1)), "{text}");
    assert!(text.contains(&format!("with {fewest} ReLUs")), "{text}");
    assert_eq!(fit(CANDIDATES.clone(), &Budget::default(), None).unwrap_err(), BudgetError::NoLimit);
    // Zero is a limit that nothing meets, not a division by it.
    assert!(fit(CANDIDATES.clone(), &relus(0), None).unwrap_err().to_string().contains("the nearest is"));
}
