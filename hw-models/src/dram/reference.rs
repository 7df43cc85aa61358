//! The reference: request by request, every command at its clock.
//!
//! It steps from one clock in which something can happen to the next, so idle clocks cost nothing. Requests arrive in order,
//! [`WIDTH`] per clock at most, with at most [`WINDOW`] per channel under way; a read is under way until its data has come, a
//! write until the controller has taken it.

use super::address::{AddressMap, AddressMapping, Interleave};
use super::clocks::Command;
use super::controller::{Burst, Controller, Counts};
use super::device::{Device, LINE_BYTES};
use super::pattern::Pattern;
use super::system::DramSystem;

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
    accepted: u64,
    /// Bursts of reads without data yet, and the most that may be.
    under_way: usize,
    window: usize,
    /// Requests per clock.
    width: u64,
    per_line: usize,
    /// The next request: its channel and its burst.
    head: (usize, Burst),
}

impl Driver {
    fn new(system: &DramSystem, pattern: Pattern, requests: u64, [window, width]: [u64; 2], traced: bool) -> Self {
        let per_line = system.device.bursts_per_line() as usize;
        let mut driver = Self {
            map: AddressMap::new(system),
            controllers: (0..system.channels).map(|_| Controller::new(system, traced)).collect(),
            wake: vec![0; system.channels as usize],
            pattern,
            region: system.region_lines(),
            requests,
            accepted: 0,
            under_way: 0,
            window: window as usize * per_line,
            width,
            per_line,
            head: (0, Burst { bank: 0, row: 0, write: false }),
        };
        driver.head = driver.request(0);
        driver
    }

    fn request(&self, number: u64) -> (usize, Burst) {
        let (line, write) = self.pattern.request(number, self.region);
        let place = self.map.place(line);
        (place.channel, Burst { bank: place.bank, row: place.row, write })
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
            self.accept(now);
            if self.accepted == self.requests && self.controllers.iter().all(Controller::idle) {
                break;
            }
            // A requester with a full window waits for data, otherwise for room, which a controller's step makes.
            let data = self.controllers.iter().filter_map(|controller| controller.completions.front());
            let data = data.filter(|_| self.under_way + self.per_line > self.window).min();
            let Some(next) = self.wake.iter().chain(data).min() else { break };
            now = (*next).max(now + 1);
        }
        self.result(system)
    }

    /// Hands over requests, in order, until one finds no room.
    fn accept(&mut self, now: u64) {
        for _ in 0..self.width {
            let (channel, burst) = self.head;
            let no_room = !burst.write && self.under_way + self.per_line > self.window;
            if self.accepted == self.requests || no_room {
                return;
            }
            let Some(controller) = self.controllers.get_mut(channel) else { return };
            if !controller.accept(burst, self.per_line) {
                return;
            }
            self.under_way += if burst.write { 0 } else { self.per_line };
            self.accepted += 1;
            if let Some(wake) = self.wake.get_mut(channel) {
                *wake = (*wake).min(now + 1);
            }
            if self.accepted == self.requests {
                self.controllers.iter_mut().for_each(|controller| controller.ending = true);
                self.wake.fill(now + 1);
                return;
            }
            self.head = self.request(self.accepted);
        }
        // More may be taken in the next clock.
        if let Some(wake) = self.wake.first_mut() {
            *wake = (*wake).min(now + 1);
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
