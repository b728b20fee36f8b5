//! The measurements of a lane second by second: the memory of a shift, and of the runs that it is compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventKind, LoadTick, Sample, TICK};
use crate::incident::Manifest;
use crate::incident::manifest::Symptom;
use crate::incident::measure::{Measure, WindowMeasure};
use crate::timeline::level;
use crate::window::Window;

/// Seconds that are kept: more than a shift has.
const MOST: usize = 2000;

/// Damage of a second in which the fault shows without a failed request, as a share of a full outage.
const SILENT_DAMAGE: f64 = 0.5;

/// One second of a lane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Its end, in seconds since the run began.
    pub at_s: u32,
    /// Requests started.
    pub sent: u64,
    /// Requests answered well.
    pub ok: u64,
    /// Requests refused with a status of 400 to 499.
    pub rejected: u64,
    /// Requests answered with a status of 500 or more, or not answered.
    pub failed: u64,
    /// Requests without an answer within the client's timeout.
    pub timed_out: u64,
    /// Requests answered wrongly.
    pub wrong: u64,
    /// Median latency in milliseconds; none without a request that ended.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the latency in milliseconds; none without a request that ended.
    pub p99_ms: Option<f64>,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Tasks alive at its end; none without a process.
    pub tasks: Option<u64>,
    /// Memory in bytes at its end; none without a process.
    pub memory_bytes: Option<u64>,
    /// Requests that ended, and those of them that were not answered well, by kind of request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, (u64, u64)>,
    /// True if a fault showed that no request shows: data in the wrong place, series of metrics that pile up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bites: bool,
}

impl Second {
    /// The second as charts show it: silent faults are not on any chart, and kinds are a look of their own.
    pub(super) fn shown(&self) -> Self {
        Self { bites: false, kinds: BTreeMap::new(), ..self.clone() }
    }

    /// Requests that failed, timed out or were answered wrongly.
    pub fn bad(&self) -> u64 {
        self.failed + self.timed_out + self.wrong
    }

    /// Share of bad requests among those that ended, from 0 to 1; 0 if none ended.
    pub fn bad_share(&self) -> f64 {
        let ended = self.ok + self.rejected + self.bad();
        if ended == 0 { 0.0 } else { self.bad() as f64 / ended as f64 }
    }

    /// Damage of this second as a share of a full outage, from 0 to 1.
    pub fn damage(&self) -> f64 {
        self.bad_share().max(if self.bites { SILENT_DAMAGE } else { 0.0 })
    }

    /// Share of the requests that were not answered well here and would have been in another run, kind by kind, from 0
    /// to 1: a service that refuses the wrong ones does damage too.
    pub fn unserved_beyond(&self, other: &Self) -> f64 {
        let all: u64 = self.kinds.values().map(|(ended, _)| ended).sum();
        let share = |(ended, unserved): (u64, u64)| unserved as f64 / ended.max(1) as f64;
        let beyond = |(kind, counts): (&String, &(u64, u64))| {
            let other = other.kinds.get(kind).copied().map_or(0.0, share);
            (share(*counts) - other).max(0.0) * counts.0 as f64
        };
        self.kinds.iter().map(beyond).sum::<f64>() / all.max(1) as f64
    }
}

/// A measure by which a fault shows that no request shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Silent {
    metric: Measure,
    above: f64,
    last: f64,
}

/// The seconds of one lane.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// All of them, in order.
    pub all: Vec<Second>,
    lane: usize,
    silent: Vec<Silent>,
    ticks: Vec<LoadTick>,
    sample: Option<Sample>,
}

impl Seconds {
    /// The seconds of a lane in which these incidents may show.
    pub fn new<'a>(lane: usize, incidents: impl IntoIterator<Item = &'a Manifest>) -> Self {
        let is_silent =
            |manifest: &&Manifest| matches!(manifest.symptom, Symptom::Security | Symptom::Leak);
        let silent = incidents.into_iter().filter(is_silent).map(|manifest| Silent {
            metric: manifest.bite.metric.clone(),
            above: manifest.bite.above,
            last: 0.0,
        });
        Self { lane, silent: silent.collect(), ..Self::default() }
    }

    /// Takes in an event of the run. Returns true if a second is complete.
    pub fn take(&mut self, event: &Event) -> bool {
        let EventKind::Sample(sample) = &event.what else { return false };
        if event.lane != Some(self.lane) || self.all.len() >= MOST {
            return false;
        }
        self.ticks.push(sample.load.clone());
        self.sample = Some(sample.clone());
        let tick_ms = TICK.as_millis() as u64;
        let at_s = (event.at_ms + tick_ms / 2) / 1000;
        let last_s = self.all.last().map_or(0, |second| u64::from(second.at_s));
        if at_s <= last_s {
            return false;
        }
        self.complete(at_s);
        true
    }

    fn complete(&mut self, at_s: u64) {
        let (ticks, Some(sample)) = (std::mem::take(&mut self.ticks), self.sample.take()) else {
            return;
        };
        let window = Window::of(&ticks);
        let outcomes = window.outcomes;
        let mut bites = false;
        for silent in &mut self.silent {
            let now = level(&sample, &silent.metric).unwrap_or_default();
            // Both are counts that only grow as long as the fault is there.
            bites |= now > silent.above && now > silent.last;
            silent.last = now;
        }
        self.all.push(Second {
            at_s: u32::try_from(at_s).unwrap_or(u32::MAX),
            sent: window.sent,
            ok: outcomes.ok,
            rejected: outcomes.rejected,
            failed: outcomes.failed,
            timed_out: outcomes.timed_out,
            wrong: outcomes.wrong,
            p50_ms: window.value(WindowMeasure::P50Ms, 1.0),
            p99_ms: window.value(WindowMeasure::P99Ms, 1.0),
            in_flight: sample.load.in_flight,
            tasks: sample.server.as_ref().map(|server| server.tasks),
            memory_bytes: sample.resident_bytes,
            kinds: kinds(&ticks),
            bites,
        });
    }

    /// The newest `count` seconds.
    pub fn newest(&self, count: usize) -> &[Second] {
        &self.all[self.all.len().saturating_sub(count)..]
    }
}

fn kinds(ticks: &[LoadTick]) -> BTreeMap<String, (u64, u64)> {
    let mut kinds = BTreeMap::<String, (u64, u64)>::new();
    for (kind, tick) in ticks.iter().flat_map(|tick| &tick.kinds) {
        let (ended, unserved) = kinds.entry(kind.clone()).or_default();
        let all = tick.outcomes.all();
        *ended += all;
        *unserved += all.saturating_sub(tick.outcomes.ok);
    }
    kinds
}
