//! The import graph, read from the source: between the modules of a folder no circle, and in core no arrow against
//! the layers. A module is a file or a folder; the inside of a folder is its own matter, or another test's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// For each module of a folder the others that it names in a path.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The graph of the modules directly in `folder`, which is the module `path` of its crate (`crate::tui`).
fn graph(folder: &str, path: &str) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut graph = Graph::new();
    for entry in fs::read_dir(&root).expect("a folder").map(|entry| entry.expect("readable")) {
        let name = entry.file_name().into_string().expect("text");
        let module = name.strip_suffix(".rs").unwrap_or(&name).to_owned();
        let is_rust = entry.path().extension().is_some_and(|extension| extension == "rs");
        let is_code = entry.path().is_dir() || is_rust;
        if !is_code || ["mod", "lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let mut named = BTreeSet::new();
        read(&entry.path(), 0, path, &mut named);
        named.remove(&module);
        graph.insert(module, named);
    }
    let known: BTreeSet<String> = graph.keys().cloned().collect();
    for named in graph.values_mut() {
        named.retain(|name| known.contains(name));
    }
    graph
}

/// Adds the modules that the files at a place name, `depth` folders below the modules of the graph.
fn read(place: &Path, depth: usize, path: &str, named: &mut BTreeSet<String>) {
    if place.is_dir() {
        for entry in fs::read_dir(place).expect("a folder") {
            let entry = entry.expect("readable").path();
            let is_root = entry.file_stem().is_some_and(|stem| stem == "mod");
            read(&entry, depth + usize::from(!is_root), path, named);
        }
        return;
    }
    if place.extension().is_none_or(|extension| extension != "rs") {
        return;
    }
    let text = fs::read_to_string(place).expect("text");
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    // A file directly in the folder sees its siblings by one `super`, one in a folder of it by two.
    for prefix in [format!("{path}::"), "super::".repeat(depth + 1)] {
        for (at, _) in code.match_indices(&prefix) {
            if code[..at].ends_with("super::") {
                continue;
            }
            let rest = &code[at + prefix.len()..];
            let several = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            for name in several.map_or(rest, |(names, _)| names).split(',') {
                let name = name.trim();
                let end =
                    name.find(|c: char| !c.is_ascii_lowercase() && c != '_' && !c.is_ascii_digit());
                named.insert(name[..end.unwrap_or(name.len())].to_owned());
                if several.is_none() {
                    break;
                }
            }
        }
    }
}

/// A circle, as the modules on it; none: there is none.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    fn visit(graph: &Graph, at: &str, way: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
        if let Some(from) = way.iter().position(|name| name == at) {
            way.drain(..from);
            return true;
        }
        if !done.insert(at.to_owned()) {
            return false;
        }
        way.push(at.to_owned());
        if graph.get(at).into_iter().flatten().any(|next| visit(graph, next, way, done)) {
            return true;
        }
        way.pop();
        false
    }
    let (mut way, mut done) = (Vec::new(), BTreeSet::new());
    graph.keys().any(|name| visit(graph, name, &mut way, &mut done)).then_some(way)
}

#[test]
fn no_circle_between_the_modules_of_a_folder() {
    for (folder, path, least) in [
        ("core/src", "crate", 40),
        ("src", "crate", 20),
        ("src/tui", "crate::tui", 20),
        ("src/tui/view", "crate::tui::view", 30),
        ("src/book", "crate::book", 6),
        ("src/class", "crate::class", 8),
    ] {
        let graph = graph(folder, path);
        let arrows: usize = graph.values().map(BTreeSet::len).sum();
        assert!(arrows >= least, "{folder}: only {arrows} arrows were seen: {graph:?}");
        assert_eq!(circle(&graph), None, "{folder}: {graph:#?}");
    }
}

/// From below: what a layer may know is itself and those before it. What stands in one line may know each other in
/// the order that they have there, which the test of circles holds.
const LAYERS: [&[&str]; 6] = [
    &["random", "event", "figures", "sanitize", "glossary"],
    &["incident", "load", "prose", "window", "experiment", "service", "catalogue"],
    &["plan", "script", "record", "lane", "timeline", "source"],
    &["verdict", "stability", "child"],
    &["report", "session", "sweep"],
    &["page"],
];

#[test]
fn arrows_in_core_point_down() {
    let graph = graph("core/src", "crate");
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    for (module, named) in &graph {
        let own = layer(module).unwrap_or_else(|| panic!("`{module}` has no layer"));
        for other in named {
            let other_layer = layer(other).unwrap_or_else(|| panic!("`{other}` has no layer"));
            assert!(other_layer <= own, "`{module}` names `{other}`, which is above it");
        }
    }
}

#[test]
fn a_circle_is_found_where_there_is_one() {
    let graph = |arrows: &[(&str, &[&str])]| -> Graph {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        arrows.iter().map(|(from, to)| ((*from).to_owned(), named(to))).collect()
    };
    assert_eq!(circle(&graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), None);
    let found = circle(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
    assert_eq!(found, Some(vec!["b".to_owned(), "c".to_owned()]));
}
