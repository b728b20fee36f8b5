//! The menus of a shift, for front ends that offer choices: a terminal and a page.

use serde::{Deserialize, Serialize};

use super::ShiftInput;
use super::desk::Desk;
use super::diagnosis::Cause;
use super::fact::{CodeRow, Fact, FactKind, ParameterRow};
use super::task::{Look, Task};
use crate::event::Clock;
use crate::incident::manifest::MAX_INSTANCES;
use crate::session::Session;

/// Shares of the load that the menu offers to shed, in percent.
const SHARES: [f64; 5] = [0.0, 25.0, 50.0, 75.0, 90.0];

/// Seconds that the menu offers to wait.
const WAIT_S: u32 = 5;

/// The menus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Menu {
    /// Looks, and the ways to the other menus.
    #[default]
    Top,
    /// Actions on the service.
    Acts,
    /// Changes to roll back.
    Changes,
    /// Numbers of instances.
    Scale,
    /// Shares of the load to shed.
    Shed,
    /// Middlewares to switch.
    Middlewares,
    /// Parameters to set.
    Parameters,
    /// The new value of a parameter.
    Value(String),
    /// Causes to name.
    Causes,
    /// Lines of the code of the cause that was named.
    Lines,
    /// Confirms that the outage is over.
    Over,
}

impl Menu {
    /// The menu that it was opened from.
    pub fn parent(&self) -> Option<Self> {
        Some(match self {
            Self::Top => return None,
            Self::Acts | Self::Causes | Self::Lines | Self::Over => Self::Top,
            Self::Value(_) => Self::Parameters,
            Self::Changes | Self::Scale | Self::Shed | Self::Middlewares | Self::Parameters => {
                Self::Acts
            }
        })
    }

    /// Its title.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Top => "what do you do?",
            Self::Acts => "act on the service",
            Self::Changes => "roll back which change?",
            Self::Scale => "how many instances?",
            Self::Shed => "refuse which share of the requests?",
            Self::Middlewares => "switch which middleware?",
            Self::Parameters => "set which parameter?",
            Self::Value(_) => "new value",
            Self::Causes => "what is the cause?",
            Self::Lines => "which line is the cause?",
            Self::Over => "is the outage over?",
        }
    }
}

/// A row of a menu.
#[derive(Debug, Clone, PartialEq)]
pub struct MenuRow {
    /// Text.
    pub text: String,
    /// Seconds that it takes; none: no time.
    pub cost_s: Option<u32>,
    /// Effect.
    pub choice: Choice,
}

/// The effect of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Sends an input to the session.
    Input(ShiftInput),
    /// Opens a menu.
    Open(Menu),
    /// Nothing: the row says what is missing.
    Nothing,
}

fn task(task: Task) -> MenuRow {
    let text = task.text();
    let text = text.strip_prefix("look: ").map_or(text.clone(), str::to_owned);
    MenuRow { text, cost_s: Some(task.cost_s()), choice: Choice::Input(ShiftInput::Begin(task)) }
}

fn opens(text: &str, menu: Menu) -> MenuRow {
    MenuRow { text: format!("{text} ▸"), cost_s: None, choice: Choice::Open(menu) }
}

fn input(text: impl Into<String>, input: ShiftInput) -> MenuRow {
    MenuRow { text: text.into(), cost_s: None, choice: Choice::Input(input) }
}

fn missing(text: &str) -> MenuRow {
    MenuRow { text: text.to_owned(), cost_s: None, choice: Choice::Nothing }
}

/// The newest fact of a kind.
fn newest<'a, T>(facts: &'a [Fact], of: impl Fn(&'a FactKind) -> Option<T>) -> Option<T> {
    facts.iter().rev().find_map(|fact| of(&fact.kind))
}

/// The rows of a menu; `typed` is the value of a parameter as far as it has been typed.
pub fn rows(session: &Session, menu: &Menu, typed: &str) -> Vec<MenuRow> {
    let Some(desk) = session.desk() else { return Vec::new() };
    let facts = desk.facts;
    match menu {
        Menu::Top => top(session, &desk),
        Menu::Over => vec![input(
            "yes: watch the service without shedding and under more load, then debrief",
            ShiftInput::Over,
        )],
        Menu::Acts => vec![
            opens("roll back", Menu::Changes),
            task(Task::Restart),
            opens("scale", Menu::Scale),
            opens("shed load", Menu::Shed),
            opens("switch a middleware", Menu::Middlewares),
            opens("set a parameter", Menu::Parameters),
            task(Task::Breaker { open: true }),
            task(Task::Breaker { open: false }),
        ],
        Menu::Changes => {
            let changes = newest(facts, |fact| match fact {
                FactKind::Changes { changes } => Some(changes),
                _ => None,
            });
            let mut rows = vec![task(Task::RollBack { change: None })];
            rows.extend(changes.into_iter().flatten().map(|change| MenuRow {
                text: format!("{}. {}", change.change, change.text),
                ..task(Task::RollBack { change: Some(change.change) })
            }));
            rows
        }
        Menu::Scale => {
            (1..=MAX_INSTANCES).map(|instances| task(Task::Scale { instances })).collect()
        }
        Menu::Shed => SHARES.map(|percent| task(Task::Shed { percent })).to_vec(),
        Menu::Middlewares => middlewares(facts),
        Menu::Parameters => parameters(facts),
        Menu::Value(name) => vec![match typed.parse::<f64>() {
            Ok(value) if value.is_finite() => task(Task::Set { name: name.clone(), value }),
            _ => missing(&format!("{name} = {typed}▏  (type a number)")),
        }],
        Menu::Causes => {
            let named = |cause: Cause| input(cause.title, ShiftInput::Name(Some(cause.id)));
            let mut rows = vec![input("nothing is wrong", ShiftInput::Name(None))];
            rows.extend(session.causes().into_iter().map(named));
            rows
        }
        Menu::Lines => {
            let code = newest(facts, |fact| match fact {
                FactKind::Code { lines } => Some(lines),
                _ => None,
            });
            let line = |row: &CodeRow| {
                input(format!("{:>3} {}", row.line, row.text), ShiftInput::Line(row.line))
            };
            code.into_iter().flatten().map(line).collect()
        }
    }
}

fn top(session: &Session, desk: &Desk) -> Vec<MenuRow> {
    let mut rows = Vec::new();
    if session.case.plan.clock == Clock::Virtual {
        rows.push(task(Task::Wait { seconds: WAIT_S }));
    } else if desk.paged_s.is_some() && !desk.is_taken {
        rows.push(input("take the page: I am on it", ShiftInput::Take));
    }
    // The charts are on the screen.
    let looks = Look::ALL.into_iter().filter(|look| *look != Look::Charts);
    rows.extend(looks.map(|what| MenuRow {
        text: format!("look: {}", what.text()),
        ..task(Task::Look { what })
    }));
    rows.push(opens("act on the service", Menu::Acts));
    rows.push(opens("name the cause", Menu::Causes));
    if desk.named.flatten().is_some() {
        rows.push(opens("name the line of the cause", Menu::Lines));
    }
    rows.push(opens("declare the outage over", Menu::Over));
    rows
}

fn middlewares(facts: &[Fact]) -> Vec<MenuRow> {
    let chain = newest(facts, |fact| match fact {
        FactKind::Chain { routes, database, off } => Some((routes, database, off)),
        _ => None,
    });
    let Some((routes, database, off)) = chain else {
        return vec![missing("look at the middleware stack first")];
    };
    let on = off.iter().map(|name| Task::Middleware { name: name.clone(), on: true });
    let other = routes.iter().chain(database).filter(|name| !off.contains(name));
    let off = other.map(|name| Task::Middleware { name: name.clone(), on: false });
    on.chain(off).map(task).collect()
}

fn parameters(facts: &[Fact]) -> Vec<MenuRow> {
    let parameters = newest(facts, |fact| match fact {
        FactKind::Configuration { parameters } => Some(parameters),
        _ => None,
    });
    match parameters {
        None => vec![missing("look at the configuration first")],
        Some(none) if none.is_empty() => vec![missing("this service has no parameters to set")],
        Some(parameters) => {
            let row = |row: &ParameterRow| {
                opens(&format!("{} = {}", row.name, row.value), Menu::Value(row.name.clone()))
            };
            parameters.iter().map(row).collect()
        }
    }
}
