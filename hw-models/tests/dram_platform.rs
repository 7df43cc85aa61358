//! Memory in platform files: a device by name gives what the explicit figures give, and both can be mixed.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::dram::Pattern;
use pisim_hw_models::{Memory, MemoryKind, Platform, Traffic};
use pisim_settings::{ConfigError, Source};

/// HAAC's memory, which the tests replace.
const EXPLICIT: [&str; 6] =
    ["kind = \"hbm2\"", "channels = 16", "channel_bandwidth", "streaming_efficiency", "latency", "energy"];

/// The server's memory of `haac-hbm2` with these lines.
fn memory(lines: &str) -> Result<Memory, ConfigError> {
    let text = Platform::builtin_text("haac-hbm2").unwrap();
    let (before, rest) = text.split_once("[server.memory]").unwrap();
    let (old, after) = rest.split_once("[server.silicon]").unwrap();
    assert!(EXPLICIT.iter().all(|key| old.contains(key)), "{old}");
    let text = format!("{before}[server.memory]\n{lines}\n[server.silicon]{after}");
    Ok(Platform::from_source(&Source::new("p.toml", text))?.server.memory)
}

fn fault(lines: &str) -> String {
    let error = memory(lines).unwrap_err();
    format!("{}: {}", error.key(), error.message())
}

#[test]
fn a_device_gives_bandwidth_efficiency_latency_and_energy() {
    let hbm2 = memory("device = \"hbm2\"\nchannels = 16").unwrap();
    assert_eq!((hbm2.kind, hbm2.peak_bytes_per_s()), (MemoryKind::Hbm2, 512e9));
    // What the platform gives by hand: 0.92 of the peak, 47 ns, 3.9 pJ/bit. Pieces of 64 KiB, of which 4 KiB are on a channel,
    // wait for each other's banks now and then.
    assert!((hbm2.streaming_efficiency - 0.91).abs() < 0.02, "{}", hbm2.streaming_efficiency);
    assert!((hbm2.latency_s - 47e-9).abs() < 1e-9, "{:e}", hbm2.latency_s);
    // A ciphertext's part on one of 16 channels fills half of the rows that it opens.
    assert!((hbm2.energy_per_bit_j / 3.9e-12 - 1.0).abs() < 0.02, "{:e}", hbm2.energy_per_bit_j);
    let ddr4 = memory("device = \"ddr4-4400\"\nchannels = 1").unwrap();
    assert_eq!((ddr4.kind, ddr4.peak_bytes_per_s().round()), (MemoryKind::Ddr4, 35.2e9));
}

#[test]
fn every_key_of_a_device_changes_something() {
    let base = "device = \"ddr4-3200\"\nchannels = 2\n";
    let rates = |lines: &str| {
        let memory = memory(lines).unwrap();
        let traffic = [Traffic::Stream, Traffic::Copy, Traffic::Random { bytes: 16 }, Traffic::Random { bytes: 1_024 }];
        (traffic.map(|traffic| memory.bytes_per_s(traffic)), memory.latency_s, memory.energy_per_bit_j)
    };
    let without = rates(base);
    for key in [
        "ranks = 2",
        "mapping = \"column\"",
        "interleave = \"64B\"",
        "channel_bandwidth = \"20 GB/s\"",
        "streaming_efficiency = 0.5",
        "latency = \"100 ns\"",
        "energy = \"1 pJ/bit\"",
    ] {
        assert_ne!(rates(&format!("{base}{key}")), without, "{key}");
    }
    for other in ["device = \"ddr4-2400\"\nchannels = 2\n", "device = \"ddr4-3200\"\nchannels = 3\n"] {
        assert_ne!(rates(other), without, "{other}");
    }
}

#[test]
fn what_is_missing_too_much_or_misspelt_is_named() {
    let all = "missing; expected `device`, or all of `kind`, `channel_bandwidth`, `streaming_efficiency`, `latency` and `energy`";
    assert_eq!(fault("channels = 1"), format!("server.memory.kind: {all}"));
    assert_eq!(fault("channels = 1\nkind = \"ddr4\""), format!("server.memory.channel_bandwidth: {all}"));
    let error = fault("channels = 1\ndevice = \"ddr4-320\"");
    assert!(
        error.starts_with("server.memory.device: unknown memory device `ddr4-320`; expected one of ddr4-2400, "),
        "{error}"
    );
    assert!(error.ends_with("did you mean `ddr4-3200`?"), "{error}");
    let error = fault("channels = 1\ndevice = \"hbm2\"\nkind = \"ddr4\"");
    assert_eq!(error, "server.memory.kind: not the kind of hbm2; expected no such key beside `device`");
    let error = fault("channels = 1\ndevice = \"hbm2\"\nranks = 9");
    assert_eq!(error, "server.memory.ranks: 9 is out of range; expected 1 to 8");
    let error = fault("channels = 1\ndevice = \"hbm2\"\nmaping = \"column\"");
    assert!(
        error.starts_with("server.memory.maping: unknown key") && error.ends_with("did you mean `mapping`?"),
        "{error}"
    );
    let error = fault("channels = 1\ndevice = \"hbm2\"\nmapping = \"columns\"");
    assert!(error.ends_with("did you mean `column`?"), "{error}");
    let explicit = "kind = \"hbm2\"\nchannels = 1\nchannel_bandwidth = \"32 GB/s\"\nstreaming_efficiency = 0.9\nlatency = \"1 ns\"\nenergy = \"1 pJ/bit\"\n";
    assert!(memory(explicit).unwrap().system.is_none());
    let error = fault(&format!("{explicit}ranks = 2"));
    assert_eq!(error, "server.memory.ranks: it arranges a device, and there is none; expected `device` beside it");
}

#[test]
fn other_traffic_than_streams_costs_more_time_and_energy() {
    for device in ["ddr4-2400", "hbm2", "lpddr4", "hbm2e"] {
        let memory = memory(&format!("device = \"{device}\"\nchannels = 4")).unwrap();
        let [stream, copy, label, kibibyte] =
            [Traffic::Stream, Traffic::Copy, Traffic::Random { bytes: 16 }, Traffic::Random { bytes: 1_024 }]
                .map(|traffic| (memory.bytes_per_s(traffic), memory.traffic_energy_j(traffic, 1 << 20)));
        assert_eq!(stream.0, memory.streaming_bytes_per_s());
        assert!((stream.1 / memory.energy_j(1 << 20) - 1.0).abs() < 1e-9);
        assert!(copy.0 <= stream.0 && kibibyte.0 <= stream.0 * 1.01 && label.0 < 0.3 * kibibyte.0, "{device}");
        // A label moves four times its bytes, and a row is opened for each.
        assert!(label.1 > 4.0 * stream.1 && kibibyte.1 >= stream.1, "{device}");
    }
    // The typical device stands in where the platform names none.
    let builtin = Platform::builtin("haac-hbm2").unwrap().server.memory;
    let named = memory("device = \"hbm2\"\nchannels = 16").unwrap();
    let ratio = |memory: &Memory| memory.bytes_per_s(Traffic::Random { bytes: 64 }) / memory.streaming_bytes_per_s();
    assert!((ratio(&builtin) / ratio(&named) - 1.0).abs() < 1e-9);
    assert_eq!(Traffic::Random { bytes: 65 }.pattern(), Pattern::Block(128));
}
