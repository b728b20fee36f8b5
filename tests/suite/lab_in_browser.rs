//! The lab in a real browser: by its keys and forms, on a wide screen and a telephone; the same figures as under the
//! program, resumed after a reload, and opened again by its link.

use firedrill_core::event::Clock;
use firedrill_core::page::lab::{Asked, Kept, LabPage, LabToOpen};
use firedrill_core::plan::{Case, Plan};
use serde_json::Value;

use crate::book::{built, lane};
use crate::common::{catalogue, skipped};
use crate::devtools::{Browser, chromium};

/// Expression for what can be seen of a lab.
const STATE: &str = r##"(() => ({
  ready: document.documentElement.dataset.firedrill,
  time: document.querySelector(".fd-time")?.innerText ?? "",
  tiles: [...document.querySelectorAll(".fd-tile > p")].map((part) => part.innerText),
  charts: [...document.querySelectorAll("#fd-lanes svg[aria-label]")].map((chart) => chart.getAttribute("aria-label")),
  remark: document.querySelector(".fd-remark[role]")?.innerText ?? "",
  wide: document.documentElement.scrollWidth - innerWidth,
  focus: document.activeElement?.id ?? "",
  share: document.getElementById("fd-share")?.getAttribute("href") ?? "",
  kept: localStorage["firedrill:walk:lab:pool-leak"] ?? "null",
}))()"##;

/// Expression: the run has come to this moment, in milliseconds.
fn at(ms: u64) -> String {
    format!("JSON.parse(localStorage['firedrill:walk:lab:pool-leak'] ?? '{{}}').at_ms >= {ms}")
}

fn sees(browser: &mut Browser) -> Value {
    let state = browser.sees(STATE);
    assert!(state["wide"].as_f64() <= Some(1.0), "it scrolls sideways: {state}");
    state
}

fn kept(state: &Value) -> Kept {
    serde_json::from_str(state["kept"].as_str().expect("text")).expect("a lab")
}

/// The same run in this process, at the same moment.
fn native(kept: &Kept) -> String {
    let entry = catalogue().find("pool-leak").expect("known");
    let plan = Plan { clock: Clock::Virtual, ..Plan::new(&entry.manifest) };
    let case = Case::new(catalogue(), plan.clone()).expect("known");
    let to_open = LabToOpen { plan, link: kept.run.clone(), kept: Some(kept.clone()) };
    let mut lab = LabPage::open(case, to_open, || 0).expect("it opens");
    loop {
        let drawn = lab.obey(Asked::Passed(0.0)).expect("the lanes run");
        let now: Kept = serde_json::from_str(&drawn.kept).expect("it was written");
        if !drawn.lanes.contains("on the way") {
            assert_eq!((now.run, now.at_ms), (kept.run.clone(), kept.at_ms));
            return drawn.lanes;
        }
    }
}

#[test]
fn a_lab_is_used_in_a_browser_and_shared_by_its_link() {
    let Some(chromium) = chromium() else { return };
    if !lane().exists() {
        return skipped("the lane for browsers is not built");
    }
    let page = format!("file://{}/lab/pool-leak.html", built().display());
    let mut browser = Browser::opens(&chromium, built(), &page);
    browser.waits(&at(6_000));
    browser.pictured("lab");

    // A value that is typed while time passes; the field keeps the focus, and the lanes get the load.
    browser.tabs_to("#fd-rate");
    browser.sees("document.activeElement.select(); 0");
    browser.types("120");
    browser.waits(&at(8_000));
    browser.presses("Enter");
    browser.waits("document.querySelector('.fd-time').innerText.includes('120 requests')");
    assert_eq!(sees(&mut browser)["focus"], "fd-rate");

    // A button by the keyboard: the bug is switched off in lane A.
    browser.tabs_to("#fd-0-fixed");
    browser.presses("Enter");
    browser.waits("document.getElementById('fd-page').innerText.includes('bug A off')");

    // A value that cannot be is refused by the page itself, one in a link by core.
    browser.sees("document.activeElement.blur(); 0");
    browser.presses(" ");
    browser.waits("document.documentElement.dataset.firedrill === 'ready'");
    let held = sees(&mut browser);
    let state = kept(&held);
    assert_eq!(state.run.iter().filter(|(name, _)| name == "do").count(), 2, "{state:?}");
    let lanes = native(&state);
    let charts = held["charts"].as_array().expect("charts");
    assert!(charts.len() >= 4, "{held}");
    for chart in charts.iter().filter_map(Value::as_str) {
        // A browser has less of it.
        if !chart.starts_with("Memory") {
            assert!(lanes.contains(&chart.replace('"', "&quot;")), "{chart}: {lanes}");
        }
    }

    // The past.
    browser.sees("window.before = document.querySelector('.fd-time').innerText; 0");
    browser.presses("ArrowLeft");
    browser.waits("document.querySelector('.fd-time').innerText !== window.before");
    let back = sees(&mut browser);
    assert_ne!(back["tiles"], held["tiles"], "{back}");
    browser.becomes((390, 844), "dark");
    browser.waits("document.documentElement.dataset.firedrill === 'ready'");
    sees(&mut browser);
    browser.pictured("lab-narrow");
    browser.becomes((1280, 800), "light");

    // A reload goes on with the same run, and stands still as before.
    browser.call("Page.reload", &serde_json::json!({}));
    browser.waits("document.querySelector('.fd-time')?.innerText.startsWith('‖')");
    browser.presses(" ");
    browser.waits(&at(state.at_ms + 1_000));
    let on = sees(&mut browser);
    assert_eq!(kept(&on).run, state.run);

    // Another run begins at a moment of the past; the way back leads to the one before.
    browser.presses(" ");
    browser.waits("document.documentElement.dataset.firedrill === 'ready'");
    browser.presses("ArrowLeft");
    browser.tabs_to("#fd-1-restart");
    browser.presses("Enter");
    browser
        .waits("document.getElementById('fd-page').innerText.includes('on this is another run')");
    browser.sees("history.back(); 0");
    browser.waits("!document.getElementById('fd-page').innerText.includes('restart B')");
    browser.waits("document.getElementById('fd-page').innerText.includes('bug A off')");
    assert_eq!(browser.sees("location.hash"), sees(&mut browser)["share"]);
    let on = sees(&mut browser);

    // The link in another browser, which has nothing of this one: the same run, with its changes.
    let share = on["share"].as_str().expect("a link").to_owned();
    drop(browser);
    let mut other = Browser::opens(&chromium, built(), &format!("{page}{share}"));
    other.waits("document.getElementById('fd-page').innerText.includes('bug A off')");
    let opened = sees(&mut other);
    assert_eq!(kept(&opened).run, state.run);
    assert_eq!(opened["remark"], "");
    other.goes_to("about:blank");
    other.goes_to(&format!("{page}#rate=1e9"));
    other.waits("document.getElementById('fd-page').innerText.includes('expected 1 to 5000')");
}
