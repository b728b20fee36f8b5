//! One chart of one lane as an inline SVG, on axes that all lanes share.

use maud::{Markup, html};

use crate::figures::clock;
use crate::page::axis::Axis;
use crate::timeline::LaneLine;

/// Width of a drawing, in its own units.
pub const WIDTH: f64 = 560.0;

/// Width of a drawing where there is less room, so that its labels stay legible.
pub const NARROW: f64 = 400.0;

/// Height of a drawing, in the same units.
const HEIGHT: f64 = 200.0;

/// Room for a time on the axis.
const TIME: f64 = 66.0;

/// Room for the labels: left, bottom, top.
const LEFT: f64 = 76.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 20.0;

/// Width of a character of a label, at most.
const CHARACTER: f64 = 8.5;

/// Points that a line has at most; each is the highest of its stretch.
const POINTS: usize = 560;

/// Common properties of the charts of one metric in all lanes.
pub struct Frame {
    /// The metric, for people.
    pub title: String,
    /// The class of its line, which gives the colour.
    pub class: &'static str,
    /// Its width, in its own units.
    pub width: f64,
    /// The end of the time axis, in seconds.
    pub end_s: f64,
    /// The values axis.
    pub axis: Axis,
    /// Values with a label, bottom to top.
    pub ticks: Vec<(f64, String)>,
    /// A level not to be reached, by a lane whose cap is the manifest's.
    pub cap: Option<f64>,
    /// Start of each phase but the first, in seconds, with its name.
    pub phases: Vec<(f64, String)>,
}

/// One lane's line.
pub struct Curve<'a> {
    /// The lane.
    pub lane: &'a LaneLine,
    /// Its name, for people.
    pub name: &'a str,
    /// Seconds and value; none where there was no process to measure.
    pub points: Vec<(f64, Option<f64>)>,
    /// The points and those that were refused, in the same form.
    pub rejected: Vec<(f64, Option<f64>)>,
    /// All, those included that went wrong; or a part of the points; in the same form.
    pub bad: Vec<(f64, Option<f64>)>,
    /// A level not to be passed that is the lane's own, in the same form.
    pub capacity: Vec<(f64, Option<f64>)>,
    /// Legend, if there are two curves.
    pub legend: &'static str,
    /// Theory, in the same form.
    pub theory: Vec<(f64, Option<f64>)>,
    /// Formats a value.
    pub read: fn(f64) -> String,
}

/// Steps between the times of an axis, in seconds.
const STEPS_S: [f64; 12] =
    [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0];

/// Whole seconds from 0 to an end, as many as have room.
fn seconds(end_s: f64, width: f64) -> Vec<f64> {
    let most = ((width - LEFT) / TIME).floor();
    let step_s = STEPS_S.into_iter().find(|step_s| end_s / step_s <= most).unwrap_or(end_s);
    (0..=7).map(|i| f64::from(i) * step_s).filter(|at_s| *at_s <= end_s).collect()
}

/// Draws the chart, with an alternative text that says what it shows.
pub fn draw(frame: &Frame, curve: &Curve) -> Markup {
    let (width, height) = (frame.width, HEIGHT);
    let x = |at_s: f64| LEFT + at_s / frame.end_s * (width - LEFT - 8.0);
    let y = |value: f64| {
        TOP + (1.0 - frame.axis.place(value).clamp(0.0, 1.0)) * (height - TOP - BOTTOM)
    };
    let seconds = seconds(frame.end_s, width);
    html! {
        figure {
            figcaption {
                (curve.name) ": " (frame.title)
                @if !curve.theory.is_empty() { " (dots: theory)" }
                (curve.legend)
            }
            svg viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(describe(frame, curve)) {
                @for (value, label) in &frame.ticks {
                    line class="grid" x1=(LEFT) x2=(width - 8.0) y1=(px(y(*value))) y2=(px(y(*value))) {}
                    text x=(LEFT - 6.0) y=(px(y(*value) + 4.0)) text-anchor="end" { (label) }
                }
                @for (i, at_s) in seconds.iter().enumerate() {
                    @let near = *at_s > frame.end_s * 0.96;
                    @let anchor = match i { 0 => "start", _ if near => "end", _ => "middle" };
                    text x=(px(x(*at_s))) y=(height - 5.0) text-anchor=(anchor) { (clock(*at_s)) }
                }
                @for (at_s, _) in &frame.phases {
                    line class="phase" x1=(px(x(*at_s))) x2=(px(x(*at_s))) y1=(TOP) y2=(height - BOTTOM) {}
                }
                @for (at, name) in labels(frame, x) {
                    text x=(px(at)) y=(TOP - 4.0) { (name) }
                }
                @if let Some(cap) = frame.cap {
                    @let cap = cap + curve.lane.more_cap_bytes as f64;
                    line class="cap" x1=(LEFT) x2=(width - 8.0) y1=(px(y(cap))) y2=(px(y(cap))) {}
                }
                @for stretch in stretches(&curve.capacity, frame.end_s) {
                    polyline class="cap" points=(points(&stretch, x, y)) {}
                }
                @for stretch in stretches(&curve.points, frame.end_s) {
                    polyline class=(frame.class) points=(points(&stretch, x, y)) {}
                }
                @for stretch in stretches(&curve.rejected, frame.end_s) {
                    polyline class="rejected" points=(points(&stretch, x, y)) {}
                }
                @for stretch in stretches(&curve.bad, frame.end_s) {
                    polyline class="bad" points=(points(&stretch, x, y)) {}
                }
                @for stretch in stretches(&curve.theory, frame.end_s) {
                    polyline class="theory" points=(points(&stretch, x, y)) {}
                }
                @for exit in &curve.lane.exits {
                    text class="exit" x=(px(x(exit.at_ms as f64 / 1000.0))) y=(height - BOTTOM - 3.0) text-anchor="middle" { "✖" }
                }
            }
        }
    }
}

/// The names of phases that have room, each at its place.
fn labels(frame: &Frame, x: impl Fn(f64) -> f64) -> Vec<(f64, &str)> {
    let mut labels: Vec<(f64, &str)> = Vec::new();
    let mut free = LEFT;
    for (at_s, name) in frame.phases.iter().filter(|(_, name)| !name.is_empty()) {
        let wide = CHARACTER * name.chars().count() as f64;
        // At the right edge it ends where the chart ends.
        let at = x(*at_s).min(frame.width - wide);
        if at >= free {
            labels.push((at, name));
            free = at + wide + CHARACTER;
        }
    }
    labels
}

/// Describes the chart in words.
fn describe(frame: &Frame, curve: &Curve) -> String {
    let known: Vec<(f64, f64)> =
        curve.points.iter().filter_map(|(at_s, value)| Some((*at_s, (*value)?))).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return format!("{} of {}: nothing was measured", frame.title, curve.name);
    };
    let peak =
        known.iter().fold(*first, |best, point| if point.1 > best.1 { *point } else { best });
    let read = curve.read;
    let text = format!(
        "{} of {}: {} at the beginning, at most {} at {:.0} s, {} at the end",
        frame.title,
        curve.name,
        read(first.1),
        read(peak.1),
        peak.0,
        read(last.1)
    );
    let ends = match curve.lane.exits.len() {
        0 => String::new(),
        1 => "; its process ended once".to_owned(),
        n => format!("; its process ended {n} times"),
    };
    let last = |points: &[(f64, Option<f64>)]| points.iter().rev().find_map(|(_, value)| *value);
    let lost = curve.legend.contains("lost");
    let second = last(&curve.bad).map_or(String::new(), |bad| {
        // Lines of requests are stacked, and slots that are lost are a part of those in use.
        let below = last(&curve.rejected).unwrap_or(last_of(&known));
        let (value, what) =
            if lost { (bad, "of them lost") } else { (bad - below, "more went wrong") };
        format!("; {} {what} then", read(value))
    });
    let cap = frame.cap.map_or(String::new(), |cap| {
        format!("; the line across is at {}", read(cap + curve.lane.more_cap_bytes as f64))
    });
    let cap = last(&curve.capacity)
        .map_or(cap, |full| format!("; the line across is at {} then", read(full)));
    let theory = last(&curve.theory);
    let theory = theory.map_or(String::new(), |theory| format!("; theory says {}", read(theory)));
    format!("{text}{second}{theory}{cap}{ends}")
}

/// The last value of what was measured.
fn last_of(known: &[(f64, f64)]) -> f64 {
    known.last().map_or(0.0, |(_, value)| *value)
}

/// The points in unbroken stretches, each the highest of its share of the time.
fn stretches(points: &[(f64, Option<f64>)], end_s: f64) -> Vec<Vec<(f64, f64)>> {
    let mut stretches: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let column = |at_s: f64| (at_s / end_s * POINTS as f64) as usize;
    for (at_s, value) in points {
        let Some(stretch) = stretches.last_mut() else { break };
        match value {
            None if !stretch.is_empty() => stretches.push(Vec::new()),
            None => {}
            Some(value) => match stretch.last_mut() {
                Some(last) if column(last.0) == column(*at_s) => last.1 = last.1.max(*value),
                _ => stretch.push((*at_s, *value)),
            },
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

fn points(stretch: &[(f64, f64)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let place =
        |at_s: f64, value: f64, shift: f64| format!("{},{}", px(x(at_s) + shift), px(y(value)));
    let mut places: Vec<String> = stretch.iter().map(|(at_s, v)| place(*at_s, *v, 0.0)).collect();
    // A stretch of one point would be invisible.
    if let [(at_s, value)] = stretch {
        places.push(place(*at_s, *value, 1.0));
    }
    places.join(" ")
}

/// A length as it is written: a tenth of a unit is finer than anyone sees.
fn px(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}
