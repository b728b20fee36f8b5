//! A window of time: the requests of a lane within it, and every measure over them. Screen, claim, walk and report
//! ask this, so that they show one value for one measure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{KindTick, LoadTick, Outcomes};
use crate::incident::measure::WindowMeasure;

/// The requests of a lane, or of one kind of them, in a window of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Requests started.
    pub sent: u64,
    /// Requests that ended, by outcome.
    pub outcomes: Outcomes,
    /// Handshakes that failed, by reason.
    pub handshakes: BTreeMap<String, u64>,
    /// Latencies of all requests, in microseconds; those without an answer count with their timeout.
    pub latency: Distribution,
    /// Latencies of the answered requests alone: what a load tool shows that leaves failures out.
    pub naive: Distribution,
}

impl Window {
    /// The window of these ticks.
    pub fn of<'a>(ticks: impl IntoIterator<Item = &'a LoadTick>) -> Self {
        let mut window = Self::default();
        ticks.into_iter().for_each(|tick| window.add(tick));
        window.sort();
        window
    }

    /// The window of these ticks of one kind of request.
    pub fn of_kind<'a>(ticks: impl IntoIterator<Item = &'a KindTick>) -> Self {
        let mut window = Self::default();
        ticks.into_iter().for_each(|tick| window.add_kind(tick));
        window.sort();
        window
    }

    fn sort(&mut self) {
        self.latency.sort();
        self.naive.sort();
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds a tick.
    pub fn add(&mut self, tick: &LoadTick) {
        self.sent = self.sent.saturating_add(tick.sent);
        self.outcomes += tick.outcomes;
        for (reason, count) in &tick.handshakes {
            let all = self.handshakes.entry(reason.clone()).or_default();
            *all = all.saturating_add(*count);
        }
        self.add_latencies(&tick.latency_us, &tick.unanswered_us);
    }

    /// Adds a tick of one kind of request.
    pub fn add_kind(&mut self, tick: &KindTick) {
        self.sent = self.sent.saturating_add(tick.sent);
        self.outcomes += tick.outcomes;
        self.add_latencies(&tick.latency_us, &tick.unanswered_us);
    }

    fn add_latencies(&mut self, answered_us: &[(u64, u32)], unanswered_us: &[(u64, u32)]) {
        self.latency.add(answered_us);
        self.latency.add(unanswered_us);
        self.naive.add(answered_us);
    }

    /// The measure over this window, which takes so many seconds. None for a share or a percentile without a
    /// request that ended, and for a rate over no time.
    pub fn value(&self, measure: WindowMeasure, seconds: f64) -> Option<f64> {
        let ended = self.outcomes.all();
        let percent = |count: u64| (ended > 0).then(|| count as f64 * 100.0 / ended as f64);
        let per_s = |count: u64| (seconds > 0.0).then(|| count as f64 / seconds);
        let Outcomes { ok, wrong, rejected, failed, timed_out, .. } = self.outcomes;
        match measure {
            WindowMeasure::OkPercent => percent(ok),
            WindowMeasure::WrongPercent => percent(wrong),
            WindowMeasure::RejectedPercent => percent(rejected),
            WindowMeasure::FailedPercent => percent(failed),
            WindowMeasure::HandshakeFailedPercent => percent(self.handshakes.values().sum()),
            WindowMeasure::TimedOutPercent => percent(timed_out),
            WindowMeasure::OkPerS => per_s(ok),
            WindowMeasure::BadPerS => per_s(self.outcomes.bad()),
            WindowMeasure::P50Ms => self.latency.percentile_ms(50.0),
            WindowMeasure::P90Ms => self.latency.percentile_ms(90.0),
            WindowMeasure::P99Ms => self.latency.percentile_ms(99.0),
            WindowMeasure::MaxMs => self.latency.percentile_ms(100.0),
            WindowMeasure::NaiveP99Ms => self.naive.percentile_ms(99.0),
        }
    }
}

/// Values in microseconds with their counts, for percentiles. A value stands for all that share its first eleven
/// binary digits, by their upper end: three decimal digits, and no end of requests takes no more memory than a few.
/// Latencies of a tick come rounded to fewer digits, so that they stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The first `sorted` of them in order, each value once.
    counts: Vec<(u64, u64)>,
    sorted: usize,
}

/// Values that may wait before they are put in order.
const MOST_UNSORTED: usize = 8192;

/// Binary digits by which values are told apart.
const DIGITS: u32 = 11;

/// The upper end of the values that share the first digits of this one.
fn upper_end(us: u64) -> u64 {
    let rest = (u64::BITS - us.leading_zeros()).saturating_sub(DIGITS);
    us | ((1 << rest) - 1)
}

impl Distribution {
    /// Adds values with their counts.
    pub fn add(&mut self, values_us: &[(u64, u32)]) {
        self.counts.extend(values_us.iter().map(|(us, count)| (upper_end(*us), u64::from(*count))));
        if self.counts.len() > self.sorted * 2 + MOST_UNSORTED {
            self.sort();
        }
    }

    /// Puts the values in order, each once.
    fn sort(&mut self) {
        if self.sorted == self.counts.len() {
            return;
        }
        self.counts.sort_unstable();
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        self.sorted = self.counts.len();
    }

    /// The value at or below which `percent` of the values lie, in milliseconds, by nearest rank; none without
    /// values.
    pub fn percentile_ms(&self, percent: f64) -> Option<f64> {
        if self.sorted < self.counts.len() {
            let mut sorted = self.clone();
            sorted.sort();
            return sorted.at_ms(percent);
        }
        self.at_ms(percent)
    }

    fn at_ms(&self, percent: f64) -> Option<f64> {
        let all = self.counts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let rank = (all as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut below = 0_u64;
        let at_rank = self.counts.iter().find(|(_, count)| {
            below = below.saturating_add(*count);
            below >= rank
        });
        at_rank.or(self.counts.last()).map(|(micros, _)| *micros as f64 / 1000.0)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are small and exact")]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut values = Distribution::default();
        assert_eq!(values.percentile_ms(50.0), None);
        // 0.1 to 1 ms, in any order and in two parts.
        values.add(&[(700, 1), (100, 1), (1000, 1), (300, 1), (200, 1)]);
        values.add(&[(400, 1), (500, 1), (600, 1), (800, 1), (900, 1)]);
        let at = |percent| values.percentile_ms(percent).expect("there are values");
        assert_eq!([at(0.0), at(10.0), at(11.0), at(50.0), at(90.0)], [0.1, 0.1, 0.2, 0.5, 0.9]);
        assert_eq!([at(99.0), at(100.0)], [1.0, 1.0]);
    }

    #[test]
    fn a_value_stands_for_all_that_share_its_first_digits() {
        assert_eq!([upper_end(0), upper_end(1), upper_end(2047)], [0, 1, 2047]);
        assert_eq!([upper_end(2048), upper_end(2049), upper_end(2050)], [2049, 2049, 2051]);
        for us in [5000, 123_456, 2_000_000, 120_000_000, u64::MAX] {
            let end = upper_end(us);
            assert!(end >= us && (end - us) as f64 <= us as f64 / 1000.0, "{us}: {end}");
            assert_eq!(upper_end(end), end);
        }
    }

    #[test]
    fn any_number_of_values_takes_bounded_memory() {
        let mut values = Distribution::default();
        for tick in 0..300_000_u64 {
            values.add(&[(1_000_000 + tick * 37, 2), (1000, 1)]);
        }
        values.sort();
        // Each power of two has a thousand.
        assert!(values.counts.len() < 6 * 1024, "{}", values.counts.len());
        assert_eq!(values.counts[0], (1000, 300_000));
    }

    #[test]
    fn shares_are_of_all_requests_that_ended() {
        let outcomes =
            Outcomes { ok: 5, wrong: 1, rejected: 1, failed: 1, timed_out: 1, unfinished: 1 };
        let tick = LoadTick {
            sent: 12,
            outcomes,
            latency_us: vec![(1000, 7)],
            unanswered_us: vec![(1900, 3)],
            ..LoadTick::default()
        };
        let window = Window::of([&tick, &tick]);
        let value = |measure| window.value(measure, 2.0).expect("requests ended");
        assert_eq!((window.sent, window.outcomes.all()), (24, 20));
        assert_eq!(
            [value(WindowMeasure::OkPercent), value(WindowMeasure::RejectedPercent)],
            [50.0, 10.0]
        );
        assert_eq!([value(WindowMeasure::OkPerS), value(WindowMeasure::BadPerS)], [5.0, 3.0]);
        assert_eq!([value(WindowMeasure::P50Ms), value(WindowMeasure::P90Ms)], [1.0, 1.9]);
        assert_eq!([value(WindowMeasure::MaxMs), value(WindowMeasure::NaiveP99Ms)], [1.9, 1.0]);
        let empty = Window::default();
        assert_eq!(
            (empty.value(WindowMeasure::OkPercent, 1.0), empty.value(WindowMeasure::OkPerS, 0.0)),
            (None, None)
        );
    }
}
