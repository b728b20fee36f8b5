//! `firedrill mdbook`: the book's preprocessor, as mdBook calls it. `firedrill book`: the book that was built, on
//! loopback, with a way from its charts into the lab.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Path as UrlPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use etcetera::BaseStrategy;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::child::connection::names_loopback;
use firedrill_core::plan::Plan;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{OUTPUT, runtime, status};
use crate::book::{Firedrill, RENDERER};
use crate::guest::Guest;
use crate::notice::note;
use crate::run::signals::Termination;
use crate::run::spec::this_program;
use crate::serving::{file_within, find_book, listen, media_type};
use crate::supervise::supervised;

/// Resolves what the chapters ask for: a book on standard input, the same on standard output.
///
/// # Errors
///
/// When the input is not an mdBook request, or something in it cannot be resolved; the message names chapter and line.
pub fn preprocess(
    catalogue: &'static Catalogue,
    asked: Option<(String, String)>,
) -> anyhow::Result<ExitCode> {
    let firedrill = Firedrill {
        catalogue,
        program: this_program()?,
        cache: etcetera::choose_base_strategy()
            .ok()
            .map(|places| places.cache_dir().join("firedrill/book")),
    };
    if let Some((_, renderer)) = asked {
        return Ok(status(renderer == RENDERER));
    }
    let input = serde_json::from_reader(io::stdin().lock())
        .context("expected an mdBook preprocessor request (JSON) on standard input: mdBook calls this command")?;
    let book = firedrill.run(input)?;
    serde_json::to_writer(io::stdout(), &book).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves the book on loopback and opens the browser, until it is interrupted.
///
/// # Errors
///
/// When the book is missing, or its port is taken.
pub fn serve(folder: Option<PathBuf>, port: u16, opens: bool) -> anyhow::Result<ExitCode> {
    let folder = find_book(folder)?;
    // A page of another site may send requests here, but cannot read this word.
    let word = format!("{:016x}", RandomState::new().build_hasher().finish());
    runtime()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = format!("http://{}/", listener.local_addr()?);
        let (to_lab, wanted) = mpsc::channel(1);
        let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
        let shelf = Arc::new(Shelf { folder, word, terminal: Arc::new(Semaphore::new(1)), to_lab });
        let routes = Router::new()
            .route("/firedrill/lab", post(lab))
            .route("/", get(first_page))
            .route("/{*path}", get(page))
            .layer(from_fn(of_loopback))
            .with_state(shelf);
        writeln!(
            io::stdout(),
            "{address}\nCtrl-C ends it. A chart's `open in the lab` opens it in this terminal."
        )
        .context(OUTPUT)?;
        if opens && let Err(why) = open::that_detached(&address) {
            note(&format!("no browser could be opened ({why}): open {address}"));
        }
        let mut ends = crate::run::signals::terminations(|| {})?;
        tokio::select! {
            never = listen(listener, routes, MOST_CONNECTIONS) => match never {},
            signal = lend(wanted, &mut ends) => Ok(signal.into()),
        }
    })
}

/// Connections at once, at most: a reader's browser opens a handful.
const MOST_CONNECTIONS: usize = 128;

/// A lab that a page asks for.
struct LabRequest {
    plan: Plan,
    /// The terminal, until this is dropped.
    place: OwnedSemaphorePermit,
    /// Told how it ended, if somebody still waits.
    ended: oneshot::Sender<Result<ExitStatus, String>>,
}

/// Lends the terminal to one lab after the other, until a signal. A lab is nobody's request: it goes on when the page
/// that asked for it is closed.
async fn lend(
    mut wanted: mpsc::Receiver<LabRequest>,
    ends: &mut mpsc::Receiver<Termination>,
) -> Termination {
    loop {
        let LabRequest { plan, ended, place: _has_terminal } = tokio::select! {
            signal = ends.recv() => return signal.unwrap_or(Termination::HungUp),
            Some(wanted) = wanted.recv() => wanted,
        };
        let invited = lab_command(&plan).and_then(|mut lab| Guest::invite(&mut lab));
        let status = match invited {
            Err(why) => Err(why.to_string()),
            Ok(mut guest) => tokio::select! {
                status = guest.ended() => status.map_err(|why| why.to_string()),
                signal = ends.recv() => {
                    guest.dismiss().await;
                    return signal.unwrap_or(Termination::HungUp);
                }
            },
        };
        // The client may be gone.
        ended.send(status).ok();
    }
}

/// The lab of a run, supervised.
fn lab_command(plan: &Plan) -> io::Result<Command> {
    let mut command = supervised(this_program()?)?;
    command.args(["lab", &plan.incident, "--variants", &plan.variants.join(",")]).args([
        "--rate",
        &plan.rate_per_s.to_string(),
        "--seed",
        &plan.seed.to_string(),
    ]);
    for (name, value) in &plan.params {
        command.arg("--set").arg(format!("{name}={value}"));
    }
    Ok(command)
}

/// A book, and who may ask for the lab.
struct Shelf {
    folder: PathBuf,
    word: String,
    /// One lab at a time has it.
    terminal: Arc<Semaphore>,
    to_lab: mpsc::Sender<LabRequest>,
}

/// Answers to loopback's own names alone: a foreign name that leads here is no friend's.
async fn of_loopback(request: Request, next: Next) -> Response {
    if names_loopback(&request) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "this book is read at 127.0.0.1").into_response()
}

async fn first_page(shelf: State<Arc<Shelf>>) -> Response {
    page(shelf, UrlPath("index.html".to_owned())).await
}

/// A file of the book; its pages are told that they are served.
async fn page(State(shelf): State<Arc<Shelf>>, UrlPath(path): UrlPath<String>) -> Response {
    let missing = || (StatusCode::NOT_FOUND, "there is no such page").into_response();
    let path = if path.ends_with('/') { path + "index.html" } else { path };
    let Some(file) = file_within(&shelf.folder, &path).await else { return missing() };
    if file.is_dir() {
        return Redirect::permanent(&format!("{}/", path.rsplit('/').next().unwrap_or_default()))
            .into_response();
    }
    let Ok(bytes) = tokio::fs::read(&file).await else { return missing() };
    let kind = media_type(&path);
    if !kind.starts_with("text/html") {
        return ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    }
    let told = format!("<head><script>globalThis.FIREDRILL_SERVED={:?}</script>", shelf.word);
    let text = String::from_utf8_lossy(&bytes).replacen("<head>", &told, 1);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Opens the lab of a run in this terminal.
async fn lab(
    State(shelf): State<Arc<Shelf>>,
    headers: HeaderMap,
    plan: Result<Json<Plan>, JsonRejection>,
) -> Response {
    let word = headers.get("x-firedrill").and_then(|word| word.to_str().ok());
    if word != Some(shelf.word.as_str()) {
        return (StatusCode::FORBIDDEN, "only the book's own pages open the lab").into_response();
    }
    let plan = match plan {
        Ok(Json(plan)) => plan,
        Err(why) => return why.into_response(),
    };
    if !io::stdout().is_terminal() {
        return (
            StatusCode::CONFLICT,
            "the book is served without a terminal: the command opens the lab",
        )
            .into_response();
    }
    let Ok(place) = Arc::clone(&shelf.terminal).try_acquire_owned() else {
        return (StatusCode::CONFLICT, "the lab is open already, in the terminal").into_response();
    };
    let (ended, end) = oneshot::channel();
    // Fails only when the book is being closed; then there is no answer either.
    shelf.to_lab.send(LabRequest { plan, place, ended }).await.ok();
    match end.await {
        Ok(Ok(status)) if status.success() => "the lab was open in the terminal".into_response(),
        Ok(Ok(status)) => {
            (StatusCode::CONFLICT, format!("the lab ended with {status}")).into_response()
        }
        Ok(Err(why)) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the book was closed").into_response(),
    }
}
