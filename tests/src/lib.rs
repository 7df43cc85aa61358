//! Helpers of the tests that cross crates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_backend::{Execution, MEMORY_BYTES, Seed, execute};
use pisim_netgen::{Inference, Network, NetworkSpec, Weights, infer, random_input};
use pisim_protocol::{Program, Protocol, lower};
use std::sync::Arc;

/// One private inference next to its integer reference.
pub struct Run {
    /// What was run.
    pub program: Arc<Program>,
    /// What both parties did.
    pub execution: Execution,
    /// What the integer reference says.
    pub reference: Inference,
}

impl Run {
    /// Lowers and runs `network` under a built-in protocol with seeded weights, input and masks.
    pub fn new(network: &Network, protocol: &str, seed: u64) -> Self {
        let protocol = Protocol::load(protocol).expect("a built-in protocol");
        let program = lower(network, &protocol).expect("a network that fits the protocol");
        let weights = Weights::random(&program.network, seed);
        let input = random_input(program.network.network.input, program.network.format, seed);
        Self::of(program, weights, &input, seed)
    }

    /// Runs a program with these weights and this input; `seed` is for the parties' masks and keys.
    pub fn of(program: Program, weights: Weights, input: &[i64], seed: u64) -> Self {
        let (program, weights) = (Arc::new(program), Arc::new(weights));
        let execution =
            execute(&program, &weights, input, seeds(seed), MEMORY_BYTES, &mut |_| {}).expect("a run without faults");
        let reference = infer(&program.network, &weights, input).expect("a reference");
        Self { program, execution, reference }
    }

    /// Asserts that the answer is the reference's bit for bit and that every step did the predicted work.
    pub fn assert_exact_and_conforming(&self) {
        assert_eq!(self.execution.outputs, self.reference.outputs, "{}", self.program.network.network.name);
        let mispredictions = self.execution.mispredictions(&self.program);
        let named: Vec<_> = mispredictions.iter().map(|wrong| (&self.program.steps[wrong.step], wrong)).collect();
        assert!(named.is_empty(), "{named:#?}");
    }
}

/// A network of a family with few channels on small images: a private run of it takes a moment.
pub fn small(family: &str, base_channels: usize, input_size: usize) -> Network {
    let mut spec = NetworkSpec::named(family).expect("a known family");
    spec.base_channels = Some(base_channels);
    spec.input_size = input_size;
    spec.build().expect("a network that fits its input")
}

/// The secrets of client and server, reproducible.
pub fn seeds(seed: u64) -> [Seed; 2] {
    ["client", "server"].map(|party| Seed::reproducible(seed).derive(party, 0))
}
