//! The pages of a class, and the panel beside a walk: HTML that browsers only put in place.

use std::collections::BTreeSet;

use firedrill_core::figures::number;
use firedrill_core::page::shift::OnCall;
use firedrill_core::prose::capital;
use firedrill_core::session::shift::scenario::LEVELS;
use firedrill_core::session::walk::Answer;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use qrcode::QrCode;
use qrcode::render::svg;
use serde_json::{Value, json};

use super::offer::{Offer, OfferPage, page_of};
use super::room::{
    LONGEST_NAME, Learner, LearnerId, Lesson, Pace, Room, RoomShift, Round, histogram, order,
};

/// Rows of a histogram, at most: numbers that were typed can all differ.
const MOST_ROWS: usize = 12;

/// Seconds without progress after which a learner is listed as stuck.
const STUCK_S: u64 = 120;

/// The address and code that learners need.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The address of the join page.
    pub url: String,
    /// The join code.
    pub code: String,
    /// The QR code of [`Self::link`], as an SVG element.
    drawn: String,
}

impl Invitation {
    /// An invitation to an address.
    pub fn new(url: String, code: String) -> Self {
        let mut invitation = Self { url, code, drawn: String::new() };
        // An address is short enough for a QR code; a page without one still has the address.
        invitation.drawn =
            QrCode::new(invitation.link()).map_or(String::new(), |code| drawn(&code));
        invitation
    }

    /// The address with the code in it, as the QR code has it.
    pub fn link(&self) -> String {
        format!("{}?code={}", self.url, self.code)
    }
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · firedrill" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/firedrill/firedrill.css";
                link rel="stylesheet" href="/firedrill/walk.css";
                link rel="stylesheet" href="/class/class.css";
            }
            body { (body) }
        }
    }
}

/// The page where a learner joins; `problem` says why the last attempt failed.
pub fn join(code: &str, name: &str, problem: Option<&str>) -> Markup {
    document(
        "Join the class",
        &html! {
            header { h1 { "Join the class" } }
            main {
                form.fd-join method="post" action="/class/join" {
                    label { "join code" input name="code" value=(code) required autocomplete="off" autocapitalize="characters" maxlength="16"; }
                    label { "nickname" input name="name" value=(name) required autocomplete="off" maxlength=(LONGEST_NAME); }
                    button type="submit" { "join" }
                    @if let Some(problem) = problem { p.fd-remark role="alert" { (problem) } }
                }
                p.fd-quiet {
                    "The nickname, your votes, your progress and a raised hand are stored on the presenter's computer, for the presenter."
                }
                p.fd-quiet { "You lead this class? Open the presenter's address, which " code { "firedrill class" } " has printed." }
                noscript { p.fd-remark { "The class needs JavaScript." } }
            }
        },
    )
}

/// A page that says why a request was refused.
pub fn refused(problem: &str) -> Markup {
    document(
        "Not possible",
        &html! { main { p.fd-remark role="alert" { (problem) } p { a href="/" { "join the class" } } } },
    )
}

/// The page of the room while no incident is open.
pub fn room(head: &Markup) -> Markup {
    document("Class", &html! { header { h1 { "Class" } } main {} (head) })
}

/// The panel's place in a page.
#[derive(Debug, Default)]
pub struct PanelPlace<'a> {
    /// The seed of the page: of the order of options, or of the shift.
    pub seed: u64,
    /// The level of the shift, and the incidents that it is drawn from; none: all.
    pub shift: Option<(u8, Option<String>)>,
    /// The prefix of the names under which the page keeps what it needs later.
    pub keep: String,
    /// The incident whose walk it is.
    pub on_page: Option<&'a str>,
    /// True if the progress of this person is reported.
    pub reports: bool,
}

/// The panel's place in a page, with the script that fills it.
pub fn place(place: &PanelPlace) -> Markup {
    let PanelPlace { seed, shift, keep, on_page, reports } = place;
    let (level, of) = shift.as_ref().map_or((None, None), |(level, of)| (Some(level), of.as_ref()));
    html! {
        link rel="stylesheet" href="/class/class.css";
        aside #fd-room aria-label="class" data-seed=(seed) data-level=[level] data-of=[of] data-keep=(keep) data-page=[on_page] data-reports=(reports) {}
        p.fd-remark #fd-said role="status" hidden data-lost="The connection to the class is lost. This page tries again by itself." {}
        script src="/class/room.js" {}
    }
}

/// A button that posts a message.
fn posts(message: &Value, text: &Markup) -> Markup {
    html! { button type="button" data-post=(message) { (text) } }
}

/// The panel of a learner.
pub fn of_learner(
    room: &Room,
    learner: LearnerId,
    here: &BTreeSet<LearnerId>,
    offers: &[Offer],
) -> Markup {
    let Some(known) = room.learners.get(&learner) else { return html! {} };
    html! {
        @if let Some((_, shift)) = room.shift() {
            p { strong { (known.name) } " · on call, the same shift for all" }
            // It is shown to those who have a result.
            @if shift.board.get(&learner).is_some_and(|report| report.result.is_some()) {
                (board(room, shift))
            }
        } @else {
        p { strong { (known.name) } " · " (pace(room.lesson.as_ref())) }
        @match &room.lesson {
            None => p { "Waiting for the presenter to open an incident." },
            Some(lesson) => {
                (state(room, lesson, here, offers))
                @if let (true, Some((vote, second))) = (asks(lesson, offers), room.vote_of(learner)) {
                    p {
                        @if lesson.round == Round::Second && !second { "your first vote: " } @else { "your vote: " }
                        strong { (answer(vote, lesson, offers)) }
                    }
                }
                @if lesson.round == Round::Revealed { (votes(room, lesson, offers)) }
                @if lesson.pace == Pace::Free { (incidents(offers)) }
            }
        }
        }
        p.fd-buttons {
            @if known.hand { (posts(&json!({ "Hand": false }), &html! { "lower your hand" })) }
            @else { (posts(&json!({ "Hand": true }), &html! { "raise your hand" })) }
            a href="/class/mine.json" download { "your results" }
        }
    }
}

fn pace(lesson: Option<&Lesson>) -> Markup {
    html! { @match lesson {
        None => { "in the room" },
        Some(lesson) => @match lesson.pace {
            Pace::Together => { "together, page " (lesson.page) },
            Pace::UpTo => { "at your own pace, up to page " (lesson.page) },
            Pace::Free => { "at your own pace" },
        },
    } }
}

/// The page that everybody is at; none where each learner turns the pages.
fn shared<'a>(lesson: &Lesson, offers: &'a [Offer]) -> Option<&'a OfferPage> {
    page_of(offers, &lesson.incident, lesson.page).filter(|_| lesson.pace == Pace::Together)
}

fn asks(lesson: &Lesson, offers: &[Offer]) -> bool {
    shared(lesson, offers).is_some_and(OfferPage::asks)
}

/// The state of the vote.
fn state(room: &Room, lesson: &Lesson, here: &BTreeSet<LearnerId>, offers: &[Offer]) -> Markup {
    if !asks(lesson, offers) {
        return html! {};
    }
    let votes = room.present_votes();
    let first = votes.map_or(0, |votes| votes.first.len());
    let second = votes.map_or(0, |votes| votes.second.len());
    // A learner who has voted and left counts; one who has only left does not.
    let by_first = lesson.round == Round::First;
    let voted = votes.map(|votes| if by_first { &votes.first } else { &votes.second });
    let has_left = |learner: &&LearnerId| !here.contains(*learner);
    let of = here.len() + voted.map_or(0, |voted| voted.keys().filter(has_left).count());
    html! { p role="status" { @match lesson.round {
        Round::First => { "First vote: choose alone. " strong { (first) } " of " (of) " have voted." },
        Round::Discussion => { "The vote is closed. Explain your answer to your neighbour." },
        Round::Second => { "Second vote: choose again. " strong { (second) } " of " (of) " have voted." },
        Round::Revealed => { "The run shows the answer." },
    } } }
}

/// An answer, as the options, lines and numbers are labelled on the page of the walk.
fn answer(answer: Answer, lesson: &Lesson, offers: &[Offer]) -> String {
    match answer {
        Answer::Choice(index) => format!("option {}", index + 1),
        // With its result, the page of the walk shows the numbers of the file.
        Answer::Line(index) if lesson.round == Round::Revealed => format!("line {}", index + 1),
        Answer::Line(index) => {
            let number = match page_of(offers, &lesson.incident, lesson.page) {
                Some(OfferPage::Line(numbers)) => numbers.get(index).copied().flatten(),
                _ => None,
            };
            number.map_or_else(String::new, |number| format!("line {number}"))
        }
        Answer::Number(number) => firedrill_core::figures::number(number),
    }
}

/// First and second votes, side by side.
fn votes(room: &Room, lesson: &Lesson, offers: &[Offer]) -> Markup {
    let Some(votes) = room.present_votes() else { return html! {} };
    let (first, second) = (histogram(&votes.first), histogram(&votes.second));
    let mut answers: Vec<Answer> = first.iter().chain(&second).map(|(answer, _)| *answer).collect();
    answers.sort_by(|one, other| order(*one).total_cmp(&order(*other)));
    answers.dedup();
    let count = |of: &[(Answer, usize)], wanted: Answer| {
        of.iter().find(|(answer, _)| *answer == wanted).map_or(0, |(_, count)| *count)
    };
    let rest = answers.len().saturating_sub(MOST_ROWS);
    html! {
        table.fd-votes {
            thead { tr { th { "answer" } th { "first vote" } th { "second vote" } } }
            tbody { @for of in answers.iter().take(MOST_ROWS) { tr {
                td { (answer(*of, lesson, offers)) }
                td { (bar(count(&first, *of), votes.first.len())) }
                td { (bar(count(&second, *of), votes.second.len())) }
            } } }
        }
        @if rest > 0 { p.fd-quiet { "and " (rest) " other answers" } }
    }
}

fn bar(count: usize, of: usize) -> Markup {
    html! {
        meter min="0" max=(of.max(1)) value=(count) { (count) } " " (count)
    }
}

/// The incidents, each with a link to its walk.
fn incidents(offers: &[Offer]) -> Markup {
    html! { details #fd-all { summary { "all incidents" } ul { @for offer in offers {
        li { a href=(format!("/walk/{}.html", offer.id)) { (capital(&offer.seen_as)) } }
    } } } }
}

/// The panel of the presenter.
pub fn of_presenter(
    room: &Room,
    here: &BTreeSet<LearnerId>,
    offers: &[Offer],
    invitation: &Invitation,
    now_s: u64,
) -> Markup {
    html! {
        @if let Some((_, shift)) = room.shift() {
            h2 { "On call: the same shift for all, level " (shift.level) }
            (board(room, shift))
        }
        @match room.lesson.as_ref().filter(|_| !room.is_on_call) {
            None if room.is_on_call => {},
            None => (invited(invitation)),
            Some(lesson) => div.fd-lead {
                div { (controls(lesson, offers)) (state(room, lesson, here, offers)) }
                @if asks(lesson, offers) {
                    @if lesson.round == Round::Revealed { div { (votes(room, lesson, offers)) } } @else {
                        details #fd-so-far { summary { "votes so far: not for the projector" } (votes(room, lesson, offers)) }
                    }
                }
            },
        }
        div.fd-foot {
        (learners(room, here, now_s))
        details #fd-open open[room.lesson.is_none() && !room.is_on_call] { summary { "open an incident" } ul.fd-offers { @for offer in offers {
            li title=(offer.id) { (posts(&json!({ "Open": { "incident": offer.id } }), &html! { (capital(&offer.seen_as)) })) }
        } } }
        details #fd-shift { summary { "begin an on-call shift" }
            p.fd-quiet { "Everybody gets the same unknown outage, in simulated time. This page becomes the board." }
            p.fd-buttons { @for level in LEVELS { (posts(&json!({ "Shift": level }), &html! { "level " (level) })) } }
        }
        @if room.lesson.is_some() || room.is_on_call { details #fd-join { summary { "join: " (invitation.url) " · " (invitation.code) } (invited(invitation)) } }
            p { "results: " a href="/class/results.csv" download { "CSV" } " · " a href="/class/results.json" download { "JSON" } }
        }
    }
}

/// The board of a shift: results first, the best of them at the top.
fn board(room: &Room, shift: &RoomShift) -> Markup {
    let mut rows: Vec<(&str, Option<&OnCall>)> = room
        .learners
        .iter()
        .map(|(id, learner)| (learner.name.as_str(), shift.board.get(id)))
        .collect();
    let points = |report: Option<&OnCall>| {
        report.and_then(|report| report.result.as_ref()).map_or(-1.0, |result| result.points)
    };
    rows.sort_by(|(_, one), (_, other)| points(*other).total_cmp(&points(*one)));
    let done = rows.iter().filter(|(_, report)| points(*report) >= 0.0).count();
    let time =
        |time_s: Option<f64>| time_s.map_or("–".to_owned(), |s| format!("{} s", number(s)));
    html! {
        p role="status" { strong { (done) } " of " (rows.len()) " have a result." }
        table.fd-board {
            thead { tr { @for name in ["name", "points", "detected", "mitigated", "cause named"] { th { (name) } } } }
            tbody { @for (name, report) in rows { tr {
                td { (name) }
                @match report {
                    Some(OnCall { result: Some(result), .. }) => {
                        td { strong { (number(result.points)) } }
                        td { (time(result.detected_s)) } td { (time(result.mitigated_s)) } td { (time(result.named_s)) }
                    },
                    Some(OnCall { is_over: true, .. }) => td colspan="4" { "declared over" },
                    Some(OnCall { paged_s: Some(_), .. }) => td colspan="4" { "on call" },
                    _ => td colspan="4" { "no page yet" },
                }
            } } }
        }
        p.fd-quiet { "Times are simulated seconds since the page." }
    }
}

/// Address, code and QR code, readable from the last row.
fn invited(invitation: &Invitation) -> Markup {
    html! { div.fd-invited {
        div {
            p { "1. Open " strong { (invitation.url) } }
            p { "2. Type the code " strong.fd-join-code { (invitation.code) } }
        }
        div.fd-qr role="img" aria-label=(invitation.link()) { (PreEscaped(&invitation.drawn)) }
    } }
}

/// A QR code as an SVG element.
fn drawn(code: &QrCode) -> String {
    let document = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    document.find("<svg").map_or(String::new(), |at| document[at..].to_owned())
}

/// The buttons with which a presenter leads the class.
fn controls(lesson: &Lesson, offers: &[Offer]) -> Markup {
    let pages =
        offers.iter().find(|offer| offer.id == lesson.incident).map_or(0, |o| o.pages.len());
    let step = |page: usize| json!({ "Step": page });
    let round = |round: Round| json!({ "Round": round });
    let paces =
        [(Pace::Together, "together"), (Pace::UpTo, "free up to this page"), (Pace::Free, "free")];
    html! {
        p.fd-buttons {
            @if lesson.pace == Pace::Together {
                @if asks(lesson, offers) { @match lesson.round {
                    Round::First => {
                        (posts(&round(Round::Discussion), &html! { "close the vote: discuss" }))
                        (posts(&round(Round::Revealed), &html! { "show the result" }))
                    },
                    Round::Discussion => {
                        (posts(&round(Round::Second), &html! { "vote again" }))
                        (posts(&round(Round::Revealed), &html! { "show the result" }))
                    },
                    Round::Second => (posts(&round(Round::Revealed), &html! { "show the result" })),
                    Round::Revealed => {},
                } } @else if lesson.round != Round::Revealed && shared(lesson, offers) == Some(&OfferPage::Runs) {
                    (posts(&round(Round::Revealed), &html! { "let time pass" }))
                }
            }
            @if lesson.page < pages {
                (posts(&step(lesson.page + 1), &html! {
                    @if asks(lesson, offers) && lesson.round != Round::Revealed { "skip this question" } @else { "next page" }
                }))
            }
            @if lesson.page > 1 { (posts(&step(lesson.page - 1), &html! { "previous page" })) }
        }
        fieldset.fd-pace {
            legend { "pace" }
            @for (pace, name) in paces {
                button type="button" data-post=(json!({ "Pace": pace })) aria-pressed=(lesson.pace == pace) { (name) }
            }
        }
    }
}

/// The learners: those whose page is open first, among them raised hands, then those longest without progress.
fn learners(room: &Room, here: &BTreeSet<LearnerId>, now_s: u64) -> Markup {
    let mut sorted: Vec<(&LearnerId, &Learner)> = room.learners.iter().collect();
    sorted.sort_by_key(|(id, learner)| (!here.contains(*id), !learner.hand, learner.since_s));
    let hands = sorted.iter().filter(|(id, learner)| learner.hand && here.contains(*id)).count();
    let is_free = room.lesson.as_ref().is_some_and(|lesson| lesson.pace != Pace::Together);
    html! {
        details.fd-learners #fd-learners {
            summary { (here.len()) @if here.len() == 1 { " learner" } @else { " learners" }
                @if hands > 0 { " · ✋ " (hands) } }
            @if !sorted.is_empty() { table {
                thead { tr { @for name in ["name", "vote", "page", "since", "hints", "wrong", ""] { th { (name) } } } }
                tbody { @for (id, learner) in sorted {
                    @let walk = learner.at.as_ref().and_then(|id| learner.walks.get(id));
                    @let for_s = now_s.saturating_sub(learner.since_s);
                    @let is_done = walk.is_some_and(|walk| walk.finished);
                    tr class=[(is_free && !is_done && for_s >= STUCK_S).then_some("fd-stuck")] {
                        td { @if learner.hand { "✋ " } (learner.name) @if !here.contains(id) { " (away)" } }
                        td { @match room.vote_of(*id) {
                            None => {},
                            Some((_, false)) => "first",
                            Some((_, true)) => "second",
                        } }
                        @match walk {
                            Some(walk) => {
                                td title=(walk.incident) { @if walk.page > 0 { (walk.page) } @if walk.finished { " ✔" } }
                                td { (for_s / 60) " min" }
                                td { (walk.hints) }
                                td { (walk.answered.saturating_sub(walk.right)) }
                            },
                            None => td colspan="4" { "no walk yet" },
                        }
                        td { (posts(&json!({ "Remove": id }), &html! { "remove" })) }
                    }
                } }
            } }
        }
    }
}
