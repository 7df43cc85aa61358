//! Whether a design can be built on its FPGA board, and by how much it cannot.

use crate::fpga::{Board, FREE_XOR, FpgaResources, HALF_GATE, mac_unit, ntt_butterfly};
use crate::memory::MemoryKind;
use crate::party::PartyHardware;
use pisim_settings::Frequency;

/// What keeps a design from being built on a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The key within the party's table that it is about.
    pub key: String,
    /// What is wrong, by how much, and what was expected.
    pub message: String,
}

/// Everything that keeps the party's accelerators from being built on `board`: a memory that it does not have, resources,
/// parts larger than an SLR, clocks.
pub(crate) fn misfits(board: &'static Board, party: &PartyHardware) -> Vec<Misfit> {
    let used = party.fpga_resources();
    let mut found = Vec::new();
    found.extend(memory(board, party));
    found.extend(resources(board, used));
    if found.iter().all(|misfit| misfit.key != "fpga.board") {
        found.extend(slrs(board, party));
    }
    found.extend(clocks(party));
    found
}

fn misfit(key: &str, message: String) -> Misfit {
    Misfit { key: key.to_owned(), message }
}

fn memory(board: &Board, party: &PartyHardware) -> Option<Misfit> {
    let memory = &party.memory;
    let Some(has) = board.memory(memory.kind) else {
        let kinds: Vec<String> = board.memories.iter().map(|memory| shown(memory.kind)).collect();
        let keys: Vec<String> = kinds.iter().map(|kind| format!("\"{}\"", kind.to_lowercase())).collect();
        let message = format!("the {} has {}; expected {}", board.name, kinds.join(" and "), keys.join(" or "));
        return Some(misfit("memory.kind", message));
    };
    let (peak, most) = (memory.peak_bytes_per_s() / 1e9, has.bytes_per_s() / 1e9);
    (peak > most * 1.001).then(|| {
        misfit("memory.channels", format!("{peak} GB/s in all; expected at most the {}'s {most} GB/s", board.name))
    })
}

/// The kind as people write it; in lower case as files do.
pub(crate) fn shown(kind: MemoryKind) -> String {
    format!("{kind:?}").to_uppercase()
}

fn resources(board: &Board, used: FpgaResources) -> Option<Misfit> {
    let overflows = board.fit(used).overflows();
    let excess = |(name, used, available): &(&str, u64, u64)| {
        let percent = 100.0 * (*used as f64 / (*available).max(1) as f64 - 1.0);
        format!("{used} {name} of {available} ({percent:.0} % too many)")
    };
    let list: Vec<String> = overflows.iter().map(excess).collect();
    (!list.is_empty()).then(|| {
        let message = format!(
            "the design does not fit the {}: it needs {}; expected fewer units or a larger board",
            board.name,
            list.join(", ")
        );
        misfit("fpga.board", message)
    })
}

/// Parts that run in lock step every cycle and so cannot be spread over several dies: a gate engine, a transform unit, a column of
/// an array. Whole units can, part by part.
fn unsplit(party: &PartyHardware) -> Vec<(&'static str, &'static str, FpgaResources)> {
    let gc = party.gc_engine.as_ref().map(|_| ("gc_engine.engines", "one gate engine", HALF_GATE + FREE_XOR));
    let he = party.he_engine.as_ref().map(|unit| {
        ("he_engine.butterflies", "one transform unit", ntt_butterfly(unit.word_bits).times(unit.butterflies))
    });
    let mac = party.mac_array.as_ref();
    let mac = mac.map(|unit| ("mac_array.rows", "one column of cells", mac_unit(unit.word_bits).times(unit.rows)));
    [gc, he, mac].into_iter().flatten().collect()
}

pub(crate) fn slrs(board: &Board, party: &PartyHardware) -> Vec<Misfit> {
    let slr = board.largest_slr();
    let too_large = |(key, part, needs): (&str, &str, FpgaResources)| {
        let (name, used, available) = *board.in_blocks(needs).beyond(&slr).first()?;
        let message = format!(
            "{part} needs {used} {name} and cannot be split, but an SLR of the {} offers {available}; expected fewer",
            board.name
        );
        Some(misfit(key, message))
    };
    unsplit(party).into_iter().filter_map(too_large).collect()
}

/// Clocks above what the design reaches. On silicon that is all that can keep it from being built.
pub(crate) fn clocks(party: &PartyHardware) -> Vec<Misfit> {
    let Some(most) = party.achievable_clock_hz() else { return Vec::new() };
    let units = [
        ("gc_engine.clock", party.gc_engine.as_ref().map(|unit| unit.clock_hz)),
        ("he_engine.clock", party.he_engine.as_ref().map(|unit| unit.clock_hz)),
        ("mac_array.clock", party.mac_array.as_ref().map(|unit| unit.clock_hz)),
    ];
    let too_fast = |(key, clock_hz): (&str, Option<f64>)| {
        let clock_hz = clock_hz.filter(|clock_hz| *clock_hz > most * (1.0 + 1e-9))?;
        let clock = Frequency::new(clock_hz).unwrap_or_default();
        Some(misfit(key, format!("{clock}; {}", why_slower(party, most))))
    };
    units.into_iter().filter_map(too_fast).collect()
}

/// Why units are not clocked faster than `most` hertz, and what was expected.
fn why_slower(party: &PartyHardware, most: f64) -> String {
    let table = if party.board().is_some() { "fpga" } else { "silicon" };
    match (party.achieved_clock_hz, party.fpga_use().zip(party.board())) {
        (Some(_), _) => {
            let most = Frequency::new(most).unwrap_or_default();
            format!("`{table}.achieved_clock` says that the design closes at {most}; expected at most that")
        }
        (None, Some((all, board))) => {
            let (resource, share) = all.tightest();
            format!(
                "a design that fills {:.0} % of the {}'s {} budget reaches at most {:.0} MHz; expected a lower clock, fewer units \
                 or the `fpga.achieved_clock` that it is known to close at",
                100.0 * share,
                board.name,
                resource.to_uppercase(),
                (most / 1e6).floor()
            )
        }
        (None, None) => format!(
            "published accelerators run at up to {}; expected a lower clock, or the `silicon.achieved_clock` that it is known to \
             close at",
            Frequency::new(most).unwrap_or_default()
        ),
    }
}
