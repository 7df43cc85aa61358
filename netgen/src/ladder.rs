//! The ReLU ladder: a network's coarse-grained ReLU optimisations walked in order of criticality, from many ReLUs to few.
//!
//! DeepReDuce (Jha et al., ICML 2021) culls the least critical stage, with the stem, then the next; thins what is left; and
//! for very few ReLUs halves the channels again and again. Every combination of these is a rung.

use serde::Serialize;

use crate::stages::check_order;
use crate::{Counts, Cull, Factor, Network, NetworkError, NetworkSpec, Reshape, Thin, Transform, criticality};

/// Which rungs a ladder shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rungs {
    /// Those at which DeepReDuce reports networks: its eight operating points of ResNet-18 on CIFAR-100 up to an input of 32,
    /// its eight on TinyImageNet above. They are what training chose there, so no formula gives the selection; the steps are
    /// those of its rungs, and the counts are the network's own.
    #[default]
    Published,
    /// All.
    All,
}

/// The rungs at 32x32, as (further stages culled, step of [`Step`]): 229.4K, 196.6K, 114.7K, 98.3K, 57.3K, 49.2K, 28.7K and
/// 12.3K ReLUs of ResNet-18 (DeepReDuce, CIFAR-100).
const AT_32: [(usize, usize); 8] = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2), (0, 3), (1, 4)];

/// The rungs at 64x64: 917.5K, 458.8K, 393.2K, 229.4K, 196.6K, 114.7K, 98.3K and 57.3K ReLUs (DeepReDuce, TinyImageNet).
const AT_64: [(usize, usize); 8] = [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (0, 3), (1, 3), (0, 4)];

/// What is done after culling, each step on top of the one before: nothing, thin, a half, a quarter, an eighth of the channels.
const STEPS: usize = 5;

/// A ladder. Its JSON is the public contract of `pisim net ladder --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ladder {
    /// The network that it starts from.
    pub network: String,
    /// Rows and columns of its input.
    pub input: usize,
    /// Stages from most to least critical, counted from 1.
    pub order: Vec<usize>,
    /// The network's counts before anything is done.
    pub full: Counts,
    /// The rungs, from many ReLUs to few.
    pub rungs: Vec<Rung>,
}

/// One network of a ladder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// Its name.
    pub name: String,
    /// What makes it of the network, in this order.
    pub transforms: Vec<Transform>,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// MACs per ReLU.
    pub macs_per_relu: f64,
    /// Whether DeepReDuce reports a network at this rung for this input size.
    pub published: bool,
    /// The network as a file would describe it.
    #[serde(skip)]
    pub spec: NetworkSpec,
}

impl Ladder {
    /// Walks the ladder of a network with at least two stages. An empty order is the usual one ([`criticality`]).
    ///
    /// # Errors
    /// A network that cannot be built or has fewer stages, or an order that is none of its stages.
    pub fn of(spec: &NetworkSpec, order: &[usize], rungs: Rungs) -> Result<Self, NetworkError> {
        let network = spec.build()?;
        let body = network.body();
        let order = if order.is_empty() { criticality(body.len()) } else { order.to_vec() };
        if body.len() < 2 {
            return Err(crate::transform::unstaged(&network, body.len()));
        }
        check_order(&order, body.len())?;
        let published = if spec.input_size > 32 { AT_64 } else { AT_32 };
        let mut made = Vec::new();
        for (culled, stages) in culls(&network, &order).into_iter().enumerate() {
            for step in 0..STEPS {
                let published = published.contains(&(culled, step));
                if rungs == Rungs::All || published {
                    made.push(Rung::new(spec, steps(stages.clone(), step), published)?);
                }
            }
        }
        // Steps that leave no ReLU, or none fewer than a rung above, are no rungs.
        made.retain(|rung| (1..network.relus()).contains(&rung.counts.relus));
        made.sort_by_key(|rung| std::cmp::Reverse((rung.counts.relus, rung.counts.macs)));
        made.dedup_by_key(|rung| rung.counts.relus);
        Ok(Self { network: network.name.clone(), input: spec.input_size, order, full: network.counts(), rungs: made })
    }
}

impl Rung {
    fn new(spec: &NetworkSpec, transforms: Vec<Transform>, published: bool) -> Result<Self, NetworkError> {
        let mut changed = spec.clone();
        changed.transforms.extend(transforms.iter().cloned());
        let network = changed.build()?;
        let counts = network.counts();
        changed.describe_as_transformed(&network.name, &transforms);
        Ok(Self {
            name: network.name,
            transforms,
            counts,
            macs_per_relu: counts.macs as f64 / counts.relus.max(1) as f64,
            published,
            spec: changed,
        })
    }
}

impl NetworkSpec {
    /// Takes the name that a transformed network has, as a file's name can be, and describes how it was made.
    pub(crate) fn describe_as_transformed(&mut self, name: &str, transforms: &[Transform]) {
        let steps: Vec<String> = transforms.iter().map(Transform::to_string).collect();
        self.description =
            format!("{}, then {}", self.name, if steps.is_empty() { "nothing".into() } else { steps.join(", ") });
        self.name = name.replace('+', "-");
    }
}

/// The stages that are culled at each level: the stem with the least critical stage, then one more at a time, while at least
/// half of the stages keep their ReLUs.
fn culls(network: &Network, order: &[usize]) -> Vec<Vec<String>> {
    let body = network.body();
    let mut culled: Vec<String> = network.stages.iter().filter(|stage| *stage == "stem").cloned().collect();
    let mut levels = Vec::new();
    for stage in order.iter().rev().take(order.len() / 2) {
        culled.extend(stage.checked_sub(1).and_then(|index| body.get(index)).map(|stage| stage.name.clone()));
        levels.push(culled.clone());
    }
    levels
}

/// The transforms of a step.
fn steps(stages: Vec<String>, step: usize) -> Vec<Transform> {
    let thin = (step >= 1).then_some(Transform::Thin(Thin {}));
    let halvings = step.saturating_sub(1);
    let a = Factor::new(0.5f64.powi(halvings as i32)).filter(|_| halvings > 0);
    let reshape = a.map(|a| Transform::Reshape(Reshape { a, rho: Factor::ONE }));
    [Some(Transform::Cull(Cull { stages })), thin, reshape].into_iter().flatten().collect()
}
