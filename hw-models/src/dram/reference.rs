//! The reference: request by request, every command at its clock.
//!
//! It steps from one clock in which something can happen to the next, so idle clocks cost nothing. Requests arrive in order,
//! [`WIDTH`] per clock at most, with at most [`WINDOW`] per channel under way; a read is under way until its data has come, a
//! write until the controller has taken it. A channel takes its requests in order; one that has no room holds back no other
//! channel until the window is full.

use super::address::{AddressMap, AddressMapping, Interleave};
use super::clocks::Command;
use super::controller::{Burst, Controller, Counts};
use super::device::{Device, LINE_BYTES};
use super::pattern::Pattern;
use super::system::DramSystem;
use std::collections::VecDeque;

/// Requests under way, per channel.
const WINDOW: u64 = 64;
/// Requests per clock of one channel, and of each of many (the published runs: 4 for one, 16 for eight).
const WIDTH: [u64; 2] = [4, 2];

/// What a run of the reference found.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Requests of one line each.
    pub requests: u64,
    /// Clocks from the first request to the last data.
    pub clocks: u64,
    /// Commands that the channels gave, summed.
    pub counts: Counts,
    /// Bytes moved over the bytes that all channels could have moved, 0 to 1.
    pub efficiency: f64,
    /// Bytes per second.
    pub bandwidth_bytes_per_s: f64,
}

impl Run {
    /// Bursts that found their row open: all but one for every activate.
    pub fn row_hits(&self) -> u64 {
        (self.counts.reads + self.counts.writes).saturating_sub(self.counts.activates)
    }
}

impl DramSystem {
    /// Runs `requests` requests of a pattern, as fast as the memory takes them. The system must pass [`DramSystem::check`].
    pub fn run(&self, pattern: Pattern, requests: u64) -> Run {
        self.saturated(pattern, requests, false).run(self)
    }

    /// As [`DramSystem::run`], with every command of every channel.
    pub fn trace(&self, pattern: Pattern, requests: u64) -> (Run, Vec<Vec<Command>>) {
        let mut driver = self.saturated(pattern, requests, true);
        let run = driver.run(self);
        let traces = driver.controllers.into_iter().map(|controller| controller.trace.unwrap_or_default());
        (run, traces.collect())
    }

    fn saturated(&self, pattern: Pattern, requests: u64, traced: bool) -> Driver {
        let [one, many] = WIDTH;
        Driver::new(self, pattern, requests, [WINDOW * self.channels, one.max(many * self.channels)], traced)
    }
}

impl Device {
    /// Mean seconds of reads of random lines of one channel, of which each waits for the one before: device and controller
    /// with nothing else under way, no fabric.
    pub fn latency_s(&'static self, requests: u64) -> f64 {
        let (mapping, interleave) = (AddressMapping::default(), Interleave::default());
        let one = DramSystem { device: self, channels: 1, ranks: 1, mapping, interleave };
        let run = Driver::new(&one, Pattern::RandomRead, requests, [1, 1], false).run(&one);
        run.clocks as f64 / self.clock_hz / requests.max(1) as f64
    }
}

/// The requester.
struct Driver {
    map: AddressMap,
    controllers: Vec<Controller>,
    /// When each controller has something to do.
    wake: Vec<u64>,
    pattern: Pattern,
    region: u64,
    requests: u64,
    /// Requests so far.
    made: u64,
    /// Bursts that their channel has not taken yet.
    waiting: Vec<VecDeque<Burst>>,
    /// Bursts under way, and the most that may be.
    under_way: usize,
    window: usize,
    /// Requests per clock.
    width: u64,
    per_line: usize,
}

impl Driver {
    fn new(system: &DramSystem, pattern: Pattern, requests: u64, [window, width]: [u64; 2], traced: bool) -> Self {
        let per_line = system.device.bursts_per_line() as usize;
        Self {
            map: AddressMap::new(system),
            controllers: (0..system.channels).map(|_| Controller::new(system, traced)).collect(),
            wake: vec![0; system.channels as usize],
            pattern,
            region: system.region_lines(),
            requests,
            made: 0,
            waiting: vec![VecDeque::new(); system.channels as usize],
            under_way: 0,
            window: window as usize * per_line,
            width,
            per_line,
        }
    }

    fn run(&mut self, system: &DramSystem) -> Run {
        let mut now = 0;
        loop {
            for (controller, wake) in self.controllers.iter_mut().zip(&mut self.wake) {
                if *wake <= now {
                    *wake = controller.step(now);
                }
                while controller.completions.front().is_some_and(|end| *end <= now) {
                    controller.completions.pop_front();
                    self.under_way -= 1;
                }
            }
            let more = self.make_requests(now);
            self.hand_over(now);
            if self.made == self.requests && self.idle() {
                break;
            }
            // A requester with a full window waits for data, otherwise for room, which a controller's step makes.
            let data = self.controllers.iter().filter_map(|controller| controller.completions.front());
            let data = data.filter(|_| self.window_is_full()).min();
            let Some(next) = self.wake.iter().chain(data).min() else { break };
            now = if more { now + 1 } else { (*next).max(now + 1) };
        }
        self.result(system)
    }

    fn idle(&self) -> bool {
        self.waiting.iter().all(VecDeque::is_empty) && self.controllers.iter().all(Controller::idle)
    }

    fn window_is_full(&self) -> bool {
        self.under_way + self.per_line > self.window
    }

    /// Makes the requests of one clock; true if there may be more in the next.
    fn make_requests(&mut self, now: u64) -> bool {
        for _ in 0..self.width {
            if self.made == self.requests || self.window_is_full() {
                return false;
            }
            let (line, write) = self.pattern.request(self.made, self.region);
            let place = self.map.place(line);
            if let Some(waiting) = self.waiting.get_mut(place.channel) {
                let burst = Burst { bank: place.bank, row: place.row, write };
                waiting.extend(std::iter::repeat_n(burst, self.per_line));
            }
            self.under_way += self.per_line;
            self.made += 1;
            if self.made == self.requests {
                // What is left in write buffers drains.
                self.wake.fill(now + 1);
            }
        }
        true
    }

    /// Gives every channel what it has room for, in order.
    fn hand_over(&mut self, now: u64) {
        let channels = self.controllers.iter_mut().zip(&mut self.waiting).zip(&mut self.wake);
        for ((controller, waiting), wake) in channels {
            controller.ending = self.made == self.requests && waiting.is_empty();
            while let Some(burst) = waiting.front().copied().filter(|burst| controller.accept(*burst)) {
                waiting.pop_front();
                self.under_way -= usize::from(burst.write);
                *wake = (*wake).min(now + 1);
            }
        }
    }

    fn result(&self, system: &DramSystem) -> Run {
        let clocks = self.controllers.iter().map(|controller| controller.end).max().unwrap_or_default().max(1);
        let counts = self.controllers.iter().fold(Counts::default(), |sum, controller| sum + controller.counts);
        let efficiency = (self.requests * system.line_clocks()) as f64 / (clocks * system.channels) as f64;
        Run {
            requests: self.requests,
            clocks,
            counts,
            efficiency,
            bandwidth_bytes_per_s: (self.requests * LINE_BYTES) as f64 * system.device.clock_hz / clocks as f64,
        }
    }
}
