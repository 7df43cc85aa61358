//! Networks to choose from for a budget: base families × channel multipliers × transforms.

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    Counts, Equalization, Ladder, Network, NetworkError, NetworkSpec, ReluReuse, ReuseConv, Rungs, Thin, Transform,
    criticality,
};

/// ReLU-reuse factors that are tried (DeepReShape's).
const REUSE_FACTORS: [usize; 4] = [2, 4, 8, 16];

/// Base channels that are tried with ResNets (DeepReShape's BaseCh networks) and HybReNets.
const RESNET_BASES: [usize; 3] = [16, 32, 64];
const HYBRENET_BASES: [usize; 2] = [16, 32];

/// HybReNets without the constraint on the first stage, for low ReLU counts (DeepReShape).
const LOW_RELU: [&str; 4] = ["hrn-2x5x2x", "hrn-2x5x3x", "hrn-2x6x2x", "hrn-2x7x2x"];

/// Families that come with one width.
const OTHERS: [&str; 5] = ["wrn-22-8", "resnet20", "resnet32", "vgg16", "minionn"];

/// A network to choose.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// The network that it was made of, with its width.
    pub base: String,
    /// What makes it of the base, in this order.
    pub transforms: Vec<Transform>,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// MACs per ReLU.
    pub macs_per_relu: f64,
    /// Whether the stages' ReLU counts are in order of their criticality (DeepReShape's criterion).
    pub order_kept: bool,
    /// The network as a file would describe it.
    #[serde(skip)]
    pub spec: NetworkSpec,
    /// The network.
    #[serde(skip)]
    pub network: Network,
}

/// The base networks that are tried unless others are named: ResNets at several widths, all minimal HybReNets of the depths of
/// ResNet-18 and ResNet-34, those for low ReLU counts, and the other families.
///
/// # Errors
/// None that a test of this function would not find.
pub fn bases(input_size: usize, classes: Option<usize>) -> Result<Vec<NetworkSpec>, NetworkError> {
    let mut names: Vec<(String, Vec<usize>)> = OTHERS.iter().map(|&name| (name.to_owned(), vec![])).collect();
    names.extend(["resnet18", "resnet34"].map(|name| (name.to_owned(), RESNET_BASES.to_vec())));
    names.extend(LOW_RELU.map(|name| (name.to_owned(), HYBRENET_BASES.to_vec())));
    for (depths, prefix) in [([2, 2, 2, 2], "hrn"), ([3, 4, 6, 3], "hrn34")] {
        let question = Equalization::new(&depths, &criticality(depths.len()), 16);
        let answer = question
            .solve()
            .map_err(|error| NetworkError::Layer { layer: prefix.into(), problem: error.to_string() })?;
        let name = |multipliers: &Vec<u64>| multipliers.iter().map(|m| format!("{m}x")).collect::<String>();
        names.extend(answer.minimal.iter().map(|m| (format!("{prefix}-{}", name(m)), HYBRENET_BASES.to_vec())));
    }
    let mut specs = Vec::new();
    for (name, widths) in names {
        let spec = NetworkSpec { input_size, classes, ..NetworkSpec::named(&name)? };
        let wide =
            |&base: &usize| NetworkSpec { name: format!("{name}-m{base}"), base_channels: Some(base), ..spec.clone() };
        specs.extend(widths.iter().map(wide));
        if widths.is_empty() {
            specs.push(spec);
        }
    }
    Ok(specs)
}

/// All candidates that these bases give: as they are, thinned, every rung of their ladders, and ReLU-reuse of the unthinned and
/// the thinned ones with dense and with grouped convolutions, where the channels can be divided so. Networks without ReLUs are
/// none.
///
/// # Errors
/// A base that cannot be built, or an order that is none of its stages. An empty order is the usual one for each base.
pub fn candidates(bases: &[NetworkSpec], order: &[usize]) -> Result<Vec<Candidate>, NetworkError> {
    let of_base = |base: &NetworkSpec| {
        let mut recipes = vec![vec![], vec![Transform::Thin(Thin {})]];
        if base.build()?.body().len() >= 2 {
            recipes.extend(Ladder::of(base, order, Rungs::All)?.rungs.into_iter().map(|rung| rung.transforms));
        }
        let reused: Vec<Vec<Transform>> = recipes.iter().flat_map(|recipe| with_reuse(recipe)).collect();
        let plain =
            recipes.into_iter().map(|recipe| Candidate::new(base, recipe, order)).collect::<Result<Vec<_>, _>>()?;
        // Channels that a factor does not divide give no candidate.
        let reused = reused.into_iter().filter_map(|recipe| Candidate::new(base, recipe, order).ok());
        Ok(plain.into_iter().chain(reused).filter(|candidate| candidate.counts.relus > 0).collect())
    };
    let made: Result<Vec<Vec<Candidate>>, NetworkError> = bases.par_iter().map(of_base).collect();
    Ok(made?.concat())
}

/// A recipe that does not reshape, followed by every ReLU-reuse.
fn with_reuse(recipe: &[Transform]) -> Vec<Vec<Transform>> {
    if recipe.iter().any(|transform| matches!(transform, Transform::Reshape(_))) {
        return Vec::new();
    }
    let reuse = |factor, groups, conv| Transform::ReluReuse(ReluReuse { factor, groups, concat: true, conv });
    let all = REUSE_FACTORS
        .iter()
        .flat_map(|&factor| [reuse(factor, 1, ReuseConv::Dense), reuse(factor, factor, ReuseConv::Grouped)]);
    all.map(|transform| [recipe, &[transform]].concat()).collect()
}

impl Candidate {
    fn new(base: &NetworkSpec, transforms: Vec<Transform>, order: &[usize]) -> Result<Self, NetworkError> {
        let mut spec = base.clone();
        spec.transforms.extend(transforms.iter().cloned());
        let network = spec.build()?;
        let counts = network.counts();
        let usual = criticality(network.body().len());
        let order_kept = network.keeps_order(if order.is_empty() { &usual } else { order });
        spec.describe_as_transformed(&network.name, &transforms);
        Ok(Self {
            name: network.name.clone(),
            base: base.name.clone(),
            transforms,
            counts,
            macs_per_relu: counts.macs as f64 / counts.relus.max(1) as f64,
            order_kept,
            spec,
            network,
        })
    }
}
