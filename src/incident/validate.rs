//! What makes a manifest valid, and where it is not: file, line, field.

use super::manifest::{Expectation, MAX_RATE_PER_S, Manifest, ManifestError, Switch, rate_allowed};

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
        places.check(&[], "cap_mib", (64..=4096).contains(&self.memory.cap_mib), || {
            format!("expected 64 to 4096 MiB, found {}", self.memory.cap_mib)
        })?;
        self.validate_variants(places)?;
        self.validate_params(places)?;
        self.validate_load(places)?;
        self.validate_phases(places)?;
        self.validate_formulas(places)
    }

    fn validate_variants(&self, places: &Places) -> Result<(), ManifestError> {
        let first = self.variants.first().map(|v| v.name.as_str());
        let last = self.variants.last().map(|v| v.name.as_str());
        let ends = (first, last) == (Some("broken"), Some("fixed"));
        places.check(&["[[variant]]"], "name", ends, || {
            format!("expected `broken` first and `fixed` last, found {first:?} and {last:?}")
        })?;
        for (i, variant) in self.variants.iter().enumerate() {
            let twice = self.variants[..i].iter().any(|v| v.name == variant.name);
            places.check(&["[[variant]]"; 8][..(i + 1).min(8)], "name", !twice, || {
                format!("`{}` stands twice", variant.name)
            })?;
        }
        Ok(())
    }

    fn validate_params(&self, places: &Places) -> Result<(), ManifestError> {
        for (name, param) in &self.params {
            let section = format!("[params.{name}]");
            let ordered = param.min <= param.max && param.min >= 0.0 && param.max.is_finite();
            places.check(&[&section], "min", ordered, || {
                format!("expected 0 ≤ min ≤ max, found {} and {}", param.min, param.max)
            })?;
            let checked = param.check(name, param.value);
            places.check(&[&section], "value", checked.is_ok(), || {
                checked.clone().err().unwrap_or_default()
            })?;
        }
        Ok(())
    }

    fn validate_load(&self, places: &Places) -> Result<(), ManifestError> {
        let load = &self.load;
        places.check(&["[load]"], "rate_per_s", rate_allowed(load.rate_per_s), || {
            format!("expected 1 to {MAX_RATE_PER_S} requests a second, found {}", load.rate_per_s)
        })?;
        let timeout = (1..=60_000).contains(&load.client_timeout_ms);
        places.check(&["[load]"], "client_timeout_ms", timeout, || {
            format!("expected 1 to 60000, found {}", load.client_timeout_ms)
        })?;
        places.check(&["[load]"], "request", !load.requests.is_empty(), || {
            "expected at least one [[load.request]]".to_owned()
        })?;
        for (i, request) in load.requests.iter().enumerate() {
            let section = vec!["[[load.request]]"; i + 1];
            let positive = request.weight > 0.0 && request.weight.is_finite();
            places.check(&section, "weight", positive, || {
                format!("expected more than 0, found {}", request.weight)
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
                format!(
                    "not a request that HTTP allows: {}",
                    built.as_ref().err().map_or("", |e| e)
                )
            })?;
        }
        Ok(())
    }

    fn validate_phases(&self, places: &Places) -> Result<(), ManifestError> {
        let first = self.phases.first().map(|p| p.at_s);
        places.check(&["[[phase]]"], "at_s", first == Some(0.0), || {
            format!("expected the first phase at 0, found {first:?}")
        })?;
        let releases = self.phases.iter().any(|p| p.bugs == Some(Switch::On));
        places.check(&["[[phase]]"], "bugs", releases, || {
            "expected a phase with bugs = \"on\": the release".to_owned()
        })?;
        for (i, phase) in self.phases.iter().enumerate() {
            let section = vec!["[[phase]]"; i + 1];
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
                let checked = match self.params.get(name) {
                    Some(param) => param.check(name, *value),
                    None => Err(format!("`{name}` is no parameter of this incident")),
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
        let overload = self.overload.as_ref().map(|formula| formula.eval(&values));
        places.check(&[], "overload", !matches!(overload, Some(Err(_) | Ok(..=0.0))), || {
            format!("expected more than 0 as the manifest stands, found {overload:?}")
        })?;
        for (i, theory) in self.theories.iter().enumerate() {
            let section = vec!["[[theory]]"; i + 1];
            places.check(&section, "variant", known(&theory.variant), || {
                format!("`{}` is no variant of this incident", theory.variant)
            })?;
            let computed = theory.formula.eval(&values);
            places.check(&section, "formula", computed.is_ok(), || {
                computed.clone().err().map(|e| e.to_string()).unwrap_or_default()
            })?;
        }
        let off = &self.switch_off;
        places.check(&["[switch_off]"], "after_s", (0.5..=600.0).contains(&off.after_s), || {
            format!("expected 0.5 to 600 seconds, found {}", off.after_s)
        })?;
        self.validate_expectations(places, "[[expect]]", &self.expectations)?;
        self.validate_expectations(places, "[[switch_off.expect]]", &off.expectations)?;
        for variant in &self.variants {
            let expected = |list: &[Expectation]| list.iter().any(|e| e.variant == variant.name);
            places.check(&[], "expect", expected(&self.expectations), || {
                format!("nothing is expected of variant `{}`", variant.name)
            })?;
            let last = variant.name == "fixed";
            places.check(
                &["[switch_off]"],
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
        section: &str,
        expectations: &[Expectation],
    ) -> Result<(), ManifestError> {
        let values = self.formula_values();
        let known = |name: &str| self.variants.iter().any(|v| v.name == name);
        for (i, expect) in expectations.iter().enumerate() {
            let section = vec![section; i + 1];
            places.check(&section, "variant", known(&expect.variant), || {
                format!("`{}` is no variant of this incident", expect.variant)
            })?;
            let formulas = [&expect.slope_per_s, &expect.below, &expect.above, &expect.returns_to];
            let given = formulas.iter().filter(|f| f.is_some()).count()
                + usize::from(expect.exits.is_some());
            places.check(&section, "metric", given == 1, || {
                "expected one of slope_per_s, below, above, returns_to, exits".to_owned()
            })?;
            let window = [&expect.window.from_s, &expect.window.to_s];
            for formula in formulas.into_iter().chain(window).flatten() {
                let computed = formula.eval(&values);
                places.check(&section, "metric", computed.is_ok(), || {
                    computed.clone().err().map(|e| e.to_string()).unwrap_or_default()
                })?;
            }
            if let Some(word) = &expect.exits {
                let known = ["none", "out_of_memory", "crashed"];
                places.check(&section, "exits", known.contains(&word.as_str()), || {
                    format!("expected one of {known:?}, found `{word}`")
                })?;
            }
        }
        Ok(())
    }
}

/// Finds the line of a field for an error.
pub(super) struct Places<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Places<'_> {
    /// Fails with the line of `key` in the last of `sections` (each searched after the one
    /// before) unless `holds`.
    fn check(
        &self,
        sections: &[&str],
        key: &str,
        holds: bool,
        message: impl FnOnce() -> String,
    ) -> Result<(), ManifestError> {
        if holds {
            return Ok(());
        }
        let mut start = 0;
        for section in sections {
            if let Some(found) = self.text[start..].find(section) {
                start += found + section.len();
            }
        }
        let at_key = self.text[start..]
            .split_inclusive('\n')
            .scan(start, |offset, line| {
                let this = *offset;
                *offset += line.len();
                Some((this, line))
            })
            .find(|(_, line)| {
                line.trim_start().strip_prefix(key).is_some_and(|rest| {
                    rest.trim_start().starts_with('=') || rest.trim_start().starts_with('.')
                })
            })
            .map_or(start, |(offset, _)| offset);
        Err(self.error(at_key, key, message()))
    }

    pub(super) fn error(&self, offset: usize, key: &str, message: String) -> ManifestError {
        let line = self.text[..offset.min(self.text.len())].matches('\n').count() + 1;
        let message = if key.is_empty() { message } else { format!("field `{key}`: {message}") };
        ManifestError { file: self.file.to_owned(), line, message }
    }
}
