//! Lending the terminal to another program.

use firedrill_core::session::track::RunId;
use tokio::sync::mpsc;

use super::Runs;
use super::sources::{Open, next_event};
use crate::guest::Guest;
use crate::run::signals::Termination;
use crate::supervise::supervised;
use crate::tui::message::Msg;
use crate::tui::model::Model;
use crate::tui::update::update;

impl Runs {
    /// Hands the terminal to a program until it ends; the run goes on meanwhile. Returns what shall end this
    /// one, if that comes first.
    pub(super) async fn hand_over(
        &mut self,
        model: &mut Model,
        program: Vec<String>,
        terminations: &mut mpsc::Receiver<Termination>,
    ) -> Option<Termination> {
        drop(self.open.take());
        let mut run_ended = false;
        let name = program.first().cloned().unwrap_or_default();
        let invited = supervised(&name)
            .and_then(|mut command| Guest::invite(command.args(program.iter().skip(1))));
        let ended = match invited {
            Err(error) => Err(format!("cannot start {name}: {error}")),
            Ok(mut guest) => loop {
                tokio::select! {
                    status = guest.ended() => break match status {
                        // An exercise that does not hold yet is no failure.
                        Ok(status) if status.code().is_some_and(|code| code < 2) => Ok(()),
                        Ok(status) => Err(format!("{name} ended with {status}")),
                        Err(error) => Err(format!("{name}: {error}")),
                    },
                    event = next_event(&mut self.run), if !run_ended => match event {
                        Some(event) => {
                            self.pass_on(model, RunId::Main, event);
                        }
                        // Told in the end: until then nobody looks.
                        None => run_ended = true,
                    },
                    signal = terminations.recv() => {
                        guest.dismiss().await;
                        return Some(signal.unwrap_or(Termination::HungUp));
                    }
                }
            },
        };
        match Open::new() {
            Ok(open) => self.open = Some(open),
            Err(_) => return Some(Termination::HungUp),
        }
        update(model, Msg::GivenBack(ended));
        None
    }
}
