//! Counting a sample of a pattern's addresses by the resources that they need.

use super::address::{AddressMap, Place};
use super::closed::Need;
use super::controller::QUEUE;
use super::pattern::Pattern;
use super::system::DramSystem;
use std::collections::HashSet;

/// Requests of a window, per channel: about what the scheduler reorders.
const WINDOW: u64 = 64;
/// Windows of a sample.
const WINDOWS: u64 = 48;

/// A sample of a pattern: what the busiest channel needs for it.
pub(super) struct Sample {
    clocks: f64,
    activates: u64,
    lines: u64,
}

impl Sample {
    /// Counts [`WINDOWS`] windows of a pattern. Each channel's lines are taken in windows of their own.
    pub fn new(system: &DramSystem, pattern: Pattern) -> Self {
        let (map, region) = (AddressMap::new(system), system.region_lines());
        let mut loads: Vec<Load> = (0..system.channels).map(|_| Load::new(system)).collect();
        let lines = WINDOWS * WINDOW * system.channels;
        for request in 0..lines {
            let (line, write) = pattern.request(request, region);
            let place = map.place(line);
            if let Some(load) = loads.get_mut(place.channel) {
                load.add(system, place, write);
            }
        }
        loads.iter_mut().for_each(|load| load.close_window(system));
        let clocks = loads.iter().map(|load| load.clocks).fold(0.0, f64::max);
        Self { clocks, activates: loads.iter().map(|load| load.activates).sum(), lines }
    }

    /// Per line of one channel.
    pub fn need(&self, system: &DramSystem) -> Need {
        Need {
            clocks: self.clocks * system.channels as f64 / self.lines as f64,
            activates: self.activates as f64 / self.lines as f64,
        }
    }
}

/// What a channel has been asked for: in all, and in the window at hand.
struct Load {
    clocks: f64,
    activates: u64,
    /// The rows that are open.
    open: Vec<Option<u64>>,
    /// The direction of the last line.
    writing: bool,
    /// Changes of direction, in the order of the lines.
    changes: u64,
    /// Lines by direction and bank group.
    groups: [Vec<u64>; 2],
    rows: Vec<HashSet<u64>>,
    last: Vec<Option<u64>>,
}

impl Load {
    fn new(system: &DramSystem) -> Self {
        let groups = vec![0; (system.device.groups * system.ranks) as usize];
        let banks = (system.device.banks() * system.ranks) as usize;
        Self {
            clocks: 0.0,
            activates: 0,
            open: vec![None; banks],
            writing: false,
            changes: 0,
            groups: [groups.clone(), groups],
            rows: vec![HashSet::new(); banks],
            last: vec![None; banks],
        }
    }

    fn lines(&self, direction: usize) -> u64 {
        self.groups[direction].iter().sum()
    }

    fn add(&mut self, system: &DramSystem, place: Place, write: bool) {
        self.changes += u64::from(write != self.writing);
        self.writing = write;
        self.groups[usize::from(write)][place.bank / system.device.banks_per_group as usize] += 1;
        self.rows[place.bank].insert(place.row);
        self.last[place.bank] = Some(place.row);
        if self.lines(0) + self.lines(1) >= WINDOW {
            self.close_window(system);
        }
    }

    /// Adds the longest that a resource needs for the window, and begins the next one.
    fn close_window(&mut self, system: &DramSystem) {
        let (device, timing) = (system.device, system.device.timing);
        let (burst, per_line) = (device.burst_clocks(), device.bursts_per_line());
        // Reads and writes follow each other, so that a bank group has no other to alternate with in the other direction.
        let bus: u64 = [0, 1]
            .map(|direction| {
                let longest = self.groups[direction].iter().max().copied().unwrap_or_default();
                let all = self.lines(direction) * per_line * timing.ccd_s.max(burst);
                all.max(longest * per_line * timing.ccd_l.max(burst))
            })
            .iter()
            .sum();
        // Fine mixes are sorted into batches of twice the write buffer, which refills while it drains.
        let batches = (self.lines(1) as f64 / (2 * QUEUE) as f64).min(self.changes as f64 / 2.0);
        let mut of_rank = vec![0; system.ranks as usize];
        let mut bank_clocks = 0;
        for (bank, rows) in self.rows.iter_mut().enumerate() {
            if let Some(row) = self.open[bank] {
                rows.remove(&row);
            }
            of_rank[bank / device.banks() as usize] += rows.len() as u64;
            bank_clocks = bank_clocks.max(rows.len() as u64 * timing.rc());
            self.open[bank] = self.last[bank].or(self.open[bank]);
            rows.clear();
        }
        let busiest = of_rank.iter().max().copied().unwrap_or_default() as f64;
        let activates = busiest * system.activate_clocks() * system.ranks as f64;
        self.activates += of_rank.iter().sum::<u64>();
        self.clocks += (bus.max(bank_clocks) as f64).max(activates) + batches * system.turnaround_clocks();
        self.groups.iter_mut().for_each(|groups| groups.fill(0));
        self.last.fill(None);
        self.changes = 0;
    }
}
