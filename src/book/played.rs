//! A walk that is played while the book is built: its questions, with the figures of that very walk.

use std::collections::BTreeMap;

use anyhow::Context;
use firedrill_core::plan::Case;
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

/// Seed of the order of options: the same in every build of a book.
const BOOK_SEED: u64 = 0;

/// All questions of an incident's walk, by their ids.
pub type Questions = BTreeMap<String, Played>;

/// Plays the walk of this run's incident, as fast as it goes.
///
/// # Errors
///
/// When its run fails.
pub async fn play(spec: Spec) -> anyhow::Result<Questions> {
    let Spec { case, venue, .. } = spec;
    let (session, effects) = Session::walk(case, 1.0, BOOK_SEED);
    let mut player = Player { session, run: None, venue };
    player.carry_out(effects).await?;
    let mut questions = Questions::new();
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
    Ok(questions)
}

/// Takes a walk by its inputs.
struct Player {
    session: Session,
    run: Option<Run>,
    venue: Venue,
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
