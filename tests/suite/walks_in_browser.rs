//! Every walk in a real browser, by its keys, from start to end: first with wrong answers on a wide screen, then with
//! the right ones on a telephone.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::book::{built, lane};
use crate::common::{catalogue, skipped};
use crate::devtools::{Browser, chromium};

/// Expression for what can be seen of a walk.
const STATE: &str = r##"(() => {
  const page = document.getElementById("fd-page");
  const text = (selector) => page.querySelector(selector)?.textContent ?? "";
  const right = [...page.querySelectorAll(".fd-options > li")].find((li) => li.querySelector(".fd-good"));
  const progress = document.getElementById("fd-progress").textContent;
  const [at, of] = progress.match(/\d+/g).map(Number);
  const form = page.querySelector("form");
  return {
    ready: document.documentElement.dataset.firedrill, at, of, text: page.innerText,
    kind: form && Object.keys(JSON.parse(form.dataset.answer).Input.Answer)[0], prompt: text("legend") || text("p > strong"),
    options: [...page.querySelectorAll("form label")].map((label) => label.textContent.replace(/^\s*\d+ /, "").trim()),
    hint: text(".fd-hint"), judged: text(".fd-good, .fd-bad").slice(2),
    right: right && right.firstChild && [...right.childNodes].filter((node) => !node.matches?.(".fd-good, p"))
      .map((node) => node.textContent).join("").trim(),
    line: text(".fd-waits").replace(/^\s*([\d,]+▶)?\s*\d+ /, "").replace(/\.parked\("[^"]*"\)/, "").trim(),
    figures: Object.fromEntries([...page.querySelectorAll(".fd-result strong")].map((figure) =>
      [figure.previousElementSibling.textContent, figure.textContent])),
    wide: document.documentElement.scrollWidth - innerWidth,
    focus: document.activeElement?.dataset?.focus ?? "",
    charts: [...document.querySelectorAll("#fd-lanes svg")].every((svg) => svg.getAttribute("aria-label")),
  };
})()"##;

/// The right answers that a page has shown, by question.
type Learned = BTreeMap<String, String>;

struct Tour {
    browser: Browser,
    learned: Learned,
}

impl Tour {
    /// The page, when nothing moves.
    fn settles(&mut self) -> Value {
        loop {
            self.browser
                .waits("['ready', 'running'].includes(document.documentElement.dataset.firedrill)");
            let state = self.browser.sees(STATE);
            if state["ready"] == "ready" {
                assert!(state["wide"].as_f64() <= Some(1.0), "it scrolls sideways: {state}");
                assert_eq!(state["charts"], true, "a chart without a text: {state}");
                return state;
            }
            // The key is asked for once more where a page has just begun to move.
            self.browser.presses("s");
            self.browser.waits("document.documentElement.dataset.firedrill === 'ready'");
        }
    }

    /// Presses a key and waits until the page is another.
    fn presses(&mut self, key: &str) -> Value {
        let page = "document.getElementById('fd-page').innerHTML";
        self.browser.sees(&format!("window.before = {page}; 0"));
        self.browser.presses(key);
        self.browser.waits(&format!(
            "document.documentElement.dataset.firedrill === 'running' || {page} !== window.before"
        ));
        self.settles()
    }

    /// Answers a question: as it was learned, or by what is not likely to be right.
    fn answers(&mut self, state: &Value, right: bool) -> Value {
        let prompt = state["prompt"].as_str().expect("a prompt").to_owned();
        let learned = self.learned.get(&prompt).cloned();
        let options = state["options"].as_array().expect("a list");
        let find = |text: &str| options.iter().position(|option| option == text);
        match state["kind"].as_str().expect("a kind") {
            "Choice" => {
                let wanted = match learned.filter(|_| right) {
                    Some(text) => find(&text).unwrap_or_else(|| panic!("{text}: {state}")),
                    None => options.len() - 1,
                };
                self.browser.presses(&(wanted + 1).to_string());
            }
            "Number" => {
                self.browser.tabs_to("#fd-form input");
                self.browser.types(&learned.filter(|_| right).unwrap_or("987654".to_owned()));
            }
            _ => {
                let wanted = match learned.filter(|_| right) {
                    Some(text) => find(&text).unwrap_or_else(|| panic!("{text}: {state}")),
                    None => 0,
                };
                self.browser.tabs_to("#fd-form input");
                self.browser.presses(" ");
                for _ in 0..wanted {
                    self.browser.presses("ArrowDown");
                }
            }
        }
        let after = self.presses("Enter");
        let found = match state["kind"].as_str().expect("a kind") {
            "Choice" => after["right"].as_str().map(str::to_owned),
            "Number" => {
                let figures = &after["figures"];
                let measured = figures["measured"].as_str().or(figures["theory"].as_str());
                Some(number(measured.unwrap_or_else(|| panic!("no figure: {after}"))))
            }
            _ => after["line"].as_str().map(str::to_owned),
        };
        let found = found.unwrap_or_else(|| panic!("its answer is not shown: {after}"));
        assert!(!found.is_empty(), "its answer is not shown: {after}");
        self.learned.insert(prompt, found);
        if right {
            assert_eq!(after["judged"], "right", "{after}");
        }
        assert!(["right", "wrong"].iter().any(|word| after["judged"] == *word), "{after}");
        after
    }

    /// Takes a walk to its last page; `checks` looks at each page once it is answered.
    fn walks(&mut self, right: bool, mut checks: impl FnMut(&mut Self, &Value)) -> Vec<Value> {
        let mut pages = Vec::new();
        let mut state = self.settles();
        loop {
            if !state["kind"].is_null() {
                state = self.answers(&state, right);
            }
            if state["at"] == state["of"] {
                pages.push(state);
                return pages;
            }
            checks(self, &state);
            let before = state;
            state = self.presses("Enter");
            if state["at"] != before["at"] {
                let page = state["at"].to_string();
                assert_eq!(state["focus"], page.as_str(), "a reader is not told of a new page");
                pages.push(before);
            }
        }
    }
}

/// The number in a figure: `1,388 tasks`, `200 × 1 / 1000 = 0.2`.
fn number(figure: &str) -> String {
    let figure = figure.rsplit("= ").next().unwrap_or_default();
    let of_number = |c: &char| c.is_ascii_digit() || [',', '.', '-'].contains(c);
    figure.chars().take_while(of_number).filter(|c| *c != ',').collect()
}

#[test]
fn every_walk_can_be_taken_in_a_browser_by_its_keys() {
    let Some(chromium) = chromium() else { return };
    if !lane().exists() {
        skipped("the lane for browsers is not built: cargo run --release --example book");
        return;
    }
    let folder = tempfile::tempdir().expect("writable");
    let address = |page: &Path| format!("file://{}", page.display());
    let page_of = |id: &str| address(&built().join(format!("walk/{id}.html")));
    let browser = Browser::opens(&chromium, folder.path(), &page_of("index"));
    let mut tour = Tour { browser, learned: Learned::new() };
    let mut wrong = 0;
    for (i, entry) in catalogue().entries.iter().enumerate() {
        let id = &entry.manifest.id;
        tour.browser.becomes((1280, 800), "light");
        tour.browser.goes_to(&page_of(id));
        let pages = tour.walks(false, |_, state| wrong += usize::from(state["judged"] == "wrong"));
        assert_eq!(pages.last().expect("pages")["at"], entry.manifest.pages() as u64, "{id}");

        // Begun again on a telephone, by the answers that were learned; hints are asked for; a page that is loaded
        // again is the same; a page that is gone back to shows what it showed.
        tour.browser.becomes((390, 844), "dark");
        tour.browser.sees("document.documentElement.dataset.firedrill = ''; document.getElementById('fd-again').click(); 0");
        tour.browser.waits("document.documentElement.dataset.firedrill !== ''");
        let mut earlier: Option<Value> = None;
        tour.walks(true, |tour, state| {
            let same = |now: &Value, then: &Value| {
                for part in ["at", "text", "figures"] {
                    assert_eq!(now[part], then[part], "{id}");
                }
            };
            if state["at"] == 4
                && let Some(earlier) = &earlier
            {
                tour.browser.goes_to(&page_of(id));
                same(&tour.settles(), state);
                same(&tour.presses("ArrowLeft"), earlier);
                same(&tour.presses("Enter"), state);
                if i % 8 == 0 {
                    tour.browser.pictured(&format!("walk-{id}-telephone-dark"));
                    tour.browser.becomes((1920, 1080), "light");
                    tour.browser.pictured(&format!("walk-{id}-projector-light"));
                    let printed = tour.browser.call("Page.printToPDF", &json!({}));
                    let printed = printed["data"].as_str().expect("a document");
                    assert!(printed.len() > 10_000, "{id}: {} characters", printed.len());
                    tour.browser.becomes((390, 844), "dark");
                }
            }
            earlier = Some(state.clone());
        });
        assert_eq!(tour.browser.errors, Vec::<String>::new(), "{id}");
    }
    assert!(wrong > catalogue().entries.len(), "{wrong} wrong answers: the replies were not seen");
    let elsewhere: Vec<&String> =
        tour.browser.asked_for.iter().filter(|asked| !asked.starts_with("file:")).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    tour.browser.goes_to(&page_of("index"));
    let all = tour
        .browser
        .sees("[...document.querySelectorAll('[data-walk]')].map((row) => row.textContent)");
    let all = all.as_array().expect("a list");
    assert_eq!(all.len(), catalogue().entries.len());
    for row in all {
        let row = row.as_str().expect("text");
        let (right, of) = row.trim_start_matches("✔ ").split_once(" of ").expect("a result");
        assert_eq!(Some(right), of.split(' ').next(), "{row}");
    }
}
