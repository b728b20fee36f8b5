//! The exercise as a learner meets it: a package, an editor, a terminal; and code that means harm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use portable_pty::CommandBuilder;
use tokio::sync::Mutex;

use crate::common::{catalogue, firedrill, gone, program, wait_for};
use crate::person::{KEPT, Person};

const ID: &str = "unbuffered-log-channel";

/// Lock on the folder: the dependencies of exercises are built once.
static FOLDER: LazyLock<Mutex<PathBuf>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exercises");
    fs::create_dir_all(&folder).expect("writable");
    Mutex::new(folder)
});

/// A fresh place for the packages of a test, beside what they are built with.
fn without_package(folder: &Path, name: &str) -> PathBuf {
    let package = folder.join(name);
    if package.exists() {
        fs::remove_dir_all(&package).expect("ours");
    }
    package
}

/// Builds and judges once; offline, since the first build was made.
fn once(folder: &Path, package: &Path, state: &Path) -> Output {
    let mut command = firedrill(&["try", ID, "--once", "--folder"]);
    command.arg(package).current_dir(folder).env("XDG_STATE_HOME", state);
    command.output().expect("it runs")
}

fn says(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// The text of a file of the incident.
fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/unbuffered_log_channel");
    fs::read_to_string(path.join(file)).expect("it is in the tree")
}

#[test]
fn from_what_is_given_out_to_a_lane_beside_ours() {
    let folder = FOLDER.blocking_lock();
    let package = without_package(&folder, ID);
    let exercise = package.join("src/exercise.rs");
    let state = folder.join(KEPT);
    if state.exists() {
        fs::remove_dir_all(&state).expect("ours");
    }
    let mut person = {
        let mut command = CommandBuilder::new(program());
        command.args(["try", ID]);
        command.cwd(&*folder);
        command.env("XDG_STATE_HOME", &state);
        Person::watches(command)
    };
    // The first build: cargo, and all that core stands on.
    person.waits_for("The bug is still there", Duration::from_secs(400));
    person.sees("h a hint");
    assert_eq!(fs::read_to_string(&exercise).expect("laid out"), text("exercise.rs"));

    fs::write(&exercise, text("exercise.rs").replace("send(line)", "sent(line)")).expect("ours");
    person.sees("no method named `sent`");
    person.sees("It does not build");

    fs::write(&exercise, text("buffered.rs")).expect("ours");
    person.sees("This delays the outage by");
    person.sees("── build 3 ──");
    person.types("h");
    person.sees("Hint 1 of 3: How long does a buffer");
    person.types("h");
    person.sees("Hint 2 of 3");

    fs::write(&exercise, text("fixed.rs")).expect("ours");
    person.sees("The fix holds in all 4 trials");
    person.sees("what it costs");
    person.sees("Requests and log lines are now decoupled");
    person.types("l");
    person.sees("A yours");
    person.sees("B fixed");
    person.types("q");
    person.sees("l in the lab beside ours");
    assert_eq!(person.quits(), 0);
    assert!(person.terminal_is_restored());

    let mut progress = firedrill(&["progress", "--json"]);
    let progress = progress.env("XDG_STATE_HOME", &state).output().expect("it runs");
    let all: serde_json::Value = serde_json::from_slice(&progress.stdout).expect("JSON");
    let of = all.as_array().into_iter().flatten().find(|of| of["id"] == ID).expect("it is there");
    assert_eq!(of["exercise"]["fixed"], serde_json::json!({ "hints": 2, "solution": false }));
    assert_eq!(of["exercise"]["partial_fixes"], serde_json::json!(["broken", "buffered"]));
    assert_eq!(of["exercise"]["verdicts"], 3);

    // Without the network, and in a run without the screen.
    let mut run = firedrill(&["run", ID, "--clock", "virtual", "--with", ID, "--json"]);
    let run = run.current_dir(&*folder).env("CARGO_NET_OFFLINE", "true").output().expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(report["lanes"][0]["variant"], "yours");
    assert_eq!(report["verdict"]["holds"], true, "{}", says(&run));

    let reset = firedrill(&["try", ID, "reset"]).current_dir(&*folder).output().expect("it runs");
    assert!(says(&reset).contains("exercise.rs.1"), "{}", says(&reset));
    assert_eq!(fs::read_to_string(&exercise).expect("there"), text("exercise.rs"));
    assert_eq!(
        fs::read_to_string(package.join("src/exercise.rs.1")).expect("kept"),
        text("fixed.rs")
    );
    let mut solution = firedrill(&["try", ID, "solution"]);
    let solution = solution.env("XDG_STATE_HOME", &state).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&solution.stdout), text("fixed.rs"));
}

#[test]
fn code_that_means_harm_costs_a_verdict_and_nothing_else() {
    let folder = FOLDER.blocking_lock();
    let package = without_package(&folder, "harmful");
    let state = tempfile::tempdir().expect("writable");
    let first = once(&folder, &package, state.path());
    assert_eq!(first.status.code(), Some(1), "{}", says(&first));
    let before = "    let described = describe(&request);\n";
    let child = folder.join("harmful-child");
    // In a session of its own, which no signal to a group reaches.
    let apart = if cfg!(target_os = "linux") { "setsid" } else { "env" };
    let starts = format!(
        "    std::process::Command::new(\"{apart}\").args([\"sh\", \"-c\", \"echo $$ > {}; exec sleep 600\"])\
         .stdout(std::process::Stdio::null()).spawn().ok(); loop {{}}\n",
        child.display()
    );
    for (harm, word) in [
        (
            "    let mut all = Vec::new(); loop { all.push(vec![7_u8; 1 << 20]); }\n",
            "memory allocation of",
        ),
        ("    std::process::abort();\n", "ended"),
        ("    println!(\"{{garbage\");\n", "`eprintln!`"),
        ("    panic!(\"at the log\");\n", "panicked at src/exercise.rs"),
        ("    eprintln!(\"a word of mine\");\n", "a word of mine"),
        (starts.as_str(), "has stood still"),
    ] {
        let written = text("exercise.rs").replace(before, &format!("{harm}{before}"));
        fs::write(package.join("src/exercise.rs"), written).expect("ours");
        let output = once(&folder, &package, state.path());
        let said = says(&output);
        assert_eq!(output.status.code(), Some(1), "{harm}: {said}");
        assert!(said.contains(word), "{harm}: {said}");
    }
    // What the last one started has ended with it.
    let pid = fs::read_to_string(&child).expect("it was started");
    let pid = sysinfo::Pid::from_u32(pid.trim().parse().expect("a number"));
    wait_for("what a learner's code started ends", Duration::from_secs(5), || gone(&[pid]));
}

#[test]
fn a_folder_or_a_machine_that_is_not_as_it_should_be_is_said_in_plain_words() {
    let folder = FOLDER.blocking_lock();
    let state = tempfile::tempdir().expect("writable");
    let refused = |package: &Path, change: &dyn Fn(&mut Command)| {
        let mut command = firedrill(&["try", ID, "--once", "--folder"]);
        command.arg(package).current_dir(&*folder).env("XDG_STATE_HOME", state.path());
        change(&mut command);
        let output = command.output().expect("it runs");
        (output.status.code(), says(&output))
    };
    // Somebody else's folder.
    let theirs = without_package(&folder, "theirs");
    fs::create_dir_all(&theirs).expect("writable");
    fs::write(theirs.join("notes.txt"), "mine").expect("writable");
    for arguments in [&["try", ID, "--once", "--folder"][..], &["try", ID, "reset", "--folder"]] {
        let mut command = firedrill(arguments);
        let output = command.arg(&theirs).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        assert!(says(&output).contains("is there already"), "{}", says(&output));
    }
    assert_eq!(fs::read_dir(&theirs).expect("there").count(), 1);

    // No toolchain.
    let package = without_package(&folder, "unusual");
    let (code, said) = refused(&package, &|command| {
        command.env("PATH", "");
    });
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("install Rust"), "{said}");

    // A file that is no part of the exercise.
    let shared = package.join("src/shared.rs");
    let given = fs::read_to_string(&shared).expect("laid out");
    fs::write(&shared, format!("{given}fn mine() {{}}\n")).expect("ours");
    let (code, said) = refused(&package, &|_| {});
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("src/shared.rs is not as it was given out"), "{said}");
    fs::write(&shared, given).expect("ours");

    // A package of another version.
    let manifest = package.join("Cargo.toml");
    let given = fs::read_to_string(&manifest).expect("laid out");
    let marked = given.lines().find(|line| line.starts_with("version = \"0.1")).expect("a mark");
    fs::write(&manifest, given.replace(marked, "version = \"0.0.1-old\"")).expect("ours");
    let (code, said) = refused(&package, &|_| {});
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("was laid out by firedrill 0.0.1-old") && said.contains("reset"),
        "{said}"
    );

    // A manifest that is none: cargo says where.
    fs::write(&manifest, given.replace("[dependencies]", "[dependencies")).expect("ours");
    let (code, said) = refused(&package, &|_| {});
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Cargo.toml") && said.contains("does not build"), "{said}");
    let mut reset = firedrill(&["try", ID, "reset", "--folder"]);
    let reset = reset.arg(&package).current_dir(&*folder).output().expect("it runs");
    assert!(reset.status.success(), "{}", says(&reset));
    assert_eq!(fs::read_to_string(&manifest).expect("there"), given);

    // Another incident's package, and no package at all.
    let mut other = firedrill(&["run", "pool-leak", "--clock", "virtual", "--with"]);
    let other = other.arg(&package).output().expect("it runs");
    assert_eq!(other.status.code(), Some(2));
    assert!(says(&other).contains("is no exercise of pool-leak"), "{}", says(&other));
    let none = firedrill(&["lab", ID, "--with", "nowhere"]).output().expect("it runs");
    assert_eq!(none.status.code(), Some(2));
    assert!(says(&none).contains("nowhere does not exist"), "{}", says(&none));
}

/// A package with this text in its exercise.
fn with_text(folder: &Path, name: &str, written: &str) -> PathBuf {
    let package = without_package(folder, name);
    let mut solution = firedrill(&["try", ID, "--once", "--folder"]);
    // Laid out, and not built: there is no cargo.
    solution.arg(&package).current_dir(folder).env("PATH", "").output().expect("it runs");
    fs::write(package.join("src/exercise.rs"), written).expect("ours");
    package
}

#[test]
fn what_is_judged_is_what_is_in_the_file_whatever_its_time_and_its_neighbour() {
    let folder = FOLDER.blocking_lock();
    let state = tempfile::tempdir().expect("writable");
    let good = with_text(&folder, "good", &text("fixed.rs"));
    let bad = with_text(&folder, "bad", &text("exercise.rs"));
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365);
    let older = |package: &Path| {
        let file = fs::File::options().write(true).open(package.join("src/exercise.rs"));
        file.and_then(|file| file.set_modified(long_ago)).expect("ours");
    };
    let code = |package: &Path| {
        let output = once(&folder, package, state.path());
        (output.status.code(), says(&output))
    };
    for package in [&good, &bad] {
        older(package);
    }
    for (package, wanted) in [(&good, 0), (&bad, 1), (&good, 0)] {
        let (code, said) = code(package);
        assert_eq!(code, Some(wanted), "{}: {said}", package.display());
    }
    // The bug is put back, older than the fix that was built.
    fs::write(good.join("src/exercise.rs"), text("exercise.rs")).expect("ours");
    older(&good);
    assert_eq!(code(&good).0, Some(1));
}

#[test]
fn folders_above_and_the_way_a_file_is_laid_out_are_no_part_of_the_exercise() {
    let folder = FOLDER.blocking_lock();
    let state = tempfile::tempdir().expect("writable");
    let above = folder.join(".cargo");
    fs::create_dir_all(&above).expect("writable");
    let config = "[build]\ntarget = \"wasm32-wasip1\"\nrustc-wrapper = \"there-is-none\"\n\
                  [profile.dev]\npanic = \"abort\"\n";
    fs::write(above.join("config.toml"), config).expect("ours");
    let package = with_text(&folder, "below", &text("fixed.rs"));
    // Another editor, another system: wider tabs, other ends of lines.
    let shared = package.join("src/shared.rs");
    let given = fs::read_to_string(&shared).expect("laid out");
    fs::write(&shared, given.replace("    ", "\t").replace('\n', "\r\n")).expect("ours");
    let output = once(&folder, &package, state.path());
    fs::remove_dir_all(&above).expect("ours");
    assert_eq!(output.status.code(), Some(0), "{}", says(&output));
    // None of it is the learner's repository's.
    let ignored = fs::read_to_string(folder.join(".firedrill/.gitignore"));
    assert_eq!(ignored.expect("written"), "*\n");
}

#[test]
fn what_keeps_a_build_from_being_one_is_no_verdict_on_the_code() {
    let folder = FOLDER.blocking_lock();
    let state = tempfile::tempdir().expect("writable");
    let package = with_text(&folder, "blameless", &text("fixed.rs"));
    let mut command = firedrill(&["try", ID, "--once", "--folder"]);
    command.arg(&package).current_dir(&*folder).env("XDG_STATE_HOME", state.path());
    command.env("RUSTUP_TOOLCHAIN", "there-is-none");
    let said = says(&command.output().expect("it runs"));
    // Without rustup nobody chooses.
    if !said.contains("The fix holds") {
        assert!(
            said.contains("for a reason outside your code") && said.contains("RUSTUP_TOOLCHAIN"),
            "{said}"
        );
    }
    let odd = folder.join("at 10:30");
    fs::create_dir_all(&odd).expect("writable");
    let mut command = firedrill(&["try", ID, "--once"]);
    let output = command.current_dir(&odd).env("XDG_STATE_HOME", state.path()).output();
    let said = says(&output.expect("it runs"));
    assert!(said.contains("for a reason outside your code") && said.contains("has `:`"), "{said}");
    fs::remove_dir_all(&odd).expect("ours");
}

/// Processes with this word in their command line, but for this one's own.
fn running(word: &str) -> Vec<sysinfo::Pid> {
    let mut system = sysinfo::System::new();
    let what = sysinfo::ProcessRefreshKind::nothing()
        .with_cmd(sysinfo::UpdateKind::Always)
        .with_exe(sysinfo::UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, what);
    let named = |process: &&sysinfo::Process| {
        let exe = process.exe().is_some_and(|exe| exe.to_string_lossy().contains(word));
        exe || process.cmd().iter().any(|part| part.to_string_lossy().contains(word))
    };
    system.processes().values().filter(named).map(sysinfo::Process::pid).collect()
}

#[test]
fn nothing_that_a_learner_started_outlives_the_program_whatever_ends_it() {
    use nix::sys::signal::{Signal, kill};
    let folder = FOLDER.blocking_lock();
    let state = tempfile::tempdir().expect("writable");
    let looping = text("exercise.rs").replace(
        "    let described = describe(&request);\n",
        "    loop {}\n    #[allow(unreachable_code)]\n    let described = describe(&request);\n",
    );
    assert!(looping.contains("loop {}"));
    let building = "fn main() { loop { std::thread::sleep(std::time::Duration::from_secs(1)) } }";
    for (name, builds) in [("loops-when-judged", false), ("loops-when-built", true)] {
        let package = with_text(&folder, name, &looping);
        if builds {
            fs::write(package.join("build.rs"), building).expect("ours");
        }
        let word = if builds { "build-script-build" } else { "firedrill-built-for-a-test" };
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let mut command = firedrill(&["try", ID, "--once", "--folder"]);
            command.arg(&package).current_dir(&*folder).env("XDG_STATE_HOME", state.path());
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            let mut child = command.spawn().expect("it starts");
            let built = folder.join(".firedrill/built");
            let word = if builds { word.to_owned() } else { built.display().to_string() };
            let mut theirs = Vec::new();
            wait_for("what the learner wrote runs", Duration::from_mins(3), || {
                assert!(child.try_wait().expect("our child").is_none(), "{name} ended early");
                theirs = running(&word);
                !theirs.is_empty()
            });
            let pid = i32::try_from(child.id()).expect("a process id");
            kill(nix::unistd::Pid::from_raw(pid), signal).expect("our child");
            child.wait().expect("our child");
            wait_for("it ends", Duration::from_secs(15), || {
                gone(&theirs) && running(&word).is_empty()
            });
        }
    }
}

#[test]
fn a_lane_that_only_talks_is_ended_like_one_that_is_silent() {
    let folder = FOLDER.blocking_lock();
    let state = tempfile::tempdir().expect("writable");
    let talks = text("exercise.rs").replace(
        "    let described = describe(&request);\n",
        "    loop { eprintln!(\"no connection yet\"); tokio::task::yield_now().await; }\n    \
         #[allow(unreachable_code)]\n    let described = describe(&request);\n",
    );
    assert!(talks.contains("no connection yet"));
    let package = with_text(&folder, "talkative", &talks);
    let output = once(&folder, &package, state.path());
    let said = says(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("has stood still"), "{said}");
    assert!(said.len() < 1 << 20, "{} bytes", said.len());
}

#[test]
fn every_incident_has_an_exercise_that_says_what_is_asked() {
    for entry in &catalogue().entries {
        let exercise = entry.manifest.exercise.as_ref().expect("its fix is code");
        let start = catalogue().source(&entry.file("yours")).expect("its source is here");
        assert!(start.starts_with("//!"), "{}: it says what is asked", entry.manifest.id);
        for mark in ["// cause:", "// fix:"] {
            assert!(!start.contains(mark), "{}: it tells the answer", entry.manifest.id);
        }
        assert!(exercise.goal.len() > 60 && exercise.explains.len() > 60);
    }
}
