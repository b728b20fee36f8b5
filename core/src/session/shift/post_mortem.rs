//! The draft of a post-mortem in Markdown: the facts of the shift, and questions where only people know the answer.

use std::fmt::Write;

use super::Shift;
use super::score::{Compared, Score};
use super::seconds::Second;
use crate::catalogue::Catalogue;
use crate::figures::{clock, count, number};

/// Characters of a chart, low to high.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns of a chart, at most.
const COLUMNS: usize = 72;

impl Shift {
    /// The draft of a post-mortem.
    pub fn post_mortem(&self, catalogue: &Catalogue, compared: &Compared, score: &Score) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        self.write_post_mortem(&mut text, catalogue, compared, score).unwrap_or_default();
        text
    }

    fn write_post_mortem(
        &self,
        to: &mut String,
        catalogue: &Catalogue,
        compared: &Compared,
        score: &Score,
    ) -> std::fmt::Result {
        let causes: Vec<_> =
            self.scenario.causes().filter_map(|id| catalogue.find(id).ok()).collect();
        let titles: Vec<&str> = causes.iter().map(|entry| entry.manifest.title.as_str()).collect();
        let title =
            if titles.is_empty() { "A false alarm".to_owned() } else { titles.join(", and ") };
        writeln!(to, "# Post-mortem: {title}\n")?;
        writeln!(
            to,
            "Draft from a shift of firedrill (seed {}, level {}). Times are minutes and seconds since the start of the \
             shift. Figures were measured in this shift.\n",
            self.scenario.seed, self.scenario.level
        )?;
        self.impact(to, compared)?;
        writeln!(to, "## Timeline\n\n| time | event |\n|---|---|")?;
        let release = self.changes().into_iter().map(|row| (row.at_s, row.text));
        let entries = self.timeline.iter().map(|entry| {
            let text = if entry.acts { format!("**{}**", entry.text) } else { entry.text.clone() };
            (entry.at_ms as f64 / 1000.0, text)
        });
        let mut rows: Vec<(f64, String)> = release.chain(entries).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at_s, what) in rows {
            writeln!(to, "| {} | {} |", clock(at_s), what.replace('|', "\\|"))?;
        }
        let after = |what: &str, value: Option<f64>| match value {
            Some(s) => format!("{what} after {} s", number(s)),
            None => format!("not {what}"),
        };
        let mut times = vec![after("taken", score.detected_s), after("cause named", score.named_s)];
        if self.scenario.is_faulty {
            times.insert(1, after("mitigated", score.mitigated_s));
        }
        writeln!(to, "\nFrom the page: {}.\n", times.join(", "))?;
        writeln!(to, "## Cause\n")?;
        if causes.is_empty() {
            writeln!(to, "Nothing was wrong: the service behaved as before the release.")?;
        }
        for entry in &causes {
            writeln!(
                to,
                "{}: {}. Code: `{}`, the line below `cause:`.",
                entry.manifest.title,
                entry.manifest.summary,
                entry.file("broken")
            )?;
        }
        let questions = if causes.is_empty() {
            "- Why was it reported all the same?\n- What would have shown sooner that nothing was wrong?"
        } else {
            "- Why did no test and no review find it?\n- Why did the release reach all users?"
        };
        writeln!(to, "\n{questions}\n")?;
        writeln!(to, "## What went well\n")?;
        for part in score.parts.iter().filter(|part| part.points >= part.of * 0.8) {
            writeln!(to, "- {}: {}", part.name, part.why)?;
        }
        writeln!(to, "- What else?\n\n## What did not go well\n")?;
        for part in score.parts.iter().filter(|part| part.points < part.of * 0.8) {
            writeln!(to, "- {}: {}", part.name, part.why)?;
        }
        writeln!(to, "- What was luck?\n\n## Actions\n")?;
        writeln!(to, "| action | owner | until |\n|---|---|---|")?;
        if let Some((path, _)) = &compared.expert {
            let steps: Vec<String> = path.actions().map(super::task::Task::text).collect();
            writeln!(to, "| Write a runbook: {} | ? | ? |", steps.join(", then "))?;
        }
        writeln!(to, "| Which alert would have paged earlier? | ? | ? |")?;
        writeln!(to, "| What keeps the next release from doing the same? | ? | ? |")
    }

    fn impact(&self, to: &mut String, compared: &Compared) -> std::fmt::Result {
        let all = &self.seconds.all;
        let sum = |of: fn(&Second) -> u64| all.iter().map(of).sum::<u64>();
        writeln!(to, "## Impact\n")?;
        writeln!(
            to,
            "{} requests; {} failed, {} timed out, {} were answered wrongly, {} were shed by hand. That is {} % of the \
             error budget of an hour (1 % of its requests).\n",
            count(sum(|second| second.sent)),
            count(sum(|second| second.failed)),
            count(sum(|second| second.timed_out)),
            count(sum(|second| second.wrong)),
            count(self.shed_requests().round() as u64),
            number(self.budget_spent_percent())
        )?;
        let watched_s = self.watch_ms / 1000;
        writeln!(
            to,
            "That includes {watched_s} s under more load after the outage was declared over. Damage beyond what the service \
             without the fault shows, data in the wrong place and memory that piles up included: {} s of full outage.\n",
            number(self.damages(compared)[0])
        )?;
        let [own, untouched, expert] = self.damage_by_second(compared);
        writeln!(
            to,
            "Damage by the second, as a share of a full outage, beyond what the service without the fault shows:\n\n```text"
        )?;
        let most = highest(&own).max(highest(&untouched)).max(highest(&expert));
        writeln!(to, "this shift       {}", chart(&own, COLUMNS, most))?;
        writeln!(to, "if nobody acts   {}", chart(&untouched, COLUMNS, most))?;
        if !expert.is_empty() {
            writeln!(to, "with an expert   {}", chart(&expert, COLUMNS, most))?;
        }
        let p99: Vec<f64> = all.iter().map(|s| s.p99_ms.unwrap_or_default()).collect();
        writeln!(to, "```\n\np99 latency, in ms, over time:\n\n```text")?;
        writeln!(to, "this shift       {}", chart(&p99, COLUMNS, highest(&p99)))?;
        writeln!(to, "```\n\nThe runs beside this shift were computed in simulated time.\n")?;
        writeln!(to, "- Which customers noticed? What did it cost them?\n")
    }
}

/// A chart of one row of at most so many columns: the highest value of each stretch, and the highest of all.
/// The bars reach up to `most`.
pub fn chart(values: &[f64], columns: usize, most: f64) -> String {
    let each = values.len().div_ceil(columns.max(1)).max(1);
    let bar = |stretch: &[f64]| {
        let place =
            if most > 0.0 { highest(stretch) / most * (BARS.len() - 1) as f64 } else { 0.0 };
        BARS[place.round() as usize]
    };
    let bars: String = values.chunks(each).map(bar).collect();
    format!("{bars} {}", number(highest(values)))
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
