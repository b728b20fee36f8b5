//! What does not belong on a virtual clock: wall-clock time, blocking calls, real input and output,
//! found in the source by the paths it names.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ItemUse, Macro, Path, UseTree};

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
    /// What is named there, by its whole path.
    pub path: String,
    /// What to use in its place.
    pub instead: &'static str,
}

/// All such calls in a source file, by line.
///
/// # Errors
///
/// When the text is no Rust.
pub fn find(file: &str, text: &str) -> Result<Vec<Found>, String> {
    let parsed = syn::parse_file(text)
        .map_err(|error| format!("{file}:{}: {error}", error.span().start().line))?;
    let mut names = Names::default();
    names.visit_file(&parsed);
    let mut search = Search { file, names: names.0, found: Vec::new() };
    search.visit_file(&parsed);
    search.found.sort();
    search.found.dedup_by(|a, b| a.line == b.line && a.instead == b.instead);
    Ok(search.found)
}

/// Names that `use` brings in, with their whole paths.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree("", &item.tree);
    }
}

impl Names {
    fn tree(&mut self, before: &str, tree: &UseTree) {
        let joined = |name: &dyn std::fmt::Display| match before {
            "" => name.to_string(),
            before => format!("{before}::{name}"),
        };
        match tree {
            UseTree::Path(path) => self.tree(&joined(&path.ident), &path.tree),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.rsplit("::").next().unwrap_or(before).to_owned();
                self.0.insert(last, before.to_owned());
            }
            UseTree::Name(name) => {
                self.0.insert(name.ident.to_string(), joined(&name.ident));
            }
            UseTree::Rename(renamed) => {
                let path = if renamed.ident == "self" {
                    before.to_owned()
                } else {
                    joined(&renamed.ident)
                };
                self.0.insert(renamed.rename.to_string(), path);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
            UseTree::Glob(_) => {}
        }
    }
}

struct Search<'a> {
    file: &'a str,
    names: HashMap<String, String>,
    found: Vec<Found>,
}

impl Search<'_> {
    fn note(&mut self, path: &str, span: Span) {
        let within = |banned: &str| {
            path.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        if let Some((_, instead)) = BANNED.iter().find(|(banned, _)| within(banned)) {
            self.add(path.to_owned(), span, instead);
        }
    }

    fn add(&mut self, path: String, span: Span, instead: &'static str) {
        let line = span.start().line;
        self.found.push(Found { file: self.file.to_owned(), line, path, instead });
    }

    /// Globs bring in names that nobody can see here.
    fn globs(&mut self, before: &str, tree: &UseTree) {
        let joined = |name: &syn::Ident| match before {
            "" => name.to_string(),
            before => format!("{before}::{name}"),
        };
        match tree {
            UseTree::Path(path) => self.globs(&joined(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.globs(before, tree)),
            UseTree::Glob(glob) => {
                let holds = |banned: &str| {
                    banned
                        .strip_prefix(before)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                };
                if let Some((_, instead)) = BANNED.iter().find(|(banned, _)| holds(banned))
                    && (before.starts_with("std::") || before.starts_with("tokio::"))
                {
                    self.add(format!("{before}::*"), glob.span(), instead);
                }
            }
            UseTree::Name(_) | UseTree::Rename(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let Some((first, rest)) = names.split_first() {
            let first = match path.leading_colon {
                None => self.names.get(first).unwrap_or(first),
                Some(_) => first,
            };
            let whole = std::iter::once(first).chain(rest).cloned().collect::<Vec<_>>().join("::");
            // `core` and `std` are the same here.
            let whole = whole.replacen("core::", "std::", usize::from(whole.starts_with("core::")));
            self.note(&whole, path.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.globs("", &item.tree);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let name = called.path.segments.last().map(|segment| segment.ident.to_string());
        if let Some(name) = name.filter(|name| PRINTING.contains(&name.as_str())) {
            self.add(format!("{name}!"), called.span(), "a metric, or nothing");
        }
        // What a macro is given is no syntax yet; most take expressions.
        let parser = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        match called.parse_body_with(parser) {
            Ok(given) => given.iter().for_each(|expression| self.visit_expr_owned(expression)),
            // `vec![x; n]`, `select! { … }`: whatever grammar it has, its paths are paths.
            Err(_) => self.tokens(called.tokens.clone()),
        }
        visit::visit_macro(self, called);
    }
}

impl Search<'_> {
    /// Looks for paths in tokens of any grammar.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<proc_macro2::Ident> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.path(&std::mem::take(&mut path));
                    }
                    path.push(ident);
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            self.path(&std::mem::take(&mut path));
            colons = 0;
        }
        self.path(&path);
    }

    fn path(&mut self, idents: &[proc_macro2::Ident]) {
        let Some((first, rest)) = idents.split_first() else { return };
        let first_name = first.to_string();
        let whole = self.names.get(&first_name).cloned().unwrap_or(first_name);
        let rest = rest.iter().map(ToString::to_string);
        let whole = std::iter::once(whole).chain(rest).collect::<Vec<_>>().join("::");
        self.note(&whole, first.span());
    }

    fn visit_expr_owned(&mut self, expression: &syn::Expr) {
        let mut inner = Search { file: self.file, names: self.names.clone(), found: Vec::new() };
        inner.visit_expr(expression);
        self.found.append(&mut inner.found);
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
    fn leaves_virtual_time_alone() {
        let text = "use std::time::Duration;\nuse tokio::time::{Instant, sleep};\n\
                    async fn a() { let t = Instant::now(); sleep(Duration::from_secs(1)).await; }";
        assert_eq!(found(text), []);
    }
}
