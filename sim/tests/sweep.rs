//! Sweeps: every point once, in order, whatever runs it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

use pisim_settings::Source;
use pisim_sim::analysis::pareto_front;
use pisim_sim::sweep::{
    AxisValue, Chunk, Part, PointRow, RunError, RunSummary, Sweep, changed_network, changed_platform, changed_protocol,
    metrics_of,
};
use pisim_sim::{Level, Prepared, Workspace};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn sweep(text: &str) -> Sweep {
    Sweep::from_source(&Source::new("s.toml", text)).unwrap_or_else(|error| panic!("{error}"))
}

fn run(sweep: &Sweep, parts: &[Part]) -> Result<(RunSummary, Vec<Chunk>), RunError> {
    let mut chunks = Vec::new();
    let summary = sweep.run(parts, &mut |chunk| {
        chunks.push(chunk);
        Ok(())
    })?;
    Ok((summary, chunks))
}

fn rows(sweep: &Sweep) -> Vec<PointRow> {
    run(sweep, &sweep.parts()).unwrap().1.into_iter().flat_map(|chunk| chunk.rows).collect()
}

/// A sweep of several chunks that evaluates quickly: 60 · 50 = 3000 points of a tiny network.
const CHUNKS: &str = "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n\
    [[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nrange = { from = 1, to = 60, step = 1 }\n\
    [[axis]]\nname = \"link\"\nkeys = [\"hardware.link.up\", \"hardware.link.down\"]\n\
    range = { from = \"1 Mbps\", to = \"50 Mbps\", steps = 50 }\n";

#[test]
fn a_grid_is_the_product_of_its_axes_in_order() {
    let sweep = sweep(
        "networks = [\"minionn\", \"hrn-tiny\"]\nprotocols = [\"ring-gc\", \"ring-gc-client\"]\nhardware = [\"haac-hbm2\"]\n\
         [[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nvalues = [1, 16]\n\
         [[axis]]\nkey = \"hardware.server.memory.channels\"\nvalues = [4, 8, 16]\n",
    );
    assert_eq!(sweep.points(), 2 * 2 * 2 * 3);
    let rows = rows(&sweep);
    assert_eq!(rows.iter().map(|row| row.point).collect::<Vec<_>>(), (0..24).collect::<Vec<_>>());
    let integers = |row: &PointRow| row.axes.clone();
    assert_eq!(integers(&rows[0]), [AxisValue::Integer(1), AxisValue::Integer(4)]);
    assert_eq!(integers(&rows[1]), [AxisValue::Integer(1), AxisValue::Integer(8)]);
    assert_eq!(integers(&rows[3]), [AxisValue::Integer(16), AxisValue::Integer(4)]);
    assert_eq!((rows[6].network.as_str(), rows[6].protocol.as_str()), ("minionn", "ring-gc-client"));
    assert_eq!((rows[12].network.as_str(), rows[12].protocol.as_str()), ("hrn-tiny", "ring-gc"));
    assert!(rows.iter().all(|row| row.outcome.is_ok()));
}

#[test]
fn every_row_is_what_its_keys_say_by_themselves() {
    let sweep = sweep(
        "networks = [\"minionn\"]\nprotocols = [\"ring-gc\"]\nhardware = [\"haac-hbm2\", \"soc-all\"]\nlevel = \"event\"\n\
         [[axis]]\nkey = \"network.input\"\nvalues = [32, 64]\n\
         [[axis]]\nkey = \"protocol.nonlinear.garbler\"\nvalues = [\"server\", \"client\"]\n\
         [[axis]]\nname = \"memory\"\nkey = \"hardware.server.memory\"\nlabels = [\"one\", \"two\"]\n\
         values = [{ device = \"ddr4-3200\", channels = 1 }, { device = \"hbm2\", channels = 16 }]\n\
         [[axis]]\nkey = \"mapping.overlap\"\nvalues = [true, false]\n\
         [[derived]]\nkey = \"hardware.link.up\"\nvalue = \"input * 1e6\"\nunit = \"bps\"\n",
    );
    let rows = rows(&sweep);
    assert_eq!(rows.len(), 32);
    for row in rows.iter().step_by(5) {
        let command = sweep.command(row.point, &row.axes).unwrap();
        assert_eq!(sweep.command_at(row.point).unwrap(), command, "from the row and from the number");
        let words = shlex::split(&command).unwrap();
        let after = |option: &str| {
            words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].as_str()).collect::<Vec<_>>()
        };
        let changes: Vec<_> = after("--set").into_iter().map(|change| change.parse().unwrap()).collect();
        let network = changed_network(after("-n")[0], &changes).unwrap().build().unwrap();
        let platform = changed_platform(after("-H")[0], &changes).unwrap();
        assert_eq!(after("--level"), ["event"]);
        let program = pisim_protocol::lower(&network, &changed_protocol(after("-p")[0], &changes).unwrap()).unwrap();
        let (prepared, mut workspace) = (Prepared::new(&program), Workspace::default());
        let metrics = row.outcome.as_ref().unwrap();
        assert_eq!(*metrics, metrics_of(&prepared, &platform, Level::Event, &mut workspace).unwrap(), "{command}");
        let alone = prepared.simulate(&platform, Level::Event, &mut workspace).unwrap();
        assert_eq!(metrics.latency_s, alone.latency_s, "{command}");
        assert_eq!(metrics.bytes, alone.bytes);
        assert!((metrics.energy_j.total / alone.energy_j.phases.total - 1.0).abs() < 1e-12);
        assert_eq!(metrics.bottleneck.online.unit, alone.bottleneck.online.unit);
    }
    let energies: BTreeSet<u64> =
        rows.iter().map(|row| row.outcome.as_ref().unwrap().energy_j.total.to_bits()).collect();
    assert!(energies.len() >= 24, "axes change results: {}", energies.len());
}

#[test]
fn rows_do_not_depend_on_threads() {
    let sweep = sweep(CHUNKS);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| rows(&sweep))
    };
    let one = with(1);
    assert_eq!(one.len(), 3000);
    assert_eq!(one, with(2));
    assert_eq!(one, with(3));
}

#[test]
fn parts_that_are_not_asked_for_are_not_run() {
    let sweep = sweep(CHUNKS);
    let parts = sweep.parts();
    let whole = run(&sweep, &parts).unwrap();
    assert_eq!(whole.1.iter().map(|chunk| chunk.part.number).collect::<Vec<_>>(), [0, 1, 2]);
    let (summary, rest) = run(&sweep, &parts[1..2]).unwrap();
    assert_eq!(rest, whole.1[1..2]);
    assert_eq!(summary.rows, 1024);
}

#[test]
fn a_point_that_is_impossible_is_a_row_with_its_error() {
    let sweep = sweep(
        "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n\
         [[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nvalues = [0, 1]\n\
         [[axis]]\nkey = \"protocol.fixed_point.fraction_bits\"\nvalues = [8, 20]\n",
    );
    let (summary, chunks) = run(&sweep, &sweep.parts()).unwrap();
    assert_eq!((summary.rows, summary.failed), (4, 3));
    let error = |row: usize| chunks[0].rows[row].outcome.as_ref().unwrap_err();
    assert!(error(0).contains("haac-hbm2.toml:") && error(0).contains("expected 1 to 4096"), "{}", error(0));
    assert!(chunks[0].rows[2].outcome.is_ok());
    assert!(error(3).contains("hrn-tiny"), "{}", error(3));
    assert_eq!(chunks[0].rows[0].network, "hrn-tiny");
}

#[test]
fn a_design_of_any_size_is_evaluated_and_marked() {
    let text = "networks = [\"hrn-tiny\"]\nhardware = [\"fpga-u280\"]\n\
         [[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nvalues = [1, 4000]\n";
    let fits: Vec<bool> = rows(&sweep(text)).iter().map(|row| row.outcome.as_ref().unwrap().fits).collect();
    assert_eq!(fits, [true, false]);
    let kept = rows(&sweep(&format!("{text}[constraints]\nfits = true\n")));
    assert_eq!(kept.iter().map(|row| row.point).collect::<Vec<_>>(), [0]);
}

#[test]
fn constraints_leave_points_out_and_keep_numbers() {
    let axes = "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n\
         [[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nvalues = [1, 2, 4, 8]\n";
    let all = rows(&sweep(axes));
    let area = |row: &PointRow| row.outcome.as_ref().unwrap().server_area_mm2.unwrap();
    let most = area(&all[1]);
    let points = |constraints: &str| -> Vec<u64> {
        rows(&sweep(&format!("{axes}[constraints]\n{constraints}\n"))).iter().map(|row| row.point).collect()
    };
    assert_eq!(points(&format!("server_area = \"{most} mm2\"")), [0, 1]);
    assert_eq!(points("where = [\"engines > 1\", \"engines < 8\"]"), [1, 2]);
    assert_eq!(points(&format!("where = [\"server_area_mm2 > {most}\"]")), [2, 3]);
    let nothing = sweep(&format!("{axes}[constraints]\nserver_area = \"1 mm2\"\nwhere = [\"engines > 1\"]\n"));
    let error = run(&nothing, &nothing.parts()).unwrap_err().to_string();
    assert!(error.contains("leave out all 4 points: `server_area` 3, `engines > 1` 1"), "{error}");
}

#[test]
fn layers_are_there_when_asked_for() {
    let text = "layers = true\nnetworks = [\"minionn\"]\nhardware = [\"haac-hbm2\"]\n";
    let row = rows(&sweep(text)).remove(0);
    let layers = row.outcome.unwrap().layers.unwrap();
    assert!(layers.iter().any(|layer| layer.kind == "relu" && layer.garble_s > 0.0), "{layers:?}");
}

#[test]
fn a_failing_sink_ends_the_run() {
    let mut taken = 0;
    let sweep = sweep(CHUNKS);
    let error = sweep.run(&sweep.parts(), &mut |_| {
        taken += 1;
        Err("disk full".into())
    });
    assert_eq!(error.unwrap_err().to_string(), "disk full");
    assert_eq!(taken, 1);
}

#[test]
fn a_search_finds_the_front_of_the_grid() {
    let axes = "[[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nrange = { from = 1, to = 32, step = 1 }\n\
        [[axis]]\nkey = \"hardware.server.he_engine.modmul_lanes\"\nrange = { from = 64, to = 4096, step = 2, scale = \"log\" }\n\
        [[axis]]\nkey = \"hardware.server.memory.channels\"\nvalues = [1, 2, 4, 8, 16]\n";
    let base = "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n";
    let grid = sweep(&format!("{base}{axes}"));
    assert_eq!(grid.points(), 32 * 7 * 5);
    let search = sweep(&format!(
        "{base}{axes}[search]\nmethod = \"nsga2\"\nobjectives = [\"latency\", \"area\"]\npopulation = 20\ngenerations = 30\nseed = 3\n"
    ));
    assert_eq!(search.objectives(), ["latency_total_s", "area_mm2"]);
    let found = rows(&search);
    assert!(found.len() <= 600);
    let front = |rows: &[PointRow]| -> BTreeSet<(u64, u64)> {
        let metrics = |row: &PointRow| row.outcome.clone().unwrap();
        let latency: Vec<f64> = rows.iter().map(|row| metrics(row).latency_s.total).collect();
        let area: Vec<f64> = rows.iter().map(|row| metrics(row).area_mm2().unwrap()).collect();
        pareto_front(&[&latency, &area]).into_iter().map(|at| (latency[at].to_bits(), area[at].to_bits())).collect()
    };
    let (true_front, found_front) = (front(&rows(&grid)), front(&found));
    let hit = true_front.intersection(&found_front).count();
    assert!(hit * 10 >= true_front.len() * 7, "{hit} of {}, found {}", true_front.len(), found_front.len());
    assert_eq!(found, rows(&search), "the same seed finds the same points");
    // Points of a search can be reproduced from their rows.
    let row = &found[found.len() - 1];
    assert!(search.command(row.point, &row.axes).unwrap().contains("hardware.server.gc_engine.engines="));
    // Its later parts follow from the points before them, which are not given again.
    assert!(!search.divisible() && grid.divisible());
    let points = 150..333;
    let part = run(&search, &[Part { number: 7, points: points.clone() }]).unwrap().1.remove(0);
    assert_eq!(
        part.rows.iter().collect::<Vec<_>>(),
        found.iter().filter(|row| points.contains(&row.point)).collect::<Vec<_>>()
    );
}

#[test]
fn every_shipped_sweep_loads_and_its_first_points_are_possible() {
    let names = Sweep::builtin_names();
    assert!(names.contains(&"gc-he-balance"));
    for name in names {
        let sweep = Sweep::load(name).unwrap_or_else(|error| panic!("{error}"));
        assert!(!sweep.description().is_empty());
        if name == "gc-he-balance" {
            assert!(sweep.points() >= 10_000, "{}", sweep.points());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn parts_of_any_size_together_are_the_whole(sizes in prop::collection::vec(1_u64..900, 3..9)) {
        let sweep = sweep(CHUNKS);
        let (mut parts, mut start) = (Vec::new(), 0);
        for (number, size) in sizes.iter().enumerate() {
            let end = if number + 1 == sizes.len() { sweep.points() } else { (start + size).min(sweep.points()) };
            parts.push(Part { number: number as u64, points: start..end });
            start = end;
        }
        let (one, other): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.number % 2 == 0);
        let mut chunks = run(&sweep, &one).unwrap().1;
        chunks.extend(run(&sweep, &other).unwrap().1);
        chunks.sort_by_key(|chunk| chunk.part.number);
        let together: Vec<PointRow> = chunks.into_iter().flat_map(|chunk| chunk.rows).collect();
        prop_assert_eq!(together, rows(&sweep));
    }

    #[test]
    fn sampled_values_lie_inside_their_axes(seed: u64, method in 0..3_usize, points in 1_u64..80) {
        let method = ["random", "latin-hypercube", "sobol"][method];
        let sweep = sweep(&format!(
            "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n\
             [sampling]\nmethod = \"{method}\"\npoints = {points}\nseed = {}\n\
             [[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nrange = {{ from = 2, to = 9 }}\n\
             [[axis]]\nkey = \"hardware.server.memory.streaming_efficiency\"\nrange = {{ from = 0.5, to = 1.0 }}\n\
             [[axis]]\nkey = \"hardware.link.up\"\nrange = {{ from = \"10 Mbps\", to = \"10 Gbps\", scale = \"log\" }}\n\
             [[axis]]\nzip = [{{ key = \"hardware.server.silicon.node_nm\", values = [16, 7] }},\n\
             {{ key = \"hardware.server.silicon.supply_v\", values = [0.8, 0.7] }}]\n",
            seed >> 1
        ));
        let rows = rows(&sweep);
        prop_assert_eq!(rows.len() as u64, points);
        for row in &rows {
            prop_assert!(row.outcome.is_ok(), "{:?}", row.outcome);
            let [engines, efficiency, up, node, volts] = &row.axes[..] else { panic!("{row:?}") };
            prop_assert!(matches!(engines, AxisValue::Integer(2..=9)));
            prop_assert!(matches!(efficiency, AxisValue::Number(part) if (0.5..=1.0).contains(part)));
            let AxisValue::Text(up) = up else { panic!("{up:?}") };
            let rate: pisim_settings::BitRate = up.parse().unwrap();
            prop_assert!((1e7..=1e10).contains(&rate.bits_per_s()), "{up}");
            let together = [(16, 0.8), (7, 0.7)];
            prop_assert!(together.iter().any(|(nm, v)| *node == AxisValue::Integer(*nm) && *volts == AxisValue::Number(*v)));
        }
        // A row leads to the same command as its number.
        let last = &rows[rows.len() - 1];
        prop_assert_eq!(sweep.command(last.point, &last.axes), sweep.command_at(last.point));
    }
}
