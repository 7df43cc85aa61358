//! Axes: where a value lies, where the ticks go and what they say.

use crate::format::Quantity;

/// The widest range of a logarithmic axis, decades: smaller values lie at its foot.
const MAX_DECADES: i32 = 12;

/// One tick of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where it lies, from 0 (start of the axis) to 1 (its end).
    pub position: f64,
    /// What it says; empty for a grid line without a label.
    pub label: String,
}

/// A mapping of values to positions from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Axis {
    /// From zero, in `ticks` steps of `step`.
    Linear {
        /// What is measured.
        quantity: Quantity,
        /// Distance of ticks.
        step: f64,
        /// Value at the end.
        end: f64,
    },
    /// From 10^`low` to 10^`high`.
    Log {
        /// What is measured.
        quantity: Quantity,
        /// Power of ten at the start.
        low: i32,
        /// Power of ten at the end.
        high: i32,
    },
    /// From one value to another: for points, which unlike bars need no zero.
    Span {
        /// What is measured.
        quantity: Quantity,
        /// Value at the start.
        low: f64,
        /// Value at the end.
        high: f64,
        /// Whether equal distances are equal ratios.
        log: bool,
    },
}

/// From this ratio of the largest to the smallest value on, a span is logarithmic.
const WIDE: f64 = 4.0;

impl Axis {
    /// A linear axis from zero that covers `max`, with about `ticks` steps of 1, 2 or 5 times a power of ten.
    pub fn linear(quantity: Quantity, max: f64, ticks: u32) -> Self {
        let max = if max.is_finite() && max > f64::MIN_POSITIVE * 1e6 { max } else { 1.0 };
        let rough = max / f64::from(ticks.max(1));
        let power = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|f| f * power).find(|s| *s >= rough * 0.999).unwrap_or(power * 10.0);
        // Whole counts have whole ticks.
        let step = if matches!(quantity, Quantity::Count | Quantity::Bytes) { step.max(1.0) } else { step };
        Self::Linear { quantity, step, end: (max / step * 0.999).ceil().max(1.0) * step }
    }

    /// A linear axis that ends exactly at `max`: for time lines.
    pub fn until(quantity: Quantity, max: f64, ticks: u32) -> Self {
        match Self::linear(quantity, max, ticks) {
            Self::Linear { step, end, .. } if max.is_finite() && max > 0.0 => {
                Self::Linear { quantity, step, end: max.min(end) }
            }
            other => other,
        }
    }

    /// A logarithmic axis over whole decades that covers the positive `values`.
    pub fn log(quantity: Quantity, values: impl Iterator<Item = f64>) -> Self {
        let (mut min, mut max) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|v| v.is_finite() && *v > 0.0) {
            min = min.min(value);
            max = max.max(value);
        }
        if max == 0.0 {
            return Self::Log { quantity, low: -1, high: 0 };
        }
        let high = max.log10().ceil() as i32;
        // A bar must not start at its own value: leave at least a fifth of a decade below the smallest.
        let low = ((min.log10() - 0.2).floor() as i32).clamp(high - MAX_DECADES, high - 1);
        Self::Log { quantity, low, high }
    }

    /// An axis for points that covers the finite `values` with a little room at both ends; logarithmic if they are positive and
    /// spread by more than [`WIDE`].
    pub fn span(quantity: Quantity, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let log = low > f64::MIN_POSITIVE && high / low > WIDE;
        let low = if log { low.max(high / 10f64.powi(MAX_DECADES)) } else { low };
        if log {
            let room = (high / low).powf(0.05);
            return Self::Span { quantity, low: low / room, high: high * room, log };
        }
        let spread = high - low;
        // Equal values, but for rounding, are in the middle.
        let room =
            if spread > 1e-9 * high.abs() { 0.06 * spread } else { (0.1 * high.abs()).max(f64::MIN_POSITIVE * 1e6) };
        // Nothing that is measured here is below zero, and a little above it an axis starts there.
        let start = if low >= 0.0 && (low - room < 0.0 || low < 0.3 * high) { 0.0 } else { low - room };
        let end = if high + room > start { high + room } else { start + 1.0 };
        Self::Span { quantity, low: start, high: end, log }
    }

    /// A logarithmic span over the positive `values`, with a little room at both ends.
    pub fn log_span(quantity: Quantity, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high == 0.0 {
            return Self::Span { quantity, low: 0.1, high: 1.0, log: true };
        }
        let room = (high / low).powf(0.05).max(1.3);
        Self::Span { quantity, low: low.max(high / 10f64.powi(MAX_DECADES)) / room, high: high * room, log: true }
    }

    /// The position of `value`, clamped to the axis. Zero and undefined values lie at the start.
    pub fn position(&self, value: f64) -> f64 {
        let raw = match *self {
            Self::Linear { end, .. } => value / end,
            Self::Log { low, high, .. } if value > 0.0 => (value.log10() - f64::from(low)) / f64::from(high - low),
            Self::Log { .. } => 0.0,
            Self::Span { low, high, log: true, .. } if value > 0.0 => (value / low).ln() / (high / low).ln(),
            Self::Span { log: true, .. } => 0.0,
            Self::Span { low, high, .. } => (value - low) / (high - low),
        };
        if raw.is_nan() { 0.0 } else { raw.clamp(0.0, 1.0) }
    }

    /// The unit of a linear axis' tick labels (`ms`); of a logarithmic one the labels carry their own.
    pub fn unit(&self) -> String {
        match *self {
            Self::Linear { quantity, end, .. } => quantity.scale(end).1,
            Self::Log { quantity, .. } | Self::Span { quantity, log: true, .. } => quantity.unit().to_owned(),
            Self::Span { quantity, high, .. } => quantity.scale(high).1,
        }
    }

    /// `title (unit)`, with “log scale” where it is one.
    pub fn title(&self, title: &str) -> String {
        match (self, self.unit()) {
            (Self::Log { .. } | Self::Span { log: true, .. }, unit) if unit.is_empty() => {
                format!("{title} (log scale)")
            }
            (Self::Log { .. } | Self::Span { log: true, .. }, unit) => format!("{title} ({unit}, log scale)"),
            (_, unit) if unit.is_empty() => title.to_owned(),
            (Self::Linear { quantity: Quantity::Count, .. } | Self::Span { quantity: Quantity::Count, .. }, unit) => {
                format!("{title} ({})", in_words(&unit))
            }
            (_, unit) => format!("{title} ({unit})"),
        }
    }

    /// The ticks, from the start on, at most `most` labelled ones.
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = most.max(2);
        match *self {
            Self::Linear { quantity, step, end } => {
                let (factor, _) = quantity.scale(end);
                let count = ((end / step) * (1.0 + 1e-9)).floor().clamp(1.0, 50.0) as usize;
                let count = if step > end { 0 } else { count };
                let every = (count + 1).div_ceil(most).max(1);
                let decimals = (-(step / factor * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 9.0) as usize;
                (0..=count)
                    .map(|i| Tick {
                        position: (i as f64 * step / end).clamp(0.0, 1.0),
                        label: match i as f64 * step / factor {
                            _ if i % every != 0 => String::new(),
                            0.0 => "0".to_owned(),
                            value if decimals > 3 => format!("{value:.0e}"),
                            // Beyond the largest prefix a number would run into its neighbour.
                            value if value >= 1e6 => format!("{value:e}"),
                            value => format!("{value:.decimals$}"),
                        },
                    })
                    .collect()
            }
            Self::Span { quantity, low, high, log } => span_ticks(quantity, (low, high), log, most)
                .into_iter()
                .map(|(value, label)| Tick { position: self.position(value), label })
                .collect(),
            Self::Log { quantity, low, high } => {
                let every = ((high - low) as usize + 1).div_ceil(most).max(1);
                (low..=high)
                    .map(|power| Tick {
                        position: f64::from(power - low) / f64::from(high - low),
                        label: if ((power - low) as usize).is_multiple_of(every) {
                            power_of_ten(quantity, power)
                        } else {
                            String::new()
                        },
                    })
                    .collect()
            }
        }
    }
}

/// Round values within a span, with their labels; unlabelled ones are grid lines between decades.
fn span_ticks(quantity: Quantity, (low, high): (f64, f64), log: bool, most: usize) -> Vec<(f64, String)> {
    let inside = |value: &f64| (low..=high).contains(value);
    if !log {
        let Axis::Linear { step, .. } = Axis::linear(quantity, high - low, most.min(6) as u32) else {
            return Vec::new();
        };
        let (factor, _) = quantity.scale(high);
        let decimals = (-(step / factor * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 9.0) as usize;
        let first = (low / step - 1e-9).ceil();
        let values = (0..=most.max(2)).map(|number| (first + number as f64) * step).filter(inside);
        return values.map(|value| (value, format!("{:.decimals$}", value / factor))).collect();
    }
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    // As many round values as there is room for; a wide span is labelled at its decades.
    let digits = |digits: &'static [f64]| -> Vec<f64> {
        let all = powers.clone().flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)));
        all.filter(inside).collect()
    };
    let candidates: [&'static [f64]; 4] = [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let coarse = usize::from(high / low > 10.0);
    let chosen = candidates.into_iter().skip(coarse).map(digits).find(|values| values.len() <= most);
    let values = chosen.unwrap_or_else(|| {
        let decades = digits(&[1.0]);
        let every = decades.len().div_ceil(most).max(1);
        decades.into_iter().step_by(every).collect()
    });
    values.into_iter().map(|value| (value, short(quantity, value))).collect()
}

/// A round value with its own prefix and no digit too many: `20 ms`, `1.5 kJ`, `7`.
pub fn short(quantity: Quantity, value: f64) -> String {
    let (factor, unit) = quantity.scale(value);
    let number = value / factor;
    let number = match number {
        n if !(1e-4..1e6).contains(&n) => format!("{n:.0e}"),
        // Up to three digits, of which round values have fewer.
        n => {
            let decimals = (2.0 - n.log10().floor()).clamp(0.0, 6.0) as usize;
            let text = format!("{n:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    };
    match (unit.is_empty(), quantity) {
        (true, _) => number,
        (_, Quantity::Count) => format!("{number}{unit}"),
        _ => format!("{number} {unit}"),
    }
}

fn in_words(prefix: &str) -> &str {
    match prefix {
        "k" => "thousands",
        "M" => "millions",
        "G" => "billions",
        other => other,
    }
}

/// `10 ms` for -2.
fn power_of_ten(quantity: Quantity, power: i32) -> String {
    let value = 10f64.powi(power);
    let (factor, unit) = quantity.scale(value);
    let number = value / factor;
    let number = if (0.9..1e6).contains(&number) { format!("{number:.0}") } else { format!("{number:.0e}") };
    if unit.is_empty() {
        number
    } else if quantity == Quantity::Count {
        format!("{number}{unit}")
    } else {
        format!("{number} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks(9).into_iter().map(|t| t.label).filter(|l| !l.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_share_one_prefix() {
        let axis = Axis::linear(Quantity::Seconds, 0.037, 4);
        assert_eq!(axis.title("Latency"), "Latency (ms)");
        assert_eq!(labels(axis), ["0", "10", "20", "30", "40"]);
        let axis = Axis::linear(Quantity::Count, 65_536.0, 4);
        assert_eq!(axis.title("ReLUs"), "ReLUs (thousands)");
        assert_eq!(labels(axis), ["0", "20", "40", "60", "80"]);
    }

    #[test]
    fn log_ticks_carry_their_own_prefix() {
        let axis = Axis::log(Quantity::Seconds, [0.004, 3.0].into_iter());
        assert_eq!(labels(axis), ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert_eq!(axis.title("Latency"), "Latency (s, log scale)");
    }

    #[test]
    fn a_span_of_points_has_round_ticks_with_or_without_a_logarithm() {
        let axis = Axis::span(Quantity::Seconds, [0.0021, 0.034].into_iter());
        assert_eq!(axis.title("Latency"), "Latency (s, log scale)");
        assert_eq!(labels(axis), ["2 ms", "5 ms", "10 ms", "20 ms"]);
        let axis = Axis::span(Quantity::Seconds, [0.011, 0.019].into_iter());
        assert_eq!(axis.title("Latency"), "Latency (ms)");
        assert_eq!(labels(axis), ["12", "14", "16", "18"]);
        for values in [vec![], vec![3.0], vec![0.0, 0.0], vec![f64::NAN, 1e300, 1e-300]] {
            let axis = Axis::span(Quantity::Joules, values.iter().copied());
            assert!((0.0..=1.0).contains(&axis.position(3.0)), "{axis:?}");
            assert!(axis.ticks(8).iter().all(|tick| (0.0..=1.0).contains(&tick.position)), "{axis:?}");
        }
    }

    proptest! {
        #[test]
        fn every_axis_has_ticks_within_it_and_keeps_order(max in -1e3f64..1e12, small in 1e-12f64..1e3, most in 2usize..12) {
            for axis in [
                Axis::linear(Quantity::Seconds, max, 5),
                Axis::until(Quantity::Seconds, max, 5),
                Axis::log(Quantity::Joules, [max, small].into_iter()),
            ] {
                let ticks = axis.ticks(most);
                prop_assert!(!ticks.is_empty());
                prop_assert!(ticks.iter().all(|t| (0.0..=1.0).contains(&t.position)));
                prop_assert!(ticks.iter().filter(|t| !t.label.is_empty()).count() <= most);
                prop_assert!(ticks.windows(2).all(|w| w[0].position <= w[1].position));
                prop_assert!(axis.position(small) <= axis.position(small * 2.0));
                let labels: Vec<_> = ticks.iter().filter(|t| !t.label.is_empty()).map(|t| &t.label).collect();
                prop_assert!(labels.windows(2).all(|w| w[0] != w[1]), "{:?}", labels);
            }
        }
    }
}
