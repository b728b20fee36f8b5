//! A learner's terminal in a class: it follows the presenter, votes, and comes back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::class::{Hub, LESSON, first_question, place};
use crate::person::Person;

/// Somebody who joins this class in a terminal, and has not been told anything yet.
fn joins(hub: &Hub, code: &str) -> Person {
    Person::opens(&["join", &hub.origin(), code, "--name", "Ada"])
}

/// Waits until the class knows this of its only learner.
fn reports(hub: &Hub, presenter: &str, holds: impl Fn(&Value) -> bool) {
    for _ in 0..600 {
        if holds(&hub.results(presenter)[0]) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not reported: {}", hub.results(presenter));
}

#[test]
fn a_terminal_follows_the_presenter_and_votes() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let mut hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = hub.leads();
    let mut ada = joins(&hub, &hub.code);
    ada.sees("Waiting for the presenter to open an incident.");

    // It goes through the pages on the way by itself.
    let page = first_question(LESSON);
    assert_eq!(hub.says(&presenter, &json!({ "Open": { "incident": LESSON } })), 204);
    assert_eq!(hub.says(&presenter, &json!({ "Step": page })), 204);
    ada.sees("First vote: choose alone. 0 of 1 have voted.");
    ada.sees(&format!(" {page} of "));
    ada.sees("enter votes · h hint");
    ada.types("2");
    ada.types("\r");
    ada.sees("1 of 1 have voted. your vote: option 2");
    ada.types("H");
    ada.sees("your hand is raised");

    // The presenter turns the pages.
    for key in ["s", "\x1b[D"] {
        ada.types(key);
        ada.sees("the presenter turns the pages for all");
        ada.types("2");
        ada.waits("the note is gone", |text| !text.contains("turns the pages"));
    }
    assert_eq!(hub.says(&presenter, &json!({ "Round": "Discussion" })), 204);
    ada.sees("The vote is closed. Explain your answer");
    ada.types("\r");
    ada.sees("the vote is closed; the presenter continues");

    // A lost connection comes back by itself.
    hub.is_killed();
    ada.sees("connection lost");
    hub.starts_again(&file);
    ada.waits("the connection is back", |text| !text.contains("connection lost"));

    assert_eq!(hub.says(&presenter, &json!({ "Round": "Second" })), 204);
    ada.sees("Second vote: choose again. 0 of 1 have voted. your first vote: option 2");
    ada.types("1");
    ada.types("\r");
    ada.sees("your vote: option 1");
    assert_eq!(hub.says(&presenter, &json!({ "Round": "Revealed" })), 204);
    ada.sees("first→second votes · option 1: 0→1 · option 2: 1→0");
    ada.sees("the presenter continues");
    let votes = &hub.results(&presenter)[0]["votes"][0];
    assert_eq!((&votes["first"], &votes["second"]), (&json!({"Choice": 2}), &json!({"Choice": 1})));

    // Far on, and back again; the progress is the presenter's to see.
    let pages = crate::common::catalogue().find(LESSON).expect("known").manifest.pages();
    assert_eq!(hub.says(&presenter, &json!({ "Step": pages })), 204);
    ada.sees(&format!(" {pages} of {pages} "));
    reports(&hub, &presenter, |learner| learner["walks"][0]["page"] == pages);
    assert_eq!(hub.says(&presenter, &json!({ "Step": page })), 204);
    ada.sees("first→second votes");

    // Who is free turns the pages alone, up to where the class is.
    assert_eq!(hub.says(&presenter, &json!({ "Pace": "UpTo" })), 204);
    ada.sees(&format!("at your own pace, up to page {page}"));
    ada.types("\r");
    ada.sees("the class has not come further than this page");

    // A second start comes back as the same learner; one who was removed is told so.
    assert_eq!(hub.says(&presenter, &json!({ "Remove": 1 })), 204);
    ada.sees("This class does not know you any more");
    assert_eq!(ada.quits(), 0);
}

#[test]
fn a_terminal_comes_back_as_the_same_learner() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = hub.leads();
    let state = tempfile::Builder::new().prefix(crate::person::KEPT).tempdir().expect("writable");
    let link = format!("{}/?code={}", hub.origin(), hub.code);
    let mut ada = Person::remembers(state.path(), &["join", &link]);
    ada.sees("Your nickname");
    ada.types("Ada\r");
    ada.sees("class ▸ Ada · in the room");
    assert_eq!(ada.quits(), 0);
    let code = hub.code.to_lowercase();
    for again in [&["join", &link][..], &["join", &hub.origin(), &code, "--name", "Ada"]] {
        let mut ada = Person::remembers(state.path(), again);
        ada.sees("class ▸ Ada · in the room");
        assert_eq!(ada.quits(), 0);
    }
    let results = hub.results(&presenter);
    assert_eq!(results.as_array().map(Vec::len), Some(1), "{results}");
}

#[test]
fn a_terminal_takes_the_shift_of_the_class() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = hub.leads();
    let mut ada = joins(&hub, &hub.code);
    ada.sees("in the room");
    assert_eq!(hub.says(&presenter, &json!({ "Shift": 1 })), 204);
    ada.sees("Shift 1, level 1");
    ada.sees("⚠ paged");
    reports(&hub, &presenter, |learner| learner["shifts"][0]["is_paged"] == true);
    // The presenter goes on with a walk.
    assert_eq!(hub.says(&presenter, &json!({ "Open": { "incident": LESSON } })), 204);
    ada.sees(" 1 of ");
    assert_eq!(ada.quits(), 0);
}

#[test]
fn a_class_that_cannot_be_joined_is_explained() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let mut other = joins(&hub, "WRONG2");
    other.sees("This is not the code of the class.");
    assert_eq!(other.leaves(), 2);
    for (address, why) in [
        ("https://127.0.0.1/", "is not the address of a class"),
        ("127.0.0.1:1", "cannot reach the class at 127.0.0.1:1"),
    ] {
        let mut other = Person::opens(&["join", address, "AB2CDE", "--name", "Ada"]);
        other.sees(why);
        assert_eq!(other.leaves(), 2);
    }
}
