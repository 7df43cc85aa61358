//! From platform files to validated units: every value is checked here, once, with an error at its line.

mod cpu;
mod fabric;
mod gc;
mod he;
mod link;
mod mapping;
mod memory;
mod power;

use self::cpu::cpu;
use self::fabric::{achieved_clock, fabric};
use self::gc::gc_engine;
use self::link::link;
use self::mapping::mapping;
use self::memory::memory;
use self::power::{StaticPower, static_power};
use crate::check::Check;
use crate::cpu::Cpu;
use crate::mac::MacArray;
use crate::memory::Storage;
use crate::party::PartyHardware;
use crate::platform::Platform;
use crate::raw::{RawMacArray, RawMachine, RawParty, RawPlatform, RawStorage};
use crate::technology::Technology;
use pisim_settings::{ConfigError, Frequency, Source};

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

/// Refuses a design that cannot be built on its board.
fn fits(check: &Check<'_>, party: &PartyHardware) -> Checked<()> {
    party.misfits().first().map_or(Ok(()), |misfit| Err(check.error(&misfit.key, &misfit.message)))
}

fn storage(check: &Check<'_>, raw: &RawStorage) -> Checked<Storage> {
    Ok(Storage {
        read_bytes_per_s: check.within("read_bandwidth", raw.read_bandwidth, "1 MB/s", "1 TB/s")?.bytes_per_s(),
        write_bytes_per_s: check.within("write_bandwidth", raw.write_bandwidth, "1 MB/s", "1 TB/s")?.bytes_per_s(),
        energy_per_bit_j: check.within("energy", raw.energy, "0 J/bit", "1 uJ/bit")?.joules_per_bit(),
    })
}

/// A clock that some silicon reaches; what an FPGA reaches depends on the design.
fn clock(check: &Check<'_>, clock: Frequency) -> Checked<f64> {
    check.within("clock", clock, "1 MHz", "10 GHz").map(Frequency::hz)
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
