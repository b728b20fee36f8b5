//! A small program on call: it looks, names a cause by simple rules, rolls the newest release back, and restarts where
//! that alone does not help.
//!
//! ```text
//! cargo build --release --example on_call
//! firedrill drill --auto target/release/examples/on_call --clock virtual --seeds 1..20
//! ```
//!
//! The messages are described in the book's chapter *On call* and in `examples/drill.schema.json`.

use std::io::{BufRead, StdinLock, Write, stdin, stdout};

use serde_json::{Value, json};

/// A word that a fact contains, and the cause that it speaks for.
const RULES: [(&str, &str); 9] = [
    ("a free connection", "pool-leak"),
    ("log channel", "unbuffered-log-channel"),
    ("the next retry", "retry-storm"),
    ("crashed", "missing-recover"),
    ("certificate", "expired-certificate"),
    ("cache_bypassed", "cache-avalanche"),
    ("faults_", "chaos-left-on"),
    ("monitored_", "metric-cardinality"),
    ("totals_", "version-skew"),
];

/// Share of the requests of the last seconds that may be bad once a shift is over.
const MAY_BE_BAD: f64 = 0.06;

/// The conversation with firedrill.
struct Shift {
    messages: std::io::Lines<StdinLock<'static>>,
}

impl Shift {
    /// The next message; none at the end of the conversation.
    fn message(&mut self) -> Option<Value> {
        serde_json::from_str(&self.messages.next()?.ok()?).ok()
    }

    /// Sends a line, and returns the message that answers it.
    fn send(&mut self, line: &Value) -> Option<Value> {
        let mut out = stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).ok()?;
        self.message()
    }

    fn look(&mut self, what: &str) -> Option<Value> {
        self.send(&json!({ "do": "look", "what": what }))
    }

    /// Returns true if hardly any request of the last seconds was bad.
    fn is_well(&mut self) -> Option<bool> {
        let message = self.look("charts")?;
        let seconds = message["facts"].as_array()?.last()?["seconds"].as_array()?.clone();
        let newest = seconds.iter().rev().take(3);
        let sum = |names: &[&str]| -> f64 {
            let count =
                |second: &Value| names.iter().filter_map(|n| second[*n].as_f64()).sum::<f64>();
            newest.clone().map(count).sum()
        };
        let bad = sum(&["failed", "timed_out", "wrong"]);
        Some(bad <= MAY_BE_BAD * (bad + sum(&["ok", "rejected"])).max(1.0))
    }

    /// Takes the shift. Returns none once firedrill has ended it.
    fn take(&mut self) -> Option<()> {
        self.message()?;
        self.send(&json!({ "do": "take" }))?;
        self.send(&json!({ "do": "roll_back" }))?;
        let mut facts = String::new();
        for what in ["threads", "log", "metrics"] {
            facts += &self.look(what)?["facts"].to_string();
        }
        if let Some((_, cause)) = RULES.iter().find(|(word, _)| facts.contains(word)) {
            self.send(&json!({ "do": "name", "cause": cause }))?;
        }
        if !self.is_well()? {
            self.send(&json!({ "do": "restart" }))?;
        }
        self.send(&json!({ "do": "wait", "seconds": 15 }))?;
        self.send(&json!({ "do": "over" }))?;
        Some(())
    }
}

fn main() {
    let mut shift = Shift { messages: stdin().lock().lines() };
    // The end of the conversation is the end of the shift.
    shift.take();
}
