//! The closed form: what a pattern reaches, from the device's timings.
//!
//! A line takes the longest of what its resources need for it, and refresh takes its part of the time:
//!
//! * the data bus: its bursts, and tCCD_L instead of tCCD_S for those that find no other bank group to alternate with;
//! * activates: tFAW / 4 each (or tRRD_S).
//!
//! These formulas serve what goes on for µs in a sweep: of one rank, streams, long random blocks that lie on all channels, and
//! random lines that activates bind by far. Everything else depends on which banks and ranks addresses meet in, when the bus turns
//! around or changes the rank (tRTRS), and whether another rank can work while one refreshes; of those a few thousand lines are run
//! by the controller's own rules (`sample.rs`). Over 2,184 combinations of device, mapping, 1, 2 and 4 ranks and pattern with one
//! channel, one was more than 3 points of the peak away from the reference (3.4).

use super::access::Access;
use super::address::{AddressMap, AddressMapping};
use super::controller::{BANK_QUEUE, QUEUE};
use super::device::{Device, LINE_BYTES};
use super::pattern::Pattern;
use super::system::DramSystem;

/// Clocks that a request spends in the controller's two queues.
const CONTROLLER_CLOCKS: u64 = 2;

/// By how much activates must take longer than the bus so that it does not matter when banks wait for each other.
const BY_FAR: f64 = 1.25;

/// Lines of a block on every channel from which on rows open rarely enough that banks hardly wait for each other.
const LONG_BLOCK_LINES: u64 = 128;

/// What a line of a pattern needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Need {
    /// Clocks of a channel per line of that channel, refreshes included.
    pub clocks: f64,
    /// Rows opened per line.
    pub activates: f64,
}

impl DramSystem {
    /// Bandwidth of a pattern over the peak, 0 to 1, without running it.
    pub fn expected_efficiency(&self, access: impl Into<Access>) -> f64 {
        (self.line_clocks() as f64 / self.need(&access.into()).clocks).min(1.0)
    }

    /// Joules per bit of a pattern, without running it.
    pub fn expected_energy_per_bit_j(&self, access: impl Into<Access>) -> f64 {
        self.energy_per_bit_j(self.need(&access.into()).activates)
    }

    /// Joules per bit when every line opens `activates` rows: the stream's, and the activates that a stream does not need.
    pub fn energy_per_bit_j(&self, activates: f64) -> f64 {
        let streams = 1.0 / self.device.lines_per_row() as f64;
        let extra = (activates - streams).max(0.0) * self.device.activate_j() / (8 * LINE_BYTES) as f64;
        self.device.energy_per_bit_j + extra
    }

    fn need(&self, access: &Access) -> Need {
        match access.pattern {
            _ if access.queue_depth.is_some() || !access.one_way() => self.sampled(access),
            Pattern::SeqRead | Pattern::SeqWrite if self.ranks == 1 => self.stream(),
            Pattern::RandomRead | Pattern::RandomWrite if self.activates_decide() => self.block(1),
            Pattern::Block(bytes) if self.streams(Pattern::lines(bytes)) => self.block(Pattern::lines(bytes)),
            _ => self.sampled(access),
        }
    }

    /// One stream: rows open ahead of it, so that only the bus counts.
    fn stream(&self) -> Need {
        let clocks = self.bus_clocks(self.group_run(), 0.0);
        self.with_refreshes(Need { clocks, activates: 1.0 / self.device.lines_per_row() as f64 })
    }

    /// Whether activates bind single random lines by far: of one channel and rank, and more than the bus by [`BY_FAR`].
    fn activates_decide(&self) -> bool {
        self.channels == 1 && self.ranks == 1 && self.activate_clocks() > BY_FAR * self.line_clocks() as f64
    }

    /// Whether random blocks of so many lines are little else than streams.
    fn streams(&self, lines: u64) -> bool {
        let channels = AddressMap::new(self).span(lines).channels;
        self.ranks == 1 && channels == self.channels as f64 && lines / self.channels >= LONG_BLOCK_LINES
    }

    /// Random aligned blocks of so many lines.
    fn block(&self, lines: u64) -> Need {
        let span = AddressMap::new(self).span(lines);
        let activates = 1.0 / span.columns;
        let per_channel = (lines as f64 / span.channels).max(1.0);
        let run = self.group_run().min(per_channel);
        // Within a block the next run is in another group for sure. A block of several groups ends in another one than those
        // in which blocks begin; after one of a single group the next is in the same by chance.
        let same = if span.groups > 1.0 { 0.0 } else { run / per_channel / self.device.groups as f64 };
        let clocks = self.bus_clocks(run, same).max(activates * self.activate_clocks());
        self.with_refreshes(Need { clocks, activates })
    }

    /// Clocks of one activate of a rank.
    fn activate_clocks(&self) -> f64 {
        let timing = self.device.timing;
        (timing.faw as f64 / 4.0).max(timing.rrd_s as f64)
    }

    /// Lines of a stream in one channel before the bank group changes.
    fn group_run(&self) -> f64 {
        let device = self.device;
        match self.mapping {
            AddressMapping::BankGroup => 1.0,
            AddressMapping::Column if device.groups_before_banks => device.lines_per_row() as f64,
            AddressMapping::Column => (device.lines_per_row() * device.banks_per_group) as f64,
        }
    }

    /// Bus clocks of a line when runs of so many lines stay in one bank group and the next run is in the same group with
    /// probability `same`.
    ///
    /// The scheduler alternates between the end of one run and the beginning of the next as far ahead as it can see (less the
    /// time to open the next row); the rest of a run is alone with tCCD_L between its bursts.
    fn bus_clocks(&self, run: f64, same: f64) -> f64 {
        let (device, timing) = (self.device, self.device.timing);
        let (short, long) = (timing.ccd_s.max(device.burst_clocks()), timing.ccd_l.max(device.burst_clocks()));
        let per_line = device.bursts_per_line() as f64;
        let bursts = run * per_line;
        let ahead = (lookahead() * per_line - timing.rcd as f64 / long as f64).max(1.0);
        // Groups between which the scheduler alternates.
        let seen = (1.0 + (ahead / bursts).ceil()).min(device.groups as f64).max(1.0);
        let alternating = (short as f64).max(long as f64 / seen);
        let alone = if bursts >= 2.0 * ahead {
            bursts - 2.0 * ahead * (1.0 - same)
        } else {
            bursts * same.powf((ahead / bursts).max(1.0))
        };
        per_line * (alternating + (long as f64 - alternating) * alone / bursts)
    }

    /// What a need becomes when the only rank is away for every refresh.
    fn with_refreshes(&self, need: Need) -> Need {
        Need { clocks: need.clocks / (1.0 - self.away(need) / self.device.timing.refi as f64), ..need }
    }

    /// Clocks for which a refresh takes a rank away: tRFC, and what it takes to close rows before and to have data again after.
    fn away(&self, need: Need) -> f64 {
        let timing = self.device.timing;
        let around = if need.activates * self.activate_clocks() >= need.clocks {
            timing.ras + timing.rp
        } else {
            timing.rtp + timing.rp + timing.rcd
        };
        (timing.rfc + around) as f64
    }
}

/// Lines of one channel among which the scheduler chooses.
fn lookahead() -> f64 {
    (QUEUE + BANK_QUEUE) as f64
}

impl Device {
    /// Mean seconds of a read of a random line with nothing else under way, each after the one before.
    ///
    /// Rows stay open, so that most reads pay tRP + tRCD + CL + burst; a refresh stands in the way of one, after which every
    /// bank is closed until its first read.
    pub fn expected_latency_s(&self) -> f64 {
        let timing = self.timing;
        let bursts = (self.bursts_per_line() - 1) * timing.ccd_l.max(self.burst_clocks()) + self.burst_clocks();
        let conflict = (CONTROLLER_CLOCKS + timing.rp + timing.rcd + timing.cl + bursts) as f64;
        let (reads, banks) = (timing.refi as f64 / conflict, self.banks() as f64);
        let closed = banks * (1.0 - (-reads / banks).exp());
        (conflict + (timing.rfc as f64 - timing.rp as f64 * closed) / reads) / self.clock_hz
    }
}
