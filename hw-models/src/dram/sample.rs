//! A short run, for patterns of which no formula says in which banks their addresses meet.
//!
//! Up to [`TOGETHER`] channels are run together. Of more, random lines and blocks find on so many what they find on all, and
//! blocks that lie on every channel alike on a single one; of other patterns the busiest channel is run, which makes all others
//! wait. Refreshes belong to the run, which is measured over whole intervals of them: they set back streams that would keep
//! step, and of several ranks the others work while one refreshes, as far as the queues hold what waits for it.

use super::access::Access;
use super::address::AddressMap;
use super::closed::Need;
use super::controller::Burst;
use super::device::LINE_BYTES;
use super::pattern::Pattern;
use super::reference::{Source, Steady};
use super::system::DramSystem;
use std::sync::{Mutex, PoisonError};

/// Channels that are run together.
const TOGETHER: u64 = 8;
/// Lines of a run: of random lines for every channel; of other patterns in all, but no fewer for every channel than the second.
const RANDOM_LINES: u64 = 8_192;
const OTHER_LINES: [u64; 2] = [32_768, 4_096];
/// Random blocks of a run, at least, and lines for every channel up to which they are run.
const BLOCKS: u64 = 512;
const MOST_LINES: u64 = 32_768;
/// Refresh intervals of a run, at least, per rank up to two: of random lines, and of what may keep step with refreshes.
const INTERVALS: [u64; 2] = [4, 8];
/// Times that every request under way is followed by another one, at least.
const ROUNDS: u64 = 8;

/// Answers that are kept at most.
const MOST_KNOWN: usize = 1 << 10;

impl DramSystem {
    /// What a channel needs per line, with its refreshes. Sweeps ask the same of the same memory for every point, so answers are
    /// kept: a run takes 10 to 200 ms, and always gives the same.
    pub(super) fn sampled(&self, access: &Access) -> Need {
        static KNOWN: Mutex<Vec<(DramSystem, Access, Need)>> = Mutex::new(Vec::new());
        let known = |known: &Vec<(DramSystem, Access, Need)>| {
            known.iter().find(|(system, asked, _)| asked == access && system == self).map(|(_, _, need)| *need)
        };
        let locked = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(need) = known(&locked()) {
            return need;
        }
        let need = self.run_sample(access);
        let mut answers = locked();
        if answers.len() < MOST_KNOWN && known(&answers).is_none() {
            answers.push((self.clone(), *access, need));
        }
        need
    }

    fn run_sample(&self, access: &Access) -> Need {
        match self.on_fewer_channels(access) {
            Some((fewer, access)) => fewer.together(&access),
            None if self.channels > TOGETHER && access.queue_depth.is_none() => self.busiest_channel(access),
            None => self.together(access),
        }
    }

    /// All channels.
    fn together(&self, access: &Access) -> Need {
        let lines = self.sample_lines(access.pattern);
        let requests = match access.queue_depth {
            // Few under way leave most of many channels idle.
            Some(depth) if self.channels > TOGETHER => lines.max(ROUNDS * depth).min(lines * self.channels),
            _ => lines * self.channels,
        };
        let steady = self.steady(Source::of(self, access), requests, access.queue_depth);
        Need { clocks: steady.clocks * self.channels as f64, activates: steady.activates }
    }

    /// Fewer channels and the pattern that does to them what this one does to more, if there is one: blocks shrink so that as
    /// much of them lies on each channel.
    fn on_fewer_channels(&self, access: &Access) -> Option<(Self, Access)> {
        if access.queue_depth.is_some() || !access.pattern.is_random() {
            return None;
        }
        let lines = if let Pattern::Block(bytes) = access.pattern { Pattern::lines(bytes) } else { 1 };
        let span = AddressMap::new(self).span(lines).channels;
        let everywhere = span == self.channels as f64 && lines.is_multiple_of(self.channels);
        let channels = if everywhere { 1 } else { TOGETHER };
        if channels >= self.channels {
            return None;
        }
        let shrunk = (lines * channels / self.channels).max((lines as f64 / span) as u64).max(1);
        let pattern = match access.pattern {
            Pattern::Block(_) => Pattern::Block(shrunk * LINE_BYTES),
            other => other,
        };
        Some((Self { channels, ..self.clone() }, Access { pattern, ..*access }))
    }

    /// The busiest channel by itself.
    fn busiest_channel(&self, access: &Access) -> Need {
        let lines = self.sample_lines(access.pattern);
        let (map, region) = (AddressMap::new(self), self.region_lines());
        let (channel, share) = self.busiest(access, &map, lines * self.channels);
        let mine = (0..).map(|number| access.request(number, region)).filter_map(|(line, write)| {
            let place = map.place(line);
            (place.channel == channel).then_some(Burst { bank: place.bank, row: place.row, write })
        });
        let alone = Self { channels: 1, ..self.clone() };
        let Steady { clocks, activates } =
            alone.steady(Source::Lines(mine.take(lines as usize).collect()), lines, None);
        Need { clocks: clocks * share * self.channels as f64, activates }
    }

    /// The channel with the most of the first `requests` lines, and its part of them.
    fn busiest(&self, access: &Access, map: &AddressMap, requests: u64) -> (usize, f64) {
        let region = self.region_lines();
        let mut counts = vec![0_u64; self.channels as usize];
        for number in 0..requests {
            let place = map.place(access.request(number, region).0);
            if let Some(count) = counts.get_mut(place.channel) {
                *count += 1;
            }
        }
        let busiest = counts.iter().enumerate().max_by_key(|(_, count)| **count);
        busiest.map_or((0, 1.0), |(channel, count)| (channel, *count as f64 / requests.max(1) as f64))
    }

    /// Lines of the run for every channel.
    fn sample_lines(&self, pattern: Pattern) -> u64 {
        let [in_all, least] = OTHER_LINES;
        let lines = match pattern {
            Pattern::Block(bytes) => (BLOCKS * Pattern::lines(bytes)).clamp(RANDOM_LINES, MOST_LINES),
            _ if pattern.is_random() => RANDOM_LINES,
            _ => (in_all / self.channels).max(least),
        };
        let [random, in_step] = INTERVALS;
        let single = pattern.is_random() && lines == RANDOM_LINES;
        let intervals = if single { random } else { in_step } * self.ranks.min(2);
        lines.max(intervals * self.device.timing.refi / self.line_clocks())
    }
}
