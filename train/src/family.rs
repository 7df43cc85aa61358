//! The networks that are trained: one base, and what is left of it under falling ReLU budgets, made by netgen's own
//! transforms.

use crate::TrainError;
use pisim_netgen::{Cull, Factor, Mask, Network, Reshape, Thin, Transform, criticality};

/// A way to have fewer ReLUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// All ReLUs of the base.
    Full,
    /// Whole stages lose their ReLUs, the least critical first (DeepReDuce; Jha et al., ICML 2021).
    Culled,
    /// Alternate ReLUs go.
    Thinned,
    /// Both.
    CulledThinned,
    /// Both, and fewer channels.
    Reshaped,
    /// Single ReLUs, chosen by gradient (SNL).
    Learnt,
    /// As many single ReLUs, chosen at random: what learning the masks is worth.
    Random,
}

impl Method {
    /// All of them, in the order of figures and tables.
    pub const ALL: [Self; 7] =
        [Self::Full, Self::Culled, Self::Thinned, Self::CulledThinned, Self::Reshaped, Self::Learnt, Self::Random];

    /// Its name in figures and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Culled => "culled",
            Self::Thinned => "thinned",
            Self::CulledThinned => "culled, thinned",
            Self::Reshaped => "culled, thinned, reshaped",
            Self::Learnt => "SNL, learnt masks",
            Self::Random => "random masks",
        }
    }

    /// Its name in names of files.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Culled => "culled",
            Self::Thinned => "thinned",
            Self::CulledThinned => "culled-thinned",
            Self::Reshaped => "culled-thinned-reshaped",
            Self::Learnt => "snl",
            Self::Random => "random",
        }
    }
}

/// A network of the family.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// How it was made.
    pub method: Method,
    /// What was done, in words: `cull stem s1, thin`.
    pub steps: String,
    /// The network.
    pub network: Network,
}

/// The networks that are made before any training: all but those with learnt masks. The base comes first.
///
/// # Errors
/// A base without stages that can be culled, or an impossible budget.
pub fn family(base: &Network, budgets: &[u64], halvings: u32, seed: u64) -> Result<Vec<Member>, TrainError> {
    let mut members = vec![Member { method: Method::Full, steps: "nothing".into(), network: base.clone() }];
    let levels = culls(base);
    let thin = Transform::Thin(Thin {});
    let mut add = |method: Method, transforms: &[Transform]| -> Result<(), TrainError> {
        let network = transforms.iter().try_fold(base.clone(), |network, transform| transform.apply(&network))?;
        let steps: Vec<String> = transforms.iter().map(Transform::to_string).collect();
        members.push(Member { method, steps: steps.join(", "), network });
        Ok(())
    };
    for stages in &levels {
        add(Method::Culled, &[cull(stages)])?;
    }
    add(Method::Thinned, std::slice::from_ref(&thin))?;
    // The last level has no ReLUs that could be thinned.
    let staged = levels.split_last().map_or(&[][..], |(_, staged)| staged);
    for stages in staged {
        add(Method::CulledThinned, &[cull(stages), thin.clone()])?;
    }
    if let Some(stages) = staged.first() {
        for halving in 1..=halvings {
            let a = Factor::new(0.5f64.powi(halving as i32)).unwrap_or_default();
            let reshape = Transform::Reshape(Reshape { a, rho: Factor::ONE });
            add(Method::Reshaped, &[cull(stages), thin.clone(), reshape])?;
        }
    }
    for &budget in budgets {
        add(Method::Random, &[Transform::Mask(Mask { budget: Some(budget), seed, ..Mask::default() })])?;
    }
    Ok(members)
}

fn cull(stages: &[String]) -> Transform {
    Transform::Cull(Cull { stages: stages.to_vec() })
}

/// The stages that are culled, level by level: the stem with the least critical stage, then one more at a time until
/// none is left.
fn culls(base: &Network) -> Vec<Vec<String>> {
    let body = base.body();
    let mut culled: Vec<String> = base.stages.iter().filter(|stage| *stage == "stem").cloned().collect();
    let mut levels = Vec::new();
    for stage in criticality(body.len()).into_iter().rev() {
        culled.extend(stage.checked_sub(1).and_then(|index| body.get(index)).map(|stage| stage.name.clone()));
        levels.push(culled.clone());
    }
    levels
}

/// Budgets of half, a quarter, … of a network's ReLUs.
pub fn halves(base: &Network, count: u32) -> Vec<u64> {
    (1..=count).map(|halving| base.relus() >> halving).filter(|budget| *budget > 0).collect()
}
