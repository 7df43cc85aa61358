//! ReLU equalization of a network that is there already: its stages get the channels of a minimal solution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reshape::resized;
use crate::spec::check_range;
use crate::stages::check_order;
use crate::{BodyStage, Equalization, LayerId, Network, NetworkError, criticality};

/// Parameters of ReLU equalization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Equalize {
    /// The channel multipliers α, β, γ, …; by default, of the minimal solutions the one with the fewest MACs.
    #[serde(default, deserialize_with = "super::table::one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub multipliers: Vec<u64>,
    /// Stages from most to least critical, counted from 1; 3, 2, 4, 1 for four stages.
    #[serde(default, deserialize_with = "super::table::one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<usize>,
    /// Largest multiplier to try.
    #[serde(default = "sixteen")]
    pub max: u64,
    /// Channels of the first stage; by default its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_channels: Option<usize>,
}

fn sixteen() -> u64 {
    16
}

impl Default for Equalize {
    fn default() -> Self {
        Self { multipliers: Vec::new(), order: Vec::new(), max: sixteen(), base_channels: None }
    }
}

impl Equalization {
    /// The question that a network's body asks: its depths, its down-sampling, its ReLU layers per block. An empty order is
    /// the usual one ([`criticality`]).
    ///
    /// # Errors
    /// A network with fewer than two stages `s1`, `s2`, …, a stage without ReLUs, or an order that is none of its stages.
    pub fn of(network: &Network, order: &[usize], max: u64) -> Result<Self, NetworkError> {
        let body = network.body();
        let usual = criticality(body.len());
        let order = if order.is_empty() { &usual } else { order };
        if body.len() < 2 {
            return Err(unstaged(network, body.len()));
        }
        check_order(order, body.len())?;
        if let Some(stage) = body.iter().find(|stage| stage.relu_layers == 0) {
            let problem = format!("stage {} has no ReLUs to be equalized; equalize before culling", stage.name);
            return Err(NetworkError::Layer { layer: network.name.clone(), problem });
        }
        // Where blocks differ in their ReLU layers, each ReLU layer counts as a block.
        let even = |stage: &BodyStage| stage.relu_layers.is_multiple_of(stage.blocks.max(1));
        let blocks = |stage: &BodyStage| if even(stage) { stage.blocks.max(1) } else { stage.relu_layers };
        let depths: Vec<u64> = body.iter().map(blocks).collect();
        let rows = body.iter().map(|stage| stage.rows);
        let shrinks = rows.clone().zip(rows.skip(1)).map(|(before, after)| before.div_ceil(after.max(1)).max(1));
        let mut question = Self::new(&depths, order, max);
        question.downsampling = std::iter::once(1).chain(shrinks).collect();
        question.relus_per_block = body.iter().zip(&depths).map(|(stage, depth)| stage.relu_layers / depth).collect();
        Ok(question)
    }
}

/// The error of what only works on the stages of a body.
pub(crate) fn unstaged(network: &Network, found: usize) -> NetworkError {
    let problem = format!("it has {found} stages named s1, s2, …; expected at least 2");
    NetworkError::Layer { layer: network.name.clone(), problem }
}

/// ReLU equalization (DeepReShape's Algorithm 1) of a network: the stages of its body get so many channels that their ReLU
/// counts are in order of their criticality. Depths and down-sampling stay. The name grows by `+equalized-5x5x3x`.
///
/// # Errors
/// As [`Equalization::of`]; multipliers that are not as many as needed or do not put the network's stages in order; no
/// solution; channels that the new widths do not scale evenly.
pub fn equalize(network: &Network, parameters: &Equalize) -> Result<Network, NetworkError> {
    let question = Equalization::of(network, &parameters.order, parameters.max)?;
    if let Some(base) = parameters.base_channels {
        check_range("base_channels", base, 1 << 16)?;
    }
    if !parameters.multipliers.is_empty() {
        return widened(network, &question, &parameters.multipliers, parameters.base_channels);
    }
    let answer = question.solve().map_err(|error| NetworkError::Option {
        key: "max",
        value: parameters.max.to_string(),
        expected: format!("a question that can be solved: {error}"),
    })?;
    let networks =
        answer.minimal.iter().map(|solution| widened(network, &question, solution, parameters.base_channels));
    let networks = networks.collect::<Result<Vec<_>, _>>()?;
    networks.into_iter().min_by_key(Network::macs).ok_or_else(|| NetworkError::Option {
        key: "max",
        value: parameters.max.to_string(),
        expected: "a largest multiplier for which some channels put the stages in order".into(),
    })
}

/// The network with the channels of one solution, checked to be in order.
fn widened(
    network: &Network,
    question: &Equalization,
    multipliers: &[u64],
    base_channels: Option<usize>,
) -> Result<Network, NetworkError> {
    let body = network.body();
    let wrong =
        |expected: String| NetworkError::Option { key: "multipliers", value: format!("{multipliers:?}"), expected };
    if multipliers.len() + 1 != body.len() || multipliers.iter().any(|m| !(1..=1024).contains(m)) {
        return Err(wrong(format!(
            "{} whole numbers from 1 to 1024, one for each stage but the first",
            body.len() - 1
        )));
    }
    let mut width = base_channels.map_or(body.first().map_or(0, |stage| stage.channels), |base| base as u64);
    // By name of the stage: its channels before and after.
    let mut widths: Vec<(&str, u64, u64)> = Vec::with_capacity(body.len());
    for (stage, multiplier) in body.iter().zip(std::iter::once(&1).chain(multipliers)) {
        width = width.saturating_mul(*multiplier);
        widths.push((&stage.name, stage.channels, width));
    }
    let mut result = resized(network, network.input, |id, count| new_width(network, &widths, id, count))?;
    if !result.keeps_order(&question.order) {
        let relus: Vec<u64> = result.body().iter().map(|stage| stage.relus).collect();
        return Err(wrong(format!("multipliers that put the stages in order; with these they have {relus:?} ReLUs")));
    }
    let label: String = multipliers.iter().map(|multiplier| format!("{multiplier}x")).collect();
    result.name = format!("{}+equalized-{label}", network.name);
    Ok(result)
}

/// Output channels of a layer: in proportion to its stage's; a stem goes with the first stage, a head stays.
fn new_width(network: &Network, widths: &[(&str, u64, u64)], id: LayerId, count: usize) -> Result<usize, NetworkError> {
    let layer = network.layer(id);
    let stage = network.stages.get(layer.stage).map_or("", String::as_str);
    let stage = if stage == "stem" { "s1" } else { stage };
    let Some((_, from, to)) = widths.iter().find(|(name, ..)| *name == stage) else { return Ok(count) };
    let scaled = (count as u128) * u128::from(*to);
    if !scaled.is_multiple_of(u128::from(*from)) {
        let problem = format!("its {count} channels do not scale evenly when the stage's go from {from} to {to}");
        return Err(NetworkError::Layer { layer: layer.name.clone(), problem });
    }
    Ok(usize::try_from(scaled / u128::from(*from)).unwrap_or(usize::MAX))
}
