//! The guided walk of an incident, as its manifest tells it: steps, and the questions that they ask. The
//! questions stand by themselves: walks, lessons and workshops share them.

use serde::Deserialize;

use super::formula::Formula;
use super::marks::Mark;
use super::show::Text;

/// One step of a walk: one idea. The run is held while it is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The idea, in a few words.
    pub title: String,
    /// Two or three sentences, with figures of this run in braces.
    pub says: Text,
    /// The variants of a run that begins with this step, held just before the release; where absent, the run
    /// before goes on.
    #[serde(default)]
    pub lanes: Vec<String>,
    /// What the lanes are called as long as the learner does not know the variants.
    #[serde(default)]
    pub names: Vec<String>,
    /// The charts that it is about, by what they show or by their title; the others stand back.
    #[serde(default)]
    pub watch: Vec<String>,
    /// The question that it asks, by its id.
    #[serde(default)]
    pub asks: Option<String>,
    /// What happens to the first lane as the run goes on.
    #[serde(default)]
    pub does: Option<Does>,
    /// The variant whose measures `until` and the texts use; the first lane's where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The run goes on until this is above 0: over the lane's measures, `t` (seconds since the release),
    /// `since_s` (since the run went on), `exit_s` (the release to the lane's first exit).
    #[serde(default)]
    pub until: Option<Formula>,
    /// Seconds of the run that pass in one of the learner's.
    #[serde(default = "one")]
    pub speed: f64,
    /// What is told once the run has shown it.
    #[serde(default)]
    pub reveals: Option<Text>,
    /// What whoever presents it may say.
    #[serde(default)]
    pub says_to_presenter: String,
}

fn one() -> f64 {
    1.0
}

/// What happens to a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Its bug is switched off while it runs.
    SwitchOff,
    /// Its process is restarted.
    Restart,
}

/// A question, asked before its answer can be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Question {
    /// Its name within the incident.
    pub id: String,
    /// What is asked.
    pub prompt: Text,
    /// What an answer is.
    pub kind: Kind,
    /// Hints, each less of a riddle than the one before.
    pub hints: Vec<Text>,
    /// Why the answer is the answer.
    pub why: Text,
}

/// What an answer is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One of several.
    Choice(Vec<Choice>),
    /// A number.
    Number {
        /// Its unit.
        unit: String,
        /// What theory says.
        theory: Formula,
        /// What was measured, over the same values; where absent, theory alone decides.
        measured: Option<Formula>,
        /// How far an answer may be off, as a share of what was measured.
        within: f64,
        /// How far it may be off in any case.
        near: f64,
    },
    /// A line of the code of a variant.
    Line {
        /// The variant.
        of: String,
        /// Which line: where most tasks wait, or one that is marked.
        at: Pointed,
    },
}

/// Which line of code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointed {
    /// Where most tasks of the lane wait.
    Waits,
    /// A marked one.
    Marked(Mark),
}

/// One of several answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// Whether it is right.
    #[serde(default)]
    pub right: bool,
    /// A word on it: of a wrong one, what would have to be true for it to be right.
    pub says: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
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
    within: f64,
    #[serde(default)]
    near: f64,
    #[serde(default)]
    of: Option<String>,
    #[serde(default)]
    at: Option<String>,
}

impl TryFrom<Raw> for Question {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let Raw { id, prompt, hints, why, choices, theory, measured, of, at, .. } = raw;
        let kind = match (raw.kind.as_str(), theory, of, at) {
            ("choice", None, None, None) => {
                if choices.len() < 2 || choices.iter().filter(|choice| choice.right).count() != 1 {
                    return Err("a choice has two answers or more, one of them right".to_owned());
                }
                Kind::Choice(choices)
            }
            ("number", Some(theory), None, None) if choices.is_empty() => Kind::Number {
                unit: raw.unit,
                theory,
                measured,
                within: raw.within,
                near: raw.near,
            },
            ("line", None, Some(of), Some(at)) if choices.is_empty() => {
                let at = match at.as_str() {
                    "waits" => Pointed::Waits,
                    "cause" => Pointed::Marked(Mark::Cause),
                    "fix" => Pointed::Marked(Mark::Fix),
                    other => return Err(format!("expected waits, cause or fix, found `{other}`")),
                };
                Kind::Line { of, at }
            }
            (kind, ..) => {
                return Err(format!(
                    "`{kind}`: expected `choice` with `[[question.choice]]`, `number` with \
                     `theory`, or `line` with `of` and `at`"
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
    fn a_question_has_what_its_kind_needs_and_nothing_else() {
        let question = |text: &str| {
            let text = format!("id = \"a\"\nprompt = \"b?\"\nwhy = \"c\"\n{text}");
            toml::from_str::<Question>(&text)
        };
        let choice = |right: &str| format!("[[choice]]\ntext = \"x\"\nsays = \"y\"\n{right}\n");
        let two = choice("right = true") + &choice("");
        assert!(question(&format!("kind = \"choice\"\n{two}")).is_ok());
        assert!(question("kind = \"number\"\ntheory = \"2 * rate_per_s\"").is_ok());
        assert!(question("kind = \"line\"\nof = \"broken\"\nat = \"waits\"").is_ok());
        for wrong in [
            format!("kind = \"choice\"\n{}", choice("right = true")),
            format!("kind = \"choice\"\n{}", choice("") + &choice("")),
            "kind = \"number\"".to_owned(),
            "kind = \"line\"\nof = \"broken\"".to_owned(),
            "kind = \"line\"\nof = \"broken\"\nat = \"somewhere\"".to_owned(),
            "kind = \"riddle\"".to_owned(),
        ] {
            assert!(question(&wrong).is_err(), "{wrong}");
        }
    }
}
