//! Made-up but consistent results for tests: a network of residual blocks on a platform that is `speed` times a processor.

use pisim_netgen::{Counts, LayerCounts, LayerId, Schedule, Shape, StageCounts};
use pisim_sim::{
    Activity, Bottleneck, Bottlenecks, ByPhase, Energy, Interval, LayerCost, Level, LinkRates, PhaseTraffic,
    Simulation, Storage, Traffic, UnitUse,
};
use std::collections::BTreeMap;

/// A convolution or a ReLU of the sample network.
struct Layer {
    id: String,
    kind: &'static str,
    stage: String,
    channels: usize,
    relus: u64,
    macs: u64,
}

/// A stem, then residual blocks in four stages until there are `count` layers; the last one is the classifier.
fn network(count: usize) -> Vec<Layer> {
    let relu = |id: String, stage: &str, channels: usize, side: usize| Layer {
        id,
        kind: "relu",
        stage: stage.into(),
        channels,
        relus: (channels * side * side) as u64,
        macs: 0,
    };
    let conv = |id: String, stage: &str, inputs: usize, channels: usize, side: usize| Layer {
        id,
        kind: "conv",
        stage: stage.into(),
        channels,
        relus: 0,
        macs: (inputs * channels * 9 * side * side) as u64,
    };
    let mut layers = vec![conv("stem.conv".into(), "stem", 3, 64, 32), relu("stem.relu".into(), "stem", 64, 32)];
    let blocks = count.saturating_sub(3).div_ceil(4).max(1);
    for block in 0..blocks {
        let stage = 1 + block * 4 / blocks;
        let name = format!("s{stage}");
        let (channels, side) = (64 << (stage - 1), 32 >> (stage - 1));
        for half in 1..=2 {
            layers.push(conv(format!("{name}.b{}.conv{half}", block + 1), &name, channels, channels, side));
            layers.push(relu(format!("{name}.b{}.relu{half}", block + 1), &name, channels, side));
        }
    }
    layers.truncate(count.saturating_sub(1));
    layers.push(Layer {
        id: "head.fc".into(),
        kind: "linear",
        stage: "head".into(),
        channels: 100,
        relus: 0,
        macs: 51_200,
    });
    layers
}

/// The sample network's schedule.
pub fn schedule(name: &str, count: usize) -> Schedule {
    let layers: Vec<_> = network(count)
        .into_iter()
        .enumerate()
        .map(|(i, l)| LayerCounts {
            id: LayerId(i + 1),
            name: l.id,
            kind: l.kind,
            stage: l.stage,
            input: Shape { channels: l.channels, height: 1, width: 1 },
            output: Shape { channels: l.channels, height: 1, width: 1 },
            counts: Counts { params: l.macs / 64, macs: l.macs, relus: l.relus, ..Counts::default() },
        })
        .collect();
    let counts: Counts = layers.iter().map(|l| l.counts).sum();
    let mut stages: Vec<StageCounts> = Vec::new();
    for layer in &layers {
        if stages.last().is_none_or(|s| s.name != layer.stage) {
            let channels = layer.output.channels;
            stages.push(StageCounts {
                name: layer.stage.clone(),
                channels,
                counts: Counts::default(),
                mac_share: 0.0,
                relu_share: 0.0,
            });
        }
        if let Some(stage) = stages.last_mut() {
            stage.counts = [stage.counts, layer.counts].into_iter().sum();
            stage.mac_share = stage.counts.macs as f64 / counts.macs as f64;
            stage.relu_share = stage.counts.relus as f64 / counts.relus.max(1) as f64;
        }
    }
    let input = Shape { channels: 3, height: 32, width: 32 };
    Schedule { name: name.into(), input, classes: 100, counts, macs_per_relu: None, stages, layers, notes: Vec::new() }
}

/// Steps one after the other on each unit, as soon as the step before in the same layer has ended.
struct Builder {
    timeline: Vec<Interval>,
    free: BTreeMap<String, f64>,
    ready: f64,
}

impl Builder {
    fn step(&mut self, layer: &str, kind: &str, phase: &str, unit: &str, seconds: f64) {
        let start_s = self.ready.max(self.free.get(unit).copied().unwrap_or(0.0));
        let end_s = start_s + seconds;
        self.free.insert(unit.into(), end_s);
        // A message is on its way for a while after its last byte.
        self.ready = if unit.starts_with("link") { end_s + 0.002 } else { end_s };
        self.timeline.push(Interval {
            step: self.timeline.len(),
            layer: layer.into(),
            kind: kind.into(),
            activity: match kind {
                "he-linear" => "he-evaluate",
                "ot-receive" | "base-ot-offer" => "ot",
                "he-keygen" => "encrypt",
                "send" => "transfer",
                other => other,
            }
            .into(),
            phase: phase.into(),
            unit: unit.into(),
            start_s,
            end_s,
            bound: if unit.starts_with("link") { "link" } else { "compute" }.into(),
        });
    }

    fn end(&self) -> f64 {
        self.timeline.iter().map(|i| i.end_s).fold(0.0, f64::max)
    }
}

/// A simulation of the sample network with `layers` layers on a platform whose server is `speed` times a processor core.
pub fn simulation(network_name: &str, hardware: &str, layers: usize, speed: f64) -> Simulation {
    let accelerated = speed > 4.0;
    let on = |unit: &str| if accelerated { format!("server.{unit}") } else { "server.cpu".to_owned() };
    let mut b = Builder { timeline: Vec::new(), free: BTreeMap::new(), ready: 0.0 };
    b.step("input", "he-keygen", "setup", "client.cpu", 0.004);
    b.step("input", "send", "setup", "link.up", 0.02);
    b.step("input", "base-ot-offer", "setup", "server.cpu", 0.006);
    let setup = b.end();

    let mut costs: Vec<LayerCost> = Vec::new();
    let mut traffic = PhaseTraffic { setup: Traffic { up: 120_000, down: 16_000 }, ..PhaseTraffic::default() };
    for phase in ["offline", "online"] {
        b.ready = b.end();
        let start = b.ready;
        for unit in b.free.values_mut() {
            *unit = start;
        }
        for (index, layer) in network(layers).into_iter().enumerate() {
            if phase == "offline" {
                b.ready = start;
                let (id, kind, stage) = (layer.id.clone(), layer.kind.to_owned(), layer.stage.clone());
                costs.push(LayerCost { id, kind, stage, ..LayerCost::default() });
            }
            let cost = &mut costs[index];
            let id = layer.id.as_str();
            let mut run = |kind: &str, unit: &str, seconds: f64| {
                b.step(id, kind, phase, unit, seconds);
                seconds
            };
            let (mut up, mut down) = (0, 0);
            match (phase, layer.relus) {
                ("offline", 0) => {
                    up = 56_000 * (1 + layer.macs / 20_000_000);
                    down = 2 * up;
                    cost.encrypt_s += run("encrypt", "client.cpu", up as f64 * 1.2e-8);
                    cost.transfer_s += run("send", "link.up", up as f64 * 8e-10);
                    cost.he_eval_s += run("he-linear", &on("he-engine"), layer.macs as f64 * 2e-8 / speed);
                    cost.transfer_s += run("send", "link.down", down as f64 * 8e-10);
                    cost.decrypt_s += run("decrypt", "client.cpu", down as f64 * 6e-9);
                }
                ("offline", relus) => {
                    (up, down) = (relus * 40, relus * 32 * 92);
                    cost.ot_s += run("ot-receive", "client.cpu", relus as f64 * 3e-6);
                    cost.transfer_s += run("send", "link.up", up as f64 * 8e-10);
                    cost.garble_s += run("garble", &on("gc-engine"), relus as f64 * 9e-6 / speed);
                    cost.transfer_s += run("send", "link.down", down as f64 * 8e-10);
                }
                (_, 0) => cost.ring_linear_s += run("ring-linear", &on("mac-array"), layer.macs as f64 * 8e-10 / speed),
                (_, relus) => {
                    (up, down) = (relus * 4, relus * 32 * 16);
                    cost.transfer_s += run("send", "link.down", down as f64 * 8e-10);
                    cost.evaluate_s += run("evaluate", "client.cpu", relus as f64 * 6e-6);
                    cost.transfer_s += run("send", "link.up", up as f64 * 8e-10);
                }
            }
            cost.up_bytes += up;
            cost.down_bytes += down;
            let of = if phase == "offline" { &mut traffic.offline } else { &mut traffic.online };
            of.up += up;
            of.down += down;
            cost.energy_j = 15.0 * (cost.encrypt_s + cost.decrypt_s + cost.evaluate_s + cost.ot_s)
                + 40.0 * (cost.he_eval_s + cost.garble_s + cost.ring_linear_s)
                + 0.5 * cost.transfer_s;
        }
    }
    let online_start = b.timeline.iter().filter(|i| i.phase == "offline").map(|i| i.end_s).fold(setup, f64::max);
    let total = b.end();
    let latency_s = ByPhase { setup, offline: online_start - setup, online: total - online_start, total };
    let units: Vec<UnitUse> = b
        .free
        .keys()
        .map(|name| {
            let busy_s: f64 = b.timeline.iter().filter(|i| &i.unit == name).map(|i| i.end_s - i.start_s).sum();
            UnitUse { name: name.clone(), busy_s, utilization: busy_s / total, cycles: (busy_s * 1e9) as u64 }
        })
        .collect();
    let watts = |name: &str| {
        if name.starts_with("link") {
            0.5
        } else if name.starts_with("client") {
            15.0
        } else {
            40.0
        }
    };
    let mut by_unit: BTreeMap<String, f64> =
        units.iter().map(|u| (u.name.clone(), u.busy_s * watts(&u.name))).collect();
    by_unit.insert("client.static".into(), 2.0 * total);
    by_unit.insert("server.static".into(), 12.0 * total);
    let by_phase = |of: &dyn Fn(&str) -> f64| {
        let [setup, offline, online] = ["setup", "offline", "online"].map(of);
        ByPhase { setup, offline, online, total: setup + offline + online }
    };
    let activities: Vec<Activity> = Activity::NAMES
        .iter()
        .map(|name| {
            let steps = |phase: &str| {
                b.timeline.iter().filter(move |i| i.activity == **name && i.phase == phase).collect::<Vec<_>>()
            };
            let seconds = by_phase(&|phase| steps(phase).iter().map(|i| i.end_s - i.start_s).sum());
            let of_phase = |phase: &str| {
                [latency_s.setup, latency_s.offline, latency_s.online]
                    [["setup", "offline", "online"].iter().position(|p| *p == phase).unwrap()]
            };
            let energy_j = by_phase(&|phase| match *name {
                "static" => 14.0 * of_phase(phase),
                _ => steps(phase).iter().map(|i| (i.end_s - i.start_s) * watts(&i.unit)).sum(),
            });
            Activity { name: (*name).to_owned(), seconds, energy_j }
        })
        .collect();
    let sum = |of: fn(&ByPhase) -> f64| activities.iter().map(|a| of(&a.energy_j)).sum();
    let phases = ByPhase {
        setup: sum(|p| p.setup),
        offline: sum(|p| p.offline),
        online: sum(|p| p.online),
        total: by_unit.values().sum(),
    };
    let limit = |unit: String, share| Bottleneck { unit, share };
    let bottleneck = Bottlenecks {
        setup: limit("link.up".into(), 0.61),
        offline: limit(on("gc-engine"), 0.83),
        online: limit("client.cpu".into(), 0.97),
    };
    Simulation {
        network: network_name.into(),
        protocol: "ring-gc".into(),
        hardware: hardware.into(),
        level: Level::Event,
        latency_s,
        energy_j: Energy { phases, by_unit },
        link: LinkRates { up_bits_per_s: 1e9, down_bits_per_s: 1e9, optimal_split: false },
        bytes: traffic,
        storage_bytes: Storage { client: traffic.offline.down, server: traffic.offline.up },
        units,
        resources: BTreeMap::new(),
        activities,
        bounds: Vec::new(),
        bottleneck,
        layers: costs,
        timeline: b.timeline,
    }
}

/// Two networks on three platforms.
pub fn simulations() -> Vec<Simulation> {
    let platforms = [("cpu-cpu", 1.0), ("haac-hbm2", 100.0), ("fpga-u280", 25.0)];
    let networks = [("hrn-5x5x3x", 38), ("resnet18", 50)];
    networks
        .iter()
        .flat_map(|(n, layers)| platforms.iter().map(move |(h, speed)| simulation(n, h, *layers, *speed)))
        .collect()
}

/// A whole report.
pub fn report() -> crate::Report {
    let wall_s = [("setup", 0.031), ("offline", 1.92), ("online", 0.84)].map(|(k, v)| (k.to_owned(), v)).into();
    let work = [("and_gates", 4_718_592), ("ntts", 18_240), ("bytes_up", 31_000_000), ("bytes_down", 402_000_000)]
        .map(|(k, v)| (k.to_owned(), v))
        .into();
    crate::Report {
        title: "HybReNet on simulated hardware next to a verified private run".into(),
        command: "pisim run --seed 7".into(),
        version: "0.1.0".into(),
        seed: 7,
        networks: vec![schedule("hrn-5x5x3x", 38), schedule("resnet18", 50)],
        simulations: simulations(),
        verification: Some(crate::VerificationSummary {
            network: "hrn-5x5x3x".into(),
            protocol: "ring-gc".into(),
            outputs: 100,
            exact: true,
            steps: 640,
            steps_matching: 640,
            work_matches: true,
            work,
            wall_s,
            threads: 1,
            answer: Some("The client learned class 42 (logit 1.25) for photo.png.".into()),
            ..Default::default()
        }),
        accuracy: vec![accuracy("hrn-5x5x3x", 200), accuracy("hrn-digits", 12)],
        notes: vec![
            "Weights are random from the seed.".into(),
            "Wide-area links are not part of this experiment.".into(),
        ],
    }
}

/// A trained network's answers, right but for some of every class.
pub fn accuracy(network: &str, images: u64) -> crate::AccuracySummary {
    let shape = pisim_netgen::Shape::new(if images > 100 { 3 } else { 1 }, 4, 4);
    let answers: Vec<_> = (0..images)
        .map(|index| crate::Answer {
            index,
            label: index % 10,
            float: index % 10,
            integer: if index % 37 == 36 { 88 } else { index % 10 },
            private: if index % 37 == 36 { 88 } else { index % 10 },
            exact: true,
            work_matches: true,
            pixels: (0..shape.len() as u64).map(|pixel| (pixel * (index + 3) * 5 % 256) as u8).collect(),
        })
        .collect();
    let right = answers.iter().filter(|answer| answer.private == answer.label).count() as u64;
    crate::AccuracySummary {
        network: network.into(),
        protocol: "ring-gc".into(),
        params: 45_397,
        macs: 216_648,
        relus: 1584,
        images,
        float_right: images,
        integer_right: right,
        private_right: right,
        exact: images,
        work_matching: images,
        whole_set: crate::WholeSet { images: 360, float_right: 359, integer_right: 358 },
        least_accuracy: 0.9,
        proven: true,
        needed_bits: 30,
        ring_bits: 32,
        wall_s: [("setup", 0.017), ("offline", 0.051), ("online", 0.004)].map(|(k, v)| (k.to_owned(), v)).into(),
        bytes: 6_480_000,
        shape,
        answers,
    }
}
