//! Memory of platform files: a device by name, figures of its own, or a device with some figures replaced.

use super::Checked;
use crate::check::Check;
use crate::dram::{Device, DramSystem};
use crate::memory::Memory;
use crate::raw::RawMemory;
use pisim_settings::{Bandwidth, ConfigError, Duration, EnergyPerBit};

pub(super) fn memory(check: &Check<'_>, raw: &RawMemory) -> Checked<Memory> {
    let channels = check.within("channels", raw.channels, "1", "1024")?;
    let system = match &raw.device {
        Some(name) => Some(system(check, raw, name, channels)?),
        None => {
            no_device(check, raw)?;
            None
        }
    };
    let kind = match (&system, raw.kind) {
        (Some(system), Some(kind)) if system.device.kind != kind => {
            let message = format!("not the kind of {}; expected no such key beside `device`", system.device.name);
            return Err(check.error("kind", message));
        }
        (Some(system), _) => system.device.kind,
        (None, Some(kind)) => kind,
        (None, None) => return Err(missing(check, "kind")),
    };
    // Each figure is the file's, or else the device's.
    let device = system.map(Memory::of);
    let of = |key, value: Option<f64>, derived: fn(&Memory) -> f64| {
        value.or_else(|| device.as_ref().map(derived)).ok_or_else(|| missing(check, key))
    };
    let bandwidth =
        |value: Bandwidth| check.within("channel_bandwidth", value, "1 MB/s", "10 TB/s").map(Bandwidth::bytes_per_s);
    let latency = |value: Duration| check.within("latency", value, "0 s", "1 ms").map(Duration::seconds);
    let energy =
        |value: EnergyPerBit| check.within("energy", value, "0 J/bit", "1 uJ/bit").map(EnergyPerBit::joules_per_bit);
    let efficiency = |value: f64| check.within("streaming_efficiency", value, "0.01", "1");
    let given = (
        raw.channel_bandwidth.map(bandwidth).transpose()?,
        raw.streaming_efficiency.map(efficiency).transpose()?,
        raw.latency.map(latency).transpose()?,
        raw.energy.map(energy).transpose()?,
    );
    Ok(Memory {
        kind,
        channels,
        channel_bytes_per_s: of("channel_bandwidth", given.0, |device| device.channel_bytes_per_s)?,
        streaming_efficiency: of("streaming_efficiency", given.1, |device| device.streaming_efficiency)?,
        latency_s: of("latency", given.2, |device| device.latency_s)?,
        energy_per_bit_j: of("energy", given.3, |device| device.energy_per_bit_j)?,
        system: device.and_then(|device| device.system),
    })
}

/// The named device as the file arranges it.
fn system(check: &Check<'_>, raw: &RawMemory, name: &str, channels: u64) -> Checked<DramSystem> {
    Ok(DramSystem {
        device: Device::named(name).map_err(|error| check.error("device", error.to_string()))?,
        channels,
        ranks: check.within("ranks", raw.ranks.unwrap_or(1), "1", "8")?,
        mapping: raw.mapping.unwrap_or_default(),
        interleave: raw.interleave.unwrap_or_default(),
    })
}

/// Refuses keys that arrange a device where there is none.
fn no_device(check: &Check<'_>, raw: &RawMemory) -> Checked<()> {
    let keys =
        [("ranks", raw.ranks.is_some()), ("mapping", raw.mapping.is_some()), ("interleave", raw.interleave.is_some())];
    match keys.iter().find(|(_, given)| *given) {
        Some((key, _)) => Err(check.error(key, "it arranges a device, and there is none; expected `device` beside it")),
        None => Ok(()),
    }
}

fn missing(check: &Check<'_>, key: &str) -> ConfigError {
    let message = "missing; expected `device`, or all of `kind`, `channel_bandwidth`, `streaming_efficiency`, `latency` and \
                   `energy`";
    check.error(key, message)
}
