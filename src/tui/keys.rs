//! What each key does. Key bar and help are made from these tables.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::{Model, Overlay, Screen};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is told in the tables below")]
pub enum Action {
    Quit,
    Help,
    Back,
    Up,
    Down,
    PageUp,
    PageDown,
    Open,
    OpenAll,
    Search,
    ToggleBug,
    NextLane,
    PreviousLane,
    Lane(usize),
    Bugs,
    NextVariant,
    LoadUp,
    LoadDown,
    Freeze,
    Restart,
    Reset,
    Zoom,
    Code,
    Metrics,
    Log,
    Console,
}

/// One key, or several that do the same.
#[derive(Debug)]
pub struct Binding {
    codes: &'static [KeyCode],
    /// What it asks for.
    pub action: Action,
    /// The key, as the key bar shows it.
    pub key: &'static str,
    /// What it does, in a word or two for the key bar; empty: not in the bar.
    pub short: &'static str,
    /// What it does, for the help.
    pub long: &'static str,
}

const fn binding(
    codes: &'static [KeyCode],
    action: Action,
    (key, short, long): (&'static str, &'static str, &'static str),
) -> Binding {
    Binding { codes, action, key, short, long }
}

use Action as A;
use KeyCode::{BackTab, Char, Enter, Esc, Left, PageDown, PageUp, Right, Tab};

const QUIT: Binding = binding(&[Char('q')], A::Quit, ("q", "quit", "leave the program"));
const HELP: Binding = binding(&[Char('?')], A::Help, ("?", "help", "these keys"));
const UP: Binding = binding(&[KeyCode::Up, Char('k')], A::Up, ("↑", "", "up"));
const DOWN: Binding = binding(&[KeyCode::Down, Char('j')], A::Down, ("↓", "", "down"));

static CATALOGUE: &[Binding] = &[
    binding(&[Enter], A::Open, ("enter", "run", "run the broken beside the fixed variant")),
    binding(
        &[Char('a')],
        A::OpenAll,
        ("a", "run all variants", "run all variants, up to four lanes"),
    ),
    UP,
    DOWN,
    binding(
        &[Char('/')],
        A::Search,
        ("/", "search", "search; enter keeps what is found, esc ends it"),
    ),
    HELP,
    binding(&[Esc], A::Back, ("esc", "", "end the search")),
    QUIT,
];

static LAB: &[Binding] = &[
    binding(
        &[Char(' ')],
        A::ToggleBug,
        ("space", "bug on/off", "switch this incident's bug in the selected lane"),
    ),
    binding(&[Tab, Right, Char('l')], A::NextLane, ("tab", "lane", "select the next lane")),
    binding(&[BackTab, Left, Char('h')], A::PreviousLane, ("⇧tab", "", "select the lane before")),
    binding(&[Char('1')], A::Lane(0), ("1", "", "select lane A; 2, 3, 4 the others")),
    binding(&[Char('2')], A::Lane(1), ("2", "", "")),
    binding(&[Char('3')], A::Lane(2), ("3", "", "")),
    binding(&[Char('4')], A::Lane(3), ("4", "", "")),
    binding(
        &[Char('c')],
        A::Code,
        ("c", "code", "the lane's code, with the tasks that wait at each line"),
    ),
    binding(&[Char('b')], A::Bugs, ("b", "bugs", "all bugs, to switch in the selected lane")),
    binding(
        &[Char('+'), Char('=')],
        A::LoadUp,
        ("+", "load", "more load, up to five times the incident's"),
    ),
    binding(&[Char('-')], A::LoadDown, ("-", "", "less load, down to a tenth")),
    binding(&[Char('f')], A::Freeze, ("f", "freeze", "hold the screen still; the run goes on")),
    binding(&[Char('r')], A::Restart, ("r", "restart", "restart the selected lane's process")),
    binding(&[Char('R')], A::Reset, ("R", "reset", "start the whole run anew")),
    binding(&[Char('z')], A::Zoom, ("z", "zoom", "charts over one or ten minutes")),
    binding(&[Char('m')], A::Metrics, ("m", "metrics", "everything the selected lane measures")),
    binding(&[Char('e')], A::Log, ("e", "events", "the whole event log")),
    binding(
        &[Char('t')],
        A::Console,
        (
            "t",
            "tokio-console",
            "tokio-console on the selected lane; restarts it with instruments at first",
        ),
    ),
    HELP,
    binding(&[Esc], A::Back, ("esc", "back", "back to the catalogue; the run ends")),
    QUIT,
];

static BUGS: &[Binding] = &[
    binding(
        &[Char(' '), Enter],
        A::ToggleBug,
        ("space", "on/off", "switch the bug under the cursor"),
    ),
    binding(&[Right, Left, Char('v')], A::NextVariant, ("→", "variant", "the bug's next variant")),
    UP,
    DOWN,
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane's bugs")),
    binding(&[Esc, Char('b')], A::Back, ("esc", "close", "close this")),
    QUIT,
];

static SCROLLED: &[Binding] = &[
    UP,
    DOWN,
    binding(&[PageUp], A::PageUp, ("pgup", "page up", "a page up")),
    binding(&[PageDown], A::PageDown, ("pgdn", "page down", "a page down")),
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane")),
    binding(&[Esc, Char('c'), Char('e')], A::Back, ("esc", "close", "close this")),
    QUIT,
];

static METRICS: &[Binding] = &[
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane")),
    binding(&[Esc, Char('m')], A::Back, ("esc", "close", "close this")),
    QUIT,
];

static MESSAGE: &[Binding] =
    &[binding(&[Esc, Enter], A::Back, ("esc", "close", "close this")), QUIT];

static HELP_SCREEN: &[Binding] =
    &[binding(&[Esc, Char('?'), Enter], A::Back, ("esc", "close", "close this")), QUIT];

/// The keys of what lies on top.
pub fn bindings(model: &Model) -> &'static [Binding] {
    match &model.overlay {
        Some(Overlay::Help) => HELP_SCREEN,
        Some(Overlay::Bugs { .. }) => BUGS,
        Some(Overlay::Code { .. } | Overlay::Log { .. }) => SCROLLED,
        Some(Overlay::Metrics) => METRICS,
        Some(Overlay::Message(_)) => MESSAGE,
        None => screen_bindings(model),
    }
}

/// The keys of the screen itself, whatever lies over it.
pub fn screen_bindings(model: &Model) -> &'static [Binding] {
    match &model.screen {
        Screen::Catalogue(_) => CATALOGUE,
        Screen::Lab(_) => LAB,
    }
}

/// What a key asks for now.
pub fn action(model: &Model, key: KeyEvent) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == Char('c')).then_some(Action::Quit);
    }
    bindings(model).iter().find(|b| b.codes.contains(&key.code)).map(|b| b.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_and_all_are_explained() {
        for table in [CATALOGUE, LAB, BUGS, SCROLLED, METRICS, MESSAGE, HELP_SCREEN] {
            let codes: Vec<KeyCode> = table.iter().flat_map(|b| b.codes).copied().collect();
            for (i, code) in codes.iter().enumerate() {
                assert!(!codes[..i].contains(code), "{code:?} stands twice");
            }
            assert!(table.iter().any(|b| b.action == Action::Quit));
        }
    }
}
