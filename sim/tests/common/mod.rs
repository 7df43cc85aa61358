//! Programs and platforms for tests.
#![allow(clippy::unwrap_used, reason = "tests may fail")]
#![allow(dead_code, reason = "every test file uses a part")]

use pisim_hw_models::{Memory, PartyHardware, Platform};
use pisim_netgen::{Conv, NetworkBuilder, NetworkSpec, Op, Shape};
use pisim_protocol::{DEFAULT_PROTOCOL, Party, Phase, Program, Protocol, Step, StepId, StepKind, Work, lower};

/// A built-in network under the default protocol.
pub fn program(name: &str) -> Program {
    let network = NetworkSpec::named(name).unwrap().build().unwrap();
    lower(&network, &Protocol::load(DEFAULT_PROTOCOL).unwrap()).unwrap()
}

/// A network of one convolution, one ReLU and a classifier, small enough for property tests.
pub fn small_program(channels: usize, size: usize) -> Program {
    let shape = Shape { channels: 3, height: size, width: size };
    let mut builder = NetworkBuilder::new("small", shape).unwrap();
    let conv = Conv { out_channels: channels, kernel: 3, stride: 1, padding: 1, norm: false, bias: true };
    builder.stage("stem");
    let input = builder.input();
    let conv = builder.add("conv", Op::Conv(conv), &[input]).unwrap();
    let relu = builder.add("relu", Op::Relu, &[conv]).unwrap();
    builder.stage("head");
    builder.add("fc", Op::Linear { out_features: 10 }, &[relu]).unwrap();
    lower(&builder.finish().unwrap(), &Protocol::load(DEFAULT_PROTOCOL).unwrap()).unwrap()
}

/// The same program with other steps, to test one thing at a time. Positions and ids are set here.
pub fn with_steps(program: &Program, steps: Vec<Step>) -> Program {
    let steps = steps.into_iter().enumerate().map(|(id, step)| Step { id: StepId(id), ..step }).collect();
    Program { steps, ..program.clone() }
}

/// A step of the input layer.
pub fn step(kind: StepKind, party: Party, phase: Phase, deps: &[usize], work: Work) -> Step {
    let deps = deps.iter().map(|dep| StepId(*dep)).collect();
    Step { id: StepId(0), layer: pisim_netgen::LayerId(0), kind, party, phase, deps, work }
}

/// All built-in platforms.
pub fn platforms() -> Vec<Platform> {
    Platform::builtin_names().into_iter().map(|name| Platform::builtin(name).unwrap()).collect()
}

/// Both parties of a platform.
pub fn parties(platform: &mut Platform) -> [&mut PartyHardware; 2] {
    [&mut platform.client, &mut platform.server]
}

/// A memory that holds nobody back.
pub fn wide(memory: &Memory) -> Memory {
    Memory { channel_bytes_per_s: 1e18, latency_s: 0.0, ..memory.clone() }
}
