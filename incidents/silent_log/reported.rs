//! Code shared by `named` and `fixed`: logs each kind of error once a second, with its causes and a count.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Unit, describe_gauge, gauge};

use firedrill_core::incident::Env;
use firedrill_core::service::log_file::log_file;

/// Errors of the second that runs: how many of each kind.
#[derive(Default)]
pub struct Reported(Mutex<BTreeMap<String, u64>>);

impl Reported {
    /// Starts the job that writes them down.
    pub fn start(env: &Env) -> Arc<Self> {
        describe_gauge!(
            "errors_last_second",
            Unit::Count,
            "errors in the last second: to alert on"
        );
        let reported = Arc::new(Self::default());
        let (kept, log) = (Arc::clone(&reported), log_file(env));
        env.every("error reports", Duration::from_secs(1), move || {
            let kinds = std::mem::take(&mut *kept.kinds());
            gauge!("errors_last_second").set(kinds.values().sum::<u64>() as f64);
            for (kind, count) in kinds {
                log.append_error(format!("{kind} ({count} in the last second)"));
            }
        });
        reported
    }

    /// An error, while something was done.
    pub fn report(&self, doing: &str, error: &dyn Error) {
        let mut kind = format!("{doing}: {error}");
        let mut cause = error.source();
        while let Some(inner) = cause {
            kind = format!("{kind}: {inner}");
            cause = inner.source();
        }
        *self.kinds().entry(kind).or_default() += 1;
    }

    fn kinds(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
