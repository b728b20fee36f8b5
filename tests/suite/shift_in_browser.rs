//! An on-call shift in a real browser: by its keys on a wide screen, by its buttons on a telephone; the same shift as
//! under the program, and resumed after a reload.

use std::path::Path;

use firedrill_core::page::shift::{Asked, ShiftPage};
use firedrill_core::session::shift::diagnosis::right_lines;
use firedrill_core::session::shift::state::ShiftState;
use serde_json::{Value, json};

use crate::book::{built, lane};
use crate::common::{catalogue, skipped};
use crate::devtools::{Browser, chromium};

/// Expression for what can be seen of a shift.
const STATE: &str = r##"(() => ({
  ready: document.documentElement.dataset.firedrill,
  text: document.getElementById("fd-page").innerText,
  heading: document.querySelector("#fd-page h2")?.innerText ?? "",
  time: document.querySelector(".fd-time")?.innerText ?? "",
  rows: [...document.querySelectorAll(".fd-menu button > span:first-of-type")].map((row) => row.textContent),
  charts: document.querySelectorAll("#fd-lanes svg[aria-label]").length,
  wide: document.documentElement.scrollWidth - innerWidth,
  focus: document.activeElement?.dataset?.focus ?? "",
  kept: localStorage["firedrill:walk:on-call"] ?? "{}",
  links: [...document.querySelectorAll("#fd-page a")].map((link) => link.getAttribute("href")),
}))()"##;

struct OnCall(Browser);

impl OnCall {
    /// The page, when it waits for its reader.
    fn settles(&mut self) -> Value {
        loop {
            self.0
                .waits("['ready', 'running'].includes(document.documentElement.dataset.firedrill)");
            let state = self.0.sees(STATE);
            if state["ready"] == "ready" {
                assert!(state["wide"].as_f64() <= Some(1.0), "it scrolls sideways: {state}");
                return state;
            }
            self.0.presses("s");
            self.0.waits("document.documentElement.dataset.firedrill === 'ready'");
        }
    }

    /// Chooses the row of the open menu that begins with this text.
    fn chooses(&mut self, row: &str) -> Value {
        let state = self.0.sees(STATE);
        let rows = state["rows"].as_array().expect("a menu");
        let found = rows.iter().position(|text| text.as_str().is_some_and(|t| t.starts_with(row)));
        let index = found.unwrap_or_else(|| panic!("no row `{row}`: {state}"));
        let page = "document.getElementById('fd-page').innerHTML";
        self.0.sees(&format!("window.before = {page}; 0"));
        self.0.sees(&format!("document.querySelectorAll('.fd-menu button')[{index}].click(); 0"));
        self.0.waits(&format!("{page} !== window.before"));
        self.settles()
    }
}

/// A shift with a fault, of an incident that a browser can run: its incident, seed, and the incidents it is drawn from.
fn scenario(book: &Path) -> (String, u64, Vec<String>) {
    let text = std::fs::read_to_string(book.join("shift/index.html")).expect("it was written");
    let data = text.split("id=\"fd-walk\"").nth(1).expect("its data");
    let data = data.split_once('>').and_then(|(_, data)| data.split_once("</script>"));
    let data = data.expect("its end").0.replace("<\\/", "</");
    let data: Value = serde_json::from_str(&data).expect("JSON");
    let of: Vec<String> = serde_json::from_value(data["opens"]["of"].clone()).expect("ids");
    let drawn = |seed: &u64| {
        firedrill_core::session::shift::scenario::Scenario::draw(catalogue(), *seed, 1, &of)
            .is_ok_and(|scenario| scenario.is_faulty && scenario.incident == "pool-leak")
    };
    let seed = (1..1000).find(drawn).expect("there is one");
    ("pool-leak".to_owned(), seed, of)
}

#[test]
fn a_shift_is_taken_in_a_browser_from_its_page_to_its_debrief() {
    let Some(chromium) = chromium() else { return };
    if !lane().exists() {
        return skipped("the lane for browsers is not built");
    }
    let (id, seed, of) = scenario(built());
    let entry = catalogue().find(&id).expect("known");
    let page = format!("file://{}/shift/index.html#1-{seed}", built().display());
    let mut on_call = OnCall(Browser::opens(&chromium, built(), &page));
    let first = on_call.settles();
    assert_eq!(first["heading"], "What do you do?", "a link has seed and level: {first}");
    assert_eq!(first["charts"], 4, "{first}");
    on_call.0.waits("document.querySelector('.fd-alert').innerText.length > 10");
    on_call.0.pictured("shift-paged");

    // A look by its key, and an input that has no effect.
    let changes = first["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .position(|row| *row == "look: recent changes");
    on_call.0.presses(&(changes.expect("it is offered") + 1).to_string());
    on_call.0.waits("document.getElementById('fd-page').innerText.includes('release 2.14.')");
    let state = on_call.settles();
    assert!(!state["text"].as_str().unwrap_or_default().contains(&entry.manifest.title), "{state}");
    assert_ne!(state["focus"], "", "the keyboard is at the menu: {state}");
    let state = on_call.chooses("act on the service");
    assert_eq!(state["heading"], "Act on the service");
    on_call.chooses("roll back");
    let state = on_call.chooses("roll back the newest release");
    assert!(state["text"].as_str().is_some_and(|text| text.contains("done: roll back")), "{state}");

    // A reload goes on where it was.
    let before = state["text"].clone();
    on_call.0.call("Page.reload", &json!({}));
    on_call.0.waits("document.querySelectorAll('.fd-facts section').length > 1");
    assert_eq!(on_call.settles()["text"], before);

    on_call.chooses("name the cause");
    on_call.0.pictured("shift-causes");
    let state = on_call.chooses(&entry.manifest.title);
    assert_eq!(state["heading"], "Which line is the cause?", "{state}");
    let source = catalogue().source(&entry.file("broken")).expect("known");
    let line = format!("{:>3} ", right_lines(source)[0]);
    on_call.chooses(&line);
    for _ in 0..3 {
        on_call.chooses("wait");
    }
    on_call.chooses("declare the outage over");
    let state = on_call.chooses("yes");
    on_call.0.waits("document.querySelector('#fd-page h2').innerText.includes('100 points')");
    let end = on_call.settles();
    let heading = end["heading"].as_str().expect("a heading").to_owned();
    assert!(heading.contains(&entry.manifest.title), "{state} {end}");
    on_call.0.pictured("shift-debrief");
    on_call.0.becomes((390, 844), "dark");
    let narrow = on_call.settles();
    assert_eq!(narrow["heading"], *heading);
    on_call.0.pictured("shift-debrief-narrow");

    // The same inputs in this process lead to the same end; memory apart, which a browser has less of.
    let kept: Value = serde_json::from_str(end["kept"].as_str().expect("text")).expect("JSON");
    let to_open = json!({ "seed": seed, "level": 1, "of": of, "inputs": kept["inputs"] });
    let to_open = serde_json::from_value(to_open).expect("a shift");
    let mut native = ShiftPage::open(catalogue().clone(), to_open, || 0).expect("it opens");
    let mut drawn = native.obey(Asked::Show).expect("it is shown");
    while drawn.running {
        drawn = native.obey(Asked::Faster).expect("it goes on");
    }
    let ours: Value = serde_json::from_str(&drawn.kept).expect("JSON");
    // A whole number has no fraction in a browser.
    let on_call = |kept: &Value| -> ShiftState {
        serde_json::from_value(kept["on_call"].clone()).expect("a state")
    };
    assert_eq!(on_call(&ours), on_call(&kept));
    assert!(ours["on_call"]["result"]["points"].as_f64() >= Some(80.0), "{ours}");
}
