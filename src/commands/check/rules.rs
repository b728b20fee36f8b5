//! Rules for incidents beyond the validation of the manifest: unique names, windows that end in time, independent
//! layers, and marks in the source.

use std::collections::BTreeMap;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::incident::chain::Standing;
use firedrill_core::incident::marks::{Mark, Marked, marks};
use firedrill_core::incident::params;
use firedrill_core::incident::show::Text;
use firedrill_core::incident::walk::{AnswerKind, Pointed, Question};
use firedrill_core::service::base_chain;

use super::Finding;

/// A bug shows within this many seconds of its release, or within the gate's live run where that is
/// longer.
const IN_TIME_S: f64 = 10.0;

/// The release goes out within this many seconds.
const RELEASED_S: f64 = 5.0;

/// Questions for a line of code in a walk: more teach the pattern, not the incident.
const MOST_LINE_QUESTIONS: usize = 2;

/// An option that is longer than all others by this factor, or shorter, is noticed.
const LONGER: f64 = 1.35;
const SHORTER: f64 = 0.6;

/// A difference of so many characters is not noticed.
const FEW: f64 = 12.0;

/// Checks these rules.
pub fn contract(catalogue: &Catalogue, entry: &CatalogueEntry) -> Finding {
    let mut wrong = names(catalogue, entry);
    wrong.extend(windows(entry));
    wrong.extend(others(catalogue, entry));
    wrong.extend(marked(catalogue, entry));
    Finding::new("contract: names, windows, layers, marks of cause and fix", wrong)
}

/// Checks the teaching material: a walk of 8 to 14 pages that runs every variant, hints, and a summary.
pub fn taught(catalogue: &Catalogue, entry: &CatalogueEntry) -> Finding {
    let manifest = &entry.manifest;
    let (pages, questions) = (manifest.pages(), &manifest.questions);
    let mut wrong = Vec::new();
    let mut want = |there: bool, missing: String| {
        if !there {
            wrong.push(missing);
        }
    };
    want(
        manifest.looks_like.is_some(),
        "`looks_like`: a title that does not reveal the cause".into(),
    );
    want(!manifest.walk.is_empty(), "a guided walk: `[[step]]` after `[[step]]`".into());
    want(manifest.debrief.is_some(), "what to take home: `[debrief]`".into());
    let long = (8..=14).contains(&pages);
    want(long || manifest.walk.is_empty(), format!("8 to 14 pages of a walk; it has {pages}"));
    for question in questions {
        let asked = manifest.walk.iter().filter(|step| step.asks.as_ref() == Some(&question.id));
        want(asked.count() == 1, format!("a step that asks `{}`, and one alone", question.id));
        let hints = (1..=3).contains(&question.hints.len());
        want(hints, format!("one to three hints for `{}`", question.id));
    }
    let line_questions =
        questions.iter().filter(|q| matches!(q.kind, AnswerKind::Line { .. })).count();
    want(
        line_questions <= MOST_LINE_QUESTIONS,
        format!("{line_questions} questions for a line; at most {MOST_LINE_QUESTIONS}"),
    );
    for question in questions {
        let AnswerKind::Line { variant: of, lines, .. } = &question.kind else { continue };
        let source = catalogue.source(&entry.file(of)).unwrap_or_default();
        for line in lines {
            let there = source.lines().any(|code| code.contains(line.code.as_str()));
            want(
                there,
                format!("the line `{}` of `{}` in the code of `{of}`", line.code, question.id),
            );
        }
    }
    let fault = questions.iter().any(|question| {
        matches!(
            &question.kind,
            AnswerKind::Line { at: Pointed::Waits | Pointed::Marked(Mark::Cause), .. }
        )
    });
    want(fault, "a question for the line at fault".into());
    for variant in manifest.variants.iter().filter(|_| !manifest.walk.is_empty()) {
        let runs = manifest.walk.iter().any(|step| step.lanes.contains(&variant.name));
        want(runs, format!("a step that runs `{}`: partial fixes are run", variant.name));
    }
    let mut wrong: Vec<String> =
        wrong.into_iter().map(|missing| format!("missing: {missing}")).collect();
    wrong.extend(questions.iter().filter_map(told_by_form));
    wrong.extend(
        manifest.walk.iter().filter(|step| step.lanes.len() > 1 && step.names.is_empty()).map(
            |step| {
                format!(
                    "step `{}`: its lanes need `names`: `fixed` gives an answer away",
                    step.title
                )
            },
        ),
    );
    Finding::new(
        format!("taught: {pages} pages, {} questions, every form run", questions.len()),
        wrong,
    )
}

/// Says how the right option of a question can be told from the others without understanding it: it alone has, or
/// lacks, a reason behind a colon; or it is much longer or shorter than all others.
fn told_by_form(question: &Question) -> Option<String> {
    let AnswerKind::Choice(choices) = &question.kind else { return None };
    let right = choices.iter().find(|choice| choice.right)?;
    let others = || choices.iter().filter(|choice| !choice.right).map(|choice| &choice.text);
    let has_reason = |text: &Text| text.shape().contains(": ");
    let length = |text: &Text| text.shape().chars().count() as f64;
    let id = &question.id;
    if others().all(|other| has_reason(other) != has_reason(&right.text)) {
        let what = if has_reason(&right.text) { "has" } else { "lacks" };
        return Some(format!("`{id}`: the right option alone {what} a reason after a colon"));
    }
    let (shortest, longest) = others()
        .map(length)
        .fold((f64::MAX, 0.0_f64), |(least, most), n| (least.min(n), most.max(n)));
    let own = length(&right.text);
    let is_long = own > LONGER * longest && own > longest + FEW;
    let is_short = own < SHORTER * shortest && own + FEW < shortest;
    (is_long || is_short).then(|| {
        format!("`{id}`: the right option has {own} characters, the others {shortest} to {longest}")
    })
}

/// Its folder is named like it, and its parameters are nobody else's.
fn names(catalogue: &Catalogue, entry: &CatalogueEntry) -> Vec<String> {
    let manifest = &entry.manifest;
    let mut wrong = Vec::new();
    let folder = entry.incident.name().replace('_', "-");
    if manifest.id != folder {
        wrong.push(format!("the id `{}` is not that of its folder: `{folder}`", manifest.id));
    }
    let others = catalogue.entries.iter().filter(|other| other.manifest.id != manifest.id);
    for other in others {
        for name in manifest.params.keys().filter(|name| params::find(name).is_none()) {
            if other.manifest.params.contains_key(name) {
                let id = &other.manifest.id;
                wrong.push(format!("the parameter `{name}` is one of {id} too"));
            }
        }
    }
    wrong
}

/// Checks that its claims can be judged early enough.
fn windows(entry: &CatalogueEntry) -> Vec<String> {
    let manifest = &entry.manifest;
    let (values, release_s) = (manifest.formula_values(), manifest.release_s());
    let in_time_s = IN_TIME_S.max(manifest.live_s);
    let mut wrong = Vec::new();
    if release_s > RELEASED_S {
        wrong.push(format!("the release goes out after {release_s} s, {RELEASED_S} are allowed"));
    }
    for expect in &manifest.expectations {
        let end = expect.window.to_s.as_ref().and_then(|end| end.eval(&values).ok());
        if let Some(end_s) = end.filter(|end_s| *end_s > in_time_s) {
            let (variant, metric) = (&expect.variant, &expect.metric);
            wrong.push(format!(
                "`{variant}`, {metric}: the window ends {end_s} s after the release, \
                 {in_time_s} are allowed"
            ));
        }
    }
    wrong
}

/// Its layers leave those of the service and of every other incident where they were.
fn others(catalogue: &Catalogue, entry: &CatalogueEntry) -> Vec<String> {
    let mut wrong = Vec::new();
    let stands = |in_play: BTreeMap<String, String>| {
        let chain = catalogue.chain(base_chain(), &in_play).ok()?;
        let all: Vec<Standing> =
            chain.around_routes().into_iter().chain(chain.around_store()).collect();
        Some(all)
    };
    let id = &entry.manifest.id;
    for other in catalogue.entries.iter().filter(|other| other.manifest.id != *id) {
        let of_other = |in_play| -> Option<Vec<String>> {
            let all = stands(in_play)?;
            let own = all.into_iter().filter(|layer| layer.owner == other.manifest.id);
            Some(own.map(|layer| layer.slot.to_owned()).collect())
        };
        let pair = |id: &String, variant: &str| (id.clone(), variant.to_owned());
        let alone = of_other([pair(&other.manifest.id, "broken")].into());
        let both = of_other([pair(&other.manifest.id, "broken"), pair(id, "broken")].into());
        // A clash is refused where it would be switched on, and says so there.
        if let (Some(mut alone), Some(mut both)) = (alone, both) {
            alone.sort_unstable();
            both.sort_unstable();
            if alone != both {
                wrong.push(format!("it changes which layers {} has", other.manifest.id));
            }
        }
    }
    wrong
}

/// The line at fault and the line that fixes it are marked.
fn marked(catalogue: &Catalogue, entry: &CatalogueEntry) -> Vec<String> {
    let folder = entry.incident.folder();
    let (mut cause, mut fix) = (false, false);
    for (file, text) in catalogue.sources().filter(|(file, _)| file.starts_with(folder)) {
        for Marked { mark, .. } in marks(text) {
            let in_fixed = file.ends_with("/fixed.rs");
            cause |= mark == Mark::Cause && !in_fixed;
            fix |= mark == Mark::Fix && in_fixed;
        }
    }
    let missing = |there: bool, what: &str| (!there).then(|| what.to_owned());
    [
        missing(cause, "no line of a broken variant is marked with `// cause: …`"),
        missing(fix, "no line of fixed.rs is marked with `// fix: …`"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(options: [&str; 3]) -> Option<String> {
        let choice = |(i, text): (usize, &&str)| {
            format!("[[choice]]\ntext = \"{text}\"\nright = {}\nsays = \"so\"\n", i == 0)
        };
        let choices: String = options.iter().enumerate().map(choice).collect();
        let text = format!(
            "id = \"q\"\nkind = \"choice\"\nprompt = \"which?\"\nhints = [\"look\"]\nwhy = \"so\"\n{choices}"
        );
        told_by_form(&toml::from_str(&text).expect("it is a question"))
    }

    #[test]
    fn a_right_option_that_differs_in_form_is_found() {
        assert_eq!(told(["it fails at once", "it works for a while", "it gets slower"]), None);
        assert_eq!(told(["it fails: no room", "it works: there is room", "it slows down"]), None);
        let reason = told(["it fails at once", "it works: there is room", "it slows: no room"]);
        assert!(reason.is_some_and(|why| why.contains("lacks a reason")));
        let long =
            told(["it fails as soon as the queue is full of requests", "it works", "it slows"]);
        assert!(long.is_some_and(|why| why.contains("characters")));
        let short = told([
            "it fails",
            "it works as long as the queue has room",
            "it gets slower and slower",
        ]);
        assert!(short.is_some_and(|why| why.contains("characters")));
    }
}
