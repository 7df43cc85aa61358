//! NSGA-II: K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
//! Transactions on Evolutionary Computation 6(2), 2002; with its simulated binary crossover and polynomial mutation.
//!
//! A genome is a number from 0 to below 1 for each axis. Individuals that stand for a point that was seen before are drawn
//! anew, since axes have few values and a population would soon be copies of a few.

mod ranks;
mod variation;

use self::ranks::{crowded, rank};
use self::variation::{crossed, mutated};
use super::range::Range;
use super::sampling::uniform;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Probability that two parents are crossed (Deb et al., section V).
const CROSSOVER: f64 = 0.9;
/// Draws until an individual that was seen before is given up.
const ATTEMPTS: u32 = 50;
/// Different points up to which the ones that are left are looked for one by one.
const FEW_POINTS: usize = 1 << 20;

/// One axis of the genome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gene {
    /// How many values it tells apart; none for a continuous one.
    pub levels: Option<usize>,
    /// Whether values near to each other are alike. Others are never mixed.
    pub ordered: bool,
    /// The range of a continuous one, whose whole numbers are told apart.
    pub range: Option<Range>,
}

/// One evaluated individual. All objectives are to be small.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Individual {
    pub genome: Vec<f64>,
    pub objectives: Vec<f64>,
    /// How far it is from meeting the constraints; 0 if it does.
    pub violation: f64,
}

impl Individual {
    /// Constrained domination (section VI): the smaller violation; of two without any, one that is nowhere worse and somewhere
    /// better.
    pub fn dominates(&self, other: &Self) -> bool {
        if self.violation != other.violation {
            return self.violation < other.violation;
        }
        dominates(&self.objectives, &other.objectives)
    }
}

/// Whether `a` is nowhere larger than `b`, and somewhere smaller.
pub(super) fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
}

/// The algorithm between two generations.
#[derive(Debug)]
pub(super) struct Nsga2 {
    genes: Vec<Gene>,
    population: usize,
    random: ChaCha8Rng,
    /// What was drawn so far, as the levels or bits of each gene.
    seen: HashSet<Vec<u64>>,
    parents: Vec<Individual>,
}

impl Nsga2 {
    pub fn new(genes: Vec<Gene>, population: usize, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { genes, population, random, seen: HashSet::new(), parents: Vec::new() }
    }

    /// The genomes to evaluate next: random ones at first, then children of the best so far. Fewer than the population when the
    /// axes have no more points.
    pub fn ask(&mut self) -> Vec<Vec<f64>> {
        let (ranks, distances) = rank(&self.parents);
        let mut children = Vec::with_capacity(self.population);
        while children.len() < self.population {
            let Some(child) = self.unseen(&ranks, &distances) else { break };
            children.push(child);
        }
        children
    }

    /// Takes what was evaluated; the best of it and of the parents are the next parents.
    pub fn tell(&mut self, evaluated: Vec<Individual>) {
        let mut all = std::mem::take(&mut self.parents);
        all.extend(evaluated);
        let (ranks, distances) = rank(&all);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|&a, &b| crowded(&ranks, &distances, a, b));
        order.truncate(self.population);
        // In the order of their making, so that equal inputs give equal parents.
        order.sort_unstable();
        let mut keep = order.into_iter().peekable();
        let kept = all.into_iter().enumerate().filter(|(position, _)| keep.next_if_eq(position).is_some());
        self.parents = kept.map(|(_, individual)| individual).collect();
    }

    /// The parents that no other one dominates and that meet the constraints.
    #[cfg(test)]
    pub fn front(&self) -> Vec<&Individual> {
        let alone = |a: &&Individual| a.violation == 0.0 && !self.parents.iter().any(|b| b.dominates(a));
        self.parents.iter().filter(alone).collect()
    }

    fn unseen(&mut self, ranks: &[usize], distances: &[f64]) -> Option<Vec<f64>> {
        for attempt in 0..ATTEMPTS {
            // Children first; where they are all known, something new from anywhere.
            let child = if self.parents.is_empty() || attempt > ATTEMPTS / 2 {
                (0..self.genes.len()).map(|_| uniform(&mut self.random)).collect()
            } else {
                self.child(ranks, distances)
            };
            if self.seen.insert(self.told_apart(&child)) {
                return Some(child);
            }
        }
        self.left()
    }

    /// A point that was not drawn so far, where there are few points in all and chance does not find the last ones.
    fn left(&mut self) -> Option<Vec<f64>> {
        let levels: Vec<usize> = self.genes.iter().map(|gene| gene.levels).collect::<Option<_>>()?;
        let all = levels.iter().try_fold(1_usize, |all, levels| all.checked_mul(*levels))?;
        if all > FEW_POINTS || self.seen.len() >= all {
            return None;
        }
        let start = (uniform(&mut self.random) * all as f64) as usize;
        for number in (start..all).chain(0..start) {
            let mut rest = number;
            let part = |levels: &usize| {
                let level = rest % levels;
                rest /= levels;
                // The middle of the level: its ends may be rounded into the next one.
                (level as f64 + 0.5) / *levels as f64
            };
            let genome: Vec<f64> = levels.iter().map(part).collect();
            if self.seen.insert(self.told_apart(&genome)) {
                return Some(genome);
            }
        }
        None
    }

    /// What a genome stands for: levels and whole numbers where there are some.
    fn told_apart(&self, genome: &[f64]) -> Vec<u64> {
        let level =
            |(part, gene): (&f64, &Gene)| match (gene.levels, gene.range.and_then(|range| range.whole_at(*part))) {
                (Some(levels), _) => (part * levels as f64) as u64,
                (None, Some(whole)) => whole as u64,
                (None, None) => part.to_bits(),
            };
        genome.iter().zip(&self.genes).map(level).collect()
    }

    fn child(&mut self, ranks: &[usize], distances: &[f64]) -> Vec<f64> {
        let (mother, father) = (self.tournament(ranks, distances), self.tournament(ranks, distances));
        let of = |position: usize| self.parents.get(position).map(|parent| parent.genome.clone()).unwrap_or_default();
        let (mut child, other) = (of(mother), of(father));
        if uniform(&mut self.random) < CROSSOVER {
            for ((part, other), gene) in child.iter_mut().zip(&other).zip(&self.genes) {
                *part = crossed(*part, *other, *gene, &mut self.random);
            }
        }
        let each = 1.0 / self.genes.len().max(1) as f64;
        for (part, gene) in child.iter_mut().zip(&self.genes) {
            if uniform(&mut self.random) < each {
                *part = mutated(*part, *gene, &mut self.random);
            }
        }
        child
    }

    /// The better of two random parents.
    fn tournament(&mut self, ranks: &[usize], distances: &[f64]) -> usize {
        let mut draw = || (uniform(&mut self.random) * ranks.len() as f64) as usize;
        let (a, b) = (draw(), draw());
        if crowded(ranks, distances, a, b) == Ordering::Greater { b } else { a }
    }
}

#[cfg(test)]
mod tests {
    use super::super::range::Scale;
    use super::*;
    use pisim_settings::Value;

    /// Problems of E. Zitzler, K. Deb, L. Thiele, "Comparison of multiobjective evolutionary algorithms", Evolutionary
    /// Computation 8(2), 2000. Their fronts are at g = 1.
    fn zdt(problem: u32, x: &[f64]) -> Vec<f64> {
        let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64;
        let part = x[0] / g;
        let h = match problem {
            1 => 1.0 - part.sqrt(),
            2 => 1.0 - part * part,
            _ => 1.0 - part.sqrt() - part * (10.0 * std::f64::consts::PI * x[0]).sin(),
        };
        vec![x[0], g * h]
    }

    fn searched(
        genes: Vec<Gene>,
        generations: usize,
        seed: u64,
        evaluate: impl Fn(&[f64]) -> (Vec<f64>, f64),
    ) -> Nsga2 {
        let mut search = Nsga2::new(genes, 60, seed);
        for _ in 0..generations {
            let individual = |genome: Vec<f64>| {
                let (objectives, violation) = evaluate(&genome);
                Individual { genome, objectives, violation }
            };
            let evaluated = search.ask().into_iter().map(individual).collect();
            search.tell(evaluated);
        }
        search
    }

    const CONTINUOUS: Gene = Gene { levels: None, ordered: true, range: None };

    #[test]
    fn the_known_fronts_are_found() {
        for problem in 1..=3 {
            let search = searched(vec![CONTINUOUS; 10], 200, 1, |x| (zdt(problem, x), 0.0));
            let front = search.front();
            assert!(front.len() > 40, "ZDT{problem}: {}", front.len());
            // The nearest value of the true front has the same first objective and g = 1.
            let error =
                |individual: &&Individual| individual.objectives[1] - zdt(problem, &[individual.objectives[0], 0.0])[1];
            let mean = front.iter().map(error).sum::<f64>() / front.len() as f64;
            assert!((0.0..0.02).contains(&mean), "ZDT{problem}: {mean}");
            let firsts = front.iter().map(|individual| individual.objectives[0]);
            let (least, most) = firsts.fold((1.0_f64, 0.0_f64), |(a, b), first| (a.min(first), b.max(first)));
            assert!(least < 0.05 && most > if problem == 3 { 0.8 } else { 0.95 }, "ZDT{problem}: {least} to {most}");
        }
    }

    #[test]
    fn the_front_is_not_dominated_and_repeats_with_the_seed() {
        let run = |seed| searched(vec![CONTINUOUS; 5], 30, seed, |x| (zdt(1, x), 0.0));
        let (a, b) = (run(7), run(7));
        assert_eq!(a.parents, b.parents);
        assert_ne!(a.parents, run(8).parents);
        for one in a.front() {
            assert!(!a.parents.iter().any(|other| other.dominates(one)));
        }
    }

    #[test]
    fn constraints_are_met() {
        let search = searched(vec![CONTINUOUS; 4], 60, 1, |x| (zdt(1, x), (0.5 - x[0]).max(0.0)));
        assert!(search.parents.iter().all(|individual| individual.violation == 0.0 && individual.genome[0] >= 0.5));
    }

    #[test]
    fn few_values_are_each_tried_once() {
        let genes = vec![
            Gene { levels: Some(5), ordered: true, range: None },
            Gene { levels: Some(4), ordered: false, range: None },
        ];
        let mut search = Nsga2::new(genes, 60, 3);
        let first = search.ask();
        assert_eq!(first.len(), 20, "all there are");
        let different: HashSet<Vec<u64>> = first.iter().map(|genome| search.told_apart(genome)).collect();
        assert_eq!(different.len(), 20);
        assert!(search.ask().is_empty());
    }

    #[test]
    fn whole_numbers_of_a_range_are_each_tried_once() {
        let range = Range::new(&Value::Integer(1), &Value::Integer(64), Scale::Log).unwrap();
        let mut search = Nsga2::new(vec![Gene { levels: None, ordered: true, range: Some(range) }], 30, 3);
        let wholes: Vec<i64> = search.ask().iter().filter_map(|genome| range.whole_at(genome[0])).collect();
        let different: HashSet<i64> = wholes.iter().copied().collect();
        assert_eq!((wholes.len(), different.len()), (30, 30));
    }

    #[test]
    fn the_best_of_named_values_is_found() {
        let genes = vec![
            Gene { levels: Some(64), ordered: false, range: None },
            Gene { levels: Some(64), ordered: true, range: None },
        ];
        let cost = |x: &[f64]| {
            let named = (x[0] * 64.0) as u64;
            (vec![(named * 37 % 64) as f64, ((x[1] * 64.0).floor() - 40.0).abs()], 0.0)
        };
        let search = searched(genes, 30, 1, cost);
        assert!(search.front().iter().any(|individual| individual.objectives == [0.0, 0.0]));
    }
}
