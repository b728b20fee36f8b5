//! The pages of a class: HTML documents.

use maud::{DOCTYPE, Markup, html};

use super::room::LONGEST_NAME;
use crate::book::head;

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(title, "/")) link rel="stylesheet" href="/class/class.css"; }
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
