//! Checks of a parsed protocol file; every fault points at its key.

use super::file::{LinearFile, LinearMethod, ProtocolFile, SharesKind};
use crate::he::{HeParams, MAX_LIMB_BITS};
use crate::linear::Linear;
use crate::shares::{DELPHI_PRIME, Shares, Transfer, WireFormat};
use crate::simd::SimdParams;
use pisim_settings::{ConfigError, Source, Spanned};

/// Checks values after parsing and points at the key that fails.
pub(super) struct Checker<'a> {
    pub source: &'a Source,
}

impl Checker<'_> {
    pub fn range(&self, value: &Spanned<u32>, key: &str, least: u32, most: u32) -> Result<u32, ConfigError> {
        let number = *value.get_ref();
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        let expected = if least == most { format!("{least}") } else { format!("a number from {least} to {most}") };
        Err(self.fault(value, key, format!("{number} is not possible; expected {expected}")))
    }

    fn fault<T>(&self, value: &Spanned<T>, key: &str, message: String) -> ConfigError {
        ConfigError::at(self.source, value.span(), key, message)
    }

    fn refuse<T>(&self, key: &str, message: &str) -> Result<T, ConfigError> {
        Err(ConfigError::at_key(self.source, key, message))
    }

    pub fn shares(&self, file: &ProtocolFile) -> Result<Shares, ConfigError> {
        match (file.shares.kind, &file.shares.bits) {
            (SharesKind::Ring, Some(bits)) => Ok(Shares::Ring { bits: self.range(bits, "shares.bits", 8, 64)? }),
            (SharesKind::Ring, None) => self.refuse("shares", "missing key `bits`; expected k of the ring, 8 to 64"),
            (SharesKind::Prime, None) => Ok(Shares::Prime { modulus: DELPHI_PRIME }),
            (SharesKind::Prime, Some(_)) => {
                self.refuse("shares.bits", "a prime field has no such key; its prime of 41 bits is fixed")
            }
        }
    }

    /// Choices that only work together.
    pub fn combination(&self, file: &ProtocolFile) -> Result<(), ConfigError> {
        let (method, transfer, format) = (file.linear.method, file.nonlinear.transfer, file.wire.format);
        match file.shares.kind {
            SharesKind::Ring if method != LinearMethod::HeCoefficient => self
                .refuse("linear.method", "shares in a ring need `he-coefficient`: slots hold numbers modulo a prime"),
            SharesKind::Ring if transfer != Transfer::SoftSpoken => self.refuse(
                "nonlinear.transfer",
                "shares in a ring need `softspoken`; `alsz` belongs to Delphi's messages",
            ),
            SharesKind::Ring if format != WireFormat::Packed => self
                .refuse("wire.format", "shares in a ring need `packed`; `delphi` belongs to shares modulo its prime"),
            SharesKind::Prime if method != LinearMethod::HeSimd => self
                .refuse("linear.method", "shares modulo a prime need `he-simd`: `he-coefficient` computes modulo 2^k"),
            SharesKind::Prime if format != WireFormat::Delphi => {
                self.refuse("wire.format", "shares modulo a prime need format = \"delphi\"")
            }
            SharesKind::Prime if transfer != Transfer::Alsz => {
                self.refuse("nonlinear.transfer", "Delphi's messages need transfer = \"alsz\"")
            }
            SharesKind::Ring | SharesKind::Prime => Ok(()),
        }
    }

    pub fn linear(&self, file: &LinearFile, shares: Shares, statistical_bits: u32) -> Result<Linear, ConfigError> {
        match file.method {
            LinearMethod::HeCoefficient => self.coefficient(file, shares.bits(), statistical_bits),
            LinearMethod::HeSimd => self.simd(file, shares, statistical_bits),
        }
    }

    fn simd(&self, file: &LinearFile, shares: Shares, statistical_bits: u32) -> Result<Linear, ConfigError> {
        if file.response_limbs.is_some() {
            return self
                .refuse("linear.response_limbs", "`he-simd` returns all limbs; only `he-coefficient` has this key");
        }
        if file.prepared_weights.is_some() {
            let message = "`he-simd` encodes weights as it goes; only `he-coefficient` has this key";
            return self.refuse("linear.prepared_weights", message);
        }
        let Some(special) = &file.special_bits else {
            return self.refuse("linear", "missing key `special_bits`; expected the bits of the key switches' prime");
        };
        let Shares::Prime { modulus } = shares else {
            return self.refuse("linear.method", "slots hold numbers modulo a prime");
        };
        let degree = *file.degree.get_ref();
        if (degree as u64).checked_mul(2).is_none_or(|order| order == 0 || modulus % order != 1) {
            let message = format!("{degree} is not possible; expected a power of two of which {modulus} has slots");
            return Err(self.fault(&file.degree, "linear.degree", message));
        }
        let special_bits = self.range(special, "linear.special_bits", shares.bits() + 1, MAX_LIMB_BITS)?;
        self.modulus(file, degree, special_bits)?;
        let limbs = file.limb_bits.get_ref();
        if limbs.iter().any(|bits| *bits <= shares.bits()) {
            let message =
                format!("{limbs:?} is not possible; expected limbs wider than the {} bits of shares", shares.bits());
            return Err(self.fault(&file.limb_bits, "linear.limb_bits", message));
        }
        let params = SimdParams::new(degree, limbs.clone(), special_bits, modulus, statistical_bits);
        params.map(Linear::Simd).ok_or_else(|| self.too_few_primes(file))
    }

    fn coefficient(&self, file: &LinearFile, plain_bits: u32, statistical_bits: u32) -> Result<Linear, ConfigError> {
        if file.special_bits.is_some() {
            return self
                .refuse("linear.special_bits", "`he-coefficient` switches no keys; only `he-simd` has this key");
        }
        let Some(response) = &file.response_limbs else {
            return self.refuse("linear", "missing key `response_limbs`; expected the limbs that a reply keeps");
        };
        let degree = *file.degree.get_ref();
        self.modulus(file, degree, 0)?;
        let limbs = file.limb_bits.get_ref();
        let response_limbs = *response.get_ref();
        if !(1..=limbs.len()).contains(&response_limbs) {
            let message = format!("{response_limbs} is not possible; expected 1 to {} limbs", limbs.len());
            return Err(self.fault(response, "linear.response_limbs", message));
        }
        let params = HeParams::new(degree, limbs.clone(), response_limbs, plain_bits, statistical_bits);
        let params = params.ok_or_else(|| self.too_few_primes(file))?;
        let prepared_bytes = file.prepared_weights.unwrap_or_default().bytes();
        Ok(Linear::Coefficient(HeParams { prepared_bytes, ..params }))
    }

    fn too_few_primes(&self, file: &LinearFile) -> ConfigError {
        let (limbs, degree) = (file.limb_bits.get_ref(), file.degree.get_ref());
        let message = format!("there are too few primes of {limbs:?} bits at degree {degree}; expected wider limbs");
        self.fault(&file.limb_bits, "linear.limb_bits", message)
    }

    /// Whether the limbs are possible, and together with `special` bits more have 128-bit security.
    fn modulus(&self, file: &LinearFile, degree: usize, special: u32) -> Result<(), ConfigError> {
        let Some(most) = HeParams::secure_modulus_bits(degree) else {
            let message = format!("{degree} is not possible; expected a power of two from 1024 to 32768");
            return Err(self.fault(&file.degree, "linear.degree", message));
        };
        let limbs = file.limb_bits.get_ref();
        let smallest = (2 * degree).ilog2() + 4;
        if limbs.is_empty() || limbs.len() > 16 || limbs.iter().any(|bits| !(smallest..=MAX_LIMB_BITS).contains(bits)) {
            let message =
                format!("{limbs:?} is not possible; expected 1 to 16 limbs of {smallest} to {MAX_LIMB_BITS} bits each");
            return Err(self.fault(&file.limb_bits, "linear.limb_bits", message));
        }
        let total: u32 = limbs.iter().sum::<u32>() + special;
        if total > most {
            let message = format!(
                "a modulus of {total} bits has less than 128-bit security at degree {degree}; expected at most {most} \
                 bits (Homomorphic Encryption Standard, Table 1)"
            );
            return Err(self.fault(&file.limb_bits, "linear.limb_bits", message));
        }
        Ok(())
    }
}
