//! The bounded history of one lane, as charts need it.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::incident::show::MOST_LEVELS;

/// Ticks that are kept: ten minutes.
pub const KEPT: usize = 6000;

/// Values of the charts in one tick. None: there was no process to measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Seconds since the run began.
    pub at_s: f64,
    /// Tasks alive.
    pub tasks: Option<f64>,
    /// Resident memory in bytes.
    pub memory_bytes: Option<f64>,
    /// Median latency of the last second, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the last second, in milliseconds.
    pub p99_ms: Option<f64>,
    /// Requests of this tick that were answered well.
    pub ok: f32,
    /// Requests of this tick that were refused for what they asked.
    pub rejected: f32,
    /// Requests of this tick that failed, timed out or were answered wrongly.
    pub bad: f32,
    /// Levels that the incident's charts show.
    pub levels: [Option<f32>; MOST_LEVELS],
}

/// A value of a tick; none where it was not measured.
pub type Value<'a> = &'a dyn Fn(&Point) -> Option<f64>;

/// Points that a copy of a series shares with it, in pieces of this many.
const PIECE: usize = 100;

/// The newest points; the oldest fall out, a piece at a time. A copy costs little, since it shares
/// all but the newest piece: the past is kept as copies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Series {
    whole: VecDeque<Arc<[Point]>>,
    newest: Vec<Point>,
}

impl Series {
    /// Adds a point.
    pub fn push(&mut self, point: Point) {
        self.newest.push(point);
        if self.newest.len() == PIECE {
            self.whole.push_back(self.newest.drain(..).collect());
            if self.whole.len() > KEPT / PIECE {
                self.whole.pop_front();
            }
        }
    }

    /// The points from a time on, in order, as stretches that lie together.
    fn stretches(&self, from_s: f64) -> impl Iterator<Item = &[Point]> {
        let pieces = self.whole.iter().map(|piece| &**piece).chain([&*self.newest]);
        pieces.map(move |piece| &piece[piece.partition_point(|point| point.at_s < from_s)..])
    }

    /// The points from a time on, in order.
    pub fn since(&self, from_s: f64) -> impl Iterator<Item = &Point> {
        self.stretches(from_s).flatten()
    }

    /// The highest value from a time on.
    pub fn highest(&self, from_s: f64, value: impl Fn(&Point) -> Option<f64>) -> f64 {
        let of = |stretch: &[Point]| stretch.iter().filter_map(&value).fold(0.0, f64::max);
        self.stretches(from_s).map(of).fold(0.0, f64::max)
    }

    /// Aggregates measurements into `count` equal intervals.
    pub fn columns<const N: usize>(
        &self,
        window_s: (f64, f64),
        count: usize,
        values: [Value; N],
    ) -> Vec<Column<N>> {
        let mut columns = vec![Column::default(); count];
        self.sort_into(window_s, &mut columns, |column, point| {
            column.ticks += 1;
            column.served += u32::from(point.tasks.is_some());
            for (highest, value) in column.highest.iter_mut().zip(values) {
                if let Some(value) = value(point) {
                    *highest = Some(highest.map_or(value, |there| there.max(value)));
                }
            }
        });
        columns
    }

    /// The requests a second in each of `count` equal stretches from one time to another; none where nothing was
    /// measured.
    pub fn rates(&self, window_s: (f64, f64), count: usize) -> Vec<Option<Rates>> {
        let mut sums = vec![(Rates::default(), 0_u32); count];
        self.sort_into(window_s, &mut sums, |(sum, ticks), point| {
            sum.ok += f64::from(point.ok);
            sum.rejected += f64::from(point.rejected);
            sum.bad += f64::from(point.bad);
            *ticks += 1;
        });
        let rate =
            |(sum, ticks): (Rates, u32)| (ticks > 0).then(|| sum.times(10.0 / f64::from(ticks)));
        sums.into_iter().map(rate).collect()
    }

    /// Hands each point from one time on to the equal stretch of a window that it belongs to.
    fn sort_into<C>(
        &self,
        (from_s, to_s): (f64, f64),
        columns: &mut [C],
        mut take: impl FnMut(&mut C, &Point),
    ) {
        let Some(last) = columns.len().checked_sub(1) else { return };
        let width_s = (to_s - from_s) / columns.len() as f64;
        for point in self.stretches(from_s).flatten() {
            let column = ((point.at_s - from_s) / width_s) as usize;
            take(&mut columns[column.min(last)], point);
        }
    }
}

/// A stretch of time in a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column<const N: usize> {
    /// The highest of each value; none where it was not measured.
    pub highest: [Option<f64>; N],
    /// Its ticks.
    pub ticks: u32,
    /// Ticks in which there was a process.
    pub served: u32,
}

impl<const N: usize> Default for Column<N> {
    fn default() -> Self {
        Self { highest: [None; N], ticks: 0, served: 0 }
    }
}

impl<const N: usize> Column<N> {
    /// Returns true if most of its ticks had no process.
    pub fn is_gap(&self) -> bool {
        self.served * 2 < self.ticks
    }

    /// Returns true if a process existed but could not be measured yet, which is not zero.
    pub fn is_unknown(&self) -> bool {
        self.served > 0 && self.highest[0].is_none()
    }
}

/// Requests a second, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Answered well.
    pub ok: f64,
    /// Refused for what they asked.
    pub rejected: f64,
    /// Failed, timed out, or answered wrongly.
    pub bad: f64,
}

impl Rates {
    /// All of them.
    pub fn all(&self) -> f64 {
        self.ok + self.rejected + self.bad
    }

    fn times(self, factor: f64) -> Self {
        let Self { ok, rejected, bad } = self;
        Self { ok: ok * factor, rejected: rejected * factor, bad: bad * factor }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are small whole numbers")]
mod tests {
    use super::*;

    fn series(ticks: usize) -> Series {
        let mut series = Series::default();
        for tick in 0..ticks {
            let at_s = tick as f64 / 10.0;
            series.push(Point { at_s, tasks: Some(tick as f64), ..Point::default() });
        }
        series
    }

    #[test]
    fn keeps_ten_minutes_and_no_more() {
        let series = series(KEPT + PIECE);
        assert_eq!(series.since(0.0).count(), KEPT);
        assert_eq!(series.since(0.0).next().map(|point| point.at_s), Some(10.0));
    }

    #[test]
    fn columns_hold_the_highest_value_and_show_gaps() {
        let series = series(100);
        let columns = series.columns((0.0, 20.0), 4, [&|point| point.tasks]);
        let highest: Vec<Option<f64>> = columns.iter().map(|column| column.highest[0]).collect();
        assert_eq!(highest, [Some(49.0), Some(99.0), None, None]);
        assert_eq!(series.highest(9.0, |point| point.tasks), 99.0);
    }

    #[test]
    fn a_column_tells_a_gap_from_what_is_unknown() {
        let mut series = Series::default();
        for tick in 0..40 {
            let tasks = (tick < 20).then_some(1.0);
            let p99_ms = (tick < 10).then_some(5.0);
            let at_s = f64::from(tick) / 10.0;
            series.push(Point { at_s, tasks, p99_ms, ok: 3.0, ..Point::default() });
        }
        let columns = series.columns((0.0, 4.0), 4, [&|point| point.p99_ms]);
        let told = columns.iter().map(|column| (column.is_gap(), column.is_unknown()));
        let wanted = [(false, false), (false, true), (true, false), (true, false)];
        assert_eq!(told.collect::<Vec<_>>(), wanted);
        let rates = series.rates((0.0, 8.0), 2);
        assert_eq!(rates, [Some(Rates { ok: 30.0, ..Rates::default() }), None]);
    }
}
