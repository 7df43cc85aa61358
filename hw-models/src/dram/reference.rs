//! The reference: request by request, every command at its clock.
//!
//! It steps from one clock in which something can happen to the next, so idle clocks cost nothing. The requester keeps
//! [`WINDOW`] requests per channel waiting and hands over up to [`WIDTH`] of them in a clock, oldest first. A request whose queue
//! is full waits, and holds back only later ones of the same channel and direction.

use super::access::Access;
use super::address::{AddressMap, AddressMapping, Interleave, Place};
use super::clocks::Command;
use super::controller::{Burst, Controller, Counts};
use super::device::{Device, LINE_BYTES};
use super::pattern::Pattern;
use super::system::DramSystem;
use std::collections::VecDeque;

/// Requests that wait for a controller, per channel.
pub(super) const WINDOW: u64 = 64;
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
    /// Runs `requests` requests of a pattern, as fast as the memory takes them and the access allows. The system must pass
    /// [`DramSystem::check`], the access [`DramSystem::check_access`].
    pub fn run(&self, access: impl Into<Access>, requests: u64) -> Run {
        self.driver(&access.into(), requests, false).run(self)
    }

    /// As [`DramSystem::run`], with every command of every channel.
    pub fn trace(&self, access: impl Into<Access>, requests: u64) -> (Run, Vec<Vec<Command>>) {
        let mut driver = self.driver(&access.into(), requests, true);
        let run = driver.run(self);
        let traces = driver.controllers.into_iter().map(|controller| controller.trace.unwrap_or_default());
        (run, traces.collect())
    }

    /// Runs `requests` requests of a pattern, or of one channel's lines, and says how it went in whole refresh intervals, of
    /// which the first does not count.
    pub(super) fn steady(&self, source: Source, requests: u64, depth: Option<u64>) -> Steady {
        let mut driver = Driver::new(self, source, requests, self.limits(depth), false);
        let run = driver.run(self);
        let per = |count: f64| count / requests.max(1) as f64;
        let clocks = driver.clocks_per_request().unwrap_or_else(|| per(run.clocks as f64));
        Steady { clocks, activates: per(run.counts.activates as f64) }
    }

    fn driver(&self, access: &Access, requests: u64, traced: bool) -> Driver {
        Driver::new(self, Source::of(self, access), requests, self.limits(access.queue_depth), traced)
    }

    /// What a requester may do that keeps so many requests under way, or as many as the memory takes.
    fn limits(&self, depth: Option<u64>) -> Limits {
        let [one, many] = WIDTH;
        Limits {
            waiting: WINDOW as usize * self.channels as usize,
            under_way: depth.map_or(usize::MAX, |depth| depth as usize),
            width: one.max(many * self.channels),
        }
    }
}

impl Device {
    /// Mean seconds of reads of random lines of one channel, of which each waits for the one before: device and controller
    /// with nothing else under way, no fabric.
    pub fn latency_s(&'static self, requests: u64) -> f64 {
        let (mapping, interleave) = (AddressMapping::default(), Interleave::default());
        let one = DramSystem { device: self, channels: 1, ranks: 1, mapping, interleave };
        let limits = Limits { waiting: 1, under_way: 1, width: 1 };
        let run = Driver::new(&one, Source::of(&one, &Pattern::RandomRead.into()), requests, limits, false).run(&one);
        run.clocks as f64 / self.clock_hz / requests.max(1) as f64
    }
}

/// A run without its start and end, per request of all channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steady {
    /// Clocks.
    pub clocks: f64,
    /// Rows opened.
    pub activates: f64,
}

/// What a requester may do, in lines.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Requests that wait for a controller.
    waiting: usize,
    /// Requests without data (of reads) or not taken yet (of writes).
    under_way: usize,
    /// Requests that are handed over in a clock.
    width: u64,
}

/// Where requests come from.
pub(super) enum Source {
    /// A pattern over a region of so many lines.
    Access(Access, AddressMap, u64),
    /// Lines of one channel.
    Lines(Vec<Burst>),
}

impl Source {
    pub fn of(system: &DramSystem, access: &Access) -> Self {
        Self::Access(*access, AddressMap::new(system), system.region_lines())
    }

    /// The request with this number: its channel and its burst.
    fn request(&self, number: u64) -> Option<(usize, Burst)> {
        match self {
            Self::Access(access, map, region) => {
                let (line, write) = access.request(number, *region);
                let Place { channel, bank, row } = map.place(line);
                Some((channel, Burst { bank, row, write }))
            }
            Self::Lines(lines) => lines.get(number as usize).map(|burst| (0, *burst)),
        }
    }
}

/// The requester.
struct Driver {
    source: Source,
    controllers: Vec<Controller>,
    /// When each controller has something to do.
    wake: Vec<u64>,
    requests: u64,
    /// Requests so far.
    made: u64,
    /// Bursts that wait for their channel, reads and writes, each with the number of its request.
    waiting: Vec<[VecDeque<(u64, Burst)>; 2]>,
    /// How many bursts wait in all, and how many are under way.
    waiting_count: usize,
    under_way: usize,
    limits: Limits,
    per_line: usize,
    /// Bursts that the channels had moved at the end of each refresh interval, as long as there were requests.
    marks: Vec<u64>,
    interval: u64,
}

impl Driver {
    fn new(system: &DramSystem, source: Source, requests: u64, limits: Limits, traced: bool) -> Self {
        Self {
            source,
            controllers: (0..system.channels).map(|_| Controller::new(system, traced)).collect(),
            wake: vec![0; system.channels as usize],
            requests,
            made: 0,
            waiting: vec![<[VecDeque<(u64, Burst)>; 2]>::default(); system.channels as usize],
            waiting_count: 0,
            under_way: 0,
            limits,
            per_line: system.device.bursts_per_line() as usize,
            marks: Vec::new(),
            interval: system.device.timing.refi,
        }
    }

    fn run(&mut self, system: &DramSystem) -> Run {
        let mut now = 0;
        loop {
            self.mark(now);
            for (controller, wake) in self.controllers.iter_mut().zip(&mut self.wake) {
                if *wake <= now {
                    *wake = controller.step(now);
                }
                while controller.completions.front().is_some_and(|end| *end <= now) {
                    controller.completions.pop_front();
                    self.under_way -= 1;
                }
            }
            self.make_requests(now);
            let more = self.hand_over(now);
            if self.made == self.requests && self.waiting_count == 0 && self.controllers.iter().all(Controller::idle) {
                break;
            }
            // A requester that may not ask for more waits for data, otherwise for room, which a controller's step makes.
            let data = self.controllers.iter().filter_map(|controller| controller.completions.front());
            let data = data.filter(|_| self.under_way.div_ceil(self.per_line) >= self.limits.under_way).min();
            let Some(next) = self.wake.iter().chain(data).min() else { break };
            now = if more { now + 1 } else { (*next).max(now + 1) };
        }
        self.result(system)
    }

    fn mark(&mut self, now: u64) {
        while self.made < self.requests && now / self.interval > self.marks.len() as u64 {
            let counts = self.controllers.iter().map(|controller| controller.counts);
            self.marks.push(counts.map(|counts| counts.reads + counts.writes).sum());
        }
    }

    /// Clocks per request between the first mark and the last.
    fn clocks_per_request(&self) -> Option<f64> {
        let (first, last) = (self.marks.first()?, self.marks.last()?);
        let clocks = (self.marks.len() as u64 - 1) * self.interval * self.per_line as u64;
        (last > first).then(|| clocks as f64 / (last - first) as f64)
    }

    /// Makes as many requests as may wait.
    fn make_requests(&mut self, now: u64) {
        while self.made < self.requests
            && self.waiting_count / self.per_line < self.limits.waiting
            && self.under_way.div_ceil(self.per_line) < self.limits.under_way
        {
            let Some((channel, burst)) = self.source.request(self.made) else { break };
            let queue = self.waiting.get_mut(channel).and_then(|queues| queues.get_mut(usize::from(burst.write)));
            if let Some(queue) = queue {
                queue.extend(std::iter::repeat_n((self.made, burst), self.per_line));
            }
            self.under_way += self.per_line;
            self.waiting_count += self.per_line;
            self.made += 1;
            if self.made == self.requests {
                // What is left in write buffers drains.
                self.wake.fill(now + 1);
            }
        }
    }

    /// Gives the controllers the oldest requests for which they have room; true if more can follow in the next clock.
    fn hand_over(&mut self, now: u64) -> bool {
        for _ in 0..self.limits.width * self.per_line as u64 {
            let queues = self.waiting.iter().zip(&self.controllers).enumerate();
            let ready = queues.flat_map(|(channel, (queues, controller))| {
                let heads =
                    queues.iter().filter_map(VecDeque::front).filter(|(_, burst)| controller.has_room(burst.write));
                heads.map(move |(number, burst)| (*number, channel, usize::from(burst.write)))
            });
            let Some((_, channel, direction)) = ready.min() else { break };
            let queue = self.waiting.get_mut(channel).and_then(|queues| queues.get_mut(direction));
            let Some((_, burst)) = queue.and_then(VecDeque::pop_front) else { break };
            if let (Some(controller), Some(wake)) = (self.controllers.get_mut(channel), self.wake.get_mut(channel)) {
                controller.accept(burst);
                *wake = (*wake).min(now + 1);
            }
            self.waiting_count -= 1;
            self.under_way -= usize::from(burst.write);
        }
        let done = self.made == self.requests;
        for (controller, queues) in self.controllers.iter_mut().zip(&self.waiting) {
            controller.ending = done && queues.iter().all(VecDeque::is_empty);
        }
        self.controllers.iter().zip(&self.waiting).any(|(controller, queues)| {
            queues.iter().filter_map(VecDeque::front).any(|(_, burst)| controller.has_room(burst.write))
        })
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
