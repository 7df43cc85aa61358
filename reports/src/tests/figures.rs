//! Figures say what their data says.

use crate::figures::{self, Category, Columns, Figure, attribute};
use crate::sample;
use crate::tests::readable::well_formed;

fn all() -> Vec<Figure> {
    sample::report().figures()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

#[test]
fn every_figure_is_well_formed_xml_with_its_axes_and_legends() {
    let expected = [
        (
            "phases",
            vec!["Share of the latency (%)", "Share of the energy (%)", "setup", "offline", "online", "resnet18"],
        ),
        ("latency", vec!["Latency (s, log scale)", "HE evaluate", "GC garble", "transfer", "waiting", "haac-hbm2"]),
        ("energy", vec!["Energy (J, log scale)", "HE evaluate", "static", "Share of the phase's energy (%)"]),
        ("energy-by-unit", vec!["Energy (J, log scale)", "server.gc-engine", "client.static", "link.down", "total"]),
        ("schedule", vec!["ReLUs", "MACs", "Layer, in execution order", "s1", "hrn-5x5x3x"]),
        (
            "layers-resnet18-cpu-cpu",
            vec![
                "(a) Time",
                "(b) Bytes",
                "(c) Energy",
                "Layer, in execution order",
                "client to server",
                "s2.b4.relu1",
                "OT",
            ],
        ),
        ("timeline-resnet18-haac-hbm2", vec!["Time (", "offline, ", "online, ", "server.he-engine", "ring linear"]),
    ];
    let figures = all();
    for (name, words) in expected {
        let figure = figures.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no figure {name}"));
        let texts = well_formed(&figure.svg().unwrap());
        for word in words {
            assert!(texts.iter().any(|t| t.contains(word)), "{name} does not say “{word}”: {texts:?}");
        }
    }
}

#[test]
fn svg_and_png_have_the_printed_size() {
    for figure in all() {
        let svg = figure.svg().unwrap();
        let width = if figure.name == "phases" { "<svg width=\"3.500in\"" } else { "<svg width=\"7.000in\"" };
        assert!(svg.starts_with(width), "{}", &svg[..80]);
        let png = figure.png().unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width as i32, info.height as i32), (figure.scene.width, figure.scene.height));
        // 300 dots per inch are 11,811 per metre.
        assert_eq!(info.pixel_dims.unwrap().xppu, 11_811);
    }
}

#[test]
fn latency_data_sums_to_every_phase_and_to_the_total() {
    let simulations = sample::simulations();
    let data = figures::latency(&simulations, Columns::Two).data;
    for s in &simulations {
        let of = |phase: Option<&str>| {
            data.sum("seconds", |row| row[0] == s.network && row[2] == s.hardware && phase.is_none_or(|p| row[3] == p))
        };
        assert!(close(of(Some("setup")), s.latency_s.setup), "{} {}", of(Some("setup")), s.latency_s.setup);
        assert!(close(of(Some("offline")), s.latency_s.offline));
        assert!(close(of(Some("online")), s.latency_s.online));
        assert!(close(of(None), s.latency_s.total));
        let by_unit = figures::latency_by_unit(&simulations, Columns::One).data;
        let sum = by_unit.sum("seconds", |row| row[0] == s.network && row[2] == s.hardware && row[3] == "online");
        assert!(close(sum, s.latency_s.online), "{sum}");
    }
}

#[test]
fn energy_data_sums_to_every_phase_and_to_the_total_by_unit() {
    let simulations = sample::simulations();
    let (by_activity, by_unit) =
        (figures::energy(&simulations, Columns::Two).data, figures::energy_by_unit(&simulations, Columns::Two).data);
    for s in &simulations {
        let of = |row: &[String]| row[0] == s.network && row[2] == s.hardware;
        let phases = &s.energy_j.phases;
        for (phase, joules) in [("setup", phases.setup), ("offline", phases.offline), ("online", phases.online)] {
            assert!(close(by_activity.sum("joules", |row| of(row) && row[3] == phase), joules), "{phase}");
        }
        assert!(close(by_unit.sum("joules", of), phases.total));
    }
}

#[test]
fn layer_data_sums_to_the_layers_of_the_simulation() {
    let s = sample::simulation("resnet18", "cpu", 50, 1.0);
    let figure = figures::layers(&s, Columns::Two).data;
    let report = crate::Report { simulations: vec![s.clone()], ..Default::default() };
    for data in [&figure, &report.layer_data()] {
        for (column, total) in [
            ("he_eval_s", s.layers.iter().map(|l| l.he_eval_s).sum::<f64>()),
            ("garble_s", s.layers.iter().map(|l| l.garble_s).sum()),
            ("evaluate_s", s.layers.iter().map(|l| l.evaluate_s).sum()),
            ("transfer_s", s.layers.iter().map(|l| l.transfer_s).sum()),
            ("energy_j", s.layers.iter().map(|l| l.energy_j).sum()),
            ("down_bytes", s.layers.iter().map(|l| l.down_bytes as f64).sum()),
        ] {
            assert!(close(data.sum(column, |_| true), total) && total > 0.0, "{column}");
        }
    }
}

#[test]
fn schedule_data_sums_to_the_counts_of_the_network() {
    let network = sample::schedule("net", 50);
    let data = figures::schedule(std::slice::from_ref(&network), Columns::Two).data;
    assert_eq!(data.sum("relus", |_| true), network.counts.relus as f64);
    assert_eq!(data.sum("macs", |_| true), network.counts.macs as f64);
}

#[test]
fn timeline_data_has_every_step_and_the_busy_time_of_every_unit() {
    let s = sample::simulation("resnet18", "haac", 50, 100.0);
    let data = figures::timeline(&s, Columns::Two).data;
    assert_eq!(data.rows.len(), s.timeline.len());
    for unit in &s.units {
        let busy = data.sum("end_s", |r| r[0] == unit.name) - data.sum("start_s", |r| r[0] == unit.name);
        assert!((busy - unit.busy_s).abs() < 1e-6 * s.latency_s.total, "{}: {busy} is not {}", unit.name, unit.busy_s);
    }
}

#[test]
fn a_platform_that_only_garbles_faster_spends_a_smaller_share_on_garbling() {
    let share = |speed: f64| {
        let s = sample::simulation("resnet18", "p", 50, speed);
        let offline = &attribute(&s)[1];
        offline.2[Category::Garble as usize] / offline.1
    };
    assert!(share(1.0) > 2.0 * share(100.0), "{} {}", share(1.0), share(100.0));
}

#[test]
fn figures_of_published_measurements_can_be_read_and_have_their_data() {
    let targets = pisim_sim::validate::validate(Some("he-evaluation")).unwrap();
    let breakdowns = pisim_sim::validate::breakdowns().unwrap();
    let layers = figures::published_layers(&targets, Columns::Two);
    assert_eq!(layers.data.rows.len(), 18 + 32);
    let latency = figures::published_latency(&breakdowns, Columns::Two);
    let online = |row: &[String]| row[0] == "resnet18" && row[1] == "server" && row[2] == "online";
    assert!((latency.data.sum("modelled_s", online) / 61.23 - 1.0).abs() < 0.03);
    let storage = figures::published_storage(&breakdowns);
    assert_eq!(storage.data.rows.len(), 4);
    let empty = [
        figures::published_layers(&[], Columns::One),
        figures::published_latency(&[], Columns::One),
        figures::published_storage(&[]),
        figures::agreement(&targets, Columns::Two),
    ];
    let rtl = ["rtl-others", "fase", "heax"].map(|name| pisim_sim::validate::validate(Some(name)).unwrap()).concat();
    let agreement = [Columns::One, Columns::Two].map(|columns| figures::agreement(&rtl, columns));
    let cases: usize = rtl.iter().map(|target| target.cases).sum();
    assert!(agreement.iter().all(|figure| figure.data.rows.len() == cases));
    let narrow =
        [figures::published_layers(&targets, Columns::One), figures::published_latency(&breakdowns, Columns::One)];
    for figure in [layers, latency, storage].into_iter().chain(empty).chain(narrow).chain(agreement) {
        assert_eq!(figure.text_faults(), Vec::<String>::new(), "{}", figure.name);
        well_formed(&figure.svg().unwrap());
        for row in &figure.data.rows {
            assert_eq!(row.len(), figure.data.header.len(), "{}", figure.name);
        }
    }
}

#[test]
fn answers_have_every_image_in_their_data_and_wrong_ones_first_with_the_right_class() {
    let run = sample::accuracy("net", 200);
    let figure = figures::answers(&run);
    assert_eq!(figure.data.rows.len(), 200);
    let wrong = run.answers.iter().filter(|answer| answer.private != answer.label).count();
    assert_eq!(figure.data.rows.iter().filter(|row| row[1] != row[4]).count(), wrong);
    let texts = well_formed(&figure.svg().unwrap());
    let marked: Vec<_> = texts.iter().filter(|text| text.starts_with("88 (")).collect();
    assert_eq!((marked.len(), wrong), (5, 5), "{texts:?}");
    // A title and 160 images; the wrong ones are among them wherever they stand in the set.
    assert_eq!(texts.iter().filter(|text| text.len() == 1).count(), 155);
    assert!(figure.caption.contains("5 are wrong") && figure.caption.contains("40 more"), "{}", figure.caption);
    let none = crate::AccuracySummary { answers: Vec::new(), images: 0, ..run };
    well_formed(&figures::answers(&none).svg().unwrap());
}
