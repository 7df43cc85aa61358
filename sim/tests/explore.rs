//! Design spaces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{program, small_program};
use pisim_hw_models::Platform;
use pisim_sim::explore::{DesignSpace, Exploration, ExploreError, MemoryChoice, explore};
use pisim_sim::{Level, Prepared, Workspace};

fn space() -> DesignSpace {
    let memory = |name| MemoryChoice::device(name, None).unwrap();
    DesignSpace {
        engines: vec![1, 4, 16],
        he_lanes: vec![16, 256, 4096],
        memories: vec![memory("ddr4-2400"), memory("hbm2")],
        both: true,
    }
}

/// A platform whose link is not what binds.
fn fast_link() -> Platform {
    let mut platform = Platform::builtin("haac-hbm2").unwrap();
    (platform.link.up_bits_per_s, platform.link.down_bits_per_s) = (1e13, 1e13);
    platform.link.round_trip_s = 0.0;
    platform
}

fn explored(threads: usize, level: Level) -> Exploration {
    let program = program("minionn");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| explore(&Prepared::new(&program), &fast_link(), &space(), level).unwrap())
}

#[test]
fn points_are_in_order_whatever_the_number_of_threads() {
    let one = explored(1, Level::Event);
    assert_eq!(one, explored(3, Level::Event));
    let designs: Vec<_> =
        one.points.iter().map(|point| (point.memory.as_str(), point.engines, point.he_lanes)).collect();
    assert_eq!(designs.len(), 18);
    assert_eq!(
        designs[..4],
        [("ddr4-2400", 1, 16), ("ddr4-2400", 1, 256), ("ddr4-2400", 1, 4096), ("ddr4-2400", 4, 16)]
    );
    assert_eq!(one.of_memory(1)[0].memory, "hbm2");
    assert!(one.of_memory(2).is_empty());
}

#[test]
fn more_of_anything_is_never_slower_and_takes_more_area() {
    for level in [Level::Event, Level::ClosedForm] {
        let explored = explored(2, level);
        for a in &explored.points {
            for b in &explored.points {
                let more =
                    b.engines >= a.engines && b.he_lanes >= a.he_lanes && b.memory_bytes_per_s >= a.memory_bytes_per_s;
                if more {
                    assert!(b.latency_s.total <= a.latency_s.total * (1.0 + 1e-3), "{a:?} {b:?}");
                    assert!(b.area_mm2 >= a.area_mm2);
                }
            }
        }
    }
}

#[test]
fn a_design_is_bound_by_what_it_has_little_of() {
    let explored = explored(1, Level::Event);
    let binding = |memory: usize, engines: u64, lanes: u64| {
        let points = explored.of_memory(memory);
        points.iter().find(|point| (point.engines, point.he_lanes) == (engines, lanes)).unwrap().bottleneck.unit
    };
    assert!(binding(1, 1, 4096).ends_with("gc-engine"), "{}", binding(1, 1, 4096));
    assert!(binding(1, 16, 16).ends_with("he-engine"), "{}", binding(1, 16, 16));
}

#[test]
fn the_closed_form_draws_the_same_map() {
    let (event, closed) = (explored(1, Level::Event), explored(1, Level::ClosedForm));
    for (event, closed) in event.points.iter().zip(&closed.points) {
        assert_eq!(event.bottleneck.unit, closed.bottleneck.unit);
        let error = closed.latency_s.total / event.latency_s.total - 1.0;
        assert!((-0.1..=1e-9).contains(&error), "{error}");
    }
}

#[test]
fn a_design_that_does_not_fit_its_board_is_marked() {
    let program = small_program(4, 8);
    let platform = Platform::builtin("fpga-u280").unwrap();
    let engine = platform.server.gc_engine.as_ref().unwrap();
    let lanes = platform.server.he_engine.as_ref().unwrap().modmul_lanes;
    let space = DesignSpace {
        engines: vec![engine.engines, 1000],
        he_lanes: vec![lanes],
        memories: vec![MemoryChoice::bandwidth(460e9)],
        both: false,
    };
    let explored = explore(&Prepared::new(&program), &platform, &space, Level::Event).unwrap();
    assert_eq!(explored.points.iter().map(|point| point.fits).collect::<Vec<_>>(), [true, false]);
    // The platform itself is a point of the space.
    let own = Prepared::new(&program).summarize(&platform, Level::Event, &mut Workspace::default()).unwrap();
    assert_eq!(explored.points[0].latency_s, own.latency_s);
}

#[test]
fn what_cannot_be_explored_is_refused() {
    let program = small_program(2, 4);
    let prepared = Prepared::new(&program);
    let refused = |platform: &Platform, space: DesignSpace| {
        explore(&prepared, platform, &space, Level::ClosedForm).unwrap_err().to_string()
    };
    let cpu = Platform::builtin("cpu-lan").unwrap();
    assert!(refused(&cpu, space()).contains("the server of cpu-lan has no GC engine"));
    let platform = fast_link();
    assert!(refused(&platform, DesignSpace { engines: vec![], ..space() }).contains("no gate engines"));
    assert!(refused(&platform, DesignSpace { he_lanes: vec![8, 0], ..space() }).contains("0 HE lanes"));
    assert!(refused(&platform, DesignSpace { memories: vec![], ..space() }).contains("no memories"));
    let many = DesignSpace { engines: (1..=2000).collect(), he_lanes: (1..=2000).collect(), ..space() };
    let error = explore(&prepared, &platform, &many, Level::ClosedForm).unwrap_err();
    assert_eq!(error, ExploreError::TooMany { designs: 8_000_000 });
}
