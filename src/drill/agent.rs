//! A program on call: it gets the facts of a shift and acts on it, by JSON lines on its standard input and output.
//!
//! The program gets one message a line, and answers each with one line, until the debrief. It gets what a person gets.
//! All of it is bounded: the length of a line, the number of lines and of refused ones, the time to answer. A program
//! that breaks a bound is ended with its descendants, and the shift is scored as it stands.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::session::shift::desk::Desk;
use firedrill_core::session::shift::diagnosis::{Cause, causes};
use firedrill_core::session::shift::fact::Fact;
use firedrill_core::session::shift::scenario::{LIMIT_MS, Scenario};
use firedrill_core::session::shift::task::{Look, Task};
use firedrill_core::session::shift::{ShiftInput, ShiftStage};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::player::Player;
use crate::supervise::{GRACE, dismiss, supervised};
use firedrill_core::session::shift::debrief::Debrief;

/// Version of the messages.
pub const PROTOCOL: u32 = 1;

/// Bytes of a line of the program, at most.
const LONGEST: u64 = 64 * 1024;

/// Lines of the program, at most.
const MOST_LINES: usize = 2000;

/// Lines of the program that may be refused.
const MOST_REFUSED: usize = 50;

/// Characters of a reason that is repeated, at most.
const MOST_CHARS: usize = 200;

/// Time for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Time to end after the debrief.
const FAREWELL: Duration = Duration::from_secs(2);

/// A message to the program.
#[derive(Debug, Serialize)]
#[serde(tag = "message", rename_all = "snake_case")]
enum Message<'a> {
    /// The first one: what there is to do.
    Shift {
        /// [`PROTOCOL`].
        version: u32,
        level: u8,
        clock: Clock,
        /// Seconds after which the shift ends.
        limit_s: u64,
        /// Looks, with the seconds that each takes.
        looks: Vec<(Look, u32)>,
        /// Causes that can be named.
        causes: &'a [Cause],
        #[serde(flatten)]
        now: Now<'a>,
    },
    /// The line was carried out.
    Facts {
        #[serde(flatten)]
        now: Now<'a>,
    },
    /// The line had no effect.
    Refused {
        /// Number of the line, from 1.
        line: usize,
        why: String,
        #[serde(flatten)]
        now: Now<'a>,
    },
    /// The end.
    Debrief {
        #[serde(flatten)]
        debrief: &'a Debrief,
    },
}

/// The state of the shift.
#[derive(Debug, Serialize)]
struct Now<'a> {
    stage: ShiftStage,
    #[serde(rename = "now_s")]
    at_s: f64,
    paged_s: Option<f64>,
    budget_spent_percent: f64,
    shed_percent: f64,
    /// Facts since the message before.
    facts: &'a [Fact],
}

impl<'a> Now<'a> {
    fn new(desk: &Desk<'a>, known: usize) -> Self {
        Self {
            stage: desk.stage,
            at_s: desk.now_s,
            paged_s: desk.paged_s,
            budget_spent_percent: desk.budget_spent_percent,
            shed_percent: desk.shed_percent,
            facts: &desk.facts[known.min(desk.facts.len())..],
        }
    }
}

/// A line of the program that is not a [`Task`].
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Word {
    Take,
    Name {
        /// An incident's id; null: nothing is wrong.
        cause: Option<String>,
    },
    Line {
        line: usize,
    },
    Hint,
    Over,
}

/// Verbs of a [`Word`].
const WORDS: [&str; 5] = ["take", "name", "line", "hint", "over"];

/// Verbs of a [`Task`].
const TASKS: [&str; 9] =
    ["look", "roll_back", "restart", "scale", "shed", "middleware", "set", "breaker", "wait"];

/// Verbs without another field.
const BARE: [&str; 4] = ["take", "hint", "over", "restart"];

/// Parses a line of the program.
fn parse(line: &str) -> Result<ShiftInput, String> {
    const EXPECTED: &str = "expected an object such as {\"do\":\"look\",\"what\":\"charts\"}";
    let value: serde_json::Value =
        serde_json::from_str(line).map_err(|why| format!("invalid JSON: {why}; {EXPECTED}"))?;
    let Some(verb) = value.get("do").and_then(|verb| verb.as_str()).map(str::to_owned) else {
        return Err(format!("there is no `do` with a verb; {EXPECTED}"));
    };
    if verb == "name" && value.get("cause").is_none() {
        return Err(
            "`name`: missing `cause`: expected an id, or null if nothing is wrong".to_owned()
        );
    }
    let other = value.as_object().and_then(|fields| fields.keys().find(|name| *name != "do"));
    if let Some(other) = other.filter(|_| BARE.contains(&verb.as_str())) {
        return Err(format!("`{verb}`: unknown field `{other}`: expected none but `do`"));
    }
    if WORDS.contains(&verb.as_str()) {
        let word = serde_json::from_value(value).map_err(|why| format!("`{verb}`: {why}"))?;
        return Ok(match word {
            Word::Take => ShiftInput::Take,
            Word::Name { cause } => ShiftInput::Name(cause),
            Word::Line { line } => ShiftInput::Line(line),
            Word::Hint => ShiftInput::Hint,
            Word::Over => ShiftInput::Over,
        });
    }
    if !TASKS.contains(&verb.as_str()) {
        return Err(format!(
            "unknown verb `{verb}`: expected {} or {}",
            WORDS.join(", "),
            TASKS.join(", ")
        ));
    }
    let task: Task = serde_json::from_value(value).map_err(|why| format!("`{verb}`: {why}"))?;
    Ok(ShiftInput::Begin(task))
}

/// The program, and its pipes.
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Why a program is not on call any more.
enum Left {
    /// It closed its output or input.
    Closed,
    /// It broke a bound.
    Broke(String),
}

impl Program {
    fn start(command: &str) -> anyhow::Result<Self> {
        let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
        let mut program = supervised(shell[0])?;
        program.args([shell[1], command]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {command}"))?;
        let input = child.stdin.take().context("it has no standard input")?;
        let output = child.stdout.take().context("it has no standard output")?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    async fn send(&mut self, message: &Message<'_>) -> Result<(), Left> {
        let mut line = serde_json::to_vec(message).unwrap_or_default();
        line.push(b'\n');
        let sent = async {
            self.input.write_all(&line).await?;
            self.input.flush().await
        };
        match timeout(PATIENCE, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Left::Closed),
            Err(_) => Err(Left::Broke(format!("it read nothing for {} s", PATIENCE.as_secs()))),
        }
    }

    async fn line(&mut self) -> Result<String, Left> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.output).take(LONGEST);
        match timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await {
            Err(_) => Err(Left::Broke(format!("it sent nothing for {} s", PATIENCE.as_secs()))),
            Ok(Err(_) | Ok(0)) => Err(Left::Closed),
            Ok(Ok(_)) if line.last() != Some(&b'\n') && line.len() as u64 >= LONGEST => {
                Err(Left::Broke(format!("it sent a line of more than {LONGEST} bytes")))
            }
            Ok(Ok(_)) => Ok(String::from_utf8_lossy(&line).trim().to_owned()),
        }
    }
}

/// A shift that a program was on call for.
#[derive(Debug)]
pub struct OnCall {
    /// The shift, which has ended.
    pub player: Player,
    /// Problems of the program, by line.
    pub notes: Vec<String>,
    /// True if the program left the shift before its end, or was ended.
    pub left: bool,
    /// The debrief.
    pub debrief: Debrief,
}

/// Lets a program take a shift.
///
/// # Errors
///
/// Returns an error if the program or a run cannot start.
pub async fn on_call(
    catalogue: &Catalogue,
    scenario: Scenario,
    clock: Clock,
    command: &str,
) -> anyhow::Result<OnCall> {
    let mut program = Program::start(command)?;
    let mut player = Player::begin(catalogue, scenario, clock).await?;
    let mut notes = Vec::new();
    let left = match converse(&mut program, &mut player, catalogue, &mut notes).await {
        Ok(()) => false,
        Err(Stop::Left(Left::Closed)) => {
            let status = timeout(FAREWELL, program.child.wait()).await;
            notes.push(match status {
                Ok(Ok(status)) => format!("the program ended before the shift, with {status}"),
                _ => "the program closed its output before the end of the shift".to_owned(),
            });
            true
        }
        Err(Stop::Left(Left::Broke(why))) => {
            notes.push(format!("the program was ended: {why}"));
            true
        }
        Err(Stop::Run(why)) => {
            dismiss(&mut program.child, GRACE * 2).await.ok();
            return Err(why);
        }
    };
    if player.shift().stage() != ShiftStage::Ended {
        if !matches!(player.shift().stage(), ShiftStage::Watched) {
            player.settle().await?;
            player.input(ShiftInput::Over).await?;
        }
        player.settle().await?;
    }
    player.end().await;
    let compared = super::references::compare(player.shift(), catalogue).await?;
    let debrief =
        Debrief::new(player.shift(), catalogue, &compared).context("the shift has not ended")?;
    // It may have left before.
    program.send(&Message::Debrief { debrief: &debrief }).await.ok();
    let Program { mut child, input, output } = program;
    drop((input, output));
    if timeout(FAREWELL, child.wait()).await.is_err() {
        dismiss(&mut child, GRACE * 2).await.ok();
    }
    Ok(OnCall { player, notes, left, debrief })
}

/// A reason without control characters, and not longer than a line: it repeats text of the program.
fn shortened(why: &str) -> String {
    let plain: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match plain.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

/// Why a conversation ended early.
enum Stop {
    Left(Left),
    Run(anyhow::Error),
}

impl From<Left> for Stop {
    fn from(left: Left) -> Self {
        Self::Left(left)
    }
}

impl From<anyhow::Error> for Stop {
    fn from(why: anyhow::Error) -> Self {
        Self::Run(why)
    }
}

/// Passes messages and lines on until the shift has ended.
async fn converse(
    program: &mut Program,
    player: &mut Player,
    catalogue: &Catalogue,
    notes: &mut Vec<String>,
) -> Result<(), Stop> {
    player.settle().await?;
    let mut known = 0;
    let all = causes(catalogue);
    let desk = player.shift().desk();
    let shift = Message::Shift {
        version: PROTOCOL,
        level: desk.level,
        clock: player.session().case.plan.clock,
        limit_s: LIMIT_MS / 1000,
        looks: Look::ALL.iter().map(|look| (*look, look.cost_s())).collect(),
        causes: &all,
        now: Now::new(&desk, known),
    };
    program.send(&shift).await?;
    known = player.shift().facts().len();
    let mut refused = 0;
    for number in 1..=MOST_LINES {
        let line = program.line().await?;
        let why = match parse(&line) {
            Ok(input) => player.input(input).await?,
            Err(why) => Some(why),
        };
        player.settle().await?;
        if player.shift().stage() == ShiftStage::Ended {
            return Ok(());
        }
        let desk = player.shift().desk();
        let now = Now::new(&desk, known);
        let message = match why {
            None => Message::Facts { now },
            Some(why) => {
                refused += 1;
                let why = shortened(&why);
                notes.push(format!("line {number}: {why}"));
                Message::Refused { line: number, why, now }
            }
        };
        program.send(&message).await?;
        known = player.shift().facts().len();
        if refused > MOST_REFUSED {
            let why = format!("more than {MOST_REFUSED} of its lines were refused");
            return Err(Left::Broke(why).into());
        }
    }
    Err(Left::Broke(format!("it sent more than {MOST_LINES} lines")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed_or_refused_with_what_was_expected() {
        assert_eq!(
            parse(r#"{"do":"look","what":"charts"}"#),
            Ok(ShiftInput::Begin(Task::Look { what: Look::Charts }))
        );
        assert_eq!(parse(r#"{"do":"name","cause":null}"#), Ok(ShiftInput::Name(None)));
        assert_eq!(
            parse(r#"{"do":"roll_back"}"#),
            Ok(ShiftInput::Begin(Task::RollBack { change: None }))
        );
        let why = |line: &str| parse(line).expect_err("it is refused");
        assert!(why("{").contains("invalid JSON"));
        assert!(why("{\"does\":1}").contains("there is no `do`"));
        assert!(why("{\"do\":\"panic\"}").contains("unknown verb `panic`: expected take"));
        assert!(why("{\"do\":\"look\",\"what\":\"tea\"}").contains("charts"));
        assert!(why("{\"do\":\"look\",\"what\":\"charts\",\"x\":1}").contains('x'));
    }
}
