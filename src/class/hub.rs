//! The hub: the room behind a lock, its file, and what each browser is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use firedrill_core::session::walk::follow::Place;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::file::ClassFile;
use super::invitation::Invitation;
use super::offer::{Offer, OfferPage, page_of};
use super::panel;
use super::room::{Lesson, Room};
use super::standing::standing;
use crate::files;
use crate::join::message::{FromLearner, FromPresenter, LearnerId, Pace, Refused, Round};
use crate::join::state::{ClassShift, ClassState, VoteOn};

/// Time between two writes of the file.
const BETWEEN_WRITES: Duration = Duration::from_millis(20);

/// Time between a write that failed and the next.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// A person whose key is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// The presenter.
    Presenter,
    /// A learner.
    Learner(LearnerId),
}

/// The hub of a class.
#[derive(Debug)]
pub struct Hub {
    /// The address and code that learners need.
    pub invitation: Invitation,
    /// The incidents.
    pub offers: Vec<Offer>,
    /// The ids of those that its shifts are drawn from.
    pub in_shifts: Vec<String>,
    /// The folder of the book, canonical.
    pub book: PathBuf,
    path: PathBuf,
    class: Mutex<ClassFile>,
    /// Counts changes.
    changes: watch::Sender<u64>,
    /// Open pages of each learner.
    here: Mutex<BTreeMap<LearnerId, usize>>,
    /// The change up to which the file is written; an error of the last write.
    written: watch::Sender<(u64, Option<String>)>,
}

impl Hub {
    /// A hub for a class that is stored at `path`.
    pub fn new(
        mut class: ClassFile,
        path: PathBuf,
        (offers, in_shifts): (Vec<Offer>, Vec<String>),
        book: PathBuf,
        url: String,
    ) -> Arc<Self> {
        class.room.fit(&offers);
        let invitation = Invitation::new(url, class.code.clone());
        Arc::new(Self {
            invitation,
            offers,
            in_shifts,
            book,
            path,
            class: Mutex::new(class),
            changes: watch::Sender::new(1),
            here: Mutex::default(),
            written: watch::Sender::new((0, None)),
        })
    }

    fn class(&self) -> MutexGuard<'_, ClassFile> {
        self.class.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The person with a key.
    pub fn person(&self, key: &str) -> Option<Person> {
        let class = self.class();
        if class.presenter == key {
            return Some(Person::Presenter);
        }
        class.keys.get(key).map(|learner| Person::Learner(*learner))
    }

    /// Lets a learner in under a new key.
    ///
    /// # Errors
    ///
    /// When the room refuses.
    pub async fn join(&self, name: &str, key: String) -> Result<(), Refused> {
        self.change(|class| {
            let learner = class.room.join(name, now_s())?;
            class.keys.insert(key, learner);
            Ok(())
        })
        .await
    }

    /// Carries out a message of the presenter. It is stored when this returns.
    ///
    /// # Errors
    ///
    /// When the room refuses.
    pub async fn present(&self, message: FromPresenter) -> Result<(), Refused> {
        let mut chance = [0; 4];
        getrandom::fill(&mut chance).map_err(|_| Refused::NoChance)?;
        self.change(|class| {
            class.room.present(&message, &self.offers, u32::from_le_bytes(chance))?;
            let room = &class.room;
            class.keys.retain(|_, learner| room.learners.contains_key(learner));
            Ok(())
        })
        .await
    }

    /// Carries out a message of a learner. It is stored when this returns.
    ///
    /// # Errors
    ///
    /// When the room refuses.
    pub async fn learn(&self, learner: LearnerId, message: FromLearner) -> Result<(), Refused> {
        self.change(|class| class.room.learn(learner, message, &self.offers, now_s())).await
    }

    /// Changes the class, and waits until that is written.
    async fn change(
        &self,
        change: impl FnOnce(&mut ClassFile) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let nth = {
            let mut class = self.class();
            change(&mut class)?;
            self.changes.send_modify(|nth| *nth += 1);
            *self.changes.borrow()
        };
        let mut written = self.written.subscribe();
        // The sender is ours: it is not gone while we wait.
        match written.wait_for(|(written, _)| *written >= nth).await {
            Ok(written) if written.1.is_some() => Err(Refused::NotStored),
            _ => Ok(()),
        }
    }

    /// Writes the file after each change, together with the changes that came meanwhile. A write that fails is tried
    /// again. Does not end.
    pub async fn keep_written(self: Arc<Self>) {
        let mut changes = self.changes.subscribe();
        changes.mark_changed();
        while changes.changed().await.is_ok() {
            let (nth, text) = {
                let class = self.class();
                (*changes.borrow_and_update(), serde_json::to_vec(&*class))
            };
            let path = self.path.clone();
            let write = move || files::write(&path, &text.map_err(std::io::Error::other)?);
            let done = tokio::task::spawn_blocking(write).await;
            let error = match done {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{}: {error}", self.path.display())),
                Err(error) => Some(error.to_string()),
            };
            let pause = if error.is_some() { BETWEEN_TRIES } else { BETWEEN_WRITES };
            let (_, before) = self.written.send_replace((nth, error.clone()));
            // The presenter sees that it fails, and that it does not any more.
            let is_other = error != before;
            tokio::time::sleep(pause).await;
            if error.is_some() || is_other {
                self.changes.send_modify(|nth| *nth += 1);
            }
        }
    }

    /// Changes from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Counts an open page of a person until the value is dropped.
    pub fn opened(self: &Arc<Self>, person: Person) -> Option<Here> {
        let Person::Learner(learner) = person else { return None };
        *self.here().entry(learner).or_default() += 1;
        self.changes.send_modify(|nth| *nth += 1);
        Some(Here { hub: Arc::clone(self), learner })
    }

    fn here(&self) -> MutexGuard<'_, BTreeMap<LearnerId, usize>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the room.
    pub fn room<T>(&self, read: impl FnOnce(&Room) -> T) -> T {
        read(&self.class().room)
    }

    /// The state of the class for a learner's terminal; none for the presenter, and for a learner who is not known
    /// any more.
    pub fn state(&self, person: Person) -> Option<ClassState> {
        let Person::Learner(learner) = person else { return None };
        let here: BTreeSet<LearnerId> = self.here().keys().copied().collect();
        let class = self.class();
        let room = &class.room;
        let here = here.into_iter().filter(|learner| room.learners.contains_key(learner)).collect();
        let lesson = room.lesson.as_ref().filter(|_| !room.is_on_call);
        Some(ClassState {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: room.order_seed.into(),
            standing: standing(room, learner, &here, &self.offers)?,
            incident: lesson.map(|lesson| lesson.incident.clone()),
            place: lesson.and_then(|_| place(room, person, &self.offers)),
            vote: lesson.map(|Lesson { incident, page, round, .. }| VoteOn {
                incident: incident.clone(),
                page: *page,
                round: *round,
            }),
            shift: room.shift().map(|(number, shift)| ClassShift {
                number,
                seed: shift.seed,
                level: shift.level,
                of: self.in_shifts.clone(),
            }),
        })
    }

    /// The content of a person's browser: the panel as HTML, the walk that is open, and the place in it.
    pub fn shown(&self, person: Person) -> Value {
        let mut here: BTreeSet<LearnerId> = self.here().keys().copied().collect();
        let class = self.class();
        let room = &class.room;
        here.retain(|learner| room.learners.contains_key(learner));
        let panel = match person {
            Person::Presenter => {
                panel::of_presenter(room, &here, &self.offers, &self.invitation, now_s())
                    .into_string()
            }
            Person::Learner(learner) => {
                panel::of_learner(room, learner, &here, &self.offers).into_string()
            }
        };
        let error = self.written.borrow().1.clone().filter(|_| person == Person::Presenter);
        let error = error.map(|error| format!("The class is not stored any more: {error}"));
        let lesson = room.lesson.as_ref();
        json!({
            "panel": panel,
            "error": error,
            "incident": lesson.filter(|_| !room.is_on_call).map(|lesson| &lesson.incident),
            "at": at(room, person),
            "vote": lesson.map(|l| json!({ "incident": l.incident, "page": l.page, "round": l.round })),
            "place": place(room, person, &self.offers),
        })
    }
}

/// An open page of a learner.
#[derive(Debug)]
pub struct Here {
    hub: Arc<Hub>,
    learner: LearnerId,
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut here = self.hub.here();
        let left = here.get(&self.learner).map_or(0, |pages| pages - 1);
        if left == 0 {
            here.remove(&self.learner);
        } else {
            here.insert(self.learner, left);
        }
        drop(here);
        self.hub.changes.send_modify(|nth| *nth += 1);
    }
}

/// The path of the page at which a person's browser has to be; none: it may be anywhere.
fn at(room: &Room, person: Person) -> Option<String> {
    if let Some((number, _)) = room.shift() {
        // The presenter's page is the board.
        let shift = format!("/shift/{number}");
        return Some(if person == Person::Presenter { "/room".to_owned() } else { shift });
    }
    let follows = |pace: Pace| person == Person::Presenter || pace != Pace::Free;
    let lesson = room.lesson.as_ref().filter(|lesson| follows(lesson.pace))?;
    Some(format!("/walk/{}.html", lesson.incident))
}

/// The place in the walk at which a person's browser is held.
fn place(room: &Room, person: Person, offers: &[Offer]) -> Option<Place> {
    let lesson = room.lesson.as_ref()?;
    let asks = page_of(offers, &lesson.incident, lesson.page).is_some_and(OfferPage::asks);
    let (at, limit) = match (person, lesson.pace) {
        (Person::Presenter, _) | (_, Pace::Together) => (Some(lesson.page), Some(lesson.page)),
        (_, Pace::UpTo) => (None, Some(lesson.page)),
        (_, Pace::Free) => (None, None),
    };
    let answer = match person {
        Person::Presenter => None,
        Person::Learner(learner) => room.vote_of(learner).map(|(answer, _)| answer),
    };
    let is_learner = person != Person::Presenter;
    Some(Place {
        at,
        limit,
        votes: is_learner && at.is_some() && asks && lesson.round.is_open(),
        revealed: lesson.round == Round::Revealed,
        leads: !is_learner,
        answer,
    })
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "times of people, which go on over a restart")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
