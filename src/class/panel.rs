//! The panel of a class beside a walk: HTML that browsers only put in place.

use std::collections::BTreeSet;

use firedrill_core::prose::capital;
use firedrill_core::session::shift::scenario::LEVELS;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::board::board;
use super::invitation::{Invitation, invited};
use super::offer::{Offer, OfferPage};
use super::room::{Learner, Lesson, Room};
use super::standing::{self, asks, shared, standing, state};
use crate::join::message::{LearnerId, Pace, Round};
use crate::join::state::VoteTable;

/// Seconds without progress after which a learner is listed as stuck.
const STUCK_S: u64 = 120;

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
    let Some(standing) = standing(room, learner, here, offers) else { return html! {} };
    html! {
        p { strong { (standing.name) } " · " (standing.pace) }
        @if let Some((_, shift)) = room.shift() {
            // It is shown to those who have a result.
            @if shift.board.get(&learner).is_some_and(|report| report.result.is_some()) {
                (board(room, shift, Some(learner)))
            }
        } @else if let Some(lesson) = &room.lesson {
            @if let Some(vote) = &standing.vote { p role="status" { (vote) } }
            @if let Some((called, answer)) = &standing.own { p { (called) ": " strong { (answer) } } }
            @if let Some(table) = &standing.votes { (votes(table)) }
            @if lesson.pace == Pace::Free { (incidents(offers)) }
        } @else {
            p { "Waiting for the presenter to open an incident." }
        }
        p.fd-buttons {
            @if standing.hand { (posts(&json!({ "Hand": false }), &html! { "lower your hand" })) }
            @else { (posts(&json!({ "Hand": true }), &html! { "raise your hand" })) }
            a href="/class/mine.json" download { "your results" }
        }
    }
}

/// First and second votes, side by side.
fn votes(table: &VoteTable) -> Markup {
    let VoteTable { rows, others, first, second } = table;
    html! {
        table.fd-votes {
            thead { tr { th { "answer" } th { "first vote" } @if second.is_some() { th { "second vote" } } } }
            tbody { @for row in rows { tr {
                td { (row.answer) }
                td { (bar(row.first, *first)) }
                @if let Some(second) = second { td { (bar(row.second, *second)) } }
            } } }
        }
        @if *others > 0 { p.fd-quiet { "and " (others) " other answers" } }
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
        @if let Some((number, shift)) = room.shift() {
            h2 { "Shift " (number) ", level " (shift.level) ": the same for all" }
            (board(room, shift, None))
        }
        @match room.lesson.as_ref().filter(|_| !room.is_on_call) {
            None if room.is_on_call => {},
            None => (invited(invitation)),
            Some(lesson) => div.fd-lead {
                div { (controls(lesson, offers)) @if asks(lesson, offers) { p role="status" { (state(room, lesson, here)) } } }
                @if asks(lesson, offers) {
                    @let votes = standing::votes(room, lesson, offers).as_ref().map(votes);
                    @if lesson.round == Round::Revealed { div { @if let Some(votes) = votes { (votes) } } } @else {
                        details #fd-so-far { summary { "votes so far: not for the projector" } @if let Some(votes) = votes { (votes) } }
                    }
                }
            },
        }
        div.fd-foot {
        (learners(room, here, now_s))
        // Under another name it is folded again: the browser keeps what was unfolded.
        details id=(if room.is_on_call { "fd-open-later" } else { "fd-open" }) open[room.lesson.is_none() && !room.is_on_call] { summary { "open an incident" } ul.fd-offers { @for offer in offers {
            li title=(offer.id) { (posts(&json!({ "Open": { "incident": offer.id } }), &html! { (capital(&offer.seen_as)) })) }
        } } }
        details #fd-shift { summary { "begin an on-call shift" }
            p.fd-quiet { "Everybody gets the same unknown outage, in simulated time. This page becomes the board." }
            @let asks = room.is_on_call.then_some("End the present shift for everybody?");
            p.fd-buttons { @for level in LEVELS {
                button type="button" data-post=(json!({ "Shift": level })) data-asks=[asks] { "level " (level) }
            } }
        }
        @if room.lesson.is_some() || room.is_on_call { details #fd-join { summary { "join: " (invitation.url) " · " (invitation.code) } (invited(invitation)) } }
            p { "results: " a href="/class/results.csv" download { "CSV" } " · " a href="/class/results.json" download { "JSON" } }
        }
    }
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
                        td { button type="button" data-post=(json!({ "Remove": id })) data-asks=(format!("Remove {} with all votes and results?", learner.name)) { "remove" } }
                    }
                } }
            } }
        }
    }
}
