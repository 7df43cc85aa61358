//! Selective linearisation (SNL): single ReLUs, or whole channels of them, become the identity.

use std::collections::HashMap;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::{Cell, LayerId, LayerMask, Network, NetworkBuilder, NetworkError};

/// What is kept or dropped as a whole.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// One element: one pixel of one channel.
    #[default]
    Pixel,
    /// All elements of one channel of one layer.
    Channel,
}

/// Which ReLUs stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReluChoice {
    /// So many in the whole network, uniformly at random among all that it has: each layer keeps about the same share.
    Budget(u64),
    /// So many in each ReLU layer, in execution order, uniformly at random among the layer's own.
    PerLayer(Vec<u64>),
    /// Those with true, all ReLU layers' elements one behind the other, each layer `[channel][row][column]`.
    Bitmap(Vec<bool>),
}

/// Keeps the chosen ReLUs and makes the others linear; exactly as many are left as the budgets say. A layer without any is
/// dropped, as by [`cull`](crate::cull). The network's name grows by `+mask-100000`, the number of ReLUs that are left.
///
/// Only elements that still are ReLUs are counted and chosen, so masks compose. `seed` and `granularity` do not matter for a
/// bitmap.
///
/// # Errors
/// A budget above what there is, or that whole channels cannot meet; a list or bitmap of a wrong length, or a bitmap that keeps
/// what is no ReLU any more.
pub fn mask(
    network: &Network,
    choice: &ReluChoice,
    granularity: Granularity,
    seed: u64,
) -> Result<Network, NetworkError> {
    let layers: Vec<LayerId> = network.iter().filter(|(_, layer)| layer.op.is_activation()).map(|(id, _)| id).collect();
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let kept = match choice {
        ReluChoice::Bitmap(bits) => by_bitmap(network, &layers, bits)?,
        ReluChoice::Budget(budget) => {
            let units: Vec<Unit> = layers.iter().flat_map(|&layer| units(network, layer, granularity)).collect();
            let what = || format!("network {}", network.name);
            choose(units, *budget, &mut rng).map_err(|fault| fault.error("budget", *budget, &what()))?
        }
        ReluChoice::PerLayer(budgets) => {
            if budgets.len() != layers.len() {
                let value = format!("{} budgets", budgets.len());
                let expected = format!("one for each of the {} ReLU layers of {}", layers.len(), network.name);
                return Err(NetworkError::Option { key: "per_layer", value, expected });
            }
            let mut kept = Vec::new();
            for (&layer, &budget) in layers.iter().zip(budgets) {
                let what = || format!("layer {}", network.layer(layer).name);
                let chosen = choose(units(network, layer, granularity), budget, &mut rng);
                kept.extend(chosen.map_err(|fault| fault.error("per_layer", budget, &what()))?);
            }
            kept
        }
    };
    apply(network, &kept)
}

/// Elements that are kept or dropped together.
struct Unit {
    layer: LayerId,
    elements: Vec<usize>,
}

/// The units of a layer's elements that are ReLUs.
fn units(network: &Network, layer: LayerId, granularity: Granularity) -> Vec<Unit> {
    let shape = network.layer(layer).output;
    let mask = network.layer(layer).mask.as_ref();
    let is_relu = |index: &usize| mask.is_none_or(|mask| mask.cells().get(*index) == Some(&Cell::Kept));
    let unit = |elements| Unit { layer, elements };
    match granularity {
        Granularity::Pixel => (0..shape.len()).filter(is_relu).map(|index| unit(vec![index])).collect(),
        Granularity::Channel => {
            let channel = |channel: usize| channel * shape.pixels()..(channel + 1) * shape.pixels();
            let channels = (0..shape.channels).map(|index| unit(channel(index).filter(is_relu).collect()));
            channels.filter(|unit| !unit.elements.is_empty()).collect()
        }
    }
}

/// Why a budget cannot be met.
enum Fault {
    TooMany { available: u64 },
    Unreachable { nearest: u64 },
}

impl Fault {
    fn error(&self, key: &'static str, budget: u64, what: &str) -> NetworkError {
        let expected = match self {
            Self::TooMany { available } => format!("at most the {available} ReLUs of {what}"),
            Self::Unreachable { nearest } => {
                format!("a number that whole channels of {what} add up to, for example {nearest}")
            }
        };
        NetworkError::Option { key, value: budget.to_string(), expected }
    }
}

/// Units with exactly `budget` elements: in random order whatever still fits, and if that misses the budget, in the same
/// order the largest first, which finds a way where sizes divide each other.
fn choose(mut units: Vec<Unit>, budget: u64, rng: &mut ChaCha12Rng) -> Result<Vec<Unit>, Fault> {
    let size = |unit: &Unit| unit.elements.len() as u64;
    let available = units.iter().map(size).sum();
    if budget > available {
        return Err(Fault::TooMany { available });
    }
    shuffle(&mut units, rng);
    let fill = |units: &[Unit]| {
        let mut left = budget;
        let mut take = |unit: &Unit| {
            let fits = size(unit) <= left;
            left -= if fits { size(unit) } else { 0 };
            fits
        };
        let taken: Vec<bool> = units.iter().map(&mut take).collect();
        (taken, left)
    };
    let (mut taken, mut left) = fill(&units);
    if left > 0 {
        units.sort_by_key(|unit| std::cmp::Reverse(unit.elements.len()));
        let largest_first = fill(&units);
        (taken, left) = largest_first;
    }
    if left > 0 {
        return Err(Fault::Unreachable { nearest: budget - left });
    }
    Ok(units.into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(unit, _)| unit).collect())
}

/// Fisher and Yates' shuffle, the same on every machine.
fn shuffle(units: &mut [Unit], rng: &mut ChaCha12Rng) {
    for last in (1..units.len()).rev() {
        // A multiplication maps 64 random bits onto 0..=last; its bias is below 2^-30.
        let other = ((u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64) as usize;
        units.swap(last, other);
    }
}

/// The kept elements of a bitmap over all ReLU layers.
fn by_bitmap(network: &Network, layers: &[LayerId], bits: &[bool]) -> Result<Vec<Unit>, NetworkError> {
    let wrong = |value: String, expected: String| NetworkError::Option { key: "file", value, expected };
    let elements: usize = layers.iter().map(|&layer| network.layer(layer).output.len()).sum();
    if bits.len() != elements {
        let found = format!("{} values", bits.len());
        return Err(wrong(found, format!("one for each of the {elements} elements of {}'s ReLU layers", network.name)));
    }
    let (mut rest, mut kept) = (bits, Vec::new());
    for &id in layers {
        let layer = network.layer(id);
        let (own, behind) = rest.split_at(layer.output.len().min(rest.len()));
        rest = behind;
        let elements: Vec<usize> = own.iter().enumerate().filter(|(_, bit)| **bit).map(|(index, _)| index).collect();
        let gone =
            |index: &&usize| layer.mask.as_ref().is_some_and(|mask| mask.cells().get(**index) != Some(&Cell::Kept));
        if let Some(index) = elements.iter().find(gone) {
            let found = format!("true at element {index} of layer {}", layer.name);
            return Err(wrong(found, "false where an earlier mask left no ReLU".into()));
        }
        kept.push(Unit { layer: id, elements });
    }
    Ok(kept)
}

/// The network in which of all ReLUs only the kept ones are left.
fn apply(network: &Network, kept: &[Unit]) -> Result<Network, NetworkError> {
    let mut cells: HashMap<LayerId, Vec<Cell>> = HashMap::new();
    for (id, layer) in network.iter().filter(|(_, layer)| layer.op.is_activation()) {
        let old = |index: usize| layer.mask.as_ref().and_then(|mask| mask.cells().get(index).copied());
        let linear = |index| if old(index) == Some(Cell::Zero) { Cell::Zero } else { Cell::Linear };
        cells.insert(id, (0..layer.output.len()).map(linear).collect());
    }
    for unit in kept {
        for &element in &unit.elements {
            if let Some(cell) = cells.get_mut(&unit.layer).and_then(|cells| cells.get_mut(element)) {
                *cell = Cell::Kept;
            }
        }
    }
    let masks: HashMap<LayerId, LayerMask> = cells
        .into_iter()
        .filter_map(|(id, cells)| Some((id, LayerMask::new(network.layer(id).output, cells)?)))
        .collect();
    let is_linear = |id| masks.get(&id).is_some_and(|mask| mask.count(Cell::Linear) == mask.shape().len());
    let masked =
        NetworkBuilder::rebuild_masked(network, |id, layer| masks.get(&id).cloned().or_else(|| layer.mask.clone()))?;
    let mut masked = NetworkBuilder::rebuild(&masked, |id| !is_linear(id))?;
    masked.name = format!("{}+mask-{}", network.name, masked.relus());
    Ok(masked)
}
