//! Outcomes of the requests of one lane, tick by tick. Percentiles count failures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::event::{KindTick, LoadTick, Outcome};

/// Above this lag of the driver at p99 a measurement is not to be trusted.
pub const TRUSTED_LAG_MS: f64 = 5.0;

/// The longest latency that is told apart: beyond it, everything counts as this.
const LONGEST_US: u64 = 120_000_000;

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
    /// Returns the outcome of such a request.
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
    /// State of a request that is dropped before its end.
    pub cut_off: CutOff,
    tick: LoadTick,
    answered: Latencies,
    unanswered: Latencies,
    kinds: BTreeMap<Arc<str>, KindTally>,
}

/// The same of one kind of request.
#[derive(Debug, Default)]
struct KindTally {
    tick: KindTick,
    answered: Latencies,
    unanswered: Latencies,
}

impl Tally {
    /// A request has started.
    pub fn started(&mut self, kind: Option<&Arc<str>>) {
        self.tick.sent += 1;
        self.tick.in_flight += 1;
        if let Some(kind) = self.kind(kind) {
            kind.tick.sent += 1;
            kind.tick.in_flight += 1;
        }
    }

    /// The tally of a kind that has a name.
    fn kind(&mut self, kind: Option<&Arc<str>>) -> Option<&mut KindTally> {
        let kind = kind?;
        if !self.kinds.contains_key(kind) {
            self.kinds.insert(Arc::clone(kind), KindTally::default());
        }
        self.kinds.get_mut(kind)
    }

    /// A request has ended, `latency` after it was due.
    ///
    /// One without an answer counts with its timeout, if it ended sooner: the client is not
    /// served faster by being refused. One that the run cut off counts with the time it had.
    pub fn ended(
        &mut self,
        outcome: Outcome,
        kind: Option<&Arc<str>>,
        (latency, timeout): (Duration, Duration),
    ) {
        if let Some(kind) = self.kind(kind) {
            kind.tick.in_flight = kind.tick.in_flight.saturating_sub(1);
        }
        let tick = &mut self.tick;
        tick.in_flight = tick.in_flight.saturating_sub(1);
        if outcome == Outcome::NotSent {
            tick.sent = tick.sent.saturating_sub(1);
            self.kind(kind)
                .into_iter()
                .for_each(|kind| kind.tick.sent = kind.tick.sent.saturating_sub(1));
            return;
        }
        let (answered, latency) = match outcome {
            Outcome::Answered(_) | Outcome::Wrong => (true, latency),
            Outcome::NoAnswer | Outcome::Handshake(_) | Outcome::TimedOut => {
                (false, latency.max(timeout))
            }
            Outcome::Unfinished | Outcome::NotSent => (false, latency),
        };
        let latencies = if answered { &mut self.answered } else { &mut self.unanswered };
        latencies.record(latency);
        outcome.count(&mut tick.outcomes);
        if let Outcome::Handshake(why) = outcome {
            *tick.handshakes.entry(why.word().to_owned()).or_default() += 1;
        }
        let Some(kind) = self.kind(kind) else { return };
        if outcome != Outcome::Unfinished {
            outcome.count(&mut kind.tick.outcomes);
        }
        let latencies = if answered { &mut kind.answered } else { &mut kind.unanswered };
        latencies.record(latency);
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
        let kinds = self.kinds.iter_mut().map(|(name, kind)| {
            let next = KindTick { in_flight: kind.tick.in_flight, ..KindTick::default() };
            let mut tick = std::mem::replace(&mut kind.tick, next);
            tick.latency_us = kind.answered.take();
            tick.unanswered_us = kind.unanswered.take();
            (name.to_string(), tick)
        });
        tick.kinds = kinds.filter(|(_, tick)| *tick != KindTick::default()).collect();
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

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::event::Outcomes;
    use crate::window::Distribution;

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
            tally.started(None);
            tally.ended(outcome, None, (Duration::from_millis(1), TIMEOUT));
        }
        tally.started(None);
        let tick = tally.take();
        let Outcomes { ok, wrong, rejected, failed, timed_out, unfinished } = tick.outcomes;
        assert_eq!([ok, wrong, rejected, failed, timed_out, unfinished], [1, 0, 1, 2, 1, 1]);
        assert_eq!((tick.sent, tick.in_flight, tick.outcomes.all()), (7, 1, 6));
        assert_eq!(tally.take(), LoadTick { in_flight: 1, ..LoadTick::default() });
    }

    #[test]
    fn a_request_that_never_came_back_counts_with_its_time_out() {
        let mut tally = Tally::default();
        for _ in 0..98 {
            let ok = Outcome::Answered(StatusCode::OK);
            tally.ended(ok, None, (Duration::from_millis(1), TIMEOUT));
        }
        tally.ended(Outcome::NoAnswer, None, (Duration::from_micros(50), TIMEOUT));
        tally.ended(Outcome::TimedOut, None, (TIMEOUT, TIMEOUT));
        let tick = tally.take();
        let (mut honest, mut naive) = (Distribution::default(), Distribution::default());
        honest.add(&tick.latency_us);
        honest.add(&tick.unanswered_us);
        naive.add(&tick.latency_us);
        let p99 = |values: &Distribution| values.percentile_ms(99.0).expect("has values");
        assert!(p99(&honest) >= 2000.0 && p99(&honest) < 2050.0, "{}", p99(&honest));
        assert!(p99(&naive) < 1.1, "{}", p99(&naive));
    }
}
