//! `[*.cpu]`: cores, and what their work costs.

use crate::cpu_presets;
use pisim_settings::{Duration, Frequency, Power};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A processor.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCpu {
    /// Cores that work on the program.
    pub cores: u64,
    /// Clock of a busy core.
    pub clock: Frequency,
    /// Dynamic power of one busy core.
    pub active_power_per_core: Power,
    /// Time of one core per primitive: a table, or the name of one that is built in (`configs/hardware/cpu/`).
    pub cost: RawCost,
}

/// Time of one core per primitive, or the name of a processor whose times are built in.
#[derive(Debug, Clone)]
pub(crate) enum RawCost {
    /// A built-in processor.
    Named(String),
    /// A table in the platform's own file.
    Table(Box<RawCpuCosts>),
}

impl<'de> Deserialize<'de> for RawCost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cost;
        impl<'de> Visitor<'de> for Cost {
            type Value = RawCost;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a table of times, or a processor such as \"{}\"", cpu_presets::names().join("\", \""))
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<RawCost, E> {
                Ok(RawCost::Named(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawCost, A::Error> {
                RawCpuCosts::deserialize(MapAccessDeserializer::new(map)).map(|costs| RawCost::Table(Box::new(costs)))
            }
        }
        deserializer.deserialize_any(Cost)
    }
}

impl JsonSchema for RawCost {
    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<RawCpuCosts>();
        json_schema!({
            "description": "Time of one core per primitive: a table, or a built-in processor.",
            "oneOf": [{ "type": "string", "enum": cpu_presets::names() }, table],
        })
    }
}

/// Time of one core per primitive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCpuCosts {
    /// Garble one AND gate, its hash calls included.
    pub garble_and: Duration,
    /// Evaluate one AND gate, its hash calls included.
    pub evaluate_and: Duration,
    /// One XOR gate; zero where the AND gates' figure includes them.
    pub xor_gate: Duration,
    /// One hash call outside of a gate.
    pub hash_call: Duration,
    /// Sample, select or decode one wire label.
    pub label: Duration,
    /// One party's part in one base oblivious transfer.
    pub base_ot: Duration,
    /// One party's part in one extended oblivious transfer.
    pub extended_ot: Duration,
    /// One butterfly of a number-theoretic transform; a transform of degree N has N·log2 N / 2.
    pub ntt_butterfly: Duration,
    /// One pointwise modular multiplication.
    pub mod_mul: Duration,
    /// Encryption, per coefficient of the ring, beyond its transforms and multiplications.
    pub encrypt_coefficient: Duration,
    /// Decryption, per coefficient of the ring, beyond its transforms and multiplications.
    pub decrypt_coefficient: Duration,
    /// A key switch, per coefficient of the ring, beyond its transforms and multiplications.
    pub key_switch_coefficient: Duration,
    /// One multiply-accumulate in a ring of at most 32 bits.
    pub ring_mac: Duration,
    /// One multiply-accumulate in a wider ring.
    pub wide_ring_mac: Duration,
    /// One addition in the ring.
    pub ring_add: Duration,
    /// One ring element expanded from a seed, as masks are; free without this key.
    pub ring_sample: Option<Duration>,
    /// One gathered input of a convolution on shares (output pixels × taps), before it is multiplied; free without this key.
    pub ring_gather: Option<Duration>,
    /// One coefficient drawn at random for homomorphic encryption; free without this key.
    pub he_sample: Option<Duration>,
    /// One product of a coefficient of a ciphertext with one of weights, reduced with many others at once; without this key as
    /// `mod_mul`.
    pub he_product: Option<Duration>,
    /// A linear layer's reply, per coefficient of the ring, beyond its transforms, multiplications and samples; free without
    /// this key.
    pub reply_coefficient: Option<Duration>,
    /// One weight placed into the polynomial that multiplies a ciphertext; free without this key.
    pub he_weight: Option<Duration>,
    /// One byte of ciphertext packed or unpacked; free without this key.
    pub he_byte: Option<Duration>,
    /// One byte that is kept for the online phase, its memory taken from the operating system; free without this key.
    pub kept_byte: Option<Duration>,
    /// One label picked and written for the other party, or one pair of them for an oblivious transfer; free without this key.
    pub encode_label: Option<Duration>,
    /// One share read or made by a linear layer on shares (its inputs and outputs); free without this key.
    pub ring_element: Option<Duration>,
    /// Whole operations of a homomorphic-encryption library. With this table, SIMD-packed layers are charged by it and not by
    /// their transforms and multiplications.
    pub he_library: Option<RawHeLibrary>,
}

/// Time of whole operations of a homomorphic-encryption library, its transforms inside.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHeLibrary {
    /// One ciphertext × plaintext product, per coefficient of the ring.
    pub plain_mul_coefficient: Duration,
    /// One key switch, per coefficient of the ring.
    pub key_switch_coefficient: Duration,
    /// One encryption, per coefficient of the ring.
    pub encrypt_coefficient: Duration,
    /// One decryption, per coefficient of the ring.
    pub decrypt_coefficient: Duration,
    /// Evaluation of a layer, once whatever its size; free without this key.
    pub evaluate_layer: Option<Duration>,
    /// Decryption of a layer's reply, once whatever its number of ciphertexts; free without this key.
    pub decrypt_layer: Option<Duration>,
    /// One generation of all keys; free without this key.
    pub keygen: Option<Duration>,
}
