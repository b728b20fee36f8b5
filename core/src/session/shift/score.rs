//! The score of a shift: its parts, and the runs that they are computed from.

use serde::Serialize;

use super::fact::counted;
use super::reference::ExpertPath;
use super::seconds::Second;
use super::task::Task;
use super::{Shift, ShiftStage};
use crate::figures::number;

/// Difference between two runs of one second, as a share of a full outage, below which they count as equal.
const SAME: f64 = 0.04;

/// Mean damage of the service as it was left, as a share of a full outage, up to which its fault counts as fixed.
const HELD: f64 = 0.02;

/// Seconds without damage after which an outage counts as mitigated.
const CALM_S: u32 = 5;

// ANCHOR: points
/// Points of each part.
const DETECT: f64 = 10.0;
const MITIGATE: f64 = 30.0;
const FIX: f64 = 20.0;
const CAUSE: f64 = 25.0;
const LINE: f64 = 15.0;

/// Points that a wrong naming costs, and a line named before the last one.
const WRONG_NAMING: f64 = 8.0;
const LINE_BEFORE: f64 = 5.0;
/// Points that a hint costs.
pub const HINT: f64 = 5.0;

/// Points where nothing is wrong: for saying so, and for leaving the service alone.
const SAID_SO: f64 = 60.0;
const LEFT_ALONE: f64 = 30.0;

/// Points that an action on a healthy service costs.
const ACTED_ON_HEALTHY: f64 = 15.0;
// ANCHOR_END: points

/// The page is taken in time within the first of these, and not at all after the second, in seconds.
const TAKEN_S: (f64, f64) = (10.0, 60.0);

/// The runs that a shift is compared with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Compared {
    /// The outage if nobody acts.
    pub untouched: Vec<Second>,
    /// The service without the fault.
    pub healthy: Vec<Second>,
    /// The outage with an expert on call, and the expert's path; none where nothing is wrong.
    pub expert: Option<(ExpertPath, Vec<Second>)>,
    /// The actions of each path that was tried for the expert, with its damage in seconds of full outage.
    pub ways: Vec<(Vec<Task>, f64)>,
    /// The service as it was left, under other seeds.
    pub left: Vec<Left>,
}

/// The service as it was left, under another seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Left {
    /// The seed.
    pub seed: u64,
    /// Mean damage of a second, as a share of a full outage, from 0 to 1, beyond that of the healthy service.
    pub damage: f64,
    /// True if the fault counts as fixed.
    pub held: bool,
}

impl Left {
    /// Compares the service as it was left with the healthy one, from this second on.
    pub fn new(seed: u64, left: &[Second], healthy: &[Second], from_s: u32) -> Self {
        let seconds = left.iter().filter(|second| second.at_s >= from_s).count().max(1);
        let damage = damage(left, healthy, from_s, |_| 0.0) / seconds as f64;
        Self { seed, damage, held: damage <= HELD }
    }
}

/// Damage of a run beyond that of the healthy service, in seconds of full outage. `shed` is the share of the load that
/// was shed in a second.
pub fn damage(
    seconds: &[Second],
    healthy: &[Second],
    from_s: u32,
    shed: impl Fn(u32) -> f64,
) -> f64 {
    excess(seconds, healthy, from_s, shed).map(|(_, damage)| damage).sum()
}

/// The damage of each second beyond that of the healthy service.
fn excess<'a>(
    seconds: &'a [Second],
    healthy: &'a [Second],
    from_s: u32,
    shed: impl Fn(u32) -> f64 + 'a,
) -> impl Iterator<Item = (u32, f64)> + 'a {
    seconds.iter().filter(move |second| second.at_s >= from_s).map(move |second| {
        // The same wave may come a second earlier or later.
        let near = healthy.iter().filter(|other| other.at_s.abs_diff(second.at_s) <= 1);
        let usual = near.clone().map(Second::damage).fold(0.0, f64::max);
        let unserved = near.map(|other| second.unserved_beyond(other)).reduce(f64::min);
        let shed = shed(second.at_s);
        let more = (second.damage() - usual).max(unserved.unwrap_or_default());
        let more = shed + (1.0 - shed) * more;
        (second.at_s, if more > SAME { more } else { 0.0 })
    })
}

/// A part of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Name: `detect`, `mitigate`, `fix`, `cause`, `line`.
    pub name: &'static str,
    /// Points.
    pub points: f64,
    /// The most points that it has.
    pub of: f64,
    /// Reason, for people.
    pub why: String,
}

/// The score of a shift.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Points in all, from 0 to 100.
    pub points: f64,
    /// Seconds from the page until it was taken; none: it was not.
    pub detected_s: Option<f64>,
    /// Seconds from the page until the outage was mitigated; none: it was not.
    pub mitigated_s: Option<f64>,
    /// Seconds from the page until the cause was named; none: it was not.
    pub named_s: Option<f64>,
}

impl Shift {
    /// The score; none before the end of the shift.
    pub fn score(&self, compared: &Compared) -> Option<Score> {
        if self.stage != ShiftStage::Ended {
            return None;
        }
        let since_page = |at_ms: u64| {
            self.paged_ms.map(|paged_ms| at_ms.saturating_sub(paged_ms) as f64 / 1000.0)
        };
        let detected_s = self.taken_ms.and_then(since_page);
        let named_s = self.right_naming_ms().and_then(since_page);
        let detect = detect(detected_s);
        let (parts, mitigated_s) = if self.scenario.is_faulty {
            let mitigated_s = self.mitigated_ms(compared).and_then(since_page);
            let parts = vec![
                detect,
                self.mitigate(compared, mitigated_s),
                fix(&compared.left),
                self.cause(),
                self.line(),
            ];
            (parts, mitigated_s)
        } else {
            (vec![detect, self.said_so(), self.left_alone()], None)
        };
        // Whole points, so that the parts add up.
        let parts: Vec<Part> =
            parts.into_iter().map(|part| Part { points: part.points.round(), ..part }).collect();
        let points = parts.iter().map(|part| part.points).sum();
        Some(Score { parts, points, detected_s, mitigated_s, named_s })
    }

    fn release_s(&self) -> u32 {
        (self.scenario.release_ms / 1000) as u32
    }

    /// Damage of the shift, of the same outage if nobody acts, and with an expert, in seconds of full outage.
    pub fn damages(&self, compared: &Compared) -> [f64; 3] {
        let of = |seconds: &[Second]| damage(seconds, &compared.healthy, self.release_s(), |_| 0.0);
        let own = damage(&self.seconds.all, &compared.healthy, self.release_s(), |at_s| {
            self.shed_share(at_s)
        });
        let expert = compared.expert.as_ref().map_or(0.0, |(_, seconds)| of(seconds));
        [own, of(&compared.untouched), expert]
    }

    /// Time from which there was no damage any more, in milliseconds.
    fn mitigated_ms(&self, compared: &Compared) -> Option<u64> {
        self.calm_since_ms(compared).filter(|_| !self.came_back(compared))
    }

    /// Time from which there was no damage until the outage was declared over, in milliseconds.
    fn calm_since_ms(&self, compared: &Compared) -> Option<u64> {
        if self.acted.is_empty() {
            return None;
        }
        let over_s = (self.over_ms? / 1000) as u32;
        let all = excess(&self.seconds.all, &compared.healthy, self.release_s(), |at_s| {
            self.shed_share(at_s)
        });
        let damaged: Vec<u32> =
            all.filter(|(_, damage)| *damage > 0.0).map(|(at_s, _)| at_s).collect();
        let last_s = damaged.into_iter().filter(|at_s| *at_s <= over_s).max()?;
        // An outage that ends before anybody acts is not mitigated by anybody.
        let acted_ms = self.acted.first().map_or(0, |(at_ms, _)| *at_ms);
        (over_s >= last_s + CALM_S).then_some(acted_ms.max(u64::from(last_s) * 1000))
    }

    /// Returns true if there was damage again after the outage was declared over.
    fn came_back(&self, compared: &Compared) -> bool {
        let over_s = self.over_ms.map_or(0, |over_ms| (over_ms / 1000) as u32);
        let watched = excess(&self.seconds.all, &compared.healthy, over_s + 1, |_| 0.0);
        let seconds: Vec<f64> = watched.map(|(_, damage)| damage).collect();
        seconds.iter().sum::<f64>() > HELD * seconds.len() as f64
    }

    fn mitigate(&self, compared: &Compared, mitigated_s: Option<f64>) -> Part {
        let [own, untouched, expert] = self.damages(compared);
        let avoidable = untouched - expert;
        let avoided = if avoidable > 0.0 { (untouched - own) / avoidable } else { 0.0 };
        let when = match mitigated_s {
            Some(s) => format!("mitigated {} s after the page", number(s)),
            None if self.acted.is_empty() => "nobody acted".to_owned(),
            None if self.calm_since_ms(compared).is_some() => {
                "the damage came back after you declared it over".to_owned()
            }
            None => format!("declared over before {CALM_S} s without damage had passed"),
        };
        let why = format!(
            "{when}; your damage: {} s of full outage; with an expert {} s; if nobody acts for as long {} s",
            number(own),
            number(expert),
            number(untouched)
        );
        let points = if self.acted.is_empty() { 0.0 } else { MITIGATE * avoided.clamp(0.0, 1.0) };
        Part { name: "mitigate", points, of: MITIGATE, why }
    }

    /// The number of causes that were named, at any time.
    fn right_namings(&self) -> usize {
        let named =
            |id: &str| self.namings.iter().any(|naming| naming.cause.as_deref() == Some(id));
        self.scenario.causes().filter(|id| named(id)).count()
    }

    fn is_right(&self, cause: Option<&str>) -> bool {
        match cause {
            None => !self.scenario.is_faulty,
            Some(id) => self.scenario.causes().any(|cause| cause == id),
        }
    }

    fn right_naming_ms(&self) -> Option<u64> {
        let right = self.namings.iter().find(|naming| self.is_right(naming.cause.as_deref()));
        right.map(|naming| naming.at_ms)
    }

    fn cause(&self) -> Part {
        let causes = self.scenario.causes().count().max(1);
        let right = self.right_namings();
        let wrong = self.namings.iter().filter(|naming| !self.is_right(naming.cause.as_deref()));
        let wrong = wrong.count();
        let less = WRONG_NAMING * wrong as f64 + HINT * self.hints as f64;
        let points = (CAUSE * right as f64 / causes as f64 - less).max(0.0);
        let mut why = match (right, causes) {
            (0, _) => "not named".to_owned(),
            (1, 1) => "named".to_owned(),
            (right, causes) => format!("{right} of {causes} named"),
        };
        if wrong > 0 {
            why = format!("{why}, and {}", counted(wrong as u64, "wrong name"));
        }
        if self.hints > 0 {
            why = format!("{why}, with {}", counted(self.hints as u64, "hint"));
        }
        Part { name: "cause", points, of: CAUSE, why }
    }

    fn line(&self) -> Part {
        let causes: Vec<&str> = self.scenario.causes().collect();
        let right = |id: &&&str| {
            let of = self.namings.iter().rev().find(|n| n.cause.as_deref() == Some(**id));
            of.is_some_and(super::diagnosis::Naming::line_is_right)
        };
        let count = causes.iter().filter(right).count();
        let before: usize = self.namings.iter().map(|naming| naming.lines_before).sum();
        let points = LINE * count as f64 / causes.len().max(1) as f64;
        let points = (points - LINE_BEFORE * before as f64).max(0.0);
        let named = self.namings.iter().any(|naming| naming.line.is_some());
        let why = match (count == causes.len(), named) {
            (true, _) => "named: the line of the cause, or one beside it",
            (false, true) => "another line is the cause",
            (false, false) => "not named",
        };
        Part { name: "line", points, of: LINE, why: why.to_owned() }
    }

    fn said_so(&self) -> Part {
        let said = self.namings.last().is_some_and(|naming| naming.cause.is_none());
        let wrong = self.namings.iter().filter(|naming| naming.cause.is_some()).count();
        let less = WRONG_NAMING * wrong as f64 + HINT * self.hints as f64;
        let points = if said { (SAID_SO - less).max(0.0) } else { 0.0 };
        let why = if said { "you said that nothing is wrong" } else { "nothing was wrong" };
        let why = format!("{why}: {}", self.before_and_after());
        Part { name: "cause", points, of: SAID_SO, why }
    }

    /// The share of bad requests before the release and after it, in words.
    fn before_and_after(&self) -> String {
        let share = |is_before: bool| {
            let of = self.seconds.all.iter().filter(|s| (s.at_s <= self.release_s()) == is_before);
            let bad: u64 = of.clone().map(Second::bad).sum();
            let ended: u64 = of.map(|second| second.ok + second.rejected + second.bad()).sum();
            number((bad as f64 * 1000.0 / ended.max(1) as f64).round() / 10.0)
        };
        format!(
            "{} % of the requests were bad before the release, {} % after it",
            share(true),
            share(false)
        )
    }

    /// The damage of each second beyond that of the healthy service, as a share of a full outage: of the shift, if nobody
    /// acts, and with an expert.
    pub fn damage_by_second(&self, compared: &Compared) -> [Vec<f64>; 3] {
        let of = |seconds: &[Second]| {
            excess(seconds, &compared.healthy, 0, |_| 0.0).map(|(_, damage)| damage).collect()
        };
        let own = excess(&self.seconds.all, &compared.healthy, 0, |at_s| self.shed_share(at_s));
        let expert = compared.expert.as_ref().map_or(Vec::new(), |(_, seconds)| of(seconds));
        [own.map(|(_, damage)| damage).collect(), of(&compared.untouched), expert]
    }

    fn left_alone(&self) -> Part {
        let acts = self.acted.len();
        let said = self.namings.last().is_some_and(|naming| naming.cause.is_none());
        let points = (LEFT_ALONE - ACTED_ON_HEALTHY * acts as f64).max(0.0);
        let points = if said { points } else { 0.0 };
        let why = match acts {
            0 if !said => "you did not say that nothing is wrong".to_owned(),
            0 => "you left a healthy service alone".to_owned(),
            acts => format!("{} on a healthy service", counted(acts as u64, "action")),
        };
        Part { name: "calm", points, of: LEFT_ALONE, why }
    }
}

fn detect(detected_s: Option<f64>) -> Part {
    let (soon_s, late_s) = TAKEN_S;
    let (points, why) = match detected_s {
        None => (0.0, "the page was not taken".to_owned()),
        Some(s) => {
            let share = 1.0 - ((s - soon_s) / (late_s - soon_s)).clamp(0.0, 1.0);
            (DETECT * share, format!("the page was taken after {} s", number(s)))
        }
    };
    Part { name: "detect", points, of: DETECT, why }
}

fn fix(left: &[Left]) -> Part {
    let held = left.iter().filter(|left| left.held).count();
    let all = left.len();
    let is_fixed = all > 0 && held == all;
    let of = if is_fixed { all.to_string() } else { format!("{held} of {all}") };
    let why = format!("the service as you left it held in {of} runs with other random traffic");
    Part { name: "fix", points: if is_fixed { FIX } else { 0.0 }, of: FIX, why }
}
