//! Children: simulated binary crossover and polynomial mutation, gene by gene.

use super::super::sampling::uniform;
use super::Gene;
use rand_chacha::ChaCha8Rng;

/// Distribution index of crossover and of mutation: children are nearer to their parents the larger it is (section V).
const INDEX: f64 = 20.0;

/// Simulated binary crossover; one of the two children, either with equal probability.
pub(super) fn crossed(a: f64, b: f64, gene: Gene, random: &mut ChaCha8Rng) -> f64 {
    let swap = uniform(random) < 0.5;
    if !gene.ordered {
        return if swap { b } else { a };
    }
    if uniform(random) < 0.5 {
        return a;
    }
    let u = uniform(random);
    let power = 1.0 / (INDEX + 1.0);
    let spread = if u <= 0.5 { (2.0 * u).powf(power) } else { (1.0 / (2.0 * (1.0 - u))).powf(power) };
    let spread = if swap { -spread } else { spread };
    inside(0.5 * ((a + b) + spread * (a - b)))
}

/// Polynomial mutation; a value without neighbours becomes any other.
pub(super) fn mutated(part: f64, gene: Gene, random: &mut ChaCha8Rng) -> f64 {
    let u = uniform(random);
    if !gene.ordered {
        return u;
    }
    let power = 1.0 / (INDEX + 1.0);
    let step = if u < 0.5 {
        (2.0 * u + (1.0 - 2.0 * u) * (1.0 - part).powf(INDEX + 1.0)).powf(power) - 1.0
    } else {
        1.0 - (2.0 * (1.0 - u) + (2.0 * u - 1.0) * part.powf(INDEX + 1.0)).powf(power)
    };
    // A level is as wide as its share of the axis: a step that stays inside of it would be none.
    let least = gene.levels.map_or(0.0, |levels| 1.0 / levels as f64);
    let step = if step.abs() < least { least.copysign(step) } else { step };
    inside(part + step)
}

fn inside(part: f64) -> f64 {
    part.clamp(0.0, 1.0 - f64::EPSILON)
}
