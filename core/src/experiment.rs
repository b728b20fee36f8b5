//! A chaos experiment: faults on purpose, from one moment to another.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::incident::params;

/// Examples of valid faults.
const EXAMPLES: &str =
    "such as latency=100..2000ms@10%, error=500@5%, or latency=1s@100%,marked,most=20";

/// Faults, and when they are injected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// The faults.
    pub faults: Faults,
    /// Start, in seconds since the start of the run.
    pub from_s: f64,
    /// End, in seconds since the start of the run.
    pub to_s: f64,
}

/// Faults, as the service's own parameters say them: `chaos_…` and their values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Faults(pub BTreeMap<String, f64>);

/// A text that says no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no fault: {why}; {EXAMPLES}")]
pub struct NoFault {
    given: String,
    why: String,
}

/// The parameters that ask for a fault, and so make an experiment.
pub(crate) const ASKS: [&str; 2] = ["chaos_latency_percent", "chaos_error_percent"];

/// The parameters that faults of all kinds have in common.
const SHARED: [&str; 2] = ["chaos_marked", "chaos_most"];

impl Faults {
    /// These faults and others.
    ///
    /// # Errors
    ///
    /// When both are of one kind, or differ in what they share.
    pub fn and(mut self, other: Self) -> Result<Self, NoFault> {
        let given = other.texts().join(" ");
        let no = |why: &str| Err(NoFault { given: given.clone(), why: why.to_owned() });
        if ASKS.iter().any(|kind| self.0.contains_key(*kind) && other.0.contains_key(*kind)) {
            return no("there is one fault of this kind already, and there can be one of each");
        }
        if SHARED.iter().any(|name| self.0.get(*name) != other.0.get(*name)) {
            return no(
                "all faults share `marked` and `most`: give them with each fault, or with none",
            );
        }
        self.0.extend(other.0);
        Ok(self)
    }

    /// The parameters that end them.
    pub fn end(&self) -> BTreeMap<String, f64> {
        let asks = self.0.keys().filter(|name| ASKS.contains(&name.as_str()));
        asks.map(|name| (name.clone(), 0.0)).collect()
    }
}

impl Experiment {
    /// The one that these changes of parameters make, each with its time in milliseconds: faults that are asked for
    /// in one moment, and ended in another, or by the end of the run. None: they make none, or more than one.
    pub fn of_changes(changes: &[(u64, &str, f64)], run_ends_ms: u64) -> Option<Self> {
        let (begin_ms, ..) = *changes.first()?;
        let (last_ms, ..) = *changes.last()?;
        let is_cut = last_ms.saturating_sub(begin_ms) <= MOMENT_MS;
        let end_ms = if is_cut { run_ends_ms } else { last_ms };
        let at = |wanted_ms: u64| {
            let near =
                changes.iter().filter(move |(at_ms, ..)| at_ms.abs_diff(wanted_ms) <= MOMENT_MS);
            near.map(|(_, name, value)| Some((params::find(name)?.name.to_owned(), *value)))
                .collect()
        };
        let (begin, end): (Option<BTreeMap<_, _>>, Option<BTreeMap<_, _>>) =
            (at(begin_ms), at(end_ms));
        let faults = Self {
            faults: Faults(begin?),
            from_s: begin_ms as f64 / 1000.0,
            to_s: end_ms as f64 / 1000.0,
        };
        let ended = if is_cut { BTreeMap::new() } else { faults.faults.end() };
        let one = end? == ended && changes.len() == faults.faults.0.len() + ended.len();
        (one && end_ms.saturating_sub(begin_ms) > MOMENT_MS).then_some(faults)
    }
}

/// Changes within this many milliseconds are applied together.
const MOMENT_MS: u64 = 10;

impl Faults {
    fn or_start(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_else(|| params::start(name))
    }

    /// The texts that say these faults, as they are read: one for each kind.
    pub fn texts(&self) -> Vec<String> {
        // What nobody has asked for is as it is anyhow.
        let asked = |name: &str, value: &f64| (value - params::start(name)).abs() > 1e-9;
        let value = |name: &str| self.0.get(name).copied().filter(|value| asked(name, value));
        let marked = value("chaos_marked").map_or("", |_| ",marked");
        let most = value("chaos_most").map_or(String::new(), |most| format!(",most={most}"));
        let within = marked.to_owned() + &most;
        let delay = || {
            let [from, to] =
                ["chaos_latency_from_ms", "chaos_latency_to_ms"].map(|name| self.or_start(name));
            Some(format!("latency={from}..{to}ms@{}%", value("chaos_latency_percent")?))
        };
        let error = || {
            Some(format!(
                "error={}@{}%",
                self.or_start("chaos_error_status"),
                value("chaos_error_percent")?
            ))
        };
        [delay(), error()].into_iter().flatten().map(|text| text + &within).collect()
    }
}

/// `KIND=VALUE@SHARE%[,marked][,most=N]`.
impl FromStr for Faults {
    type Err = NoFault;

    fn from_str(given: &str) -> Result<Self, NoFault> {
        let no = |why: String| NoFault { given: given.to_owned(), why };
        let mut parts = given.split(',').map(str::trim);
        let fault = parts.next().unwrap_or_default();
        let (kind, rest) = fault
            .split_once('=')
            .ok_or_else(|| no("expected KIND=VALUE@SHARE%, KIND being latency or error".into()))?;
        let (value, share) = rest
            .split_once('@')
            .ok_or_else(|| no("expected a share after the value: @10% of the requests".into()))?;
        let percent = share.strip_suffix('%').and_then(|share| share.parse::<f64>().ok());
        let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
        let percent = percent.ok_or_else(|| {
            no(format!("expected a share from above 0% to 100%, with its %, found `{share}`"))
        })?;
        let mut faults = BTreeMap::new();
        match kind {
            "latency" => {
                let (from, to) = delay(value).map_err(no)?;
                faults.insert("chaos_latency_from_ms".to_owned(), from);
                faults.insert("chaos_latency_to_ms".to_owned(), to);
                faults.insert("chaos_latency_percent".to_owned(), percent);
            }
            "error" => {
                let status = value.parse::<u16>().ok().filter(|status| (400..600).contains(status));
                let status = status.ok_or_else(|| {
                    no(format!("expected a status from 400 to 599, found `{value}`"))
                })?;
                faults.insert("chaos_error_status".to_owned(), f64::from(status));
                faults.insert("chaos_error_percent".to_owned(), percent);
            }
            other => return Err(no(format!("expected latency or error, found `{other}`"))),
        }
        for part in parts {
            match part.split_once('=') {
                None if part == "marked" => {
                    faults.insert("chaos_marked".to_owned(), 1.0);
                }
                Some(("most", most)) => {
                    let most = most.parse::<u16>().ok().filter(|most| (1..=1000).contains(most));
                    let most =
                        most.ok_or_else(|| no("expected most=N, N from 1 to 1000".into()))?;
                    faults.insert("chaos_most".to_owned(), f64::from(most));
                }
                _ => return Err(no(format!("expected marked or most=N, found `{part}`"))),
            }
        }
        Ok(Self(faults))
    }
}

/// A delay in milliseconds: `100..2000ms`, `1s`.
fn delay(text: &str) -> Result<(f64, f64), String> {
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s').ok_or("expected a time in ms or s")?, 1000.0),
    };
    let (from, to) = number.split_once("..").unwrap_or((number, number));
    let ms = |text: &str| {
        let number = text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        number.map(|number| number * unit_ms).ok_or(format!("expected a time, found `{text}`"))
    };
    let (from, to) = (ms(from)?, ms(to)?);
    if from > to {
        return Err("expected the shorter time first".to_owned());
    }
    let longest = params::find("chaos_latency_to_ms").map_or(0.0, |param| param.max);
    if to > longest {
        return Err(format!("expected at most {} s", longest / 1000.0));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Faults, String> {
        text.parse().map_err(|error: NoFault| error.to_string())
    }

    #[test]
    fn faults_of_one_kind_and_options_that_would_spread_are_refused() {
        let read = |text: &str| text.parse::<Faults>().expect("a fault");
        let both = |one: &str, other: &str| read(one).and(read(other));
        assert!(both("latency=1s@5%", "error=500@10%").is_ok());
        assert!(both("latency=1s@5%,marked,most=9", "error=500@10%,marked,most=9").is_ok());
        for (one, other) in [
            ("error=503@10%", "error=500@20%"),
            ("error=500@20%", "latency=1s@5%,marked"),
            ("latency=1s@5%,most=1", "error=500@20%"),
        ] {
            assert!(both(one, other).is_err() && both(other, one).is_err(), "{one} {other}");
        }
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        let is = |text: &str, wanted: &[(&str, f64)]| {
            let wanted = wanted.iter().map(|(name, value)| ((*name).to_owned(), *value));
            assert_eq!(read(text), Ok(Faults(wanted.collect())), "{text}");
        };
        let latency = [("chaos_latency_from_ms", 100.0), ("chaos_latency_to_ms", 2000.0)];
        is("latency=100..2000ms@10%", &[&latency[..], &[("chaos_latency_percent", 10.0)]].concat());
        let second = [("chaos_latency_from_ms", 1000.0), ("chaos_latency_to_ms", 1000.0)];
        is("latency=1s@100%", &[&second[..], &[("chaos_latency_percent", 100.0)]].concat());
        let error = [("chaos_error_status", 503.0), ("chaos_error_percent", 5.0)];
        let within = [("chaos_marked", 1.0), ("chaos_most", 20.0)];
        is("error=503@5%,marked,most=20", &[&error[..], &within[..]].concat());
        let ends = read("latency=1s@5%").expect("it is one").end();
        assert_eq!(ends, [("chaos_latency_percent".to_owned(), 0.0)].into());
    }

    #[test]
    fn faults_are_written_as_they_are_read() {
        for texts in [
            &["latency=100..2000ms@10%"][..],
            &["error=500@5%"],
            &["latency=0.5..1000ms@2.5%,marked,most=20", "error=503@5%,marked,most=20"],
        ] {
            let mut faults = texts.iter().map(|text| text.parse::<Faults>().expect("a fault"));
            let first = faults.next().expect("some");
            let all = faults.try_fold(first, Faults::and).expect("they go together");
            assert_eq!(all.texts(), texts);
        }
    }

    #[test]
    fn changes_of_parameters_are_the_experiment_that_makes_them() {
        fn of(at_ms: u64, values: &BTreeMap<String, f64>) -> Vec<(u64, &str, f64)> {
            values.iter().map(|(name, value)| (at_ms, name.as_str(), *value)).collect()
        }
        let faults: Faults = "error=503@5%,marked".parse().expect("a fault");
        let ends = faults.end();
        let changes = [of(8000, &faults.0), of(13_000, &ends)].concat();
        let experiment = Experiment { faults: faults.clone(), from_s: 8.0, to_s: 13.0 };
        assert_eq!(Experiment::of_changes(&changes, 60_000), Some(experiment.clone()));
        // The run ended first.
        let begun: Vec<_> = changes.iter().filter(|(at_ms, ..)| *at_ms < 9000).copied().collect();
        let cut = Experiment { to_s: 10.0, ..experiment };
        assert_eq!(Experiment::of_changes(&begun, 10_000), Some(cut));
        let again = [changes.clone(), of(20_000, &faults.0)].concat();
        assert_eq!(Experiment::of_changes(&again, 60_000), None);
        assert_eq!(Experiment::of_changes(&[], 60_000), None);
    }

    #[test]
    fn what_is_no_fault_is_told_with_an_example() {
        for (given, why) in [
            ("", "KIND=VALUE@SHARE%"),
            ("slow", "KIND=VALUE@SHARE%"),
            ("latency=100ms", "a share after the value"),
            ("latency=100ms@10", "with its %, found `10`"),
            ("latency=100ms@0%", "a share from above 0%"),
            ("latency=100@10%", "a time in ms or s"),
            ("latency=2..1s@10%", "the shorter time first"),
            ("latency=NaNms@10%", "expected a time"),
            ("latency=900s@10%", "at most"),
            ("error=200@10%", "a status from 400 to 599"),
            ("flood=1@10%", "latency or error"),
            ("error=500@5%,maybe", "marked or most=N"),
            ("error=500@5%,most=0", "N from 1 to 1000"),
        ] {
            let error = read(given).expect_err("it is none");
            assert!(error.contains(why) && error.contains("such as latency="), "{error}");
        }
    }
}
