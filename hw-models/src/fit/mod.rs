//! The largest configuration of a party's accelerators that an FPGA board holds.

mod edit;
mod scale;
mod search;

use crate::breakdown::derived_static_w;
use crate::fpga::Board;
use crate::memory::{Memory, MemoryKind};
use crate::party::PartyHardware;
use crate::platform::Platform;
use crate::technology::{Fabric, Technology};
pub use edit::Change;
use pisim_settings::{ConfigError, Source};

/// One of the two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The party with the input.
    Client,
    /// The party with the weights.
    Server,
}

impl Side {
    /// Its table in platform files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    fn of(self, platform: &Platform) -> &PartyHardware {
        match self {
            Self::Client => &platform.client,
            Self::Server => &platform.server,
        }
    }
}

/// A kind of accelerator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// For garbled circuits.
    GcEngine,
    /// For homomorphic encryption.
    HeEngine,
    /// For linear work on shares.
    MacArray,
}

impl Accelerator {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GcEngine, Self::HeEngine, Self::MacArray];

    /// Its table in platform files.
    pub fn key(self) -> &'static str {
        match self {
            Self::GcEngine => "gc_engine",
            Self::HeEngine => "he_engine",
            Self::MacArray => "mac_array",
        }
    }

    /// Whether the party has it.
    pub fn is_in(self, party: &PartyHardware) -> bool {
        match self {
            Self::GcEngine => party.gc_engine.is_some(),
            Self::HeEngine => party.he_engine.is_some(),
            Self::MacArray => party.mac_array.is_some(),
        }
    }
}

/// What to fit where.
#[derive(Debug, Clone, Copy)]
pub struct FitOptions {
    /// Whose accelerators; without it, the server's or else the client's.
    pub side: Option<Side>,
    /// The board; without it, the file's.
    pub board: Option<&'static Board>,
    /// The accelerator that grows while the others stay as they are; without it, all grow or shrink alike.
    pub grow: Option<Accelerator>,
    /// The percentage of each resource of the board's budget that the largest configuration may use.
    pub fill_percent: u64,
}

/// A design on a board, and the largest of its kind that the board holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitting {
    /// Whose accelerators.
    pub side: Side,
    /// The board.
    pub board: &'static Board,
    /// The design as the file has it, on the board.
    pub given: PartyHardware,
    /// Watts of static power that the file gives for another board, and that the result keeps.
    pub kept_static_w: Option<f64>,
    /// The largest configuration; `None` if not even the smallest fits.
    pub largest: Option<Largest>,
}

/// The largest configuration that a board holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Largest {
    /// The party with it.
    pub party: PartyHardware,
    /// What the counts of units were multiplied with, before they were rounded down.
    pub factor: f64,
    /// What the sizes of on-chip memories were multiplied with; 1 unless they alone were too large.
    pub memory_factor: f64,
    /// Every key of the file that changes.
    pub changes: Vec<Change>,
    /// The platform file with these changes, and with all that it takes from the files it is based on; comments are kept if there
    /// are none.
    pub toml: String,
}

/// Fits a party's accelerators to a board: what they use, what does not fit, and the largest configuration that does.
///
/// Gate engines (with the wire memory's banks), transform units and their butterflies, multiplier and automorphism lanes, and
/// the array's cells are multiplied by one factor, the largest with which the design fits. On-chip memories keep their size
/// unless they alone are too large; then they take what the units leave. With [`FitOptions::grow`] only that accelerator changes, and each of its counts is then
/// raised as far as it goes. Parts that are larger than an SLR are cut to its size first, a memory that the board does not have
/// is replaced by the board's, and clocks that the result does not reach are lowered; a clock that the file says its design closes
/// at holds on its own board only.
///
/// # Errors
/// The file is wrong in another way than being too large, the party has no accelerators or not the one that should grow, or it
/// is made of silicon and no board is given.
pub fn fit(source: &Source, options: &FitOptions) -> Result<Fitting, ConfigError> {
    // A file that is based on others becomes one of its own.
    let whole = Platform::layers(source)?.merged().clone();
    let platform = Platform::unchecked_from_source(source)?;
    let side = options.side.unwrap_or(match Accelerator::ALL.iter().any(|unit| unit.is_in(&platform.server)) {
        false if platform.client.fabric.is_some() => Side::Client,
        _ => Side::Server,
    });
    let original = side.of(&platform);
    let error = |key: &str, message: String| ConfigError::at_key(source, &format!("{}{key}", side.key()), message);
    let Some(fabric) = original.fabric else {
        return Err(error("", "nothing to fit to a board; expected a party with an accelerator".into()));
    };
    let board = match (options.board, fabric) {
        (Some(board), _) | (None, Fabric::Fpga(board)) => board,
        (None, Fabric::Silicon { .. }) => {
            return Err(error(
                ".silicon",
                "the accelerators are made of silicon; expected a board to fit them to".into(),
            ));
        }
    };
    if let Some(grow) = options.grow.filter(|grow| !grow.is_in(original)) {
        let there: Vec<&str> =
            Accelerator::ALL.iter().filter(|unit| unit.is_in(original)).map(|unit| unit.key()).collect();
        return Err(error("", format!("has no {} that could grow; expected one of {}", grow.key(), there.join(", "))));
    }
    let given = on_board(original, board);
    let largest = search::largest(&given, board, options).map(|found| {
        let changes = edit::changes(original, &found.party);
        let toml = edit::apply(&whole, &platform, side, board, &changes)?;
        Platform::from_source(&Source::new(source.name.clone(), toml.clone()))?;
        let search::Found { party, factor, memory_factor } = found;
        Ok(Largest { party, factor, memory_factor, changes, toml })
    });
    let kept = original.board() != Some(board) && !original.leakage_derived;
    let kept_static_w = kept.then_some(original.static_power_w);
    Ok(Fitting { side, board, given, kept_static_w, largest: largest.transpose()? })
}

/// The party with its accelerators on this board.
fn on_board(party: &PartyHardware, board: &'static Board) -> PartyHardware {
    let fabric = Fabric::Fpga(board);
    let technology = Technology::of(fabric);
    let same = party.fabric == Some(fabric);
    let achieved_clock_hz = party.achieved_clock_hz.filter(|_| same);
    let mut party = PartyHardware { fabric: Some(fabric), achieved_clock_hz, ..party.clone() };
    party.gc_engine.iter_mut().for_each(|unit| unit.technology = technology);
    party.he_engine.iter_mut().for_each(|unit| unit.technology = technology);
    party.mac_array.iter_mut().for_each(|unit| unit.technology = technology);
    if party.leakage_derived {
        party.static_power_w = party.host_static_power_w + derived_static_w(fabric, 0.0);
    }
    party
}

/// The memory that a design has on this board: its own, or the board's where the board has no such memory or a slower one.
fn memory_on(board: &Board, own: &Memory) -> Memory {
    match board.memory(own.kind) {
        Some(has) if own.peak_bytes_per_s() <= has.bytes_per_s() * 1.001 => own.clone(),
        Some(has) if own.system.is_none() => {
            Memory { channels: has.channels, channel_bytes_per_s: has.channel_bytes_per_s, ..own.clone() }
        }
        // A device of its own, or another kind of memory, gives way to the board's.
        has => has.or(board.memories.first()).map_or(own.clone(), |has| Memory {
            kind: has.kind,
            channels: has.channels,
            channel_bytes_per_s: has.channel_bytes_per_s,
            ..usual(has.kind, own)
        }),
    }
}

/// A memory of this kind as on FPGA boards. HBM2: 425 of 460 GB/s and 110 ns measured on a U280 (Shuhai, arXiv 2005.04324; the
/// latency as recalled), 3.9 pJ/bit (Accelergy's CACTI plug-in). DDR4: 78 % of the peak in sequential reads and 48 ns (DRAMsim3,
/// DDR4-2400), 12 to 20 pJ/bit all in (as recalled).
fn usual(kind: MemoryKind, own: &Memory) -> Memory {
    let (streaming_efficiency, latency_s, energy_per_bit_j) = match kind {
        MemoryKind::Hbm2 => (0.92, 110e-9, 3.9e-12),
        _ => (0.78, 48e-9, 15e-12),
    };
    Memory { kind, streaming_efficiency, latency_s, energy_per_bit_j, system: None, ..own.clone() }
}
