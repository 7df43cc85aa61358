//! ReLU equalization (DeepReShape's Algorithm 1): channel multipliers that put the stages' ReLU counts in the order of
//! their criticality.
//!
//! Up to a factor that all stages share, stage k has `r_k = n_k · φ_k · ∏_{j<k} m_j / ∏_{j≤k} s_j²` ReLUs: `n_k` ReLU
//! layers per block, `φ_k` blocks, multipliers `m_j` into stage j+1, down-sampling `s_j` at the entry of stage j. For a
//! criticality order C the solver returns every integer vector m with r_C1 > r_C2 > …, and those of them that no other
//! solution undercuts in all components.
//!
//! The last multiplier occurs in the last stage only, so for each choice of the others its solutions are one interval.
//! Solutions are counted, and minimal ones found, from these intervals; nothing is enumerated by name.

use std::ops::RangeInclusive;

use serde::Serialize;

use crate::{Network, NetworkError, NetworkSpec, StageSpec};

/// Most choices of all multipliers but the last that a search may visit: about a second.
const MAX_CELLS: u64 = 1 << 25;

/// What is wrong with the question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EqualizeError {
    /// A list has the wrong length.
    #[error("{list} has {found} entries; expected {expected}, one for each {of}")]
    Length {
        /// The list's name.
        list: &'static str,
        /// What each entry belongs to: "stage" or "multiplier".
        of: &'static str,
        /// Its length.
        found: usize,
        /// The length that it should have.
        expected: usize,
    },
    /// There are too few or too many stages.
    #[error("depths has {found} stages; expected 2 to {max}")]
    Stages {
        /// Number of stages.
        found: usize,
        /// Largest number.
        max: usize,
    },
    /// A number is zero or absurd.
    #[error("{list} holds {value}; expected whole numbers from 1 to {max}")]
    Value {
        /// The list's name.
        list: &'static str,
        /// The number.
        value: u64,
        /// Largest accepted number.
        max: u64,
    },
    /// The order is no permutation of the stages.
    #[error("order {order:?} is not an order of the stages 1 to {stages}: {problem}")]
    Order {
        /// The order as given.
        order: Vec<usize>,
        /// Number of stages.
        stages: usize,
        /// "stage 3 occurs twice" and the like.
        problem: String,
    },
    /// A range of multipliers is empty.
    #[error("multipliers from {min} to {max} are none; expected the largest to be at least the smallest")]
    EmptyRange {
        /// Smallest multiplier.
        min: u64,
        /// Largest multiplier.
        max: u64,
    },
    /// The search would take too long.
    #[error("{choices} choices of multipliers are too many to search (limit {limit}); lower the largest multiplier")]
    TooLarge {
        /// Choices of all multipliers but the last.
        choices: u128,
        /// The limit.
        limit: u64,
    },
}

/// A question to the solver. [`Equalization::new`] fills in the usual answers; the fields may be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equalization {
    /// Blocks per stage (φ, the stage compute ratios).
    pub depths: Vec<u64>,
    /// Down-sampling at each stage's entry, in each direction: 1 for the first stage, then 2.
    pub downsampling: Vec<u64>,
    /// ReLU layers per block of each stage: 2 for basic blocks.
    pub relus_per_block: Vec<u64>,
    /// Stages from most to least critical, counted from 1.
    pub order: Vec<usize>,
    /// Stages left out of the order on purpose; their ReLU counts are unconstrained.
    pub unordered: Vec<usize>,
    /// Accepted values of each multiplier, one range for each stage but the first.
    pub ranges: Vec<RangeInclusive<u64>>,
    /// Whether a more critical stage must have strictly more ReLUs, or may have as many.
    pub strict: bool,
}

/// The solver's answer. Its JSON is the public contract of `pisim net equalize --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Equalized {
    /// The component-wise minimal solutions, in lexicographic order.
    pub minimal: Vec<Vec<u64>>,
    /// Number of all solutions in the range.
    pub solutions: u64,
}

/// One solution with the counts of the residual network that it describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Design {
    /// The channel multipliers α, β, γ, …
    pub multipliers: Vec<u64>,
    /// Trainable parameters.
    pub params: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// ReLUs of the whole network, stem included.
    pub relus: u64,
    /// ReLUs of each stage.
    pub stage_relus: Vec<u64>,
}

impl Design {
    /// The counts of a solution's network.
    pub fn of(network: &Network, multipliers: &[u64]) -> Self {
        let counts = network.counts();
        Self {
            multipliers: multipliers.to_vec(),
            params: counts.params,
            macs: counts.macs,
            relus: counts.relus,
            stage_relus: network.body().iter().map(|stage| stage.relus).collect(),
        }
    }
}

/// Limits of the question. They do not by themselves keep products within 128 bits; [`Equalization::check`] does.
const MAX_STAGES: usize = 16;
const MAX_DEPTH: u64 = 1000;
const MAX_DOWNSAMPLING: u64 = 8;
const MAX_RELUS: u64 = 16;
const MAX_MULTIPLIER: u64 = 1024;

impl Equalization {
    /// The usual question: basic blocks, every stage after the first halves the resolution, strict order, multipliers
    /// from 2 to `max`. Errors are found when it is solved.
    pub fn new(depths: &[u64], order: &[usize], max: u64) -> Self {
        let stages = depths.len();
        Self {
            depths: depths.to_vec(),
            downsampling: (0..stages).map(|stage| if stage == 0 { 1 } else { 2 }).collect(),
            relus_per_block: vec![2; stages],
            order: order.to_vec(),
            unordered: Vec::new(),
            ranges: vec![2..=max; stages.saturating_sub(1)],
            strict: true,
        }
    }

    /// Counts all solutions and finds the minimal ones.
    ///
    /// # Errors
    /// A malformed question, or one with more than 2^25 choices of all multipliers but the last.
    pub fn solve(&self) -> Result<Equalized, EqualizeError> {
        let search = self.check()?;
        let mut minimal = Vec::new();
        let mut solutions = 0;
        // By choice of the other multipliers: the smallest last multiplier of any solution that is nowhere larger.
        // A solution is minimal if its own last multiplier is below that of all choices one step down.
        let mut best: Vec<u16> = Vec::with_capacity(search.cells);
        search.visit(|cell, prefix, last| {
            let below = search.neighbours_below(cell, prefix).filter_map(|cell| best.get(cell)).min().copied();
            let below = below.unwrap_or(u16::MAX);
            let mut smallest = u16::MAX;
            if let Some(last) = last {
                solutions += last.end() - last.start() + 1;
                smallest = *last.start() as u16; // at most MAX_MULTIPLIER
                if smallest < below {
                    minimal.push([prefix, &[*last.start()]].concat());
                }
            }
            best.push(smallest.min(below));
        });
        Ok(Equalized { minimal, solutions })
    }

    /// The first `limit` solutions in lexicographic order.
    ///
    /// # Errors
    /// As [`Equalization::solve`].
    pub fn solutions(&self, limit: usize) -> Result<Vec<Vec<u64>>, EqualizeError> {
        let mut solutions = Vec::new();
        self.check()?.visit(|_, prefix, last| {
            let room = limit - solutions.len();
            solutions.extend(last.into_iter().flatten().take(room).map(|last| [prefix, &[last]].concat()));
        });
        Ok(solutions)
    }

    /// The residual network (basic blocks, these depths and down-samplings) of one solution.
    ///
    /// # Errors
    /// Base channels, input size or multipliers of which no network can be built.
    pub fn network(
        &self,
        multipliers: &[u64],
        base_channels: usize,
        input_size: usize,
    ) -> Result<Network, NetworkError> {
        let widths = std::iter::once(1).chain(multipliers.iter().copied());
        let mut channels = base_channels;
        let mut stages = Vec::with_capacity(self.depths.len());
        for ((&depth, &stride), width) in self.depths.iter().zip(&self.downsampling).zip(widths) {
            channels = channels.saturating_mul(usize::try_from(width).unwrap_or(usize::MAX));
            let clamp = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
            stages.push(StageSpec { blocks: clamp(depth), channels, stride: clamp(stride) });
        }
        let label: Vec<String> = multipliers.iter().map(|multiplier| format!("{multiplier}x")).collect();
        let name = format!("hrn-{}", label.concat());
        let base_channels = Some(base_channels);
        NetworkSpec { input_size, base_channels, stages, ..NetworkSpec::of_family(&name, "residual") }.build()
    }

    /// Counts of several solutions' networks, sorted by MACs.
    ///
    /// # Errors
    /// As [`Equalization::network`].
    pub fn designs(
        &self,
        solutions: &[Vec<u64>],
        base_channels: usize,
        input_size: usize,
    ) -> Result<Vec<Design>, NetworkError> {
        let design = |multipliers: &Vec<u64>| {
            Ok(Design::of(&self.network(multipliers, base_channels, input_size)?, multipliers))
        };
        let mut designs = solutions.iter().map(design).collect::<Result<Vec<_>, NetworkError>>()?;
        designs.sort_by(|a, b| (a.macs, &a.multipliers).cmp(&(b.macs, &b.multipliers)));
        Ok(designs)
    }

    /// Checks the question and prepares the search.
    fn check(&self) -> Result<Search<'_>, EqualizeError> {
        let stages = self.depths.len();
        if !(2..=MAX_STAGES).contains(&stages) {
            return Err(EqualizeError::Stages { found: stages, max: MAX_STAGES });
        }
        for (list, of, found, expected) in [
            ("downsampling", "stage", self.downsampling.len(), stages),
            ("relus_per_block", "stage", self.relus_per_block.len(), stages),
            ("ranges", "multiplier", self.ranges.len(), stages - 1),
        ] {
            if found != expected {
                return Err(EqualizeError::Length { list, of, found, expected });
            }
        }
        check_values("depths", self.depths.iter().copied(), MAX_DEPTH)?;
        check_values("downsampling", self.downsampling.iter().copied(), MAX_DOWNSAMPLING)?;
        check_values("relus_per_block", self.relus_per_block.iter().copied(), MAX_RELUS)?;
        check_values("ranges", self.ranges.iter().flat_map(|r| [*r.start(), *r.end()]), MAX_MULTIPLIER)?;
        if let Some(range) = self.ranges.iter().find(|range| range.is_empty()) {
            return Err(EqualizeError::EmptyRange { min: *range.start(), max: *range.end() });
        }
        self.check_order()?;
        Search::new(self)
    }

    fn check_order(&self) -> Result<(), EqualizeError> {
        let stages = self.depths.len();
        let wrong = |problem| Err(EqualizeError::Order { order: self.order.clone(), stages, problem });
        let mut seen = vec![false; stages];
        for &stage in self.order.iter().chain(&self.unordered) {
            match stage.checked_sub(1).and_then(|index| seen.get_mut(index)) {
                None => return wrong(format!("there is no stage {stage}")),
                Some(seen) if *seen => return wrong(format!("stage {stage} occurs twice")),
                Some(seen) => *seen = true,
            }
        }
        match seen.iter().position(|&seen| !seen) {
            Some(missing) => wrong(format!("stage {} is missing", missing + 1)),
            None => Ok(()),
        }
    }
}

fn check_values(list: &'static str, mut values: impl Iterator<Item = u64>, max: u64) -> Result<(), EqualizeError> {
    match values.find(|value| !(1..=max).contains(value)) {
        Some(value) => Err(EqualizeError::Value { list, value, max }),
        None => Ok(()),
    }
}

/// A checked question, ready to search.
struct Search<'a> {
    /// Ranges of all multipliers but the last, and of the last.
    prefix_ranges: &'a [RangeInclusive<u64>],
    last_range: RangeInclusive<u64>,
    /// By stage: its ReLUs for multipliers of 1, times the common denominator ∏ s_j².
    weights: Vec<u128>,
    /// Consecutive stages of the order, more critical first, counted from 0.
    pairs: Vec<(usize, usize)>,
    /// Number of choices of the multipliers but the last.
    cells: usize,
    strict: bool,
}

impl<'a> Search<'a> {
    fn new(question: &'a Equalization) -> Result<Self, EqualizeError> {
        let too_large = |choices| EqualizeError::TooLarge { choices, limit: MAX_CELLS };
        // The length was checked: there is at least one multiplier.
        let (last_range, prefix_ranges) = question.ranges.split_last().ok_or_else(|| too_large(0))?;
        let choices =
            prefix_ranges.iter().fold(1u128, |n, range| n.saturating_mul((range.end() - range.start() + 1).into()));
        if choices > MAX_CELLS.into() {
            return Err(too_large(choices));
        }
        let mut denominator = 1u128;
        let mut weights = Vec::with_capacity(question.depths.len());
        for k in (0..question.depths.len()).rev() {
            let at = |list: &[u64]| u128::from(list.get(k).copied().unwrap_or(1));
            weights.push(at(&question.depths) * at(&question.relus_per_block) * denominator);
            denominator *= at(&question.downsampling).pow(2);
        }
        weights.reverse();
        // 16 stages of down-sampling 8 need 90 bits, multipliers of 1024 another 150: refuse what leaves 128 bits.
        let largest_product = question.ranges.iter().try_fold(1u128, |n, range| n.checked_mul((*range.end()).into()));
        let largest_weight = weights.iter().max().copied().unwrap_or(1);
        largest_product.and_then(|product| product.checked_mul(largest_weight)).ok_or_else(|| too_large(choices))?;
        let pairs = question.order.iter().zip(question.order.iter().skip(1));
        Ok(Self {
            prefix_ranges,
            last_range: last_range.clone(),
            weights,
            pairs: pairs.map(|(a, b)| (a - 1, b - 1)).collect(),
            cells: choices as usize,
            strict: question.strict,
        })
    }

    /// Visits each choice of all multipliers but the last in lexicographic order, with its number and the interval of
    /// last multipliers that solve it.
    fn visit(&self, mut visitor: impl FnMut(usize, &[u64], Option<RangeInclusive<u64>>)) {
        let mut prefix: Vec<u64> = self.prefix_ranges.iter().map(|range| *range.start()).collect();
        for cell in 0..self.cells {
            visitor(cell, &prefix, self.last_multipliers(&prefix));
            for (multiplier, range) in prefix.iter_mut().zip(self.prefix_ranges).rev() {
                if *multiplier < *range.end() {
                    *multiplier += 1;
                    break;
                }
                *multiplier = *range.start();
            }
        }
    }

    /// Numbers of the choices in which one multiplier is one less.
    fn neighbours_below<'b>(&'b self, cell: usize, prefix: &'b [u64]) -> impl Iterator<Item = usize> + 'b {
        let mut step = 1;
        prefix.iter().zip(self.prefix_ranges).rev().filter_map(move |(multiplier, range)| {
            let neighbour = (multiplier > range.start()).then(|| cell - step);
            step *= (range.end() - range.start() + 1) as usize;
            neighbour
        })
    }

    /// The last multipliers that put all stages in order, given the others; none if there are none.
    fn last_multipliers(&self, prefix: &[u64]) -> Option<RangeInclusive<u64>> {
        // ReLUs of each stage up to the common factor; those of the last stage per unit of the last multiplier.
        let mut relus = [0u128; MAX_STAGES];
        let mut width = 1u128;
        let multipliers = std::iter::once(1).chain(prefix.iter().copied()).chain([1]);
        for ((slot, weight), multiplier) in relus.iter_mut().zip(&self.weights).zip(multipliers) {
            width *= u128::from(multiplier);
            *slot = weight * width;
        }
        let last = self.weights.len() - 1;
        let (mut min, mut max) = (u128::from(*self.last_range.start()), u128::from(*self.last_range.end()));
        let strictly = u128::from(self.strict);
        for &(more, less) in &self.pairs {
            let (more_relus, less_relus) = (relus[more], relus[less]);
            if less == last {
                max = max.min((more_relus - strictly) / less_relus);
            } else if more == last {
                min = min.max((less_relus + strictly).div_ceil(more_relus));
            } else if more_relus < less_relus + strictly {
                return None;
            }
        }
        // Both lie within the last multiplier's range.
        (min <= max).then_some(min as u64..=max as u64)
    }
}
