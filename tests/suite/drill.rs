//! On-call shifts from outside: in the terminal, and with programs on call.

use std::fmt::Write;
use std::fs;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{children_of, firedrill, gone, wait_for};
use crate::person::{KEPT, Person};

/// Lets a program take shifts in simulated time.
fn auto(command: &str, arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().expect("writable");
    firedrill(&["drill", "--clock", "virtual", "--auto", command])
        .args(arguments)
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("it runs")
}

/// The rows of shifts whose programs stayed to the end.
fn rows(output: &Output) -> Vec<Value> {
    rows_of(output, 0)
}

/// The rows of a command with this exit status.
fn rows_of(output: &Output, status: i32) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    serde_json::from_slice(&output.stdout).expect("rows of JSON")
}

/// The score of the part of this name.
fn points(row: &Value, part: &str) -> f64 {
    let parts = row["score"]["parts"].as_array().expect("parts");
    let part = parts.iter().find(|of| of["name"] == part).expect("it has this part");
    part["points"].as_f64().expect("points")
}

/// A program of lines that it sends, one for each message that it gets.
fn sends(lines: &[&str]) -> String {
    let mut program = "read -r message; ".to_owned();
    for line in lines {
        write!(program, "printf '%s\\n' '{line}'; read -r message || exit 0; ").expect("a string");
    }
    program
}

#[test]
fn a_runbook_takes_shifts_and_gets_the_same_score_again() {
    let take = || rows(&auto("sh examples/runbook.sh", &["--seeds", "1..3", "--json"]));
    let (mut first, mut second) = (take(), take());
    for row in first.iter_mut().chain(&mut second) {
        let row = row.as_object_mut().expect("an object");
        row.remove("wall_s").expect("the time that it took");
    }
    assert_eq!(first, second);
    for row in &first {
        assert!(points(row, "detect") > 9.0, "{row}");
        assert_eq!(row["notes"], Value::Array(Vec::new()), "{row}");
        let sum: f64 = row["score"]["parts"]
            .as_array()
            .expect("parts")
            .iter()
            .map(|part| part["points"].as_f64().expect("points"))
            .sum();
        assert!((sum - row["score"]["points"].as_f64().expect("points")).abs() <= 0.5, "{row}");
    }
    let table = auto("sh examples/runbook.sh", &["--seeds", "1..3"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("3 shifts: "), "{table}");
}

#[test]
fn an_expert_program_names_cause_and_line() {
    let output = auto(
        &sends(&[
            r#"{"do":"take"}"#,
            r#"{"do":"roll_back"}"#,
            r#"{"do":"name","cause":"unbuffered-log-channel"}"#,
            r#"{"do":"wait","seconds":15}"#,
            r#"{"do":"over"}"#,
        ]),
        &["--of", "unbuffered-log-channel", "--seed", "2", "--json"],
    );
    let row = &rows(&output)[0];
    assert_eq!(row["causes"][0]["id"], "unbuffered-log-channel", "{row}");
    for (part, least) in [("detect", 10.0), ("mitigate", 24.0), ("fix", 20.0), ("cause", 25.0)] {
        assert!(points(row, part) >= least, "{part}: {row}");
    }
    assert!(points(row, "line") < 0.5, "{row}");
}

/// Lines that make no sense are refused by number, and the shift goes on.
#[test]
fn lines_that_make_no_sense_are_refused_by_number() {
    let output = auto(
        &sends(&[
            "hello",
            r#"{"do":"dance"}"#,
            r#"{"do":"scale","instances":99}"#,
            r#"{"do":"look","what":"charts","why":1}"#,
            r#"{"do":"name"}"#,
            r#"{"do":"over","now":true}"#,
            r#"{"do":"over"}"#,
        ]),
        &["--seed", "2", "--json"],
    );
    let row = &rows(&output)[0];
    let notes: Vec<&str> =
        row["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
    let expected = [
        "line 1: invalid JSON",
        "line 2: unknown verb `dance`",
        "line 3: 99 instances",
        "line 4: ",
        "line 5: `name`: missing `cause`",
        "line 6: `over`: unknown field `now`",
    ];
    assert_eq!(notes.len(), expected.len(), "{notes:?}");
    for (note, begins) in notes.iter().zip(expected) {
        assert!(note.starts_with(begins), "{note}");
    }
}

/// A program that leaves, floods or breaks off: the shift is scored as it stands.
#[test]
fn a_shift_is_scored_as_it_stands_when_its_program_leaves() {
    for (command, note) in [
        ("no-such-program-anywhere", "the program ended before the shift, with exit status: 127"),
        ("true", "the program ended before the shift, with exit status: 0"),
        ("head -c 300000 /dev/zero | tr '\\0' x; sleep 5", "a line of more than"),
        ("yes '{\"do\":\"hop\\u001b[2J\"}'", "of its lines were refused"),
    ] {
        let output = auto(command, &["--seed", "3", "--json"]);
        let row = &rows_of(&output, 1)[0];
        assert!(row["score"]["points"].as_f64().expect("points") <= 10.0, "{command}: {row}");
        let notes = row["notes"].to_string();
        assert!(notes.contains(note), "{command}: {notes}");
        assert!(!notes.contains("\\u001b"), "{notes}");
    }
}

/// The processes that a program on call has started end with its shift, and with firedrill, however that ends.
#[test]
#[cfg(target_os = "linux")]
fn nothing_of_a_program_on_call_is_left() {
    let folder = tempfile::tempdir().expect("writable");
    let alive = folder.path().join("alive");
    let daemon = format!(
        "setsid sh -c 'while :; do date +%N > {}; sleep 0.05; done' >/dev/null 2>&1 & ",
        alive.display()
    );
    let is_quiet = || {
        let read = || fs::read_to_string(&alive).unwrap_or_default();
        let before = read();
        std::thread::sleep(Duration::from_millis(400));
        before == read()
    };
    let output = auto(&format!("{daemon} sleep 0.3"), &["--seed", "3", "--json"]);
    rows_of(&output, 1);
    assert!(alive.exists(), "it was there");
    wait_for("its descendants end", Duration::from_secs(10), is_quiet);

    fs::remove_file(&alive).expect("it was there");
    let mut killed = firedrill(&["drill", "--clock", "virtual", "--seed", "3", "--auto"])
        .arg(format!("{daemon} sleep 60"))
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    wait_for("the program runs", Duration::from_secs(30), || alive.exists());
    let children = children_of(killed.id());
    killed.kill().expect("it runs");
    killed.wait().expect("it ran");
    wait_for("its children end", Duration::from_secs(10), || gone(&children));
    wait_for("its descendants end", Duration::from_secs(10), is_quiet);
}

#[test]
fn options_that_cannot_be_are_refused_with_what_is_allowed() {
    for (arguments, expected) in [
        (&["--level", "4"][..], "1..=3"),
        (&["--seed", "-1"], "--seed"),
        (&["--of", "pool-laek"], "did you mean `pool-leak`?"),
        (&["--auto", "true", "--seeds", "5..1"], "the first seed is greater"),
        (&["--auto", "true", "--seeds", "1..100000"], "at most 1000 seeds"),
        (&["--seeds", "1..2"], "--auto"),
        (&["--json"], "--json needs --auto or --history"),
        (&["--auto", "true", "--seeds", "1..2", "--export", "x.md"], "--export"),
        (&["--export", "README.md"], "it is there already"),
        (&["--daily", "--seed", "3"], "--seed"),
        (&["--export", "no/such/folder/x.md"], "missing folder"),
    ] {
        let output = firedrill(&["drill"]).args(arguments).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn a_draft_of_a_post_mortem_has_the_figures_of_the_shift() {
    let folder = tempfile::tempdir().expect("writable");
    let draft = folder.path().join("night.md");
    let output = auto(
        "sh examples/runbook.sh",
        &["--seed", "2", "--json", "--export", &draft.display().to_string()],
    );
    let row = &rows(&output)[0];
    let text = fs::read_to_string(&draft).expect("it is written");
    for part in
        ["# Post-mortem: ", "## Impact", "## Timeline", "## Cause", "## Actions", "**roll back"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let title = row["causes"][0]["title"].as_str().expect("a cause");
    assert!(text.contains(title), "{text}");
    let recording = draft.with_extension("jsonl");
    let report = firedrill(&["report", "-o", "-"]).arg(&recording).output().expect("it runs");
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
}

/// A person takes a shift in simulated time: looks, acts, names cause and line, and reads the debrief; the history has
/// it afterwards.
#[test]
fn a_shift_in_the_terminal_from_the_page_to_the_debrief() {
    let state = tempfile::Builder::new().prefix(KEPT).tempdir().expect("writable");
    let arguments =
        ["drill", "--clock", "virtual", "--seed", "2", "--of", "unbuffered-log-channel"];
    let mut person = Person::remembers(state.path(), &arguments);
    person.sees("Alert:");
    person.sees("what do you do?");
    let text = person.text();
    for secret in ["nbuffered", "broken", "incidents/"] {
        assert!(!text.contains(secret), "{secret}:\n{text}");
    }
    // Wait, kinds, changes.
    person.types("jj\r");
    person.sees("release 2.14.0");
    // Down to the actions, of which the first is to roll back, and its first row the newest release.
    person.types("jjjjjjj\r");
    person.sees("act on the service ──");
    person.types("\r");
    person.sees("roll back which change?");
    person.types("\r");
    person.sees("done: roll back release 2.14.0");
    person.types("jjjjjjjjjj\r");
    person.sees("what is the cause?");
    let down = "j".repeat(cause_row("Unbuffered log channel"));
    person.types(&down);
    person.types("\r");
    person.sees("which line is the cause?");
    person.types("\r");
    person.sees("what do you do?");
    // Wait twice, and declare it over: the last row.
    person.types("\r");
    person.is_still(300);
    person.types("\r");
    person.is_still(300);
    person.types("jjjjjjjjjjjjjjjjj\r");
    person.sees("is the outage over?");
    person.types("\r");
    person.sees("Cause: Unbuffered log channel");
    person.sees("of 100 points");
    person.types("q");
    let history = firedrill(&["drill", "--history"])
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&history.stdout).into_owned();
    assert!(text.contains("unbuffered-log-channel (2)"), "{text}");
}

/// Rows above a cause in the menu: the first one is that nothing is wrong, the others are in order of title.
fn cause_row(title: &str) -> usize {
    let mut titles: Vec<&str> = crate::common::catalogue()
        .entries
        .iter()
        .map(|entry| entry.manifest.title.as_str())
        .collect();
    titles.sort_unstable();
    titles.iter().position(|of| *of == title).expect("it is known") + 1
}

/// Leaving a shift asks first, and does not point at its cause in the list of incidents.
#[test]
fn leaving_a_shift_asks_and_gives_nothing_away() {
    let mut person =
        Person::opens(&["drill", "--clock", "virtual", "--seed", "2", "--of", "pool-leak"]);
    person.sees("Alert:");
    person.types("\u{1b}");
    person.sees("Leave the shift? It is not scored.");
    person.types("\r");
    person.sees("symptom");
    assert!(!person.text().contains("▸ Connection pool leak"), "{}", person.text());
}

/// A live shift has a real process; nothing of it is left when the terminal is closed.
#[test]
fn nothing_of_a_live_shift_is_left() {
    let mut person = Person::opens(&["drill", "--seed", "2", "--of", "unbuffered-log-channel"]);
    person.sees("paged");
    let pid = person.child.process_id().expect("it runs");
    let children = children_of(pid);
    assert!(!children.is_empty(), "there is a server");
    // A shift that would be lost is asked about.
    person.types("q");
    person.sees("Leave the shift?");
    person.types("\r");
    wait_for("its children end", Duration::from_secs(10), || gone(&children));
}

#[test]
fn a_damaged_history_is_set_aside_with_a_message() {
    let state = tempfile::tempdir().expect("writable");
    let folder = state.path().join("firedrill");
    fs::create_dir_all(&folder).expect("writable");
    fs::write(folder.join("shifts.json"), "{").expect("writable");
    let history = firedrill(&["drill", "--history"])
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("it runs");
    assert!(history.status.success());
    let said = String::from_utf8_lossy(&history.stderr).into_owned();
    assert!(said.contains("shifts.json") && said.contains("aside"), "{said}");
}

/// Checks a value against the part of JSON Schema that `examples/drill.schema.json` uses.
fn fits(schema: &Value, whole: &Value, value: &Value) -> Result<(), String> {
    let fails = |why: &str| Err(format!("{why}: {value} against {schema}"));
    if let Some(name) = schema["$ref"].as_str() {
        return fits(&whole["$defs"][name.trim_start_matches("#/$defs/")], whole, value);
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        let tried: Vec<Result<(), String>> =
            one_of.iter().map(|schema| fits(schema, whole, value)).collect();
        let fit = tried.iter().filter(|tried| tried.is_ok()).count();
        return if fit == 1 { Ok(()) } else { Err(format!("{fit} of these fit: {tried:?}")) };
    }
    if let Some(constant) = schema.get("const") {
        return if constant == value { Ok(()) } else { fails("another constant") };
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return if allowed.contains(value) { Ok(()) } else { fails("not among these") };
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |name: &Value| name == kind || (name == "number" && kind == "integer");
    let allowed = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(is),
        name => is(name),
    };
    if !allowed {
        return fails("another type");
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        items.iter().try_for_each(|item| fits(schema, whole, item))?;
    }
    let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    else {
        return Ok(());
    };
    for required in schema["required"].as_array().expect("a list") {
        if !fields.contains_key(required.as_str().expect("a name")) {
            return fails(&format!("{required} is missing"));
        }
    }
    for (name, value) in fields {
        let Some(schema) = properties.get(name) else {
            return fails(&format!("{name} is unknown"));
        };
        fits(schema, whole, value)?;
    }
    Ok(())
}

/// Both directions of a conversation fit the schema that is given out.
#[test]
fn the_conversation_fits_its_schema() {
    let schema = fs::read_to_string("examples/drill.schema.json").expect("it is there");
    let schema: Value = serde_json::from_str(&schema).expect("it is JSON");
    let folder = tempfile::tempdir().expect("writable");
    let log = folder.path().join("messages");
    let looks = firedrill_core::session::shift::task::Look::ALL;
    let mut lines = vec![r#"{"do":"take"}"#.to_owned()];
    for what in looks {
        let what = serde_json::to_value(what).expect("a name");
        lines.push(serde_json::json!({ "do": "look", "what": what }).to_string());
    }
    for line in [
        r#"{"do":"roll_back","change":1}"#,
        r#"{"do":"restart"}"#,
        r#"{"do":"scale","instances":2}"#,
        r#"{"do":"shed","percent":25}"#,
        r#"{"do":"middleware","name":"auth","on":false}"#,
        r#"{"do":"set","name":"pool_wait_ms","value":200}"#,
        r#"{"do":"breaker","open":true}"#,
        r#"{"do":"wait","seconds":2}"#,
        r#"{"do":"hint"}"#,
        r#"{"do":"name","cause":"pool-leak"}"#,
        r#"{"do":"line","line":3}"#,
        r#"{"do":"dance"}"#,
        r#"{"do":"over"}"#,
    ] {
        lines.push(line.to_owned());
    }
    let mut program = format!(
        "keep() {{ read -r m || exit 0; printf '%s\\n' \"$m\" >> {}; }}; keep; ",
        log.display()
    );
    for line in &lines {
        write!(program, "printf '%s\\n' '{line}'; keep; ").expect("a string");
    }
    rows(&auto(&program, &["--of", "pool-leak", "--seed", "2", "--json"]));
    let messages = fs::read_to_string(&log).expect("it was written");
    let mut kinds = std::collections::BTreeSet::new();
    for message in messages.lines() {
        let message: Value = serde_json::from_str(message).expect("JSON");
        fits(&schema, &schema, &message).unwrap_or_else(|why| panic!("{why}\n{message}"));
        kinds.insert(message["message"].as_str().expect("a name").to_owned());
        for fact in message["facts"].as_array().into_iter().flatten() {
            kinds.insert(fact["fact"].as_str().expect("a name").to_owned());
        }
    }
    // Four messages and fourteen facts.
    assert_eq!(kinds.len(), 18, "{kinds:?}");
    for line in lines.iter().filter(|line| !line.contains("dance")) {
        let line: Value = serde_json::from_str(line).expect("JSON");
        fits(&schema, &schema, &line).unwrap_or_else(|why| panic!("{why}"));
    }
}
