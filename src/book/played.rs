//! A walk that is played while the book is built: its questions, with the figures of that very walk.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use firedrill_core::catalogue::{Catalogue, Entry};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::show::Text;
use firedrill_core::incident::walk::{Kind, Question, Step, accepts};
use serde::{Deserialize, Serialize};

use crate::run::{Control, Run, Spec, Speed};
use crate::tui::code::scaffolding;
use crate::tui::model::{Lab, Model, Screen};
use crate::tui::update::{Command, Msg, RunId, take_walk, update};
use crate::tui::walk::{self, Stage, Walk, is_comment, listing};

/// A question, with the figures of a walk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What the walk tells before it.
    pub says: String,
    /// The question.
    pub prompt: String,
    /// Its hints, each less of a riddle.
    pub hints: Vec<String>,
    /// What an answer is.
    pub kind: Answer,
    /// Why the answer is the answer.
    pub why: String,
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// One of several: the answer, a word on it, whether it is right.
    Choice(Vec<(String, String, bool)>),
    /// A number.
    Number {
        /// Its unit.
        unit: String,
        /// What answers are right, from and to.
        accepts: (f64, f64),
        /// What was measured and what theory says, in words.
        told: String,
    },
    /// A line of code.
    Line {
        /// The file.
        file: String,
        /// Its lines that are shown: number, text, whether it is right.
        lines: Vec<(usize, String, bool)>,
    },
}

/// Words of sentences that are about the pace of a walk.
const PACE: [&str; 3] = ["Time passes", "You wait", "Enter "];

/// All questions of an incident's walk, by their ids.
pub type Questions = BTreeMap<String, Asked>;

/// Plays the walk of this run's incident, as fast as it goes.
///
/// # Errors
///
/// When its run fails.
pub async fn play(catalogue: &'static Catalogue, spec: Spec) -> anyhow::Result<Questions> {
    let entry = spec.entry;
    let mut player =
        Player { model: Model::new(catalogue, (120, 36)), run: None, spec: spec.clone() };
    let begin = take_walk(&mut player.model, spec, 1.0);
    player.carry_out(begin).await?;
    let mut questions = Questions::new();
    for step in &entry.manifest.walk {
        player.settle().await?;
        let question = entry.manifest.questions.iter().find(|q| Some(&q.id) == step.asks.as_ref());
        let Some(question) = question else {
            player.press(KeyCode::Enter).await?;
            if player.walk()?.stage != Stage::Told || step.until.is_some() {
                player.settle().await?;
                player.press(KeyCode::Enter).await?;
            }
            continue;
        };
        let before = player.values(step)?;
        let told = walk::asked(player.lab()?, player.walk()?, step);
        player.press(KeyCode::Char('s')).await?;
        player.settle().await?;
        let after = player.values(step)?;
        let asked = asked(entry, player.lab()?, (step, question), told, (&before, &after))?;
        questions.insert(question.id.clone(), asked);
        player.press(KeyCode::Enter).await?;
    }
    Ok(questions)
}

fn asked(
    entry: &Entry,
    lab: &Lab,
    (step, question): (&Step, &Question),
    told: walk::Asked,
    (before, after): (&Values, &Values),
) -> anyhow::Result<Asked> {
    let fill = |text: &Text, values: &Values| Ok::<_, anyhow::Error>(text.fill(values)?);
    let done = lab.walk.as_ref().and_then(|walk| walk.done[walk.at].as_ref());
    let kind = match &question.kind {
        Kind::Choice(choices) => Answer::Choice(
            choices
                .iter()
                .zip(told.choices)
                .map(|(choice, text)| Ok((text, fill(&choice.says, after)?, choice.right)))
                .collect::<anyhow::Result<_>>()?,
        ),
        Kind::Number { unit, theory, measured, within, near } => {
            let seen = measured.as_ref().unwrap_or(theory).eval(after)?;
            let figures = done.map(|done| done.figures.clone()).unwrap_or_default();
            let words: Vec<String> =
                figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
            let accepts = accepts(seen, *within, *near);
            Answer::Number { unit: unit.clone(), accepts, told: words.join(", ") }
        }
        Kind::Line { of, also, .. } => {
            let (file, text) = listing(lab, step).ok_or_else(|| {
                anyhow::anyhow!("`{}`: there is no source of `{}`", question.id, entry.file(of))
            })?;
            let answer = done.and_then(|done| done.line);
            let folded = scaffolding(text);
            let shown = text.lines().enumerate();
            let shown = shown.filter(|(i, line)| !folded[*i] && !is_comment(line));
            let all: Vec<&str> = text.lines().collect();
            let right = |i: usize, line: &str| {
                let named = also.iter().any(|code| line.contains(code.as_str()));
                named || answer.is_some_and(|answer| walk::statement(&all, answer).contains(&i))
            };
            let is_code = |line: &str| line.contains(char::is_alphanumeric);
            let lines = shown
                .map(|(i, line)| (i + 1, line.to_owned(), is_code(line) && right(i, line)))
                .collect();
            Answer::Line { file, lines }
        }
    };
    let mut why = fill(&question.why, after)?;
    if let Some(reveals) = &step.reveals {
        why = format!("{why} {}", fill(reveals, after)?);
    }
    let hints =
        question.hints.iter().map(|hint| fill(hint, before)).collect::<anyhow::Result<_>>()?;
    // How fast time passes on the screen is nothing for a page.
    let says: Vec<&str> = told
        .says
        .split_inclusive(". ")
        .filter(|said| !PACE.iter().any(|of| said.contains(of)))
        .collect();
    Ok(Asked { says: says.concat(), prompt: told.prompt, hints, kind, why })
}

/// Takes a walk by its keys.
struct Player {
    model: Model,
    run: Option<Run>,
    spec: Spec,
}

impl Player {
    async fn carry_out(&mut self, command: Option<Command>) -> anyhow::Result<()> {
        match command {
            Some(Command::Start(RunId::Main, spec)) => {
                let program = self.spec.program.clone();
                self.run = Some(Run::start(Spec { program, ..*spec })?);
            }
            Some(Command::Tell(RunId::Main, control)) => {
                // Nobody is there to read meanwhile.
                let control = match control {
                    Control::SetSpeed(Speed::Times(times)) if times > 0.0 => {
                        Control::SetSpeed(Speed::Max)
                    }
                    control => control,
                };
                if let Some(run) = &self.run {
                    run.control.send(control).await?;
                }
            }
            Some(Command::Both(both)) => {
                for command in *both {
                    Box::pin(self.carry_out(Some(command))).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in what the run says until it is held.
    async fn settle(&mut self) -> anyhow::Result<()> {
        loop {
            let lab = self.lab()?;
            // The sample of the moment at which it is held comes with the next one.
            let held_s = lab.spec.time_lapse.from_ms as f64 / 1000.0 - 0.15;
            if self.walk()?.stage != Stage::Runs && lab.main.head.now_s >= held_s {
                return Ok(());
            }
            let Some(run) = &mut self.run else { return Ok(()) };
            let Some(event) = run.events.recv().await else {
                anyhow::bail!("the run of the walk has ended before it was held");
            };
            let command = update(&mut self.model, Msg::Run(RunId::Main, event));
            self.carry_out(command).await?;
        }
    }

    async fn press(&mut self, code: KeyCode) -> anyhow::Result<()> {
        let command = update(&mut self.model, Msg::Key(KeyEvent::from(code)));
        self.carry_out(command).await
    }

    fn lab(&self) -> anyhow::Result<&Lab> {
        match &self.model.screen {
            Screen::Lab(lab) => Ok(lab),
            Screen::Catalogue(_) => anyhow::bail!("the walk has been left"),
        }
    }

    fn walk(&self) -> anyhow::Result<&Walk> {
        self.lab()?.walk.as_ref().ok_or_else(|| anyhow::anyhow!("there is no walk"))
    }

    fn values(&self, step: &Step) -> anyhow::Result<Values> {
        Ok(walk::values(self.lab()?, self.walk()?, Some(step)))
    }
}

/// A bound of what is accepted, as a page compares with it.
pub fn bound(value: f64) -> String {
    format!("{value:.6}")
}
