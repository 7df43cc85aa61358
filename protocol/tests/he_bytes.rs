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
