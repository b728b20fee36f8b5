//! `firedrill check`: the author's gate. Every incident is what its manifest says: the bug bites,
//! the fix holds, the partial fixes do what their text claims, on many seeds of the virtual clock, and
//! then live.
//!
//! * [`exercise`]: whether what is given out fails, and the fix is recognized
//! * `room`: whether each claim holds with room to spare
//! * [`rules`]: what the contract asks of an incident beside what its manifest's reading checks
//! * [`wall_clock`]: calls in the source that do not belong on a virtual clock

pub mod exercise;
mod room;
pub mod rules;
pub mod wall_clock;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use self::room::Rooms;
use super::{runtime, status};
use crate::cli::CheckOptions;
use crate::run::{Control, Run, Spec};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::child::replay;
use firedrill_core::event::{Clock, Event, EventKind};
use firedrill_core::figures::{millis, number};
use firedrill_core::incident::claim::Expectation;
use firedrill_core::incident::theory::Theory;
use firedrill_core::timeline::Timeline;
use firedrill_core::verdict::{Verdict, agreements, judge, judge_since};

/// Accepted relative deviation of a slope from the theory in simulated time.
pub const VIRTUAL_APART: f64 = 0.02;

/// The same on the live clock.
pub const LIVE_APART: f64 = 0.1;

/// Length of a run after the bug is switched off.
const AFTER_OFF: Duration = Duration::from_secs(10);

/// Times that a thread gives up the processor within tasks of one place, beyond which it is not
/// the system's doing.
const BLOCKED: u64 = 10;

/// Scope of the checks.
#[derive(Debug, Clone, Copy)]
pub struct CheckScope {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// Seeds on the virtual clock: 1 to this.
    pub seeds: u64,
    /// True to include a live run.
    pub live: bool,
    /// True to leave out walk and exercise, which an incident in the making does not have yet.
    pub draft: bool,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the check.
    pub what: String,
    /// Problems; empty: none.
    pub wrong: Vec<String>,
}

impl Finding {
    pub(crate) fn new(what: impl Into<String>, wrong: Vec<String>) -> Self {
        Self { what: what.into(), wrong }
    }
}

/// Checks one incident, or all.
///
/// # Errors
///
/// When the incident is not known, a run cannot start, or standard output cannot be written to.
pub fn run(catalogue: &'static Catalogue, options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let entries = match &options.incident {
        Some(incident) => vec![&**catalogue.find(incident)?],
        None => catalogue.entries.iter().map(|entry| &**entry).collect(),
    };
    let settings = CheckScope {
        catalogue,
        seeds: options.seeds,
        live: !options.skip_live,
        draft: options.draft,
    };
    Ok(status(runtime()?.block_on(check(&entries, settings))?))
}

/// Checks incidents, one after the other, and prints what was found; tells whether all is well.
///
/// # Errors
///
/// When a run cannot start, or standard output cannot be written to.
pub async fn check(
    entries: &[&'static CatalogueEntry],
    settings: CheckScope,
) -> anyhow::Result<bool> {
    let mut well = true;
    for entry in entries {
        writeln!(io::stdout(), "{}", entry.manifest.id)?;
        let mut reads_well = tell(&rules::contract(settings.catalogue, entry))?;
        if !settings.draft {
            reads_well &= tell(&rules::taught(settings.catalogue, entry))?;
        }
        reads_well &= tell(&source(settings.catalogue, entry))?;
        if !reads_well {
            writeln!(io::stdout(), "  skipped: fix the problems above first")?;
            well = false;
            continue;
        }
        well &= virtually(settings, entry).await?;
        if settings.draft {
            writeln!(io::stdout(), "  draft   walk and exercise were not checked")?;
        } else if let Some(finding) =
            exercise::check(settings.catalogue, entry, settings.seeds).await?
        {
            well &= tell(&finding)?;
        }
        well &= tell(&same_again(settings, entry).await?)?;
        if settings.live {
            well &= tell(&live(settings, entry).await?)?;
        }
    }
    Ok(well)
}

fn tell(finding: &Finding) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let well = finding.wrong.is_empty();
    writeln!(out, "  {}  {}", if well { "ok    " } else { "FAILED" }, finding.what)?;
    for line in &finding.wrong {
        writeln!(out, "            {line}")?;
    }
    out.flush()?;
    Ok(well)
}

/// The incident's own source files use nothing that the virtual clock does not have.
fn source(catalogue: &Catalogue, entry: &CatalogueEntry) -> Finding {
    let folder = entry.incident.folder();
    let files = catalogue.sources().filter(|(file, _)| file.starts_with(folder));
    let (mut count, mut wrong) = (0, Vec::new());
    for (file, text) in files {
        count += 1;
        match wall_clock::find(&file, text) {
            Ok(found) => wrong.extend(found.into_iter().map(|found| {
                let wall_clock::Found { file, line, path, instead } = found;
                format!("{file}:{line}: {path} is not on the virtual clock; instead: {instead}")
            })),
            Err(why) => wrong.push(why),
        }
    }
    Finding::new(
        format!("source: no wall clock, no blocking call, no input or output in {count} files"),
        wrong,
    )
}

/// Runs in which every variant has a lane, the fixed one beside it in each.
fn specs(settings: CheckScope, entry: &'static CatalogueEntry, clock: Clock, seed: u64) -> Specs {
    let names = entry.incident.variants.iter().map(|variant| variant.name.to_owned());
    let (fixed, others): (Vec<String>, Vec<String>) = names.partition(|name| name == "fixed");
    let mut specs = Vec::new();
    for group in others.chunks(MOST_LANES - 1) {
        let mut spec = Spec::of(settings.catalogue, entry)?;
        (spec.case.plan.seed, spec.case.plan.clock) = (seed, clock);
        spec.case.plan.variants = [group, &fixed].concat();
        spec.case.plan.set_duration(Duration::from_secs_f64(entry.manifest.duration_s));
        specs.push(spec);
    }
    Ok(specs)
}

type Specs = anyhow::Result<Vec<Spec>>;

/// Lanes that a run has at most.
const MOST_LANES: usize = 4;

/// The events of a run, and what they amount to.
async fn play(spec: &Spec) -> anyhow::Result<(Vec<Event>, Timeline)> {
    let mut timeline = Timeline::new(&spec.case.entry.manifest, &spec.case.plan.variants);
    let mut events = Vec::new();
    let mut run = Run::start(spec.clone())?;
    while let Some(event) = run.events.recv().await {
        timeline.push(&event);
        events.push(event);
    }
    run.ended().await?;
    Ok((events, timeline))
}

/// On every seed: what is expected shows; the bug breaks what the fix keeps; theory agrees; and the
/// bug can be switched off.
async fn virtually(settings: CheckScope, entry: &'static CatalogueEntry) -> anyhow::Result<bool> {
    let seeds = settings.seeds;
    let manifest = &entry.manifest;
    let (mut expected, mut bites, mut theory, mut off) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut broken, mut rooms) = (Vec::<String>::new(), Rooms::default());
    for seed in 1..=seeds {
        for spec in specs(settings, entry, Clock::Virtual, seed)? {
            let (_, timeline) = play(&spec).await?;
            let verdict = judge(manifest, &timeline);
            expected.extend(failures(seed, &verdict));
            rooms.take("", &verdict);
            theory.extend(apart(&format!("seed {seed}"), &spec, &timeline, VIRTUAL_APART));
            let verdict = switched_off(spec.clone()).await?;
            off.extend(failures(seed, &verdict));
            rooms.take(", switched off", &verdict);
            if !spec.case.plan.variants.iter().any(|variant| variant == "broken") {
                continue;
            }
            let breaks = judge_since(timeline.release_s, &of_fixed(entry), &timeline);
            let mut breaks = breaks.checks;
            breaks.retain(|check| !check.holds && check.undecided.is_none());
            if breaks.is_empty() {
                bites.push(format!("seed {seed}: `broken` does all that is expected of `fixed`"));
            }
            broken.extend(breaks.into_iter().map(|check| check.metric));
        }
    }
    broken.sort_unstable();
    broken.dedup();
    let (lanes, count) = (entry.incident.variants.len(), manifest.expectations.len());
    let mut well = tell(&Finding::new(
        format!("virtual: {count} expectations of {lanes} variants, {seeds} seeds"),
        expected,
    ))?;
    if let Some(tight) = rooms.tight() {
        let least = number(room::LEAST);
        let what = format!("{least} standard deviations between each mean and its limit");
        well &= tell(&Finding::new(what, tight))?;
    }
    let what = format!("the bug breaks what the fix keeps: {}", broken.join(", "));
    well &= tell(&Finding::new(what, bites))?;
    if !manifest.theories.is_empty() {
        let percent = number(VIRTUAL_APART * 100.0);
        well &= tell(&Finding::new(format!("slopes within {percent} % of theory"), theory))?;
    }
    let after_s = number(manifest.switch_off.after_s);
    let what = format!("switched off after {after_s} s: {}", manifest.switch_off.says);
    Ok(well & tell(&Finding::new(what, off))?)
}

/// Returns the claims about the fixed variant, applied to the broken one.
fn of_fixed(entry: &CatalogueEntry) -> Vec<Expectation> {
    let fixed = entry.manifest.expectations.iter().filter(|e| e.variant == "fixed");
    fixed.map(|e| Expectation { variant: "broken".to_owned(), ..e.clone() }).collect()
}

fn failures(seed: u64, verdict: &Verdict) -> Vec<String> {
    let failed = verdict.checks.iter().filter(|check| !check.holds);
    failed
        .map(|check| {
            let observed = check.outcome();
            format!(
                "seed {seed}: `{}`: {} {}, observed {observed}",
                check.variant, check.metric, check.expected
            )
        })
        .collect()
}

/// Lists deviations between theory and lanes.
fn apart(run: &str, spec: &Spec, timeline: &Timeline, allowed: f64) -> Vec<String> {
    let theories = &spec.case.entry.manifest.theories;
    let agreements = agreements(&spec.case.entry.manifest, timeline);
    let compared = |theory: &Theory| {
        agreements.iter().any(|a| a.variant == theory.variant && a.metric == theory.metric)
    };
    let mut lines: Vec<String> = theories
        .iter()
        .filter(|theory| spec.case.plan.variants.contains(&theory.variant) && !compared(theory))
        .map(|theory| {
            let Theory { metric, variant, .. } = theory;
            format!("{run}: `{variant}`: the theory of {metric} could not be compared")
        })
        .collect();
    let apart = agreements.iter().filter(|agreement| agreement.apart() > allowed);
    lines.extend(apart.map(|agreement| format!("{run}: {agreement}")));
    lines
}

/// Checks the claims after the bug is switched off in every lane.
async fn switched_off(mut spec: Spec) -> anyhow::Result<Verdict> {
    let entry = std::sync::Arc::clone(&spec.case.entry);
    let manifest = &entry.manifest;
    let off_s = manifest.release_s() + manifest.switch_off.after_s;
    spec.case.plan.set_duration(Duration::from_secs_f64(off_s) + AFTER_OFF);
    let off = |lane| {
        let incident = manifest.id.clone();
        ((off_s * 1000.0) as u64, Control::SetBug { lane, incident, variant: None })
    };
    spec.pacing.controls = (0..spec.case.plan.variants.len()).map(off).collect();
    let (_, timeline) = play(&spec).await?;
    let expectations = &manifest.switch_off.expectations;
    Ok(judge_since(Some(off_s), expectations, &timeline))
}

/// The same seed gives the same events, and no task waits for anything but virtual time.
async fn same_again(
    settings: CheckScope,
    entry: &'static CatalogueEntry,
) -> anyhow::Result<Finding> {
    let specs = specs(settings, entry, Clock::Virtual, 1)?;
    let Some(mut spec) = specs.into_iter().next() else {
        return Ok(Finding::new("no variant but the fixed one", Vec::new()));
    };
    spec.case.plan.set_duration(Duration::from_secs_f64(entry.manifest.release_s()) + AFTER_OFF);
    let (first, _) = play(&spec).await?;
    let (second, _) = play(&spec).await?;
    let mut wrong = Vec::new();
    if let Some((event, _)) = first.iter().zip(&second).find(|(a, b)| a != b) {
        wrong.push(format!("two runs of seed 1 differ, first at {} ms", event.at_ms));
    } else if first.len() != second.len() {
        let (a, b) = (first.len(), second.len());
        wrong.push(format!("two runs of seed 1 differ: {a} events and {b}"));
    }
    spec.watched = true;
    let (watched, _) = play(&spec).await?;
    for event in &watched {
        if let (EventKind::Blocked { task, times: times @ BLOCKED.. }, Some(lane)) =
            (&event.what, event.lane)
        {
            let lane = &spec.case.plan.variants[lane];
            wrong.push(format!(
                "`{lane}`: tasks spawned at {task} held up the thread {times} times: a blocking call"
            ));
        }
    }
    let what = if replay::WATCHES {
        "the same seed gives the same events, and nothing blocks"
    } else {
        "the same seed gives the same events (this build cannot watch for what blocks)"
    };
    Ok(Finding::new(what, wrong))
}

/// A short live run agrees. Where this machine was too busy for its load generator, that is reported, and nothing
/// else of the run.
async fn live(settings: CheckScope, entry: &'static CatalogueEntry) -> anyhow::Result<Finding> {
    let manifest = &entry.manifest;
    let duration = Duration::from_secs_f64(manifest.release_s() + manifest.live_s);
    let (mut wrong, mut late_ms) = (Vec::new(), None::<f64>);
    for mut spec in specs(settings, entry, Clock::Live, 1)? {
        spec.case.plan.set_duration(duration);
        let (_, timeline) = play(&spec).await?;
        if timeline.driver_is_late() {
            let lag_ms = timeline.lag.percentile_ms(99.0).unwrap_or_default();
            late_ms = Some(late_ms.map_or(lag_ms, |late_ms| late_ms.max(lag_ms)));
            continue;
        }
        wrong.extend(failures(1, &judge(manifest, &timeline)));
        wrong.extend(apart("live", &spec, &timeline, LIVE_APART));
    }
    let seconds = number(duration.as_secs_f64());
    let what = match late_ms {
        None => format!("live, {seconds} s: the same expectations"),
        Some(late_ms) => format!(
            "live, {seconds} s: undecided, this machine was too busy: requests started up to {} late (p99)",
            millis(late_ms)
        ),
    };
    Ok(Finding::new(what, wrong))
}
