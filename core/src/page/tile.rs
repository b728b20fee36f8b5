//! A lane in a few figures, as pages show it beside its charts.

use maud::{Markup, html};

use crate::figures::{count, number};
use crate::session::Session;
use crate::session::lane_state::LaneState;
use crate::session::lane_words::{self, LargeFigure, Mood};

/// The state of a lane, its large figures, the outcomes of its last second, and its instances.
pub(super) fn tile(session: &Session, lane: &LaneState) -> Markup {
    let causes = session.disclosure().causes;
    html! {
        (state(lane, session.shown().now_s))
        div.fd-large { @for figure in session.large_figures(lane) { (large(&figure)) } }
        p { @for (name, rate, mood) in lane_words::outcomes(lane, causes) {
            span class=(class(mood)) { (name) " " (number(rate.round())) } " "
        } "/s, last second" }
        (instances(lane, causes))
    }
}

fn class(mood: Mood) -> &'static str {
    match mood {
        Mood::Good => "fd-good",
        Mood::Warn => "fd-warn",
        Mood::Bad => "fd-bad",
        Mood::Quiet => "fd-quiet",
    }
}

fn state(lane: &LaneState, now_s: f64) -> Markup {
    let (text, mood) = lane_words::state(lane, now_s);
    let restarts = match lane.restarts {
        0 => String::new(),
        restarts => format!(" · restarts {restarts}"),
    };
    html! { p class=(class(mood)) { (text) (restarts) } }
}

fn large(figure: &LargeFigure) -> Markup {
    html! {
        p { span.fd-quiet { (figure.name) } " " strong class=(class(figure.mood)) { (figure.value) } " " (figure.growth) }
    }
}

/// The instances of a lane that has several.
fn instances(lane: &LaneState, causes: bool) -> Markup {
    html! { @if !lane.instances.is_empty() { table {
        thead { tr { th { "instance" } @for name in ["share", "tasks", "ok/s", "bad/s"] { th.number { (name) } } } }
        tbody { @for (i, instance) in lane.instances.iter().enumerate() { tr {
            td { (i + 1) " " (lane_words::version(instance, causes)) }
            td.number { (number(instance.share_percent)) " %" }
            td.number { @if instance.serves { (count(instance.tasks)) } @else { "down" } }
            @let (ok, bad) = lane.instance_per_s(i);
            td.number { (ok) }
            td.number { (bad) }
        } } }
    } } }
}
