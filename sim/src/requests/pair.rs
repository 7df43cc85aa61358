//! The event loop of one run: pairs of a client and a server, and the queue before them.

use super::arrivals::Arrivals;
use super::service::Plan;
use super::stock::Stock;

/// What happened in one run, all pairs together. Sums are in the order of events.
#[derive(Debug, Clone, Default)]
pub(super) struct RunResult {
    pub arrived: u64,
    /// Requests that left the queue.
    pub taken: u64,
    /// Seconds that they waited there.
    pub queue_s: f64,
    /// Seconds that those which were served then waited for a precompute.
    pub wait_s: f64,
    /// Seconds that pairs were occupied by requests.
    pub occupied_s: f64,
    /// Work of precomputes and of online phases, seconds.
    pub offline_work_s: f64,
    pub online_work_s: f64,
    /// Integral of held precomputes over time, and the most that a pair held.
    pub held_s: f64,
    pub most_held: u64,
    /// Of every inference: seconds from leaving the queue to the answer, and from arrival to the answer.
    pub inference_s: Vec<f64>,
    pub latency_s: Vec<f64>,
}

/// A request that has left the queue.
#[derive(Debug, Clone, Copy)]
struct Request {
    arrived_s: f64,
    taken_s: f64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    /// For a precompute.
    Waiting(Request),
    /// The inference runs since, and until.
    Running(Request, f64, f64),
}

#[derive(Debug, Clone)]
struct Pair<'a> {
    plan: &'a Plan,
    /// None where no precompute is ever waited for: all is done on demand, or takes no time.
    stock: Option<Stock>,
    state: State,
}

/// Simulates one run until the horizon.
pub(super) fn run(plan: &Plan, mut arrivals: Arrivals, horizon_s: f64) -> RunResult {
    let mut result = RunResult::default();
    let mut pairs = vec![Pair::new(plan); plan.rules.pairs];
    let (mut now_s, mut head_s) = (0.0_f64, arrivals.next());
    loop {
        let (mut idle, mut first, mut first_s) = (false, 0, f64::INFINITY);
        for (position, pair) in pairs.iter().enumerate() {
            let event_s = pair.event_s();
            if event_s < first_s {
                (first, first_s) = (position, event_s);
            }
            idle |= matches!(pair.state, State::Idle);
        }
        // The first in the queue goes as soon as a pair is idle; others' events at the same moment come after it.
        let leaves_s = if idle { head_s.max(now_s) } else { f64::INFINITY };
        now_s = leaves_s.min(first_s);
        if now_s >= horizon_s {
            break;
        }
        if leaves_s <= first_s {
            let request = Request { arrived_s: head_s, taken_s: now_s };
            result.arrived += 1;
            result.taken += 1;
            result.queue_s += now_s - head_s;
            head_s = arrivals.next();
            if let Some(pair) = best(&mut pairs, now_s) {
                pair.receive(request, now_s);
            }
        } else if let Some(pair) = pairs.get_mut(first) {
            pair.proceed(now_s, &mut result);
        }
    }
    while head_s.is_finite() {
        result.arrived += 1;
        head_s = arrivals.next();
    }
    for pair in &mut pairs {
        pair.close(horizon_s, &mut result);
    }
    result
}

/// The idle pair that can start soonest; the first of equals.
fn best<'a, 'b>(pairs: &'a mut [Pair<'b>], now_s: f64) -> Option<&'a mut Pair<'b>> {
    if let [only] = pairs {
        return Some(only);
    }
    let idle = pairs.iter_mut().filter(|pair| matches!(pair.state, State::Idle));
    let with_start = idle.map(|pair| {
        let start_s = pair.stock.as_mut().map_or(now_s, |stock| {
            stock.advance(now_s);
            if stock.stored() > 0 { now_s } else { stock.ready_s() }
        });
        (start_s, pair)
    });
    with_start.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, pair)| pair)
}

impl<'a> Pair<'a> {
    fn new(plan: &'a Plan) -> Self {
        let offline_s = plan.service.offline_s;
        let never_waits = plan.on_demand() || offline_s == 0.0;
        let stock = || Stock::new(plan.slots, offline_s, plan.rules.poll_s, plan.rules.shared);
        Self { plan, stock: (!never_waits).then(stock), state: State::Idle }
    }

    /// When its state changes next by itself.
    fn event_s(&self) -> f64 {
        match self.state {
            State::Idle => f64::INFINITY,
            State::Waiting(_) => self.stock.as_ref().map_or(f64::INFINITY, Stock::ready_s),
            State::Running(_, _, ends_s) => ends_s,
        }
    }

    /// A request has come from the queue.
    fn receive(&mut self, request: Request, now_s: f64) {
        if let Some(stock) = &mut self.stock {
            stock.advance(now_s);
            if !stock.take() {
                self.state = State::Waiting(request);
                return;
            }
            stock.set_speed(self.plan.background_speed);
        }
        self.state = State::Running(request, now_s, now_s + self.plan.inference_s());
    }

    /// The precompute that was waited for is ready, or the inference has ended.
    fn proceed(&mut self, now_s: f64, result: &mut RunResult) {
        match self.state {
            State::Idle => (),
            State::Waiting(request) => self.receive(request, now_s),
            State::Running(request, started_s, _) => {
                if let Some(stock) = &mut self.stock {
                    stock.advance(now_s);
                    stock.set_speed(1.0);
                    stock.finish();
                }
                result.wait_s += started_s - request.taken_s;
                result.occupied_s += now_s - request.taken_s;
                result.online_work_s += now_s - started_s;
                result.inference_s.push(now_s - request.taken_s);
                result.latency_s.push(now_s - request.arrived_s);
                self.state = State::Idle;
            }
        }
    }

    /// Adds up what has happened until the end, which comes before the next event.
    fn close(&mut self, end_s: f64, result: &mut RunResult) {
        match self.state {
            State::Idle => (),
            State::Waiting(request) => result.occupied_s += end_s - request.taken_s,
            State::Running(request, started_s, _) => {
                result.occupied_s += end_s - request.taken_s;
                result.online_work_s += end_s - started_s;
            }
        }
        if let Some(stock) = &mut self.stock {
            stock.advance(end_s);
            let (held_s, most_held) = stock.holding();
            result.held_s += held_s;
            result.most_held = result.most_held.max(most_held);
            result.offline_work_s += stock.work_s();
        }
    }
}
