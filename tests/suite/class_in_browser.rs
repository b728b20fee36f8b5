//! A class in real browsers: everybody takes a walk together, votes twice, and sees the same run; or the same shift.

use serde_json::json;

use crate::class::{Hub, LESSON, first_question, place};
use crate::devtools::{Browser, chromium};

const READY: &str = "document.documentElement.dataset.firedrill === 'ready'";

/// The options of the question, as a learner sees them.
const OPTIONS: &str =
    "[...document.querySelectorAll('#fd-form label')].map((label) => label.innerText.trim())";

/// Expression that is true on this page of the walk, once nothing moves.
fn at(page: usize) -> String {
    format!(
        "document.getElementById('fd-progress')?.textContent.startsWith('page {page} of') && {READY}"
    )
}

fn has(text: &str) -> String {
    format!("!!document.body?.innerText.includes({text:?})")
}

/// Clicks a button of the panel, once it is there.
fn clicks(browser: &mut Browser, text: &str) {
    let buttons = "[...document.querySelectorAll('#fd-room button')]";
    let button = format!("{buttons}.find((button) => button.textContent.trim() === {text:?})");
    browser.waits(&format!("!!{button}"));
    browser.sees(&format!("{button}.click(); 0"));
}

/// Votes by the keyboard, once a vote is open.
fn votes(browser: &mut Browser, option: &str) {
    browser.waits("!!document.querySelector('.fd-buttons [data-key=Enter]')");
    browser.presses(option);
    browser.presses("Enter");
    browser.waits(&has(&format!("your vote: option {option}")));
}

/// A class of a presenter and learners.
struct Class {
    hub: Hub,
    presenter: Browser,
    learners: Vec<Browser>,
}

impl Class {
    fn begins(mut presenter: Browser, hub: Hub, learners: usize) -> Self {
        presenter.becomes((1920, 1080), "light");
        presenter.waits(&has(&hub.code));
        presenter.pictured("class-invitation");
        let mut class = Self { hub, presenter, learners: Vec::new() };
        for n in 0..learners {
            let learner = class.joins(&format!("Ada {n}"), if n == 0 { "dark" } else { "light" });
            class.learners.push(learner);
        }
        class
    }

    /// A new learner, on a telephone.
    fn joins(&mut self, name: &str, scheme: &str) -> Browser {
        let invited = format!("{}/?code={}", self.hub.origin(), self.hub.code);
        let mut learner = self.presenter.beside(&invited);
        learner.becomes((390, 844), scheme);
        learner.tabs_to("input[name=name]");
        learner.types(name);
        learner.presses("Enter");
        learner.waits(&has(name));
        learner
    }

    /// Everybody comes to a page.
    fn is_at(&mut self, page: usize) {
        for browser in self.learners.iter_mut().chain([&mut self.presenter]) {
            browser.waits(&at(page));
        }
    }

    /// The presenter opens the incident, and goes to its first question.
    fn opens(&mut self) {
        let offer = format!("[data-post*='\"{LESSON}\"']");
        self.presenter.waits(&format!("!!document.querySelector({offer:?})"));
        self.presenter.sees(&format!("document.querySelector({offer:?}).click(); 0"));
        self.is_at(1);
        for learner in &mut self.learners {
            let own = learner.sees("document.querySelectorAll('.fd-buttons [data-ask]').length");
            assert_eq!(own, 0, "they are led");
        }
        clicks(&mut self.presenter, "next page");
        self.is_at(first_question(LESSON));
        let shown = self.presenter.sees(OPTIONS);
        for learner in &mut self.learners {
            assert_eq!(learner.sees(OPTIONS), shown, "the same options in the same order");
        }
    }

    /// Two votes with a discussion between, and the result. One learner loads the page again; nobody sees the votes
    /// of the others before the result.
    fn votes_twice(&mut self) {
        let page = first_question(LESSON);
        for (n, option) in ["1", "1", "2"].into_iter().enumerate() {
            let learner = &mut self.learners[n];
            votes(learner, option);
            assert_eq!(learner.sees("!!document.querySelector('.fd-votes')"), false);
        }
        self.learners[0].pictured("class-telephone-dark");
        self.learners[0].call("Page.reload", &json!({}));
        self.learners[0].waits(&at(page));
        self.learners[0].waits(&has("your vote: option 1"));
        self.presenter.waits(&has("3 of 3 have voted"));
        clicks(&mut self.presenter, "close the vote: discuss");
        self.learners[0].waits(&has("Explain your answer"));
        clicks(&mut self.presenter, "vote again");
        self.learners[2].waits(&has("choose again"));
        votes(&mut self.learners[2], "1");
        clicks(&mut self.presenter, "show the result");
        for browser in self.learners.iter_mut().chain([&mut self.presenter]) {
            browser.waits("!!document.querySelector('#fd-page .fd-options .fd-good')");
            browser.waits("!!document.querySelector('.fd-votes')");
        }
        self.presenter.pictured("class-projector");
        let rows = "[...document.querySelectorAll('.fd-votes tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' ').trim())";
        assert_eq!(self.presenter.sees(rows), json!(["option 1 2 1", "option 2 1 0"]));
    }

    /// Every browser has computed the same run, to the last digit.
    fn has_one_run(&mut self) {
        let figures = "document.getElementById('fd-lanes').innerText";
        self.presenter.waits(READY);
        let run = self.presenter.sees(figures);
        for learner in &mut self.learners {
            learner.waits(READY);
            assert_eq!(learner.sees(figures), run);
        }
    }

    /// No page has complained, loaded something of another host, or is wider than its window.
    fn is_in_order(&mut self) {
        let origin = self.hub.origin();
        for browser in self.learners.iter_mut().chain([&mut self.presenter]) {
            assert_eq!(browser.errors, Vec::<String>::new());
            let is_own = |asked: &String| asked.starts_with(&origin) || asked.starts_with("about:");
            assert!(browser.asked_for.iter().all(is_own), "{:?}", browser.asked_for);
            let wide = browser.sees("document.documentElement.scrollWidth - innerWidth");
            assert!(wide.as_f64() <= Some(1.0), "{wide}");
        }
    }
}

#[test]
fn a_class_takes_a_walk_together_in_its_browsers() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = Browser::opens(&chromium, folder.path(), &hub.presenter);
    let mut class = Class::begins(presenter, hub, 3);
    class.opens();
    class.votes_twice();
    class.has_one_run();

    // A late joiner catches up; then everybody is free.
    let page = first_question(LESSON);
    let late = class.joins("Late", "light");
    class.learners.push(late);
    class.is_at(page);
    class.learners[3].waits("!!document.querySelector('#fd-page .fd-options .fd-good')");
    clicks(&mut class.presenter, "next page");
    class.is_at(page + 1);
    clicks(&mut class.presenter, "free");
    for learner in &mut class.learners {
        learner.waits(&has("at your own pace"));
        learner.waits("!!document.querySelector('.fd-buttons [data-ask]')");
    }
    clicks(&mut class.learners[3], "raise your hand");
    class.presenter.waits(&has("✋"));
    class.is_in_order();

    // The hub is killed: every page says so, and goes on when the hub is back. A hand that was raised meanwhile is up
    // then; what the presenter pressed meanwhile is not done.
    class.hub.is_killed();
    let is_lost = "!document.getElementById('fd-said').hidden";
    for browser in class.learners.iter_mut().chain([&mut class.presenter]) {
        browser.waits(is_lost);
        assert_eq!(browser.sees(&has("The connection to the class is lost")), true);
    }
    clicks(&mut class.learners[0], "raise your hand");
    clicks(&mut class.presenter, "together");
    class.hub.starts_again(&file);
    for browser in class.learners.iter_mut().chain([&mut class.presenter]) {
        browser.waits("document.getElementById('fd-said').hidden");
    }
    class.presenter.waits(&has("✋ 2"));
    assert_eq!(class.learners[0].sees(&has("at your own pace")), true);
}

#[test]
fn twenty_pages_take_a_walk_together_on_one_browser() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = Browser::opens(&chromium, folder.path(), &hub.presenter);
    let mut class = Class::begins(presenter, hub, 20);
    class.opens();
    for (n, learner) in class.learners.iter_mut().enumerate() {
        votes(learner, if n % 4 == 0 { "2" } else { "1" });
    }
    class.presenter.waits(&has("20 of 20 have voted"));
    clicks(&mut class.presenter, "show the result");
    for browser in class.learners.iter_mut().chain([&mut class.presenter]) {
        browser.waits("!!document.querySelector('.fd-votes')");
    }
    let rows = "[...document.querySelectorAll('.fd-votes tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' ').trim())";
    assert_eq!(class.presenter.sees(rows), json!(["option 1 15", "option 2 5"]));
    class.has_one_run();
    class.is_in_order();
}

/// Presses a button of the shift, once it is there.
fn presses_button(browser: &mut Browser, text: &str) {
    let buttons = "[...document.querySelectorAll('#fd-page button')]";
    let button = format!("{buttons}.find((button) => button.textContent.includes({text:?}))");
    browser.waits(&format!("{READY} && !!{button}"));
    browser.sees(&format!("{button}.click(); 0"));
}

/// Lets what is waited for come at once, until the page has this text.
fn comes_to(browser: &mut Browser, text: &str) {
    browser.waits(&format!(
        "(() => {{ document.querySelector('#fd-page [data-key=s]')?.click(); return {}; }})()",
        has(text)
    ));
}

#[test]
fn a_class_takes_the_same_shift_and_sees_a_board() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = Browser::opens(&chromium, folder.path(), &hub.presenter);
    let mut class = Class::begins(presenter, hub, 2);
    clicks(&mut class.presenter, "level 1");
    class.presenter.waits(&has("0 of 2 have a result"));
    for learner in &mut class.learners {
        learner.waits("!!document.querySelector('#fd-page h2')");
        comes_to(learner, "What do you do?");
    }
    let figures = "document.getElementById('fd-lanes').innerText + document.querySelector('.fd-facts').innerText";
    let first = class.learners[0].sees(figures);
    assert_eq!(class.learners[1].sees(figures), first, "the same shift");
    class.presenter.waits(&has("on call"));

    let quick = &mut class.learners[0];
    presses_button(quick, "name the cause");
    presses_button(quick, "nothing is wrong");
    presses_button(quick, "declare the outage over");
    presses_button(quick, "yes");
    comes_to(quick, "of 100 points");
    quick.waits(&has("1 of 2 have a result"));
    class.presenter.waits(&has("1 of 2 have a result"));
    class.presenter.pictured("class-board");
    class.is_in_order();

    // A hub that is killed, and a page that is loaded again, lose nothing.
    class.hub.is_killed();
    class.hub.starts_again(&file);
    // What the page showed before says nothing: it is loaded again.
    class.presenter.sees("window.isOld = true; 0");
    class.presenter.call("Page.reload", &json!({}));
    class.presenter.waits(&format!("!window.isOld && {}", has("1 of 2 have a result")));
    let other = &mut class.learners[1];
    other.sees("window.isOld = true; 0");
    other.call("Page.reload", &json!({}));
    other.waits("!window.isOld && !!document.querySelector('.fd-facts')");
    other.waits(READY);
    assert_eq!(other.sees(figures), first);

    // A walk ends the shift for everybody.
    class.opens();
}
