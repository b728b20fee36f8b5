//! `incident.toml`: everything the program shows and checks of an incident, apart from its code.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::formula::{Formula, Values};
use super::validate::Places;

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
    /// One line: the symptom.
    pub summary: String,
    /// How bad it was.
    pub severity: Severity,
    /// Where the story comes from.
    pub source: String,
    /// How long a run lasts unless told otherwise.
    pub duration_s: f64,
    /// What `--set` and the phases may turn, by name.
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
    /// What theory says of a metric.
    #[serde(default, rename = "theory")]
    pub theories: Vec<Theory>,
    /// Above 0 where the load is such that the bug shows in time; where absent, it always does.
    #[serde(default)]
    pub overload: Option<Formula>,
    /// What a run must show.
    #[serde(rename = "expect")]
    pub expectations: Vec<Expectation>,
    /// What must show when the bug is switched off while it runs.
    pub switch_off: SwitchOff,
}

/// The bug is switched off while the server runs, in every lane that has one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchOff {
    /// When, in seconds after the release.
    pub after_s: f64,
    /// What then happens, for people.
    pub says: String,
    /// What must show; windows count from the switch.
    #[serde(rename = "expect")]
    pub expectations: Vec<Expectation>,
}

/// How bad an incident was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The service was down.
    Outage,
    /// Some requests failed.
    Degraded,
    /// Data went where it must not.
    Leak,
}

impl Severity {
    /// As a word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Degraded => "degraded",
            Self::Leak => "data leak",
        }
    }
}

/// A number that can be turned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Where it starts.
    pub value: f64,
    /// Its unit; empty for a plain number.
    #[serde(default)]
    pub unit: String,
    /// The least value allowed.
    pub min: f64,
    /// The greatest value allowed.
    pub max: f64,
    /// What it does.
    pub says: String,
}

impl Param {
    /// Whether `value` is in range.
    ///
    /// # Errors
    ///
    /// Names the range when it is not.
    pub fn check(&self, name: &str, value: f64) -> Result<(), String> {
        if (self.min..=self.max).contains(&value) {
            return Ok(());
        }
        let Self { min, max, unit, .. } = self;
        // A number of hundreds of digits is no better for being written out.
        let value = if value.abs() < 1e15 { value.to_string() } else { format!("{value:e}") };
        Err(format!("`{name}` = {value} is out of range: {min} to {max} {unit}")
            .trim_end()
            .to_owned())
    }
}

/// The traffic that every lane gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// How they are spaced.
    pub arrivals: Arrivals,
    /// When a client gives up.
    pub client_timeout_ms: u64,
    /// The kinds of requests and their shares.
    #[serde(rename = "request")]
    pub requests: Vec<Request>,
}

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// At random, independent of one another.
    Poisson,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its share among the kinds.
    pub weight: f64,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A body of this text.
    #[serde(default)]
    pub body: String,
    /// A body of this size, where its text does not matter.
    #[serde(default)]
    pub body_bytes: usize,
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

/// What a variant is, for people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantText {
    /// Name, as in `--variants`.
    pub name: String,
    /// One line.
    pub says: String,
}

/// A stretch of the run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// When it begins, in seconds.
    pub at_s: f64,
    /// What happens, for people.
    pub says: String,
    /// A new rate.
    #[serde(default)]
    pub rate_per_s: Option<f64>,
    /// New values of parameters.
    #[serde(default)]
    pub params: BTreeMap<String, f64>,
    /// Whether each lane's bug goes on or off.
    #[serde(default)]
    pub bugs: Option<Switch>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Each lane gets its variant.
    On,
    /// Every lane gets the fixed form.
    Off,
}

/// What theory says of a metric, as a function of the time `t` in seconds since the release
/// reached a clean process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theory {
    /// The metric.
    pub metric: String,
    /// The variant it holds for.
    pub variant: String,
    /// Its value.
    pub formula: Formula,
}

/// What a run must show.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The variant it holds for.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The stretch that counts.
    #[serde(default)]
    pub window: Window,
    /// The slope's value; `within` is its tolerance.
    #[serde(default)]
    pub slope_per_s: Option<Formula>,
    /// Relative tolerance of the slope.
    #[serde(default = "ten_percent")]
    pub within: f64,
    /// The highest value stays below.
    #[serde(default)]
    pub below: Option<Formula>,
    /// The highest value gets above.
    #[serde(default)]
    pub above: Option<Formula>,
    /// The last value is at most this.
    #[serde(default)]
    pub returns_to: Option<Formula>,
    /// How the process ends: a word of [`crate::event::ExitCause::word`], or `none`.
    #[serde(default)]
    pub exits: Option<String>,
}

fn ten_percent() -> f64 {
    0.1
}

/// A stretch of the run, in seconds after the release, or after the switch.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its beginning; the release or the switch where absent.
    #[serde(default)]
    pub from_s: Option<Formula>,
    /// Its end; the run's, or the lane's first exit, where absent.
    #[serde(default)]
    pub to_s: Option<Formula>,
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
    /// Reads and validates a manifest.
    ///
    /// # Errors
    ///
    /// Names `file`, the line, the field and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let places = Places { file, text };
        let manifest: Self = toml::from_str(text).map_err(|e| {
            let start = e.span().map_or(0, |span| span.start);
            places.error(start, "", e.message().replace('\n', ", "))
        })?;
        manifest.validate(&places)?;
        Ok(manifest)
    }

    /// When the release that carries the bug goes out, in seconds.
    pub fn release_s(&self) -> f64 {
        self.phases.iter().find(|p| p.bugs == Some(Switch::On)).map_or(0.0, |phase| phase.at_s)
    }

    /// The text of a variant.
    pub fn variant(&self, name: &str) -> Option<&VariantText> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// What formulas may use: the rate, every parameter, and the theory's `t` = 0.
    pub fn formula_values(&self) -> Values {
        let mut values: Values =
            self.params.iter().map(|(name, param)| (name.clone(), param.value)).collect();
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

/// Whether a rate is one that the driver is asked to reach.
pub fn rate_allowed(rate_per_s: f64) -> bool {
    (1.0..=MAX_RATE_PER_S).contains(&rate_per_s)
}
