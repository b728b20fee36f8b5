//! The results of looks.

use std::collections::BTreeSet;

use super::Shift;
use super::fact::{ChangeRow, FactKind, InstanceRow, KindRow, MetricRow, ParameterRow, WaitRow};
use super::scenario::ChangeKind;
use super::seconds::Second;
use super::task::{Look, Task};
use crate::incident::measure::{Measure, WindowMeasure};
use crate::incident::params;
use crate::plan::Case;
use crate::session::lane_state::{LaneState, LastSecond};
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
                seconds: self.seconds.newest(CHARTS_S).iter().map(Second::shown).collect(),
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
        let mut releases: usize = 0;
        let row = |(i, change): (usize, &super::scenario::RecentChange)| {
            let number = releases;
            releases += usize::from(change.kind.is_release());
            ChangeRow {
                change: i + 1,
                at_s: change.at_ms as f64 / 1000.0,
                text: change.kind.text(number),
                is_rolled_back: self.is_rolled_back(i + 1),
            }
        };
        self.known_changes().enumerate().map(row).collect()
    }

    /// The changes to the service, each with its part in the outage. It gives the cause away.
    pub fn changes_explained(&self) -> Vec<String> {
        let explained = |row: ChangeRow| {
            let kind = self.scenario.changes.get(row.change - 1).map(|change| change.kind);
            let part = match kind {
                Some(ChangeKind::Release) if self.scenario.is_faulty => "carried the fault",
                Some(ChangeKind::SecondRelease) => "carried the second fault",
                _ => "harmless",
            };
            format!("{}  {}: {part}", crate::figures::clock(row.at_s), row.text)
        };
        self.changes().into_iter().map(explained).collect()
    }

    /// Returns true if the change of this number, from 1, has been rolled back.
    pub(super) fn is_rolled_back(&self, number: usize) -> bool {
        self.acted
            .iter()
            .any(|(_, task)| matches!(task, Task::RollBack { change } if *change == Some(number)))
    }

    fn instances(&self, lane: &LaneState) -> Vec<InstanceRow> {
        let is_release = |row: &&super::fact::ChangeRow| row.text.starts_with("release");
        let releases = self.changes();
        let newest = releases.iter().rev().filter(is_release).find(|row| !row.is_rolled_back);
        let newest = newest.map_or(BEFORE, |row| row.text.trim_start_matches("release "));
        let version =
            |name: &str| if name == "before" { BEFORE.to_owned() } else { newest.to_owned() };
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

/// The requests of each kind, and all those without a kind.
fn kinds(lane: &LaneState) -> Vec<KindRow> {
    let row = |(kind, last): (&String, &LastSecond)| {
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
    let mut rows: Vec<KindRow> =
        lane.kinds.iter().filter(|(_, last)| last.window.sent > 0).map(row).collect();
    let of_kinds = |count: fn(&LastSecond) -> u64| lane.kinds.values().map(count).sum::<u64>();
    let all = &lane.last_second;
    let sent = all.window.sent.saturating_sub(of_kinds(|last| last.window.sent));
    if !rows.is_empty() && sent > 0 {
        let rest = |count: fn(&LastSecond) -> u64| count(all).saturating_sub(of_kinds(count));
        let ended = rest(|last| last.window.outcomes.all());
        let percent = |count: u64| (ended > 0).then(|| count as f64 * 100.0 / ended as f64);
        rows.push(KindRow {
            kind: "all others".to_owned(),
            sent_per_s: all.per_s(sent),
            ok_percent: percent(rest(|last| last.window.outcomes.ok)),
            rejected_percent: percent(rest(|last| last.window.outcomes.rejected)),
            bad_percent: percent(rest(|last| last.window.outcomes.bad())),
            p99_ms: None,
        });
    }
    rows
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
