//! Interface of a page of the book: run a lane in the reader's browser, and draw its events.

use serde::{Deserialize, Serialize};

use super::PageData;
use super::figure::Figure;
use crate::event::{Event, LaneSays};
use crate::lane::unrolled::Unrolled;
use crate::plan::Case;

/// Request for drawings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRequest {
    /// The titles of the charts.
    pub charts: Vec<String>,
    /// The figures, as [`Figure`] reads them.
    pub figures: Vec<String>,
}

/// Drawings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The charts, as HTML.
    pub charts: String,
    /// The figures as they stand in sentences; a dash where the run has no such thing.
    pub figures: Vec<String>,
    /// Final sentence of each lane.
    pub lanes: String,
}

/// An event of a virtual lane, as it says it.
#[derive(Debug, Deserialize)]
struct LaneLine {
    at_ms: u64,
    #[serde(flatten)]
    what: LaneSays,
}

/// Merges the events of lanes with those that happen without commands, line by line.
///
/// # Errors
///
/// When a line is none of a lane's.
pub fn told<'a>(
    case: &Case,
    lanes: impl IntoIterator<Item = &'a str>,
) -> Result<PageData, serde_json::Error> {
    let header = &case.plan.variants;
    let mut told = PageData::of(&case.entry.manifest, header);
    let end_ms = case.plan.duration_ms.unwrap_or_default();
    Unrolled::new(case, end_ms).told.into_iter().for_each(|event| told.push(event));
    for (lane, lines) in lanes.into_iter().enumerate() {
        for line in lines.lines() {
            let LaneLine { at_ms, what } = serde_json::from_str(line)?;
            if let Some(what) = what.what() {
                told.push(Event { at_ms, lane: Some(lane), what });
            }
        }
    }
    Ok(told)
}

/// Draws what is wanted of a run.
pub fn draw(case: &Case, told: &PageData, wanted: &DrawRequest) -> Drawn {
    let figure = |text: &String| {
        let computed = Figure::parse(text).and_then(|figure| figure.compute(case, &told.timeline));
        computed.map_or_else(|_| "–".to_owned(), |computed| computed.text)
    };
    Drawn {
        charts: super::charts_of(case, told, &wanted.charts).into_string(),
        figures: wanted.figures.iter().map(figure).collect(),
        lanes: super::outcomes_of(case, told).into_string(),
    }
}
