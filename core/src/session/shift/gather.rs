//! The results of looks.

use std::collections::BTreeSet;

use super::Shift;
use super::fact::{ChangeRow, FactKind, InstanceRow, KindRow, MetricRow, ParameterRow, WaitRow};
use super::scenario::ChangeKind;
use super::task::{Look, Task};
use crate::incident::measure::{Measure, WindowMeasure};
use crate::incident::params;
use crate::plan::Case;
use crate::session::lane_state::LaneState;
use crate::session::run_state::RunState;

/// Seconds that the charts go back.
const CHARTS_S: usize = 60;

/// Name of the version before the release.
const BEFORE: &str = "2.13.9";

impl Shift {
    /// Looks at something.
    pub(super) fn look(&self, what: Look, case: &Case, head: &RunState) -> FactKind {
        let Some(lane) = head.lanes.first() else { return FactKind::Log { lines: Vec::new() } };
        match what {
            Look::Charts => FactKind::Charts {
                // Silent faults are not on any chart.
                seconds: (self.seconds.newest(CHARTS_S).iter().cloned())
                    .map(|second| super::seconds::Second {
                        bites: false,
                        kinds: std::collections::BTreeMap::new(),
                        ..second
                    })
                    .collect(),
            },
            Look::Kinds => FactKind::Kinds { kinds: kinds(lane) },
            Look::Changes => FactKind::Changes { changes: self.changes() },
            Look::Instances => {
                FactKind::Instances { instances: self.instances(lane), restarts: lane.restarts }
            }
            Look::Log => FactKind::Log { lines: self.log_lines(lane) },
            Look::Metrics => FactKind::Metrics { metrics: self.metrics(case, lane) },
            Look::Chain => FactKind::Chain {
                routes: lane.chain.routes.iter().map(|(slot, _)| slot.clone()).collect(),
                database: lane.chain.store.iter().map(|(slot, _)| slot.clone()).collect(),
                off: self.off.clone(),
            },
            Look::Configuration => FactKind::Configuration { parameters: parameters(case, head) },
            Look::Threads => self.threads(lane),
        }
    }

    pub(super) fn changes(&self) -> Vec<ChangeRow> {
        let mut releases = 0;
        let row = |(i, change): (usize, &super::scenario::RecentChange)| {
            if matches!(change.kind, ChangeKind::Release | ChangeKind::SecondRelease) {
                releases += 1;
            }
            ChangeRow {
                change: i + 1,
                at_s: change.at_ms as f64 / 1000.0,
                text: change.kind.text(releases - 1),
                is_rolled_back: self.is_rolled_back(i + 1),
            }
        };
        self.known_changes().enumerate().map(row).collect()
    }

    /// Returns true if the change of this number, from 1, has been rolled back.
    pub(super) fn is_rolled_back(&self, number: usize) -> bool {
        self.acted.iter().any(|(_, task)| {
            matches!(task, Task::RollBack { change }
                if change.unwrap_or_else(|| self.newest_release()) == number)
        })
    }

    fn instances(&self, lane: &LaneState) -> Vec<InstanceRow> {
        let released = self.now_ms >= self.scenario.release_ms;
        let rolled_back = self.acted.iter().any(|(_, task)| matches!(task, Task::RollBack { .. }));
        let version = |name: &str| {
            let is_old = name == "before" || !released || rolled_back;
            if is_old { BEFORE.to_owned() } else { "2.14.0".to_owned() }
        };
        if lane.instances.is_empty() {
            let second = self.seconds.all.last();
            return vec![InstanceRow {
                version: version(&lane.version),
                share_percent: 100.0,
                serves: lane.server.is_some(),
                tasks: lane.server.as_ref().map_or(0, |server| server.tasks),
                memory_bytes: lane.resident_bytes.unwrap_or_default(),
                sent: second.map_or(0, |second| second.sent / 10),
                ok: second.map_or(0, |second| second.ok / 10),
                bad: second.map_or(0, |second| second.bad() / 10),
            }];
        }
        let row = |instance: &crate::event::InstanceSample| InstanceRow {
            version: version(&instance.version),
            share_percent: instance.share_percent,
            serves: instance.serves,
            tasks: instance.tasks,
            memory_bytes: instance.resident_bytes,
            sent: instance.sent,
            ok: instance.ok,
            bad: instance.bad,
        };
        lane.instances.iter().map(row).collect()
    }

    fn log_lines(&self, lane: &LaneState) -> Vec<String> {
        let own =
            lane.log.lines.iter().map(|line| format!("service: {}", self.redaction.text(line)));
        self.log.iter().cloned().chain(own).collect()
    }

    /// The metrics that the service exports. The measure by which firedrill itself knows the fault is not among them.
    fn metrics(&self, case: &Case, lane: &LaneState) -> Vec<MetricRow> {
        let hidden: BTreeSet<&str> = super::manifests(&self.scenario, &case.catalogue)
            .filter_map(|manifest| match &manifest.bite.metric {
                Measure::Registered(name) => name.split('{').next(),
                _ => None,
            })
            .collect();
        let Some(server) = &lane.server else { return Vec::new() };
        let before = self.metrics.front();
        let row = |(name, now): (&String, &f64)| MetricRow {
            name: name.clone(),
            unit: lane.metrics.get(name).map_or(String::new(), |metric| metric.unit.clone()),
            now: *now,
            before: before.and_then(|before| before.get(name)).copied(),
        };
        let shown = server.metrics.iter().filter(|(name, _)| {
            let plain = name.split('{').next().unwrap_or_default();
            !hidden.contains(plain)
        });
        shown.map(row).collect()
    }

    fn threads(&self, lane: &LaneState) -> FactKind {
        let Some(server) = &lane.server else {
            return FactKind::Threads { tasks: 0, waiting: Vec::new() };
        };
        let mut waiting: Vec<WaitRow> = Vec::new();
        for site in server.wait_sites.iter().filter(|site| site.waiting > 0) {
            let what = self.redaction.text(&site.label);
            match waiting.iter_mut().find(|row| row.what == what) {
                Some(row) => row.tasks += site.waiting,
                None => waiting.push(WaitRow { what, tasks: site.waiting }),
            }
        }
        waiting.sort_by_key(|row| std::cmp::Reverse(row.tasks));
        FactKind::Threads { tasks: server.tasks, waiting }
    }
}

fn kinds(lane: &LaneState) -> Vec<KindRow> {
    let row = |(kind, last): (&String, &crate::session::lane_state::LastSecond)| {
        let outcomes = last.window.outcomes;
        let ended = outcomes.all();
        let bad = (ended > 0).then(|| outcomes.bad() as f64 * 100.0 / ended as f64);
        KindRow {
            kind: kind.clone(),
            sent_per_s: last.per_s(last.window.sent),
            ok_percent: last.value(WindowMeasure::OkPercent),
            rejected_percent: last.value(WindowMeasure::RejectedPercent),
            bad_percent: bad,
            p99_ms: last.value(WindowMeasure::P99Ms),
        }
    };
    lane.kinds.iter().map(row).collect()
}

/// The parameters that a person on call can set: those of the service's own code. The world (the database, the
/// traffic) has parameters too, and nobody can set them.
pub(super) fn parameters(case: &Case, head: &RunState) -> Vec<ParameterRow> {
    let manifest = case.manifest();
    let world = [manifest.id.clone()];
    let phases = &manifest.phases;
    let is_own = |name: &str| {
        params::find(name).is_none()
            && !case.catalogue.mix_depends_on(&world, name)
            && !phases.iter().any(|phase| phase.params.contains_key(name))
    };
    let own = manifest.params.iter().filter(|(name, _)| is_own(name));
    let now = head.param_history.now();
    let row = |(name, param): (&String, &crate::incident::manifest::Param)| ParameterRow {
        name: name.clone(),
        unit: param.unit.clone(),
        value: now.get(name).copied().unwrap_or(param.value),
        min: param.min,
        max: param.max,
    };
    own.map(row).collect()
}
