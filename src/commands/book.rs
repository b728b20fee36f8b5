//! `firedrill mdbook`: the book's preprocessor, as mdBook calls it. `firedrill book`: the book that was built, on
//! loopback, with a way from its charts into the lab.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use etcetera::BaseStrategy;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::plan::Plan;
use mdbook_preprocessor::{MDBOOK_VERSION, Preprocessor, parse_input};
use tokio::net::TcpListener;

use super::{OUTPUT, runtime, status};
use crate::book::Firedrill;
use crate::notice::note;
use crate::run::signals::Termination;
use crate::run::spec::this_program;

/// Resolves what the chapters ask for: a book on standard input, the same on standard output.
///
/// # Errors
///
/// When the input is no book of mdBook's, or something in it cannot be resolved; the message names chapter and line.
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
        return Ok(status(firedrill.supports_renderer(&renderer)?));
    }
    let input = io::stdin().lock();
    let (context, book) = parse_input(input)
        .context("standard input is no book: this command is called by mdBook, not by hand")?;
    if context.mdbook_version != MDBOOK_VERSION {
        note(&format!(
            "firedrill: made for mdBook {MDBOOK_VERSION}, this is {}",
            context.mdbook_version
        ));
    }
    let book = firedrill.run(&context, book)?;
    serde_json::to_writer(io::stdout(), &book).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}

/// Where `cargo run --example book` puts the book, and where mdBook does, from the root of the source.
const BUILT: [&str; 2] = ["target/book", "book/book"];

/// Serves the book on loopback and opens the browser, until it is interrupted.
///
/// # Errors
///
/// When there is no book, or its port is taken.
pub fn serve(folder: Option<PathBuf>, port: u16, opens: bool) -> anyhow::Result<ExitCode> {
    let is_book =
        |folder: &Path| folder.join("index.html").is_file() && folder.join("firedrill").is_dir();
    let folder = match folder {
        Some(folder) if is_book(&folder) => folder,
        Some(folder) => bail!(
            "{} is no book that was built: there is no firedrill/ beside index.html",
            folder.display()
        ),
        None => match BUILT.iter().map(PathBuf::from).find(|folder| is_book(folder)) {
            Some(folder) => folder,
            None => bail!(
                "there is no book in {}; at the root of the source, `cargo run --release --example book` builds it",
                BUILT.join(" or ")
            ),
        },
    };
    // A page of another site may send requests here, but cannot read this word.
    let word = format!("{:016x}", RandomState::new().build_hasher().finish());
    runtime()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = format!("http://{}/", listener.local_addr()?);
        let shelf = Arc::new(Shelf { folder, word, lab: tokio::sync::Mutex::new(()) });
        let routes = Router::new()
            .route("/firedrill/lab", post(lab))
            .fallback(get(page))
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
        let mut terminate = crate::run::signals::terminations(|| {})?;
        tokio::select! {
            served = async { axum::serve(listener, routes).await } => {
                served?;
                Ok(ExitCode::SUCCESS)
            }
            signal = terminate.recv() => Ok(signal.unwrap_or(Termination::Interrupted).into()),
        }
    })
}

/// A book, and who may ask for the lab.
struct Shelf {
    folder: PathBuf,
    word: String,
    /// One lab at a time has the terminal.
    lab: tokio::sync::Mutex<()>,
}

/// Answers to loopback's own names alone: a foreign name that leads here is no friend's.
async fn of_loopback(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    match name {
        Some("127.0.0.1" | "localhost") => next.run(request).await,
        _ => (StatusCode::FORBIDDEN, "this book is read at 127.0.0.1").into_response(),
    }
}

/// A file of the book; its pages are told that they are served.
async fn page(State(shelf): State<Arc<Shelf>>, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let plain = |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', '%', ':']);
    let path = if path.is_empty() { "index.html" } else { path };
    let missing = || (StatusCode::NOT_FOUND, "there is no such page").into_response();
    if !path.split('/').all(plain) {
        return missing();
    }
    let Ok(bytes) = tokio::fs::read(shelf.folder.join(path)).await else { return missing() };
    let kind = match path.rsplit_once('.').map_or("", |(_, kind)| kind) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    };
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
    let Ok(_has_terminal) = shelf.lab.try_lock() else {
        return (StatusCode::CONFLICT, "the lab is open already, in the terminal").into_response();
    };
    let sets = plan
        .params
        .iter()
        .flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]);
    let program = match this_program() {
        Ok(program) => program,
        Err(why) => return (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()).into_response(),
    };
    let ended = tokio::process::Command::new(program)
        .args(["lab", &plan.incident, "--variants", &plan.variants.join(",")])
        .args(["--rate", &plan.rate_per_s.to_string(), "--seed", &plan.seed.to_string()])
        .args(sets)
        .kill_on_drop(true)
        .status()
        .await;
    match ended {
        Ok(status) if status.success() => "the lab was open in the terminal".into_response(),
        Ok(status) => {
            (StatusCode::CONFLICT, format!("the lab ended with {status}")).into_response()
        }
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()).into_response(),
    }
}
