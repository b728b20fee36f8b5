//! The state of the screen: which part of the program is shown, and how; the session is the state of the rest.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::incident::Manifest;
use firedrill_core::incident::manifest::Symptom;
use firedrill_core::incident::show::Shows;
use firedrill_core::record::UnreadableLines;
use firedrill_core::session::history::Lines;
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::progress::WalkProgress;
use firedrill_core::session::track::RunId;
use firedrill_core::session::walk::Listing;
use firedrill_core::session::walk::follow::Place;
use firedrill_core::session::{Effect, Input, Session};

use super::action::Action;
use super::layout::Layout;
use super::reached_speed::ReachedSpeed;
use super::room::Room;
use super::shift::{ShiftOptions, ShiftScreen};
use crate::run::{Spec, Venue};
use crate::user_state::UserState;

/// Seconds that the charts of a lab span.
const LAB_SPAN_S: f64 = 60.0;

/// Seconds that the charts of a walk span.
const WALK_SPAN_S: f64 = 30.0;

/// The whole screen.
#[derive(Debug)]
pub struct Model {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// The screen itself.
    pub screen: Screen,
    /// The overlay on it.
    pub overlay: Option<Overlay>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// True if there is something new to draw.
    pub dirty: bool,
    /// The layout of the frame that was drawn last.
    pub layout: Layout,
    /// The learner's progress and the theme.
    pub remembered: UserState,
    /// Changes of the user state that are not saved yet.
    pub unsaved: Unsaved,
    /// A note on a key that had no effect, or on progress that could not be saved.
    pub note: Option<String>,
    /// The class that the terminal takes part in.
    pub room: Option<Room>,
}

/// The screens.
#[derive(Debug)]
pub enum Screen {
    /// The list of incidents.
    Catalogue(CatalogueModel),
    /// One incident, running.
    Lab(Box<Lab>),
}

/// The overlays.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The keys, scrolled by lines.
    Help {
        /// Lines down from the first.
        down: usize,
    },
    /// The bugs of the selected lane, with the cursor.
    Bugs {
        /// The bug under the cursor.
        cursor: usize,
    },
    /// Injected faults, with the cursor.
    Chaos {
        /// The fault under the cursor.
        cursor: usize,
    },
    /// The code of the selected lane.
    Code(CodeView),
    /// The metrics of the selected lane.
    Metrics,
    /// The words of a walk's page that the glossary explains.
    Words,
    /// The chains of all lanes, with the cursor on a slot.
    Chain {
        /// The slot under the cursor.
        cursor: usize,
    },
    /// The event log, scrolled back by lines.
    Log {
        /// Lines back from the newest.
        back: usize,
    },
    /// A time to go to, while it is typed.
    GoTo {
        /// The text so far.
        typed: String,
    },
    /// Offers to resume a walk at the page, from 0, at which its run begins.
    Resume {
        /// The page.
        page: usize,
    },
    /// An error message.
    Message(String),
    /// Asks for confirmation of an action that ends a run.
    Confirm(Action),
}

/// The part of the code that is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CodeView {
    /// The sheet, among those of the lane.
    pub sheet: usize,
    /// The first row; none: the line that matters is in the middle.
    pub top: Option<usize>,
    /// If there is no line: true for the busiest line, false for the marked one.
    pub at_wait: bool,
    /// Columns that the code is scrolled to the right.
    pub right: usize,
    /// True if imports are shown.
    pub unfolded: bool,
    /// True to show the fixed variant if only one fits.
    pub fixed: bool,
    /// A note on a key that had no effect.
    pub note: Option<String>,
}

/// The list of incidents.
#[derive(Debug, Default)]
pub struct CatalogueModel {
    /// The one under the cursor, among those that match.
    pub cursor: usize,
    /// The text that is searched for.
    pub search: String,
    /// True if keys go into the search field.
    pub searching: bool,
    /// True if causes and variants are shown.
    pub answers: bool,
    /// The only symptom that is shown; none: all.
    pub symptom: Option<Symptom>,
}

impl CatalogueModel {
    /// Shows the next symptom alone, and after the last one all.
    pub fn next_symptom(&mut self) {
        let shown = self.symptom.and_then(|shown| Symptom::ALL.iter().position(|of| *of == shown));
        self.symptom = Symptom::ALL.get(shown.map_or(0, |shown| shown + 1)).copied();
        self.cursor = 0;
    }

    /// The incidents that match the search and the symptom, in order.
    pub fn matches(&self, catalogue: &'static Catalogue) -> Vec<&'static CatalogueEntry> {
        let wanted = self.search.to_lowercase();
        let matches = |entry: &&CatalogueEntry| {
            let manifest = &entry.manifest;
            if self.symptom.is_some_and(|symptom| symptom != manifest.symptom) {
                return false;
            }
            [manifest.id.as_str(), &manifest.title, manifest.seen_as(), &manifest.summary]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        catalogue.entries.iter().map(|entry| &**entry).filter(matches).collect()
    }
}

/// One incident: its session, and the part of it that is on screen.
#[derive(Debug)]
pub struct Lab {
    /// The session.
    pub session: Session,
    /// The programs that serve its lanes.
    pub venue: Venue,
    /// The lane that keys act on.
    pub selected: usize,
    /// Seconds that the charts span.
    pub span_s: f64,
    /// True for charts per instance.
    pub by_instance: bool,
    /// The lane that tokio-console opens on once it is ready for it.
    pub console_wanted: Option<usize>,
    /// The view that fills the screen for an audience: the selected lane, or a chart of it; none: the usual one.
    pub presents: Option<Option<usize>>,
    /// The run that is recorded, and the file.
    pub recording: Option<(RunId, PathBuf)>,
    /// The page of the walk on screen.
    pub page: PageScreen,
    /// The shift on screen.
    pub shift: Option<ShiftScreen>,
    /// The measured speed of simulated time.
    pub reached_speed: ReachedSpeed,
}

/// Changes of the user state that are not saved yet.
#[derive(Debug, Default)]
pub struct Unsaved {
    /// True if the theme was changed.
    pub theme: bool,
    /// The newest progress of each walk, by incident.
    pub walks: BTreeMap<String, WalkProgress>,
}

/// The page of a walk on screen.
#[derive(Debug, Default)]
pub struct PageScreen {
    /// The number as it is typed.
    pub typed: String,
    /// The option, or the line of code, under the cursor; both from 0. No option is selected at first.
    pub cursor: Option<usize>,
    /// Lines that the text is scrolled down; none: not scrolled by hand.
    pub down: Option<usize>,
    /// True if the presenter's notes are shown.
    pub presenter: bool,
    /// A note on a key that had no effect.
    pub note: Option<String>,
}

impl Model {
    /// The catalogue, first entry selected.
    pub fn new(catalogue: &'static Catalogue, size: (u16, u16)) -> Self {
        let screen = Screen::Catalogue(CatalogueModel::default());
        Self {
            catalogue,
            screen,
            overlay: None,
            size,
            dirty: true,
            layout: Layout::default(),
            remembered: UserState::default(),
            unsaved: Unsaved::default(),
            note: None,
            room: None,
        }
    }

    /// The place of the class in the walk on screen.
    pub fn place(&self) -> Option<Place> {
        match (&self.room, &self.screen) {
            (Some(room), Screen::Lab(lab)) if lab.session.walk.is_some() => {
                room.place(&lab.session.case.plan.incident)
            }
            _ => None,
        }
    }
}

impl Lab {
    /// A lab whose run is about to begin, and its start.
    pub fn new(spec: Spec) -> (Self, Effect) {
        let Spec { case, pacing, venue, .. } = spec;
        let session = Session::new(case, &pacing);
        let plan = session.case.plan.clone();
        let lab = Self::of(session, venue, LAB_SPAN_S);
        (lab, Effect::Start { run: RunId::Main, plan, pacing })
    }

    /// A guided walk, played `faster` times as fast, and its start. The options of its questions are in a random order.
    pub fn walk(spec: Spec, faster: f64) -> (Self, Vec<Effect>) {
        Self::walk_in_order(spec, faster, RandomState::new().build_hasher().finish())
    }

    /// The same with the order of options that this seed decides.
    pub fn walk_in_order(spec: Spec, faster: f64, order_seed: u64) -> (Self, Vec<Effect>) {
        let Spec { case, venue, .. } = spec;
        let (session, effects) = Session::walk(case, faster, order_seed);
        let mut lab = Self::of(session, venue, WALK_SPAN_S);
        lab.turn_page();
        (lab, effects)
    }

    /// An on-call shift, and its start.
    ///
    /// # Errors
    ///
    /// Returns an error if its incident is unknown, or the path of this program is not known.
    pub fn shift(
        catalogue: &'static Catalogue,
        options: ShiftOptions,
    ) -> anyhow::Result<(Self, Vec<Effect>)> {
        let ShiftOptions { scenario, clock, daily, export } = options;
        let (session, effects) = Session::shift(catalogue, scenario, clock)?;
        let mut lab = Self::of(session, Venue::new()?, LAB_SPAN_S);
        lab.shift = Some(ShiftScreen { daily, export, ..ShiftScreen::default() });
        Ok((lab, effects))
    }

    /// A recording, playing from its beginning.
    pub fn recorded(spec: Spec, lines: Lines, faults: &UnreadableLines) -> Self {
        let Spec { case, venue, .. } = spec;
        Self::of(Session::recorded(case, lines, faults), venue, LAB_SPAN_S)
    }

    fn of(session: Session, venue: Venue, span_s: f64) -> Self {
        Self {
            session,
            venue,
            selected: 0,
            span_s,
            by_instance: false,
            console_wanted: None,
            presents: None,
            recording: None,
            page: PageScreen::default(),
            shift: None,
            reached_speed: ReachedSpeed::default(),
        }
    }

    /// Passes an input on to the session, and shows the page that it turns to.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        let at = |session: &Session| session.walk.as_ref().map(|walk| walk.at);
        let before = at(&self.session);
        let effects = self.session.apply(input);
        if at(&self.session) != before {
            self.turn_page();
        }
        effects
    }

    /// Shows a page of the walk from its beginning.
    fn turn_page(&mut self) {
        let presenter = self.page.presenter;
        let page = self.session.page();
        let cursor = page.as_ref().and_then(|page| page.listing()).map(Listing::first);
        self.page = PageScreen { cursor, presenter, ..PageScreen::default() };
        self.selected = 0;
        self.span_s = WALK_SPAN_S;
        self.by_instance =
            page.as_ref().and_then(|page| page.step()).is_some_and(|step| step.by_instance);
    }

    /// The manifest of the incident.
    pub fn manifest(&self) -> &Manifest {
        self.session.case.manifest()
    }

    /// The lane that keys act on, as it is shown.
    pub fn lane(&self) -> &LaneState {
        &self.session.shown().lanes[self.selected]
    }

    /// The number of lanes.
    pub fn lanes(&self) -> usize {
        self.session.main.head.lanes.len()
    }

    /// The stretch of time that the charts show, in seconds.
    pub fn window_s(&self) -> (f64, f64) {
        let now_s = self.session.shown().now_s;
        // A run that has just begun has the whole width.
        let grown = [15.0, 30.0].into_iter().find(|span_s| now_s <= *span_s);
        let span_s = grown.map_or(self.span_s, |span_s| self.span_s.min(span_s));
        let end_s = now_s.max(span_s);
        (end_s - span_s, end_s)
    }

    /// The charts that can be drawn alone: those that are drawn, not written, and may be shown.
    pub fn charts_alone(&self) -> Vec<usize> {
        let known = self.session.disclosure().charts;
        let charts = self.manifest().charts.iter().enumerate();
        let is_drawn = |shows: &Shows| !matches!(shows, Shows::Chain | Shows::Log);
        charts.filter(|(i, chart)| known[*i] && is_drawn(&chart.shows)).map(|(i, _)| i).collect()
    }
}
