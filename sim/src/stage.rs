//! A part of a step on a processor, in the order of a processor's prices.

use crate::demand::Stage;
use pisim_hw_models::{Cost, Cpu, PRIMITIVES};

/// Seconds of one of each kind of primitive on one party's processor.
pub(crate) type Rates = [f64; PRIMITIVES];

/// A stage, with the primitives that it has. Most stages have few kinds of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Priced {
    pub stage: Stage,
    /// Kind and number, as [`CpuWork::counts`](pisim_hw_models::CpuWork::counts) has them.
    terms: Vec<(usize, f64)>,
}

impl From<Stage> for Priced {
    fn from(stage: Stage) -> Self {
        let counts = stage.work.counts().into_iter().enumerate();
        let terms = counts.filter(|(_, count)| *count > 0).map(|(kind, count)| (kind, count as f64)).collect();
        Self { stage, terms }
    }
}

impl Priced {
    /// What it costs on `threads` threads of a processor: as [`Cpu::cost_on`], bit for bit, without the terms that are zero.
    #[inline]
    pub fn cost_on(&self, cpu: &Cpu, rates: &Rates, threads: u64) -> Cost {
        let work = &self.stage.work;
        let term = |&(kind, count): &(usize, f64)| count * rates.get(kind).copied().unwrap_or(0.0);
        let core_seconds = self.terms.iter().map(term).sum::<f64>() + cpu.library_seconds(work);
        let items = work.parallelism;
        let paired = self.stage.paired && items >= threads.saturating_mul(8);
        cpu.share_out(core_seconds, work, if paired { items.div_ceil(2) } else { items }, threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pisim_hw_models::{CpuWork, Platform, WorkClass};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn zero_terms_do_not_change_a_bit(counts in prop::array::uniform8(0_u64..1_000_000), threads in 1_u64..64) {
            let [labels, xors, ntts, mod_muls, encryptions, ring_macs, he_products, parallelism] = counts;
            let few = labels % 2 == 0;
            let rest = if few { CpuWork::default() } else { CpuWork { mod_muls, encryptions, ring_macs, ..CpuWork::default() } };
            let work = CpuWork { labels, xors, ntts, he_products, degree: 4096, ring_bits: 41, parallelism, ..rest };
            for name in Platform::builtin_names() {
                let cpu = Platform::builtin(name).unwrap().server.cpu;
                let rates = cpu.costs.rates(4096, 41);
                let priced = Priced::from(Stage { class: WorkClass::Other, work, paired: false });
                prop_assert_eq!(priced.cost_on(&cpu, &rates, threads), cpu.cost_on(&work, threads));
            }
        }
    }
}
