//! The guided walk of an incident, as its manifest tells it: steps, the questions that they ask, and what
//! to take home. The questions stand by themselves: walks, lessons and workshops share them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::formula::Formula;
use super::marks::Mark;
use super::measure::{Measure, strip_suffix};
use super::show::Text;
use crate::figures::number;

/// One step of a walk: one idea. The run is held while it is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkStep {
    /// The idea, in a few words.
    pub title: String,
    /// Two or three sentences, with figures of this run in braces.
    pub says: Text,
    /// The variants of a run that begins with this step, held just before the release; where absent, the run
    /// before goes on.
    #[serde(default)]
    pub lanes: Vec<String>,
    /// Neutral names of the lanes, while the variants are unknown to the learner.
    #[serde(default)]
    pub names: Vec<String>,
    /// The charts that it is about, by their titles; the others stand back. A chart that no step has been
    /// about yet is not shown.
    #[serde(default)]
    pub watch: Vec<String>,
    /// True if its charts are per instance.
    #[serde(default)]
    pub by_instance: bool,
    /// The question that it asks, by its id.
    #[serde(default)]
    pub asks: Option<String>,
    /// Action on the first lane when the run continues.
    #[serde(default)]
    pub does: Option<Does>,
    /// Changes in every lane when the run continues: parameters, or `rate_per_s`.
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
    /// The variant whose measures `until` and the texts use; the first lane's where absent.
    #[serde(default)]
    pub variant: Option<String>,
    /// The run goes on until this is above 0, over what [`is_value`] knows.
    #[serde(default)]
    pub until: Option<Formula>,
    /// Seconds of the run that pass in one of the learner's.
    #[serde(default = "one")]
    pub speed: f64,
    /// A remark on how the time of the run passes, for learners who watch it: a book leaves it out.
    #[serde(default)]
    pub pace: Option<Text>,
    /// Text after the run.
    #[serde(default)]
    pub reveals: Option<Text>,
    /// Notes for the presenter.
    #[serde(default)]
    pub says_to_presenter: String,
}

fn one() -> f64 {
    1.0
}

/// Summary of an incident: the walk's last page, and a part of its report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debrief {
    /// The events, in order.
    pub happened: Text,
    /// The line or setting at fault, and why it is.
    pub cause: Text,
    /// The symptom, seen from outside.
    pub symptom: Text,
    /// The fix, and the reason why it works.
    pub fix: Text,
    /// The cost of the fix.
    pub trade_off: Text,
    /// Changes that did not fix it.
    pub did_not_fix: Vec<Text>,
    /// Signals on a dashboard, and the first alert.
    pub dashboard: Text,
    /// The same in Go.
    pub go: Tongue,
    /// The same in Rust: what the compiler catches of it, and what not.
    pub rust: Tongue,
}

/// The incident in one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tongue {
    /// The lines that matter.
    pub code: String,
    /// Explanation of the code.
    pub says: Text,
}

impl Debrief {
    /// Its parts, each with the word it goes by.
    pub fn parts(&self) -> Vec<(&'static str, &Text)> {
        let mut parts = vec![
            ("happened", &self.happened),
            ("cause", &self.cause),
            ("symptom", &self.symptom),
            ("fix", &self.fix),
            ("trade-off", &self.trade_off),
        ];
        parts.extend(self.did_not_fix.iter().map(|text| ("did not fix it", text)));
        parts.push(("dashboard", &self.dashboard));
        parts
    }
}

/// Values for a walk's formulas besides rate, parameters and named phases.
const OF_A_WALK: [&str; 12] = [
    // Seconds: since the release, of the run, since the run went on; from the release to the first exit.
    "t",
    "at_s",
    "since_s",
    "exit_s",
    "cap_bytes",
    "client_timeout_s",
    // Since the run went on: seconds and share of the time in which the lane served, its exits, requests
    // that ended well and not, and the share of the latter.
    "up_s_since",
    "up_percent_since",
    "exits_since",
    "ok_since",
    "bad_since",
    "bad_percent_since",
];

/// Returns true if a walk's formulas may use this name: one of those above, `share_1` and so on (the share of a
/// kind of request in percent), or a name that `known` accepts, such as a measure or a constant of the incident's
/// source (`RETRIES`). Each may have the letter of a lane in front (`b_tasks`; the lane of the step's `variant` by
/// default), and `_then` or `_per_s` behind: its value when the run continued, and its growth per second since.
pub fn is_value(name: &str, known: impl Fn(&Measure) -> bool) -> bool {
    let share = |name: &str| {
        let kind = name.strip_prefix("share_").and_then(|kind| kind.parse::<usize>().ok());
        kind.is_some_and(|kind| kind > 0)
    };
    let plain =
        |name: &str| OF_A_WALK.contains(&name) || share(name) || known(&Measure::parse(name));
    let any = |name: &str| {
        let ends = [strip_suffix(name, "_then"), strip_suffix(name, "_per_s")];
        plain(name) || ends.into_iter().flatten().any(|name| plain(&name))
    };
    let lanes = ["a_", "b_", "c_", "d_"];
    any(name) || lanes.iter().any(|lane| name.strip_prefix(lane).is_some_and(any))
}

/// Actions on a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Its bug is switched off while it runs.
    SwitchOff,
    /// Its process is restarted.
    Restart,
}

impl WalkStep {
    /// Its formulas, each with its field.
    pub fn formulas(&self) -> impl Iterator<Item = (&'static str, &Formula)> {
        let reveals = self.reveals.iter().flat_map(Text::formulas).map(|f| ("reveals", f));
        let says = self.says.formulas().map(|f| ("says", f));
        let pace = self.pace.iter().flat_map(Text::formulas).map(|f| ("pace", f));
        says.chain(pace).chain(reveals).chain(self.until.iter().map(|f| ("until", f)))
    }
}

impl Question {
    /// Its formulas, each with its field.
    pub fn formulas(&self) -> impl Iterator<Item = (&'static str, &Formula)> {
        let mut formulas: Vec<(&'static str, &Formula)> = Vec::new();
        let mut add = |field, text| formulas.extend(Text::formulas(text).map(|f| (field, f)));
        add("prompt", &self.prompt);
        self.hints.iter().for_each(|hint| add("hints", hint));
        add("why", &self.why);
        match &self.kind {
            AnswerKind::Choice(choices) => choices.iter().for_each(|choice| {
                add("text", &choice.text);
                add("says", &choice.says);
            }),
            AnswerKind::Number { theory, measured, .. } => {
                formulas.push(("theory", theory));
                formulas.extend(measured.iter().map(|formula| ("measured", formula)));
            }
            AnswerKind::Line { lines, elsewhere, .. } => {
                for line in lines {
                    add("says", &line.says);
                }
                add("elsewhere", elsewhere);
            }
        }
        formulas.into_iter()
    }
}

/// A question, asked before its answer can be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "QuestionFields")]
pub struct Question {
    /// Its name within the incident.
    pub id: String,
    /// The question.
    pub prompt: Text,
    /// The form of the answer.
    pub kind: AnswerKind,
    /// Hints, each less of a riddle than the one before.
    pub hints: Vec<Text>,
    /// Why the answer is the answer.
    pub why: Text,
}

/// Forms of an answer.
#[derive(Debug, Clone)]
pub enum AnswerKind {
    /// One of several.
    Choice(Vec<Choice>),
    /// A number.
    Number {
        /// Unit of the answer.
        unit: String,
        /// Formula of the expected value.
        theory: Formula,
        /// Formula of the measured value; if absent, the expected value decides.
        measured: Option<Formula>,
        /// Accepted deviation.
        tolerance: Tolerance,
    },
    /// A line of the code of a variant.
    Line {
        /// The variant.
        variant: String,
        /// Title over the code until the learner has answered.
        title: String,
        /// The line asked for: the busiest wait site, or a marked line.
        at: Pointed,
        /// Replies to particular lines.
        lines: Vec<LineReply>,
        /// Reply to every other line.
        elsewhere: Text,
    },
}

/// Accepted deviation of a number: the larger of a share and an amount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Share of the measured value.
    pub within: f64,
    /// Amount, in the unit of the answer.
    pub near: f64,
}

impl Tolerance {
    /// The tolerance of a question that states none: 20 %.
    const USUAL: Self = Self { within: 0.2, near: 0.0 };

    /// Returns the lowest and the highest accepted answer.
    pub fn bounds(self, seen: f64) -> (f64, f64) {
        let off = self.near.max(seen.abs() * self.within);
        // A wide tolerance must not accept zero where something was measured.
        let least = if seen > 0.0 { (seen - off).max(seen / 4.0) } else { seen - off };
        (least, seen + off)
    }

    /// Describes the tolerance for the learner, for example `within 20 %`.
    pub fn describe(self, unit: &str) -> String {
        let share = || format!("within {} %", number(self.within * 100.0));
        let amount = || format!("± {} {unit}", number(self.near)).trim_end().to_owned();
        match (self.within > 0.0, self.near > 0.0) {
            (true, true) => format!("{} or {}, the larger", share(), amount()),
            (_, true) => amount(),
            _ => share(),
        }
    }
}

/// Reply to a line of code that a learner may choose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineReply {
    /// Part of the line's code.
    pub code: String,
    /// True if the line is a right answer as well.
    #[serde(default)]
    pub right: bool,
    /// The reply: the effect of the line, and why it is the answer or is not.
    pub says: Text,
}

/// Which line of code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointed {
    /// The line at which most tasks of the lane wait.
    Waits,
    /// A marked one.
    Marked(Mark),
}

/// One of several answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub text: Text,
    /// True if it is right.
    #[serde(default)]
    pub right: bool,
    /// A word on it: of a wrong one, what would have to be true for it to be right.
    pub says: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionFields {
    id: String,
    prompt: Text,
    kind: String,
    #[serde(default)]
    hints: Vec<Text>,
    why: Text,
    #[serde(default, rename = "choice")]
    choices: Vec<Choice>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    theory: Option<Formula>,
    #[serde(default)]
    measured: Option<Formula>,
    #[serde(default)]
    within: Option<f64>,
    #[serde(default)]
    near: Option<f64>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    at: Option<String>,
    #[serde(default, rename = "line")]
    lines: Vec<LineReply>,
    #[serde(default)]
    elsewhere: Option<Text>,
}

impl TryFrom<QuestionFields> for Question {
    type Error = String;

    fn try_from(raw: QuestionFields) -> Result<Self, String> {
        let QuestionFields {
            id, prompt, hints, why, choices, theory, measured, variant, at, ..
        } = raw;
        let tolerance = match (raw.within, raw.near) {
            (None, None) => Tolerance::USUAL,
            (within, near) => {
                Tolerance { within: within.unwrap_or(0.0), near: near.unwrap_or(0.0) }
            }
        };
        let kind = match (raw.kind.as_str(), theory, variant, at) {
            ("choice", None, None, None) => {
                if choices.len() < 2 || choices.iter().filter(|choice| choice.right).count() != 1 {
                    return Err("a choice has two answers or more, one of them right".to_owned());
                }
                AnswerKind::Choice(choices)
            }
            ("number", Some(theory), None, None) if choices.is_empty() => {
                AnswerKind::Number { unit: raw.unit, theory, measured, tolerance }
            }
            ("line", None, Some(variant), Some(at)) if choices.is_empty() => {
                let elsewhere = raw.elsewhere.ok_or("a line question needs `elsewhere`")?;
                if raw.title.is_empty() {
                    return Err("a line question needs `title`, shown over its code".to_owned());
                }
                let at = match at.as_str() {
                    "waits" => Pointed::Waits,
                    "cause" => Pointed::Marked(Mark::Cause),
                    "fix" => Pointed::Marked(Mark::Fix),
                    other => return Err(format!("expected waits, cause or fix, found `{other}`")),
                };
                AnswerKind::Line { variant, title: raw.title, at, lines: raw.lines, elsewhere }
            }
            (kind, ..) => {
                return Err(format!(
                    "`{kind}`: expected `choice` with `[[question.choice]]`, `number` with \
                     `theory`, or `line` with `variant` and `at`"
                ));
            }
        };
        Ok(Self { id, prompt, kind, hints, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_stated_as_it_is_applied() {
        let near = |within, near| Tolerance { within, near };
        assert_eq!(near(0.2, 0.0).describe("s"), "within 20 %");
        assert_eq!(near(0.0, 1.5).describe("%"), "± 1.5 %");
        assert_eq!(near(0.3, 0.5).describe(""), "within 30 % or ± 0.5, the larger");
        assert_eq!(near(0.2, 0.0).bounds(10.0), (8.0, 12.0));
        assert_eq!(near(0.0, 3.0).bounds(2.0), (0.5, 5.0));
    }

    #[test]
    fn a_question_has_what_its_kind_needs_and_nothing_else() {
        let question = |text: &str| {
            let text = format!("id = \"a\"\nprompt = \"b?\"\nwhy = \"c\"\n{text}");
            toml::from_str::<Question>(&text)
        };
        let choice = |right: &str| format!("[[choice]]\ntext = \"x\"\nsays = \"y\"\n{right}\n");
        let two = choice("right = true") + &choice("");
        assert!(question(&format!("kind = \"choice\"\n{two}")).is_ok());
        assert!(question("kind = \"number\"\ntheory = \"2 * rate_per_s\"").is_ok());
        let line = "kind = \"line\"\nvariant = \"broken\"\nat = \"waits\"";
        assert!(question(&format!("{line}\ntitle = \"t\"\nelsewhere = \"e\"")).is_ok());
        assert!(question(line).is_err());
        for wrong in [
            format!("kind = \"choice\"\n{}", choice("right = true")),
            format!("kind = \"choice\"\n{}", choice("") + &choice("")),
            "kind = \"number\"".to_owned(),
            "kind = \"line\"\nvariant = \"broken\"".to_owned(),
            "kind = \"line\"\nvariant = \"broken\"\nat = \"somewhere\"".to_owned(),
            "kind = \"riddle\"".to_owned(),
        ] {
            assert!(question(&wrong).is_err(), "{wrong}");
        }
    }
}
