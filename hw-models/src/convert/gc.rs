//! Checks of a GC engine and of its queues.

use super::{Checked, clock};
use crate::check::Check;
use crate::gc::GcEngine;
use crate::raw::RawGcEngine;
use crate::technology::Technology;
use pisim_settings::Bytes;

pub(super) fn gc_engine(check: &Check<'_>, raw: &RawGcEngine, technology: Technology) -> Checked<GcEngine> {
    let (table_queue_bytes, wire_queue_bytes) = gc_queues(check, raw)?;
    let engine = GcEngine {
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
    };
    instruction_holds_its_addresses(check, &engine)?;
    Ok(engine)
}

/// Refuses instructions that are too short for what each of them names: two labels of the wire memory, and AND or XOR.
fn instruction_holds_its_addresses(check: &Check<'_>, engine: &GcEngine) -> Checked<()> {
    let (bits, address) = (engine.instruction_bits, engine.address_bits());
    let least = 2 * address + 1;
    if bits == 0 || bits >= least {
        return Ok(());
    }
    let message = format!(
        "{bits} bits do not hold two addresses of {address} bits, which the labels of a `wire_memory` of {} B need, and the kind of \
         gate; expected at least {least}, or 0 for a fixed schedule without instructions",
        engine.wire_memory_bytes
    );
    Err(check.error("instruction_bits", message))
}

/// Bytes of one table of half-gates, the least that a table queue holds.
const LEAST_TABLES: u64 = 32;

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
        // The queue that the file gives; of two the longer one.
        let key = match (raw.table_queue, raw.wire_queue) {
            (None, Some(_)) => "wire_queue",
            (Some(_), Some(_)) if wires > tables => "wire_queue",
            _ => "table_queue",
        };
        let other = if key == "wire_queue" { tables } else { wires };
        let room = all.saturating_sub(least);
        let expected = match room.checked_sub(other) {
            Some(most) if key == "wire_queue" || most >= LEAST_TABLES => format!("at most {most} B"),
            _ => format!("a larger `queue_memory` or {room} B for both queues"),
        };
        let message = format!(
            "{tables} B of tables and {wires} B of labels leave no instruction of {least} B in a `queue_memory` of {all} B; \
             expected {expected}"
        );
        return Err(check.error(key, message));
    }
    Ok((tables, wires))
}
