//! The arguments of `pisim net quantise`.

use super::NetworkOptions;
use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim net quantise model.onnx --samples training-images.npy\n  \
    pisim net quantise configs/digits/hrn.onnx --samples configs/digits/calibration-images.npy -p delphi\n  \
    pisim net quantise model.onnx --input-range=-2.2:2.7 --margin-bits 3 --json\n\n\
    Exit code 1 if it is not proven that every value stays within the ring.")]
pub struct QuantiseArgs {
    /// An .onnx file, or a built-in name or .toml file with random weights.
    #[arg(value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// A built-in protocol or a .toml file: its ring, fraction bits and weight bits are what the network has to fit.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// Sample inputs, a NumPy array [n, channels, rows, columns]: uint8 from 0 to 255 or floating point. Random values from 0 to
    /// 1 if left out.
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
    /// Values that inputs may have, for the proof; by default those of the samples, widened to whole numbers.
    #[arg(long, value_name = "LOW:HIGH")]
    pub input_range: Option<InputRange>,
    /// Give up the proof: leave this many bits above the samples' largest values in every layer instead.
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(0..=32))]
    pub margin_bits: Option<u32>,
    /// The seed of random weights and of random samples.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Two finite numbers, the smaller one first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputRange {
    /// The least value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

impl FromStr for InputRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no range; expected two numbers with the smaller one first, as 0:1 or -2.2:2.7");
        let (low, high) = text.split_once(':').ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(wrong);
        let range = Self { low: number(low)?, high: number(high)? };
        if range.low < range.high { Ok(range) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_two_finite_numbers_in_order() {
        assert_eq!("-2.5:1e3".parse(), Ok(InputRange { low: -2.5, high: 1000.0 }));
        for wrong in ["", "1", "2:1", "1:1", "a:b", "0:inf", "0:1:2", "nan:1"] {
            assert!(wrong.parse::<InputRange>().unwrap_err().contains("0:1"), "{wrong}");
        }
    }
}
