//! What homomorphic encryption sends for whole networks.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::NetworkSpec;
use pisim_protocol::{Message, Program, Protocol, StepKind, lower};

fn program(name: &str) -> Program {
    let network = NetworkSpec::named(name).unwrap().build().unwrap();
    lower(&network, &Protocol::load("ring-gc").unwrap()).unwrap()
}

/// Ciphertexts up and replies down, in bytes.
fn bytes(program: &Program) -> (u64, u64) {
    let of = |message| program.work_of(|step| step.kind == StepKind::Send(message));
    (of(Message::Ciphertexts).bytes_up, of(Message::ReplyCiphertexts).bytes_down)
}

#[test]
fn resnet18_sends_less_than_half_of_the_150_megabytes_that_were_the_aim() {
    let (up, down) = bytes(&program("resnet18"));
    assert!(up + down < 70_000_000, "{up} up, {down} down");
}

#[test]
fn every_reply_leaves_out_bits_and_floods_by_forty_bits() {
    for name in ["resnet18", "hrn-5x5x3x", "minionn"] {
        for plan in program(name).plans.iter().flatten() {
            assert!(plan.reply.dropped_value_bits >= 12 && plan.reply.dropped_uniform_bits >= 2, "{plan:?}");
            assert!(plan.reply.flooding_bits >= 58, "{plan:?}");
        }
    }
}

#[test]
fn weights_are_prepared_layer_by_layer_within_their_memory_and_cost_no_transforms_then() {
    let network = NetworkSpec::named("resnet18").unwrap().build().unwrap();
    let mut protocol = Protocol::load("ring-gc").unwrap();
    let transforms = |program: &Program| program.work_of(|step| step.kind == StepKind::HeLinear).ntts;
    let none = lower(&network, &protocol).unwrap();
    assert!(none.plans.iter().flatten().all(|plan| !plan.prepared));
    for megabytes in [1, 100, 500, 10_000] {
        protocol.he.prepared_bytes = megabytes << 20;
        let some = lower(&network, &protocol).unwrap();
        let prepared: Vec<_> = some.plans.iter().flatten().filter(|plan| plan.prepared).collect();
        let bytes: u64 = prepared.iter().map(|plan| plan.prepared_bytes()).sum();
        assert!(bytes <= protocol.he.prepared_bytes);
        let room = protocol.he.prepared_bytes - bytes;
        assert!(some.plans.iter().flatten().all(|plan| plan.prepared || plan.prepared_bytes() > room));
        let saved: u64 = prepared.iter().map(|plan| 2 * plan.weight_polys()).sum();
        assert_eq!(transforms(&none) - transforms(&some), saved);
    }
    assert!(lower(&network, &protocol).unwrap().plans.iter().flatten().all(|plan| plan.prepared));
}
