//! What became of the requests of one lane, tick by tick. No percentile leaves out failures.

use std::time::Duration;

use hdrhistogram::Histogram;
use hyper::StatusCode;

use crate::event::LoadTick;

/// The longest latency that is told apart: beyond it, everything counts as this.
const LONGEST_US: u64 = 120_000_000;

/// How one request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer came.
    Answered(StatusCode),
    /// The connection could not be made, or was dropped.
    NoAnswer,
    /// The client gave up.
    TimedOut,
    /// The run ended first.
    Unfinished,
}

/// Why requests under way are dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CutOff {
    /// The run ends.
    #[default]
    RunEnds,
    /// Their server's process ends, and their connections with it.
    ServerEnds,
}

impl CutOff {
    /// How such a request ended.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::RunEnds => Outcome::Unfinished,
            Self::ServerEnds => Outcome::NoAnswer,
        }
    }
}

/// Counts outcomes and latencies, in bounded memory.
#[derive(Debug, Default)]
pub struct Tally {
    /// What has become of a request that is dropped before it ended.
    pub cut_off: CutOff,
    tick: LoadTick,
    answered: Latencies,
    unanswered: Latencies,
}

impl Tally {
    /// A request has started.
    pub fn started(&mut self) {
        self.tick.sent += 1;
        self.tick.in_flight += 1;
    }

    /// A request has ended, `latency` after it was due.
    ///
    /// One without an answer counts with its time-out, if it ended sooner: the client is not
    /// served faster by being refused. One that the run cut off counts with the time it had.
    pub fn ended(&mut self, outcome: Outcome, latency: Duration, timeout: Duration) {
        self.tick.in_flight = self.tick.in_flight.saturating_sub(1);
        match outcome {
            Outcome::Answered(status) => {
                let count = match status.as_u16() {
                    ..400 => &mut self.tick.ok,
                    400..500 => &mut self.tick.rejected,
                    500.. => &mut self.tick.failed,
                };
                *count += 1;
                self.answered.record(latency);
            }
            Outcome::NoAnswer => {
                self.tick.failed += 1;
                self.unanswered.record(latency.max(timeout));
            }
            Outcome::TimedOut => {
                self.tick.timed_out += 1;
                self.unanswered.record(latency.max(timeout));
            }
            Outcome::Unfinished => {
                self.tick.unfinished += 1;
                self.unanswered.record(latency);
            }
        }
    }

    /// Requests without an outcome now.
    pub fn in_flight(&self) -> u64 {
        self.tick.in_flight
    }

    /// The tick so far; the next one begins.
    pub fn take(&mut self) -> LoadTick {
        let next = LoadTick { in_flight: self.tick.in_flight, ..LoadTick::default() };
        let mut tick = std::mem::replace(&mut self.tick, next);
        tick.latency_us = self.answered.take();
        tick.unanswered_us = self.unanswered.take();
        tick
    }
}

/// Latencies of a tick: two significant digits, from 1 µs to two minutes.
#[derive(Debug)]
pub struct Latencies(Histogram<u32>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 2);
        Self(histogram.expect("constant bounds that the histogram allows"))
    }
}

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    /// The recorded values in microseconds, with their counts; none are left.
    pub fn take(&mut self) -> Vec<(u64, u32)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let values = self.0.iter_recorded();
        let taken =
            values.map(|value| (value.value_iterated_to(), value.count_at_value())).collect();
        self.0.reset();
        taken
    }
}

/// All latencies of a run, from which its percentiles come: three significant digits.
#[derive(Debug, Clone)]
pub struct Percentiles(Histogram<u64>);

impl Default for Percentiles {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Self(histogram.expect("constant bounds that the histogram allows"))
    }
}

impl Percentiles {
    /// Adds the values of a tick.
    pub fn add(&mut self, values_us: &[(u64, u32)]) {
        for (micros, count) in values_us {
            self.0.saturating_record_n(*micros, u64::from(*count));
        }
    }

    /// The value below which `percent` of the values lie, in milliseconds; none without values.
    pub fn at_ms(&self, percent: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(percent / 100.0) as f64 / 1000.0)
    }

    /// The highest value, in milliseconds; none without values.
    pub fn max_ms(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.max() as f64 / 1000.0)
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.0.reset();
    }
}

/// The value at or below which `percent` of a few values lie, in milliseconds: nearest rank. For
/// the ticks of a second, where a histogram would cost more than it holds; `sorted_us` holds
/// values in microseconds with their counts, in order.
pub fn nearest_rank_ms(sorted_us: &[(u64, u32)], percent: f64) -> Option<f64> {
    let all: u64 = sorted_us.iter().map(|(_, count)| u64::from(*count)).sum();
    let rank = (all as f64 * percent / 100.0).ceil().max(1.0) as u64;
    let mut below = 0;
    let at_rank = sorted_us.iter().find(|(_, count)| {
        below += u64::from(*count);
        below >= rank
    });
    at_rank.map(|(micros, _)| *micros as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(2);

    #[test]
    fn the_outcomes_add_up_to_what_was_sent() {
        let mut tally = Tally::default();
        let outcomes = [
            Outcome::Answered(StatusCode::OK),
            Outcome::Answered(StatusCode::UNAUTHORIZED),
            Outcome::Answered(StatusCode::SERVICE_UNAVAILABLE),
            Outcome::NoAnswer,
            Outcome::TimedOut,
            Outcome::Unfinished,
        ];
        for outcome in outcomes {
            tally.started();
            tally.ended(outcome, Duration::from_millis(1), TIMEOUT);
        }
        tally.started();
        let tick = tally.take();
        let counts = (tick.ok, tick.rejected, tick.failed, tick.timed_out, tick.unfinished);
        assert_eq!((tick.sent, tick.in_flight, counts), (7, 1, (1, 1, 2, 1, 1)));
        assert_eq!(tally.take(), LoadTick { in_flight: 1, ..LoadTick::default() });
    }

    #[test]
    fn the_nearest_rank_agrees_with_the_histogram() {
        let values: Vec<(u64, u32)> = (1..=200).map(|n| (n * 100, 1 + (n % 3) as u32)).collect();
        let mut histogram = Percentiles::default();
        histogram.add(&values);
        for percent in [1.0, 50.0, 90.0, 99.0, 100.0] {
            let (near, exact) = (
                nearest_rank_ms(&values, percent).expect("has values"),
                histogram.at_ms(percent).expect("has values"),
            );
            assert!((near / exact - 1.0).abs() < 0.01, "{percent}: {near} and {exact}");
        }
        assert_eq!(nearest_rank_ms(&[], 50.0), None);
    }

    #[test]
    fn a_request_that_never_came_back_counts_with_its_time_out() {
        let mut tally = Tally::default();
        for _ in 0..98 {
            tally.ended(Outcome::Answered(StatusCode::OK), Duration::from_millis(1), TIMEOUT);
        }
        tally.ended(Outcome::NoAnswer, Duration::from_micros(50), TIMEOUT);
        tally.ended(Outcome::TimedOut, TIMEOUT, TIMEOUT);
        let tick = tally.take();
        let (mut honest, mut naive) = (Percentiles::default(), Percentiles::default());
        honest.add(&tick.latency_us);
        honest.add(&tick.unanswered_us);
        naive.add(&tick.latency_us);
        let p99 = |percentiles: &Percentiles| percentiles.at_ms(99.0).expect("has values");
        assert!(p99(&honest) >= 2000.0 && p99(&honest) < 2050.0, "{}", p99(&honest));
        assert!(p99(&naive) < 1.1, "{}", p99(&naive));
    }
}
