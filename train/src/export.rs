//! Trained networks as files that every command of pisim takes: ONNX, and beside it the mask of a masked network, which ONNX has no
//! form for.

use crate::TrainError;
use crate::experiment::Outcome;
use npyz::WriterBuilder;
use pisim_netgen::{Cell, Network, onnx};

/// The files of an outcome, relative to the folder of the results: `models/culled-1008.onnx`. A masked network is the base with its
/// own weights and a NumPy array of all ReLUs, for `--transform mask:file=models/snl-99.npy`.
///
/// # Errors
/// A network that ONNX has no form for.
pub fn files(outcome: &Outcome, base: &Network) -> Result<Vec<(String, Vec<u8>)>, TrainError> {
    let wrong = |problem: String| TrainError::Export { network: outcome.model.network.name.clone(), problem };
    let stem = format!("models/{}-{}", outcome.method.slug(), outcome.measured.counts.relus);
    let masked = outcome.model.network.layers.iter().any(|layer| layer.mask.is_some());
    let whole = if masked { outcome.model.onto(base.clone())? } else { outcome.model.clone() };
    let written = onnx::write(&whole).map_err(|error| wrong(error.to_string()))?;
    let mut files = vec![(format!("{stem}.onnx"), written)];
    if masked {
        let array = array(&bitmap(&outcome.model.network, base)).map_err(|error| wrong(error.to_string()))?;
        files.push((format!("{stem}.npy"), array));
    }
    Ok(files)
}

/// Which of the base's ReLUs a network keeps that was made of it by a mask, in the order of [`pisim_netgen::ReluChoice::Bitmap`].
fn bitmap(network: &Network, base: &Network) -> Vec<u8> {
    let mut bits = Vec::new();
    for layer in base.layers.iter().filter(|layer| layer.op.is_activation()) {
        match network.find(&layer.name).map(|id| &network.layer(id).mask) {
            // A layer without any ReLU is not there.
            None => bits.extend(std::iter::repeat_n(0, layer.output.len())),
            Some(None) => bits.extend(std::iter::repeat_n(1, layer.output.len())),
            Some(Some(mask)) => bits.extend(mask.cells().iter().map(|cell| u8::from(*cell == Cell::Kept))),
        }
    }
    bits
}

/// A NumPy array of one dimension.
fn array(bits: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let options = npyz::WriteOptions::<u8>::new().default_dtype().shape(&[bits.len() as u64]);
    let mut writer = options.writer(&mut file).begin_nd()?;
    writer.extend(bits.iter().copied())?;
    writer.finish()?;
    Ok(file)
}
