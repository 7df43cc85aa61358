//! Trained networks: read from ONNX, calibrated, and lowered with their own fraction bits in every layer.

use crate::dataset;
use crate::output::remark;
use crate::select;
use anyhow::{Result, ensure};
use pisim_netgen::onnx::{self, ReadOptions};
use pisim_netgen::quantise::{Calibrated, Headroom, Samples, quantise, random_samples};
use pisim_netgen::{Model, NetworkError};
use pisim_protocol::{Program, Protocol, lower_planned};
use std::path::Path;
use std::sync::Arc;

/// Random inputs on which a network that comes without samples is calibrated.
const RANDOM_SAMPLES: usize = 16;
/// Bits that the samples leave free in every layer where the bounds for all inputs do not fit the ring.
pub const MARGIN_BITS: u32 = 2;

/// A trained network that is ready to run under a protocol.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The network in floating point.
    pub model: Model,
    /// Its plan, with integer weights.
    pub calibrated: Calibrated,
    /// Its private inference.
    pub program: Arc<Program>,
}

/// Whether a network's name is that of a file with weights.
pub fn has_weights(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

/// Reads a model: a file of the user's, or one that pisim ships in `configs/digits`.
///
/// # Errors
/// What is wrong with the file.
pub fn load(name: &str, options: ReadOptions) -> Result<Model> {
    let path = Path::new(name);
    let shipped = if path.exists() { None } else { dataset::shipped(name) };
    let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let model = match shipped {
        Some(bytes) => onnx::read(bytes, &stem, options),
        None => onnx::load(path, options),
    };
    model.map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

impl Trained {
    /// Calibrates a model on samples (random ones if there are none) and lowers it. Where no plan is proven to stay in the
    /// protocol's ring, it leaves [`MARGIN_BITS`] above the samples, and says so.
    ///
    /// # Errors
    /// A network that does not fit the protocol in any way; it points at the protocol's key.
    pub fn new(model: Model, protocol: &Protocol, protocol_name: &str, samples: Option<&Samples>) -> Result<Self> {
        let random;
        let samples = match samples {
            Some(samples) => samples,
            None => {
                random = random_samples(model.network.input, RANDOM_SAMPLES, 0);
                &random
            }
        };
        let refused = |error| select::refusal(error, &model.network, protocol_name);
        let calibrated = match quantise(&model, protocol.format, samples, Headroom::Proven) {
            Err(error @ NetworkError::RingTooSmall { .. }) => {
                let headroom = Headroom::Sampled { margin_bits: MARGIN_BITS };
                let calibrated =
                    quantise(&model, protocol.format, samples, headroom).map_err(|error| refused(error.into()))?;
                remark(&format!(
                    "warning: {}: it is not proven that no value leaves the ring; every layer has {MARGIN_BITS} bits above \
                     the samples. {error}",
                    model.network.name
                ));
                calibrated
            }
            other => other.map_err(|error| refused(error.into()))?,
        };
        let program = lower_planned(calibrated.net.clone(), protocol).map_err(refused)?;
        tracing::info!(network = model.network.name, protocol = protocol.name, steps = program.steps.len(), "lowered");
        Ok(Self { model, calibrated, program: Arc::new(program) })
    }
}

/// Sample inputs of a network from a NumPy array `[n, channels, rows, columns]`.
///
/// # Errors
/// What is wrong with the file.
pub fn samples(name: &str, model: &Model) -> Result<Samples> {
    let pictures = dataset::Pictures::read(name, model.network.input)?;
    ensure!(!pictures.values.is_empty(), "{name}: no samples");
    Ok(Samples::new(pictures.values))
}
