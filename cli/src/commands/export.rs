//! `pisim net export`.

use crate::args::ExportArgs;
use crate::files::write_whole;
use crate::output::Output;
use crate::select::{self, Chosen};
use anyhow::{Context, Result, bail, ensure};
use pisim_netgen::{Model, Network, load_network, onnx};
use pisim_settings::Source;
use serde::Serialize;

/// What `net export --json` prints.
#[derive(Serialize)]
struct Exported {
    output: String,
    network: String,
    /// `file`, `random` or, in a description without weights, `none`.
    weights: &'static str,
    /// The seed of random weights.
    seed: Option<u64>,
    bytes: usize,
    params: u64,
    relus: u64,
}

pub fn run(args: &ExportArgs, output: Output) -> Result<()> {
    let extension = args.output.extension().map(|end| end.to_ascii_lowercase());
    let chosen = select::choose(&args.network, &args.options)?;
    let (bytes, weights) = match extension.as_deref().and_then(|end| end.to_str()) {
        Some("onnx") => onnx(&chosen, args.seed)?,
        Some("toml") => (toml(&chosen, &args.network)?.into_bytes(), "none"),
        _ => bail!("{}: expected a file that ends in .onnx or .toml", args.output.display()),
    };
    write_whole(&args.output, &bytes)?;
    let counts = chosen.network.counts();
    let exported = Exported {
        output: args.output.display().to_string(),
        network: chosen.network.name.clone(),
        weights,
        seed: (weights == "random").then_some(args.seed),
        bytes: bytes.len(),
        params: counts.params,
        relus: counts.relus,
    };
    output.print(&exported, || {
        let weights = match exported.weights {
            "random" => format!("random weights of seed {}", args.seed),
            "file" => "the file's weights".to_owned(),
            _ => "no weights".to_owned(),
        };
        format!("{} written: {} with {weights}, {} bytes", exported.output, exported.network, exported.bytes)
    })
}

fn onnx(chosen: &Chosen, seed: u64) -> Result<(Vec<u8>, &'static str)> {
    Ok(match chosen.own_model()? {
        Some(model) => (onnx::write(&model)?, "file"),
        None => (random_onnx(chosen.network.clone(), seed)?, "random"),
    })
}

/// A network with random weights as an ONNX file.
pub fn random_onnx(network: Network, seed: u64) -> Result<Vec<u8>> {
    let count = network.params();
    ensure!(
        count <= onnx::MAX_PARAMS,
        "{} has {count} parameters; an ONNX file holds at most {}",
        network.name,
        onnx::MAX_PARAMS
    );
    Ok(onnx::write(&Model::random(network, seed))?)
}

fn toml(chosen: &Chosen, name: &str) -> Result<String> {
    let spec = chosen.spec.as_ref().with_context(|| {
        format!("{name} is a graph of its own, which a .toml file cannot describe: a .toml file names a family and its options")
    })?;
    let text = spec.to_toml();
    // A file that does not read back as the same network is never written.
    let back = load_network(&Source::new(&spec.name, &text))?.build()?;
    ensure!(back.layers == chosen.network.layers, "{} cannot be described by a .toml file", spec.name);
    Ok(text)
}
