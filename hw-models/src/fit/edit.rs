//! Edits of a platform file that keep its comments.

use super::Side;
use crate::fits::shown;
use crate::fpga::Board;
use crate::party::PartyHardware;
use crate::platform::Platform;
use crate::technology::Fabric;
use pisim_settings::{Bytes, ConfigError, Duration, EnergyPerBit, Frequency, Source};
use std::fmt::Display;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// A key of a party's table that changes, with its values as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key within the party's table.
    pub key: &'static str,
    /// What the file has; nothing for a key that is new.
    pub from: Option<String>,
    /// What it becomes.
    pub to: String,
}

/// What a key of a party's table says; `None` where the party has no such table.
type Reader = fn(&PartyHardware) -> Option<String>;

/// Everything that fitting may change.
const KEYS: [(&str, Reader); 23] = [
    ("fpga.board", |party| party.board().map(|board| quoted(board.name))),
    ("memory.kind", |party| Some(quoted(shown(party.memory.kind).to_lowercase()))),
    ("memory.channels", |party| Some(party.memory.channels.to_string())),
    ("memory.channel_bandwidth", |party| Some(quoted(format!("{} GB/s", party.memory.channel_bytes_per_s / 1e9)))),
    ("memory.streaming_efficiency", |party| Some(party.memory.streaming_efficiency.to_string())),
    ("memory.latency", |party| quantity(Duration::new(party.memory.latency_s))),
    ("memory.energy", |party| quantity(EnergyPerBit::new(party.memory.energy_per_bit_j))),
    ("gc_engine.engines", |party| party.gc_engine.as_ref().map(|unit| unit.engines.to_string())),
    ("gc_engine.clock", |party| quantity(Frequency::new(party.gc_engine.as_ref()?.clock_hz))),
    ("gc_engine.wire_banks", |party| party.gc_engine.as_ref().map(|unit| unit.wire_banks.to_string())),
    ("gc_engine.wire_memory", |party| party.gc_engine.as_ref().map(|unit| quoted(Bytes::new(unit.wire_memory_bytes)))),
    ("he_engine.clock", |party| quantity(Frequency::new(party.he_engine.as_ref()?.clock_hz))),
    ("he_engine.ntt_units", |party| party.he_engine.as_ref().map(|unit| unit.ntt_units.to_string())),
    ("he_engine.butterflies", |party| party.he_engine.as_ref().map(|unit| unit.butterflies.to_string())),
    ("he_engine.modmul_lanes", |party| own_lanes(party)),
    ("he_engine.automorphism_lanes", |party| party.he_engine.as_ref().map(|unit| unit.automorphism_lanes.to_string())),
    ("he_engine.key_switch_butterflies", |party| {
        party.he_engine.as_ref()?.design.key_switch_butterflies.map(|butterflies| butterflies.to_string())
    }),
    ("he_engine.limbs_at_once", |party| party.he_engine.as_ref()?.design.limbs_at_once.map(|limbs| limbs.to_string())),
    ("he_engine.scratchpad", |party| party.he_engine.as_ref().map(|unit| quoted(Bytes::new(unit.scratchpad_bytes)))),
    ("mac_array.clock", |party| quantity(Frequency::new(party.mac_array.as_ref()?.clock_hz))),
    ("mac_array.rows", |party| party.mac_array.as_ref().map(|unit| unit.rows.to_string())),
    ("mac_array.columns", |party| party.mac_array.as_ref().map(|unit| unit.columns.to_string())),
    ("mac_array.buffer", |party| party.mac_array.as_ref().map(|unit| quoted(Bytes::new(unit.buffer_bytes)))),
];

/// The multipliers of an engine that has its own; those of the array are no key.
fn own_lanes(party: &PartyHardware) -> Option<String> {
    let engine = party.he_engine.as_ref().filter(|unit| unit.design.products_on.is_none());
    engine.map(|unit| unit.modmul_lanes.to_string())
}

fn quoted(text: impl Display) -> String {
    format!("\"{text}\"")
}

fn quantity<T: Display, E>(quantity: Result<T, E>) -> Option<String> {
    quantity.ok().map(quoted)
}

/// The keys in which two parties differ; all of a memory that is no DRAM device any more.
pub(super) fn changes(before: &PartyHardware, after: &PartyHardware) -> Vec<Change> {
    let replaced = before.memory.system.is_some() && after.memory.system.is_none();
    let change = |&(key, read): &(&'static str, Reader)| {
        let new = replaced && key.starts_with("memory.");
        let (from, to) = (if new { None } else { read(before) }, read(after)?);
        (from.as_ref() != Some(&to)).then_some(Change { key, from, to })
    };
    KEYS.iter().filter_map(change).collect()
}

/// The file's text with the changes: each says what the value was, other comments are kept, and name and description say that the
/// platform was fitted.
pub(super) fn apply(
    source: &Source,
    platform: &Platform,
    side: Side,
    board: &Board,
    changes: &[Change],
) -> Result<String, ConfigError> {
    if changes.is_empty() {
        return Ok(source.text.clone());
    }
    let broken = |why: &dyn Display| ConfigError::new(&source.name, format!("cannot be edited: {why}"));
    let mut document: DocumentMut = source.text.parse().map_err(|error| broken(&error))?;
    let fitted = format!("Fitted to the {} by `pisim hardware fit`, from: {}", board.name, platform.description);
    put(document.as_table_mut(), "name", format!("{}-on-{}", platform.name, board.name).into());
    put(document.as_table_mut(), "description", fitted.into());
    let party = document.get_mut(side.key()).and_then(Item::as_table_like_mut);
    let party = party.ok_or_else(|| broken(&format!("no table `{}`", side.key())))?;
    if side.of(platform).board().is_some_and(|own| own != board)
        && let Some(fpga) = party.get_mut("fpga").and_then(Item::as_table_like_mut)
    {
        fpga.remove("achieved_clock");
    }
    if matches!(side.of(platform).fabric, Some(Fabric::Silicon { .. })) {
        let position = party.remove("silicon").and_then(|old| old.as_table().and_then(Table::position));
        let mut fpga = Table::new();
        fpga.set_position(position);
        party.insert("fpga", Item::Table(fpga));
    }
    if changes.iter().any(|change| change.key == "memory.kind")
        && let Some(memory) = party.get_mut("memory").and_then(Item::as_table_like_mut)
    {
        // What else was said described a memory that the board does not have.
        let keys: Vec<String> = memory.iter().map(|(key, _)| key.to_owned()).collect();
        let known = |key: &str| KEYS.iter().any(|(known, _)| known.strip_prefix("memory.") == Some(key));
        keys.iter().filter(|key| !known(key)).for_each(|key| drop(memory.remove(key)));
    }
    for change in changes {
        let value: Value = change.to.parse().map_err(|error| broken(&error))?;
        set(party, change, value).ok_or_else(|| broken(&format!("no table for `{}`", change.key)))?;
    }
    Ok(document.to_string())
}

/// Sets a key of a table within `party`, with a note of what it was before the comment beside it.
fn set(party: &mut dyn TableLike, change: &Change, mut value: Value) -> Option<()> {
    let (table, key) = change.key.split_once('.')?;
    let item = party.get_mut(table)?;
    let in_line = item.is_inline_table();
    let table = item.as_table_like_mut()?;
    if let (Some(from), Some(old)) = (&change.from, table.get(key).and_then(Item::as_value)) {
        let beside = old.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
        let comment = beside.trim().trim_start_matches('#').trim_start();
        let colon = if comment.is_empty() { "" } else { ": " };
        *value.decor_mut() = old.decor().clone();
        if !in_line {
            value.decor_mut().set_suffix(format!(" # was {from}{colon}{comment}"));
        }
    }
    table.insert(key, Item::Value(value));
    Some(())
}

/// Replaces a value, with the comment that stood beside it.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}
