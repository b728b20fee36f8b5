//! On-call shifts at a terminal, in simulated time: each incident is solved by the keys of somebody who knows the cause.

use std::time::{Duration, Instant};

use firedrill_core::session::shift::diagnosis::right_lines;
use firedrill_core::session::shift::scenario::Scenario;

use crate::common::catalogue;
use crate::person::Person;

/// The row of the menu under the cursor.
fn row(person: &Person) -> String {
    let screen = person.screen.screen();
    let (rows, columns) = screen.size();
    let is_under = |row: u16| {
        (0..columns).any(|column| screen.cell(row, column).is_some_and(vt100::Cell::inverse))
    };
    let text = |row: u16| -> String {
        (0..columns)
            .filter_map(|column| screen.cell(row, column))
            .map(vt100::Cell::contents)
            .collect()
    };
    (0..rows).find(|row| is_under(*row)).map(text).unwrap_or_default()
}

/// Chooses the row of the open menu that has this text, by the keys.
fn chooses(person: &mut Person, wanted: &str) {
    let deadline = Instant::now() + Duration::from_mins(3);
    let (mut before, mut pressed, mut key) = (String::new(), Instant::now(), "j");
    loop {
        // While an action goes on there is no menu; and a key is drawn when its frame comes.
        let under = row(person);
        if under.contains(wanted) {
            return person.types("\r");
        }
        // At an end of the menu, or where a key came while an action went on, nothing moves.
        let stands = under == before && pressed.elapsed() > Duration::from_secs(1);
        if stands {
            key = if key == "j" { "k" } else { "j" };
        }
        if !under.is_empty() && (under != before || stands) {
            person.types(key);
            (before, pressed) = (under, Instant::now());
        }
        assert!(Instant::now() < deadline, "no row `{wanted}`:\n{}", person.text());
        person.watches_for(Duration::from_millis(20));
    }
}

/// An expert who knows the cause solves an incident at level 1, at a terminal.
#[expect(clippy::unused_async, reason = "as the other checks of each incident")]
async fn is_solved_by_keys(id: &str) {
    let of = [id.to_owned()];
    let faulty = |seed: &u64| {
        Scenario::draw(catalogue(), *seed, 1, &of).is_ok_and(|scenario| scenario.is_faulty)
    };
    let seed = (1..100).find(faulty).expect("most have a fault").to_string();
    let entry = catalogue().find(id).expect("known");
    let source = catalogue().source(&entry.file("broken")).expect("known");
    let mut person = Person::opens(&["drill", "--clock", "virtual", "--seed", &seed, "--of", id]);
    person.sees("⚠ paged");
    chooses(&mut person, "look: recent changes");
    person.sees("release 2.");
    // The old version of this one does not limit the requests that the database gets: the release stays.
    let stays = id == "autoscale-on-cpu";
    if !stays {
        chooses(&mut person, "act on the service");
        person.sees("act on the service ──");
        chooses(&mut person, "roll back ▸");
        person.sees("roll back which change?");
        chooses(&mut person, "roll back the newest release");
        person.sees("done: roll back");
    }
    let acts = match id {
        "autoscale-on-cpu" => ["scale ▸", "scale to 3 instances"].as_slice(),
        // Requests that wait already keep the service busy.
        "retry-storm" | "perfect-storm" | "one-switch" | "chaos-left-on" => &["restart"],
        _ => &[],
    };
    if !acts.is_empty() {
        chooses(&mut person, "act on the service");
        person.sees("act on the service ──");
        for act in acts {
            chooses(&mut person, act);
        }
        person.sees(&format!("done: {}", acts.last().unwrap_or(&"")));
    }
    chooses(&mut person, "name the cause");
    person.sees("what is the cause?");
    chooses(&mut person, &entry.manifest.title);
    person.sees("which line is the cause?");
    chooses(&mut person, &format!("{:>3} ", right_lines(source)[0]));
    person.sees("what do you do?");
    chooses(&mut person, "declare the outage over");
    person.sees("is the outage over?");
    person.types("\r");
    person.waits_for("of 100 points", Duration::from_mins(5));
    let text = person.text();
    let points = text.split("of 100 points").next().and_then(|text| text.split_whitespace().last());
    let points: f64 = points.and_then(|points| points.parse().ok()).unwrap_or_default();
    assert!(points >= 80.0, "{text}");
    assert!(text.contains(&entry.manifest.title), "{text}");
    assert_eq!(person.quits(), 0);
}

each_incident!(is_solved_by_keys);
