//! Streams of requests: conservation, limits, queueing theory, and the published semantics by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use pisim_hw_models::Platform;
use pisim_sim::requests::{Load, Policy, RatePoint, RequestConfig, RequestError, Service, UnitLoad, simulate_requests};
use pisim_sim::simulate;
use proptest::prelude::*;

const GB: u64 = 1_000_000_000;

fn service(offline_s: f64, online_s: f64) -> Service {
    Service { offline_s, online_s, client_bytes: 10 * GB, server_bytes: 2 * GB, units: vec![] }
}

fn poisson(rate_per_s: f64, runs: u32, seed: u64) -> Load {
    Load::Poisson { rates_per_s: vec![rate_per_s], runs, seed }
}

fn trace(times_s: &[f64]) -> RequestConfig {
    RequestConfig { load: Load::Trace { times_s: times_s.to_vec() }, ..RequestConfig::default() }
}

fn point(service: &Service, config: &RequestConfig) -> RatePoint {
    simulate_requests(service, config, &|| ()).unwrap().remove(0)
}

const POLICIES: [Policy; 5] =
    [Policy::Published, Policy::Eager, Policy::Overlap, Policy::Servers(1), Policy::Servers(3)];

#[test]
fn the_published_policy_looks_every_second_and_serves_in_order_of_arrival() {
    // Looks at 1 s; precomputes are ready at 101, 202 (look at 102) and 303 s.
    let answer = point(&service(100.0, 10.0), &trace(&[0.0, 50.0, 250.0]));
    // 0 → waits until 101, answer 111. 50 → queue until 111, waits until 202, answer 212. 250 → waits until 303, answer 313.
    assert_eq!(answer.served, 3.0);
    assert_eq!(answer.queue_mean_s, Some((111.0 - 50.0) / 3.0));
    assert_eq!(answer.mean_s, Some((111.0 + 101.0 + 63.0) / 3.0));
    assert_eq!((answer.median_s, answer.p95_s), (Some(101.0), Some(111.0)));
    assert_eq!(answer.precompute_wait_mean_s, Some((101.0 + 91.0 + 53.0) / 3.0));
    assert_eq!(answer.latency_mean_s, Some((111.0 + 162.0 + 63.0) / 3.0));
    assert_eq!(answer.utilization, (111.0 + 101.0 + 63.0) / 86_400.0);
}

#[test]
fn eager_starts_at_once_and_overlap_lets_the_online_phase_go_first() {
    let mut service = service(100.0, 10.0);
    let config = |policy| RequestConfig { policy, ..trace(&[0.0, 50.0, 250.0]) };
    // Ready at 100, 200 and 300 s.
    let eager = point(&service, &config(Policy::Eager));
    assert_eq!(eager.mean_s, Some((110.0 + (210.0 - 110.0) + (310.0 - 250.0)) / 3.0));
    // Without a unit in common nothing changes.
    assert_eq!(point(&service, &config(Policy::Overlap)).mean_s, eager.mean_s);
    // Both phases need all of one unit: the second precompute rests from 100 to 110, the third from 210 to 220.
    service.units = vec![UnitLoad { name: "client.cpu".into(), offline_s: 100.0, online_s: 10.0 }];
    assert_eq!(service.background_speed(), 0.0);
    let overlap = point(&service, &config(Policy::Overlap));
    assert_eq!(overlap.mean_s, Some((110.0 + (220.0 - 110.0) + (330.0 - 250.0)) / 3.0));
    assert!(overlap.busiest_unit.load < 1.0);
}

#[test]
fn half_a_unit_in_common_halves_the_speed() {
    let units = vec![
        UnitLoad { name: "a".into(), offline_s: 100.0, online_s: 5.0 },
        UnitLoad { name: "b".into(), offline_s: 0.0, online_s: 10.0 },
    ];
    let service = Service { units, ..service(100.0, 10.0) };
    assert_eq!(service.background_speed(), 0.5);
    let config = RequestConfig { policy: Policy::Overlap, ..trace(&[0.0, 0.0]) };
    // The second precompute has 5 of its 100 s at 110, and is ready at 205.
    assert_eq!(point(&service, &config).mean_s, Some((110.0 + (215.0 - 110.0)) / 2.0));
    assert!((service.capacity_per_s(&config).unwrap() - 1.0 / 105.0).abs() < 1e-12);
}

#[test]
fn two_servers_answer_two_requests_at_once() {
    let config = |policy| RequestConfig { policy, ..trace(&[1000.0, 1000.0, 1000.0]) };
    let one = point(&service(100.0, 10.0), &config(Policy::Servers(1)));
    let two = point(&service(100.0, 10.0), &config(Policy::Servers(2)));
    assert_eq!((one.queue_mean_s, two.queue_mean_s), (Some(10.0), Some(10.0 / 3.0)));
    assert_eq!((one.mean_s, two.mean_s), (Some(10.0), Some(10.0)));
}

#[test]
fn a_precompute_that_does_not_fit_the_client_runs_on_demand() {
    let config = RequestConfig { client_storage_bytes: 9 * GB, ..trace(&[0.0, 500.0]) };
    for policy in POLICIES {
        let answer = point(&service(100.0, 10.0), &RequestConfig { policy, ..config.clone() });
        assert_eq!(answer.mean_s, Some(110.0), "{policy}");
        assert_eq!(answer.client_storage_peak_bytes, 0, "{policy}");
    }
    // The published simulator wants one byte more than the precompute has.
    let exactly = RequestConfig { client_storage_bytes: 10 * GB, ..trace(&[500.0]) };
    assert_eq!(point(&service(100.0, 10.0), &exactly).mean_s, Some(110.0));
    let eager = RequestConfig { policy: Policy::Eager, ..exactly };
    assert_eq!(point(&service(100.0, 10.0), &eager).mean_s, Some(10.0));
}

#[test]
fn beyond_the_capacity_the_queue_grows_and_is_reported() {
    for policy in POLICIES {
        let config = RequestConfig { load: poisson(0.1, 5, 1), policy, ..RequestConfig::default() };
        let answer = point(&service(100.0, 10.0), &config);
        assert!(answer.unserved > 0.6 * answer.arrived, "{policy}: {answer:?}");
        assert!(answer.utilization > 0.99, "{policy}: {answer:?}");
        let capacity = service(100.0, 10.0).capacity_per_s(&config).unwrap();
        // The first precompute of every run, and the last answer, are not in time.
        assert!((answer.throughput_per_s / capacity - 1.0).abs() < 0.005, "{policy}: {capacity} {answer:?}");
    }
}

/// Mean wait of an M/D/1 queue: ρ·s / (2·(1 − ρ)) (Pollaczek and Khinchine).
#[test]
fn with_free_precomputes_the_queue_is_m_d_1() {
    for load in [0.3, 0.6, 0.8] {
        let config = RequestConfig { load: poisson(load / 10.0, 200, 7), ..RequestConfig::default() };
        for policy in [Policy::Published, Policy::Eager, Policy::Overlap, Policy::Servers(1)] {
            let config = RequestConfig { policy, ..config.clone() };
            let answer = point(&service(0.0, 10.0), &config);
            let expected = load * 10.0 / (2.0 * (1.0 - load));
            let queue = answer.queue_mean_s.unwrap();
            // About 500,000 to 1,400,000 requests; neighbours' waits are correlated, most at high load.
            assert!((queue / expected - 1.0).abs() < 0.02, "{policy} at {load}: {queue}, expected {expected}");
            assert!((answer.mean_s.unwrap() - 10.0).abs() < 1e-9);
            assert!((answer.utilization / load - 1.0).abs() < 0.01);
        }
    }
}

#[test]
fn a_simulated_inference_becomes_a_service_whose_units_fit_its_phases() {
    let program = common::program("minionn");
    for name in Platform::builtin_names() {
        let simulation = simulate(&program, &Platform::builtin(name).unwrap()).unwrap();
        let service = Service::new(&simulation);
        assert_eq!(
            service.offline_s + service.online_s,
            simulation.latency_s.setup + simulation.latency_s.offline + simulation.latency_s.online
        );
        assert_eq!(
            (service.client_bytes, service.server_bytes),
            (simulation.storage_bytes.client, simulation.storage_bytes.server)
        );
        for unit in ["link.up", "link.down"] {
            assert!(service.units.iter().any(|load| load.name == unit && load.offline_s > 0.0), "{name}");
        }
        for unit in &service.units {
            assert!(unit.offline_s <= service.offline_s * (1.0 + 1e-9), "{name} {unit:?}");
            assert!(unit.online_s <= service.online_s * (1.0 + 1e-9), "{name} {unit:?}");
        }
        assert!((0.0..=1.0).contains(&service.background_speed()), "{name}");
    }
}

#[test]
fn what_is_impossible_is_refused() {
    let good = RequestConfig::default();
    let rates = |rates_per_s: Vec<f64>| Load::Poisson { rates_per_s, runs: 1, seed: 0 };
    let with = |load| RequestConfig { load, ..RequestConfig::default() };
    for (config, says) in [
        (with(rates(vec![0.0])), "an arrival rate of 0 requests"),
        (with(rates(vec![0.1, -1.0])), "rate of -1"),
        (with(rates(vec![f64::NAN])), "rate of NaN"),
        (with(rates(vec![])), "no arrival rates"),
        (with(rates(vec![1e9])), "more than 50000000"),
        (with(poisson(0.1, 0, 0)), "0 runs"),
        (RequestConfig { hours: 0.0, ..good.clone() }, "0 simulated hours"),
        (RequestConfig { hours: f64::INFINITY, ..good.clone() }, "inf simulated hours"),
        (RequestConfig { policy: Policy::Servers(0), ..good.clone() }, "servers:0"),
        (
            RequestConfig { server_storage_bytes: GB, ..good.clone() },
            "does not hold one precompute of 2000000000 bytes",
        ),
        (trace(&[]), "no arrival times"),
        (trace(&[2.0, 1.0]), "line 2"),
        (trace(&[-1.0]), "line 1"),
        (trace(&[86_400.0]), "not within"),
    ] {
        let error = simulate_requests(&service(100.0, 10.0), &config, &|| ()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    for (offline_s, online_s) in [(-1.0, 1.0), (f64::NAN, 1.0), (1.0, 0.0), (1.0, f64::INFINITY)] {
        let error = simulate_requests(&service(offline_s, online_s), &good, &|| ()).unwrap_err();
        assert!(matches!(error, RequestError::Service { .. }), "{error}");
    }
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::Published),
        Just(Policy::Eager),
        Just(Policy::Overlap),
        (1_u32..5).prop_map(Policy::Servers)
    ]
}

fn any_service() -> impl Strategy<Value = Service> {
    let unit = (0.0_f64..=1.0, 0.0_f64..=1.0);
    let seconds = (prop_oneof![Just(0.0), 0.01_f64..2000.0], 0.01_f64..500.0);
    (seconds, 0_u64..20, 0_u64..20, proptest::collection::vec(unit, 0..5)).prop_map(
        |((offline_s, online_s), client, server, shares)| {
            let units = shares.into_iter().map(|(offline, online)| UnitLoad {
                name: "unit".into(),
                offline_s: offline * offline_s,
                online_s: online * online_s,
            });
            let (client_bytes, server_bytes) = (client * GB, server * GB);
            Service { offline_s, online_s, client_bytes, server_bytes, units: units.collect() }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_exceeds_its_limit(
        service in any_service(), policy in any_policy(), storage in 0_u64..100, load in 0.01_f64..3.0, seed in any::<u64>(),
        hours in 0.5_f64..30.0,
    ) {
        let config = RequestConfig {
            client_storage_bytes: storage * GB,
            server_storage_bytes: 20 * GB + 1,
            policy,
            hours,
            ..RequestConfig::default()
        };
        let capacity = service.capacity_per_s(&config).unwrap();
        let config = RequestConfig { load: poisson((load * capacity).min(20.0), 2, seed), ..config };
        let answer = point(&service, &config);
        prop_assert_eq!(answer.served + answer.unserved, answer.arrived);
        prop_assert!(answer.unserved >= 0.0);
        prop_assert!((0.0..=1.0).contains(&answer.utilization));
        prop_assert!(answer.client_storage_peak_bytes <= config.client_storage_bytes);
        prop_assert!(answer.client_storage_mean_bytes <= answer.client_storage_peak_bytes as f64 * (1.0 + 1e-9));
        // An offline phase that takes no time makes any number of precomputes between two looks.
        if service.offline_s > 0.0 {
            let stored = (config.client_storage_bytes / GB + 4) as f64 / config.horizon_s();
            prop_assert!(answer.throughput_per_s <= capacity * (1.0 + 1e-9) + stored);
        }
        if answer.served > 0.0 {
            let of = |value: Option<f64>| value.unwrap();
            prop_assert!(of(answer.mean_s) >= service.online_s * (1.0 - 1e-9));
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
            prop_assert!(of(answer.median_s) <= of(answer.p95_s) && of(answer.p95_s) <= of(answer.p99_s));
            prop_assert!(of(answer.latency_mean_s) >= of(answer.mean_s) - 1e-6);
            prop_assert!(of(answer.latency_p95_s) >= of(answer.p95_s) - 1e-6);
            if client_fits(&service, &config) {
                prop_assert!(close(of(answer.mean_s), of(answer.precompute_wait_mean_s) + service.online_s));
            } else {
                prop_assert!(close(of(answer.mean_s), service.offline_s + service.online_s));
            }
        } else {
            prop_assert_eq!((answer.mean_s, answer.p95_s, answer.latency_mean_s), (None, None, None));
        }
        // Where the phases share hardware, no unit works for longer than the time that passed.
        if matches!(policy, Policy::Overlap | Policy::Servers(_)) {
            prop_assert!(answer.busiest_unit.load <= 1.0 + 1e-6, "{:?}", answer.busiest_unit);
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads(policy in any_policy(), seed in any::<u64>()) {
        let load = Load::Poisson { rates_per_s: vec![0.001, 0.01, 0.02], runs: 7, seed };
        let config = RequestConfig { load, policy, ..RequestConfig::default() };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| simulate_requests(&service(90.0, 30.0), &config, &|| ()).unwrap())
        };
        let alone = with(1);
        prop_assert_eq!(&with(2), &alone);
        prop_assert_eq!(&with(5), &alone);
    }

    /// A pair with more room has at any time as many precomputes or more, so that every request is answered as soon or
    /// sooner. (Where phases share hardware that need not hold: an earlier precompute may meet an online phase.)
    #[test]
    fn more_storage_and_faster_phases_never_hurt(
        policy in prop_oneof![Just(Policy::Published), Just(Policy::Eager)], load in 0.05_f64..2.0, more in 1_u64..20,
        faster in 0.3_f64..1.0, seed in any::<u64>(),
    ) {
        let slow = service(100.0, 30.0);
        let config = |gb: u64| RequestConfig {
            load: poisson(load / 100.0, 2, seed), policy, client_storage_bytes: gb * GB + 1, ..RequestConfig::default()
        };
        let before = point(&slow, &config(20));
        let after = point(&slow, &config(20 + 10 * more));
        let quick = Service { offline_s: 100.0 * faster, ..slow };
        let sooner = point(&quick, &config(20));
        // Looks fall on other fractions of a second when a precompute was made earlier, so the last one before the end of a
        // run may be late.
        let (slack, late) = if policy == Policy::Published { (2.0, 1.0) } else { (1e-6, 0.0) };
        for better in [after, sooner] {
            prop_assert!(better.served >= before.served - late);
            // Who serves more has served those that waited longest, too; means are of the same requests only if it does not.
            if better.served == before.served {
                prop_assert!(better.latency_mean_s.unwrap() <= before.latency_mean_s.unwrap() + slack);
            }
        }
    }

    #[test]
    fn more_servers_never_serve_less(load in 0.05_f64..3.0, seed in any::<u64>()) {
        let config = |pairs| RequestConfig {
            load: poisson(load / 100.0, 2, seed), policy: Policy::Servers(pairs), ..RequestConfig::default()
        };
        let (one, three) = (point(&service(100.0, 30.0), &config(1)), point(&service(100.0, 30.0), &config(3)));
        prop_assert!(three.served >= one.served);
        if three.served == one.served {
            prop_assert!(three.latency_mean_s.unwrap() <= one.latency_mean_s.unwrap() + 1e-6);
        }
    }
}

fn client_fits(service: &Service, config: &RequestConfig) -> bool {
    let strict = config.policy == Policy::Published;
    service.client_bytes == 0 || service.client_bytes + u64::from(strict) <= config.client_storage_bytes
}
