//! Checks of the mapping: which work may run beside which, on how many threads.

use super::Checked;
use crate::check::Check;
use crate::mapping::{HeParallel, Mapping, Threads};
use crate::party::PartyHardware;
use crate::raw::{RawMapping, RawThreads};

pub(super) fn mapping(
    check: &Check<'_>,
    raw: &RawMapping,
    client: &PartyHardware,
    server: &PartyHardware,
) -> Checked<Mapping> {
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
