//! The verdict, for people, at a terminal or in a file.

use std::io::{self, IsTerminal, Write};

use crossterm::style::{Color, Stylize};
use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::figures::{mib, number};
use firedrill_core::incident::exercise::{Exercise, YOURS};
use firedrill_core::incident::measure::{Level, Measure};
use firedrill_core::sanitize::sanitize;
use firedrill_core::timeline::LaneLine;
use firedrill_core::verdict::{Check, Period, value};

use super::judge::Judged;
use super::package::Package;
use super::trial::{LearnerOutput, Tried};
use crate::diff::{Piece, pieces};

/// Columns of a line of text at most, for the eye.
const WIDEST: usize = 96;

/// Lines around a change.
const CONTEXT: usize = 2;

/// Standard output, for people.
#[derive(Debug, Clone, Copy)]
pub struct Paper {
    colours: bool,
    /// True in raw mode, in which a new line does not return to the first column.
    raw: bool,
}

impl Paper {
    /// Standard output as it is; `raw` where the terminal takes keys as they are pressed.
    pub fn new(raw: bool) -> Self {
        let named = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: io::stdout().is_terminal() && !named, raw }
    }

    /// Returns true if it supports colours.
    pub fn has_colours(self) -> bool {
        self.colours
    }

    /// Writes bytes that are somebody else's, as they are.
    ///
    /// # Errors
    ///
    /// When nobody reads.
    pub fn pass(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.raw {
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                match line.split_last() {
                    Some((b'\n', line)) => {
                        out.write_all(line).and_then(|()| out.write_all(b"\r\n"))
                    }
                    _ => out.write_all(line),
                }?;
            }
        } else {
            out.write_all(bytes)?;
        }
        out.flush()
    }

    /// Writes a line.
    ///
    /// # Errors
    ///
    /// When nobody reads.
    pub fn line(self, line: &str) -> io::Result<()> {
        self.pass(format!("{line}\n").as_bytes())
    }

    /// Writes a text, broken into lines that fit.
    ///
    /// # Errors
    ///
    /// When nobody reads.
    pub fn text(self, indent: &str, text: &str) -> io::Result<()> {
        let columns = usize::from(crate::terminal_size::size().0.0);
        let options = textwrap::Options::new(columns.clamp(20, WIDEST))
            .initial_indent(indent)
            .subsequent_indent(indent);
        textwrap::wrap(text.trim(), options).iter().try_for_each(|line| self.line(line))
    }

    /// A line in a colour and in bold.
    pub(super) fn strong(self, text: &str, colour: Color) -> String {
        if self.colours { text.with(colour).bold().to_string() } else { text.to_owned() }
    }

    fn coloured(self, text: &str, colour: Color) -> String {
        if self.colours { text.with(colour).to_string() } else { text.to_owned() }
    }
}

/// Tells a verdict.
///
/// # Errors
///
/// When nobody reads.
pub fn verdict(
    paper: Paper,
    (package, exercise): (&Package, &Exercise),
    judged: &Judged,
    written: &str,
) -> io::Result<()> {
    let entry = package.entry;
    match judged {
        Judged::Broke { number, says, said } => {
            paper.line(&paper.strong("✗ Your program did not complete a run.", Color::Red))?;
            paper.text("  ", &format!("Trial {number}: {}", sanitize(says)))?;
            if says.contains("no event of a lane") {
                let says = "Standard output is used for measurements. Use `eprintln!` to print.";
                paper.text("  ", says)?;
            }
            wrote(paper, said)
        }
        Judged::Fails { number, trial, checks, partial_fix, said, .. } => {
            let says = trial.says(entry);
            let also = trial.also.and_then(|at| exercise.also.get(at));
            let which = match also {
                Some(also) => also.says.as_str(),
                None if trial.of_lab => "the lab's own load",
                None => "a random load",
            };
            paper.line(&paper.strong("✗ Not yet.", Color::Red))?;
            paper.text("  ", &format!("Trial {number}, {which}: {says}."))?;
            paper.line("")?;
            claims(paper, checks)?;
            if let Some(half) = partial_fix {
                paper.line("")?;
                paper.text("  ", &half.says)?;
            }
            wrote(paper, said)
        }
        Judged::Holds { trials, checks, tried } => {
            difference(paper, package, written)?;
            paper.line("")?;
            let says = format!("✓ The fix holds in all {trials} trials. The first of them:");
            paper.line(&paper.strong(&says, Color::Green))?;
            paper.line("")?;
            claims(paper, checks)?;
            paper.line("")?;
            costs(paper, entry, tried)?;
            paper.line("")?;
            paper.text("  ", &exercise.explains)
        }
    }
}

/// Prints the output of a learner's program: its panics, and everything on standard error.
fn wrote(paper: Paper, said: &LearnerOutput) -> io::Result<()> {
    let mut lines = said.lines().peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    paper.line("\n  Its output:")?;
    for (line, times) in lines {
        let times = if times > 1 { format!("  ({times} times)") } else { String::new() };
        paper.line(&format!("    {}{times}", sanitize(line)))?;
    }
    Ok(())
}

/// Claim by claim: what was wanted in which period, what was observed.
fn claims(paper: Paper, checks: &[Check]) -> io::Result<()> {
    let wide = |of: &dyn Fn(&Check) -> usize| checks.iter().map(of).max().unwrap_or_default();
    let metric = wide(&|check| check.metric.chars().count()).max(5);
    let wanted = wide(&|check| check.expected.chars().count()).max(6);
    let head =
        format!("    {:<metric$}  {:<wanted$}  {:<8}  observed", "claim", "wanted", "from–to");
    paper.line(&head)?;
    for check in checks {
        let (mark, colour) = if check.holds { ("✓", Color::Green) } else { ("✗", Color::Red) };
        let mark = paper.coloured(mark, colour);
        let (name, expected, outcome) = (&check.metric, &check.expected, check.outcome());
        let window = check.window_s.map_or(String::new(), |[from_s, to_s]| {
            format!("{}–{} s", number(from_s), number(to_s))
        });
        let line = format!("{name:<metric$}  {expected:<wanted$}  {window:<8}  {outcome}");
        paper.line(&format!("  {mark} {line}"))?;
    }
    Ok(())
}

/// Prints the costs of the learner's variant and of ours, under the lab's load.
fn costs(paper: Paper, entry: &CatalogueEntry, tried: &Tried) -> io::Result<()> {
    let lane = |name: &str| tried.timeline.lanes.iter().find(|lane| lane.variant == name);
    let (Some(yours), Some(ours)) = (lane(YOURS), lane("fixed")) else { return Ok(()) };
    let from_s = tried.timeline.release_s.unwrap_or_default();
    let period = Period { from_s, to_s: tried.timeline.end_s };
    let registered = entry.manifest.charts.iter().flat_map(|chart| chart.levels());
    let mut registered: Vec<&Measure> =
        registered.filter(|measure| matches!(measure, Measure::Registered(_))).collect();
    registered.sort_unstable();
    registered.dedup();
    let usual = ["ok_percent", "p50_ms", "p99_ms", "tasks", "memory_bytes"].map(Measure::parse);
    let head = format!("what it costs, {}–{} s", number(from_s), number(period.to_s));
    paper.line(&format!("    {head:<28}{:>12}{:>12}", "yours", "ours"))?;
    for measure in usual.iter().chain(registered) {
        let of = |lane: &LaneLine| {
            let value = value(lane, measure, period);
            value.map_or("–".to_owned(), |value| match measure {
                Measure::Level(Level::MemoryBytes) => mib(value as u64),
                _ => number(value),
            })
        };
        let name = match measure {
            Measure::Level(Level::MemoryBytes) => "memory".to_owned(),
            Measure::Level(_) => format!("{measure}, at most"),
            _ => measure.to_string(),
        };
        paper.line(&format!("    {name:<28}{:>12}{:>12}", of(yours), of(ours)))?;
    }
    Ok(())
}

/// Prints the difference between our fix and the learner's.
fn difference(paper: Paper, package: &Package, written: &str) -> io::Result<()> {
    // The words at the head of a file are about the file.
    let code = |text: &str| -> String {
        let lines = text.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
        lines.collect::<Vec<&str>>().join("\n") + "\n"
    };
    let (yours, ours) = (code(written), code(package.solution()));
    let pieces = pieces(&yours, &ours);
    if pieces.iter().all(|piece| piece.same) {
        return paper.text("  ", "It is identical to our fix.");
    }
    paper.line("    difference from yours (-) to ours (+):")?;
    let (old, new): (Vec<&str>, Vec<&str>) = (yours.lines().collect(), ours.lines().collect());
    let show = |lines: &[&str], sign: char, colour: Option<Color>| {
        lines.iter().try_for_each(|line| {
            let line = format!("    {sign} {}", sanitize(line.trim_end()));
            paper.line(&colour.map_or(line.clone(), |colour| paper.coloured(&line, colour)))
        })
    };
    let last = pieces.len() - 1;
    for (at, Piece { old: gone, new: come, same }) in pieces.into_iter().enumerate() {
        if !same {
            show(&old[gone], '-', Some(Color::Red))?;
            show(&new[come], '+', Some(Color::Green))?;
            continue;
        }
        let lines = &old[gone];
        let after = if at == 0 { 0 } else { CONTEXT };
        let before = if at == last { 0 } else { CONTEXT };
        if lines.len() <= after + before {
            show(lines, ' ', None)?;
            continue;
        }
        show(&lines[..after], ' ', None)?;
        if after > 0 && before > 0 {
            paper.line("      ⋯")?;
        }
        show(&lines[lines.len() - before..], ' ', None)?;
    }
    Ok(())
}
