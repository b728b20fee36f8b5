//! A run as the names and values of a link: `seed=1&rate=200&lanes=broken,fixed&set=store_ms:9&do=12.5 rate 50&at=20`.

use super::LASTS_MS;
use super::act::{Act, ActError, known_variant, number, rate, value};
use crate::plan::{Case, Plan};

/// Lanes of a run at most.
pub(super) const MOST_LANES: usize = 4;

/// Changes of a run that are kept at most.
pub(super) const MOST_ACTS: usize = 500;

/// Names and values of a link, in order.
pub type Pairs = Vec<(String, String)>;

/// A run that a link stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linked {
    /// The run.
    pub plan: Plan,
    /// Changes, each with its time in milliseconds, in order.
    pub acts: Vec<(u64, Act)>,
    /// The moment that is shown first, in milliseconds; none: its beginning, from which it goes on.
    pub at_ms: Option<u64>,
}

/// Error for a link that stands for no run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It has a name that no link has.
    #[error("`{0}` is not a part of a link to a lab: expected seed, rate, lanes, set, do or at")]
    NoPart(String),
    /// It has a name twice of which there is one value.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A seed that is none.
    #[error("`{0}` is not a seed: expected a whole number from 0 on")]
    Seed(String),
    /// Too many lanes.
    #[error("`{0}` names {1} lanes: a run has one to {MOST_LANES}")]
    Lanes(String, usize),
    /// A parameter without its value.
    #[error("`{0}` sets no parameter: expected NAME:VALUE")]
    Set(String),
    /// A change without its time.
    #[error("`{0}` is not a change: expected its second and the change, such as `12.5 rate 50`")]
    Do(String),
    /// A moment after the end of the run.
    #[error("`{0}` is no moment of the run: expected a second from 0 to {end_s}", end_s = LASTS_MS / 1000)]
    At(String),
    /// Too many changes.
    #[error("more than {MOST_ACTS} changes")]
    TooMany,
    /// A value that cannot be.
    #[error(transparent)]
    Act(#[from] ActError),
}

impl Linked {
    /// Reads a link to a run of this incident; what it does not name is as in the own run of the case.
    pub(super) fn parse(pairs: &Pairs, case: &Case) -> Result<Self, LinkError> {
        let mut case = case.clone();
        let plan = &mut case.plan;
        let mut at_ms = None;
        for (i, (name, text)) in pairs.iter().enumerate() {
            let is_list = ["set", "do"].contains(&name.as_str());
            if !is_list && pairs[..i].iter().any(|(before, _)| before == name) {
                return Err(LinkError::Twice(name.clone()));
            }
            match name.as_str() {
                "seed" => plan.seed = text.parse().map_err(|_| LinkError::Seed(text.clone()))?,
                "rate" => plan.rate_per_s = rate(text)?,
                "lanes" => {
                    plan.variants = text.split(',').map(str::to_owned).collect();
                    if plan.variants.len() > MOST_LANES {
                        return Err(LinkError::Lanes(text.clone(), plan.variants.len()));
                    }
                }
                "at" => at_ms = Some(moment(text)?),
                "set" | "do" => {}
                _ => return Err(LinkError::NoPart(name.clone())),
            }
        }
        for variant in &case.plan.variants {
            known_variant(&case, variant)?;
        }
        let mut acts = Vec::new();
        for (name, text) in pairs {
            if name == "set" {
                let (param, to) =
                    text.split_once(':').ok_or_else(|| LinkError::Set(text.clone()))?;
                let value = value(&case, param, to)?;
                case.plan.params.insert(param.to_owned(), value);
            } else if name == "do" {
                let (at_s, change) =
                    text.split_once(' ').ok_or_else(|| LinkError::Do(text.clone()))?;
                acts.push((moment(at_s)?, Act::parse(change, &case)?));
            }
        }
        if acts.len() > MOST_ACTS {
            return Err(LinkError::TooMany);
        }
        acts.sort_by_key(|(at_ms, _)| *at_ms);
        Ok(Self { plan: case.plan, acts, at_ms })
    }

    /// The link to this run.
    pub(super) fn pairs(&self) -> Pairs {
        let Self { plan, acts, at_ms } = self;
        let of_plan = [
            ("seed", plan.seed.to_string()),
            ("rate", plan.rate_per_s.to_string()),
            ("lanes", plan.variants.join(",")),
        ];
        let params = plan.params.iter().map(|(name, value)| ("set", format!("{name}:{value}")));
        let acts =
            acts.iter().map(|(at_ms, act)| ("do", format!("{} {act}", *at_ms as f64 / 1000.0)));
        let at = at_ms.map(|at_ms| ("at", (at_ms as f64 / 1000.0).to_string()));
        let all = of_plan.into_iter().chain(params).chain(acts).chain(at);
        all.map(|(name, text)| (name.to_owned(), text)).collect()
    }
}

/// A second of a run, in milliseconds.
fn moment(text: &str) -> Result<u64, LinkError> {
    let at_ms = number(text).ok().map(|at_s| (at_s * 1000.0).round());
    let at_ms = at_ms.filter(|at_ms| (0.0..=LASTS_MS as f64).contains(at_ms));
    at_ms.map(|at_ms| at_ms as u64).ok_or_else(|| LinkError::At(text.to_owned()))
}

/// A link as the part of an address behind its `#`.
pub(super) fn fragment(pairs: &Pairs) -> String {
    // Of what names and changes are made of, a space alone is not allowed there.
    let pair = |(name, text): &(String, String)| format!("{name}={}", text.replace(' ', "+"));
    format!("#{}", pairs.iter().map(pair).collect::<Vec<_>>().join("&"))
}
