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

    /// The points from a time on, in order.
    pub fn since(&self, from_s: f64) -> impl Iterator<Item = &Point> {
        let over =
            move |piece: &&Arc<[Point]>| piece.last().is_some_and(|point| point.at_s < from_s);
        let pieces = self.whole.iter().skip_while(over).flat_map(|piece| piece.iter());
        pieces.chain(&self.newest).skip_while(move |point| point.at_s < from_s)
    }

    /// The highest value from a time on.
    pub fn highest(&self, from_s: f64, value: impl Fn(&Point) -> Option<f64>) -> f64 {
        self.since(from_s).filter_map(value).fold(0.0, f64::max)
    }

    /// The highest value in each of `count` equal stretches from one time to another; none where
    /// nothing was measured.
    pub fn columns(
        &self,
        (from_s, to_s): (f64, f64),
        count: usize,
        value: impl Fn(&Point) -> Option<f64>,
    ) -> Vec<Option<f64>> {
        let mut columns: Vec<Option<f64>> = vec![None; count];
        let width_s = (to_s - from_s) / count as f64;
        for point in self.since(from_s) {
            let Some(value) = value(point) else { continue };
            let column = ((point.at_s - from_s) / width_s) as usize;
            if let Some(column) = columns.get_mut(column.min(count.saturating_sub(1))) {
                *column = Some(column.map_or(value, |there| there.max(value)));
            }
        }
        columns
    }

    /// The sum of the values a second in each of `count` equal stretches from one time to another;
    /// none where nothing was measured.
    pub fn rates(
        &self,
        (from_s, to_s): (f64, f64),
        count: usize,
        value: impl Fn(&Point) -> f64,
    ) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0_u32); count];
        let width_s = (to_s - from_s) / count as f64;
        for point in self.since(from_s) {
            let column = ((point.at_s - from_s) / width_s) as usize;
            if let Some((sum, ticks)) = sums.get_mut(column.min(count.saturating_sub(1))) {
                *sum += value(point);
                *ticks += 1;
            }
        }
        let rate = |(sum, ticks): (f64, u32)| (ticks > 0).then(|| sum * 10.0 / f64::from(ticks));
        sums.into_iter().map(rate).collect()
    }

    /// Which of `count` equal stretches from one time to another have ticks of a process, and none with a value.
    pub fn unknown(
        &self,
        (from_s, to_s): (f64, f64),
        count: usize,
        value: impl Fn(&Point) -> Option<f64>,
    ) -> Vec<bool> {
        let served = self.columns((from_s, to_s), count, |point| point.tasks);
        let values = self.columns((from_s, to_s), count, value);
        served
            .iter()
            .zip(values)
            .map(|(served, value)| served.is_some() && value.is_none())
            .collect()
    }

    /// Which of `count` equal stretches from one time to another hold more ticks without a value than with one.
    pub fn gaps(
        &self,
        (from_s, to_s): (f64, f64),
        count: usize,
        value: impl Fn(&Point) -> Option<f64>,
    ) -> Vec<bool> {
        let mut gaps = vec![0_i32; count];
        for point in self.since(from_s) {
            let column = ((point.at_s - from_s) / (to_s - from_s) * count as f64) as usize;
            if let Some(gap) = gaps.get_mut(column) {
                *gap += if value(point).is_none() { 1 } else { -1 };
            }
        }
        gaps.into_iter().map(|gap| gap > 0).collect()
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
        let columns = series.columns((0.0, 20.0), 4, |point| point.tasks);
        assert_eq!(columns, [Some(49.0), Some(99.0), None, None]);
        assert_eq!(series.highest(9.0, |point| point.tasks), 99.0);
    }
}
