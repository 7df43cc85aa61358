//! The model's side of every comparison: the published networks under Delphi on the published platforms.

use super::ValidateError;
use super::data::Published;
use super::fit::program;
use crate::result::Simulation;
use crate::simulate::simulate;
use pisim_hw_models::{HeParallel, Platform};
use pisim_protocol::{Message, Party, Program, StepKind};

/// Bits per second each way of the published one-inference figures.
const LINK_BITS_PER_S: f64 = 500e6;

/// The programs, and both platforms.
pub(super) struct Model {
    resnet18: [Program; 2],
    resnet32: [Program; 2],
    /// An Atom client, an EPYC server, 500 Mbit/s each way.
    pub atom: Platform,
    /// Both parties on one EPYC.
    pub pair: Platform,
}

/// Protocols by garbler.
const PROTOCOLS: [(Party, &str); 2] = [(Party::Server, "delphi"), (Party::Client, "delphi-client")];

impl Model {
    pub fn new() -> Result<Self, ValidateError> {
        let mut atom = Platform::builtin("epyc7502-atom")?;
        atom.link.up_bits_per_s = LINK_BITS_PER_S;
        atom.link.down_bits_per_s = LINK_BITS_PER_S;
        let both = |network| -> Result<[Program; 2], ValidateError> {
            let [(_, server), (_, client)] = PROTOCOLS;
            Ok([program(server, network)?, program(client, network)?])
        };
        Ok(Self {
            resnet18: both(Published::ResNet18)?,
            resnet32: both(Published::ResNet32)?,
            atom,
            pair: Platform::builtin("epyc7502-pair")?,
        })
    }

    /// The program of a published network when `garbler` garbles.
    pub fn program(&self, network: Published, garbler: Party) -> &Program {
        let [server, client] = match network {
            Published::ResNet18 => &self.resnet18,
            Published::ResNet32 => &self.resnet32,
        };
        if garbler == Party::Server { server } else { client }
    }

    /// One inference on the Atom and the EPYC.
    pub fn apart(&self, network: Published, garbler: Party) -> Result<Simulation, ValidateError> {
        Ok(simulate(self.program(network, garbler), &self.atom)?)
    }

    /// One inference of the server garbler on one EPYC, and what of it is neither encoding labels nor garbling them.
    pub fn together(&self, network: Published) -> Result<[Simulation; 2], ValidateError> {
        let program = self.program(network, Party::Server);
        let mut without = self.pair.clone();
        without.client.cpu.costs.encode_label_s = 0.0;
        without.server.cpu.costs.encode_label_s = 0.0;
        Ok([simulate(program, &self.pair)?, simulate(program, &without)?])
    }

    /// Seconds of homomorphic evaluation of all layers on `threads` threads with one layer each.
    pub fn layer_parallel_s(&self, network: Published, threads: u64) -> Result<f64, ValidateError> {
        let mut platform = self.atom.clone();
        platform.mapping.he_parallel = HeParallel::Layer;
        platform.mapping.server.he = Some(threads);
        let simulation = simulate(self.program(network, Party::Server), &platform)?;
        let evaluations = simulation.timeline.iter().filter(|interval| interval.kind == "he-linear");
        let span = evaluations.fold((f64::INFINITY, 0.0_f64), |(first, last), interval| {
            (first.min(interval.start_s), last.max(interval.end_s))
        });
        Ok(span.1 - span.0)
    }
}

/// Bytes of all messages of one kind, headers included, in the order of the program.
pub(super) fn message_bytes(program: &Program, message: Message) -> Vec<f64> {
    let messages = program.steps.iter().filter(|step| step.kind == StepKind::Send(message));
    messages.map(|step| (step.work.bytes_up + step.work.bytes_down) as f64).collect()
}

/// Seconds that steps of one kind take in a phase, one after the other.
pub(super) fn busy_s(simulation: &Simulation, kind: &str, phase: &str) -> f64 {
    let steps = simulation.timeline.iter().filter(|interval| interval.kind == kind && interval.phase == phase);
    steps.map(|interval| interval.end_s - interval.start_s).sum()
}

/// Seconds of one inference by activity, offline (setup included) and online.
#[derive(Debug, Clone, PartialEq)]
pub struct Phases {
    /// Activity and seconds, those that take any.
    pub offline: Vec<(String, f64)>,
    /// Likewise from the input to the answer.
    pub online: Vec<(String, f64)>,
}

/// One published inference next to the modelled one.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakdown {
    /// The network's published name.
    pub network: &'static str,
    /// Who garbles: `server` or `client`.
    pub garbler: String,
    /// Where the modelled time goes; steps follow each other, so that the parts sum to the whole.
    pub phases: Phases,
    /// Published seconds offline and online.
    pub published_s: [f64; 2],
    /// Bytes of one precompute at the client and at the server.
    pub storage_bytes: [u64; 2],
}

/// Where the time of every published one-inference figure goes, and what it stores.
///
/// # Errors
/// None in a released version: everything is compiled in.
pub fn breakdowns() -> Result<Vec<Breakdown>, ValidateError> {
    let model = Model::new()?;
    let mut all = Vec::new();
    for network in Published::ALL {
        for row in super::data::one_inference(network)? {
            let garbler = garbler_of(&row.garbler);
            let simulation = model.apart(network, garbler)?;
            let seconds = |of: fn(&crate::result::ByPhase) -> f64| {
                let parts = simulation.activities.iter().map(|activity| (activity.name.clone(), of(&activity.seconds)));
                parts.filter(|(_, seconds)| *seconds > 0.0).collect()
            };
            all.push(Breakdown {
                network: network.name(),
                garbler: row.garbler,
                phases: Phases {
                    offline: seconds(|phases| phases.setup + phases.offline),
                    online: seconds(|phases| phases.online),
                },
                published_s: [row.offline_s, row.online_s],
                storage_bytes: [simulation.storage_bytes.client, simulation.storage_bytes.server],
            });
        }
    }
    Ok(all)
}

/// The party of a published garbler.
pub(super) fn garbler_of(name: &str) -> Party {
    if name == "client" { Party::Client } else { Party::Server }
}
