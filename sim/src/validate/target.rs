//! One compared quantity: its cases, how near the model comes, and what is to be thought of it.

use super::targets::About;
use serde::Serialize;

/// What a figure says about the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// The reference is a sum or a formula that the model has too: only the arithmetic is checked.
    Identity,
    /// Constants were fitted on these figures: the error says how well the model's form fits.
    Fitted,
    /// No constant was, but a rule of the model was chosen with these figures in view: not an independent test.
    Seen,
    /// Neither: the error is the model's.
    Predicted,
}

impl Set {
    /// All of them, from the least to the most telling.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Fitted, Self::Seen, Self::Predicted];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Fitted => "fitted",
            Self::Seen => "seen",
            Self::Predicted => "predicted",
        }
    }
}

/// What is to be thought of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The errors are within the limits, and small: a mean of at most [`PASS_MEAN_PCT`], none above [`PASS_MAX_PCT`].
    Pass,
    /// The errors are larger than that, and it is known why or that it is not known. The limits guard against worse.
    KnownMiss,
    /// A limit is exceeded.
    Fail,
}

impl Verdict {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::KnownMiss => "known miss",
            Self::Fail => "FAIL",
        }
    }
}

/// No comparison with a larger mean error, in per cent, is called a pass.
pub const PASS_MEAN_PCT: f64 = 10.0;

/// No comparison with a larger error in any case, in per cent, is called a pass.
pub const PASS_MAX_PCT: f64 = 25.0;

/// How far off a case is, and in what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorUnit {
    /// In per cent of the reference.
    #[default]
    Percent,
    /// In points: both figures are percentages.
    Points,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// Which layer, quantity or setting.
    pub case: String,
    /// The reference, in the target's unit: published, or of the tool that the target names.
    pub published: f64,
    /// As modelled.
    pub modelled: f64,
    /// Where sources disagree: the least and the most that is accepted. The figures are then percentages themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<[f64; 2]>,
    /// In what its error is counted.
    pub error_in: ErrorUnit,
}

impl Case {
    /// A figure whose error is relative.
    pub(super) fn new(case: impl Into<String>, published: f64, modelled: f64) -> Self {
        Self { case: case.into(), published, modelled, band: None, error_in: ErrorUnit::Percent }
    }

    /// A percentage, whose error is in points.
    pub(super) fn points(case: impl Into<String>, published: f64, modelled: f64) -> Self {
        Self { error_in: ErrorUnit::Points, ..Self::new(case, published, modelled) }
    }

    /// A percentage for which there are several references.
    pub(super) fn banded(case: impl Into<String>, band: [f64; 2], modelled: f64) -> Self {
        let middle = (band[0] + band[1]) / 2.0;
        Self { band: Some(band), ..Self::points(case, middle, modelled) }
    }

    /// How far off, in per cent of the reference, in points, or in points outside of the band; positive if the model says more.
    pub fn error_pct(&self) -> f64 {
        match (self.band, self.error_in) {
            (Some([least, _]), _) if self.modelled < least => self.modelled - least,
            (Some([_, most]), _) if self.modelled > most => self.modelled - most,
            // A figure that is no number is inside of nothing.
            (Some(_), _) => self.modelled * 0.0,
            (None, ErrorUnit::Points) => self.modelled - self.published,
            (None, ErrorUnit::Percent) => 100.0 * (self.modelled / self.published - 1.0),
        }
    }

    /// Points from the middle of the band, and to its nearer edge: negative outside. `None` without a band.
    fn in_band(&self) -> Option<[f64; 2]> {
        let [least, most] = self.band?;
        let off = (self.modelled - self.published).abs();
        Some([off, (self.modelled - least).min(most - self.modelled)])
    }
}

/// How cases with bands lie in them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct InBand {
    /// Cases inside.
    pub inside: usize,
    /// The largest distance from a band's middle, in points.
    pub farthest_from_middle: f64,
    /// The least distance to a band's edge, in points; negative outside.
    pub nearest_to_edge: f64,
}

impl InBand {
    /// Of the cases that have a band; `None` if there are none.
    fn of(cases: &[Case]) -> Option<Self> {
        let mut found = None;
        for [off, margin] in cases.iter().filter_map(Case::in_band) {
            let so_far = found.unwrap_or(Self { inside: 0, farthest_from_middle: 0.0, nearest_to_edge: f64::INFINITY });
            found = Some(Self {
                inside: so_far.inside + usize::from(margin >= 0.0),
                farthest_from_middle: so_far.farthest_from_middle.max(off),
                nearest_to_edge: so_far.nearest_to_edge.min(margin),
            });
        }
        found
    }
}

/// One compared quantity: its cases and how near the model comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Its name, for `--target`.
    pub target: &'static str,
    /// The network or the part of the rows, or `-` for all.
    pub network: &'static str,
    /// What is compared, with its unit.
    pub metric: &'static str,
    /// Where the reference figures are from.
    pub source: &'static str,
    /// What the reference is: `published`, or the tool that made it here.
    pub reference: &'static str,
    /// What the figures say about the model.
    pub set: Set,
    /// Number of cases.
    pub cases: usize,
    /// Mean of the errors' sizes, per cent or points.
    pub mean_abs_error_pct: f64,
    /// The largest, per cent or points.
    pub max_abs_error_pct: f64,
    /// The most that the mean may be.
    pub limit_pct: f64,
    /// The most that the largest may be.
    pub max_limit_pct: f64,
    /// Whether both limits hold.
    pub pass: bool,
    /// What is to be thought of it: a known miss is within its limits too.
    pub verdict: Verdict,
    /// How the cases lie in their bands, if they have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bands: Option<InBand>,
    /// Why it misses, or what its figures do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// Figures of the same source that the model does not give, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_modelled: Option<&'static str>,
    /// Every case.
    pub details: Vec<Case>,
}

/// The most that a target's errors may be, in per cent or points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub mean: f64,
    pub max: f64,
}

impl Target {
    /// A target from its cases. Without any, it fails: nothing was compared.
    pub(super) fn new(of: &About, network: &'static str, set: Set, limits: Limits, details: Vec<Case>) -> Self {
        let errors: Vec<f64> = details.iter().map(|case| case.error_pct().abs()).collect();
        let (mean, max) = match errors.len() {
            0 => (100.0, 100.0),
            cases => (errors.iter().sum::<f64>() / cases as f64, errors.iter().copied().fold(0.0, f64::max)),
        };
        // An error that is no number fails too.
        let pass =
            mean <= limits.mean && max <= limits.max && !errors.is_empty() && errors.iter().all(|e| e.is_finite());
        let verdict = match pass {
            false => Verdict::Fail,
            true if mean > PASS_MEAN_PCT || max > PASS_MAX_PCT => Verdict::KnownMiss,
            true => Verdict::Pass,
        };
        Self {
            target: of.target,
            network,
            metric: of.metric,
            source: of.source,
            reference: "published",
            set,
            cases: details.len(),
            mean_abs_error_pct: mean,
            max_abs_error_pct: max,
            limit_pct: limits.mean,
            max_limit_pct: limits.max,
            pass,
            verdict,
            bands: InBand::of(&details),
            note: None,
            not_modelled: None,
            details,
        }
    }

    /// The same with a word on its figures.
    pub(super) fn noted(self, note: &'static str) -> Self {
        Self { note: Some(note), ..self }
    }

    /// The same, which misses although its errors are small enough for a pass.
    pub(super) fn missing(self, why: &'static str) -> Self {
        let verdict = if self.pass { Verdict::KnownMiss } else { self.verdict };
        Self { verdict, note: Some(why), ..self }
    }

    /// The same with another reference than publications.
    pub(super) fn against(self, reference: &'static str) -> Self {
        Self { reference, ..self }
    }

    /// The same with what it leaves out.
    pub(super) fn without(self, not_modelled: &'static str) -> Self {
        Self { not_modelled: Some(not_modelled), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { target: "t", metric: "m", source: "s" };

    fn limited(errors_pct: &[f64], limits: Limits) -> Target {
        let case = |error: &f64| Case::new("c", 200.0, 200.0 * (1.0 + error / 100.0));
        Target::new(&ABOUT, "n", Set::Fitted, limits, errors_pct.iter().map(case).collect())
    }

    fn target(errors_pct: &[f64]) -> Target {
        limited(errors_pct, Limits { mean: 5.0, max: 15.0 })
    }

    #[test]
    fn a_target_fails_by_its_mean_or_its_worst_case_or_for_want_of_cases() {
        assert!(target(&[0.0, -14.9, 0.0]).pass);
        assert!(!target(&[0.0, 15.1, 0.0, 0.0]).pass, "one case is too far off");
        assert!(!target(&[5.1, -5.1]).pass, "errors of both signs do not cancel");
        assert!(!target(&[f64::NAN, 0.0]).pass && !target(&[f64::INFINITY]).pass);
        assert!(!target(&[]).pass, "nothing was compared");
        let found = target(&[-2.0, 4.0]);
        assert!((found.mean_abs_error_pct - 3.0).abs() < 1e-9 && (found.max_abs_error_pct - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_large_error_is_a_known_miss_within_its_limits_and_a_failure_beyond() {
        let wide = Limits { mean: 50.0, max: 60.0 };
        let verdict = |errors: &[f64]| limited(errors, wide).verdict;
        assert_eq!(verdict(&[9.0, 9.0]), Verdict::Pass);
        assert_eq!(verdict(&[11.0, 11.0]), Verdict::KnownMiss, "the mean is too large for a pass");
        assert_eq!(verdict(&[26.0, 0.0, 0.0, 0.0]), Verdict::KnownMiss, "one case is too far off for a pass");
        assert_eq!(verdict(&[61.0, 0.0]), Verdict::Fail);
        assert_eq!(target(&[1.0]).missing("told").verdict, Verdict::KnownMiss);
        assert_eq!(target(&[99.0]).missing("told").verdict, Verdict::Fail, "a known miss that got worse fails");
    }

    #[test]
    fn a_banded_case_is_off_by_its_distance_from_the_band() {
        let case = |modelled| Case::banded("c", [40.0, 60.0], modelled);
        assert_eq!([40.0, 55.0, 60.0, 38.5, 61.0].map(|found| case(found).error_pct()), [0.0, 0.0, 0.0, -1.5, 1.0]);
        assert!(!target(&[case(f64::NAN).error_pct()]).pass);
        let all = [40.0, 55.0, 38.5].map(case).to_vec();
        let bands = Target::new(&ABOUT, "n", Set::Seen, Limits { mean: 1.0, max: 2.0 }, all).bands;
        assert_eq!(bands, Some(InBand { inside: 2, farthest_from_middle: 11.5, nearest_to_edge: -1.5 }));
        assert_eq!(target(&[0.0]).bands, None);
    }

    #[test]
    fn an_error_in_points_is_a_difference() {
        assert!((Case::points("c", 53.9, 52.1).error_pct() + 1.8).abs() < 1e-9);
    }
}
