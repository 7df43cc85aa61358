//! The table `[accuracy]`: labelled pictures that trained networks answer privately.

use crate::commands::accuracy::LabelledSet;
use crate::dataset::{self, Pictures};
use crate::select::Chosen;
use pisim_netgen::quantise::Samples;
use pisim_settings::{ConfigError, Source, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Display;

/// Labelled pictures that trained networks answer privately, each in a real two-party run of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccuracyEntry {
    /// The pictures: a NumPy array `[n, channels, rows, columns]`, `uint8` from 0 to 255 or floating point.
    #[schemars(with = "String")]
    images: Spanned<String>,
    /// The class of each: a NumPy array `[n]` of integers.
    #[schemars(with = "String")]
    labels: Spanned<String>,
    /// Pictures on which fixed-point scales are chosen, in the form of `images`; none of them should be among those.
    #[schemars(with = "String")]
    samples: Spanned<String>,
    /// How many pictures are answered privately, from the first; all if left out.
    #[schemars(with = "Option<usize>")]
    count: Option<Spanned<usize>>,
    /// The share of right private answers, 0 to 1, below which the experiment fails; 0 if left out.
    #[schemars(with = "Option<f64>")]
    least_accuracy: Option<Spanned<f64>>,
    /// The seed of masks and keys.
    #[serde(default)]
    seed: u64,
}

/// What the networks of an experiment are asked.
pub struct Questions {
    /// The pictures.
    pub set: LabelledSet,
    /// On what the networks are calibrated.
    pub samples: Samples,
    /// Where the pictures come from.
    pub images_name: String,
    /// Where the samples come from.
    pub samples_name: String,
}

impl AccuracyEntry {
    /// Reads all files and checks that every network can be asked: it is trained, and takes the same pictures.
    pub(super) fn check(
        &self,
        source: &Source,
        names: &[&Spanned<String>],
        networks: &[Chosen],
    ) -> Result<Questions, ConfigError> {
        let at = |value: &Spanned<String>, key: &str, error: &dyn Display| {
            ConfigError::at(source, value.span(), key, error.to_string())
        };
        let untrained = names.iter().zip(networks).find(|(_, network)| network.model.is_none());
        if let Some((name, _)) = untrained {
            let message =
                "only trained networks can be right or wrong; with [accuracy] expected an .onnx file".to_owned();
            return Err(at(name, "network.name", &message));
        }
        let Some(first) = networks.first().map(|chosen| &chosen.network) else {
            return Err(at(&self.images, "accuracy.images", &"there is no [[network]] to ask"));
        };
        for (name, network) in names.iter().zip(networks).map(|(name, network)| (name, &network.network)) {
            if (network.input, network.classes) != (first.input, first.classes) {
                let message = format!(
                    "it takes {} and has {} classes, {} takes {} and has {}; all networks are asked the same",
                    network.input, network.classes, first.name, first.input, first.classes
                );
                return Err(at(name, "network.name", &message));
            }
        }
        let read = |value: &Spanned<String>, key: &str| {
            Pictures::read(value.get_ref(), first.input).map_err(|error| at(value, key, &format!("{error:#}")))
        };
        let pictures = read(&self.images, "accuracy.images")?;
        let samples = read(&self.samples, "accuracy.samples")?;
        let labels = dataset::labels(self.labels.get_ref(), pictures.values.len(), first.classes)
            .map_err(|error| at(&self.labels, "accuracy.labels", &format!("{error:#}")))?;
        let all = pictures.values.len();
        let count = self.number(
            source,
            "accuracy.count",
            self.count.as_ref(),
            all,
            |count| (1..=all).contains(count),
            &format!("a whole number from 1 to {all}, the pictures in {}", self.images.get_ref()),
        )?;
        let share = |share: &f64| (0.0..=1.0).contains(share);
        let least = self.least_accuracy.as_ref();
        let least_accuracy =
            self.number(source, "accuracy.least_accuracy", least, 0.0, share, "a share from 0 to 1")?;
        Ok(Questions {
            set: LabelledSet { pictures, labels, count, least_accuracy, seed: self.seed },
            samples: Samples::new(samples.values),
            images_name: self.images.get_ref().clone(),
            samples_name: self.samples.get_ref().clone(),
        })
    }

    /// A number in its range, or what it is if left out.
    fn number<T: Copy + Display>(
        &self,
        source: &Source,
        key: &str,
        value: Option<&Spanned<T>>,
        default: T,
        possible: impl Fn(&T) -> bool,
        expected: &str,
    ) -> Result<T, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        if possible(value.get_ref()) {
            return Ok(*value.get_ref());
        }
        let message = format!("{} is not possible: expected {expected}", value.get_ref());
        Err(ConfigError::at(source, value.span(), key, message))
    }
}

#[cfg(test)]
mod tests {
    use crate::experiment::Experiment;
    use pisim_settings::Source;

    const SHIPPED: &str = include_str!("../../../configs/experiments/digits.toml");

    fn edited(from: &str, to: &str) -> String {
        assert!(SHIPPED.contains(from), "{from}");
        let source = Source::new("e.toml", SHIPPED.replacen(from, to, 1));
        Experiment::parse(&source).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn what_cannot_be_asked_is_told_at_its_line() {
        let line = |text: &str| SHIPPED[..SHIPPED.find(text).unwrap()].matches('\n').count() + 1;
        let digits = "configs/digits";
        for (from, to, key, says) in [
            (
                "count = 360",
                "count = 361",
                "accuracy.count",
                "361 is not possible: expected a whole number from 1 to 360",
            ),
            ("count = 360", "count = 0", "accuracy.count", "from 1 to 360"),
            ("least_accuracy = 0.96", "least_accuracy = 96.0", "accuracy.least_accuracy", "a share from 0 to 1"),
            ("digits/test-images.npy", "digits/test-image.npy", "accuracy.images", "no such file"),
            ("digits/test-labels.npy", "digits/test-images.npy", "accuracy.labels", "360 pictures have labels [360]"),
            (
                "digits/calibration-images.npy",
                "digits/test-labels.npy",
                "accuracy.samples",
                "network takes [n, 1, 8, 8]",
            ),
            ("configs/digits/cnn.onnx", "hrn-digits", "network.name", "only trained networks"),
            ("configs/digits/cnn.onnx", "nowhere.onnx", "network.name", "nowhere.onnx"),
        ] {
            let error = edited(from, to);
            let place = format!("e.toml:{}:", line(from));
            assert!(error.starts_with(&place) && error.contains(&format!("key `{key}`")), "{digits}: {error}");
            assert!(error.contains(says), "{error}: expected {says}");
        }
        assert!(edited("count = 360", "counts = 360").contains("did you mean `count`"));
    }
}
