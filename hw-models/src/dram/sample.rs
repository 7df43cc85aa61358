//! A short run of the busiest channel, for patterns of which no formula says in which banks their addresses meet.
//!
//! Channels hardly wait for each other beyond what the busiest one makes all of them wait, so it stands for all. Refreshes
//! are left out, so that it does not matter how many of them a short run meets; their part of the time is taken off after.

use super::address::AddressMap;
use super::closed::Need;
use super::controller::Burst;
use super::pattern::Pattern;
use super::system::DramSystem;

/// Lines of the run, as many times as the rows that a channel can have open have lines; but no fewer and no more than these.
const ROUNDS: u64 = 2;
const LINES: [u64; 2] = [4_096, 8_192];

impl DramSystem {
    /// What the busiest channel needs per line, were the lines of all channels its own.
    pub(super) fn sampled(&self, pattern: Pattern) -> Need {
        let open = self.device.banks() * self.ranks * self.device.lines_per_row();
        let [least, most] = LINES;
        let lines = (ROUNDS * open).clamp(least, most);
        let (channel, share) = self.busiest(pattern, lines * self.channels);
        let (map, region) = (AddressMap::new(self), self.region_lines());
        let mine = (0..).map(|number| pattern.request(number, region)).filter_map(|(line, write)| {
            let place = map.place(line);
            (place.channel == channel).then_some(Burst { bank: place.bank, row: place.row, write })
        });
        let run = self.run_alone(mine.take(lines as usize));
        Need {
            clocks: run.clocks as f64 / lines as f64 * share * self.channels as f64,
            activates: run.counts.activates as f64 / lines as f64,
        }
    }

    /// The channel with the most of the first `requests` lines, and its part of them. Random ones fall on all channels alike.
    fn busiest(&self, pattern: Pattern, requests: u64) -> (usize, f64) {
        let random = matches!(pattern, Pattern::Random11 | Pattern::Random21 | Pattern::Block(_));
        if random || self.channels == 1 {
            return (0, 1.0 / self.channels as f64);
        }
        let (map, region) = (AddressMap::new(self), self.region_lines());
        let mut counts = vec![0_u64; self.channels as usize];
        for number in 0..requests {
            let place = map.place(pattern.request(number, region).0);
            if let Some(count) = counts.get_mut(place.channel) {
                *count += 1;
            }
        }
        let busiest = counts.iter().enumerate().max_by_key(|(_, count)| **count);
        busiest.map_or((0, 1.0), |(channel, count)| (channel, *count as f64 / requests.max(1) as f64))
    }
}
