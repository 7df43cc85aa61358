//! What a trained network is worth and what its private inference costs: accuracy measured, counts counted, latency
//! simulated.

use crate::TrainError;
use crate::data::{DataSet, Pictures};
use crate::finished;
use pisim_hw_models::Platform;
use pisim_netgen::quantise::{Calibrated, Headroom, Samples, quantise, top1};
use pisim_netgen::{Counts, Model, NetworkError, infer};
use pisim_protocol::{LowerError, Protocol, lower_planned};
use pisim_sim::{ByPhase, SimError, Simulation, simulate};

/// Training pictures that fixed-point scales are chosen on, the first ones.
pub const SAMPLES: usize = 128;
/// Bits that samples leave free where no plan is proven to stay in the ring; the same number as the command line's.
const MARGIN_BITS: u32 = 2;
/// Test pictures on which candle and netgen must agree.
const COMPARED: usize = 32;

/// Where a private inference is simulated.
#[derive(Clone, Debug)]
pub struct Place {
    /// The protocol.
    pub protocol: Protocol,
    /// The platform.
    pub platform: Platform,
}

/// A trained network in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Parameters, MACs and ReLUs (counted).
    pub counts: Counts,
    /// Test pictures.
    pub pictures: u64,
    /// Right answers in floating point (measured).
    pub float_right: u64,
    /// Right answers in integers, which are those of private inference (measured).
    pub integer_right: u64,
    /// Whether no input can make a value leave the ring.
    pub proven: bool,
    /// Seconds of one inference (modelled).
    pub latency_s: ByPhase,
    /// Bytes on the wire in one inference, both ways, without the setup (counted).
    pub bytes: u64,
}

impl Measured {
    /// The share of right integer answers.
    pub fn accuracy(&self) -> f64 {
        self.integer_right as f64 / self.pictures.max(1) as f64
    }

    /// The share of right answers in floating point.
    pub fn float_accuracy(&self) -> f64 {
        self.float_right as f64 / self.pictures.max(1) as f64
    }

    /// Seconds of one inference of a client that has been set up before.
    pub fn inference_s(&self) -> f64 {
        self.latency_s.offline + self.latency_s.online
    }
}

/// Why a trained network cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// What was trained is wrong.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// It does not fit the protocol.
    #[error("network {network} under protocol {protocol}: {error}")]
    Protocol {
        /// The network's name.
        network: String,
        /// The protocol's name.
        protocol: String,
        /// Why.
        error: Box<LowerError>,
    },
    /// It cannot be simulated.
    #[error(transparent)]
    Simulation(#[from] SimError),
}

/// Measures a model: checks that candle agrees with netgen, counts, answers the test pictures in floating point and in
/// integers, and simulates a private inference.
///
/// # Errors
/// A disagreement, or a network that does not fit the protocol.
pub fn measure(model: &Model, data: &DataSet, place: &Place) -> Result<Measured, MeasureError> {
    finished::agrees(model, &data.test, COMPARED)?;
    let refused = |error: LowerError| MeasureError::Protocol {
        network: model.network.name.clone(),
        protocol: place.protocol.name.clone(),
        error: Box::new(error),
    };
    let calibrated = calibrate(model, data, &place.protocol).map_err(|error| refused(error.into()))?;
    let logits = finished::reference(model, &data.test, data.test.len())?;
    let pairs = logits.iter().zip(&data.test.labels);
    let float_right = pairs.filter(|(logits, label)| top1(logits) == Some(**label as usize)).count() as u64;
    let integer_right = integers_right(&calibrated, &data.test).map_err(TrainError::from)?;
    let program = lower_planned(calibrated.net.clone(), &place.protocol).map_err(refused)?;
    let simulation = simulate(&program, &place.platform)?;
    Ok(Measured {
        counts: model.network.counts(),
        pictures: data.test.len() as u64,
        float_right,
        integer_right,
        proven: calibrated.is_proven(),
        latency_s: simulation.latency_s,
        bytes: bytes(&simulation),
    })
}

/// The fixed-point plan of a model, as `pisim run` has it.
fn calibrate(model: &Model, data: &DataSet, protocol: &Protocol) -> Result<Calibrated, NetworkError> {
    let samples = Samples::new(data.train.each().take(SAMPLES).map(<[f32]>::to_vec).collect());
    match quantise(model, protocol.format, &samples, Headroom::Proven) {
        Err(NetworkError::RingTooSmall { .. }) => {
            quantise(model, protocol.format, &samples, Headroom::Sampled { margin_bits: MARGIN_BITS })
        }
        other => other,
    }
}

fn integers_right(calibrated: &Calibrated, pictures: &Pictures) -> Result<u64, NetworkError> {
    let mut right = 0;
    for (picture, label) in pictures.each().zip(&pictures.labels) {
        let answer = infer(&calibrated.net, &calibrated.weights, &calibrated.input(picture))?;
        right += u64::from(top1(&answer.outputs) == Some(*label as usize));
    }
    Ok(right)
}

fn bytes(simulation: &Simulation) -> u64 {
    [simulation.bytes.offline, simulation.bytes.online].iter().map(|traffic| traffic.up + traffic.down).sum()
}
