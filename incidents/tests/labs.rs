//! The lab of a page, in this process.

use std::sync::LazyLock;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::page::Drawn;
use firedrill_core::page::lab::{Asked, Kept, LASTS_MS, LabPage, LabToOpen};
use firedrill_core::plan::{Case, Plan};
use firedrill_core::session::travel::Travel;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::read(&firedrill_incidents::PACK, |_| None).expect("manifests are in order")
});

type Pairs = Vec<(String, String)>;

fn link(text: &str) -> Pairs {
    let pair = |part: &str| part.split_once('=').map(|(name, value)| (name.into(), value.into()));
    text.split('&').filter_map(pair).collect()
}

fn opened(id: &str, link: Pairs, kept: Option<Kept>) -> LabPage {
    let entry = CATALOGUE.find(id).expect("known");
    let plan = Plan { clock: Clock::Virtual, ..Plan::new(&entry.manifest) };
    let case = Case::new(&CATALOGUE, plan.clone()).expect("known");
    LabPage::open(case, LabToOpen { plan, link, kept }, || 0).expect("it opens")
}

fn asks(lab: &mut LabPage, asked: Asked) -> Drawn {
    lab.obey(asked).expect("the lanes run")
}

/// Lets 1.25 simulated seconds pass, at the usual speed, until this time.
fn passes(lab: &mut LabPage, to_ms: u64) -> Drawn {
    loop {
        let drawn = asks(lab, Asked::Passed(250.0));
        if kept(&drawn).at_ms >= to_ms && !time(&drawn).contains("on the way") || !drawn.running {
            return drawn;
        }
    }
}

fn kept(drawn: &Drawn) -> Kept {
    serde_json::from_str(&drawn.kept).expect("it was written")
}

fn acts(lab: &mut LabPage, text: &str) -> Drawn {
    let drawn = asks(lab, Asked::Act(text.to_owned()));
    assert!(!drawn.page.contains("fd-remark"), "{text}: {}", drawn.page);
    drawn
}

/// A change on a page that has a remark.
fn acts_on(lab: &mut LabPage, text: &str) -> Drawn {
    asks(lab, Asked::Act(text.to_owned()))
}

/// The lanes without the speed that was reached, which is the machine's.
fn lanes(drawn: &Drawn) -> &str {
    drawn.lanes.split_once("</p>").expect("the line of the time").1
}

fn time(drawn: &Drawn) -> &str {
    drawn.lanes.split_once("</p>").expect("the line of the time").0
}

#[test]
fn every_incident_runs_in_the_lab_of_a_page() {
    for entry in &CATALOGUE.entries {
        let mut lab = opened(&entry.manifest.id, Pairs::new(), None);
        let drawn = passes(&mut lab, 15_000);
        let charts = drawn.lanes.matches("<svg").count();
        assert!(charts >= 2, "{}: {charts} charts", entry.manifest.id);
        assert!(drawn.lanes.contains("A · broken") && drawn.lanes.contains("B · fixed"));
        assert_eq!(drawn.title, entry.manifest.title);
    }
}

#[test]
fn a_link_leads_to_the_run_with_its_changes_and_a_reload_goes_on_with_it() {
    let by_hand = |lab: &mut LabPage| {
        passes(lab, 5_000);
        acts(lab, "rate 150");
        asks(lab, Asked::Typed("set store_ms".to_owned(), 9.0));
        passes(lab, 10_000);
        acts(lab, "bug A timeout");
        acts(lab, "instances B 2");
        acts(lab, "without B auth");
        passes(lab, 15_000);
        acts(lab, "restart A");
        acts(lab, "repeat");
        passes(lab, 25_000)
    };
    let mut lab =
        opened("pool-leak", link("seed=7&lanes=broken,fixed&set=store_error_percent:3"), None);
    let end = by_hand(&mut lab);
    assert!(end.page.contains("150") && end.page.contains("bug A timeout"), "{}", end.page);
    let state = kept(&end);
    let did = state.run.iter().filter(|(name, _)| name == "do").count();
    assert_eq!(did, 7, "{:?}", state.run);

    // The link has all of it; the page says so.
    let fragment = end.page.split_once("href=\"#").and_then(|(_, rest)| rest.split_once('"'));
    let text = fragment.expect("a link").0.replace("&amp;", "&").replace('+', " ");
    assert_eq!(link(&text), state.run);
    let mut again = opened("pool-leak", state.run.clone(), None);
    let there = passes(&mut again, state.at_ms);
    assert_eq!(kept(&there).at_ms, state.at_ms);
    assert_eq!(lanes(&there), lanes(&end));

    // A reload goes on at the same moment, at once: the page's address is the link to the run.
    for link in [state.run.clone(), Pairs::new()] {
        let mut reloaded = opened("pool-leak", link, Some(state.clone()));
        let drawn = passes(&mut reloaded, state.at_ms);
        assert_eq!((lanes(&drawn), kept(&drawn).run), (lanes(&end), state.run.clone()));
    }

    // Another link is another run, also the one by which this was opened.
    for text in ["seed=8", "seed=7&lanes=broken,fixed&set=store_error_percent:3"] {
        let mut other = opened("pool-leak", link(text), Some(state.clone()));
        let drawn = asks(&mut other, Asked::Show);
        assert_eq!((kept(&drawn).at_ms, drawn.page.contains("Changes:")), (0, false), "{text}");
    }

    // A link to a moment goes there at once, and stands still.
    let moment = [state.run, link("at=12")].concat();
    let mut there = opened("pool-leak", moment, None);
    let drawn = passes(&mut there, 13_000);
    assert!(!drawn.running && time(&drawn).contains("‖ 00:12 of 00:12"), "{}", time(&drawn));
    assert!(drawn.page.contains("at=12\""), "the link is to the moment that is shown");
}

#[test]
fn the_past_is_looked_at_and_a_change_there_begins_another_run() {
    let mut lab = opened("pool-leak", Pairs::new(), None);
    passes(&mut lab, 20_000);
    let now = asks(&mut lab, Asked::Travel(Travel::PlayPause));
    assert!(!now.running && now.page.contains("type=\"range\""), "{}", now.page);
    let past = asks(&mut lab, Asked::Travel(Travel::To(4_000)));
    assert!(time(&past).contains("‖ 00:04 of 00:20"), "{}", time(&past));
    assert_eq!(past.progress, "00:04");
    // The run stands meanwhile.
    let still = asks(&mut lab, Asked::Passed(250.0));
    assert_eq!(kept(&still).at_ms, kept(&now).at_ms);
    // The past plays on, up to now, and then the run goes on.
    asks(&mut lab, Asked::Travel(Travel::PlayPause));
    let playing = asks(&mut lab, Asked::Passed(250.0));
    assert!(playing.running && time(&playing).contains("▶ the past at 1×"), "{}", time(&playing));
    asks(&mut lab, Asked::Travel(Travel::To(10_000)));
    let before = asks(&mut lab, Asked::Travel(Travel::PlayPause));
    let acted = asks(&mut lab, Asked::Act("rate 100".to_owned()));
    assert!(acted.page.contains("From 00:10 on this is another run"), "{}", acted.page);
    assert_eq!(kept(&acted).begun, kept(&before).begun + 1);
    assert!(kept(&acted).run.contains(&("do".to_owned(), "10 rate 100".to_owned())));
    // It stands still at that moment, as before. Another change while it is on the way there counts there, too.
    acts_on(&mut lab, "instances B 2");
    let drawn = passes(&mut lab, 11_000);
    assert!(!drawn.running && time(&drawn).contains("‖ 00:10 of 00:10"), "{}", time(&drawn));
    assert!(drawn.page.contains("instances B 3"), "a button asks for one more");
    // So does one that is made where it stands.
    let same = acts_on(&mut lab, "without B auth");
    assert_eq!(kept(&same).begun, kept(&acted).begun);
    let done = ["10 rate 100", "10 instances B 2", "10 without B auth"];
    let run = kept(&same).run;
    let run: Vec<&str> =
        run.iter().filter(|(name, _)| name == "do").map(|(_, act)| &**act).collect();
    assert_eq!(run, done);
    // A reload stands there again.
    let mut reloaded = opened("pool-leak", kept(&same).run, Some(kept(&same)));
    let there = passes(&mut reloaded, 11_000);
    // Events of one moment may be in another order.
    let charts = |drawn: &Drawn| lanes(drawn).split("<summary>events").next().map(str::to_owned);
    assert_eq!((charts(&there), kept(&there).stands), (charts(&same), true));
    asks(&mut lab, Asked::Travel(Travel::PlayPause));
    let drawn = passes(&mut lab, 12_000);
    assert!(time(&drawn).contains("100 requests a second"), "{}", time(&drawn));

    // It is the run that a change at that moment leads to.
    let mut by_hand = opened("pool-leak", Pairs::new(), None);
    passes(&mut by_hand, 10_000);
    acts(&mut by_hand, "rate 100");
    acts(&mut by_hand, "instances B 2");
    acts(&mut by_hand, "without B auth");
    assert_eq!(charts(&passes(&mut by_hand, kept(&drawn).at_ms)), charts(&drawn));
}

#[test]
fn changes_one_after_the_other_add_up() {
    let mut lab = opened("pool-leak", Pairs::new(), None);
    passes(&mut lab, 5_000);
    // Each button asks for what it shows, though the run has not answered the one before yet.
    acts(&mut lab, "without A recover");
    let drawn = acts(&mut lab, "instances A 2");
    assert!(drawn.page.contains("without A recover,log") && drawn.page.contains("instances A 3"));
    assert!(passes(&mut lab, 8_000).page.contains("(off: recover)"));
}

#[test]
fn a_speed_is_asked_for_and_the_run_ends() {
    let mut lab = opened("pool-leak", link("lanes=fixed&rate=20"), None);
    for _ in 0..8 {
        asks(&mut lab, Asked::Travel(Travel::Speed { faster: true }));
    }
    let drawn = passes(&mut lab, 30_000);
    assert!(time(&drawn).contains("as fast as it goes"), "{}", time(&drawn));
    let end = passes(&mut lab, LASTS_MS);
    assert_eq!(kept(&end).at_ms, LASTS_MS);
    assert!(!end.running && time(&end).contains("■ 10:00: the run is over"), "{}", time(&end));
    let refused = asks(&mut lab, Asked::Act("rate 30".to_owned()));
    assert!(refused.page.contains("The run is over: go back"), "{}", refused.page);
    // Its past is there still.
    let past = asks(&mut lab, Asked::Travel(Travel::To(60_000)));
    assert!(time(&past).contains("‖ 01:00 of 10:00"), "{}", time(&past));
}

#[test]
fn what_cannot_be_is_refused_with_what_is_allowed() {
    let mut lab = opened("pool-leak", Pairs::new(), None);
    for (change, says) in [
        ("rate 0", "expected 1 to 5000"),
        ("rate many", "`many` is not a number"),
        ("rate NaN", "`NaN` is not a number"),
        ("set store_mss 9", "store_ms"),
        ("set store_ms -1", "out of range: 1 to 500 ms"),
        ("bug C off", "its lanes are A to B"),
        ("bug A brokn", "broken"),
        ("instances A 9", "expected 1 to 8"),
        ("without A nothing", "slot"),
        ("explode", "is not a change"),
        ("", "is not a change"),
    ] {
        let drawn = asks(&mut lab, Asked::Act(change.to_owned()));
        let remark = drawn.page.split_once("fd-remark").map(|(_, rest)| rest.split_once("</p>"));
        let remark = remark.flatten().expect("it is refused").0;
        assert!(remark.contains(says), "{change}: {remark}");
        assert_eq!(kept(&drawn).run.len(), 3, "{change}");
    }
    for (text, says) in [
        ("seed=-1", "whole number"),
        ("rate=1e9", "expected 1 to 5000"),
        ("lanes=broken,broken,broken,broken,broken", "names 5 lanes"),
        ("lanes=nothing", "variant"),
        ("set=store_ms", "expected NAME:VALUE"),
        ("set=store_ms:1e99", "out of range"),
        ("do=rate", "expected its second and the change"),
        ("do=601 restart A", "no moment of the run"),
        ("at=-1", "no moment of the run"),
        ("seed=1&seed=2", "`seed` is there twice"),
        ("do=1 explode", "is not a change"),
        ("speed=9", "expected seed, rate, lanes, set, do or at"),
    ] {
        let mut lab = opened("pool-leak", link(text), None);
        let drawn = asks(&mut lab, Asked::Show);
        assert!(drawn.page.contains(says), "{text}: {}", drawn.page);
        assert!(drawn.page.contains("This is the incident's own run"), "{text}: {}", drawn.page);
        assert!(passes(&mut lab, 1_000).running);
    }
}
