//! A quantity of any kind: the unit tells which.

use crate::quantity::QuantityError;
use crate::units::{Area, Bandwidth, BitRate, Bytes, Duration, Energy, EnergyPerBit, Frequency, Power};
use std::fmt;
use std::str::FromStr;

/// A quantity whose unit says of which kind it is; no two kinds share a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AnyQuantity {
    /// Hertz.
    Frequency(Frequency),
    /// Bytes per second.
    Bandwidth(Bandwidth),
    /// Bits per second.
    BitRate(BitRate),
    /// Joules.
    Energy(Energy),
    /// Watts.
    Power(Power),
    /// Square millimetres.
    Area(Area),
    /// Seconds.
    Duration(Duration),
    /// Joules per bit.
    EnergyPerBit(EnergyPerBit),
    /// Whole bytes.
    Bytes(Bytes),
}

impl AnyQuantity {
    /// The number in the base unit: hertz, bytes per second, bits per second, joules, watts, mm², seconds, joules per bit, bytes.
    pub fn base(self) -> f64 {
        match self {
            Self::Frequency(value) => value.hz(),
            Self::Bandwidth(value) => value.bytes_per_s(),
            Self::BitRate(value) => value.bits_per_s(),
            Self::Energy(value) => value.joules(),
            Self::Power(value) => value.watts(),
            Self::Area(value) => value.mm2(),
            Self::Duration(value) => value.seconds(),
            Self::EnergyPerBit(value) => value.joules_per_bit(),
            Self::Bytes(value) => value.bytes() as f64,
        }
    }

    /// The quantity of the same kind with another number of base units; bytes are rounded.
    ///
    /// # Errors
    /// The number is negative, infinite or not a number.
    pub fn with_base(self, value: f64) -> Result<Self, QuantityError> {
        Ok(match self {
            Self::Frequency(_) => Self::Frequency(Frequency::new(value)?),
            Self::Bandwidth(_) => Self::Bandwidth(Bandwidth::new(value)?),
            Self::BitRate(_) => Self::BitRate(BitRate::new(value)?),
            Self::Energy(_) => Self::Energy(Energy::new(value)?),
            Self::Power(_) => Self::Power(Power::new(value)?),
            Self::Area(_) => Self::Area(Area::new(value)?),
            Self::Duration(_) => Self::Duration(Duration::new(value)?),
            Self::EnergyPerBit(_) => Self::EnergyPerBit(EnergyPerBit::new(value)?),
            // Checked as any other quantity is; a double of this size converts exactly.
            Self::Bytes(_) => Self::Bytes(Bytes::new(Energy::new(value)?.joules().round() as u64)),
        })
    }

    /// Whether two quantities can be compared.
    pub fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl FromStr for AnyQuantity {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let frequency = || text.parse().map(Self::Frequency);
        frequency()
            .or_else(|_| text.parse().map(Self::Bandwidth))
            .or_else(|_| text.parse().map(Self::BitRate))
            .or_else(|_| text.parse().map(Self::Energy))
            .or_else(|_| text.parse().map(Self::Power))
            .or_else(|_| text.parse().map(Self::Area))
            .or_else(|_| text.parse().map(Self::Duration))
            .or_else(|_| text.parse().map(Self::EnergyPerBit))
            .or_else(|_: QuantityError| text.parse().map(Self::Bytes))
            .map_err(|_| {
                QuantityError::of(format!("`{text}` is no quantity; expected one such as \"100 Mbps\" or \"2 MiB\""))
            })
    }
}

impl fmt::Display for AnyQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frequency(value) => value.fmt(f),
            Self::Bandwidth(value) => value.fmt(f),
            Self::BitRate(value) => value.fmt(f),
            Self::Energy(value) => value.fmt(f),
            Self::Power(value) => value.fmt(f),
            Self::Area(value) => value.fmt(f),
            Self::Duration(value) => value.fmt(f),
            Self::EnergyPerBit(value) => value.fmt(f),
            Self::Bytes(value) => value.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_tells_the_kind() {
        let examples = ["1 GHz", "35.2 GB/s", "100 Mbps", "12 pJ", "1.5 W", "4.3 mm²", "20 ms", "3.9 pJ/bit", "2 MiB"];
        let mut kinds = Vec::new();
        for text in examples {
            let quantity: AnyQuantity = text.parse().unwrap();
            assert_eq!(quantity.to_string(), text);
            assert!(kinds.iter().all(|known: &AnyQuantity| !known.same_kind(&quantity)), "{text}");
            kinds.push(quantity);
            assert_eq!(quantity.with_base(quantity.base()).unwrap(), quantity);
        }
        assert!("5 apples".parse::<AnyQuantity>().is_err());
        assert!("5".parse::<AnyQuantity>().is_err());
        assert!(kinds[0].with_base(-1.0).is_err() && kinds[8].with_base(f64::NAN).is_err());
        assert_eq!(kinds[8].with_base(1001.4).unwrap().to_string(), "1001 B");
    }
}
