//! What homomorphic encryption sends for whole networks.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::NetworkSpec;
use pisim_protocol::{ConvPlan, LinearPlan, Message, Program, Protocol, StepKind, lower};

fn program(name: &str) -> Program {
    let network = NetworkSpec::named(name).unwrap().build().unwrap();
    lower(&network, &Protocol::load("ring-gc").unwrap()).unwrap()
}

fn coefficient(program: &Program) -> impl Iterator<Item = &ConvPlan> {
    program.plans.iter().flatten().filter_map(LinearPlan::coefficient)
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
        for plan in program(name).plans.iter().flatten().filter_map(LinearPlan::coefficient) {
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
    assert!(coefficient(&none).all(|plan| !plan.prepared));
    for megabytes in [1, 100, 500, 10_000] {
        let he = protocol.linear.coefficient_mut().unwrap();
        he.prepared_bytes = megabytes << 20;
        let most = he.prepared_bytes;
        let some = lower(&network, &protocol).unwrap();
        let prepared: Vec<_> = coefficient(&some).filter(|plan| plan.prepared).collect();
        let bytes: u64 = prepared.iter().map(|plan| plan.prepared_bytes()).sum();
        assert!(bytes <= most);
        let room = most - bytes;
        assert!(coefficient(&some).all(|plan| plan.prepared || plan.prepared_bytes() > room));
        let saved: u64 = prepared.iter().map(|plan| 2 * plan.weight_polys()).sum();
        assert_eq!(transforms(&none) - transforms(&some), saved);
    }
    assert!(coefficient(&lower(&network, &protocol).unwrap()).all(|plan| plan.prepared));
}
