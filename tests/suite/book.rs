//! The book: it builds, what it says holds, its links lead somewhere, and its charts run in a browser as the
//! program runs them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use firedrill::book::Firedrill;
use firedrill_core::plan::Plan;
use mdbook_driver::MDBook;
use serde_json::Value;

#[path = "../../book/adapter.rs"]
mod adapter;

use crate::common::{Ends, catalogue, firedrill, program};

/// The lane for browsers, the smaller one where there is one.
pub fn lane() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let smaller = target.join("lane.wasm");
    let built = target.join("wasm32-wasip1/page/firedrill_page.wasm");
    let changed = |path: &Path| path.metadata().and_then(|of| of.modified()).ok();
    if changed(&smaller) > changed(&built) { smaller } else { built }
}

fn build(root: &Path, into: &Path) -> Result<(), String> {
    let mut book = MDBook::load(root).map_err(|error| format!("{error:#}"))?;
    into.clone_into(&mut book.config.build.build_dir);
    book.config.set("preprocessor.firedrill.lane", lane()).expect("a path");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book-cache");
    let cache = (root == real()).then_some(kept);
    let firedrill = Firedrill { catalogue: catalogue(), program: program(), cache };
    book.with_preprocessor(adapter::Here(firedrill));
    book.build().map_err(|error| format!("{error:#}"))
}

fn real() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book")
}

/// The book, built once for all tests.
pub fn built() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
        build(&real(), &into).unwrap_or_else(|why| panic!("{why}"));
        into
    });
    &BUILT
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages.extend(pages_of(&path));
        } else if path.extension().is_some_and(|kind| kind == "html") {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

fn pages_of(folder: &Path) -> Vec<PathBuf> {
    pages(folder)
}

/// The values of an attribute in a page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let begins = format!(" {attribute}=\"");
    page.split(begins.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_chapter_is_whole_and_every_link_leads_somewhere() {
    let book = built();
    let pages = pages(book);
    assert!(pages.len() > 16, "{pages:?}");
    for page in &pages {
        let text = fs::read_to_string(page).expect("a page");
        let name = page.strip_prefix(book).expect("in the book").display().to_string();
        let about_itself = ["own.html", "reference.html", "print.html"].contains(&name.as_str());
        assert!(about_itself || !text.contains("{{#"), "{name}");
        assert!(!text.contains("(not there:") && !text.contains("(not known:"), "{name}");
        for attribute in ["href", "src"] {
            for link in values(&text, attribute) {
                let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
                assert!(attribute == "href" || !path.starts_with("http"), "{name} loads {link}");
                if path.contains(':') {
                    continue;
                }
                let leads = if path.is_empty() {
                    page.clone()
                } else {
                    page.parent().expect("a folder").join(path)
                };
                // The page of what is missing stands at any depth.
                let for_print = name == "print.html" && link.contains("firedrill/firedrill.css");
                assert!(leads.exists() || name == "404.html" || for_print, "{name}: {link}");
                if !anchor.is_empty() && leads.extension().is_some_and(|kind| kind == "html") {
                    let there = fs::read_to_string(&leads).expect("a page");
                    assert!(there.contains(&format!("id=\"{anchor}\"")), "{name}: {link}");
                }
            }
        }
    }
    for entry in &catalogue().entries {
        let id = &entry.manifest.id;
        let page =
            fs::read_to_string(book.join(format!("incidents/{id}.html"))).expect("a chapter");
        for part in ["class=\"fd-live\"", "class=\"fd-figure\"", "class=\"fd-code\"", "fd-question"]
        {
            assert!(page.contains(part), "{id} lacks {part}");
        }
        // What a chart shows is said, too.
        let charts = page.matches("=\"0 0 560 200\"").count();
        assert!(
            charts > 0
                && page.matches("=\"0 0 560 200\" role=\"img\" aria-label=\"").count() == charts
        );
        let asked: BTreeSet<&str> = values(&page, "data-question").into_iter().collect();
        assert!(asked.len() >= 5, "{id}: {asked:?}");
    }
}

#[test]
fn a_book_that_is_built_again_is_the_same() {
    let again = tempfile::tempdir().expect("writable");
    build(&real(), again.path()).unwrap_or_else(|why| panic!("{why}"));
    for page in pages(built()) {
        let name = page.strip_prefix(built()).expect("in the book");
        let read = |folder: &Path| fs::read(folder.join(name)).expect("a page");
        assert!(read(built()) == read(again.path()), "{}", name.display());
    }
}

/// A book of one chapter.
fn book_of(chapter: &str) -> Result<String, String> {
    let root = tempfile::tempdir().expect("writable");
    fs::create_dir(root.path().join("src")).expect("writable");
    fs::write(root.path().join("book.toml"), "[book]\ntitle = \"a\"\n").expect("writable");
    let src = root.path().join("src");
    fs::write(src.join("SUMMARY.md"), "- [One](one.md)\n").expect("writable");
    fs::write(src.join("one.md"), chapter).expect("writable");
    let into = root.path().join("out");
    build(root.path(), &into)?;
    Ok(fs::read_to_string(into.join("one.html")).expect("a page"))
}

#[test]
fn a_wrong_directive_or_a_statement_that_does_not_hold_fails_the_build_with_its_line() {
    let run = "# One\n\n{{#drill run a = pool-leak broken,fixed for=8s}}\n\n";
    let fine = format!("{run}{{{{#= a fixed pool_lost end below 1}}}} lost\n");
    assert!(book_of(&fine).is_ok_and(|page| page.contains(">0</span> lost")));
    for (asks, says) in [
        (
            "{{#= a fixed pool_lost end above 1}}",
            "the claim does not hold: it is 0, said to be above 1",
        ),
        ("{{#= a broken pool_lost end is 5 within 1%}}", "is 8, said to be 5 within 1 %"),
        ("{{#= b broken tasks}}", "unknown run `b`; there are: a"),
        ("{{#= a timeout tasks}}", "the run has no lane `timeout`; it has broken, fixed"),
        ("{{#= a broken tasks at 60}}", "the run ends 5 s after its release"),
        ("{{#= a broken taks}}", "`broken` has no `taks` there"),
        ("{{#drill chart a polo}}", "unknown chart `polo`; did you mean `pool`?"),
        ("{{#drill code a borken}}", "unknown variant `borken`; did you mean `broken`?"),
        ("{{#drill drag a store_mss}}", "unknown parameter `store_mss`; did you mean `store_ms`?"),
        (
            "{{#drill run b = pool-leek broken}}",
            "unknown incident `pool-leek`; did you mean `pool-leak`?",
        ),
        (
            "{{#drill run b = pool-leak broken set.store_ms=0}}",
            "store_ms is 0, and may be 1 to 500",
        ),
        ("{{#drill dance a}}", "expected `run`, `chart`"),
    ] {
        let why = book_of(&format!("{run}{asks}\n")).expect_err(asks);
        assert!(why.contains("chapter `One`, line 5: ") && why.contains(says), "{asks}: {why}");
    }
}

#[test]
fn anybodys_mdbook_can_call_it_and_charts_do_without_the_lane() {
    let root = tempfile::tempdir().expect("writable");
    let src = root.path().join("src");
    fs::create_dir(&src).expect("writable");
    let command = format!(
        "env XDG_CACHE_HOME={} {} mdbook",
        root.path().join("cache").display(),
        program().display()
    );
    let toml = format!(
        "[book]\ntitle = \"a\"\n[preprocessor.firedrill]\ncommand = \"{command}\"\nafter = [\"links\"]\n"
    );
    fs::write(root.path().join("book.toml"), toml).expect("writable");
    fs::write(src.join("SUMMARY.md"), "- [One](one.md)\n").expect("writable");
    let chapter = "# One\n\n{{#drill run a = pool-leak broken,fixed for=8s}}\n\n{{#drill live a pool}}\n\n\
                   {{#= a fixed pool_lost end below 1}} lost of {{#= a broken pool_lost end above 7}}\n";
    fs::write(src.join("one.md"), chapter).expect("writable");
    let mut book = MDBook::load(root.path()).expect("a book");
    book.config.build.build_dir = root.path().join("out");
    book.build().unwrap_or_else(|error| panic!("{error:#}"));
    let page = fs::read_to_string(root.path().join("out/one.html")).expect("a page");
    assert!(page.contains("without the lane for browsers"), "{page}");
    let data =
        page.split("application/json\">").nth(1).and_then(|rest| rest.split("</script>").next());
    let data: Value = serde_json::from_str(data.expect("what can be changed")).expect("JSON");
    for knob in ["rate_per_s", "store_ms", "store_error_percent", "pool_wait_ms"] {
        let steps = data["steps"][knob].as_array().unwrap_or_else(|| panic!("{knob}"));
        assert!(steps.len() >= 3, "{knob}: {}", steps.len());
        // Each step has its own charts and the figures of the sentences; the run as it is has them already.
        for step in steps.iter().filter(|step| !step[1].is_null()) {
            assert!(step[1]["charts"].as_str().is_some_and(|charts| charts.contains("<svg")));
            assert_eq!(step[1]["figures"].as_array().map(Vec::len), Some(2), "{knob}");
        }
    }
    assert!(root.path().join("cache/firedrill/book").is_dir(), "what was computed is kept");
}

#[test]
fn a_book_of_another_mdbook_is_read_and_what_is_none_is_said() {
    let root = tempfile::tempdir().expect("writable");
    let send = |book: Value| {
        let told = serde_json::json!({
            "root": root.path(), "renderer": "html", "mdbook_version": "0.4.52",
            "config": { "book": { "multilingual": false, "src": "src" } },
        });
        let mut child = firedrill(&["mdbook"]);
        child.env("XDG_CACHE_HOME", root.path().join("cache"));
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("it starts");
        let input = serde_json::json!([told, book]).to_string();
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let chapter = serde_json::json!({ "Chapter": {
        "name": "One", "content": "{{#drill answers}}", "number": [1], "path": "a/one.md",
        "parent_names": [], "sub_items": [{ "Chapter": { "name": "Two", "content": "as it is" } }, "Separator"],
    }});
    let (code, out, err) =
        send(serde_json::json!({ "sections": [chapter], "__non_exhaustive": null }));
    assert_eq!(code, Some(0), "{err}");
    let book: Value = serde_json::from_str(&out).expect("a book");
    let one = &book["sections"][0]["Chapter"];
    assert!(!one["content"].as_str().expect("text").contains("{{#drill"), "{one}");
    assert_eq!(one["sub_items"][0]["Chapter"]["content"], "as it is");
    assert_eq!(one["sub_items"][1], "Separator");
    let (code, _, err) = send(serde_json::json!({ "chapters": [] }));
    assert!(code == Some(2) && err.contains("mdBook 0.4.52 lists its chapters neither"), "{err}");
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("readable").flatten() {
        let (path, into) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &into);
        } else {
            fs::copy(path, into).expect("writable");
        }
    }
}

#[test]
fn a_served_book_answers_to_loopback_and_opens_the_lab_for_its_own_pages_computing() {
    let folder = tempfile::tempdir().expect("writable");
    fs::create_dir(folder.path().join("firedrill")).expect("writable");
    fs::write(folder.path().join("index.html"), "<html><head></head>page</html>")
        .expect("writable");
    let mut server = firedrill(&["book", "--no-open"]);
    server.arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = Ends(server.spawn().expect("it starts"));
    let mut address = String::new();
    let stdout = server.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut address).expect("an address");
    let host = address.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let ask = |request: String| {
        let mut stream = TcpStream::connect(&host).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let get = |path: &str, host: &str| {
        ask(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    };
    let page = get("/", &host);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("FIREDRILL_SERVED="), "{page}");
    let word = page.split("FIREDRILL_SERVED=\"").nth(1).and_then(|rest| rest.split('"').next());
    let word = word.expect("a word");
    assert!(get("/", "evil.example").starts_with("HTTP/1.1 403"));
    for path in ["/../Cargo.toml", "/firedrill/../../x", "/%2e%2e/x", "//etc/passwd", "/none.html"]
    {
        assert!(get(path, &host).starts_with("HTTP/1.1 404"), "{path}");
    }
    let entry = catalogue().find("pool-leak").expect("it is known");
    let run = serde_json::to_string(&Plan::new(&entry.manifest)).expect("a plan is plain data");
    let post = |word: &str| {
        ask(format!(
            "POST /firedrill/lab HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Firedrill: {word}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{run}",
            run.len()
        ))
    };
    assert!(post("guess").starts_with("HTTP/1.1 403"));
    let answer = post(word);
    assert!(
        answer.starts_with("HTTP/1.1 409") && answer.contains("without a terminal"),
        "{answer}"
    );
}

#[test]
fn what_is_no_book_is_said() {
    let folder = tempfile::tempdir().expect("writable");
    let output = firedrill(&["book", "--no-open"]).arg(folder.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("is not a built book"), "{said}");
    let mut child = firedrill(&["mdbook"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
    let output = child.as_mut().expect("it runs").wait().expect("it ends");
    assert_eq!(output.code(), Some(2));
    // Other renderers make no use of scripts and forms.
    for (renderer, code) in [("html", 0), ("markdown", 1), ("epub", 1)] {
        let supports = firedrill(&["mdbook", "supports", renderer]).output().expect("it runs");
        assert_eq!(supports.status.code(), Some(code), "{renderer}");
    }
}
