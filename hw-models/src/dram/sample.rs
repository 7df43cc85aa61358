//! Counting a sample of a pattern's addresses by the resources that they need.

use super::address::{AddressMap, Place};
use super::closed::Need;
use super::controller::QUEUE;
use super::pattern::Pattern;
use super::system::DramSystem;
use std::collections::{HashMap, HashSet};

/// Requests of a window, per channel: about what the scheduler reorders.
const WINDOW: u64 = 64;
/// Windows of a sample.
const WINDOWS: u64 = 48;

/// Blocks whose first and last bank groups are compared.
const BLOCKS: u64 = 64;

/// What a block of lines touches.
pub(super) struct Footprint {
    /// Rows.
    pub rows: usize,
    /// Channels.
    pub channels: usize,
    /// How likely a block begins in the bank group in which another one of the channel ended.
    pub same_group: f64,
}

impl Footprint {
    /// Of aligned blocks of so many lines.
    pub fn of_blocks(system: &DramSystem, lines: u64) -> Self {
        let map = AddressMap::new(system);
        let places: HashSet<Place> = (0..lines).map(|line| map.place(line)).collect();
        let channels: HashSet<usize> = places.iter().map(|place| place.channel).collect();
        let group = |line| map.place(line).bank / system.device.banks_per_group as usize;
        let (mut firsts, mut lasts) = (HashMap::new(), HashMap::new());
        for block in 0..BLOCKS {
            *firsts.entry(group(block * lines)).or_insert(0) += 1;
            *lasts.entry(group((block + 1) * lines - 1)).or_insert(0) += 1;
        }
        let pairs: u64 =
            lasts.iter().map(|(group, count)| count * firsts.get(group).copied().unwrap_or_default()).sum();
        Self { rows: places.len(), channels: channels.len(), same_group: pairs as f64 / (BLOCKS * BLOCKS) as f64 }
    }
}

/// A sample of a pattern: per window, what the busiest channel needs.
pub(super) struct Sample {
    clocks: f64,
    activates: u64,
    lines: u64,
}

/// What one window asks of one channel.
struct Load {
    lines: u64,
    groups: Vec<u64>,
    rows_of_bank: Vec<HashSet<u64>>,
    activates_of_rank: Vec<u64>,
}

impl Sample {
    /// Counts [`WINDOWS`] windows of a pattern.
    pub fn new(system: &DramSystem, pattern: Pattern) -> Self {
        let (map, region) = (AddressMap::new(system), system.region_lines());
        let channels = system.channels as usize;
        let banks = (system.device.banks() * system.ranks) as usize;
        let mut open: Vec<Vec<Option<u64>>> = vec![vec![None; banks]; channels];
        let window = WINDOW * system.channels;
        let (mut sample, mut last_write) = (Self { clocks: 0.0, activates: 0, lines: WINDOWS * window }, false);
        for number in 0..WINDOWS {
            let requests: Vec<(Place, bool)> = (number * window..(number + 1) * window)
                .map(|request| pattern.request(request, region))
                .map(|(line, write)| (map.place(line), write))
                .collect();
            let writes = requests.iter().filter(|(_, write)| *write).count();
            // Fine mixes are sorted into batches of twice the write buffer, which refills while it drains.
            let changes = requests.windows(2).filter(|two| two[0].1 != two[1].1).count() as f64;
            let changes = changes + f64::from(u8::from(requests.first().is_some_and(|first| first.1 != last_write)));
            last_write = requests.last().is_some_and(|last| last.1);
            let batches = (writes as f64 / (2 * QUEUE * channels) as f64).min(changes / 2.0);
            let mut clocks: f64 = 0.0;
            for (channel, open) in open.iter_mut().enumerate() {
                let mine = requests.iter().filter(|(place, _)| place.channel == channel).map(|(place, _)| *place);
                let load = Load::new(system, mine, open);
                sample.activates += load.activates_of_rank.iter().sum::<u64>();
                clocks = clocks.max(load.clocks(system) + batches * system.turnaround_clocks());
            }
            sample.clocks += clocks;
        }
        sample
    }

    /// Per line of one channel.
    pub fn need(&self, system: &DramSystem) -> Need {
        Need {
            clocks: self.clocks * system.channels as f64 / self.lines as f64,
            activates: self.activates as f64 / self.lines as f64,
        }
    }
}

impl Load {
    /// Sorts the lines of a window by bank; `open` are the rows that the window before left open, and is what this one leaves.
    fn new(system: &DramSystem, places: impl Iterator<Item = Place>, open: &mut [Option<u64>]) -> Self {
        let device = system.device;
        let mut load = Self {
            lines: 0,
            groups: vec![0; (device.groups * system.ranks) as usize],
            rows_of_bank: vec![HashSet::new(); open.len()],
            activates_of_rank: vec![0; system.ranks as usize],
        };
        let mut last = vec![None; open.len()];
        for place in places {
            load.lines += 1;
            load.groups[place.bank / device.banks_per_group as usize] += 1;
            load.rows_of_bank[place.bank].insert(place.row);
            last[place.bank] = Some(place.row);
        }
        for (bank, rows) in load.rows_of_bank.iter_mut().enumerate() {
            if let Some(row) = open[bank] {
                rows.remove(&row);
            }
            load.activates_of_rank[bank / device.banks() as usize] += rows.len() as u64;
            open[bank] = last[bank].or(open[bank]);
        }
        load
    }

    /// The longest that a resource needs.
    fn clocks(&self, system: &DramSystem) -> f64 {
        let (device, timing) = (system.device, system.device.timing);
        let burst = device.burst_clocks();
        let per_line = device.bursts_per_line();
        let bus = self.lines * per_line * timing.ccd_s.max(burst);
        let group = self.groups.iter().max().map_or(0, |lines| lines * per_line * timing.ccd_l.max(burst));
        let bank = self.rows_of_bank.iter().map(|rows| rows.len() as u64).max().map_or(0, |rows| rows * timing.rc());
        let rank = self.activates_of_rank.iter().max().copied().unwrap_or_default() as f64;
        let activates = rank * system.activate_clocks() * system.ranks as f64;
        (bus.max(group).max(bank) as f64).max(activates)
    }
}
