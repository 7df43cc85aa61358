//! Checks of a processor and of its costs.

use super::Checked;
use crate::check::Check;
use crate::cpu::{Cpu, CpuCosts, HeLibrary};
use crate::cpu_presets;
use crate::raw::{RawCost, RawCpu, RawCpuCosts, RawHeLibrary};
use pisim_settings::{Duration, did_you_mean};

pub(super) fn cpu(check: &Check<'_>, raw: &RawCpu) -> Checked<Cpu> {
    let costs = match &raw.cost {
        RawCost::Table(raw) => cpu_costs(&check.inside("cost"), raw)?,
        RawCost::Named(name) => {
            let (source, raw) = cpu_presets::load(name).unwrap_or_else(|| {
                let names = cpu_presets::names();
                let hint = did_you_mean(name, names.iter().copied());
                let expected = format!("expected a table of times or one of {}{hint}", names.join(", "));
                Err(check.error("cost", format!("unknown processor `{name}`; {expected}")))
            })?;
            cpu_costs(&Check { source: &source, table: String::new() }, &raw)?
        }
    };
    Ok(Cpu {
        cores: check.within("cores", raw.cores, "1", "4096")?,
        clock_hz: check.within("clock", raw.clock, "1 MHz", "10 GHz")?.hz(),
        active_power_w: check.within("active_power_per_core", raw.active_power_per_core, "0 W", "1 kW")?.watts(),
        costs,
    })
}

fn cpu_costs(table: &Check<'_>, raw: &RawCpuCosts) -> Checked<CpuCosts> {
    let cost = |key: &str, value: Duration| table.within(key, value, "0 s", "1 s").map(Duration::seconds);
    let free = |key: &str, value: Option<Duration>| value.map_or(Ok(0.0), |value| cost(key, value));
    Ok(CpuCosts {
        garble_and_s: cost("garble_and", raw.garble_and)?,
        evaluate_and_s: cost("evaluate_and", raw.evaluate_and)?,
        xor_gate_s: cost("xor_gate", raw.xor_gate)?,
        hash_call_s: cost("hash_call", raw.hash_call)?,
        label_s: cost("label", raw.label)?,
        base_ot_s: cost("base_ot", raw.base_ot)?,
        extended_ot_s: cost("extended_ot", raw.extended_ot)?,
        ntt_butterfly_s: cost("ntt_butterfly", raw.ntt_butterfly)?,
        mod_mul_s: cost("mod_mul", raw.mod_mul)?,
        he_product_s: cost("he_product", raw.he_product.unwrap_or(raw.mod_mul))?,
        reply_coefficient_s: free("reply_coefficient", raw.reply_coefficient)?,
        encrypt_coefficient_s: cost("encrypt_coefficient", raw.encrypt_coefficient)?,
        decrypt_coefficient_s: cost("decrypt_coefficient", raw.decrypt_coefficient)?,
        key_switch_coefficient_s: cost("key_switch_coefficient", raw.key_switch_coefficient)?,
        ring_mac_s: cost("ring_mac", raw.ring_mac)?,
        wide_ring_mac_s: cost("wide_ring_mac", raw.wide_ring_mac)?,
        ring_add_s: cost("ring_add", raw.ring_add)?,
        ring_sample_s: free("ring_sample", raw.ring_sample)?,
        ring_gather_s: free("ring_gather", raw.ring_gather)?,
        he_sample_s: free("he_sample", raw.he_sample)?,
        he_weight_s: free("he_weight", raw.he_weight)?,
        he_byte_s: free("he_byte", raw.he_byte)?,
        kept_byte_s: free("kept_byte", raw.kept_byte)?,
        encode_label_s: free("encode_label", raw.encode_label)?,
        ring_element_s: free("ring_element", raw.ring_element)?,
        he_library: raw.he_library.as_ref().map(|raw| he_library(&table.inside("he_library"), raw)).transpose()?,
    })
}

fn he_library(check: &Check<'_>, raw: &RawHeLibrary) -> Checked<HeLibrary> {
    let cost = |key: &str, value: Duration| check.within(key, value, "0 s", "1 s").map(Duration::seconds);
    let free = |key: &str, value: Option<Duration>| {
        let within = |value| check.within(key, value, "0 s", "1 h").map(Duration::seconds);
        value.map_or(Ok(0.0), within)
    };
    Ok(HeLibrary {
        plain_mul_coefficient_s: cost("plain_mul_coefficient", raw.plain_mul_coefficient)?,
        key_switch_coefficient_s: cost("key_switch_coefficient", raw.key_switch_coefficient)?,
        encrypt_coefficient_s: cost("encrypt_coefficient", raw.encrypt_coefficient)?,
        decrypt_coefficient_s: cost("decrypt_coefficient", raw.decrypt_coefficient)?,
        evaluate_layer_s: free("evaluate_layer", raw.evaluate_layer)?,
        decrypt_layer_s: free("decrypt_layer", raw.decrypt_layer)?,
        keygen_s: free("keygen", raw.keygen)?,
    })
}
