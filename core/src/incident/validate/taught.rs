//! Validation of a walk: its steps, questions and texts.

use std::collections::BTreeSet;

use super::super::formula::Formula;
use super::super::manifest::{Manifest, ManifestError, Param, rate_allowed};
use super::super::measure::{KindMeasure, Measure, without_selector};
use super::super::places::FieldStep::{self, Key, Nth};
use super::super::places::Places;
use super::super::show::Chart;
use super::super::walk::{AnswerKind, Debrief, is_value};
use super::super::{Unknown, params};
use super::unknown_metric;

impl Manifest {
    pub(super) fn validate_walk(&self, places: &Places) -> Result<(), ManifestError> {
        let known = |name: &str| self.variants.iter().any(|v| v.name == name);
        let no_variant =
            |name: &str| format!("unknown variant `{name}`: this incident does not have it");
        for (i, question) in self.questions.iter().enumerate() {
            let section = [Key("question"), Nth(i)];
            let first = self.questions.iter().position(|other| other.id == question.id);
            places.check(&section, "id", first == Some(i), || {
                format!("there are two questions `{}`", question.id)
            })?;
            if let AnswerKind::Line { variant: of, .. } = &question.kind {
                places.check(&section, "variant", known(of), || no_variant(of))?;
            }
        }
        for (i, step) in self.walk.iter().enumerate() {
            let section = [Key("step"), Nth(i)];
            places.check(&section, "lanes", i > 0 || !step.lanes.is_empty(), || {
                "the first step has to name the lanes of its run".to_owned()
            })?;
            for lane in &step.lanes {
                places.check(&section, "lanes", known(lane), || no_variant(lane))?;
            }
            let fits = step.names.is_empty() || step.names.len() == step.lanes.len();
            places.check(&section, "names", fits, || "expected a name for each lane".to_owned())?;
            if let Some(of) = &step.variant {
                places.check(&section, "variant", known(of), || no_variant(of))?;
            }
            if let Some(asks) = &step.asks {
                let ids = self.questions.iter().map(|question| question.id.as_str());
                places.check(&section, "asks", ids.clone().any(|id| id == asks), || {
                    Unknown::new("question", asks, ids).to_string()
                })?;
            }
            for (name, value) in &step.set {
                let own = params::find(name).map(Param::of_service);
                let checked = match self.params.get(name).cloned().or(own) {
                    Some(param) => param.check(name, *value).map_err(|e| e.to_string()),
                    None if name == "rate_per_s" && rate_allowed(*value) => Ok(()),
                    None => {
                        Err(format!("unknown parameter, or rate out of range: `{name}` = {value}"))
                    }
                };
                let why = || checked.clone().err().unwrap_or_default();
                places.check(&section, "set", checked.is_ok(), why)?;
            }
            let speed = step.speed > 0.0 && step.speed <= 300.0;
            places.check(&section, "speed", speed, || {
                format!("expected more than 0 and up to 300, found {}", step.speed)
            })?;
            for watch in &step.watch {
                let charts = self.charts.iter().map(Chart::title);
                places.check(
                    &section,
                    "watch",
                    charts.clone().any(|title| title == *watch),
                    || {
                        let titles: Vec<String> = charts.collect();
                        format!("no chart has the title `{watch}`; there are {}", titles.join(", "))
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Checks the values that questions, steps and debrief name.
    pub(super) fn validate_walk_values(
        &self,
        places: &Places,
        registered: &BTreeSet<String>,
    ) -> Result<(), ManifestError> {
        let values = self.formula_values();
        let known = |measure: &Measure| match measure {
            Measure::Registered(name) => {
                values.contains_key(name) || registered.contains(without_selector(name))
            }
            Measure::OfKind(KindMeasure { kind, .. }) => self.has_kind(kind),
            _ => true,
        };
        let unknown = |name: &str| unknown_metric(registered, name);
        let named = |section: &[FieldStep], (key, formula): (&str, &Formula)| {
            let mut names = formula.names().iter();
            let wrong = names.find(|name| !is_value(name, known)).map_or("", String::as_str);
            places.check(section, key, wrong.is_empty(), || unknown(wrong))
        };
        for (i, question) in self.questions.iter().enumerate() {
            let section = [Key("question"), Nth(i)];
            question.formulas().try_for_each(|formula| named(&section, formula))?;
        }
        for (i, step) in self.walk.iter().enumerate() {
            let section = [Key("step"), Nth(i)];
            step.formulas().try_for_each(|formula| named(&section, formula))?;
        }
        for (_, text) in self.debrief.iter().flat_map(Debrief::parts) {
            text.formulas().try_for_each(|f| named(&[Key("debrief")], ("happened", f)))?;
        }
        Ok(())
    }
}
