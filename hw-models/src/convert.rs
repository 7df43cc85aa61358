//! From platform files to validated units: every value is checked here, once, with an error at its line.

mod he;
mod memory;
mod power;

use self::memory::memory;
use self::power::{StaticPower, static_power};
use crate::check::Check;
use crate::cpu::{Cpu, CpuCosts, HeLibrary};
use crate::cpu_presets;
use crate::fpga::Board;
use crate::gc::GcEngine;
use crate::link::{Link, UpShare};
use crate::mac::MacArray;
use crate::mapping::{HeParallel, Mapping, Threads};
use crate::memory::Storage;
use crate::party::PartyHardware;
use crate::platform::Platform;
use crate::raw::{
    RawCost, RawCpu, RawCpuCosts, RawFpga, RawGcEngine, RawHeLibrary, RawLink, RawMacArray, RawMachine, RawMapping,
    RawParty, RawPlatform, RawSilicon, RawStorage, RawThreads,
};
use crate::technology::{Fabric, NODES_NM, Technology};
use pisim_settings::{BitRate, Bytes, ConfigError, Duration, Frequency, Source, did_you_mean};

type Checked<T> = Result<T, ConfigError>;

/// Whether an FPGA design has to fit its board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    /// One that does not is refused.
    Enforced,
    /// It may have any size and clock: to find out what would fit.
    Ignored,
}

/// What of one party was converted before and has not changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Kept<'a> {
    /// Nothing.
    #[default]
    Nothing,
    /// Its processor.
    Cpu(&'a Cpu),
    /// Everything.
    All(&'a PartyHardware),
}

/// What of a platform was converted before and has not changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reuse<'a> {
    pub client: Kept<'a>,
    pub server: Kept<'a>,
}

pub(crate) fn platform(source: &Source, raw: &RawPlatform, limits: Limits, reuse: Reuse<'_>) -> Checked<Platform> {
    let check = Check { source, table: String::new() };
    if raw.name.trim().is_empty() {
        return Err(check.error("name", "empty; expected a short name"));
    }
    let (client, server) = match (&raw.client, &raw.server, &raw.machine) {
        (Some(client), Some(server), None) => {
            let party = |name, raw, kept| party(&check.inside(name), raw, limits, kept);
            (party("client", client, reuse.client)?, party("server", server, reuse.server)?)
        }
        (None, None, Some(raw)) => {
            let machine = machine(&check.inside("machine"), raw)?;
            (machine.clone(), machine)
        }
        (_, _, Some(_)) => {
            let message = "both parties run on it, so no party has hardware of its own; expected only `machine`";
            return Err(check.error(if raw.client.is_some() { "client" } else { "server" }, message));
        }
        (client, _, None) => {
            let missing = if client.is_none() { "client" } else { "server" };
            let message = "missing; expected `[client]` and `[server]`, or one `[machine]` for both";
            return Err(check.error(missing, message));
        }
    };
    let link = link(&check.inside("link"), &raw.link)?;
    let mapping = mapping(&check.inside("mapping"), &raw.mapping, &client, &server)?;
    let (name, description) = (raw.name.clone(), raw.description.clone());
    Ok(Platform { name, description, client, server, link, colocated: raw.machine.is_some(), mapping })
}

/// One party's view of the machine that both run on.
fn machine(check: &Check<'_>, raw: &RawMachine) -> Checked<PartyHardware> {
    let static_power_w = power::watts(check, "static_power", raw.static_power)?;
    Ok(PartyHardware {
        static_power_w,
        host_static_power_w: static_power_w,
        cpu: cpu(&check.inside("cpu"), &raw.cpu)?,
        leakage_derived: false,
        memory: memory(&check.inside("memory"), &raw.memory)?,
        storage: None,
        fabric: None,
        achieved_clock_hz: None,
        gc_engine: None,
        he_engine: None,
        mac_array: None,
    })
}

fn party(check: &Check<'_>, raw: &RawParty, limits: Limits, kept: Kept<'_>) -> Checked<PartyHardware> {
    if let Kept::All(party) = kept {
        return Ok(party.clone());
    }
    let fabric = fabric(check, raw)?;
    let made_in = fabric.map(Technology::of);
    let unit = |key: &str, present: bool| match (present, made_in) {
        (true, None) => Err(check.error(
            key,
            format!("what it is made of is missing; expected `[{0}.silicon]` or `[{0}.fpga]` next to it", check.table),
        )),
        (_, technology) => Ok(technology),
    };
    let gc_technology = unit("gc_engine", raw.gc_engine.is_some())?;
    let he_technology = unit("he_engine", raw.he_engine.is_some())?;
    let mac_technology = unit("mac_array", raw.mac_array.is_some())?;
    let mac_array = raw
        .mac_array
        .as_ref()
        .zip(mac_technology)
        .map(|(raw, made_in)| mac_array(&check.inside("mac_array"), raw, made_in))
        .transpose()?;
    let memory = memory(&check.inside("memory"), &raw.memory)?;
    let StaticPower { all_w, host_w, leakage_derived } = static_power(check, raw, fabric, &memory)?;
    let party = PartyHardware {
        static_power_w: all_w,
        host_static_power_w: host_w,
        leakage_derived,
        cpu: match kept {
            Kept::Cpu(cpu) => cpu.clone(),
            _ => cpu(&check.inside("cpu"), &raw.cpu)?,
        },
        memory,
        storage: raw.storage.as_ref().map(|raw| storage(&check.inside("storage"), raw)).transpose()?,
        fabric,
        achieved_clock_hz: achieved_clock(check, raw)?,
        gc_engine: raw
            .gc_engine
            .as_ref()
            .zip(gc_technology)
            .map(|(raw, made_in)| gc_engine(&check.inside("gc_engine"), raw, made_in))
            .transpose()?,
        he_engine: raw
            .he_engine
            .as_ref()
            .zip(he_technology)
            .map(|(raw, made_in)| he::engine(&check.inside("he_engine"), raw, mac_array.as_ref(), made_in))
            .transpose()?,
        mac_array,
    };
    if limits == Limits::Enforced {
        fits(check, &party)?;
    }
    Ok(party)
}

fn fabric(check: &Check<'_>, raw: &RawParty) -> Checked<Option<Fabric>> {
    let accelerated = raw.gc_engine.is_some() || raw.he_engine.is_some() || raw.mac_array.is_some();
    match (&raw.silicon, &raw.fpga) {
        (Some(_), Some(_)) => Err(check.error("fpga", "both `silicon` and `fpga` are given; expected one of them")),
        (Some(_), None) if !accelerated => {
            Err(check.error("silicon", "nothing is made of it; expected an accelerator in the same party"))
        }
        (None, Some(_)) if !accelerated => {
            Err(check.error("fpga", "nothing is on it; expected an accelerator in the same party"))
        }
        (Some(raw), None) => silicon(&check.inside("silicon"), raw).map(Some),
        (None, Some(raw)) => fpga(&check.inside("fpga"), raw).map(Some),
        (None, None) => Ok(None),
    }
}

/// The clock at which the file says that the design closes.
fn achieved_clock(check: &Check<'_>, raw: &RawParty) -> Checked<Option<f64>> {
    let known = [
        ("silicon", raw.silicon.as_ref().and_then(|raw| raw.achieved_clock)),
        ("fpga", raw.fpga.as_ref().and_then(|raw| raw.achieved_clock)),
    ];
    let given = known.into_iter().find_map(|(table, known)| Some((table, known?)));
    let within = |(table, known)| check.inside(table).within("achieved_clock", known, "1 MHz", "10 GHz");
    given.map(within).transpose().map(|known| known.map(Frequency::hz))
}

fn silicon(check: &Check<'_>, raw: &RawSilicon) -> Checked<Fabric> {
    if !NODES_NM.contains(&raw.node_nm) {
        let nodes = NODES_NM.map(|node| node.to_string()).join(", ");
        return Err(check.error("node_nm", format!("no scaling data for {} nm; expected one of {nodes}", raw.node_nm)));
    }
    Ok(Fabric::Silicon { node_nm: raw.node_nm, supply_v: check.within("supply_v", raw.supply_v, "0.4", "1.5")? })
}

fn fpga(check: &Check<'_>, raw: &RawFpga) -> Checked<Fabric> {
    Board::known(&raw.board).map(Fabric::Fpga).map_err(|problem| check.error("board", problem))
}

/// Refuses a design that cannot be built on its board.
fn fits(check: &Check<'_>, party: &PartyHardware) -> Checked<()> {
    party.misfits().first().map_or(Ok(()), |misfit| Err(check.error(&misfit.key, &misfit.message)))
}

fn cpu(check: &Check<'_>, raw: &RawCpu) -> Checked<Cpu> {
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

fn mapping(check: &Check<'_>, raw: &RawMapping, client: &PartyHardware, server: &PartyHardware) -> Checked<Mapping> {
    let he_parallel = raw.he_parallel.unwrap_or_default();
    if he_parallel == HeParallel::Layer && server.he_engine.is_some() {
        let message =
            "the server's HE engine evaluates one layer at a time; expected \"within\", or no `server.he_engine`";
        return Err(check.error("he_parallel", message));
    }
    Ok(Mapping {
        overlap: raw.overlap.unwrap_or(true),
        he_parallel,
        client: threads(&check.inside("client"), &raw.client, client)?,
        server: threads(&check.inside("server"), &raw.server, server)?,
    })
}

/// Limits of threads; work that an accelerator does has none.
fn threads(check: &Check<'_>, raw: &RawThreads, party: &PartyHardware) -> Checked<Threads> {
    let limit = |key: &str, threads: Option<u64>, engine: Option<&str>| {
        let Some(threads) = threads else { return Ok(None) };
        if let Some(engine) = engine {
            return Err(check.error(key, format!("the party's {engine} does this work; expected no such key")));
        }
        check.within(key, threads, "1", &party.cpu.cores.to_string()).map(Some)
    };
    Ok(Threads {
        he: limit("he_threads", raw.he_threads, party.he_engine.as_ref().map(|_| "HE engine"))?,
        gc: limit("gc_threads", raw.gc_threads, party.gc_engine.as_ref().map(|_| "GC engine"))?,
        other: limit("other_threads", raw.other_threads, None)?,
    })
}

fn storage(check: &Check<'_>, raw: &RawStorage) -> Checked<Storage> {
    Ok(Storage {
        read_bytes_per_s: check.within("read_bandwidth", raw.read_bandwidth, "1 MB/s", "1 TB/s")?.bytes_per_s(),
        write_bytes_per_s: check.within("write_bandwidth", raw.write_bandwidth, "1 MB/s", "1 TB/s")?.bytes_per_s(),
        energy_per_bit_j: check.within("energy", raw.energy, "0 J/bit", "1 uJ/bit")?.joules_per_bit(),
    })
}

fn link(check: &Check<'_>, raw: &RawLink) -> Checked<Link> {
    let rate = |key: &str, rate: BitRate| check.within(key, rate, "1 kbps", "100 Tbps").map(BitRate::bits_per_s);
    let beside = |key: &str| check.error(key, "given beside `total`, which it is a part of; expected one of the two");
    let link = Link {
        up_bits_per_s: 0.0,
        down_bits_per_s: 0.0,
        optimal_split: false,
        round_trip_s: check.within("round_trip", raw.round_trip, "0 s", "60 s")?.seconds(),
        energy_per_bit_j: check.within("energy", raw.energy, "0 J/bit", "1 mJ/bit")?.joules_per_bit(),
        message_overhead_bytes: check.within("message_overhead", raw.message_overhead, "0 B", "1 MiB")?.bytes(),
    };
    match (raw.up, raw.down, raw.total, raw.up_share) {
        (Some(up), Some(down), None, None) => {
            Ok(Link { up_bits_per_s: rate("up", up)?, down_bits_per_s: rate("down", down)?, ..link })
        }
        (None, None, Some(total), Some(share)) => {
            let total = rate("total", total)?;
            if let UpShare::Fixed(part) = share {
                check.within("up_share", part, "0.001", "0.999")?;
            }
            let mut link = link;
            link.set_total(total, share);
            Ok(link)
        }
        (Some(_), _, Some(_), _) => Err(beside("up")),
        (None, Some(_), Some(_), _) => Err(beside("down")),
        (None, None, Some(_), None) => Err(check.error("up_share", "missing; expected it beside `total`")),
        (_, _, None, Some(_)) => Err(check.error("up_share", "a part of nothing; expected `total` beside it")),
        (up, _, None, None) => {
            let key = if up.is_none() { "up" } else { "down" };
            Err(check.error(key, "missing; expected `up` and `down`, or `total` and `up_share`"))
        }
    }
}

/// A clock that some silicon reaches; what an FPGA reaches depends on the design.
fn clock(check: &Check<'_>, clock: Frequency) -> Checked<f64> {
    check.within("clock", clock, "1 MHz", "10 GHz").map(Frequency::hz)
}

fn gc_engine(check: &Check<'_>, raw: &RawGcEngine, technology: Technology) -> Checked<GcEngine> {
    let (table_queue_bytes, wire_queue_bytes) = gc_queues(check, raw)?;
    Ok(GcEngine {
        engines: check.within("engines", raw.engines, "1", "4096")?,
        clock_hz: clock(check, raw.clock)?,
        garble_latency: check.within("garble_latency", raw.garble_latency, "1", "1000")?,
        evaluate_latency: check.within("evaluate_latency", raw.evaluate_latency, "1", "1000")?,
        xor_latency: check.within("xor_latency", raw.xor_latency, "1", "1000")?,
        wire_memory_bytes: check.within("wire_memory", raw.wire_memory, "1 KiB", "64 GiB")?.bytes(),
        wire_banks: check.within("wire_banks", raw.wire_banks, "1", "65536")?,
        queue_memory_bytes: check.within("queue_memory", raw.queue_memory, "1 KiB", "1 GiB")?.bytes(),
        table_queue_bytes,
        wire_queue_bytes,
        order: raw.order.unwrap_or_default(),
        rename: raw.rename.unwrap_or(true),
        esw: raw.esw.unwrap_or(true),
        tables: raw.tables.unwrap_or_default(),
        instruction_bits: check.within("instruction_bits", raw.instruction_bits, "0", "1024")?,
        ot_cycles: raw.ot_cycles.map(|cycles| check.within("ot_cycles", cycles, "1", "10000")).transpose()?,
        technology,
    })
}

/// Bytes of the table and the wire queue; what is left of the queue memory holds instructions.
fn gc_queues(check: &Check<'_>, raw: &RawGcEngine) -> Checked<(u64, u64)> {
    let all = raw.queue_memory.bytes();
    let tables = raw
        .table_queue
        .map_or(Ok(all / 3), |queue| check.within("table_queue", queue, "32 B", "1 GiB").map(Bytes::bytes))?;
    let wires = raw
        .wire_queue
        .map_or(Ok(all / 3), |queue| check.within("wire_queue", queue, "0 B", "1 GiB").map(Bytes::bytes))?;
    let least = raw.instruction_bits.div_ceil(8);
    if all < tables.saturating_add(wires).saturating_add(least) {
        let key = if raw.wire_queue.is_some() { "wire_queue" } else { "table_queue" };
        let message = format!(
            "{tables} B of tables and {wires} B of labels leave no instruction of {least} B in a `queue_memory` of {all} B"
        );
        return Err(check.error(key, message));
    }
    Ok((tables, wires))
}

fn mac_array(check: &Check<'_>, raw: &RawMacArray, technology: Technology) -> Checked<MacArray> {
    Ok(MacArray {
        rows: check.within("rows", raw.rows, "1", "65536")?,
        columns: check.within("columns", raw.columns, "1", "65536")?,
        word_bits: check.within("word_bits", raw.word_bits, "8", "64")?,
        clock_hz: clock(check, raw.clock)?,
        dataflow: raw.dataflow,
        buffer_bytes: check.within("buffer", raw.buffer, "1 KiB", "64 GiB")?.bytes(),
        technology,
        prime_reduction: raw.prime_reduction.unwrap_or_default(),
    })
}
