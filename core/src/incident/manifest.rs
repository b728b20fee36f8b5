//! `incident.toml`: everything the program shows and checks of an incident, apart from its code.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::claim::Expectation;
use super::exercise::Exercise;
use super::formula::{Formula, Values};
use super::measure::Measure;
use super::places::Places;
use super::show::{Chart, Headline, Sentence, Shows};
use super::theory::Theory;
use super::traffic::Load;
use super::walk::{Debrief, Question, WalkStep};

use crate::incident::params::{self, ServiceParam};

pub use crate::event::MAX_INSTANCES;

/// The highest rate that a manifest, the command line or the screen may ask for, per lane.
pub const MAX_RATE_PER_S: f64 = 5_000.0;

/// A parsed and validated `incident.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Unique name, in kebab case.
    pub id: String,
    /// The incident's name for people.
    pub title: String,
    /// Title based on the symptom; shown until the walk is finished. See [`Manifest::seen_as`].
    #[serde(default)]
    pub looks_like: Option<String>,
    /// One line: the symptom.
    pub summary: String,
    /// The kind of trouble that is seen first.
    pub symptom: Symptom,
    /// Origin of the incident.
    pub source: String,
    /// Default duration of a run.
    pub duration_s: f64,
    /// Parameters that `--set` and phases can change, by name.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// The traffic.
    pub load: Load,
    /// The memory that a lane may take.
    pub memory: Memory,
    /// The forms of the code: the broken one first, the fixed one last.
    #[serde(rename = "variant")]
    pub variants: Vec<VariantText>,
    /// The script.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
    /// Theories about metrics.
    #[serde(default, rename = "theory")]
    pub theories: Vec<Theory>,
    /// Above 0 where the load is such that the bug shows in time; where absent, it always does.
    #[serde(default)]
    pub overload: Option<Formula>,
    /// True if its clients use TLS.
    #[serde(default)]
    pub tls: bool,
    /// Claims about a run.
    #[serde(rename = "expect")]
    pub expectations: Vec<Expectation>,
    /// Claims after the bug is switched off in a running server.
    pub switch_off: SwitchOff,
    /// By what it shows that the bug has bitten, whatever else is on.
    pub bite: Bite,
    /// Duration of the live run of `check` after the release, in seconds.
    #[serde(default = "nine_and_a_half")]
    pub live_s: f64,
    /// Instances of a lane.
    #[serde(default = "one")]
    pub instances: usize,
    /// True if the instances of a lane ask one database, whose capacity they divide; otherwise each has its own.
    #[serde(default)]
    pub shared_store: bool,
    /// Charts on screen, in pictures and reports.
    #[serde(default = "Chart::usual", rename = "chart")]
    pub charts: Vec<Chart>,
    /// The two big figures of a lane.
    #[serde(default = "Headline::usual")]
    pub headline: Headline,
    /// Sentences about the current state of a lane: the first whose condition holds is shown.
    #[serde(default, rename = "sentence")]
    pub sentences: Vec<Sentence>,
    /// The guided walk, step by step.
    #[serde(default, rename = "step")]
    pub walk: Vec<WalkStep>,
    /// The questions that walks, lessons and workshops ask.
    #[serde(default, rename = "question")]
    pub questions: Vec<Question>,
    /// Summary: the walk's last page.
    #[serde(default)]
    pub debrief: Option<Debrief>,
    /// "Fix it yourself".
    #[serde(default)]
    pub exercise: Option<Exercise>,
    /// The numbers that the incident's source has as constants, which formulas may name.
    #[serde(skip)]
    pub constants: Values,
}

/// The names in an incident's source that a manifest may use.
#[derive(Debug, Default)]
pub struct SourceNames {
    /// The metrics that it registers; none: not known, so that any may be named.
    pub metrics: Option<BTreeSet<String>>,
    /// Its constants.
    pub constants: Values,
}

/// A metric of the incident that shows that its bug has bitten.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bite {
    /// The metric.
    pub metric: Measure,
    /// It gets above this with the bug, and stays at or below it with the fix.
    pub above: f64,
}

fn nine_and_a_half() -> f64 {
    9.5
}

fn one() -> usize {
    1
}

/// The bug is switched off while the server runs, in every lane that has one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchOff {
    /// Time, in seconds after the release.
    pub after_s: f64,
    /// Description of the effect.
    pub says: String,
    /// Claims; windows count from the switch.
    #[serde(rename = "expect")]
    pub expectations: Vec<Expectation>,
}

/// The kind of trouble that users or operators see first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Symptom {
    /// Requests wait, or some of them fail.
    Slow,
    /// Nobody is served.
    Down,
    /// Answers are wrong.
    Wrong,
    /// Memory grows.
    Leak,
    /// Data or pages go to people who must not have them.
    Security,
}

impl Symptom {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Slow, Self::Down, Self::Wrong, Self::Leak, Self::Security];

    /// As words on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Down => "down",
            Self::Wrong => "wrong answers",
            Self::Leak => "leak",
            Self::Security => "security",
        }
    }
}

/// A number that can be turned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Initial value.
    pub value: f64,
    /// Its unit; empty for a plain number.
    #[serde(default)]
    pub unit: String,
    /// The least value allowed.
    pub min: f64,
    /// The greatest value allowed.
    pub max: f64,
    /// Description of the parameter.
    pub says: String,
}

impl Param {
    /// A parameter of the service itself.
    pub fn of_service(param: &ServiceParam) -> Self {
        Self {
            value: param.start,
            unit: param.unit.to_owned(),
            min: 0.0,
            max: param.max,
            says: param.says.to_owned(),
        }
    }

    /// Checks that `value` is in range.
    ///
    /// # Errors
    ///
    /// Names the range when it is not.
    pub fn check(&self, name: &str, value: f64) -> Result<(), OutOfRange> {
        if (self.min..=self.max).contains(&value) {
            return Ok(());
        }
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        Err(OutOfRange {
            name: name.to_owned(),
            // A number of hundreds of digits is no better for being written out.
            value: if value.abs() < 1e15 { value.to_string() } else { format!("{value:e}") },
            range: format!("{} to {}{unit}", self.min, self.max),
        })
    }
}

/// A value that a parameter cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` = {value} is out of range: {range}")]
pub struct OutOfRange {
    name: String,
    value: String,
    range: String,
}

/// The memory that a lane may take.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Resident size at which the supervisor kills the lane.
    pub cap_mib: u64,
}

impl Memory {
    /// The cap in bytes.
    pub fn cap_bytes(self) -> u64 {
        self.cap_mib * 1024 * 1024
    }
}

/// Description of a variant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantText {
    /// Name, as in `--variants`.
    pub name: String,
    /// One line.
    pub says: String,
}

/// A period of the run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Start in seconds.
    pub at_s: f64,
    /// Name in formulas and windows.
    #[serde(default)]
    pub name: Option<String>,
    /// Description of the phase.
    pub says: String,
    /// A new rate.
    #[serde(default)]
    pub rate_per_s: Option<f64>,
    /// New values of parameters.
    #[serde(default)]
    pub params: BTreeMap<String, f64>,
    /// Switches the bug of each lane on or off.
    #[serde(default)]
    pub bugs: Option<Switch>,
}

impl Phase {
    /// Its name in charts; empty: it has none.
    pub fn word(&self) -> &str {
        match (&self.name, self.bugs) {
            (Some(name), _) => name,
            (None, Some(Switch::On)) => "release",
            (None, _) => "",
        }
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Each lane gets its variant.
    On,
    /// Every lane gets the fixed variant.
    Off,
}

/// A manifest that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct ManifestError {
    /// The manifest.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Which field, and what was expected.
    pub message: String,
}

impl Manifest {
    /// Returns true if a chart shows the end of the service's log.
    pub fn shows_log(&self) -> bool {
        self.charts.iter().any(|chart| chart.shows == Shows::Log)
    }

    /// Reads and validates a manifest.
    ///
    /// # Errors
    ///
    /// Names `file`, the line, the field and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        Self::parse_knowing(file, text, SourceNames::default())
    }

    /// The same, for an incident with this source: every metric that it names must be built in or registered there.
    ///
    /// # Errors
    ///
    /// Names `file`, the line, the field and what was expected.
    pub fn parse_knowing(
        file: &str,
        text: &str,
        source: SourceNames,
    ) -> Result<Self, ManifestError> {
        let places = Places::new(file, text);
        let mut manifest: Self = toml::from_str(text).map_err(|e| {
            let start = e.span().map_or(0, |span| span.start);
            places.error(start, "", e.message().replace('\n', ", "))
        })?;
        manifest.constants = source.constants;
        manifest.validate(&places)?;
        if let Some(metrics) = source.metrics {
            manifest.validate_metrics(&places, &metrics)?;
        }
        if manifest.exercise.is_some() {
            manifest.expect_of_yours();
        }
        Ok(manifest)
    }

    /// Returns the symptom-based title, or the title if there is none.
    pub fn seen_as(&self) -> &str {
        self.looks_like.as_ref().unwrap_or(&self.title)
    }

    /// Pages of its walk: the steps, and what to take home.
    pub fn pages(&self) -> usize {
        self.walk.len() + usize::from(self.debrief.is_some())
    }

    /// Returns the time of the release that carries the bug, in seconds.
    pub fn release_s(&self) -> f64 {
        self.phases.iter().find(|p| p.bugs == Some(Switch::On)).map_or(0.0, |phase| phase.at_s)
    }

    /// The text of a variant.
    pub fn variant(&self, name: &str) -> Option<&VariantText> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// Returns the values that formulas may use: the rate, every parameter, each named phase as seconds from the
    /// release to its start and, with `_rate_per_s` behind its name, the rate that it sets; the constants of the
    /// source, the share of each kind of request in percent, and the theory's `t` = 0.
    pub fn formula_values(&self) -> Values {
        let mut values: Values =
            params::ALL.iter().map(|param| (param.name.to_owned(), param.start)).collect();
        values.extend(self.params.iter().map(|(name, param)| (name.clone(), param.value)));
        let release_s = self.release_s();
        values
            .extend(self.phases.iter().filter_map(|p| Some((p.name.clone()?, p.at_s - release_s))));
        let rates = self.phases.iter().filter_map(|p| Some((p.name.as_ref()?, p.rate_per_s?)));
        values.extend(rates.map(|(name, rate)| (format!("{name}_rate_per_s"), rate)));
        values.extend(self.constants.clone());
        values.extend(self.load.shares(&values));
        values.insert("rate_per_s".to_owned(), self.load.rate_per_s);
        values.insert("t".to_owned(), 0.0);
        values
    }

    /// Compares the manifest's variants with those of the code.
    ///
    /// # Errors
    ///
    /// When they differ in name or order.
    pub fn check_variants<'a>(
        &self,
        code: impl Iterator<Item = &'a str>,
    ) -> Result<(), ManifestError> {
        let code: Vec<&str> = code.collect();
        let told: Vec<&str> = self.variants.iter().map(|v| v.name.as_str()).collect();
        if code == told {
            return Ok(());
        }
        Err(ManifestError {
            file: self.id.clone(),
            line: 1,
            message: format!("variants of the manifest are {told:?}, of the code {code:?}"),
        })
    }
}

/// Returns true if the load generator supports this rate.
pub fn rate_allowed(rate_per_s: f64) -> bool {
    (1.0..=MAX_RATE_PER_S).contains(&rate_per_s)
}
