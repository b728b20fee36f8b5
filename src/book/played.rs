//! A walk that is played while the book is built: its questions, with the figures of that very walk.

use std::collections::BTreeMap;

use anyhow::Context;
use firedrill_core::event::{Event, EventKind, ExitCause};
use firedrill_core::incident::Manifest;
use firedrill_core::incident::walk::{Question, WalkStep};
use firedrill_core::page::walk::Recording;
use firedrill_core::plan::Case;
use firedrill_core::prose;
use firedrill_core::script::{Control, Speed};
use firedrill_core::session::walk::page::{Asking, StepPage};
use firedrill_core::session::walk::{AnswerKey, Stage};
use firedrill_core::session::{Effect, Input, Session};
use serde::{Deserialize, Serialize};

use crate::run::{Run, Spec, Venue};

/// A question, with the figures of a walk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Played {
    /// The introduction.
    pub says: String,
    /// The question, as it was before its answer.
    pub asking: Asking,
    /// Its hints, each less of a riddle.
    pub hints: Vec<String>,
    /// The right answers.
    pub key: AnswerKey,
    /// Measured and computed figures, each with its name.
    pub figures: Vec<(String, String)>,
    /// The explanation.
    pub why: String,
}

/// A walk that was played.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlayedWalk {
    /// All questions, by their ids.
    pub questions: BTreeMap<String, Played>,
    /// Its runs, where a browser would not make the same, and why.
    pub recorded: Option<(WhyRecorded, Recording)>,
}

/// Seed of the order of options: the same in every build of a book.
const BOOK_SEED: u64 = 0;

/// Plays the walk of this run's incident, as fast as it goes.
///
/// # Errors
///
/// When its run fails.
pub async fn play(spec: Spec) -> anyhow::Result<PlayedWalk> {
    let Spec { case, venue, .. } = spec;
    let (session, effects) = Session::walk(case, 1.0, BOOK_SEED);
    let mut player =
        Player { session, run: None, venue, run_of: 0, recording: Recording::default() };
    player.carry_out(effects).await?;
    let mut questions = BTreeMap::new();
    for step in &player.session.case.entry.clone().manifest.walk {
        player.settle().await?;
        if let Some(id) = &step.asks {
            let played = player.question().await.with_context(|| format!("question `{id}`"))?;
            questions.insert(id.clone(), played);
        } else if step.until.is_some() {
            player.apply(Input::Next).await?;
        }
        player.settle().await?;
        player.apply(Input::Next).await?;
    }
    let Player { session, recording, .. } = player;
    let recorded = WhyRecorded::of(session.case.manifest(), &recording).map(|why| (why, recording));
    Ok(PlayedWalk { questions, recorded })
}

/// Why the runs of a walk are recorded for its page, and not made there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyRecorded {
    /// Its code panics, which cannot be caught in a browser.
    Panics,
    /// Its texts tell how much memory is in use, or when a process is killed for it; in a browser pointers are half
    /// as wide.
    Memory,
}

impl WhyRecorded {
    fn of(manifest: &Manifest, Recording(runs): &Recording) -> Option<Self> {
        if runs.values().flatten().any(|event| prose::is_panic(&event.what)) {
            return Some(Self::Panics);
        }
        let is_killed = |event: &Event| {
            matches!(event.what, EventKind::Exit { cause: ExitCause::OutOfMemory { .. }, .. })
        };
        let of_steps = manifest.walk.iter().flat_map(WalkStep::formulas);
        let of_questions = manifest.questions.iter().flat_map(Question::formulas);
        let mut names = of_steps.chain(of_questions).flat_map(|(_, formula)| formula.names());
        let is_memory =
            |name: &String| name.contains("memory_bytes") || name.contains("heap_bytes");
        let tells = runs.values().flatten().any(is_killed) || names.any(is_memory);
        tells.then_some(Self::Memory)
    }
}

/// Takes a walk by its inputs.
struct Player {
    session: Session,
    run: Option<Run>,
    venue: Venue,
    /// The page that began the run.
    run_of: usize,
    recording: Recording,
}

impl Player {
    /// Asks for all hints of the present question, then for its answer.
    async fn question(&mut self) -> anyhow::Result<Played> {
        let StepPage { says, question, .. } = self.step()?;
        let asking = question.context("it is not asked")?;
        let mut hints = Vec::new();
        loop {
            self.apply(Input::Hint).await?;
            let hint = self.step()?.question.and_then(|question| question.hint);
            match hint {
                Some((at, _, text)) if at > hints.len() => hints.push(text),
                _ => break,
            }
        }
        self.apply(Input::Skip).await?;
        self.settle().await?;
        let key = self.session.answer_key().context("its answer is not known")?;
        let result = self.step()?.result.context("it has no result")?;
        let (figures, why) = (result.figures, result.why);
        Ok(Played { says, asking, hints, key, figures, why })
    }

    fn step(&self) -> anyhow::Result<StepPage> {
        let page = self.session.page().context("there is no walk")?;
        page.step().cloned().context("it is the last page")
    }

    async fn apply(&mut self, input: Input) -> anyhow::Result<()> {
        let effects = self.session.apply(input);
        self.carry_out(effects).await
    }

    /// Takes in the events of the run until it is held.
    async fn settle(&mut self) -> anyhow::Result<()> {
        while self
            .session
            .walk
            .as_ref()
            .is_some_and(|w| w.stage == Stage::Running || w.is_starting())
        {
            let run = self.run.as_mut().context("there is no run")?;
            let event = run.events.recv().await.context("the run has ended before it was held")?;
            self.recording.0.entry(self.run_of).or_default().push(event.clone());
            let effects = self
                .session
                .apply(Input::Event(firedrill_core::session::track::RunId::Main, event));
            self.carry_out(effects).await?;
        }
        Ok(())
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> anyhow::Result<()> {
        for effect in effects {
            match (effect, &self.run) {
                (Effect::Start { plan, pacing, .. }, _) => {
                    let case = Case { plan, ..self.session.case.clone() };
                    self.run = Some(Run::start(Spec::at(self.venue.clone(), case, pacing))?);
                    self.run_of = self.session.walk.as_ref().map_or(0, |walk| walk.at);
                }
                // Nobody watches: time passes as fast as it can.
                (Effect::Control(_, Control::SetSpeed(_)), Some(run)) => {
                    run.control.send(Control::SetSpeed(Speed::Max)).await?;
                }
                (Effect::Control(_, control), Some(run)) => run.control.send(control).await?,
                (Effect::Control(..) | Effect::End(_) | Effect::SaveProgress(_), _) => {}
            }
        }
        Ok(())
    }
}
