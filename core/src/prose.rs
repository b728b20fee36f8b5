//! Figures and events as people read them: one form for the screen, the headless run and the page.

use crate::event::{EventKind, ExitCause, Release};
use crate::figures::{count, mib, number};
use crate::incident::exercise::YOURS;

/// The letter of a lane, counted from 0.
pub fn letter(lane: usize) -> char {
    char::from(b'A' + u8::try_from(lane).unwrap_or(25).min(25))
}

/// Returns true for the log line of a panic.
pub fn is_panic(what: &EventKind) -> bool {
    matches!(what, EventKind::Log { line } if line.contains("panicked"))
}

/// Describes the exit of a process with this code.
pub fn exit(cause: &ExitCause, code: Option<i32>) -> String {
    match cause {
        ExitCause::OutOfMemory { resident_bytes, cap_bytes } => {
            format!("killed: {} in memory, the cap is {}", mib(*resident_bytes), mib(*cap_bytes))
        }
        ExitCause::HeapLimit { limit_bytes } => {
            format!("aborted at its own heap limit of {}, above the cap", mib(*limit_bytes))
        }
        ExitCause::Crashed => match code {
            Some(code) => format!("crashed with exit code {code}"),
            None => "crashed by a signal".to_owned(),
        },
        ExitCause::Killed => {
            "killed, and not by firedrill: by the system, which was out of memory, or by a user"
                .to_owned()
        }
        ExitCause::Refused { why } => format!("did not serve: {why}"),
        ExitCause::Stopped => "stopped, as asked".to_owned(),
    }
}

/// An event in a line; none for what is told in other ways: samples, metrics, what is on its way.
pub fn line(what: &EventKind) -> Option<String> {
    let of = |instance: usize, line: String| match instance {
        0 => line,
        instance => format!("instance {}: {line}", instance + 1),
    };
    Some(match what {
        EventKind::Phase { says, .. } => says.clone(),
        EventKind::Release(Release { version, instances, share_percent, says }) => {
            let share = number(*share_percent);
            let plural = if *instances == 1 { "" } else { "s" };
            format!(
                "{says}: `{version}` on {instances} instance{plural}, {share} % of the requests"
            )
        }
        EventKind::Scale { instances: 1 } => "one instance serves".to_owned(),
        EventKind::Scale { instances } => format!("{instances} instances serve"),
        EventKind::Bug { variant: Some(variant), .. } if variant == YOURS => {
            "your code takes the requests".to_owned()
        }
        EventKind::Bug { incident, variant: Some(variant) } => {
            format!("bug on: {incident}={variant}")
        }
        EventKind::Bug { incident, variant: None } => {
            format!("bug off: {incident}; new requests take the fixed code")
        }
        EventKind::Slots { without } if without.is_empty() => {
            "all slots of the chain are on".to_owned()
        }
        EventKind::Slots { without } => format!("off in the chain: {}", without.join(", ")),
        EventKind::Rate { rate_per_s } => {
            format!("load: {} req/s to each lane", number(*rate_per_s))
        }
        EventKind::Log { line } => line.clone(),
        EventKind::Driver { not_sent: 1.., .. } => {
            let EventKind::Driver { not_sent, .. } = what else { return None };
            format!(
                "{} requests could not be sent: this machine has no connection left for the load generator",
                count(*not_sent)
            )
        }
        EventKind::Exit { cause, code, instance } => of(*instance, exit(cause, *code)),
        EventKind::Restart { count, after_ms, instance } => {
            let after_s = number(*after_ms as f64 / 1000.0);
            of(*instance, format!("starts again in {after_s} s: restart {count}"))
        }
        EventKind::ClockJumped { by_ms } => {
            let by_s = number(by_ms.unsigned_abs() as f64 / 1000.0);
            let to = if *by_ms < 0 { "back" } else { "forward" };
            format!("the clock of this machine jumped {to} by {by_s} s")
        }
        EventKind::Dropped { events } => {
            format!("{events} events were lost: their reader was too slow")
        }
        EventKind::Starting { .. }
        | EventKind::Ready(_)
        | EventKind::Metric(_)
        | EventKind::Sample(_)
        | EventKind::Driver { .. }
        | EventKind::Param { .. }
        | EventKind::Chain(_)
        | EventKind::LogTail(_)
        | EventKind::Held
        | EventKind::Blocked { .. } => return None,
    })
}

/// With a capital at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
