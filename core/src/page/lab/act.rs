//! The changes that a reader may make to a run in a page: a closed set, within the ranges of the manifest. Each is a
//! line of text, in the page as in a link.

use std::fmt;

use crate::event::MAX_INSTANCES;
use crate::incident::Unknown;
use crate::incident::chain::slot_names;
use crate::incident::manifest::{MAX_RATE_PER_S, OutOfRange, rate_allowed};
use crate::plan::Case;
use crate::prose::letter;
use crate::script::Control;

/// A change to a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// `rate 50`: requests a second to each lane.
    Rate(f64),
    /// `set store_ms 9`: a parameter, in every lane.
    Set(String, f64),
    /// `bug A strict`, `bug A off`: the variant that a lane runs; none: the fixed one.
    Bug(usize, Option<String>),
    /// `restart A`: the process of a lane.
    Restart(usize),
    /// `instances A 3`: the number of instances of a lane.
    Instances(usize, usize),
    /// `without A auth,log`: the middlewares of a lane that are off; `without A` switches all on.
    Without(usize, Vec<String>),
    /// `repeat`: the phases after the release, once more.
    Repeat,
}

/// Error for a change that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// It is none of the changes.
    #[error(
        "`{0}` is not a change: expected `rate N`, `set NAME N`, `bug LANE VARIANT`, `bug LANE off`, `restart LANE`, \
         `instances LANE N`, `without LANE SLOTS` or `repeat`"
    )]
    NoChange(String),
    /// The run has no such lane.
    #[error("`{0}` is not a lane of this run: its lanes are A to {1}")]
    NoLane(String, char),
    /// A rate out of range.
    #[error("`{0}` requests a second: expected 1 to {MAX_RATE_PER_S}")]
    Rate(String),
    /// A number of instances out of range.
    #[error("`{0}` instances: expected 1 to {MAX_INSTANCES}")]
    Instances(String),
    /// A value that is not a number.
    #[error("`{0}` is not a number")]
    NoNumber(String),
    /// An unknown variant, parameter or slot.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// A value that the parameter cannot have.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

/// A number of a link or a form.
pub(super) fn number(text: &str) -> Result<f64, ActError> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| ActError::NoNumber(text.to_owned()))
}

/// A rate within its range.
pub(super) fn rate(text: &str) -> Result<f64, ActError> {
    let rate = number(text)?;
    if rate_allowed(rate) { Ok(rate) } else { Err(ActError::Rate(text.to_owned())) }
}

/// A parameter's value within its range.
pub(super) fn value(case: &Case, name: &str, text: &str) -> Result<f64, ActError> {
    let param = case.entry.param(name)?;
    let value = number(text)?;
    param.check(name, value)?;
    Ok(value)
}

/// Refuses a variant that the incident does not have.
pub(super) fn known_variant(case: &Case, name: &str) -> Result<(), ActError> {
    let known = case.manifest().variants.iter().map(|known| known.name.as_str());
    if known.clone().any(|known| known == name) {
        return Ok(());
    }
    Err(Unknown::new("variant", name, known).into())
}

impl Act {
    /// Reads a change to a run.
    pub(super) fn parse(text: &str, case: &Case) -> Result<Self, ActError> {
        let lane = |text: &str| {
            let lanes = case.plan.variants.len();
            let found = (0..lanes).find(|lane| text == letter(*lane).to_string());
            found.ok_or_else(|| ActError::NoLane(text.to_owned(), letter(lanes.max(1) - 1)))
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words.as_slice() {
            ["rate", per_s] => Self::Rate(rate(per_s)?),
            ["set", name, to] => Self::Set((*name).to_owned(), value(case, name, to)?),
            ["bug", of, "off"] => Self::Bug(lane(of)?, None),
            ["bug", of, variant] => {
                known_variant(case, variant)?;
                Self::Bug(lane(of)?, Some((*variant).to_owned()).filter(|name| name != "fixed"))
            }
            ["restart", of] => Self::Restart(lane(of)?),
            ["instances", of, wanted] => {
                let instances = wanted.parse().ok().filter(|n| (1..=MAX_INSTANCES).contains(n));
                let instances = instances.ok_or_else(|| ActError::Instances((*wanted).to_owned()));
                Self::Instances(lane(of)?, instances?)
            }
            ["without", of] => Self::Without(lane(of)?, Vec::new()),
            ["without", of, slots] => {
                let slots: Vec<String> = slots.split(',').map(str::to_owned).collect();
                for slot in &slots {
                    if !slot_names().any(|known| known == slot) {
                        return Err(Unknown::new("slot", slot, slot_names()).into());
                    }
                }
                Self::Without(lane(of)?, slots)
            }
            ["repeat"] => Self::Repeat,
            _ => return Err(ActError::NoChange(text.to_owned())),
        })
    }

    /// The command to the run.
    pub(super) fn control(&self, incident: &str) -> Control {
        match self.clone() {
            Self::Rate(rate_per_s) => Control::SetRate(rate_per_s),
            Self::Set(name, value) => Control::SetParam { name, value },
            Self::Bug(lane, variant) => {
                Control::SetBug { lane, incident: incident.to_owned(), variant }
            }
            Self::Restart(lane) => Control::Restart { lane, console: false },
            Self::Instances(lane, instances) => Control::Scale { lane, instances },
            Self::Without(lane, slots) => Control::SetWithout { lane, slots },
            Self::Repeat => Control::RepeatPhases,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(per_s) => write!(f, "rate {per_s}"),
            Self::Set(name, value) => write!(f, "set {name} {value}"),
            Self::Bug(lane, variant) => {
                write!(f, "bug {} {}", letter(*lane), variant.as_deref().unwrap_or("off"))
            }
            Self::Restart(lane) => write!(f, "restart {}", letter(*lane)),
            Self::Instances(lane, instances) => {
                write!(f, "instances {} {instances}", letter(*lane))
            }
            Self::Without(lane, slots) if slots.is_empty() => {
                write!(f, "without {}", letter(*lane))
            }
            Self::Without(lane, slots) => {
                write!(f, "without {} {}", letter(*lane), slots.join(","))
            }
            Self::Repeat => write!(f, "repeat"),
        }
    }
}
