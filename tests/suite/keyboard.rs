//! The book by the keyboard alone, and as a screen reader is told of it, in a real browser.

use std::fs;

use serde_json::json;

use crate::book::{built, copy, lane};
use crate::common::skipped;
use crate::devtools::{Browser, chromium};

#[test]
fn the_book_can_be_used_and_heard_without_a_mouse() {
    let Some(chromium) = chromium() else { return };
    if !lane().exists() {
        skipped("the lane for browsers is not built: cargo run --release --example book");
        return;
    }
    let folder = tempfile::tempdir().expect("writable");
    let book = folder.path().join("book");
    copy(built(), &book);
    let page = book.join("incidents/pool-leak.html");
    assert!(fs::exists(&page).expect("readable"));
    let mut browser =
        Browser::opens(&chromium, folder.path(), &format!("file://{}", page.display()));
    browser.waits("document.documentElement?.dataset.firedrill === 'ready'");

    // Each slider moves by one step with one press, either way, and the chart says something else.
    let sliders = browser.sees("document.querySelectorAll('.fd-live input[type=range]').length");
    let sliders = sliders.as_u64().expect("a count");
    assert!(sliders >= 2, "{sliders} sliders");
    browser.sees("document.querySelectorAll('.fd-live input[type=range]').forEach((s, i) => s.dataset.at = i); 0");
    for at in 0..sliders {
        let slider = format!(".fd-live input[data-at='{at}']");
        browser.tabs_to(&slider);
        let value = format!("Number(document.querySelector({slider:?}).value)");
        let before = browser.sees(&value).as_f64().expect("a number");
        browser.presses("ArrowRight");
        let after = browser.sees(&value).as_f64().expect("a number");
        assert!(after > before, "slider {at} stays at {before}");
        browser.presses("ArrowLeft");
        let back = browser.sees(&value).as_f64().expect("a number");
        assert!((back - before).abs() < 1e-9, "slider {at}: {before}, {after}, {back}");
        let told = browser.sees("document.activeElement.getAttribute('aria-valuetext')");
        assert!(told.as_str().is_some_and(|told| !told.is_empty()), "slider {at} says no value");
    }
    let says = "document.querySelector('.fd-live svg[role=img]').getAttribute('aria-label')";
    let before = browser.sees(says);
    browser.tabs_to(".fd-live input[data-at='0']");
    let drawn = "Number(document.querySelector('.fd-live').dataset.drawn ?? 0)";
    let times = browser.sees(drawn);
    for _ in 0..8 {
        browser.presses("ArrowRight");
    }
    browser.waits(&format!("{drawn} > {times}"));
    // Its text alternative tells of the new run, once that is drawn.
    browser.waits(&format!("{says} !== {before}"));

    // A question: chosen with space, answered with enter.
    browser.sees(
        "document.querySelector('form.fd-question:has(input[type=radio])').id ||= 'fd-first'; 0",
    );
    let form = format!(
        "#{}",
        browser
            .sees("document.querySelector('form.fd-question:has(input[type=radio])').id")
            .as_str()
            .expect("an id")
    );
    browser.tabs_to(&format!("{form} input"));
    browser.presses(" ");
    browser.tabs_to(&format!("{form} button[type=submit], {form} button:not([type])"));
    browser.presses("Enter");
    browser.waits(&format!(
        "['right', 'wrong'].includes(document.querySelector({form:?}).dataset.state)"
    ));
    browser.waits(&format!("!document.querySelector({form:?}).querySelector('.fd-answer').hidden"));

    // What a screen reader is told: names for all that can be operated, and for all pictures.
    browser.call("Accessibility.enable", &json!({}));
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().expect("a tree");
    let mut heard = 0;
    for node in nodes.iter().filter(|node| node["ignored"] != true) {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if !["slider", "radio", "checkbox", "button", "spinbutton"].contains(&role) {
            continue;
        }
        heard += 1;
        let name = node["name"]["value"].as_str().unwrap_or_default();
        assert!(!name.trim().is_empty(), "a {role} without a name: {node}");
    }
    assert!(heard > 10, "{heard} named controls");
    let mute = "[...document.querySelectorAll('main svg')].filter((svg) => \
                svg.getAttribute('role') !== 'img' || !svg.getAttribute('aria-label')).length";
    assert_eq!(browser.sees(mute), 0, "pictures without a text");
}
