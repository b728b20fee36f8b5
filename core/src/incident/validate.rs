//! Validation of a manifest. Errors have file, line and field.

use std::collections::BTreeSet;

use super::Unknown;
use super::claim::{Claim, Expectation};
use super::exercise::{Exercise, Range, YOURS};
use super::formula::{Formula, Values};
use super::manifest::{
    MAX_INSTANCES, MAX_RATE_PER_S, Manifest, ManifestError, Param, Switch, rate_allowed,
};
use super::measure::{KindMeasure, Measure, without_selector};
use super::places::FieldStep::{self, Key, Nth};
use super::places::Places;
use super::show::{MOST_LEVELS, Shows, growth_of};
use crate::incident::params;

mod taught;

/// Figures of a trial that are no measures.
const OF_A_TRIAL: [&str; 7] =
    ["bites", "bites_after_s", "broken_after_s", "delay_s", "exits", "removed", "restarts"];

/// Path of the claims after a switch-off.
const OFF: [FieldStep; 2] = [Key("switch_off"), Key("expect")];

impl Manifest {
    /// Checks what the types alone do not say.
    pub(super) fn validate(&self, places: &Places) -> Result<(), ManifestError> {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        places.check(&[], "id", !self.id.is_empty() && self.id.chars().all(kebab), || {
            format!("expected lower-case words joined by `-`, found `{}`", self.id)
        })?;
        places.check(
            &[],
            "duration_s",
            self.duration_s > 0.0 && self.duration_s <= 3600.0,
            || format!("expected 0 to 3600 seconds, found {}", self.duration_s),
        )?;
        places.check(
            &[Key("memory")],
            "cap_mib",
            (64..=4096).contains(&self.memory.cap_mib),
            || format!("expected 64 to 4096 MiB, found {}", self.memory.cap_mib),
        )?;
        places.check(&[], "live_s", (1.0..=30.0).contains(&self.live_s), || {
            format!("expected 1 to 30 seconds, found {}", self.live_s)
        })?;
        places.check(&[], "instances", (1..=MAX_INSTANCES).contains(&self.instances), || {
            format!("expected 1 to {MAX_INSTANCES} instances, found {}", self.instances)
        })?;
        self.validate_variants(places)?;
        self.validate_params(places)?;
        self.validate_load(places)?;
        self.validate_phases(places)?;
        self.validate_shows(places)?;
        self.validate_walk(places)?;
        self.validate_exercise(places)?;
        self.validate_formulas(places)
    }

    fn validate_variants(&self, places: &Places) -> Result<(), ManifestError> {
        let first = self.variants.first().map(|v| v.name.as_str());
        let last = self.variants.last().map(|v| v.name.as_str());
        let ends = (first, last) == (Some("broken"), Some("fixed"));
        places.check(&[Key("variant"), Nth(0)], "name", ends, || {
            format!("expected `broken` first and `fixed` last, found {first:?} and {last:?}")
        })?;
        for (i, variant) in self.variants.iter().enumerate() {
            let twice = self.variants[..i].iter().any(|v| v.name == variant.name);
            places.check(&[Key("variant"), Nth(i)], "name", !twice, || {
                format!("`{}` is defined twice", variant.name)
            })?;
        }
        Ok(())
    }

    fn validate_params(&self, places: &Places) -> Result<(), ManifestError> {
        for (name, param) in &self.params {
            let section = [Key("params"), Key(name)];
            let ordered = param.min <= param.max && param.min >= 0.0 && param.max.is_finite();
            places.check(&section, "min", ordered, || {
                format!("expected 0 ≤ min ≤ max, found {} and {}", param.min, param.max)
            })?;
            let checked = param.check(name, param.value);
            let why = || checked.clone().err().map(|e| e.to_string()).unwrap_or_default();
            places.check(&section, "value", checked.is_ok(), why)?;
        }
        Ok(())
    }

    fn validate_load(&self, places: &Places) -> Result<(), ManifestError> {
        let load = &self.load;
        places.check(&[Key("load")], "rate_per_s", rate_allowed(load.rate_per_s), || {
            format!("expected 1 to {MAX_RATE_PER_S} requests a second, found {}", load.rate_per_s)
        })?;
        let timeout = (1..=60_000).contains(&load.client_timeout_ms);
        places.check(&[Key("load")], "client_timeout_ms", timeout, || {
            format!("expected 1 to 60000, found {}", load.client_timeout_ms)
        })?;
        places.check(&[Key("load")], "request", !load.requests.is_empty(), || {
            "expected at least one [[load.request]]".to_owned()
        })?;
        // A share is made from the weights: a weight knows none.
        let mut values = self.formula_values();
        values.retain(|name, _| !name.starts_with("share_"));
        let has_traffic = load.kinds(&values).any(|(share, _)| share > 0.0);
        places.check(&[Key("load")], "request", has_traffic, || {
            "expected a weight above 0 in at least one [[load.request]]".to_owned()
        })?;
        for (i, request) in load.requests.iter().enumerate() {
            let section = [Key("load"), Key("request"), Nth(i)];
            check_formula(places, (&section, "weight"), &request.weight, &values)?;
            let is_weight = request.weight.eval(&values).is_ok_and(|weight| weight >= 0.0);
            places.check(&section, "weight", is_weight, || {
                format!("expected at least 0, found {}", request.weight.text())
            })?;
            let one_body = request.body.is_empty() || request.body_bytes == 0;
            places.check(&section, "body_bytes", one_body, || {
                "expected `body` or `body_bytes`, found both".to_owned()
            })?;
            places.check(&section, "body_bytes", request.body_bytes <= 1 << 20, || {
                format!("expected at most {} bytes, found {}", 1 << 20, request.body_bytes)
            })?;
            let built = super::request::build(request);
            places.check(&section, "path", built.is_ok(), || {
                let why = built.as_ref().err().map(ToString::to_string).unwrap_or_default();
                format!("not a request that HTTP allows: {why}")
            })?;
        }
        Ok(())
    }

    fn validate_phases(&self, places: &Places) -> Result<(), ManifestError> {
        let first = self.phases.first().map(|p| p.at_s);
        places.check(&[Key("phase"), Nth(0)], "at_s", first == Some(0.0), || {
            format!("expected the first phase at 0, found {first:?}")
        })?;
        let releases = self.phases.iter().any(|p| p.bugs == Some(Switch::On));
        places.check(&[Key("phase"), Nth(0)], "bugs", releases, || {
            "expected a phase with bugs = \"on\": the release".to_owned()
        })?;
        for (i, phase) in self.phases.iter().enumerate() {
            let section = [Key("phase"), Nth(i)];
            let after = i == 0 || phase.at_s > self.phases[i - 1].at_s;
            places.check(&section, "at_s", after && phase.at_s < self.duration_s, || {
                format!(
                    "expected later than the phase before and within the run, found {}",
                    phase.at_s
                )
            })?;
            if let Some(rate) = phase.rate_per_s {
                places.check(&section, "rate_per_s", rate_allowed(rate), || {
                    format!("expected 1 to {MAX_RATE_PER_S} requests a second, found {rate}")
                })?;
            }
            for (name, value) in &phase.params {
                let own = params::find(name).map(Param::of_service);
                let checked = match self.params.get(name).cloned().or(own) {
                    Some(param) => param.check(name, *value).map_err(|e| e.to_string()),
                    None => Err(format!(
                        "unknown parameter `{name}`: neither this incident nor the service has it"
                    )),
                };
                places.check(&section, "params", checked.is_ok(), || {
                    checked.clone().err().unwrap_or_default()
                })?;
            }
        }
        Ok(())
    }

    fn validate_formulas(&self, places: &Places) -> Result<(), ManifestError> {
        let values = self.formula_values();
        let known = |name: &str| self.variants.iter().any(|v| v.name == name);
        if let Some(overload) = &self.overload {
            check_formula(places, (&[], "overload"), overload, &values)?;
            let found = overload.eval(&values).unwrap_or_default();
            places.check(&[], "overload", found > 0.0, || {
                format!("expected more than 0 with the manifest's own values, found {found}")
            })?;
        }
        for (i, theory) in self.theories.iter().enumerate() {
            let section = [Key("theory"), Nth(i)];
            places.check(&section, "variant", known(&theory.variant), || {
                format!("unknown variant `{}`: this incident does not have it", theory.variant)
            })?;
            for formula in theory.formulas() {
                check_formula(places, (&section, "metric"), formula, &values)?;
            }
        }
        let off = &self.switch_off;
        places.check(
            &[Key("switch_off")],
            "after_s",
            (0.5..=600.0).contains(&off.after_s),
            || format!("expected 0.5 to 600 seconds, found {}", off.after_s),
        )?;
        self.validate_expectations(places, &[Key("expect")], &self.expectations)?;
        self.validate_expectations(places, &OFF, &off.expectations)?;
        for (i, also) in self.exercise.iter().flat_map(|e| &e.also).enumerate() {
            let section = [Key("exercise"), Key("also"), Nth(i), Key("expect")];
            self.validate_expectations(places, &section, &also.expectations)?;
        }
        for variant in &self.variants {
            let expected = |list: &[Expectation]| list.iter().any(|e| e.variant == variant.name);
            places.check(&[], "expect", expected(&self.expectations), || {
                format!("nothing is expected of variant `{}`", variant.name)
            })?;
            let last = variant.name == "fixed";
            places.check(
                &[Key("switch_off")],
                "expect",
                last || expected(&off.expectations),
                || format!("nothing is expected of variant `{}`", variant.name),
            )?;
        }
        Ok(())
    }

    fn validate_expectations(
        &self,
        places: &Places,
        section: &[FieldStep],
        expectations: &[Expectation],
    ) -> Result<(), ManifestError> {
        let values = self.formula_values();
        let known = |name: &str| self.variants.iter().any(|v| v.name == name);
        for (i, expect) in expectations.iter().enumerate() {
            let section = [section, &[Nth(i)]].concat();
            let yours = self.exercise.is_some() && expect.variant == YOURS;
            places.check(&section, "variant", yours || known(&expect.variant), || {
                format!("unknown variant `{}`: this incident does not have it", expect.variant)
            })?;
            let other = match &expect.claim {
                Claim::Times { window, .. } => window.as_ref(),
                _ => None,
            };
            let windows = [Some(&expect.window), other].into_iter().flatten();
            let window = windows.flat_map(|w| [&w.from_s, &w.to_s]).flatten();
            let claimed = expect.claim.formulas().into_iter().map(|f| (expect.claim.key(), f));
            for (key, formula) in claimed.chain(window.map(|f| ("window", f))) {
                check_formula(places, (&section, key), formula, &values)?;
            }
            match &expect.claim {
                Claim::Exits(word) => {
                    let known = ["none", "out_of_memory", "crashed"];
                    places.check(&section, "exits", known.contains(&word.as_str()), || {
                        format!("expected one of {known:?}, found `{word}`")
                    })?;
                }
                Claim::Times { of, .. } => places.check(&section, "times", known(of), || {
                    format!("unknown variant `{of}`: this incident does not have it")
                })?,
                _ => {}
            }
        }
        Ok(())
    }

    fn validate_exercise(&self, places: &Places) -> Result<(), ManifestError> {
        let Some(exercise) = &self.exercise else { return Ok(()) };
        let section = [Key("exercise")];
        let ordered = |range: &Range| range.from <= range.to;
        let Exercise { rate_per_s: rate, lasts_s: lasts, .. } = exercise;
        let allowed = ordered(rate) && rate_allowed(rate.from) && rate_allowed(rate.to);
        places.check(&section, "rate_per_s", allowed, || {
            format!("expected {{ from, to }} of 1 to {MAX_RATE_PER_S} requests a second")
        })?;
        let least_s = self.release_s() + 10.0;
        let allowed = ordered(lasts) && lasts.from >= least_s && lasts.to <= 600.0;
        places.check(&section, "lasts_s", allowed, || {
            format!("expected {{ from, to }} of {least_s} to 600 seconds")
        })?;
        let also = exercise.also.iter().flat_map(|also| &also.params);
        for (name, range) in exercise.params.iter().chain(also) {
            let within = |param: &Param| param.min <= range.from && range.to <= param.max;
            let own = params::find(name).map(Param::of_service);
            let allowed =
                ordered(range) && self.params.get(name).or(own.as_ref()).is_some_and(within);
            places.check(&section, "params", allowed, || {
                format!("`{name}`: expected a parameter of this incident or the service, and values it may have")
            })?;
        }
        for half in &exercise.partial_fixes {
            let known = |name: &String| self.variants.iter().any(|v| v.name == *name);
            places.check(
                &section,
                "partial_fix",
                half.variant.as_ref().is_none_or(known),
                || {
                    format!(
                        "unknown variant `{}`: this incident does not have it",
                        half.variant.as_deref().unwrap_or("")
                    )
                },
            )?;
            let hinted = !half.hints.is_empty();
            places
                .check(&section, "partial_fix", hinted, || "expected a hint at least".to_owned())?;
        }
        let general = exercise.hints.iter().any(|hint| hint.metrics.is_empty());
        places.check(&section, "hint", general, || {
            "expected a hint without `metrics`, for whatever fails".to_owned()
        })
    }

    fn validate_shows(&self, places: &Places) -> Result<(), ManifestError> {
        let count = self.charts.len();
        places.check(&[Key("chart"), Nth(0)], "shows", (1..=5).contains(&count), || {
            format!("expected one to five charts, found {count}")
        })?;
        let levels: usize = self.charts.iter().map(|chart| chart.levels().len()).sum();
        places.check(&[Key("chart"), Nth(0)], "shows", levels <= MOST_LEVELS, || {
            format!("all charts together show {levels} metrics, {MOST_LEVELS} are allowed")
        })?;
        for (i, sentence) in self.sentences.iter().enumerate() {
            let section = [Key("sentence"), Nth(i)];
            let known = self.variants.iter().any(|v| v.name == sentence.variant);
            places.check(&section, "variant", known, || {
                format!("unknown variant `{}`: this incident does not have it", sentence.variant)
            })?;
        }
        Ok(())
    }

    /// Every metric that it names is built in, or one that the code registers.
    pub(super) fn validate_metrics(
        &self,
        places: &Places,
        registered: &BTreeSet<String>,
    ) -> Result<(), ManifestError> {
        let unknown = |name: &str| unknown_metric(registered, name);
        let check = |section: &[FieldStep], key: &str, measure: &Measure| match measure {
            Measure::Registered(name) if !registered.contains(without_selector(name)) => {
                places.check(section, key, false, || unknown(name))
            }
            Measure::OfKind(KindMeasure { kind, .. }) if !self.has_kind(kind) => {
                places.check(section, key, false, || self.unknown_kind(kind))
            }
            _ => Ok(()),
        };
        let expects = [
            (&[Key("expect")] as &[FieldStep], &self.expectations),
            (&OFF, &self.switch_off.expectations),
        ];
        for (section, list) in expects {
            for (i, expect) in list.iter().enumerate() {
                check(&[section, &[Nth(i)]].concat(), "metric", &expect.metric)?;
            }
        }
        for (i, theory) in self.theories.iter().enumerate() {
            check(&[Key("theory"), Nth(i)], "metric", &theory.metric)?;
        }
        check(&[Key("bite")], "metric", &self.bite.metric)?;
        check(&[Key("headline")], "left", &self.headline.left.metric)?;
        check(&[Key("headline")], "right", &self.headline.right.metric)?;
        for (i, chart) in self.charts.iter().enumerate() {
            let section = [Key("chart"), Nth(i)];
            for measure in chart.levels() {
                let key = if let Shows::Slots { .. } = chart.shows { "slots" } else { "shows" };
                check(&section, key, measure)?;
            }
            if let Some(name) = chart.capacity.as_ref().filter(|c| c.parse::<f64>().is_err()) {
                check(&section, "capacity", &Measure::parse(name))?;
            }
        }
        let values = self.formula_values();
        for (i, half) in self.exercise.iter().flat_map(|e| &e.partial_fixes).enumerate() {
            let section = [Key("exercise"), Key("partial_fix"), Nth(i)];
            let says = half.says.formulas().flat_map(Formula::names).map(|n| ("says", n));
            let when = half.when.names().iter().map(|n| ("when", n));
            let known = |name: &str| values.contains_key(name) || OF_A_TRIAL.contains(&name);
            for (key, name) in says.chain(when).filter(|(_, name)| !known(name)) {
                let metric = name.strip_suffix("_late_per_s").unwrap_or(name);
                check(&section, key, &Measure::parse(metric))?;
            }
        }
        for (i, sentence) in self.sentences.iter().enumerate() {
            let section = [Key("sentence"), Nth(i)];
            let says = sentence.says.formulas().flat_map(Formula::names).map(|n| ("says", n));
            let when = sentence.when.iter().flat_map(Formula::names).map(|n| ("when", n));
            for (key, name) in says.chain(when).filter(|(_, n)| !values.contains_key(*n)) {
                let metric = growth_of(name).unwrap_or_else(|| name.to_owned());
                check(&section, key, &Measure::parse(&metric))?;
            }
        }
        self.validate_walk_values(places, registered)
    }

    /// Returns true if it has requests of a kind of this name.
    fn has_kind(&self, kind: &str) -> bool {
        self.load.requests.iter().any(|request| request.name.as_deref() == Some(kind))
    }

    fn unknown_kind(&self, kind: &str) -> String {
        let kinds = self.load.requests.iter().filter_map(|request| request.name.as_deref());
        Unknown::new("kind of request", kind, kinds).to_string()
    }
}

/// A formula names nothing that has no value, and can be computed with the manifest's own values.
fn check_formula(
    places: &Places,
    (section, key): (&[FieldStep], &str),
    formula: &Formula,
    values: &Values,
) -> Result<(), ManifestError> {
    for name in formula.names().iter().filter(|name| !values.contains_key(*name)) {
        places.check(section, key, false, || {
            Unknown::new("value", name, values.keys().map(String::as_str)).to_string()
        })?;
    }
    let computed = formula.eval(values);
    places.check(section, key, computed.is_ok(), || {
        computed.clone().err().map(|e| e.to_string()).unwrap_or_default()
    })
}

/// Says that a metric is not known, and which one may be meant.
fn unknown_metric(registered: &BTreeSet<String>, name: &str) -> String {
    let mut known: Vec<&str> = registered.iter().map(String::as_str).collect();
    Measure::built_in().for_each(|name| known.push(name));
    Unknown::new("metric", name, known).to_string()
}
