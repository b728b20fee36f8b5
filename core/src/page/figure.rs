//! A figure of a run, as a sentence of the book asks for it, and what the sentence says of it; [`FORMS`] has all
//! of it.

use crate::figures::{mib, millis, number};
use crate::incident::formula::{Formula, Values};
use crate::incident::measure::{Measure, without_selector};
use crate::plan::Case;
use crate::timeline::{LaneLine, Timeline, level};
use crate::verdict::{self, Period};

/// Forms of a figure.
pub const FORMS: &str = "\
VARIANT METRIC at T            a level, T seconds after the release; T may be a formula
VARIANT METRIC over T..T       the highest of a level, or what a period has: ok_percent, p99_ms …
VARIANT METRIC slope T..T      growth a second, by least squares; without T..T to the end, or the first exit
VARIANT METRIC peak            as `over`, from the release to the end
VARIANT METRIC end             the last value
VARIANT exit                   seconds from the release to the first exit
VARIANT exits                  how many there were
= FORMULA                      over rate_per_s, cap_mib, the parameters as the release sets them, and constants of the source
… is FORMULA within P%         what the sentence says of it: the build fails where that does not hold
… above FORMULA
… below FORMULA
… as s                         its unit: s, ms, MiB, % or number";

/// A figure, and what is said of it.
#[derive(Debug, Clone)]
pub struct Figure {
    of: Of,
    claim: Option<Claim>,
    unit: Option<Unit>,
}

#[derive(Debug, Clone)]
enum Of {
    Computed(Formula),
    /// Seconds from the release to a lane's first exit.
    Exit(String),
    /// Exits of a lane.
    Exits(String),
    Measured {
        variant: String,
        measure: Measure,
        how: FigureValue,
    },
}

#[derive(Debug, Clone)]
enum FigureValue {
    /// At this moment, in seconds after the release.
    At(Formula),
    /// Over a period, in seconds after the release: the highest level, or what the period has.
    Over(Option<(Formula, Formula)>),
    /// Growth a second, over a period.
    Slope(Option<(Formula, Formula)>),
    /// The last value.
    End,
}

#[derive(Debug, Clone)]
enum Claim {
    Is { formula: Formula, within: f64 },
    Above(Formula),
    Below(Formula),
}

/// Units of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Number,
    Seconds,
    Millis,
    Bytes,
    Percent,
}

/// A figure that was computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    /// Its value.
    pub value: f64,
    /// As it stands in a sentence.
    pub text: String,
    /// Why what is said of it does not hold.
    pub broken: Option<String>,
}

/// The words that a figure is made of.
const FORM: &str = "expected `VARIANT METRIC`, then `at T`, `over T..T`, `slope [T..T]`, `peak` or \
    `end`; or `VARIANT exit`, `VARIANT exits`, or `= FORMULA`; then what is said of it: \
    `is FORMULA within P%`, `above FORMULA` or `below FORMULA`; and `as s`, `ms`, `MiB`, `%` or `number`";

impl Figure {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words { words: text.split_whitespace().collect(), at: 0 };
        let of = Self::of(&mut words)?;
        let claim = match words.next() {
            Some("is") => {
                let formula = words.formula()?;
                words.expect("within")?;
                let share = words.next().and_then(|word| word.strip_suffix('%')?.parse().ok());
                let percent: f64 = share.ok_or("`within` wants a share such as `3%`")?;
                Some(Claim::Is { formula, within: percent / 100.0 })
            }
            Some("above") => Some(Claim::Above(words.formula()?)),
            Some("below") => Some(Claim::Below(words.formula()?)),
            Some(_) => {
                words.at -= 1;
                None
            }
            None => None,
        };
        let unit = match (words.next(), words.next()) {
            (None, _) => None,
            (Some("as"), Some(unit)) => Some(Unit::parse(unit)?),
            (Some(word), _) => return Err(format!("`{word}`: {FORM}")),
        };
        match words.next() {
            None => Ok(Self { of, claim, unit }),
            Some(word) => Err(format!("`{word}`: {FORM}")),
        }
    }

    fn of(words: &mut Words) -> Result<Of, String> {
        let variant = words.next().ok_or(FORM)?;
        if variant == "=" {
            return Ok(Of::Computed(words.formula()?));
        }
        let variant = variant.to_owned();
        let measure = match words.next().ok_or(FORM)? {
            "exit" => return Ok(Of::Exit(variant)),
            "exits" => return Ok(Of::Exits(variant)),
            name => Measure::parse(name),
        };
        let how = match words.next() {
            Some("at") => FigureValue::At(words.formula()?),
            Some("over") => FigureValue::Over(Some(words.period()?)),
            Some("slope") => FigureValue::Slope(words.maybe_period()?),
            Some("end") => FigureValue::End,
            Some("peak") | None => FigureValue::Over(None),
            Some(_) => {
                words.at -= 1;
                FigureValue::Over(None)
            }
        };
        Ok(Of::Measured { variant, measure, how })
    }

    /// Computes it over a run.
    ///
    /// # Errors
    ///
    /// When the run has no such lane, metric or moment.
    pub fn compute(&self, case: &Case, timeline: &Timeline) -> Result<Computed, String> {
        let mut values = case.values();
        values.extend(case.params_at_release());
        values.insert("cap_mib".to_owned(), case.entry.manifest.memory.cap_mib as f64);
        let release_s = timeline.release_s.ok_or("the run ended before its release")?;
        let (value, mut own) = match &self.of {
            Of::Computed(formula) => {
                (formula.eval(&values).map_err(|e| e.to_string())?, Unit::Number)
            }
            Of::Exit(variant) => {
                let exit_s = lane(timeline, variant)?.first_exit_s();
                let exit_s = exit_s.ok_or_else(|| format!("no process of `{variant}` ended"))?;
                (exit_s - release_s, Unit::Seconds)
            }
            Of::Exits(variant) => (lane(timeline, variant)?.exits.len() as f64, Unit::Number),
            Of::Measured { variant, measure, how } => {
                let lane = lane(timeline, variant)?;
                let value = measured(how, measure, lane, (timeline, release_s, &values))?;
                let value = value.ok_or_else(|| format!("`{variant}` has no `{measure}` there"))?;
                (value, Unit::of(measure))
            }
        };
        own = self.unit.unwrap_or(own);
        let broken = match &self.claim {
            None => None,
            Some(claim) => claim.broken(value, &values)?,
        };
        Ok(Computed { value, text: own.write(value), broken })
    }
}

fn lane<'a>(timeline: &'a Timeline, variant: &str) -> Result<&'a LaneLine, String> {
    let found = timeline.lanes.iter().find(|lane| lane.variant == variant);
    found.ok_or_else(|| {
        let lanes: Vec<&str> = timeline.lanes.iter().map(|lane| lane.variant.as_str()).collect();
        format!("the run has no lane `{variant}`; it has {}", lanes.join(", "))
    })
}

/// Half the time between two samples, in seconds.
const HALF_A_TICK_S: f64 = 0.05;

fn measured(
    how: &FigureValue,
    measure: &Measure,
    lane: &LaneLine,
    (timeline, release_s, values): (&Timeline, f64, &Values),
) -> Result<Option<f64>, String> {
    let at = |formula: &Formula| match formula.eval(values) {
        Ok(s) if release_s + s > timeline.end_s + HALF_A_TICK_S => {
            Err(format!("the run ends {} s after its release", number(timeline.end_s - release_s)))
        }
        Ok(s) => Ok(release_s + s),
        Err(error) => Err(error.to_string()),
    };
    let period = |asked: &Option<(Formula, Formula)>| match asked {
        Some((from, to)) => Ok::<_, String>(Period { from_s: at(from)?, to_s: at(to)? }),
        None => Ok(Period { from_s: release_s, to_s: timeline.end_s }),
    };
    Ok(match how {
        FigureValue::At(formula) => {
            let at_s = at(formula)?;
            let near = |sampled_s: f64| (sampled_s - at_s).abs() <= HALF_A_TICK_S + 1e-9;
            let mut samples = lane.samples.iter().filter(|(sampled_s, _)| near(*sampled_s));
            samples.find_map(|(_, sample)| level(sample, measure))
        }
        FigureValue::Over(asked) => verdict::value(lane, measure, period(asked)?),
        FigureValue::Slope(asked) => {
            let mut over = period(asked)?;
            // What a restart changes is no growth.
            over.to_s = over.to_s.min(lane.first_exit_s().unwrap_or(over.to_s));
            verdict::grows(lane, measure, over)
        }
        FigureValue::End => {
            lane.samples.iter().rev().find_map(|(_, sample)| level(sample, measure))
        }
    })
}

impl Claim {
    fn broken(&self, value: f64, values: &Values) -> Result<Option<String>, String> {
        let wanted = |formula: &Formula| formula.eval(values).map_err(|error| error.to_string());
        let is = number(value);
        Ok(match self {
            Self::Is { formula, within } => {
                let wanted = wanted(formula)?;
                let off = (value - wanted).abs() > wanted.abs() * within;
                off.then(|| {
                    let percent = number(within * 100.0);
                    format!("is {is}, said to be {} within {percent} %", number(wanted))
                })
            }
            Self::Above(formula) => {
                let wanted = wanted(formula)?;
                (value <= wanted).then(|| format!("is {is}, said to be above {}", number(wanted)))
            }
            Self::Below(formula) => {
                let wanted = wanted(formula)?;
                (value >= wanted).then(|| format!("is {is}, said to be below {}", number(wanted)))
            }
        })
    }
}

impl Unit {
    fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "s" => Self::Seconds,
            "ms" => Self::Millis,
            "MiB" => Self::Bytes,
            "%" => Self::Percent,
            "number" => Self::Number,
            other => return Err(format!("`as {other}`: expected s, ms, MiB, % or number")),
        })
    }

    fn of(measure: &Measure) -> Self {
        match without_selector(measure.name()) {
            name if name.ends_with("_ms") => Self::Millis,
            name if name.ends_with("_bytes") => Self::Bytes,
            name if name.ends_with("_percent") => Self::Percent,
            _ => Self::Number,
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Self::Number => number(value),
            Self::Seconds => format!("{} s", number(value)),
            Self::Millis => millis(value),
            Self::Bytes => mib(value.max(0.0) as u64),
            Self::Percent => format!("{} %", number(value)),
        }
    }
}

/// The words of a figure, read one by one.
struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

/// Words that end a formula.
const KEYWORDS: [&str; 5] = ["is", "within", "above", "below", "as"];

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.next() {
            Some(word) if word == wanted => Ok(()),
            found => Err(format!("expected `{wanted}`, found `{}`", found.unwrap_or("the end"))),
        }
    }

    fn text(&mut self) -> String {
        let rest = self.words.get(self.at..).unwrap_or_default();
        let taken = rest.iter().take_while(|word| !KEYWORDS.contains(word)).count();
        self.at += taken;
        rest[..taken].join(" ")
    }

    fn formula(&mut self) -> Result<Formula, String> {
        Formula::parse(&self.text()).map_err(|error| error.to_string())
    }

    fn period(&mut self) -> Result<(Formula, Formula), String> {
        let text = self.text();
        let Some((from, to)) = text.split_once("..") else {
            return Err(format!("`{text}` is no period, such as `2..8`"));
        };
        let read = |text: &str| Formula::parse(text).map_err(|error| error.to_string());
        Ok((read(from)?, read(to)?))
    }

    fn maybe_period(&mut self) -> Result<Option<(Formula, Formula)>, String> {
        let next = self.words.get(self.at);
        match next {
            Some(word) if !KEYWORDS.contains(word) => self.period().map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_figure_is_said() {
        for (text, says) in [
            ("", "expected `VARIANT METRIC`"),
            ("broken", "expected `VARIANT METRIC`"),
            ("broken tasks soon", "`soon`: expected"),
            ("broken tasks at", "formula ``"),
            ("broken tasks over 3", "`3` is no period"),
            ("broken tasks is 3", "expected `within`, found `the end`"),
            ("broken tasks is 3 within 4", "`within` wants a share"),
            ("broken tasks as furlongs", "`as furlongs`: expected s"),
            ("broken tasks as s s", "`s`: expected"),
        ] {
            let why = Figure::parse(text).expect_err(text);
            assert!(why.contains(says), "{text}: {why}");
        }
        for text in [
            "broken tasks",
            "broken tasks at 8 above 3 as number",
            "= 1000 / x is 3 within 2% as s",
        ] {
            assert!(Figure::parse(text).is_ok(), "{text}");
        }
    }
}
