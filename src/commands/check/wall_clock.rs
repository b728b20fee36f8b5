//! Finds code that does not belong in simulated time: wall-clock time, blocking calls, real input and output, by
//! the paths that the source names.
//!
//! It reads tokens, not syntax: paths are paths, whatever grammar the macro around them has.

use std::collections::HashMap;
use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// Paths, each with what to use in its place.
const BANNED: [(&str, &str); 18] = [
    ("std::sync::mpsc", "tokio::sync::mpsc"),
    ("std::time::Instant", "tokio::time::Instant"),
    ("std::time::SystemTime", "tokio::time::Instant"),
    ("std::time::UNIX_EPOCH", "tokio::time::Instant"),
    ("std::thread", "a task: env.go, tokio::time::sleep"),
    ("std::fs", "service::log_file, or nothing"),
    ("std::net", "the store behind the pool"),
    ("std::os", "nothing"),
    ("std::process", "a panic, which ends the simulated process"),
    ("std::io::stdin", "nothing"),
    ("std::io::stdout", "a metric, or nothing"),
    ("std::io::stderr", "a metric, or nothing"),
    ("tokio::fs", "service::log_file, or nothing"),
    ("tokio::net", "the store behind the pool"),
    ("tokio::process", "nothing"),
    ("tokio::signal", "nothing"),
    ("tokio::task::spawn_blocking", "a task: env.go"),
    ("tokio::task::block_in_place", "a task: env.go"),
];

/// Macros that write to where the events go.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// A call that does not belong there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Path of the source file, from the package's root.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// The full path of the call.
    pub path: String,
    /// Replacement.
    pub instead: &'static str,
}

/// All such calls in a source file, by line.
///
/// # Errors
///
/// When the text is no Rust.
pub fn find(file: &str, text: &str) -> Result<Vec<Found>, String> {
    let tokens: TokenStream = text
        .parse()
        .map_err(|e: proc_macro2::LexError| format!("{file}:{}: {e}", e.span().start().line))?;
    let mut search = Search { file, imported: HashMap::new(), found: Vec::new() };
    search.imports(tokens.clone());
    search.paths(tokens);
    search.found.sort();
    search.found.dedup_by(|a, b| a.line == b.line && a.instead == b.instead);
    Ok(search.found)
}

struct Search<'a> {
    file: &'a str,
    /// Names that `use` brings in, with their whole paths.
    imported: HashMap<String, String>,
    found: Vec<Found>,
}

type Tokens = Peekable<IntoIter>;

fn joined(before: &str, name: &str) -> String {
    if before.is_empty() { name.to_owned() } else { format!("{before}::{name}") }
}

/// Returns true if a path equals or contains the other.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn is(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn colon(tokens: &mut Tokens) -> bool {
    tokens.next_if(|token| is(Some(token), ':')).is_some()
}

/// Reads `::`, if that comes next.
fn colons(tokens: &mut Tokens) -> bool {
    // A lone colon ends a path as anything else does.
    colon(tokens) && colon(tokens)
}

impl Search<'_> {
    /// Collects what `use` brings in, wherever in the file.
    fn imports(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "use" => self.import(&mut tokens, ""),
                TokenTree::Group(group) => self.imports(group.stream()),
                _ => {}
            }
        }
    }

    /// One tree of a `use`, up to the comma or semicolon after it.
    fn import(&mut self, tokens: &mut Tokens, before: &str) {
        let mut path = before.to_owned();
        colons(tokens);
        loop {
            match tokens.next() {
                Some(TokenTree::Ident(name)) if name == "as" => {
                    if let Some(TokenTree::Ident(new)) = tokens.next() {
                        self.imported.insert(new.to_string(), path);
                    }
                    return;
                }
                Some(TokenTree::Ident(name)) => {
                    if name != "self" {
                        path = joined(&path, &name.to_string());
                    }
                    let renamed =
                        matches!(tokens.peek(), Some(TokenTree::Ident(name)) if name == "as");
                    if !colons(tokens) && !renamed {
                        let last = path.rsplit("::").next().unwrap_or(&path).to_owned();
                        self.imported.insert(last, path);
                        return;
                    }
                }
                Some(TokenTree::Group(group)) => {
                    let mut inner = group.stream().into_iter().peekable();
                    while inner.peek().is_some() {
                        self.import(&mut inner, &path);
                        while inner.next_if(|token| is(Some(token), ',')).is_some() {}
                    }
                    return;
                }
                // A glob brings in names that nobody can see here.
                Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                    self.glob(&path, star.span());
                    return;
                }
                _ => return,
            }
        }
    }

    fn glob(&mut self, path: &str, span: Span) {
        let inside = path.starts_with("std::") || path.starts_with("tokio::");
        let holds = |(banned, _): &&(&str, &str)| within(banned, path) || within(path, banned);
        if let Some((_, instead)) = BANNED.iter().find(holds).filter(|_| inside) {
            self.add(format!("{path}::*"), span, instead);
        }
    }

    /// Looks at every path outside of a `use`.
    fn paths(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // After a dot stands a field or a method; after `::`, a path from the root.
        let (mut dot, mut rooted) = (false, false);
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "use" => {
                    while tokens.next_if(|token| !is(Some(token), ';')).is_some() {}
                }
                TokenTree::Ident(ident) => {
                    let (mut names, span) = (vec![ident.to_string()], ident.span());
                    while colons(&mut tokens) {
                        let Some(TokenTree::Ident(_)) = tokens.peek() else { break };
                        names.extend(tokens.next().map(|name| name.to_string()));
                    }
                    if !dot {
                        self.path(&names, rooted, span, &mut tokens);
                    }
                }
                TokenTree::Group(group) => self.paths(group.stream()),
                TokenTree::Punct(punct) => {
                    let sign = punct.as_char();
                    (dot, rooted) = (sign == '.', sign == ':' && colon(&mut tokens));
                    continue;
                }
                TokenTree::Literal(_) => {}
            }
            (dot, rooted) = (false, false);
        }
    }

    fn path(&mut self, names: &[String], rooted: bool, span: Span, after: &mut Tokens) {
        let Some((first, rest)) = names.split_first() else { return };
        let first = if rooted { None } else { self.imported.get(first) }.unwrap_or(first);
        let whole = std::iter::once(first).chain(rest).cloned().collect::<Vec<_>>().join("::");
        // `core` and `std` are the same here.
        let whole = whole.replacen("core::", "std::", usize::from(whole.starts_with("core::")));
        if let Some((_, instead)) = BANNED.iter().find(|(banned, _)| within(&whole, banned)) {
            self.add(whole, span, instead);
        } else if PRINTING.contains(&names[names.len() - 1].as_str())
            && after.next_if(|token| is(Some(token), '!')).is_some()
            && matches!(after.peek(), Some(TokenTree::Group(g)) if g.delimiter() != Delimiter::None)
        {
            self.add(format!("{}!", names[names.len() - 1]), span, "a metric, or nothing");
        }
    }

    fn add(&mut self, path: String, span: Span, instead: &'static str) {
        let line = span.start().line;
        self.found.push(Found { file: self.file.to_owned(), line, path, instead });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String)> {
        let found = find("incidents/x/broken.rs", text).expect("it is Rust");
        found.into_iter().map(|found| (found.line, found.path)).collect()
    }

    #[test]
    fn names_what_blocks_or_tells_wall_time_however_it_is_imported() {
        let text = "use std::time::{Duration, Instant as Then};\n\
                    use std::{fs, thread};\n\
                    use tokio::task;\n\
                    fn a() { let t = Then::now(); thread::sleep(Duration::from_secs(1)); }\n\
                    fn b() { std::thread::sleep(Duration::ZERO) }\n\
                    async fn c() { fs::write(\"a\", \"b\"); task::spawn_blocking(|| ()); }\n\
                    fn d() { println!(\"{}\", 1); assert!(Then::now() > x); }\n\
                    use std::net::*;\n";
        let expected = [
            (4, "std::thread::sleep"),
            (4, "std::time::Instant::now"),
            (5, "std::thread::sleep"),
            (6, "std::fs::write"),
            (6, "tokio::task::spawn_blocking"),
            (7, "println!"),
            (7, "std::time::Instant::now"),
            (8, "std::net::*"),
        ];
        assert_eq!(found(text), expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn macros_of_any_grammar_hide_nothing() {
        let text = "use std::time::Instant;\n\
                    async fn a() { tokio::select! { _ = b() => { std::thread::sleep(x) } } }\n\
                    fn c() { let v = vec![Instant::now(); 3]; }\n\
                    fn d(r: std::sync::mpsc::Receiver<u8>) { r.recv().ok(); }\n";
        let expected = [
            (2, "std::thread::sleep"),
            (3, "std::time::Instant::now"),
            (4, "std::sync::mpsc::Receiver"),
        ];
        assert_eq!(found(text), expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn groups_selves_and_roots_are_followed() {
        let text = "use std::{sync::mpsc::{self, Sender}, time::{self as t}};\n\
                    fn a(s: Sender<u8>) { ::std::thread::yield_now() }\n\
                    mod inner { use tokio::{net::{TcpStream as S}, time}; type X = S; }\n\
                    fn b() -> core::time::Duration { x.fs.read(); t::Instant::now(); }\n\
                    fn c() { mpsc::channel::<u8>(); let print = 1; print != 2; }\n";
        let expected = [
            (2, "std::sync::mpsc::Sender"),
            (2, "std::thread::yield_now"),
            (3, "tokio::net::TcpStream"),
            (4, "std::time::Instant::now"),
            (5, "std::sync::mpsc::channel"),
        ];
        assert_eq!(found(text), expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn leaves_virtual_time_alone() {
        let text = "use std::time::Duration;\nuse tokio::time::{Instant, sleep};\n\
                    async fn a() { let t = Instant::now(); sleep(Duration::from_secs(1)).await; }";
        assert_eq!(found(text), []);
    }
}
