//! Expectations over events: what a run must show, what was observed, and whether it held.

use serde::Serialize;

use crate::incident::Manifest;
use crate::incident::claim::Expectation;
use crate::timeline::{LaneLine, Timeline};

mod agreement;
mod check;
mod period;
mod undecided;

pub use agreement::{Agreement, agreements};
pub use check::Check;
pub use period::{Period, grows, period, value};
pub use undecided::Undecided;

use period::SETTLED_S;

/// The outcome of a run's expectations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// True if every check held.
    pub holds: bool,
    /// Reason of the first undecided check, if none failed.
    pub undecided: Option<Undecided>,
    /// One an expectation of a variant that ran.
    pub checks: Vec<Check>,
}

impl Verdict {
    fn of(checks: Vec<Check>) -> Self {
        let failed = checks.iter().any(|check| check.undecided.is_none() && !check.holds);
        let undecided = checks.iter().find_map(|check| check.undecided).filter(|_| !failed);
        Self { holds: checks.iter().all(|check| check.holds), undecided, checks }
    }

    /// The verdict in a sentence.
    pub fn says(&self) -> String {
        match (self.holds, self.undecided) {
            (true, _) => "The verdict held.".to_owned(),
            (false, Some(why)) => format!("The verdict is undecided: {}.", why.says()),
            (false, None) => "The verdict did not hold.".to_owned(),
        }
    }
}

/// Checks the claims of a manifest against a run.
pub fn judge(manifest: &Manifest, timeline: &Timeline) -> Verdict {
    let mut verdict = judge_since(timeline.release_s, &manifest.expectations, timeline);
    let values = timeline.param_history.at(timeline.release_s.unwrap_or_default() + SETTLED_S);
    // What a machine that slept, or had no time, did to the requests says nothing about the code.
    let release_s = timeline.release_s.unwrap_or_default();
    for check in verdict.checks.iter_mut().filter(|check| !check.holds) {
        let to_s = check.window_s.map_or(timeline.end_s, |[_, to_s]| to_s);
        if check.undecided.is_some() {
            continue;
        }
        if timeline.stood_between(release_s, to_s) {
            check.undecided = Some(Undecided::DriverStood);
        }
    }
    // Of figures that are not to be trusted nothing holds.
    if let Some(why) = spoiled(manifest, timeline) {
        for check in verdict.checks.iter_mut().filter(|check| check.undecided.is_none()) {
            (check.undecided, check.holds) = (Some(why), false);
        }
    }
    verdict = Verdict::of(verdict.checks);
    let overload = manifest.overload.as_ref().and_then(|overload| overload.eval(values).ok());
    if overload.is_some_and(|overload| overload <= 0.0) {
        let failed = |check: &&mut Check| !check.holds && check.undecided.is_none();
        for check in verdict.checks.iter_mut().filter(failed) {
            check.undecided = Some(Undecided::CannotShow);
        }
        verdict = Verdict::of(verdict.checks);
    }
    verdict
}

/// Why nothing that was measured says anything about the code, where the machine was in the way.
fn spoiled(manifest: &Manifest, timeline: &Timeline) -> Option<Undecided> {
    let any = |is: fn(&LaneLine) -> bool| timeline.lanes.iter().any(is);
    if any(LaneLine::was_refused) {
        Some(Undecided::NotStarted)
    } else if any(LaneLine::was_killed) {
        Some(Undecided::Killed)
    } else if timeline.not_sent > 0 {
        Some(Undecided::NotSent)
    } else if timeline.driver_is_late() {
        Some(Undecided::DriverLate)
    } else if timeline.clock_jumped && manifest.tls {
        Some(Undecided::ClockJumped)
    } else {
        None
    }
}

/// Checks claims whose windows count from `since_s`, in seconds; none if a window lies in the future.
pub fn judge_since(
    since_s: Option<f64>,
    expectations: &[Expectation],
    timeline: &Timeline,
) -> Verdict {
    let mut checks = Vec::new();
    for lane in &timeline.lanes {
        for expectation in expectations.iter().filter(|e| e.variant == lane.variant) {
            checks.push(check::check(since_s, expectation, timeline, lane));
        }
    }
    Verdict::of(checks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventKind, Sample};
    use crate::incident::claim::Claim;
    use crate::incident::measure::Measure;

    /// Events beside the samples: milliseconds, lane, event.
    type Others<'a> = &'a [(u64, Option<usize>, EventKind)];

    /// A run of `seconds` in which nothing but ticks happened.
    fn judged(seconds: u64, metric: &str) -> Check {
        let text = include_str!("../../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let slope = |e: &Expectation| matches!(e.claim, Claim::Slope(..));
        manifest.expectations.retain(|e| e.variant == "broken" && slope(e));
        manifest.expectations[0].metric = Measure::parse(metric);
        let mut timeline = Timeline::new(&manifest, &["broken".to_owned()]);
        let says = String::new();
        timeline.push(&Event { at_ms: 0, lane: None, what: EventKind::Phase { index: 1, says } });
        for tick in 0..=seconds * 10 {
            let what = EventKind::Sample(Sample::default());
            timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
        }
        judge(&manifest, &timeline).checks.remove(0)
    }

    #[test]
    fn a_theory_of_nothing_is_compared_and_of_a_backlog_only_once_it_shows() {
        let text = include_str!("../../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let apart = |manifest: &Manifest, in_flight: u64| {
            let mut timeline = Timeline::new(manifest, &["broken".to_owned()]);
            let says = String::new();
            timeline.push(&Event {
                at_ms: 0,
                lane: None,
                what: EventKind::Phase { index: 1, says },
            });
            for tick in 0..100 {
                let mut sample = Sample::default();
                sample.load.in_flight = in_flight;
                let what = EventKind::Sample(sample);
                timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
            }
            let found = agreements(manifest, &timeline);
            found.iter().map(Agreement::apart).collect::<Vec<f64>>()
        };
        let theory = |law: &str| {
            let text = format!("metric = \"in_flight\"\nvariant = \"broken\"\n{law}");
            toml::from_str(&text).expect("a theory")
        };
        manifest.theories = vec![theory("formula = \"0 * t\"")];
        assert_eq!(apart(&manifest, 0), [0.0]);
        assert_eq!(apart(&manifest, 3), [f64::INFINITY]);
        manifest.theories = vec![theory("per_s = \"1\"\nheadroom = \"1000\"")];
        assert!(apart(&manifest, 3).is_empty());
    }

    #[test]
    fn a_value_is_compared_with_that_of_another_period() {
        let text = include_str!("../../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let mut timeline = Timeline::new(&manifest, &["broken".to_owned()]);
        let says = String::new();
        timeline.push(&Event { at_ms: 0, lane: None, what: EventKind::Phase { index: 1, says } });
        for tick in 0..100 {
            // 10 in flight in the first five seconds, then 40.
            let mut sample = Sample::default();
            sample.load.in_flight = if tick < 50 { 10 } else { 40 };
            timeline.push(&Event {
                at_ms: tick * 100,
                lane: Some(0),
                what: EventKind::Sample(sample),
            });
        }
        let claim = |at_least: f64| {
            let text = format!(
                "variant = \"broken\"\nmetric = \"in_flight\"\nwindow = {{ from_s = 6, to_s = 9 }}\n\
                 times = {{ of = \"broken\", window = {{ from_s = 1, to_s = 4 }}, at_least = {at_least:?} }}"
            );
            toml::from_str::<Expectation>(&text).expect("a claim")
        };
        manifest.expectations = vec![claim(4.0), claim(4.1)];
        let checks = judge(&manifest, &timeline).checks;
        assert_eq!(checks[0].observed.as_deref(), Some("4 times"));
        assert!(checks[0].holds && !checks[1].holds, "{checks:?}");
        assert_eq!(checks[0].expected, "4 times `broken` at 1 to 4 s");
    }

    #[test]
    fn a_burst_after_a_driver_that_stood_still_and_a_lane_that_cannot_start_decide_nothing() {
        let text = include_str!("../../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let claim = "variant = \"broken\"\nmetric = \"in_flight\"\nstays_below = 50\n\
                     window = { from_s = 1, to_s = 9 }";
        manifest.expectations = vec![toml::from_str(claim).expect("a claim")];
        let judged_by = |manifest: &Manifest, in_flight: u64, others: Others| {
            let mut timeline = Timeline::new(manifest, &["broken".to_owned()]);
            let says = String::new();
            timeline.push(&Event {
                at_ms: 0,
                lane: None,
                what: EventKind::Phase { index: 1, says },
            });
            for tick in 0..=100 {
                let mut sample = Sample::default();
                sample.load.in_flight = if tick == 60 { in_flight } else { 1 };
                let what = EventKind::Sample(sample);
                timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
                for (at_ms, lane, what) in others.iter().filter(|(at_ms, ..)| *at_ms == tick * 100)
                {
                    timeline.push(&Event { at_ms: *at_ms, lane: *lane, what: what.clone() });
                }
            }
            let verdict = judge(manifest, &timeline);
            (verdict.holds, verdict.undecided)
        };
        let judged = |in_flight: u64, others: Others| judged_by(&manifest, in_flight, others);
        let late = |lag_us: u64| {
            (6000, None, EventKind::Driver { lag_us: vec![(10, 999), (lag_us, 1)], not_sent: 0 })
        };
        assert_eq!(judged(900, &[]), (false, None));
        assert_eq!(judged(900, &[late(900_000)]), (false, None));
        assert_eq!(judged(900, &[late(3_000_000)]), (false, Some(Undecided::DriverStood)));
        let always = (6000, None, EventKind::Driver { lag_us: vec![(30_000, 999)], not_sent: 0 });
        assert_eq!(
            judged(900, std::slice::from_ref(&always)),
            (false, Some(Undecided::DriverLate))
        );
        assert_eq!(judged(2, &[always]), (false, Some(Undecided::DriverLate)));
        let not_sent = (6000, None, EventKind::Driver { lag_us: Vec::new(), not_sent: 1 });
        assert_eq!(judged(2, &[not_sent]), (false, Some(Undecided::NotSent)));
        let killed = crate::event::ExitCause::Killed;
        let killed = (9900, Some(0), EventKind::Exit { cause: killed, code: None, instance: 0 });
        assert_eq!(judged(2, &[killed]), (false, Some(Undecided::Killed)));
        // Only certificates go by the clock of the machine.
        let jumped = [(5000, None, EventKind::ClockJumped { by_ms: 3_600_000 })];
        assert_eq!(judged(2, &jumped), (true, None));
        let tls = Manifest { tls: true, ..manifest.clone() };
        assert_eq!(judged_by(&tls, 2, &jumped), (false, Some(Undecided::ClockJumped)));
        // What holds all the same, holds.
        assert_eq!(judged(2, &[late(3_000_000)]), (true, None));
        let cause = crate::event::ExitCause::Refused { why: "no such file".to_owned() };
        let refused = (9900, Some(0), EventKind::Exit { cause, code: None, instance: 0 });
        assert_eq!(judged(2, &[refused]), (false, Some(Undecided::NotStarted)));
    }

    #[test]
    fn what_was_not_measured_is_no_matter_of_time() {
        let early = judged(5, "in_flight");
        assert!(early.undecided == Some(Undecided::TooShort) && !early.holds, "{early:?}");
        let unknown = judged(20, "in_flihgt");
        assert!(unknown.undecided.is_none() && !unknown.holds, "{unknown:?}");
        assert_eq!(unknown.observed, None);
        let flat = judged(20, "in_flight");
        assert_eq!(flat.observed.as_deref(), Some("0/s"));
        assert!(!flat.holds);
    }
}
