//! Masks as transforms: their parameters as files and the command line have them.

use std::path::{Path, PathBuf};

use pisim_settings::Count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transform::Factor;
use crate::{Granularity, Network, NetworkError, ReluChoice, ScoreMap, mask, read_bitmap, read_scores, spatial_mask};

/// Parameters of selective linearisation: which ReLUs stay. One of `budget`, `per_layer` and `file` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// ReLUs that stay in the whole network, chosen at random among all.
    #[serde(default, deserialize_with = "super::table::count")]
    #[schemars(with = "Option<Count>")]
    pub budget: Option<u64>,
    /// ReLUs that stay in each ReLU layer, in execution order, chosen at random in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "super::table::counts")]
    #[schemars(with = "Vec<Count>")]
    pub per_layer: Vec<u64>,
    /// A NumPy array (`.npy`) with a one for every ReLU that stays and a zero for every other: all ReLU layers in execution order,
    /// one behind the other, each `[channel][row][column]`. A path is relative to the file that names it.
    pub file: Option<PathBuf>,
    /// What is kept or dropped as a whole: `pixel` (single values) or `channel`. Not for a file.
    #[serde(default)]
    pub granularity: Granularity,
    /// Seed of the random choice. Not for a file.
    #[serde(default)]
    pub seed: u64,
}

/// Parameters of a spatial mask: which pixels are computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpatialMask {
    /// Share of the pixels that every layer keeps, above 0 and at most 1.
    pub kept: Factor,
    /// Seed of random scores.
    pub seed: Option<u64>,
    /// Scores of the input's pixels: a grey `.png` or a two-dimensional `.npy`. Without file and seed the centre counts most. A
    /// path is relative to the file that names it.
    pub file: Option<PathBuf>,
}

impl Mask {
    /// The network in which only the chosen ReLUs are left.
    pub(super) fn apply(&self, network: &Network) -> Result<Network, NetworkError> {
        let choice = match (self.budget, self.per_layer.as_slice(), &self.file) {
            (Some(budget), [], None) => ReluChoice::Budget(budget),
            (None, budgets @ [_, ..], None) => ReluChoice::PerLayer(budgets.to_vec()),
            (None, [], Some(file)) => {
                let given = [("granularity", self.granularity != Granularity::Pixel), ("seed", self.seed != 0)];
                if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
                    let expected = "no such key where a file says which ReLUs stay".into();
                    return Err(NetworkError::Option { key, value: "given".into(), expected });
                }
                ReluChoice::Bitmap(read_bitmap(file)?)
            }
            (budget, list, file) => {
                let given = usize::from(budget.is_some()) + usize::from(!list.is_empty()) + usize::from(file.is_some());
                let key = if budget.is_some() {
                    "budget"
                } else if list.is_empty() {
                    "kind"
                } else {
                    "per_layer"
                };
                let expected = "exactly one of budget, per_layer and file".into();
                return Err(NetworkError::Option { key, value: format!("{given} choices"), expected });
            }
        };
        mask(network, &choice, self.granularity, self.seed)
    }
}

impl SpatialMask {
    /// The network that computes only the kept pixels.
    pub(super) fn apply(&self, network: &Network) -> Result<Network, NetworkError> {
        let (height, width) = (network.input.height, network.input.width);
        let scores = match (self.seed, &self.file) {
            (None, None) => ScoreMap::centre(height, width),
            (Some(seed), None) => ScoreMap::random(height, width, seed),
            (None, Some(file)) => read_scores(file)?,
            (Some(seed), Some(_)) => {
                let expected = "either seed or file".into();
                return Err(NetworkError::Option { key: "seed", value: format!("{seed} beside a file"), expected });
            }
        };
        spatial_mask(network, self.kept, &scores)
    }
}

/// Makes a relative path start at `folder`.
pub(super) fn relative_to(file: &mut Option<PathBuf>, folder: &Path) {
    if let Some(file) = file {
        *file = folder.join(&*file);
    }
}

/// Refuses a masked network: for transforms that change the shapes that masks have.
pub(super) fn unmasked(network: &Network, kind: &str) -> Result<(), NetworkError> {
    match network.layers.iter().find(|layer| layer.mask.is_some()) {
        None => Ok(()),
        Some(layer) => Err(NetworkError::Layer {
            layer: layer.name.clone(),
            problem: format!("it has a mask of its shape already; {kind} comes before mask and spatial-mask"),
        }),
    }
}
