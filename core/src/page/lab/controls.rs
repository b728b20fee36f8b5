//! Everything that can be changed in a lab as HTML. It stays the same while time passes, so that what is typed stays.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::act::Act;
use super::draw::{name, runs_of};
use super::link::{Linked, MOST_LANES, fragment};
use super::{LASTS_MS, LabPage, Moment, Running};
use crate::event::MAX_INSTANCES;
use crate::figures::{clock, number};
use crate::incident::manifest::{MAX_RATE_PER_S, Param};
use crate::page::words::words;
use crate::prose::capital;
use crate::session::lane_state::LaneState;

/// Milliseconds that a key moves in time.
const SEEK_MS: i64 = 5_000;

/// The controls.
pub(super) fn controls(page: &LabPage) -> Markup {
    let running = &page.running;
    let manifest = running.session.case.manifest();
    html! {
        div.fd-time-bar {
            @if let Some(remark) = &page.remark { p.fd-remark role="status" { (capital(remark)) "." } }
            (time(running))
        }
        p { (words(&manifest.summary)) "." }
        h2 tabindex="-1" data-focus="lab" { "Load" }
        (load(running))
        @for (lane, state) in running.session.shown().lanes.iter().enumerate() { (lane_of(running, lane, state)) }
        h2 { "This run" }
        (run(page))
    }
}

/// A button with what it asks for; the key as the page names it, and as people do.
fn button(id: &str, text: &str, asks: &Value, (key, shown): (&str, &str)) -> Markup {
    html! {
        button type="button" id=(id) data-ask=(asks) data-key=[(!key.is_empty()).then_some(key)] {
            (text) @if !shown.is_empty() { kbd { (shown) } }
        }
    }
}

/// The ways to move in time.
fn time(running: &Running) -> Markup {
    let travel = |travel: Value| json!({ "Travel": travel });
    let by = |ms: i64| travel(json!({ "By": ms }));
    let main = &running.session.main;
    let is_playing = running.is_running();
    let is_past = main.playback.is_some();
    let mark = |forth: bool| travel(json!({ "Mark": { "forth": forth } }));
    let speed = |faster: bool| travel(json!({ "Speed": { "faster": faster } }));
    html! {
        nav.fd-buttons aria-label="time" {
            @if is_playing || is_past {
                (button("fd-play", if is_playing { "pause" } else { "play" }, &travel(json!("PlayPause")), (" ", "space")))
            }
            (button("fd-slower", "slower", &speed(false), ("<", "<")))
            (button("fd-faster", "faster", &speed(true), (">", ">")))
            (button("fd-back", "5 s back", &by(-SEEK_MS), ("ArrowLeft", "←")))
            (button("fd-before", "event before", &mark(false), ("N", "N")))
            @if is_past {
                (button("fd-forth", "5 s on", &by(SEEK_MS), ("ArrowRight", "→")))
                (button("fd-next", "next event", &mark(true), ("n", "n")))
                (button("fd-now", "now", &travel(json!("Now")), ("End", "end")))
            }
        }
        @if is_past && !is_playing {
            form.fd-seek data-answer=(travel(json!({ "To": "?" }))) {
                label {
                    "go to " input type="range" name="answer" id="fd-seek" min=(main.history.begins_ms()) max=(main.history.ends_ms())
                        step="100" value=(main.shown_ms()) data-at-once aria-valuetext=(clock(running.session.shown().now_s));
                }
            }
        }
    }
}

/// The rate and the parameters, each with its range.
fn load(running: &Running) -> Markup {
    let values = running.session.shown().param_history.now();
    let manifest = running.session.case.manifest();
    let now = |name: &str| values.get(name).copied().unwrap_or_default();
    let rate = Param {
        value: manifest.load.rate_per_s,
        unit: "requests a second".to_owned(),
        min: 1.0,
        max: MAX_RATE_PER_S,
        says: "load, to each lane".to_owned(),
    };
    let has_phases = manifest.phases.iter().any(|phase| phase.at_s > manifest.release_s());
    html! {
        div.fd-parameters {
            (parameter("fd-rate", "rate", &rate, now("rate_per_s")))
            @for (name, param) in &manifest.params {
                (parameter(&format!("fd-set-{name}"), &format!("set {name}"), param, now(name)))
            }
        }
        @if has_phases {
            nav.fd-buttons aria-label="phases" { (button("fd-repeat", "the phases after the release once more", &json!({ "Act": Act::Repeat.to_string() }), ("A", "A"))) }
        }
    }
}

fn parameter(id: &str, change: &str, param: &Param, now: f64) -> Markup {
    html! {
        form data-answer=(json!({ "Typed": [change, "?"] })) {
            label for=(id) {
                (param.says) span.fd-quiet { " (" (number(param.min)) " to " (number(param.max)) @if !param.unit.is_empty() { " " (param.unit) } ")" }
            }
            input type="number" name="answer" id=(id) required step="any" inputmode="decimal" min=(param.min) max=(param.max) value=(now);
            button type="submit" aria-label={ "set: " (param.says) } { "set" }
        }
    }
}

/// One lane: its code, its process, its instances, its middlewares.
fn lane_of(running: &Running, lane: usize, state: &LaneState) -> Markup {
    let case = &running.session.case;
    let manifest = case.manifest();
    let runs = runs_of(&case.plan.incident)(state);
    let without = running.without(lane);
    let act = |act: Act| json!({ "Act": act.to_string() });
    let instances = running.instances(lane);
    let id = |what: &str| format!("fd-{lane}-{what}");
    html! {
        h2 { "Lane " (name(running, lane)) }
        p { "It runs the code " strong { (runs) } @if let Some(text) = manifest.variant(runs) { ": " (words(&text.says)) } "." }
        nav.fd-buttons aria-label={ "lane " (name(running, lane)) } {
            @for variant in &manifest.variants { @if variant.name != runs {
                @let wanted = Some(variant.name.clone()).filter(|name| name != "fixed");
                (button(&id(&variant.name), &format!("run {}", variant.name), &act(Act::Bug(lane, wanted)), ("", "")))
            } }
            (button(&id("restart"), "restart", &act(Act::Restart(lane)), ("", "")))
            @if instances < MAX_INSTANCES {
                (button(&id("more"), "add an instance", &act(Act::Instances(lane, instances + 1)), ("", "")))
            }
            @if instances > 1 {
                (button(&id("fewer"), "remove an instance", &act(Act::Instances(lane, instances - 1)), ("", "")))
            }
        }
        details.fd-more {
            summary { "middlewares" @if !without.is_empty() { " (off: " (without.join(", ")) ")" } }
            p { code { "request" @for (slot, _) in &state.chain.routes { " → " (slot) } " → routes" } }
            nav.fd-buttons aria-label={ "middlewares of lane " (name(running, lane)) } { @for slot in slots(state) {
                @let is_off = without.contains(&slot);
                @let rest = without.iter().filter(|off| **off != slot).cloned();
                @let wanted = rest.chain((!is_off).then(|| slot.clone())).collect();
                @let text = format!("{} {slot}", if is_off { "switch on" } else { "switch off" });
                (button(&id(&slot), &text, &act(Act::Without(lane, wanted)), ("", "")))
            } }
        }
    }
}

/// The middlewares of a lane, those that are off among them.
fn slots(state: &LaneState) -> Vec<String> {
    let chain = &state.chain;
    let all = chain.routes.iter().chain(&chain.store).map(|(slot, _)| slot).chain(&state.without);
    let mut slots = Vec::new();
    for slot in all {
        if !slots.contains(slot) {
            slots.push(slot.clone());
        }
    }
    slots
}

/// The run as a whole: its lanes, its seed, its changes, and the ways to have it again.
fn run(page: &LabPage) -> Markup {
    let running = &page.running;
    let (plan, manifest) = (&running.session.case.plan, running.session.case.manifest());
    let linked = running.linked();
    // While time passes, a link to the moment would never stand still.
    let Moment { at_ms: shown_ms, stands } = running.moment();
    let shared = Linked { at_ms: stands.then_some(shown_ms), ..linked.clone() };
    let begin = |linked: &Linked| json!({ "Begin": linked.pairs() });
    let fresh = Linked { plan: plan.clone(), acts: Vec::new(), at_ms: None };
    let with_lanes = |variants: Vec<String>| {
        begin(&Linked { plan: crate::plan::Plan { variants, ..plan.clone() }, ..fresh.clone() })
    };
    let next_seed = crate::plan::Plan { seed: plan.seed.wrapping_add(1), ..plan.clone() };
    html! {
        p {
            "Seed " (plan.seed) ". It ends after " (LASTS_MS / 60_000) " minutes of simulated time. These begin another run; with other lanes it has none of the changes. The browser's back button leads to this one."
        }
        nav.fd-buttons aria-label="run" {
            @for variant in &manifest.variants {
                @let others: Vec<String> = plan.variants.iter().filter(|own| **own != variant.name).cloned().collect();
                @let is_in = others.len() < plan.variants.len();
                @if !is_in && others.len() < MOST_LANES {
                    @let wanted = others.into_iter().chain([variant.name.clone()]).collect();
                    (button(&format!("fd-with-{}", variant.name), &format!("with a lane {}", variant.name), &with_lanes(wanted), ("", "")))
                } @else if is_in && !others.is_empty() {
                    (button(&format!("fd-with-{}", variant.name), &format!("without the lane {}", variant.name), &with_lanes(others), ("", "")))
                }
            }
            (button("fd-seed", "another seed", &begin(&Linked { plan: next_seed, ..linked.clone() }), ("", "")))
            (button("fd-reset", "without changes, from the beginning", &begin(&fresh), ("R", "R")))
        }
        @if !running.acts.is_empty() {
            p { "Changes:" }
            ul { @for (at_ms, act) in &running.acts { li {
                (clock(*at_ms as f64 / 1000.0)) " " code { (act) } @if *at_ms > shown_ms { " (later)" }
            } } }
        }
        p { "Share this run" @if !running.acts.is_empty() { ", with its changes" } @if stands { ", at this moment" } ": " a href=(fragment(&shared.pairs())) id="fd-share" { "link" } }
        details.fd-more { summary { "the same run in a terminal" @if !running.acts.is_empty() { ", without its changes" } } pre tabindex="0" { (command(page)) } }
    }
}

fn command(page: &LabPage) -> String {
    let plan = &page.running.session.case.plan;
    let params = plan.params.iter().map(|(name, value)| format!(" --set {name}={value}"));
    let mut command = format!(
        "firedrill lab {} --clock virtual --variants {} --rate {} --seed {}",
        plan.incident,
        plan.variants.join(","),
        plan.rate_per_s,
        plan.seed
    );
    command.extend(params);
    command
}
