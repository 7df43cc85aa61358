//! Trained networks as files that every command of pisim takes.

use crate::TrainError;
use crate::experiment::Outcome;
use pisim_netgen::onnx;

/// The file of an outcome, relative to the folder of the results: `models/snl-99.onnx` with its mask.
///
/// # Errors
/// A network that ONNX has no form for.
pub fn file(outcome: &Outcome) -> Result<(String, Vec<u8>), TrainError> {
    let network = outcome.model.network.name.clone();
    let wrong = |error: onnx::OnnxError| TrainError::Export { network, problem: error.to_string() };
    let name = format!("models/{}-{}.onnx", outcome.method.slug(), outcome.measured.counts.relus);
    Ok((name, onnx::write(&outcome.model).map_err(wrong)?))
}
