//! Progress of a run, on standard error.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use firedrill_core::event::{Event, EventKind, ExitCause};
use firedrill_core::figures::{clock, count};
use firedrill_core::prose;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::timeout;

use crate::notice::note;
use crate::run::Spec;

/// Limit of queued output.
const WAITING: usize = 1024;

/// Shows how a run goes on, from a thread of its own: where standard error takes no more output, the run
/// goes on, and signals are heard.
#[derive(Debug)]
pub(super) struct Progress {
    to: SyncSender<Item>,
    left_out: u64,
    thread: Option<JoinHandle<()>>,
}

/// Output items.
enum Item {
    Event(Box<Event>),
    Line(String),
}

impl Progress {
    /// Begins.
    pub(super) fn new(spec: &Spec) -> Self {
        let (to, told) = sync_channel(WAITING);
        let mut shown = Shown::new(spec);
        let show = move || {
            for told in told {
                match told {
                    Item::Event(event) => shown.show(&event),
                    Item::Line(line) => shown.say(&line),
                }
            }
            shown.finish();
        };
        // Without a thread the run is as good, and silent.
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(show).ok();
        Self { to, left_out: 0, thread }
    }

    /// Shows an event.
    pub(super) fn show(&mut self, event: &Event) {
        self.tell(Item::Event(Box::new(event.clone())));
    }

    /// Shows a line.
    pub(super) fn say(&mut self, line: impl Into<String>) {
        self.tell(Item::Line(line.into()));
    }

    fn tell(&mut self, told: Item) {
        if self.to.try_send(told).is_err() {
            self.left_out += 1;
        }
    }

    /// Waits until everything is shown, or for so long.
    pub(super) async fn finish(self, patience: Duration) {
        let Self { to, left_out, thread } = self;
        if left_out > 0 {
            let line = format!("{left_out} events were not printed: standard error is blocked");
            // Where there is no room yet, there is nobody to tell.
            to.try_send(Item::Line(line)).ok();
        }
        drop(to);
        let Some(thread) = thread else { return };
        let shown = tokio::task::spawn_blocking(move || thread.join());
        // What standard error does not take by then, it will not.
        timeout(patience, shown).await.ok();
    }
}

/// A bar on a terminal, lines elsewhere.
struct Shown {
    bar: Option<ProgressBar>,
    names: Vec<String>,
    tasks: Vec<String>,
    /// Stretches of five seconds that have been told.
    said_fives: u64,
}

impl Shown {
    fn new(spec: &Spec) -> Self {
        let seconds =
            spec.case.plan.duration().unwrap_or(Duration::from_secs(1)).as_millis() as u64;
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(seconds);
            let style = ProgressStyle::with_template("{bar:30} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let letters = 'A'..='Z';
        let names: Vec<String> =
            letters.zip(&spec.case.plan.variants).map(|(l, v)| format!("{l} {v}")).collect();
        let tasks = vec![String::new(); names.len()];
        Self { bar, names, tasks, said_fives: 0 }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => note(line),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&mut self, event: &Event) {
        let at = clock(event.at_ms as f64 / 1000.0);
        let lane = event.lane.and_then(|lane| self.names.get(lane)).cloned().unwrap_or_default();
        if let Some(bar) = &self.bar {
            bar.set_position(event.at_ms);
        }
        let line = match &event.what {
            EventKind::Sample(sample) => {
                if let (Some(lane), Some(tasks)) = (event.lane, &sample.server) {
                    self.tasks[lane] = count(tasks.tasks);
                } else if let Some(lane) = event.lane {
                    "down".clone_into(&mut self.tasks[lane]);
                }
                let lanes = self.names.iter().zip(&self.tasks);
                let each: Vec<String> =
                    lanes.map(|(name, tasks)| format!("{name} {tasks}")).collect();
                let tasks = format!("tasks: {}", each.join(" · "));
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{at}  {tasks}"));
                    return;
                }
                let fives = event.at_ms / 5000;
                if fives <= self.said_fives {
                    return;
                }
                self.said_fives = fives;
                self.say(&format!("{at}  {tasks}"));
                return;
            }
            EventKind::Exit { cause: ExitCause::Stopped, .. } | EventKind::Log { .. } => return,
            EventKind::Rate { .. } if event.at_ms == 0 => return,
            what => match prose::line(what) {
                Some(line) => line,
                None => return,
            },
        };
        let lane = if lane.is_empty() { lane } else { format!("{lane}: ") };
        self.say(&format!("{at}  {lane}{line}"));
    }
}
