//! Numbers for people: three significant digits with an SI prefix.

/// What a number measures: decides its unit and which SI prefixes are usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Seconds, from picoseconds and never above the plain second.
    Seconds,
    /// Joules, from picojoules to megajoules.
    Joules,
    /// Bytes with decimal prefixes (1 kB = 1000 B).
    Bytes,
    /// A plain count (ReLUs, MACs, parameters).
    Count,
    /// A number that takes no prefix (a rate per hour).
    Plain,
    /// Bits per second.
    BitRate,
    /// Bytes per second.
    ByteRate,
    /// Operations per second.
    OperationRate,
    /// Operations for each byte.
    Intensity,
    /// Cycles per second.
    Hertz,
    /// Watts, from microwatts.
    Watts,
    /// Square millimetres, without prefixes.
    Area,
}

impl Quantity {
    /// The unit without a prefix; empty for a count.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Joules => "J",
            Self::Bytes => "B",
            Self::Count | Self::Plain => "",
            Self::BitRate => "bit/s",
            Self::ByteRate => "B/s",
            Self::OperationRate => "op/s",
            Self::Intensity => "op/B",
            Self::Hertz => "Hz",
            Self::Watts => "W",
            Self::Area => "mm²",
        }
    }

    /// The quantity that a column of results holds, by the unit at the end of its name (`latency_total_s`); plain without one.
    pub fn of_column(name: &str) -> Self {
        match name.rsplit('_').next() {
            // A rate per second is no time.
            _ if name.ends_with("_per_s") => Self::Plain,
            Some("s") => Self::Seconds,
            Some("j") => Self::Joules,
            Some("bytes") => Self::Bytes,
            Some("w") => Self::Watts,
            Some("mm2") => Self::Area,
            Some("hz") => Self::Hertz,
            _ => Self::Plain,
        }
    }

    /// The usual prefixes with their factors, ascending.
    fn prefixes(self) -> &'static [(f64, &'static str)] {
        match self {
            Self::Seconds => &[(1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, "")],
            Self::Joules => &[
                (1e-12, "p"),
                (1e-9, "n"),
                (1e-6, "µ"),
                (1e-3, "m"),
                (1.0, ""),
                (1e3, "k"),
                (1e6, "M"),
                (1e9, "G"),
                (1e12, "T"),
            ],
            Self::Bytes => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P")],
            Self::Plain | Self::Area => &[(1.0, "")],
            Self::Watts => &[(1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M")],
            Self::BitRate | Self::ByteRate | Self::OperationRate | Self::Hertz => {
                &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P")]
            }
            Self::Intensity => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")],
            Self::Count => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")],
        }
    }

    /// The factor and the prefixed unit in which `value` has one to three digits before the point.
    pub fn scale(self, value: f64) -> (f64, String) {
        let mut best = self.prefixes().first().copied().unwrap_or((1.0, ""));
        for &(factor, prefix) in self.prefixes() {
            // 999.5 of one prefix would round to 1000, so the next prefix starts there.
            if value.abs() >= factor * 0.9995 {
                best = (factor, prefix);
            }
        }
        (best.0, format!("{}{}", best.1, self.unit()))
    }

    /// `value` with three significant digits and its unit: `12.3 ms`, `1.05 G`, `0 J`. `n/a` if it is not finite.
    pub fn format(self, value: f64) -> String {
        if !value.is_finite() {
            return "n/a".to_owned();
        }
        if value == 0.0 {
            return join("0", self.unit());
        }
        let (factor, unit) = self.scale(value);
        let scaled = value / factor;
        let whole = factor == 1.0 && matches!(self, Self::Bytes | Self::Count);
        join(&if whole { grouped(scaled) } else { three_digits(scaled) }, &unit)
    }
}

fn join(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

/// Three significant digits from a hundredth to 1000, whole numbers up to a million, powers of ten beyond.
fn three_digits(value: f64) -> String {
    match value.abs() {
        v if v >= 999_999.5 => format!("{value:.2e}"),
        v if v >= 999.5 => grouped(value),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.01 => format!("{value:.2}"),
        _ => format!("{value:.1e}"),
    }
}

/// A rounded whole number with commas between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::from(if value < 0.0 && digits != "0" { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds: `1.20 s`, `340 ms`, `5.60 µs`.
pub fn seconds(value: f64) -> String {
    Quantity::Seconds.format(value)
}

/// Joules: `1.20 kJ`, `340 mJ`.
pub fn joules(value: f64) -> String {
    Quantity::Joules.format(value)
}

/// Bytes with decimal prefixes: `512 B`, `1.25 GB`.
pub fn bytes(value: u64) -> String {
    Quantity::Bytes.format(value as f64)
}

/// An exact count with commas: `1,053,353,152`.
pub fn exact(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A fraction as per cent: `12.3 %`, `<0.1 %`.
pub fn percent(fraction: f64) -> String {
    match fraction * 100.0 {
        p if !p.is_finite() => "n/a".to_owned(),
        0.0 => "0 %".to_owned(),
        p if p.abs() < 0.1 => "<0.1 %".to_owned(),
        p => format!("{p:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_take_the_prefix_that_leaves_one_to_three_digits() {
        for (value, text) in [
            (0.0, "0 s"),
            (1.0, "1.00 s"),
            (87.42, "87.4 s"),
            (12_345.6, "12,346 s"),
            (3.156e9, "3.16e9 s"),
            (0.34, "340 ms"),
            (5.6e-6, "5.60 µs"),
            (2e-9, "2.00 ns"),
            (f64::NAN, "n/a"),
        ] {
            assert_eq!(seconds(value), text);
        }
    }

    #[test]
    fn rounding_up_to_a_thousand_moves_to_the_next_prefix() {
        assert_eq!(seconds(0.999_6), "1.00 s");
        assert_eq!(bytes(999_999), "1.00 MB");
        assert_eq!(joules(999.4), "999 J");
    }

    #[test]
    fn bytes_are_decimal_and_whole_below_a_thousand() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_250_000_000), "1.25 GB");
    }

    #[test]
    fn counts_keep_every_digit_when_exact() {
        assert_eq!(exact(1_053_353_152), "1,053,353,152");
        assert_eq!(exact(7), "7");
        assert_eq!(exact(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(Quantity::Count.format(1_053_353_152.0), "1.05 G");
    }

    #[test]
    fn small_shares_are_not_rounded_to_nothing() {
        assert_eq!(percent(0.0004), "<0.1 %");
        assert_eq!(percent(0.123), "12.3 %");
        assert_eq!(percent(0.0), "0 %");
    }
}
