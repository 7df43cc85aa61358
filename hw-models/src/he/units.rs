//! What homomorphic operations take on an engine's units.

use super::{HeBusy, HeEngine, HeWork};
use crate::cost::product;

/// How often each primitive is done: the part of a [`HeWork`] that units do, without the sizes that come with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub ntts: u64,
    pub mod_muls: u64,
    pub automorphisms: u64,
    pub key_switches: u64,
    pub switch_ntts: u64,
    pub switch_mod_muls: u64,
}

impl Amounts {
    pub fn of(work: &HeWork) -> Self {
        let HeWork { ntts, mod_muls, automorphisms, key_switches, switch_ntts, switch_mod_muls, .. } = *work;
        Self { ntts, mod_muls, automorphisms, key_switches, switch_ntts, switch_mod_muls }
    }

    /// What is left of the amounts.
    pub fn without(&self, part: &Self) -> Self {
        self.with(part, u64::saturating_sub)
    }

    /// As far as there is so much of it.
    pub fn at_most(&self, all: &Self) -> Self {
        self.with(all, u64::min)
    }

    /// All of so many equal passes but the last.
    pub fn of_passes(&self, passes: u64) -> Self {
        let passes = passes.max(1);
        self.with(self, |amount, _| amount - amount.div_ceil(passes))
    }

    fn with(&self, other: &Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            ntts: of(self.ntts, other.ntts),
            mod_muls: of(self.mod_muls, other.mod_muls),
            automorphisms: of(self.automorphisms, other.automorphisms),
            key_switches: of(self.key_switches, other.key_switches),
            switch_ntts: of(self.switch_ntts, other.switch_ntts),
            switch_mod_muls: of(self.switch_mod_muls, other.switch_mod_muls),
        }
    }
}

/// An engine's units at work on polynomials of one size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units<'a> {
    engine: &'a HeEngine,
    /// Ring degree N.
    pub degree: u64,
    /// Limbs of a polynomial.
    pub limbs: u64,
    /// Narrower limbs to one of these.
    pub narrow: u64,
    /// Cycles of one transform of a narrower limb.
    ntt_cycles: u64,
    /// Cycles of one key switch on the pipeline for it.
    switch_cycles: Option<u64>,
    /// Cycles between two products of one multiplier.
    interval: u64,
    shares: Shares,
}

/// How limbs share transform units and multipliers.
#[derive(Debug, Clone, Copy)]
struct Shares {
    /// Limbs among which work is divided; 1 if they may be done in any order.
    limbs: u64,
    /// Rounds in which all limbs have had their turn.
    waves: u64,
    /// Transform units of one limb.
    ntt_units: u64,
    /// Multipliers of one limb.
    lanes: u64,
}

impl Shares {
    fn of(engine: &HeEngine, limbs: u64) -> Self {
        let (limbs, at_once) = match engine.design.limbs_at_once {
            Some(at_once) => (limbs, at_once.max(1)),
            None => (1, 1),
        };
        let share = |units: u64| (units / at_once).max(1);
        Self {
            limbs,
            waves: limbs.div_ceil(at_once),
            ntt_units: share(engine.ntt_units),
            lanes: share(engine.modmul_lanes),
        }
    }

    /// Steps that `amount` items take when each limb has so many units: ⌈limbs / at once⌉ waves, in each of which the items of
    /// one limb have their share of the units.
    fn steps(&self, amount: u64, units: u64) -> u64 {
        let of_limb = if self.limbs == 1 { amount } else { amount.div_ceil(self.limbs) };
        product(&[self.waves, of_limb.div_ceil(units)])
    }
}

impl<'a> Units<'a> {
    /// The units at work on the polynomials of a piece of work.
    pub fn of(engine: &'a HeEngine, work: &HeWork) -> Self {
        let narrow = engine.narrow(work);
        Self {
            engine,
            degree: work.degree,
            limbs: work.limbs,
            narrow,
            ntt_cycles: engine.ntt_cycles(work.degree),
            switch_cycles: engine.piped_switch_cycles(work),
            interval: engine.design.multiplier_interval.max(1),
            shares: Shares::of(engine, product(&[work.limbs.max(1), narrow])),
        }
    }

    /// Cycles that each kind of unit needs for one of so many equal rounds, the scratchpad's ports left out.
    pub fn busy(&self, amounts: &Amounts, rounds: u64) -> HeBusy {
        let Amounts { mut ntts, mut mod_muls, automorphisms, key_switches, switch_ntts, switch_mod_muls } = *amounts;
        let piped = self.switch_cycles.filter(|_| key_switches > 0);
        if piped.is_some() {
            ntts = ntts.saturating_sub(switch_ntts);
            mod_muls = mod_muls.saturating_sub(switch_mod_muls);
        }
        let of_round = |amount: u64| if rounds == 1 { amount } else { amount.div_ceil(rounds) };
        HeBusy {
            ntt: self.ntt(of_round(product(&[ntts, self.narrow]))),
            multiply: self.multiply(of_round(product(&[mod_muls, self.narrow]))),
            automorphism: self.automorphism(automorphisms, rounds),
            key_switch: piped.map_or(0, |one| product(&[of_round(key_switches), one])),
            scratchpad: 0,
        }
    }

    /// Cycles of so many transforms of one limb that are alone on their units, with the latency of their results; none for none.
    pub fn transforms(&self, count: u64) -> u64 {
        if count == 0 { 0 } else { self.ends(self.ntt(product(&[count, self.narrow]))) }
    }

    /// Cycles of so many products that are alone on their units, with the latency of their results.
    pub fn products(&self, count: u64) -> u64 {
        self.ends(self.multiply(product(&[count, self.narrow])))
    }

    /// Cycles of the automorphism and the key switch of one rotation, one after the other.
    pub fn rotation(&self) -> u64 {
        self.ends(self.automorphism(1, 1)).saturating_add(self.key_switch())
    }

    /// What so many rotations take: an automorphism and a key switch each.
    pub fn rotations(&self, count: u64) -> Amounts {
        let (ntts, mod_muls) = switch_work(self.limbs, self.degree);
        let (ntts, mod_muls) = (product(&[count, ntts]), product(&[count, mod_muls]));
        Amounts {
            ntts,
            mod_muls,
            automorphisms: count,
            key_switches: count,
            switch_ntts: ntts,
            switch_mod_muls: mod_muls,
        }
    }

    /// A key switch with a digit for every limb and one special limb, step by step.
    fn key_switch(&self) -> u64 {
        if let Some(cycles) = self.switch_cycles {
            return self.ends(cycles);
        }
        let Self { limbs, degree, .. } = *self;
        [
            self.transforms(limbs),
            self.transforms(product(&[limbs, limbs])),
            self.products(product(&[2, limbs, limbs.saturating_add(1), degree])),
            self.transforms(2),
            self.transforms(product(&[2, limbs])),
            self.products(product(&[2, limbs, degree])),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    fn ntt(&self, narrow_ntts: u64) -> u64 {
        product(&[self.shares.steps(narrow_ntts, self.shares.ntt_units), self.ntt_cycles])
    }

    fn multiply(&self, narrow_mod_muls: u64) -> u64 {
        self.shares.steps(product(&[narrow_mod_muls, self.interval]), self.shares.lanes)
    }

    fn automorphism(&self, count: u64, rounds: u64) -> u64 {
        if count == 0 {
            return 0;
        }
        let moved = permuted(count, [self.limbs, self.narrow, self.degree]);
        moved.div_ceil(rounds).div_ceil(self.engine.automorphism_lanes.max(1))
    }

    fn ends(&self, cycles: u64) -> u64 {
        cycles.saturating_add(self.engine.pipeline_latency)
    }
}

/// Transforms and products of key switches with a digit for every limb and one special limb: digits are transformed back
/// and into all other limbs, multiplied with both halves of the key, and both sums are divided by the special limb.
pub(super) fn switch_work(limbs: u64, degree: u64) -> (u64, u64) {
    let ntts = product(&[limbs, limbs.saturating_add(1)]).saturating_add(product(&[2, limbs.saturating_add(1)]));
    let mod_muls = product(&[2, limbs, limbs.saturating_add(2), degree]);
    (ntts, mod_muls)
}

/// Coefficients that automorphisms of ciphertexts of `limbs`, `narrow` limbs to each, and this degree move.
pub(super) fn permuted(automorphisms: u64, [limbs, narrow, degree]: [u64; 3]) -> u64 {
    product(&[automorphisms, 2, limbs, narrow, degree])
}
