//! Delphi's programs against what was published of it, and against each other.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::{LayerId, Network, NetworkSpec, Op};
use pisim_protocol::{Message, Party, Phase, Program, Protocol, Step, StepKind, Work, lower, wire};

const RESNET18: [&str; 2] = [
    include_str!("../../tests/data/published/delphi_epyc7502_resnet18_32_layers.csv"),
    include_str!("../../tests/data/published/delphi_epyc7502_resnet18_32_totals.csv"),
];
const RESNET32: [&str; 2] = [
    include_str!("../../tests/data/published/delphi_epyc7502_resnet32_32_layers.csv"),
    include_str!("../../tests/data/published/delphi_epyc7502_resnet32_32_totals.csv"),
];

fn cifar10(name: &str) -> Network {
    NetworkSpec { classes: Some(10), ..NetworkSpec::named(name).unwrap() }.build().unwrap()
}

fn program(name: &str, protocol: &str) -> Program {
    lower(&cifar10(name), &Protocol::load(protocol).unwrap()).unwrap()
}

fn total(published: &str, quantity: &str) -> f64 {
    let row = published.lines().find(|row| row.split(',').next() == Some(quantity)).unwrap();
    row.split(',').nth(1).unwrap().parse().unwrap()
}

fn relus(program: &Program) -> u64 {
    let layers = program.network.network.layers.iter();
    layers.filter(|layer| layer.op == Op::Relu).map(|layer| layer.output.len() as u64).sum()
}

/// The work of the steps of a kind that belong to ReLUs, headers of messages taken off.
fn of_relus(program: &Program, kind: StepKind) -> Work {
    let is_relu = |step: &Step| program.network.network.layer(step.layer).op == Op::Relu;
    let mut work = program.work_of(|step| step.kind == kind && is_relu(step));
    let sent = program.steps.iter().filter(|step| step.kind == kind && is_relu(step)).count() as u64;
    for bytes in [&mut work.bytes_up, &mut work.bytes_down] {
        *bytes = bytes.saturating_sub(sent * wire::HEADER_BYTES);
    }
    work
}

fn assert_near(ours: u64, published: f64, what: &str) {
    assert!((ours as f64 / published - 1.0).abs() < 0.005, "{what}: {ours}, published {published}");
}

/// The linear layers that the published networks have: all but the shortcuts' convolutions of one pixel.
fn published_layers(program: &Program) -> Vec<LayerId> {
    let layers = program.plans.iter().enumerate();
    let kept = layers.filter(|(id, plan)| {
        let is_conv = matches!(program.network.network.layers[*id].op, Op::Conv(_));
        plan.as_ref().is_some_and(|plan| !is_conv || plan.shape().kernel > 1)
    });
    kept.map(|(id, _)| LayerId(id)).collect()
}

#[test]
fn ciphertexts_of_every_published_layer_are_within_half_a_percent_of_their_bytes() {
    for (name, [layers, _]) in [("resnet18", RESNET18), ("resnet32", RESNET32)] {
        let program = program(name, "delphi");
        let ours = published_layers(&program);
        let rows: Vec<Vec<&str>> = layers.lines().skip(1).map(|row| row.split(',').collect()).collect();
        assert_eq!(ours.len(), rows.len(), "{name}");
        for (layer, row) in ours.into_iter().zip(rows) {
            let of = |message| program.work_of(|step| step.layer == layer && step.kind == StepKind::Send(message));
            let what = format!("{name}, layer {}", row[0]);
            // ResNet-32's classifier is published with 52,440 bytes up, which is no ciphertext: 524,40x lost a digit.
            let up = if row[2] == "52440" { 524_401.0 } else { row[2].parse().unwrap() };
            assert_near(of(Message::Ciphertexts).bytes_up, up, &what);
            assert_near(of(Message::ReplyCiphertexts).bytes_down, row[4].parse().unwrap(), &what);
        }
    }
}

#[test]
fn relus_cost_exactly_the_published_bytes() {
    for (name, [_, totals]) in [("resnet18", RESNET18), ("resnet32", RESNET32)] {
        let program = program(name, "delphi");
        let count = relus(&program);
        assert_eq!(count as f64, total(totals, "num_relu"));
        let tables = of_relus(&program, StepKind::Send(Message::GarbledTables));
        assert_eq!((tables.bytes_down, tables.bytes_up), (17_072 * count, 0));
        assert_eq!(of_relus(&program, StepKind::Send(Message::OtColumns)).bytes_up, 672 * count);
        assert_eq!(of_relus(&program, StepKind::Send(Message::OtPayload)).bytes_down, 1344 * count);
        assert_eq!(of_relus(&program, StepKind::Send(Message::OnlineLabels)).bytes_down, 1184 * count);
        assert_eq!(of_relus(&program, StepKind::Send(Message::MaskedValues)).bytes_up, 9 * count);
        assert_eq!(of_relus(&program, StepKind::Garble).stored_server_bytes, 3590 * count);
        let kept = tables.stored_client_bytes + of_relus(&program, StepKind::OtOpen).stored_client_bytes;
        assert_eq!(kept, 18_248 * count);
        assert_eq!(of_relus(&program, StepKind::Garble).and_gates, 288 * count);
        assert_eq!(672.0 * count as f64, total(totals, "off_client_write_ext_ot_setup"));
        assert_eq!(1344.0 * count as f64, total(totals, "off_server_write_ext_ot_send"));
        assert_near(17_072 * count, total(totals, "off_server_write_garbled_c"), name);
        assert_near(1184 * count, total(totals, "on_server_write_relu_sum"), name);
    }
}

#[test]
fn keys_and_base_transfers_have_the_published_bytes() {
    let program = program("resnet18", "delphi");
    let sent = |message| program.work_of(|step| step.kind == StepKind::Send(message));
    assert_near(sent(Message::PublicKey).bytes_up, total(RESNET18[1], "off_client_write_key"), "keys");
    // The garbler is the receiver of the base transfers; the published one sends the same bytes from the other side.
    assert_near(
        sent(Message::BaseOtChoice).bytes_down,
        total(RESNET18[1], "off_client_write_base_ot"),
        "base transfers",
    );
    assert_eq!(sent(Message::OtTrees), Work::default());
}

#[test]
fn a_client_that_garbles_stores_encoders_and_transfers_labels_online() {
    let (server, client) = (program("resnet32", "delphi"), program("resnet32", "delphi-client"));
    let count = relus(&client);
    let tables = of_relus(&client, StepKind::Send(Message::GarbledTables));
    // The labels of its share come with those of its mask.
    assert_eq!((tables.bytes_up, tables.bytes_down), ((17_072 + 42 * 28) * count, 0));
    assert_eq!(tables.stored_server_bytes, 18_248 * count);
    assert_eq!(of_relus(&client, StepKind::Garble).stored_client_bytes, 3590 * count);
    assert_eq!(of_relus(&client, StepKind::Send(Message::OtColumns)).bytes_down, 672 * count);
    assert_eq!(of_relus(&client, StepKind::Send(Message::OtPayload)).bytes_up, 1344 * count);
    for step in &client.steps {
        let transfer = matches!(
            step.kind,
            StepKind::OtReceive
                | StepKind::OtSend
                | StepKind::OtOpen
                | StepKind::Send(Message::OtColumns | Message::OtPayload)
        );
        assert!(!transfer || step.phase == Phase::Online);
        assert!(!matches!(step.kind, StepKind::MaskChoices | StepKind::Send(Message::OnlineLabels)));
        assert!(step.kind != StepKind::Evaluate || step.party == Party::Server);
    }
    // Both garble the same circuits, and transfer as many labels.
    for field in [|work: Work| work.and_gates, |work: Work| work.extended_ots] {
        assert_eq!(field(server.work_of(|_| true)), field(client.work_of(|_| true)));
    }
}

#[test]
fn every_hash_and_label_of_delphis_records_is_counted() {
    let program = program("resnet32", "delphi");
    let count = relus(&program);
    let garble = of_relus(&program, StepKind::Garble);
    // Four hashes for each AND gate, one for each label of every output; all input labels and both constants are drawn.
    assert_eq!((garble.hash_calls, garble.labels), ((4 * 288 + 2 * 42) * count, (3 * 42 + 2) * count));
    let evaluate = of_relus(&program, StepKind::Evaluate);
    assert_eq!((evaluate.hash_calls, evaluate.labels), ((2 * 288 + 42) * count, 42 * count));
    let transfers = 42 * count;
    let [receive, send, open] =
        [StepKind::OtReceive, StepKind::OtSend, StepKind::OtOpen].map(|kind| of_relus(&program, kind));
    assert_eq!((receive.extended_ots, receive.hash_calls), (transfers, 0));
    assert_eq!((send.extended_ots, send.hash_calls), (transfers, 2 * transfers));
    assert_eq!((open.extended_ots, open.hash_calls), (0, transfers));
}

#[test]
fn linear_layers_online_multiply_once_for_every_product() {
    let program = program("resnet18", "delphi");
    for (id, plan) in program.plans.iter().enumerate() {
        let Some(plan) = plan else { continue };
        let online = program.work_of(|step| step.layer == LayerId(id) && step.kind == StepKind::RingLinear);
        let outputs = plan.shape().outputs() as u64;
        assert_eq!((online.ring_macs, online.ring_adds), (plan.shape().macs(), 2 * outputs));
    }
}

#[test]
fn dependencies_of_delphis_steps_point_backwards_and_never_to_a_later_phase() {
    for protocol in ["delphi", "delphi-client"] {
        let program = program("minionn", protocol);
        for step in &program.steps {
            for dep in &step.deps {
                assert!(dep.0 < step.id.0, "{step:?}");
                assert!(program.steps[dep.0].phase as u8 <= step.phase as u8, "{step:?}");
            }
        }
    }
}
