//! News of a class, and the walk that follows its place.

use firedrill_core::event::Clock;
use firedrill_core::incident::Unknown;
use firedrill_core::script::{Control, Speed};
use firedrill_core::session::shift::scenario::Scenario;
use firedrill_core::session::track::RunId;
use firedrill_core::session::walk::follow::Toward;
use firedrill_core::session::walk::{Stage, WalkInput};
use firedrill_core::session::{Effect, Input, Session};

use super::{apply, carried, take_shift};
use crate::join::message::{FromLearner, Progress};
use crate::join::state::{ClassShift, News, VoteOn};
use crate::run::Spec;
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::model::{Lab, Model, Overlay, Screen};
use crate::tui::room::Room;
use crate::tui::shift::ShiftOptions;

/// Inputs that lead from any page of a walk to any other one, at most.
const MOST_INPUTS: usize = 1000;

/// Takes in news of the class.
pub(super) fn hear(model: &mut Model, news: News) -> Vec<Command> {
    // Who is out of the class may still hear of a message that was sent before.
    let Some(room) = &mut model.room else { return Vec::new() };
    match news {
        News::State(state) => {
            room.losses = 0;
            room.state = Some(state);
            // The class leads back at once.
            if room.holds_in().is_some() && model.overlay == Some(Overlay::Confirm(Action::Back)) {
                model.overlay = None;
            }
        }
        News::Lost => room.losses = room.losses.saturating_add(1),
        News::Refused(why) => room.refused = why,
        News::Out(why) => {
            model.room = None;
            model.overlay = Some(Overlay::Message(why));
        }
    }
    Vec::new()
}

/// Leads the screen to the place of the class, as far as that goes now, and reports what has changed.
pub(super) fn follow(model: &mut Model) -> Vec<Command> {
    let mut commands = open(model);
    for _ in 0..MOST_INPUTS {
        let Some((room, lab)) = both(model) else { break };
        let Some(place) = room.place(&lab.session.case.plan.incident) else { break };
        match lab.session.toward(&place) {
            Toward::There => break,
            Toward::Input(input) => {
                let before = progress(&lab.session);
                model.note = None;
                commands.extend(apply(model, input.into()));
                // A class of another program may ask for what this walk does not have.
                if both(model).is_none_or(|(_, lab)| progress(&lab.session) == before) {
                    break;
                }
            }
            Toward::Pass => {
                commands.extend(hasten(room, lab));
                break;
            }
        }
    }
    commands.extend(report(model));
    commands
}

/// The page of the walk, from 0, and its stage.
fn progress(session: &Session) -> Option<(usize, Stage)> {
    session.walk.as_ref().map(|walk| (walk.at, walk.stage))
}

/// The class and the walk on screen.
fn both(model: &mut Model) -> Option<(&mut Room, &mut Lab)> {
    match (&mut model.room, &mut model.screen) {
        (Some(room), Screen::Lab(lab)) if lab.session.walk.is_some() => Some((room, lab)),
        _ => None,
    }
}

/// Opens the walk that the class holds its learners in, where another thing is on screen.
fn open(model: &mut Model) -> Vec<Command> {
    let Some(room) = &mut model.room else { return Vec::new() };
    if let Some(ClassShift { number, seed, level, of }) = room.new_shift().cloned() {
        room.begun = number;
        return begin_shift(model, Scenario::draw(model.catalogue, seed, level, &of));
    }
    let Some(wanted) = room.holds_in() else { return Vec::new() };
    let is_there = matches!(&model.screen, Screen::Lab(lab)
        if lab.session.walk.is_some() && lab.session.case.plan.incident == wanted);
    if is_there {
        return Vec::new();
    }
    let seed = room.state.as_ref().map_or(0, |state| state.seed);
    let entry = model.catalogue.find(wanted).map_err(|unknown| unknown.to_string());
    let spec =
        entry.and_then(|entry| Spec::of(model.catalogue, entry).map_err(|why| format!("{why:#}")));
    match spec {
        Ok(spec) => {
            room.hastened = None;
            let (lab, effects) = Lab::walk_in_order(spec, 1.0, seed);
            model.overlay = None;
            model.screen = Screen::Lab(Box::new(lab));
            carried(model, effects)
        }
        Err(why) => {
            model.room = None;
            model.overlay = Some(Overlay::Message(format!(
                "This program does not have the class's walk. {why}"
            )));
            Vec::new()
        }
    }
}

/// Begins the shift of the class, in simulated time: everybody sees the same.
fn begin_shift(model: &mut Model, scenario: Result<Scenario, Unknown>) -> Vec<Command> {
    match scenario {
        Ok(scenario) => {
            model.overlay = None;
            let options =
                ShiftOptions { scenario, clock: Clock::Virtual, daily: None, export: None };
            take_shift(model, options)
        }
        Err(why) => {
            model.overlay = Some(Overlay::Message(format!(
                "This program does not have the class's shift. {why}"
            )));
            Vec::new()
        }
    }
}

/// Lets the stretch on the way pass as fast as it can.
fn hasten(room: &mut Room, lab: &Lab) -> Option<Command> {
    let walk = lab.session.walk.as_ref()?;
    if walk.stage != Stage::Running || room.hastened == Some(walk.at) {
        return None;
    }
    room.hastened = Some(walk.at);
    Some(Command::Session(Effect::Control(RunId::Main, Control::SetSpeed(Speed::Max))))
}

/// Reports the progress in the walk, or the state of the shift, where it has changed.
fn report(model: &mut Model) -> Option<Command> {
    if let (Some(room), Screen::Lab(lab)) = (&mut model.room, &model.screen)
        && let (Some(shift), Some(screen)) = (&lab.session.shift, &lab.shift)
    {
        let is_ours = room
            .state
            .as_ref()
            .and_then(|state| state.shift.as_ref())
            .is_some_and(|of| of.number == room.begun && of.seed == shift.scenario.seed);
        let score = screen.debrief.as_ref().map(|debriefed| &debriefed.debrief.score);
        let state = Some(shift.state(score)).filter(|_| is_ours);
        if room.reported_shift == state {
            return None;
        }
        room.reported_shift.clone_from(&state);
        return state.map(|state| Command::Say(FromLearner::OnCall(state)));
    }
    let (room, lab) = both(model)?;
    let incident = lab.session.case.plan.incident.clone();
    let walked = lab.session.walk.as_ref()?.progress();
    let progress = Progress {
        incident,
        page: walked.last_page,
        hints: walked.hints,
        answered: walked.answered,
        right: walked.right,
        finished: walked.last_finished,
    };
    if room.reported == progress || room.state.is_none() {
        return None;
    }
    room.reported = progress.clone();
    Some(Command::Say(FromLearner::Progress(progress)))
}

/// Takes an input of the learner in a walk that the class is in. None where the walk takes it itself.
pub(super) fn take(model: &mut Model, input: &Input) -> Option<Vec<Command>> {
    let (room, lab) = both(model)?;
    let place = room.place(&lab.session.case.plan.incident)?;
    let page = lab.session.page()?.number;
    let wanted = match *input {
        Input::Answer(answer) => {
            if let Some(vote) = room.vote() {
                // Before the page of the vote is on screen, an answer is one to another question.
                if vote.page != page {
                    return Some(Vec::new());
                }
                let VoteOn { incident, page, round } = vote.clone();
                if room.losses > 0 {
                    let note = "your answer is sent when the connection is back";
                    lab.page.note = Some(note.to_owned());
                }
                let vote = FromLearner::Vote { incident, page, round, answer };
                return Some(vec![Command::Say(vote)]);
            }
            WalkInput::Answer(answer)
        }
        Input::Next => WalkInput::Next,
        Input::Back => WalkInput::Back,
        Input::Hint => WalkInput::Hint,
        Input::Skip => WalkInput::Skip,
        _ => return None,
    };
    let is_answered = lab.session.walk.as_ref().is_some_and(|walk| walk.stage == Stage::Revealed);
    if place.lets(&lab.session, wanted) {
        return None;
    }
    lab.page.note = Some(
        match (place.at, wanted) {
            (Some(_), _) if place.votes && is_answered => {
                "you have answered this question before the class"
            }
            (Some(_), WalkInput::Answer(_)) => "the vote is closed; the presenter continues",
            (Some(_), _) => "the presenter turns the pages for all",
            (None, _) => "the class has not come further than this page",
        }
        .to_owned(),
    );
    Some(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_out_of_a_class_stays_out() {
        let catalogue = crate::pack::catalogue().expect("in order");
        let mut model = Model::new(catalogue, (80, 24));
        model.room = Some(Room::default());
        for news in [News::Out("removed".to_owned()), News::Refused(None), News::Lost] {
            hear(&mut model, news);
            assert!(model.room.is_none());
        }
        assert_eq!(model.overlay, Some(Overlay::Message("removed".to_owned())));
    }
}
