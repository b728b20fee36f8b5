//! `firedrill run --sweep` and `--capacity`: one run at many values of a parameter, in simulated time, on all
//! processors; and the value at which each variant stops being healthy.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{StreamExt, stream};

use super::sweep_output::{Format, Output};
use super::{OUTPUT, heat_map, runtime};
use crate::cli::HeadlessOptions;
use crate::run::signals::{Termination, terminations};
use crate::run::{Run, Spec};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::figures::number;
use firedrill_core::incident::manifest::{MAX_RATE_PER_S, Param, rate_allowed};
use firedrill_core::incident::{Unknown, params};
use firedrill_core::sweep::{
    FoundKnee, HALVINGS, Knee, LanePoint, RATE, Sweep, SweepPoint, measured, theoretical_knee,
};
use firedrill_core::timeline::Timeline;

/// Values of a search for the capacity: from 1 to the greatest rate, each about twice the one before.
const CAPACITY_POINTS: usize = 14;

/// Values of a sweep where the options name no number.
const POINTS: usize = 20;

/// Values of each of two parameters where the options name no number.
const PAIRED_POINTS: usize = 10;

/// Seeds that a knee is looked for with.
const SEEDS: u64 = 3;

/// Hours of simulated time that all runs of a sweep may take together.
const MOST_HOURS: f64 = 24.0;

/// Runs the sweep and prints a row for each value, then the knees.
///
/// # Errors
///
/// When an option is wrong, a run cannot start, or standard output cannot be written to.
pub fn run(catalogue: &'static Catalogue, options: &HeadlessOptions) -> anyhow::Result<ExitCode> {
    let mut spec = options.options.spec(catalogue, &options.incident)?;
    let own = Duration::from_secs_f64(spec.case.entry.manifest.duration_s);
    let duration = options.duration.unwrap_or(own);
    spec.case.plan.clock = Clock::Virtual;
    spec.case.plan.set_duration(duration);
    let many = &options.many;
    let mut sweeps: Vec<Sweep> =
        many.sweep.iter().map(|text| Sweep::parse(text)).collect::<Result<_, _>>()?;
    if many.capacity {
        sweeps.push(Sweep { param: RATE.to_owned(), from: 1.0, to: MAX_RATE_PER_S });
    }
    let usual = match (many.capacity, sweeps.len()) {
        (true, _) => CAPACITY_POINTS,
        (false, 1) => POINTS,
        (false, 2) if sweeps[0].param != sweeps[1].param => PAIRED_POINTS,
        (false, 2) => {
            bail!("--sweep: `{}` is swept twice; expected two parameters", sweeps[0].param)
        }
        (false, sweeps) => bail!("--sweep: {sweeps} parameters; a sweep has one or two"),
    };
    if let Some(both) = sweeps.iter().find(|s| spec.case.plan.params.contains_key(&s.param)) {
        bail!("`{}` is given by --set and by --sweep: leave out one of them", both.param);
    }
    if options.options.names_rate() && sweeps.iter().any(|sweep| sweep.param == RATE) {
        bail!("the rate is given by --rate and by a sweep of it: leave out one of them");
    }
    let points = many.points.unwrap_or(usual);
    let mut swept = Vec::new();
    for sweep in sweeps {
        let (unit, values) =
            (checked_unit(&spec, &sweep)?, sweep.values(points, many.log || many.capacity)?);
        swept.push(Swept { sweep, unit, values });
    }
    let mut runs: usize = swept.iter().map(|swept| swept.values.len()).product();
    if swept.len() == 1 {
        // The search for the knees.
        runs += spec.case.plan.variants.len() * SEEDS as usize * (HALVINGS + 2);
    }
    let hours = runs as f64 * duration.as_secs_f64() / 3600.0;
    if hours > MOST_HOURS {
        bail!(
            "{runs} runs of {} s are {} hours of simulated time; a sweep may take {MOST_HOURS}: use fewer --points \
             or a shorter --for",
            number(duration.as_secs_f64()),
            number(hours)
        );
    }
    let runtime = runtime()?;
    let terminated = match <[Swept; 2]>::try_from(swept) {
        Ok(pair) => runtime.block_on(heat_map::run(spec, pair, Format::of(options)))?,
        Err(mut one) => {
            let swept = one.remove(0);
            let output = Output::new(options, &spec, &swept);
            // The capacity is the highest knee; a sweep shows the lowest.
            let find = if many.capacity { Knee::highest } else { Knee::first };
            runtime.block_on(sweep_all(spec, swept, find, output))?
        }
    };
    Ok(terminated.map_or(ExitCode::SUCCESS, Into::into))
}

/// A parameter, its unit, and the values that it is given.
#[derive(Debug)]
pub(super) struct Swept {
    pub(super) sweep: Sweep,
    pub(super) unit: String,
    pub(super) values: Vec<f64>,
}

/// Checks that the run has the parameter and that it may have all values of the range. Returns its unit.
fn checked_unit(spec: &Spec, sweep: &Sweep) -> anyhow::Result<String> {
    if sweep.param == RATE {
        for rate_per_s in [sweep.from, sweep.to] {
            if !rate_allowed(rate_per_s) {
                bail!(
                    "--sweep {RATE}: {} is out of range: 1 to {MAX_RATE_PER_S} requests a second",
                    number(rate_per_s)
                );
            }
        }
        return Ok("req/s".to_owned());
    }
    let known = &spec.case.entry.manifest.params;
    let own = || params::find(&sweep.param).map(Param::of_service);
    let Some(param) = known.get(&sweep.param).cloned().or_else(own) else {
        let service = params::ALL.iter().map(|param| param.name);
        let names = known.keys().map(String::as_str).chain(service).chain([RATE]);
        bail!(Unknown::new("parameter", &sweep.param, names));
    };
    param.check(&sweep.param, sweep.from)?;
    param.check(&sweep.param, sweep.to)?;
    Ok(param.unit)
}

/// The run at one value.
pub(super) fn at(spec: &Spec, sweep: &Sweep, value: f64) -> Spec {
    let mut spec = spec.clone();
    if sweep.param == RATE {
        spec.case.plan.rate_per_s = value;
    } else {
        spec.case.plan.params.insert(sweep.param.clone(), value);
    }
    spec
}

/// Plays a run to its end and measures its lanes.
pub(super) async fn measure(spec: Spec) -> anyhow::Result<Vec<LanePoint>> {
    let mut timeline = Timeline::new(&spec.case.entry.manifest, &spec.case.plan.variants);
    let mut run = Run::start(spec.clone())?;
    while let Some(event) = run.events.recv().await {
        timeline.push(&event);
    }
    let plan = &spec.case.plan;
    let at = || format!("with {} req/s and {:?}", number(plan.rate_per_s), plan.params);
    run.ended().await.with_context(at)?;
    Ok(measured(&spec.case.entry.manifest, &timeline))
}

/// Runs at once, at most: each lane may grow to its memory cap.
const MOST_AT_ONCE: usize = 8;

/// Runs at once: one a processor, within [`MOST_AT_ONCE`].
pub(super) fn at_once() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST_AT_ONCE)
}

/// Measures all values, then looks for the knees. A signal ends it; what has been measured by then is printed.
async fn sweep_all(
    spec: Spec,
    Swept { sweep, values, .. }: Swept,
    find: FindKnee,
    output: Output,
) -> anyhow::Result<Option<Termination>> {
    let mut signals = terminations(|| {})?;
    let mut points = Vec::new();
    let runs = values.into_iter().map(|value| {
        let run = measure(at(&spec, &sweep, value));
        async move { anyhow::Ok(SweepPoint { value, lanes: run.await? }) }
    });
    let mut runs = stream::iter(runs).buffered(at_once());
    output.begin().context(OUTPUT)?;
    let terminated = loop {
        tokio::select! {
            point = runs.next() => {
                let Some(point) = point.transpose()? else { break None };
                output.point(&point).context(OUTPUT)?;
                points.push(point);
            }
            signal = signals.recv() => break Some(signal.unwrap_or(Termination::Interrupted)),
        }
    };
    drop(runs);
    if terminated.is_some() {
        output.end(points, None).context(OUTPUT)?;
        return Ok(terminated);
    }
    let (knees, terminated) = tokio::select! {
        knees = knees(&spec, &sweep, find, &points) => (Some(knees?), None),
        signal = signals.recv() => (None, Some(signal.unwrap_or(Termination::Interrupted))),
    };
    output.end(points, knees).context(OUTPUT)?;
    Ok(terminated)
}

/// Chooses one of the knees among points.
type FindKnee = fn(&[(f64, Option<bool>)]) -> Option<Knee>;

/// The knee of each variant, none if it has none.
type Knees = Vec<(String, Option<FoundKnee>)>;

async fn knees(
    spec: &Spec,
    sweep: &Sweep,
    find: FindKnee,
    points: &[SweepPoint],
) -> anyhow::Result<Knees> {
    let mut variants: Vec<&String> = spec.case.plan.variants.iter().collect();
    let mut seen = BTreeSet::new();
    variants.retain(|variant| seen.insert(*variant));
    let mut values = spec.case.params_at_release();
    values.insert(RATE.to_owned(), spec.case.plan.rate_per_s);
    let mut knees = Vec::new();
    for variant in variants {
        let health: Vec<(f64, Option<bool>)> =
            points.iter().map(|point| (point.value, point.health_of(variant))).collect();
        let Some(coarse) = find(&health) else {
            knees.push((variant.clone(), None));
            continue;
        };
        let first_seed = spec.case.plan.seed;
        let searches = (0..SEEDS).map(|i| {
            let mut spec = spec.clone();
            spec.case.plan.variants = vec![variant.clone()];
            spec.case.plan.seed = first_seed.wrapping_add(i);
            narrowed(spec, sweep, coarse, i == 0)
        });
        let searches: Vec<anyhow::Result<Option<(Knee, LanePoint)>>> =
            stream::iter(searches).buffered(at_once()).collect().await;
        let found: Vec<(Knee, LanePoint)> = searches
            .into_iter()
            .collect::<anyhow::Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        let theory = theoretical_knee(&spec.case.entry.manifest, variant, &values, sweep);
        knees.push((variant.clone(), FoundKnee::of(found, SEEDS, theory)));
    }
    Ok(knees)
}

/// Halves the range of a knee with one seed. Returns the narrow range, and the lane at its unhealthy end; none if
/// with this seed the ends of the range do not differ.
async fn narrowed(
    spec: Spec,
    sweep: &Sweep,
    mut knee: Knee,
    is_measured: bool,
) -> anyhow::Result<Option<(Knee, LanePoint)>> {
    let lane = async |value: f64| {
        let lanes = measure(at(&spec, sweep, value)).await?;
        lanes.into_iter().next().context("the run has a lane")
    };
    let mut beyond = lane(knee.unhealthy_at).await?;
    let differ = is_measured
        || (beyond.healthy == Some(false) && lane(knee.healthy_at).await?.healthy == Some(true));
    if !differ {
        return Ok(None);
    }
    for _ in 0..HALVINGS {
        let point = lane(knee.middle()).await?;
        // A lane whose claims cannot be decided is not known to be healthy.
        let healthy = point.healthy == Some(true);
        knee.halve(healthy);
        if !healthy {
            beyond = point;
        }
    }
    Ok(Some((knee, beyond)))
}
