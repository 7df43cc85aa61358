//! Arrival times: a Poisson process, or a trace.

use super::config::{Load, MAX_REQUESTS, RequestError};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::io::BufRead;

/// The arrival times of one run, in order. Requests that wait need no memory: the queue is what has not been drawn yet.
#[derive(Debug, Clone)]
pub(super) struct Arrivals<'a> {
    source: Source<'a>,
    horizon_s: f64,
}

#[derive(Debug, Clone)]
enum Source<'a> {
    /// The stream, the mean distance of two arrivals and the last one's time.
    Poisson(Box<ChaCha8Rng>, f64, f64),
    Trace(std::slice::Iter<'a, f64>),
    Ended,
}

impl<'a> Arrivals<'a> {
    /// Arrivals of the `rate`-th rate in its `run`-th run, before the horizon.
    pub(super) fn new(load: &'a Load, rate: usize, run: u32, horizon_s: f64) -> Self {
        let source = match load {
            Load::Poisson { rates_per_s, seed, .. } => match rates_per_s.get(rate) {
                Some(per_s) => Source::Poisson(Box::new(stream(*seed, rate as u64, run)), 1.0 / per_s, 0.0),
                None => Source::Ended,
            },
            Load::Trace { times_s } => Source::Trace(times_s.iter()),
        };
        Self { source, horizon_s }
    }

    /// The next arrival; infinity when there is none before the horizon.
    pub(super) fn next(&mut self) -> f64 {
        let time = match &mut self.source {
            Source::Poisson(stream, distance_s, last_s) => {
                // In (0, 1]: the logarithm is finite, and 53 bits are what a double holds.
                let uniform = ((stream.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
                *last_s -= uniform.ln() * *distance_s;
                *last_s
            }
            Source::Trace(times) => times.next().copied().unwrap_or(f64::INFINITY),
            Source::Ended => f64::INFINITY,
        };
        if time < self.horizon_s {
            return time;
        }
        self.source = Source::Ended;
        f64::INFINITY
    }
}

/// The stream of one run: its key is (seed, rate, run), so that no two runs share any of it.
fn stream(seed: u64, rate: u64, run: u32) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [seed, rate, u64::from(run)];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Longest line of a trace that is read.
const MAX_LINE: usize = 4096;

/// Reads a trace: on every line an arrival time in seconds, alone or as the first column of CSV, in order. Empty lines and
/// lines that start with `#` are skipped.
///
/// # Errors
/// A line is no number, is negative or is before the line before it; or there are no arrivals, or too many.
pub fn parse_trace(mut reader: impl BufRead) -> Result<Vec<f64>, RequestError> {
    let (mut times_s, mut before, mut text) = (Vec::new(), 0.0, Vec::new());
    for line in 1.. {
        let wrong = |problem: String| RequestError::Trace { line, problem };
        text.clear();
        let limited = &mut std::io::Read::take(&mut reader, MAX_LINE as u64 + 1);
        limited.read_until(b'\n', &mut text).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if text.is_empty() {
            break;
        }
        if text.len() > MAX_LINE {
            return Err(wrong(format!("longer than {MAX_LINE} bytes; expected an arrival time in seconds")));
        }
        let text = String::from_utf8_lossy(&text);
        let cell = text.split(',').next().unwrap_or_default().trim().trim_start_matches('\u{feff}');
        if text.trim().is_empty() || cell.starts_with('#') {
            continue;
        }
        let time: f64 = cell.parse().ok().filter(|time: &f64| time.is_finite()).ok_or_else(|| {
            wrong(format!("`{}` is no arrival time; expected seconds (`#` starts a comment)", shown(cell)))
        })?;
        if time < 0.0 {
            return Err(wrong(format!("{time} s is negative; expected seconds from the start")));
        }
        if time < before {
            return Err(wrong(format!("{time} s is before {before} s on an earlier line; expected times in order")));
        }
        before = time;
        times_s.push(time);
        if times_s.len() as f64 > MAX_REQUESTS {
            return Err(wrong(format!("more than {MAX_REQUESTS:.0} arrivals")));
        }
    }
    if times_s.is_empty() { Err(RequestError::EmptyTrace) } else { Ok(times_s) }
}

/// The start of a cell, without what would disturb a terminal.
fn shown(cell: &str) -> String {
    cell.chars().take(40).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poisson(rate: f64, seed: u64) -> Load {
        Load::Poisson { rates_per_s: vec![rate, rate], runs: 2, seed }
    }

    fn all(load: &Load, rate: usize, run: u32) -> Vec<f64> {
        let mut arrivals = Arrivals::new(load, rate, run, 1e5);
        std::iter::repeat_with(|| arrivals.next()).take_while(|time| time.is_finite()).collect()
    }

    #[test]
    fn distances_of_arrivals_have_the_mean_and_the_spread_of_an_exponential() {
        let times = all(&poisson(0.5, 3), 0, 0);
        let distances: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let count = distances.len() as f64;
        let mean = distances.iter().sum::<f64>() / count;
        let variance = distances.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / count;
        // 50,000 distances: standard errors are 0.45 % and, of the variance, 1.3 %.
        assert!((count - 5e4).abs() < 4.0 * 5e4_f64.sqrt(), "{count}");
        assert!((mean - 2.0).abs() < 0.04 && (variance - 4.0).abs() < 0.2, "{mean} {variance}");
        assert!(times.iter().all(|time| (0.0..1e5).contains(time)));
    }

    #[test]
    fn every_rate_and_run_and_seed_has_arrivals_of_its_own() {
        let (load, other) = (poisson(0.5, 3), poisson(0.5, 4));
        let first = all(&load, 0, 0);
        assert_eq!(first, all(&load, 0, 0));
        for different in [all(&load, 0, 1), all(&load, 1, 0), all(&other, 0, 0)] {
            assert_ne!(first[0], different[0]);
        }
    }

    #[test]
    fn a_trace_is_a_column_of_seconds() {
        let text = "\u{feff}# seconds,client\r\n0\n\n 1.5 , alice\r\n1.5\n2e3,bob,x";
        assert_eq!(parse_trace(text.as_bytes()).unwrap(), [0.0, 1.5, 1.5, 2000.0]);
    }

    #[test]
    fn a_bad_trace_is_refused_at_its_line() {
        let long = "1".repeat(5000);
        for (text, line, says) in [
            ("1\n2\nthree", 3, "`three` is no arrival time"),
            ("time_s\n1", 1, "`time_s`"),
            ("1\n\n0.5", 3, "before 1 s"),
            ("-1", 1, "negative"),
            ("1\nnan", 2, "no arrival time"),
            ("inf", 1, "no arrival time"),
            (",2", 1, "no arrival time"),
            (&long, 1, "longer than"),
        ] {
            match parse_trace(text.as_bytes()) {
                Err(RequestError::Trace { line: at, problem }) => {
                    assert!(at == line && problem.contains(says), "{text}: {at}: {problem}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        for empty in ["", "\n\n", "# nothing\n"] {
            assert_eq!(parse_trace(empty.as_bytes()), Err(RequestError::EmptyTrace));
        }
    }
}
