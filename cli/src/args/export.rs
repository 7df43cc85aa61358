//! The arguments of `pisim net export`.

use super::NetworkOptions;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim net export hrn-5x5x3x -o hrn.onnx                 train it elsewhere, then: pisim verify -n hrn.onnx\n  \
    pisim net export resnet18 --cull stem,s1 --thin -o mine.toml\n  \
    pisim net export trained.onnx --cull s1 -o culled.onnx\n\n\
    The input of an ONNX file is the image in [0, 1), its batch size is open. Convolutions with a batch norm are written as\n\
    Conv and BatchNormalization, ready for training; stages and notes are kept in the file's metadata.")]
pub struct ExportArgs {
    /// A built-in name, a .toml or a .onnx file.
    #[arg(default_value = "hrn-5x5x3x", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// The file to write; its end tells the format: .onnx or .toml.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// The seed of the random weights of a network without its own.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}
