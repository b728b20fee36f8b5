//! The axes that all lanes share, so that heights compare.

use firedrill_core::incident::show::{Chart, Shows};
use firedrill_core::page::axis::nice_ceiling;
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::series::{Point, Rates, Series};

use super::gauges;
use super::scene::Scene;

/// Stretches of the time shown whose outcomes give their axis its end: single ticks would jump.
const OUTCOMES: usize = 30;

/// Common axes of all lanes, so that heights compare.
#[derive(Debug, Clone)]
pub struct Axes {
    /// The greatest value of each chart.
    pub tops: Vec<f64>,
    /// Memory limit of the lane with most instances.
    pub cap_bytes: u64,
    /// The greatest value of an instance's outcomes, and of its tasks.
    pub instance_tops: [f64; 2],
    /// The stretch of time in seconds.
    pub window_s: (f64, f64),
    /// Rows that the lane needs of which most is said.
    pub said_rows: u16,
    /// Rows that the lane with most gauges, or instances, needs for them.
    pub gauge_rows: u16,
}

/// The axes that all lanes share.
pub fn axes(lab: &Scene) -> Axes {
    let window_s = lab.window_s();
    let lanes = &lab.view.run.lanes;
    let manifest = lab.manifest();
    let highest = |of: &dyn Fn(&Point) -> Option<f64>, least: f64| {
        let each = lanes.iter().map(|lane| lane.series.highest(window_s.0, of));
        nice_ceiling(each.fold(least, f64::max))
    };
    let instances = lanes.iter().map(|lane| lane.instances.len()).max().unwrap_or(0);
    let each_cap = manifest.memory.cap_bytes();
    let cap_bytes = each_cap * manifest.instances.max(instances) as u64;
    let more =
        lanes.iter().map(|lane| lane.own_cap_bytes.unwrap_or(each_cap).saturating_sub(each_cap));
    let most_more = more.max().unwrap_or_default();
    let outcomes = |series: &Series| {
        let rates = series.rates(window_s, OUTCOMES);
        rates.iter().flatten().map(Rates::all).fold(1.0, f64::max)
    };
    let mut levels = 0;
    let top = |chart: &Chart| {
        let index = levels;
        levels += chart.levels().len();
        let highest_of = |least: f64| highest(&|point| point.levels[index].map(f64::from), least);
        let full = || lanes.iter().filter_map(|lane| capacity(lane, chart)).fold(1.0, f64::max);
        match &chart.shows {
            Shows::Tasks => highest(&|point| point.tasks, 50.0),
            // The cap is the top row, on whatever screen.
            Shows::Memory => (cap_bytes + most_more) as f64 * 1.01,
            Shows::Outcomes => {
                nice_ceiling(lanes.iter().map(|lane| outcomes(&lane.series)).fold(1.0, f64::max))
            }
            Shows::State(_, names) => names.len() as f64,
            Shows::Slots { .. } => full(),
            Shows::Latency | Shows::Up | Shows::Chain | Shows::Log => 1.0,
            Shows::Level(_) => highest_of(full()),
        }
    };
    let each = || lanes.iter().flat_map(|lane| &lane.each);
    let instance_tops = [
        nice_ceiling(each().map(outcomes).fold(1.0, f64::max)),
        nice_ceiling(each().map(|s| s.highest(window_s.0, |p| p.tasks)).fold(10.0, f64::max)),
    ];
    let rows = |lane: &LaneState| match lane.instances.len() {
        0 => gauges::rows(lab, lane),
        instances => instances as u16 + 1,
    };
    Axes {
        cap_bytes,
        instance_tops,
        said_rows: 0,
        tops: manifest.charts.iter().map(top).collect(),
        window_s,
        gauge_rows: if lab.view.disclosure.causes {
            lanes.iter().map(rows).max().unwrap_or(0)
        } else {
            0
        },
    }
}

/// Returns the capacity of a level.
pub fn capacity(lane: &LaneState, chart: &Chart) -> Option<f64> {
    let capacity = chart.capacity.as_deref()?;
    capacity.parse().ok().or_else(|| lane.metric(capacity)).filter(|full| *full > 0.0)
}
