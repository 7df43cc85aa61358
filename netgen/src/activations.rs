//! Activations by stage: what a network file may put in the place of a network's ReLUs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Network, NetworkBuilder, NetworkError, Op, Slope};

/// An activation as a network file names it: `"relu"`, `"relu6"`, `"prelu"`, `{ clamped-relu = 4 }` or
/// `{ leaky-relu = 0.125 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActivationSpec {
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// min(max(x, 0), this), a whole number.
    ClampedRelu(u32),
    /// x, or this public slope times x below zero: from 0 to 1, exact in at most 16 binary digits.
    LeakyRelu(#[schemars(with = "f64")] ExactSlope),
    /// x, or below zero x times its channel's slope, a weight of the server's.
    Prelu,
}

impl ActivationSpec {
    /// The operation.
    pub const fn op(self) -> Op {
        match self {
            Self::Relu => Op::Relu,
            Self::Relu6 => Op::ClampedRelu { max: 6 },
            Self::ClampedRelu(max) => Op::ClampedRelu { max },
            Self::LeakyRelu(ExactSlope(slope)) => Op::LeakyRelu { slope },
            Self::Prelu => Op::PRelu,
        }
    }
}

/// A slope that is written as a number and must be that number exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct ExactSlope(pub Slope);

/// Binary digits of the slope that is suggested in the place of one that is not exact.
const SUGGESTED_BITS: u32 = 12;

impl TryFrom<f64> for ExactSlope {
    type Error = NetworkError;

    fn try_from(value: f64) -> Result<Self, NetworkError> {
        let slope = Slope::nearest(value, 16)?;
        if slope.value() == value {
            return Ok(Self(slope));
        }
        let near = Slope::nearest(value, SUGGESTED_BITS)?;
        Err(NetworkError::Option {
            key: "leaky-relu",
            value: value.to_string(),
            expected: format!("a number that is exact in 16 binary digits, such as {} ({near})", near.value()),
        })
    }
}

impl From<ExactSlope> for f64 {
    fn from(slope: ExactSlope) -> Self {
        slope.0.value()
    }
}

/// Puts another activation in the place of all those of the named stages.
///
/// # Errors
/// A stage that the network does not have, or an activation that cannot be.
pub fn with_activations(
    network: &Network,
    by_stage: &BTreeMap<String, ActivationSpec>,
) -> Result<Network, NetworkError> {
    let mut changed = network.clone();
    for (stage, activation) in by_stage {
        let index = network.stage_index(stage)?;
        for layer in changed.layers.iter_mut().filter(|layer| layer.stage == index && layer.op.is_activation()) {
            layer.op = activation.op();
        }
        let slope = match activation.op() {
            Op::LeakyRelu { slope } => format!(" of slope {slope}"),
            Op::ClampedRelu { max } => format!(" of at most {max}"),
            _ => String::new(),
        };
        changed.notes.push(format!("Activations of stage {stage}: {}{slope}.", activation.op().kind()));
    }
    NetworkBuilder::rebuild(&changed, |_| true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::NetworkSpec;

    #[test]
    fn activations_change_by_stage_and_counts_stay() {
        let network = NetworkSpec::named("resnet20").unwrap().build().unwrap();
        let slope = ExactSlope::try_from(0.125).unwrap();
        let all =
            [("stem", ActivationSpec::Relu6), ("s1", ActivationSpec::LeakyRelu(slope)), ("s2", ActivationSpec::Prelu)];
        let by_stage = all.map(|(stage, activation)| (stage.to_owned(), activation)).into();
        let changed = with_activations(&network, &by_stage).unwrap();
        let ops = |stage: &str| -> Vec<Op> {
            let stage = changed.stage_index(stage).unwrap();
            let own = changed.layers.iter().filter(|layer| layer.stage == stage && layer.op.is_activation());
            own.map(|layer| layer.op).collect()
        };
        assert_eq!(ops("stem"), [Op::ClampedRelu { max: 6 }]);
        assert_eq!(ops("s1"), [Op::LeakyRelu { slope: slope.0 }; 6]);
        assert_eq!(ops("s2"), [Op::PRelu; 6]);
        assert_eq!(ops("s3"), [Op::Relu; 6]);
        assert_eq!((changed.relus(), changed.macs()), (network.relus(), network.macs()));
        assert_eq!(changed.params(), network.params() + 6 * 32, "a slope for each channel");
        assert!(changed.notes.iter().any(|note| note == "Activations of stage s1: leaky-relu of slope 1/8."));
        let unknown = [("s9".to_owned(), ActivationSpec::Relu)].into();
        assert!(matches!(with_activations(&network, &unknown), Err(NetworkError::UnknownStage { .. })));
    }

    #[test]
    fn a_slope_that_is_not_exact_is_refused_with_one_that_is() {
        let error = ExactSlope::try_from(0.01).unwrap_err().to_string();
        assert!(error.contains("such as 0.010009765625 (41/4096)"), "{error}");
        assert!(ExactSlope::try_from(1.5).is_err());
        assert!(ExactSlope::try_from(f64::NAN).is_err());
        assert_eq!(f64::from(ExactSlope::try_from(0.375).unwrap()), 0.375);
    }
}
