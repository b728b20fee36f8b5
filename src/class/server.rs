//! The hub's address: pages of the book, the room, and its messages.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::rejection::JsonRejection;
use axum::extract::{Form, FromRequestParts, Json, Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, SET_COOKIE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use futures_util::Stream;
use maud::Markup;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::file::key;
use super::guard::{WrongCodes, check};
use super::hub::{Hub, Person};
use super::pages::{self, PanelPlace};
use super::results;
use crate::join::message::{FromLearner, FromPresenter, Refused};
use crate::serving::{Peer, file_within, media_type};

/// Time between two messages to one browser. What changes meanwhile comes in one message.
const BETWEEN_MESSAGES: Duration = Duration::from_millis(100);

/// Time after which a browser is sent the state again: times without progress have grown.
const REPEATS: Duration = Duration::from_secs(15);

/// The cookie with a person's key.
const COOKIE_NAME: &str = "firedrill";

/// Data of the routes.
#[derive(Debug, Clone)]
struct Desk {
    hub: Arc<Hub>,
    wrong: Arc<Mutex<WrongCodes>>,
}

/// The routes of a class.
pub fn routes(hub: Arc<Hub>) -> Router {
    let wrong = Arc::new(Mutex::new(WrongCodes::new(Instant::now())));
    Router::new()
        .route("/", get(first))
        .route("/presenter", get(presenter))
        .route("/room", get(room))
        .route("/class/join", post(join))
        .route("/class/join.json", post(join_as_data))
        .route("/class/events", get(events))
        .route("/class/say", post(say))
        .route("/class/mine.json", get(mine))
        .route("/class/results.json", get(results_json))
        .route("/class/results.csv", get(results_csv))
        .route("/class/room.js", get(async || asset("room.js", include_str!("room.js"))))
        .route("/class/class.css", get(async || asset("class.css", include_str!("class.css"))))
        .route("/walk/{page}", get(walk))
        .route("/shift/{number}", get(shift))
        .route("/firedrill/{file}", get(file))
        .fallback(async || {
            let text = "This page is not part of the class. The chapters have the answers: read them after it.";
            refusal(StatusCode::NOT_FOUND, text)
        })
        .layer(from_fn(check))
        .with_state(Desk { hub, wrong })
}

fn asset(name: &str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, media_type(name))], text).into_response()
}

fn page(markup: Markup) -> Response {
    ([(CONTENT_TYPE, media_type("page.html"))], markup.into_string()).into_response()
}

fn refusal(status: StatusCode, problem: &str) -> Response {
    (status, page(pages::refused(problem))).into_response()
}

/// A request of somebody whose key is known.
struct Known(Person);

impl FromRequestParts<Desk> for Known {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        let stranger = || refusal(StatusCode::UNAUTHORIZED, &Refused::Stranger.to_string());
        person(&parts.headers, &desk.hub).map(Known).ok_or_else(stranger)
    }
}

fn person(headers: &HeaderMap, hub: &Hub) -> Option<Person> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| match pair.trim().split_once('=') {
        Some((COOKIE_NAME, key)) => hub.person(key),
        _ => None,
    })
}

fn let_in(key: &str) -> Response {
    let cookie = format!("{COOKIE_NAME}={key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400");
    ([(SET_COOKIE, cookie)], Redirect::to("/room")).into_response()
}

#[derive(Debug, Deserialize)]
struct Invited {
    #[serde(default)]
    code: String,
}

async fn first(
    State(desk): State<Desk>,
    Query(Invited { code }): Query<Invited>,
    headers: HeaderMap,
) -> Response {
    match person(&headers, &desk.hub) {
        Some(_) => Redirect::to("/room").into_response(),
        None => page(pages::join(&code, "", None)),
    }
}

#[derive(Debug, Deserialize)]
struct Joins {
    code: String,
    name: String,
}

/// Lets a learner in who has the code; returns the key, or the reason why not, for people.
async fn admit(
    Desk { hub, wrong }: &Desk,
    peer: IpAddr,
    Joins { code, name }: &Joins,
) -> Result<String, (StatusCode, String)> {
    {
        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if !wrong.may_try(peer, Instant::now()) {
            let text = "Too many wrong codes came from here. Wait a minute, then try again.";
            return Err((StatusCode::TOO_MANY_REQUESTS, text.to_owned()));
        }
        if !code.trim().eq_ignore_ascii_case(&hub.invitation.code) {
            wrong.count(peer);
            let text = "This is not the code of the class. The presenter's screen shows it.";
            return Err((StatusCode::FORBIDDEN, text.to_owned()));
        }
    }
    let key = key().map_err(|_| {
        let text = "this computer has no random numbers";
        (StatusCode::INTERNAL_SERVER_ERROR, text.to_owned())
    })?;
    match hub.join(name, key.clone()).await {
        Ok(()) => Ok(key),
        Err(why) => Err((StatusCode::UNPROCESSABLE_ENTITY, why.to_string())),
    }
}

async fn join(
    State(desk): State<Desk>,
    Extension(Peer(peer)): Extension<Peer>,
    Form(joins): Form<Joins>,
) -> Response {
    match admit(&desk, peer, &joins).await {
        Ok(key) => let_in(&key),
        Err((status, why)) => {
            (status, page(pages::join(&joins.code, &joins.name, Some(&why)))).into_response()
        }
    }
}

/// The same for a terminal, which gets its key as JSON.
async fn join_as_data(
    State(desk): State<Desk>,
    Extension(Peer(peer)): Extension<Peer>,
    Json(joins): Json<Joins>,
) -> Response {
    match admit(&desk, peer, &joins).await {
        Ok(key) => Json(json!({ "key": key })).into_response(),
        Err(why) => why.into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct Key {
    #[serde(default)]
    key: String,
}

async fn presenter(State(desk): State<Desk>, Query(Key { key }): Query<Key>) -> Response {
    match desk.hub.person(&key) {
        Some(Person::Presenter) => let_in(&key),
        _ => refusal(
            StatusCode::FORBIDDEN,
            "This is not the presenter's address. `firedrill class` prints it.",
        ),
    }
}

/// The panel's place in a page.
fn panel(hub: &Hub, person: Person, on_page: Option<&str>) -> Markup {
    let seed = u64::from(hub.room(|room| room.order_seed));
    pages::place(&PanelPlace { seed, on_page, ..panel_place(hub, person) })
}

fn panel_place(hub: &Hub, person: Person) -> PanelPlace<'static> {
    let keep = format!("firedrill:class:{}:", hub.invitation.code);
    PanelPlace { keep, reports: person != Person::Presenter, ..PanelPlace::default() }
}

/// A page of the book with the panel of the class.
fn with_panel(text: &str, panel: Markup) -> Response {
    let script = "<script src=\"../firedrill/walk.js\">";
    let text = text.replacen(script, &format!("{}{script}", panel.into_string()), 1);
    ([(CONTENT_TYPE, media_type("page.html"))], text).into_response()
}

async fn room(State(desk): State<Desk>, Known(person): Known) -> Response {
    page(pages::room(&panel(&desk.hub, person, None)))
}

/// A walk of the book, with the panel of the class.
async fn walk(
    State(Desk { hub, .. }): State<Desk>,
    Known(person): Known,
    Path(name): Path<String>,
) -> Response {
    let missing = || refusal(StatusCode::NOT_FOUND, "This class does not have that walk.");
    if name == "index.html" {
        return Redirect::to("/room").into_response();
    }
    let Some(offer) =
        hub.offers.iter().find(|offer| name.strip_suffix(".html") == Some(&*offer.id))
    else {
        return missing();
    };
    let path = hub.book.join(format!("walk/{}.html", offer.id));
    let Ok(text) = tokio::fs::read_to_string(path).await else { return missing() };
    with_panel(&text, panel(&hub, person, Some(&offer.id)))
}

/// The page of the shift with this number, with the panel of the class.
async fn shift(
    State(Desk { hub, .. }): State<Desk>,
    Known(person): Known,
    Path(number): Path<usize>,
) -> Response {
    let found = hub.room(|room| {
        let shift = room.shifts.get(number.wrapping_sub(1))?;
        Some((shift.seed, shift.level))
    });
    let Some((seed, level)) = found else {
        return refusal(StatusCode::NOT_FOUND, "This class has not had that shift.");
    };
    let Ok(text) = tokio::fs::read_to_string(hub.book.join("shift/index.html")).await else {
        return refusal(
            StatusCode::NOT_FOUND,
            "The book of this class has no shifts: build it again.",
        );
    };
    let shift = Some((level, Some(hub.in_shifts.join(","))));
    with_panel(&text, pages::place(&PanelPlace { seed, shift, ..panel_place(&hub, person) }))
}

/// A script or style of the book's pages. The walks' code is large: a browser asks whether it has changed.
async fn file(
    State(Desk { hub, .. }): State<Desk>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let is_style = media_type(&name).starts_with("text/css");
    if !is_style && person(&headers, &hub).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, &Refused::Stranger.to_string());
    }
    let missing = || refusal(StatusCode::NOT_FOUND, "There is no such file.");
    let Some(path) = file_within(&hub.book.join("firedrill"), &name).await else {
        return missing();
    };
    let Ok(about) = tokio::fs::metadata(&path).await else { return missing() };
    let since_1970 = |at: SystemTime| at.duration_since(UNIX_EPOCH).ok();
    let changed = about.modified().ok().and_then(since_1970).map_or(0, |at| at.as_nanos());
    let tag = format!("\"{changed}-{}\"", about.len());
    let caching = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag.clone())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let Ok(bytes) = tokio::fs::read(&path).await else { return missing() };
    (caching, [(CONTENT_TYPE, media_type(&name))], bytes).into_response()
}

#[derive(Debug, Deserialize)]
struct Wanted {
    /// True for data, as a terminal needs it, in place of HTML.
    #[serde(default)]
    data: bool,
}

/// The state of the class, again after each change.
async fn events(
    State(Desk { hub, .. }): State<Desk>,
    Known(person): Known,
    Query(Wanted { data }): Query<Wanted>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let here = hub.opened(person);
    let mut changes = hub.changes();
    changes.mark_changed();
    let stream = futures_util::stream::unfold(
        (hub, changes, None::<Value>, here),
        move |(hub, mut changes, last, here)| async move {
            loop {
                if last.is_some() {
                    sleep(BETWEEN_MESSAGES).await;
                }
                // After that time the state is sent without a change.
                timeout(REPEATS, changes.changed()).await.ok();
                changes.borrow_and_update();
                // One who was removed asks again, and is told so.
                if let Person::Learner(learner) = person
                    && !hub.room(|room| room.learners.contains_key(&learner))
                {
                    return None;
                }
                let shown = if data { json!(hub.state(person)) } else { hub.shown(person) };
                if last.as_ref() != Some(&shown) {
                    let event = Event::default().data(shown.to_string());
                    return Some((Ok(event), (hub, changes, Some(shown), here)));
                }
            }
        },
    );
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// A message: the presenter's, or a learner's.
async fn say(
    State(Desk { hub, .. }): State<Desk>,
    Known(person): Known,
    message: Result<Json<Value>, JsonRejection>,
) -> Response {
    let unknown = |why: String| (StatusCode::BAD_REQUEST, why).into_response();
    let message = match message {
        Ok(Json(message)) => message,
        Err(why) => return why.into_response(),
    };
    let done = match person {
        Person::Presenter => match serde_json::from_value::<FromPresenter>(message) {
            Ok(message) => hub.present(message).await,
            Err(error) => return unknown(error.to_string()),
        },
        Person::Learner(learner) => match serde_json::from_value::<FromLearner>(message) {
            Ok(message) => hub.learn(learner, message).await,
            Err(error) => return unknown(error.to_string()),
        },
    };
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::CONFLICT, why.to_string()).into_response(),
    }
}

fn download(name: &str, kind: &'static str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], text).into_response()
}

async fn mine(State(Desk { hub, .. }): State<Desk>, Known(person): Known) -> Response {
    let results = match person {
        Person::Presenter => json!([]),
        Person::Learner(learner) => hub.room(|room| results::of(room, learner)),
    };
    download("firedrill-results.json", "application/json", format!("{results:#}\n"))
}

async fn results_json(State(Desk { hub, .. }): State<Desk>, Known(person): Known) -> Response {
    if person != Person::Presenter {
        return refusal(StatusCode::FORBIDDEN, "The results of all are the presenter's.");
    }
    let all = hub.room(results::all);
    download("firedrill-class.json", "application/json", format!("{all:#}\n"))
}

async fn results_csv(State(Desk { hub, .. }): State<Desk>, Known(person): Known) -> Response {
    if person != Person::Presenter {
        return refusal(StatusCode::FORBIDDEN, "The results of all are the presenter's.");
    }
    download("firedrill-class.csv", "text/csv; charset=utf-8", hub.room(results::csv))
}
