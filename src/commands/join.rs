//! `firedrill join`: a class, in the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use firedrill_core::catalogue::Catalogue;
use serde::{Deserialize, Serialize};

use super::runtime;
use crate::cli::JoinOptions;
use crate::files;
use crate::join::client::{Address, Link, Member};
use crate::notice::note;
use crate::tui::event_loop::{self, FirstScreen};
use crate::user_state::Theme;

/// The class that was joined last, so that the same learner comes back to it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct JoinedLast {
    /// The join code.
    code: String,
    /// The nickname that was asked for.
    name: String,
    /// The learner.
    member: Member,
}

/// Joins a class, and opens its walk in the terminal.
///
/// # Errors
///
/// When the address or the code is wrong, the class refuses, or there is no terminal.
pub fn join(
    catalogue: &'static Catalogue,
    options: JoinOptions,
    theme: Option<Theme>,
) -> anyhow::Result<ExitCode> {
    let JoinOptions { address, code, name } = options;
    let address = Address::read(&address)?;
    let code = code.or(address.code);
    let code = code.context("the code of the class is missing: the presenter's screen shows it")?;
    let code = code.trim().to_ascii_uppercase();
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!(
            "this command needs a terminal; without one, open http://{}/ in a browser",
            address.authority
        );
    }
    runtime()?.block_on(async {
        let known = known(&address.authority, &code, name.as_deref());
        let back = match &known {
            Some(member) => member.is_known().await?,
            None => false,
        };
        let member = if let Some(member) = known.filter(|_| back) {
            member
        } else {
            let name = name.map_or_else(ask_name, Ok)?;
            let member = Member::join(&address.authority, &code, &name).await?;
            keep(&JoinedLast { code, name, member: member.clone() });
            member
        };
        event_loop::run(catalogue, FirstScreen::Class(Link::open(member)), theme).await
    })
}

fn ask_name() -> anyhow::Result<String> {
    let mut err = io::stderr();
    loop {
        write!(err, "Your nickname, for the presenter's list: ")?;
        err.flush()?;
        let mut name = String::new();
        let bytes = io::stdin().lock().read_line(&mut name).context("cannot read the nickname")?;
        if bytes == 0 || !name.trim().is_empty() {
            return Ok(name.trim().to_owned());
        }
    }
}

fn path() -> Option<PathBuf> {
    Some(files::state_folder()?.join("joined.json"))
}

/// The learner as whom this class was joined before, under this nickname if one is given.
fn known(authority: &str, code: &str, name: Option<&str>) -> Option<Member> {
    let text = files::read_text(&path()?).ok()?;
    let last: JoinedLast = serde_json::from_str(&text).ok()?;
    let is_same = last.code == code
        && last.member.authority == authority
        && name.is_none_or(|name| name == last.name);
    is_same.then_some(last.member)
}

/// Keeps the key. Without it the learner joins under a new one.
fn keep(joined: &JoinedLast) {
    let Some(path) = path() else { return };
    let written = serde_json::to_vec(joined).map_err(io::Error::other);
    if let Err(why) = written.and_then(|text| files::write(&path, &text)) {
        note(&format!("{}: {why}; after a restart, you join as a new learner", path.display()));
    }
}
