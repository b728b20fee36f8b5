//! A case for the unit tests of the session: the manifest of a real incident, without its code.

use std::borrow::Cow;

use crate::catalogue::Catalogue;
use crate::incident::{Incident, Pack, Variant};
use crate::plan::{Case, Plan};

const fn variant(name: &'static str) -> Variant {
    Variant { name, install: |_| {}, steer: None }
}

static INCIDENT: Incident = Incident {
    module: "unbuffered_log_channel",
    file: "unbuffered_log_channel/mod.rs",
    manifest_toml: include_str!("../../tests/data/incident.toml"),
    shares: &["log_lines_dropped", "log_lines_given_up", "log_queue", "log_queue_capacity"],
    variants: &[
        variant("broken"),
        variant("buffered"),
        variant("cancelled"),
        variant("timed"),
        variant("fixed"),
    ],
    exercise: None,
};

static PACK: Pack = Pack {
    file: "lib.rs",
    incidents: &[&INCIDENT],
    files: || vec![Cow::Borrowed("unbuffered_log_channel/broken.rs")],
    source: |_| Some("pub fn broken() {}\n"),
};

pub(crate) fn case() -> Case {
    let catalogue = Catalogue::read(&PACK, |_| None).expect("the manifest is in order");
    let plan = Plan::new(&catalogue.entries[0].manifest);
    Case::new(&catalogue, plan).expect("it is in the catalogue")
}

mod one_value {
    use super::case;
    use crate::event::{Clock, Event, EventKind, LoadTick, Outcomes, Sample};
    use crate::incident::measure::{Measure, WindowMeasure};
    use crate::report::Report;
    use crate::session::run_state::RunState;
    use crate::timeline::Timeline;
    use crate::verdict::{Period, value};

    /// One second of a lane, with every outcome and latencies over three orders of magnitude.
    fn second() -> Vec<Event> {
        let tick = |tick: u64| {
            let outcomes = Outcomes {
                ok: 10 + tick,
                wrong: 1,
                rejected: 2,
                failed: tick % 3,
                timed_out: tick % 2,
                unfinished: 0,
            };
            let load = LoadTick {
                sent: 20,
                outcomes,
                handshakes: [("certificate expired".to_owned(), tick % 3)].into(),
                latency_us: vec![(1_000 + tick * 500, 9), (20_000 + tick * 1_000, 4)],
                unanswered_us: vec![(2_000_000 + tick, 1)],
                ..LoadTick::default()
            };
            let what = EventKind::Sample(Sample { load, ..Sample::default() });
            Event { at_ms: tick * 100, lane: Some(0), what }
        };
        (1..=10).map(tick).collect()
    }

    #[test]
    fn screen_claim_walk_and_report_have_one_value_for_each_measure() {
        let case = case();
        let (mut state, mut timeline) =
            (RunState::new(&case), Timeline::new(case.manifest(), &case.plan.variants));
        for event in second() {
            state.take(&case, &event);
            timeline.push(&event);
        }
        let (screen, claimed) = (&state.lanes[0], &timeline.lanes[0]);
        let of_walk = screen.values(state.param_history.now());
        let mut compared = 0;
        for name in Measure::built_in() {
            let measure = Measure::parse(name);
            let Measure::OverWindow(_) = measure else { continue };
            let claim = value(claimed, &measure, Period { from_s: 0.0, to_s: 1.0 });
            assert!(claim.is_some(), "{name}");
            assert_eq!(screen.value(&measure), claim, "{name}");
            assert_eq!(of_walk.get(name).copied(), claim, "{name}");
            compared += 1;
        }
        assert_eq!(compared, 13);
        let at = |measure| screen.last_second.value(measure);
        // The median is none of the higher percentiles, and those differ from each other.
        assert!(
            at(WindowMeasure::P50Ms) < at(WindowMeasure::P90Ms)
                && at(WindowMeasure::P90Ms) < at(WindowMeasure::P99Ms)
        );
        let report = Report::new(&case, Clock::Virtual, &timeline);
        let (lane, latency) = (&report.lanes[0], &report.lanes[0].latency_ms);
        assert_eq!(
            [latency.p50, latency.p90],
            [at(WindowMeasure::P50Ms), at(WindowMeasure::P90Ms)]
        );
        assert_eq!(
            [latency.p99, latency.max],
            [at(WindowMeasure::P99Ms), at(WindowMeasure::MaxMs)]
        );
        assert_eq!(latency.naive_p99, at(WindowMeasure::NaiveP99Ms));
        assert_eq!(lane.requests.ok, screen.last_second.window.outcomes.ok);
    }
}
