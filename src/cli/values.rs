//! The values that can be typed: each read from its text, or refused with what was expected.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::incident::manifest::Symptom;
use firedrill_core::incident::{Bugs, Unknown};
use firedrill_core::sweep::MOST_POINTS;

/// Parses the speed factor of a walk.
pub fn faster(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if (1.0..=100.0).contains(&times) => Ok(times),
        _ => Err("expected a number from 1 to 100, such as 5".to_owned()),
    }
}

/// Reads `a,b=variant`.
pub fn bugs(catalogue: &Catalogue, text: &str) -> anyhow::Result<Bugs> {
    let mut bugs = Bugs::new();
    for bug in text.split(',').map(str::trim).filter(|bug| !bug.is_empty()) {
        let (id, variant) = bug.split_once('=').unwrap_or((bug, "broken"));
        if variant.is_empty() {
            bail!("--bugs {bug}: expected ID or ID=VARIANT, such as pool-leak=timeout");
        }
        let entry = catalogue.find(id).map_err(|unknown| Unknown { kind: "bug", ..unknown })?;
        entry.known_variant(variant)?;
        bugs.insert(id.to_owned(), variant.to_owned());
    }
    Ok(bugs)
}

/// Reads `NAME=VALUE`, each.
pub fn assignments(texts: &[String]) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut values = BTreeMap::new();
    for text in texts {
        let number = |value: &str| value.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        let Some((name, Some(value))) =
            text.split_once('=').map(|(name, value)| (name.trim(), number(value)))
        else {
            bail!("--set {text}: expected NAME=VALUE with a number, such as log_write_ms=50");
        };
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

/// Reads the name of a clock.
pub fn clock(text: &str) -> Result<Clock, String> {
    match text {
        "live" => Ok(Clock::Live),
        "virtual" => Ok(Clock::Virtual),
        _ => Err("expected live or virtual".to_owned()),
    }
}

/// Reads the name of a file to record to.
pub fn recording(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("a recording goes to a file, not to standard output".to_owned()),
        "" => Err("expected a file".to_owned()),
        name => Ok(PathBuf::from(name)),
    }
}

/// Reads `20s`, `2min`, or plain seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let plain = text.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    let duration = match plain {
        Some(duration) => duration,
        None => humantime::parse_duration(text)
            .map_err(|_| "expected a time such as 20s or 2min, from 1s to 1h".to_owned())?,
    };
    let allowed = Duration::from_secs(1)..=Duration::from_hours(1);
    if allowed.contains(&duration) { Ok(duration) } else { Err("expected 1s to 1h".to_owned()) }
}

/// Reads the number of points of a sweep.
pub fn points(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(points) if (2..=MOST_POINTS).contains(&points) => Ok(points),
        _ => Err(format!("expected a whole number from 2 to {MOST_POINTS}")),
    }
}

/// Reads a rate; whether it is one that a run may have is checked with the rest of the run.
pub fn rate(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected requests a second, such as 200".to_owned())
}

/// Reads a seed.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number from 0, such as 7".to_owned())
}

/// Reads `120x36`.
pub fn size(text: &str) -> Result<(u16, u16), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match sides {
        Some((width, height)) if (80..=400).contains(&width) && (24..=200).contains(&height) => {
            Ok((width, height))
        }
        _ => Err("expected columns x rows, from 80x24 to 400x200".to_owned()),
    }
}

/// Seeds of a series of shifts, at most.
const MOST_SEEDS: u64 = 1000;

/// Parses a range of seeds such as `1..50`.
pub fn seeds(text: &str) -> Result<std::ops::RangeInclusive<u64>, String> {
    let range = text.split_once("..").and_then(|(from, to)| {
        Some(from.trim().parse::<u64>().ok()?..=to.trim_start_matches('=').trim().parse().ok()?)
    });
    match range {
        Some(range) if range.is_empty() => {
            Err("the first seed is greater than the last".to_owned())
        }
        Some(range) if range.end() - range.start() >= MOST_SEEDS => {
            Err(format!("expected at most {MOST_SEEDS} seeds"))
        }
        Some(range) => Ok(range),
        None => Err("expected FROM..TO, such as 1..50".to_owned()),
    }
}

/// Parses the path of a draft of a post-mortem: writing it must not fail after the shift.
pub fn draft(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        return Err("the recording gets this ending: name the draft, such as drill.md".to_owned());
    }
    if path.exists() || path.with_extension("jsonl").exists() {
        return Err("it is there already, or the recording beside it: name another file".to_owned());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(format!("missing folder {}: create it first", folder.display())),
        None => Ok(path),
    }
}

/// A symptom by the first of its words.
pub(crate) fn symptom() -> impl TypedValueParser<Value = Symptom> {
    let first = |symptom: Symptom| symptom.word().split(' ').next().unwrap_or_default();
    PossibleValuesParser::new(Symptom::ALL.map(first)).map(move |given| {
        let found = Symptom::ALL.into_iter().find(|symptom| first(*symptom) == given);
        found.expect("it is one of these")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_and_sizes() {
        assert_eq!(duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert!(duration("0").is_err() && duration("2h").is_err() && duration("soon").is_err());
        assert_eq!(size("120x36"), Ok((120, 36)));
        assert!(size("10x10").is_err() && size("wide").is_err());
    }

    #[test]
    fn an_unknown_bug_gets_a_suggestion() {
        let catalogue = crate::pack::catalogue().expect("manifests are in order");
        let error = bugs(catalogue, "pool-leek").expect_err("no such bug").to_string();
        assert_eq!(error, "unknown bug `pool-leek`; did you mean `pool-leak`?");
        let error = bugs(catalogue, "pool-leak=fixd").expect_err("no such variant").to_string();
        assert_eq!(error, "unknown variant `fixd`; did you mean `fixed`?");
        let both = bugs(catalogue, "pool-leak, missing-recover=rust").expect("both are known");
        assert_eq!(both["pool-leak"], "broken");
        assert_eq!(both["missing-recover"], "rust");
    }
}
