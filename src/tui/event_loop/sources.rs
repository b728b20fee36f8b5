//! The things that the loop waits for beside the clock of frames.

use std::future::pending;
use std::io;

use crossterm::event::{Event as Input, EventStream};
use firedrill_core::event::Event;
use futures_util::StreamExt;
use tokio::task::JoinHandle;

use crate::join::client::Link;
use crate::join::state::News;
use crate::run::Run;
use crate::tui::message::Msg;
use crate::tui::shift::Debriefed;
use crate::tui::terminal;

/// The terminal while it is ours.
pub(super) struct Open {
    input: EventStream,
    pub(super) screen: terminal::Screen,
}

impl Open {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { screen: terminal::Screen::enter()?, input: EventStream::new() })
    }
}

pub(super) async fn next_input(open: &mut Option<Open>) -> Option<io::Result<Input>> {
    match open {
        Some(open) => open.input.next().await,
        None => pending().await,
    }
}

/// Waits for the debrief of a shift.
async fn next_debrief(
    debrief: &mut Option<JoinHandle<anyhow::Result<Debriefed>>>,
) -> Result<Box<Debriefed>, String> {
    let Some(debrief) = debrief else { return pending().await };
    match debrief.await {
        Ok(Ok(debriefed)) => Ok(Box::new(debriefed)),
        Ok(Err(why)) => Err(format!("{why:#}")),
        Err(why) => Err(why.to_string()),
    }
}

/// Waits for what is computed, or heard, beside the runs.
pub(super) async fn next_message(
    debrief: &mut Option<JoinHandle<anyhow::Result<Debriefed>>>,
    class: &mut Option<Link>,
) -> Msg {
    tokio::select! {
        debriefed = next_debrief(debrief) => {
            *debrief = None;
            Msg::Debriefed(debriefed)
        }
        news = next_news(class) => Msg::Class(news),
    }
}

/// Waits for news of the class.
async fn next_news(class: &mut Option<Link>) -> News {
    match class {
        Some(link) => match link.news.recv().await {
            Some(news) => news,
            None => pending().await,
        },
        None => pending().await,
    }
}

pub(super) async fn next_event(run: &mut Option<Run>) -> Option<Event> {
    match run {
        Some(run) => run.events.recv().await,
        None => pending().await,
    }
}
