//! A simulation's timeline in the trace-event format that `chrome://tracing` and Perfetto open: a process for each party and for
//! the link, a track for each unit, a slice for each step.

use pisim_sim::{Interval, Simulation};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A trace: what the file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The unit in which viewers show times.
    pub display_time_unit: &'static str,
    /// What was simulated, and that all times are modelled.
    pub other_data: Map<String, Value>,
    /// Names of processes and tracks, then all slices by start.
    pub trace_events: Vec<Value>,
}

/// Microseconds: the format's unit of time.
const MICRO: f64 = 1e6;

/// The process of the phases, above all others.
const PHASES: u64 = 0;

/// What a viewer shows first.
const ORDER: [&str; 4] = ["phases", "client", "link", "server"];

/// The timeline of a simulation as a trace. `work` gives what a step has to do (gates, bytes, …) by its position in the program; it
/// goes into the slice's arguments. A unit that works on several steps at once has as many tracks as it needs.
pub fn trace(simulation: &Simulation, work: &dyn Fn(usize) -> Map<String, Value>) -> Trace {
    let mut steps: Vec<&Interval> = simulation.timeline.iter().filter(|step| step.end_s >= step.start_s).collect();
    steps.sort_by(|a, b| a.start_s.total_cmp(&b.start_s).then(a.step.cmp(&b.step)));
    let mut tracks = Tracks::default();
    let mut slices: Vec<(f64, Value)> = phases(simulation);
    for step in steps {
        let (process, track) = tracks.of(step);
        let mut args = Map::new();
        for (key, text) in
            [("layer", &step.layer), ("activity", &step.activity), ("phase", &step.phase), ("bound", &step.bound)]
        {
            args.insert(key.to_owned(), text.as_str().into());
        }
        args.insert("step".to_owned(), step.step.into());
        args.extend(work(step.step));
        let slice = json!({
            "name": format!("{} {}", step.kind, step.layer),
            "cat": step.phase,
            "ph": "X",
            "ts": step.start_s * MICRO,
            "dur": (step.end_s - step.start_s) * MICRO,
            "pid": process,
            "tid": track,
            "args": args,
        });
        slices.push((step.start_s, slice));
    }
    // Stable: at one moment, phases come first and steps in the program's order.
    slices.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut trace_events = tracks.names();
    trace_events.extend(slices.into_iter().map(|(_, slice)| slice));
    let mut other_data = Map::new();
    for (key, text) in [
        ("network", simulation.network.as_str()),
        ("protocol", &simulation.protocol),
        ("hardware", &simulation.hardware),
        ("times", "modelled"),
    ] {
        other_data.insert(key.to_owned(), text.into());
    }
    Trace { display_time_unit: "ms", other_data, trace_events }
}

/// A slice for each phase that takes time.
fn phases(simulation: &Simulation) -> Vec<(f64, Value)> {
    let mut start_s = 0.0;
    let mut slices = Vec::new();
    for (name, seconds) in crate::figures::by_phase(&simulation.latency_s) {
        if seconds > 0.0 {
            let slice = json!({
                "name": name, "cat": name, "ph": "X", "ts": start_s * MICRO, "dur": seconds * MICRO, "pid": PHASES, "tid": 0,
            });
            slices.push((start_s, slice));
        }
        start_s += seconds;
    }
    slices
}

/// The tracks so far.
#[derive(Default)]
struct Tracks {
    /// Processes by name.
    processes: BTreeMap<String, u64>,
    /// Of every unit: its number, and when each of its tracks is free, by the track's number.
    units: BTreeMap<String, Vec<(u64, f64)>>,
    /// Tracks so far.
    count: u64,
}

impl Tracks {
    /// The process and the track of a step: the first of its unit's tracks that is free.
    fn of(&mut self, step: &Interval) -> (u64, u64) {
        let party = step.unit.split('.').next().unwrap_or(&step.unit);
        let next = ORDER.len() as u64 + self.processes.len() as u64;
        let known = ORDER.iter().position(|name| *name == party).map(|position| position as u64);
        let process = *self.processes.entry(party.to_owned()).or_insert(known.unwrap_or(next));
        let lanes = self.units.entry(step.unit.clone()).or_default();
        // A unit's next step may start at the very moment at which the one before ends, up to the rounding of times.
        let rounding = 1e-12 * step.start_s.abs();
        if let Some((track, free_s)) = lanes.iter_mut().find(|(_, free_s)| *free_s <= step.start_s + rounding) {
            *free_s = step.end_s;
            return (process, *track);
        }
        self.count += 1;
        lanes.push((self.count, step.end_s));
        (process, self.count)
    }

    /// The names and the order of processes and tracks.
    fn names(&self) -> Vec<Value> {
        let meta = |name: &str, process: u64, track: u64, args: Value| json!({ "name": name, "ph": "M", "pid": process, "tid": track, "args": args });
        let mut events = vec![
            meta("process_name", PHASES, 0, json!({ "name": "phases" })),
            meta("process_sort_index", PHASES, 0, json!({ "sort_index": 0 })),
        ];
        for (name, process) in &self.processes {
            events.push(meta("process_name", *process, 0, json!({ "name": name })));
            events.push(meta("process_sort_index", *process, 0, json!({ "sort_index": process })));
        }
        for (unit, lanes) in &self.units {
            let party = unit.split('.').next().unwrap_or(unit);
            let process = self.processes.get(party).copied().unwrap_or(PHASES);
            for (lane, (track, _)) in lanes.iter().enumerate() {
                let name = if lanes.len() > 1 { format!("{unit} {}", lane + 1) } else { unit.clone() };
                events.push(meta("thread_name", process, *track, json!({ "name": name })));
                events.push(meta("thread_sort_index", process, *track, json!({ "sort_index": track })));
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn number(event: &Value, key: &str) -> f64 {
        event[key].as_f64().unwrap()
    }

    /// Slices by track name.
    fn by_track(trace: &Trace) -> BTreeMap<String, Vec<&Value>> {
        let of = |phase: &'static str| trace.trace_events.iter().filter(move |event| event["ph"] == phase);
        let mut tracks = BTreeMap::new();
        for event in of("M").filter(|event| event["name"] == "thread_name") {
            let slices = of("X").filter(|slice| slice["pid"] == event["pid"] && slice["tid"] == event["tid"]).collect();
            tracks.insert(event["args"]["name"].as_str().unwrap().to_owned(), slices);
        }
        tracks
    }

    #[test]
    fn slices_are_sorted_apart_and_as_long_as_their_unit_is_busy() {
        let simulation = sample::simulation("resnet18", "haac", 50, 100.0);
        let work = |step: usize| [("and_gates".to_owned(), Value::from(step))].into_iter().collect();
        let trace = trace(&simulation, &work);
        let slices: Vec<&Value> = trace.trace_events.iter().filter(|event| event["ph"] == "X").collect();
        assert_eq!(slices.len(), simulation.timeline.len() + 3, "every step and three phases");
        assert!(slices.windows(2).all(|pair| number(pair[0], "ts") <= number(pair[1], "ts")));
        for (unit, slices) in by_track(&trace) {
            for pair in slices.windows(2) {
                let end = number(pair[0], "ts") + number(pair[0], "dur");
                assert!(end <= number(pair[1], "ts") + 1e-6, "{unit}: {end} is after {}", pair[1]["ts"]);
            }
            let busy: f64 = slices.iter().map(|slice| number(slice, "dur")).sum();
            let expected = simulation.units.iter().find(|own| own.name == unit).unwrap().busy_s * MICRO;
            assert!((busy - expected).abs() <= 1e-9 * expected, "{unit}: {busy} is not {expected}");
        }
        let step = slices.iter().find(|slice| slice["cat"] == "online" && slice["pid"] == 3).unwrap();
        assert_eq!(step["args"]["and_gates"], step["args"]["step"]);
        assert!(step["args"]["layer"].is_string() && step["args"]["bound"].is_string());
    }

    #[test]
    fn a_unit_with_several_steps_at_once_has_as_many_tracks() {
        let mut simulation = sample::simulation("net", "cpu", 5, 1.0);
        let mut other = simulation.timeline[3].clone();
        other.step = 999;
        simulation.timeline.push(other.clone());
        let trace = trace(&simulation, &|_| Map::new());
        let tracks = by_track(&trace);
        let lanes: Vec<_> = tracks.keys().filter(|name| name.starts_with(&other.unit)).collect();
        assert_eq!(lanes.len(), 2, "{:?}", tracks.keys());
        let empty = super::trace(&Simulation::default(), &|_| Map::new());
        assert!(empty.trace_events.iter().all(|event| event["ph"] == "M"));
    }
}
