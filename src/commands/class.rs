//! `firedrill class`: the hub of a class, until it is interrupted.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use crossterm::style::Stylize;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::child::files::{TooFewFiles, needed, raise};
use qrcode::QrCode;
use qrcode::render::unicode;
use tokio::net::TcpListener;

use super::{OUTPUT, runtime};
use crate::book::shifts::INCIDENTS;
use crate::class::file::ClassFile;
use crate::class::hub::Hub;
use crate::class::offer::{of_shifts, offers};
use crate::class::server::routes;
use crate::cli::ClassOptions;
use crate::files;
use crate::notice::note;
use crate::run::signals::terminations;
use crate::serving::{find_book, listen};

/// The mark of the pages' script by which it fits the script of the class.
const SCRIPT_VERSION: &str = "script of classes, version 3";

/// Connections at once, at most: each browser holds one open, and sends messages on a few more.
const MOST_CONNECTIONS: usize = 4096;

/// Serves the class until it is interrupted.
///
/// # Errors
///
/// When the book is missing or has no walks, an incident is unknown, the port is taken, or the file of the class is
/// in use.
pub fn serve(catalogue: &'static Catalogue, options: ClassOptions) -> anyhow::Result<ExitCode> {
    let book = find_book(options.book)?;
    if !book.join("walk").is_dir() || !book.join("shift").is_dir() {
        bail!(
            "{} has no walks or no shifts: it was built by an earlier version; build it again",
            book.display()
        );
    }
    let script = files::read_text(&book.join("firedrill/walk.js")).unwrap_or_default();
    if !script.contains(SCRIPT_VERSION) {
        bail!(
            "the walks in {} do not know this version of classes: another version built them; build the book again",
            book.display()
        );
    }
    if !book.join("firedrill/lane.js").is_file() {
        bail!(
            "the walks in {} cannot run in a browser: `rustup target add wasm32-wasip1`, then build the book again",
            book.display()
        );
    }
    let book = book.canonicalize().with_context(|| book.display().to_string())?;
    for id in &options.incidents {
        catalogue.find(id)?;
    }
    let offers = offers(catalogue, &options.incidents);
    let list = book.join("shift").join(INCIDENTS);
    let in_shifts = files::read_text(&list)
        .and_then(|text| Ok(serde_json::from_str(&text)?))
        .with_context(|| list.display().to_string())?;
    let in_shifts = of_shifts(in_shifts, &offers);
    let path = match options.file {
        Some(path) => path,
        None => files::state_folder()
            .context("no folder for the file of the class: name one with --file FILE")?
            .join("class.json"),
    };
    let in_use = || {
        format!("{}: another class runs with this file; name one with --file FILE", path.display())
    };
    let _lock = files::lock_if_free(&path)
        .with_context(|| path.display().to_string())?
        .with_context(in_use)?;
    runtime()?.block_on(async {
        if let Err(TooFewFiles { hard, .. }) = raise(needed(MOST_CONNECTIONS as f64)) {
            note(&format!(
                "The system allows {hard} open files: each browser of the class needs two or three."
            ));
        }
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let at = listener.local_addr()?;
        // Only now: a start that fails leaves an earlier class where it is.
        let class = stored(&path, options.new)?;
        let url = format!("http://{}/", SocketAddr::new(reached_at(at.ip()), at.port()));
        let presenter = format!("{url}presenter?key={}", class.presenter);
        let hub = Hub::new(class, path.clone(), (offers, in_shifts), book, url);
        tokio::spawn(Arc::clone(&hub).keep_written());
        invite(&hub, at, &presenter).context(OUTPUT)?;
        let mut ends = terminations(|| {})?;
        tokio::select! {
            never = listen(listener, routes(hub), MOST_CONNECTIONS) => match never {},
            signal = ends.recv() => Ok(signal.map_or(ExitCode::SUCCESS, Into::into)),
        }
    })
}

/// The class of the file, or a new one.
fn stored(path: &Path, new: bool) -> anyhow::Result<ClassFile> {
    if new && path.exists() {
        let aside = files::free_name(path);
        fs::rename(path, &aside).with_context(|| path.display().to_string())?;
        note(&format!("The earlier class is {} now.", aside.display()));
    }
    let (class, said) = ClassFile::read(path)?;
    if let Some(said) = said {
        note(&said);
    }
    match class {
        Some(class) => {
            let learners = class.room.learners.len();
            note(&format!("Resumed the class with {learners} learners; --new begins another."));
            Ok(class)
        }
        None => ClassFile::begin(),
    }
}

/// The address at which others reach a listener.
fn reached_at(listens: IpAddr) -> IpAddr {
    if !listens.is_unspecified() {
        return listens;
    }
    // The system chooses the interface for an address that documentation owns. Nothing is sent.
    let chosen = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    if let Ok(at) = chosen {
        return at.ip();
    }
    note(
        "No route to a network was found: the address below is for this machine alone. Name the one that learners reach with --listen ADDR.",
    );
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// Prints what learners and the presenter need.
fn invite(hub: &Hub, at: SocketAddr, presenter: &str) -> io::Result<()> {
    let invitation = &hub.invitation;
    let mut out = io::stdout().lock();
    let to = if at.ip().is_loopback() { "this machine alone" } else { "everybody in this network" };
    writeln!(out, "Listening on {at}: the walks and the room of the class, open to {to}.\n")?;
    writeln!(out, "Learners:   {}   code {}", invitation.url, invitation.code)?;
    writeln!(out, "Presenter:  {presenter}\n")?;
    if io::stdout().is_terminal()
        && let Ok(code) = QrCode::new(invitation.link())
    {
        // Dark on light, whatever the terminal's own colours: cameras want it so.
        for line in code.render::<unicode::Dense1x2>().quiet_zone(true).build().lines() {
            writeln!(out, "{}", line.black().on_white())?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "The presenter's page leads the class; show it on the projector. Ctrl-C ends the class."
    )
}
