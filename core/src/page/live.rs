//! What a page of the book asks the very code that it was built with: to run a lane in the reader's
//! browser, and to draw what the lanes have said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Told;
use super::figure::Figure;
use crate::catalogue::{Catalogue, Entry};
use crate::event::{Event, LaneSays};
use crate::incident::Unknown;
use crate::lane::unrolled::Unrolled;
use crate::plan::Plan;

/// A run, as a page says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The incident.
    pub incident: String,
    /// One variant a lane.
    pub variants: Vec<String>,
    /// Arrivals a second, to each lane.
    pub rate_per_s: f64,
    /// Seed of arrivals and servers.
    pub seed: u64,
    /// Parameters that differ from the manifest's.
    #[serde(default)]
    pub params: BTreeMap<String, f64>,
    /// How long it lasts, in seconds.
    pub duration_s: f64,
}

impl Asked {
    /// The run.
    ///
    /// # Errors
    ///
    /// When its incident or a variant is not known.
    pub fn plan(&self, catalogue: &'static Catalogue) -> Result<Plan, Unknown> {
        let entry: &'static Entry = catalogue.find(&self.incident)?;
        for variant in &self.variants {
            entry.known_variant(variant)?;
        }
        Ok(Plan {
            catalogue,
            entry,
            variants: self.variants.clone(),
            rate_per_s: self.rate_per_s,
            seed: self.seed,
            params: self.params.clone(),
            experiment: None,
        })
    }

    /// When it ends, in milliseconds.
    pub fn end_ms(&self) -> u64 {
        (self.duration_s * 1000.0) as u64
    }
}

/// What is to be drawn of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The titles of the charts.
    pub charts: Vec<String>,
    /// The figures, as [`Figure`] reads them.
    pub figures: Vec<String>,
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The charts, as HTML.
    pub charts: String,
    /// The figures as they stand in sentences; a dash where the run has no such thing.
    pub figures: Vec<String>,
    /// What each lane says of itself in the end.
    pub lanes: String,
}

/// An event of a virtual lane, as it says it.
#[derive(Debug, Deserialize)]
struct Said {
    at_ms: u64,
    #[serde(flatten)]
    what: LaneSays,
}

/// What lanes have told of a run: what happens by itself, and what each of them said, line by line.
///
/// # Errors
///
/// When a line is none of a lane's.
pub fn told<'a>(
    plan: &Plan,
    end_ms: u64,
    lanes: impl IntoIterator<Item = &'a str>,
) -> Result<Told, serde_json::Error> {
    let header = &plan.variants;
    let mut told = Told::of(&plan.entry.manifest, header);
    Unrolled::new(plan, end_ms).told.into_iter().for_each(|event| told.push(event));
    for (lane, lines) in lanes.into_iter().enumerate() {
        for line in lines.lines() {
            let Said { at_ms, what } = serde_json::from_str(line)?;
            if let Some(what) = what.what() {
                told.push(Event { at_ms, lane: Some(lane), what });
            }
        }
    }
    Ok(told)
}

/// Draws what is wanted of a run.
pub fn draw(plan: &Plan, told: &Told, wanted: &Wanted) -> Drawn {
    let figure = |text: &String| {
        let computed = Figure::parse(text).and_then(|figure| figure.compute(plan, &told.timeline));
        computed.map_or_else(|_| "–".to_owned(), |computed| computed.text)
    };
    Drawn {
        charts: super::charts_of(plan, told, &wanted.charts).into_string(),
        figures: wanted.figures.iter().map(figure).collect(),
        lanes: super::outcomes_of(plan, told).into_string(),
    }
}
