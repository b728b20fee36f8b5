//! The tables of keys, one a screen or overlay.

use crossterm::event::KeyCode;

use super::{Binding, binding};
use crate::tui::action::Action;

use Action as A;
use KeyCode::{BackTab, Char, Enter, Esc, Left, PageDown, PageUp, Right, Tab};

const QUIT: Binding = binding(&[Char('q')], A::Quit, ("q", "quit", "leave the program"));
const HELP: Binding = binding(&[Char('?')], A::Help, ("?", "help", "these keys"));
const UP: Binding = binding(&[KeyCode::Up, Char('k')], A::Up, ("↑", "", "up"));
const DOWN: Binding = binding(&[KeyCode::Down, Char('j')], A::Down, ("↓", "", "down"));

/// In tables where another row explains both directions.
const DOWN_TOO: Binding = binding(&[KeyCode::Down, Char('j')], A::Down, ("↓", "", ""));
const PAGE_DOWN_TOO: Binding = binding(&[PageDown], A::PageDown, ("pgdn", "", ""));

const PAGE_UP: Binding = binding(&[PageUp], A::PageUp, ("pgup", "page up", "a page up"));
const PAGE_DOWN: Binding = binding(&[PageDown], A::PageDown, ("pgdn", "page down", "a page down"));

const EXERCISE: Binding = binding(
    &[Char('e')],
    A::Exercise,
    ("e", "fix", "the exercise: fix the code in your editor; checked on every save"),
);

pub(super) static CATALOGUE: Table = &[&[
    binding(
        &[Enter],
        A::Open,
        ("enter", "begin", "the guided walk; the lab once you have finished the walk"),
    ),
    binding(&[Char('W')], A::Walk, ("W", "walk", "the guided walk: predict, run, explain")),
    binding(&[Char('l')], A::OpenLab, ("l", "lab", "the lab: broken and fixed side by side")),
    EXERCISE,
    UP,
    DOWN,
    binding(
        &[Tab],
        A::NextSymptom,
        (
            "tab",
            "symptom",
            "one symptom alone: slow, down, wrong answers, leak, security; then all",
        ),
    ),
    binding(
        &[Char('/')],
        A::Search,
        ("/", "search", "search; enter keeps the result, esc clears it"),
    ),
    binding(&[Char('a')], A::OpenAll, ("a", "all", "the lab with all variants, up to four lanes")),
    binding(&[Char('C')], A::Answers, ("C", "causes", "show or hide causes and variants")),
    HELP,
    binding(&[Esc], A::Back, ("esc", "", "end the search; all symptoms")),
    QUIT,
]];

const LANE: Binding = binding(
    &[Tab],
    A::NextLane,
    ("tab", "lane", "select the next lane; ⇧tab the previous one, 1 to 4 by number"),
);
const LANE_BEFORE: Binding = binding(&[BackTab], A::PreviousLane, ("⇧tab", "", ""));
const LANE_1: Binding = binding(&[Char('1')], A::Lane(0), ("1", "", ""));
const LANE_2: Binding = binding(&[Char('2')], A::Lane(1), ("2", "", ""));
const LANE_3: Binding = binding(&[Char('3')], A::Lane(2), ("3", "", ""));
const LANE_4: Binding = binding(&[Char('4')], A::Lane(3), ("4", "", ""));
const CODE: Binding = binding(
    &[Char('c')],
    A::Code,
    ("c", "code", "the lane's code, with the number of tasks suspended at each line"),
);
const METRICS_KEY: Binding =
    binding(&[Char('m')], A::Metrics, ("m", "metrics", "all metrics of the selected lane"));
const CHAIN_KEY: Binding = binding(
    &[Char('d')],
    A::Chain,
    ("d", "chain", "the middleware stack of every lane; switch slots off and on"),
);
const EVENTS: Binding = binding(&[Char('L')], A::Log, ("L", "log", "the whole event log"));
const ZOOM: Binding =
    binding(&[Char('z')], A::Zoom, ("z", "zoom", "charts over one or ten minutes"));
const REWIND: Binding = binding(&[Left], A::Rewind, ("←", "back", "five seconds back"));
const FORWARD: Binding = binding(&[Right], A::Forward, ("→", "forward", "five seconds forward"));
const STEP_BACK: Binding = binding(&[Char(',')], A::StepBack, (",", "", "one sample back"));
const STEP: Binding = binding(&[Char('.')], A::Step, (".", "step", "one sample forward"));
const NEXT_EVENT: Binding = binding(
    &[Char('n')],
    A::NextEvent,
    ("n", "next event", "to the next phase, switch, exit or restart"),
);
const EVENT_BEFORE: Binding =
    binding(&[Char('N')], A::EventBefore, ("N", "", "to the previous event"));
const FASTER: Binding = binding(&[Char('>')], A::Faster, ("< >", "speed", "slower, faster"));
const SLOWER: Binding = binding(&[Char('<')], A::Slower, ("<", "", ""));
const GO_TO: Binding = binding(&[Char('g')], A::GoTo, ("g", "go to", "go to a time, such as 1:30"));
const BUG: Binding = binding(
    &[Char(' ')],
    A::ToggleBug,
    ("space", "bug on/off", "switch this incident's bug on or off in the selected lane"),
);
const BUGS_KEY: Binding =
    binding(&[Char('b')], A::Bugs, ("b", "bugs", "switch any bug on or off in the selected lane"));
const CHAOS_KEY: Binding = binding(
    &[Char('x')],
    A::Chaos,
    ("x", "", "inject faults in all lanes: delays, errors, a concurrency limit"),
);
const LOAD_UP: Binding = binding(
    &[Char('+'), Char('=')],
    A::LoadUp,
    ("+ -", "load", "more load, up to five times the incident's; less, down to a tenth"),
);
const LOAD_DOWN: Binding = binding(&[Char('-')], A::LoadDown, ("-", "", ""));
const SCALE_OUT: Binding = binding(
    &[Char(']')],
    A::ScaleOut,
    ("[ ]", "", "add an instance to the selected lane, up to eight; remove one"),
);
const SCALE_IN: Binding = binding(&[Char('[')], A::ScaleIn, ("[", "", ""));
const INSTANCES: Binding =
    binding(&[Char('i')], A::Instances, ("i", "", "charts per instance, or for the whole lane"));
const RESTART: Binding =
    binding(&[Char('r')], A::Restart, ("r", "restart", "restart the selected lane's process"));
const FREEZE: Binding =
    binding(&[Char('f')], A::Freeze, ("f", "freeze", "freeze the screen, to look back from there"));
const RECORD: Binding = binding(
    &[Char('S')],
    A::Record,
    ("S", "record", "record the run to a file, from its beginning; or stop"),
);
const PRESENT: Binding = binding(
    &[Char('P')],
    A::Present,
    ("P", "", "presenter view: the lane, then each chart, fills the screen"),
);
const REPEAT: Binding = binding(
    &[Char('A')],
    A::RepeatPhases,
    ("A", "", "repeat the incident's phases after the release, such as a database that fails"),
);
const LEAVE: Binding = binding(&[Esc], A::Back, ("esc", "leave", "back to the catalogue"));

/// Keys that select a lane.
const LANES: &[Binding] = &[LANE, LANE_BEFORE, LANE_1, LANE_2, LANE_3, LANE_4];

/// Keys that change load, faults and bugs.
const WORLD: &[Binding] =
    &[BUGS_KEY, CHAIN_KEY, CHAOS_KEY, REPEAT, LOAD_UP, LOAD_DOWN, SCALE_OUT, SCALE_IN, INSTANCES];

/// Keys that move in the past.
const SEEK: &[Binding] =
    &[REWIND, FORWARD, STEP, STEP_BACK, NEXT_EVENT, EVENT_BEFORE, GO_TO, FASTER, SLOWER];

/// Keys that open details.
const LOOK: &[Binding] = &[CODE, ZOOM, METRICS_KEY, EVENTS, INSTANCES, PRESENT];

const PLAY: Binding =
    binding(&[Char(' ')], A::PlayPause, ("space", "play/pause", "play, or pause"));

const RESET: Binding = binding(&[Char('R')], A::Reset, ("R", "reset", "start the whole run again"));

const END: Binding =
    binding(&[Esc], A::Back, ("esc", "back", "back to the catalogue; the run ends"));

/// Keys in the order of the bar and the help, in groups.
pub(super) type Table = &'static [&'static [Binding]];

pub(super) static LAB: Table = &[
    &[BUG, RESTART],
    LANES,
    &[
        CODE,
        binding(
            &[Char('v')],
            A::TimeLapse,
            ("v", "run ahead", "run ahead in simulated time, at any speed"),
        ),
        binding(
            &[Left],
            A::Rewind,
            ("←", "rewind", "go back five seconds; the run continues in the background"),
        ),
    ],
    WORLD,
    &[RECORD, FREEZE, RESET, ZOOM, METRICS_KEY, EVENTS, PRESENT],
    &[
        binding(
            &[Char('t')],
            A::Console,
            (
                "t",
                "tokio-console",
                "tokio-console on the lane; restarts it with instrumentation first",
            ),
        ),
        GO_TO,
        HELP,
        END,
        QUIT,
    ],
];

/// A simulated run.
pub(super) static LAPSE: Table = &[
    &[FASTER, SLOWER],
    &[binding(&[Char('v'), Esc], A::TimeLapse, ("v", "back to live", "back to the live run")), BUG],
    LANES,
    &[CODE, ZOOM],
    WORLD,
    &[REWIND, FREEZE, RESTART, METRICS_KEY, EVENTS, PRESENT, RECORD, GO_TO, HELP, QUIT],
];

/// A lab in simulated time from its beginning.
pub(super) static VIRTUAL: Table = &[
    &[FASTER, SLOWER, BUG],
    LANES,
    &[CODE, ZOOM],
    WORLD,
    &[REWIND, FREEZE, RESTART, RESET, METRICS_KEY, EVENTS, PRESENT, RECORD, GO_TO, HELP, END, QUIT],
];

/// The past of a run that goes on.
pub(super) static PAST: Table = &[
    &[binding(&[Char('f'), Esc], A::Now, ("f", "now", "back to the present")), PLAY],
    SEEK,
    LANES,
    LOOK,
    &[HELP, QUIT],
];

/// A recording.
pub(super) static RECORDING: Table = &[&[PLAY], SEEK, LANES, LOOK, &[HELP, LEAVE, QUIT]];

/// A guided walk.
pub(super) static WALK: Table = &[
    &[
        binding(
            &[Enter],
            A::WalkOn,
            ("enter", "continue", "commit the answer; continue the run; next page"),
        ),
        binding(&[Left, KeyCode::Backspace], A::WalkBack, ("←", "back", "the previous page")),
        binding(&[Char('h')], A::Hint, ("h", "hint", "the next hint")),
        binding(&[Char('s')], A::Skip, ("s", "skip", "skip the question, or the rest of the run")),
        UP,
        DOWN,
        binding(&[PageUp], A::PageUp, ("pgup", "", "ten lines up")),
        binding(&[PageDown], A::PageDown, ("pgdn", "", "ten lines down")),
        binding(&[Char('w')], A::Words, ("w", "words", "the underlined words of this page")),
        binding(&[Char('p')], A::Presenter, ("p", "", "notes for the presenter")),
    ],
    &[LANE, EVENTS, PRESENT, HELP, END, QUIT],
];

/// The last page of a walk.
pub(super) static WALK_END: Table = &[&[
    binding(&[KeyCode::Up, Char('k')], A::Up, ("↑ ↓", "scroll", "up and down")),
    DOWN_TOO,
    PAGE_UP,
    PAGE_DOWN,
    binding(&[Left, KeyCode::Backspace], A::WalkBack, ("←", "back", "the previous page")),
    binding(&[Char('w')], A::Words, ("w", "words", "the underlined words of this page")),
    binding(&[Enter], A::WalkOn, ("enter", "", "nothing: this is the last page")),
    EXERCISE,
    HELP,
    LEAVE,
    QUIT,
]];

/// An on-call shift.
pub(super) static SHIFT: Table = &[&[
    binding(&[Enter], A::WalkOn, ("enter", "do it", "the row under the cursor")),
    binding(&[KeyCode::Up, Char('k')], A::Up, ("↑ ↓", "select", "up and down")),
    DOWN_TOO,
    binding(&[PageUp], A::PageUp, ("pgup pgdn", "facts", "scroll the facts up and down")),
    PAGE_DOWN_TOO,
    binding(&[Char('h')], A::Hint, ("h", "hint", "a hint; costs points")),
    HELP,
    binding(&[Esc], A::Back, ("esc", "back", "back a menu; from the first one, leave the shift")),
    QUIT,
]];

/// The debrief of a shift.
pub(super) static SHIFT_END: Table = &[
    &[
        binding(&[KeyCode::Up, Char('k')], A::Up, ("↑ ↓", "scroll", "up and down")),
        DOWN_TOO,
        PAGE_UP,
        PAGE_DOWN,
        binding(&[Left], A::Rewind, ("← →", "time", "five seconds back in the shift")),
        binding(&[Right], A::Forward, ("→", "", "five seconds forward")),
        HELP,
    ],
    &[LEAVE, QUIT],
];

pub(super) static GO_TO_KEYS: Table = &[&[
    binding(&[Enter], A::Open, ("enter", "go", "go there")),
    binding(&[Esc], A::Back, ("esc", "close", "stay here")),
    QUIT,
]];

pub(super) static BUGS: Table = &[&[
    binding(
        &[Char(' '), Enter],
        A::ToggleBug,
        ("space", "on/off", "switch the bug under the cursor"),
    ),
    binding(&[Right, Left], A::NextVariant, ("→", "variant", "the bug's next variant")),
    UP,
    DOWN,
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane's bugs")),
    binding(&[Esc, Char('b')], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

pub(super) static CHAOS: Table = &[&[
    binding(
        &[Char(' '), Enter],
        A::ToggleBug,
        ("space", "on/off", "switch the fault under the cursor"),
    ),
    UP,
    DOWN,
    binding(&[Esc, Char('x')], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

pub(super) static CHAIN: Table = &[&[
    binding(&[Char(' '), Enter], A::ToggleBug, ("space", "off/on", "switch the slot off, or on")),
    UP,
    DOWN,
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane's slots")),
    binding(&[Esc, Char('d')], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

pub(super) static SCROLLED: Table = &[&[
    UP,
    DOWN,
    PAGE_UP,
    PAGE_DOWN,
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane")),
    binding(&[Esc, Char('L')], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

pub(super) static CODE_KEYS: Table = &[&[
    binding(&[KeyCode::Up, Char('k')], A::Up, ("↑ ↓", "scroll", "up and down")),
    DOWN_TOO,
    binding(&[PageUp], A::PageUp, ("pgup", "", "a page up")),
    binding(&[PageDown], A::PageDown, ("pgdn", "", "a page down")),
    binding(&[Char('n')], A::NextFile, ("n", "file", "the next file of this lane's code")),
    binding(
        &[Enter],
        A::ToWait,
        ("enter", "busiest line", "to the line where most tasks are suspended"),
    ),
    binding(&[Right], A::ScrollRight, ("→", "", "the code to the right")),
    binding(&[Left], A::ScrollLeft, ("←", "", "the code to the left")),
    binding(
        &[Char('o')],
        A::OtherSide,
        ("o", "other variant", "the other variant, if only one fits the screen"),
    ),
    binding(&[Char('u')], A::Unfold, ("u", "unfold", "show or fold imports")),
    binding(&[Char('E')], A::Edit, ("E", "edit", "open the file in $EDITOR")),
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane")),
    binding(&[Esc, Char('c')], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

pub(super) static METRICS: Table = &[&[
    binding(&[Tab], A::NextLane, ("tab", "lane", "the next lane")),
    binding(&[Esc, Char('m')], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

pub(super) static WORDS: Table =
    &[&[binding(&[Esc, Char('w'), Enter], A::Back, ("esc", "close", "close this")), QUIT]];

pub(super) static CONFIRM: Table = &[&[
    binding(&[Enter, Char('y')], A::Open, ("enter", "yes", "do it")),
    binding(&[Esc, Char('n')], A::Back, ("esc", "no", "close this")),
    QUIT,
]];

pub(super) static MESSAGE: Table =
    &[&[binding(&[Esc, Enter], A::Back, ("esc", "close", "close this")), QUIT]];

pub(super) static HELP_SCREEN: Table = &[&[
    UP,
    DOWN,
    binding(&[PageUp], A::PageUp, ("pgup", "", "a page up")),
    binding(&[PageDown], A::PageDown, ("pgdn", "", "a page down")),
    binding(&[Esc, Char('?'), Enter], A::Back, ("esc", "close", "close this")),
    QUIT,
]];

/// Keys beside those of the screen while the terminal takes part in a class.
pub(super) static ROOM: Table = &[&[binding(
    &[Char('H')],
    A::Hand,
    ("H", "hand", "raise your hand in the class, or lower it"),
)]];
