//! `firedrill metrics`: what Prometheus needs to look at the lanes that run.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::cli::MetricsOptions;
use crate::notice::note;
use crate::run::scraped;

/// The rules that tell of each incident.
const RULES: &str = include_str!("../../dashboards/rules.yml");

/// The dashboard.
const DASHBOARD: &str = include_str!("../../dashboards/firedrill.json");

/// Says that a program is not there which could use what was printed.
fn missing(names: &[&str], program: &str) {
    if names.iter().all(|name| which::which(name).is_err()) {
        note(&format!(
            "{program} was not found on this machine; what is printed is for one that runs here, since lanes answer \
             to 127.0.0.1 alone"
        ));
    }
}

/// Prints the configuration, the rules or the dashboard.
///
/// # Errors
///
/// When there is no place in which runs tell where they serve, or standard output cannot be written to.
pub fn metrics(options: &MetricsOptions) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if options.rules {
        write!(out, "{RULES}").context(super::OUTPUT)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.dashboard {
        write!(out, "{DASHBOARD}").context(super::OUTPUT)?;
        missing(&["grafana", "grafana-server"], "Grafana");
        return Ok(ExitCode::SUCCESS);
    }
    let Some(folder) = scraped::folder() else {
        bail!(
            "this system has no place in which runs could tell where they serve; set XDG_STATE_HOME"
        );
    };
    let rules = match &options.with_rules {
        Some(path) => {
            let path = std::path::absolute(path).context("a path for the rules")?;
            format!("rule_files:\n  - {:?}\n", path.display().to_string())
        }
        None => String::new(),
    };
    let files = folder.join("*.json").display().to_string();
    let running = scraped::running();
    write!(
        out,
        "# The lanes of every live run of firedrill, those of later runs too: each tells where it serves.\n\
         global:\n  scrape_interval: 500ms\n  evaluation_interval: 500ms\n\
         {rules}\
         scrape_configs:\n  - job_name: firedrill\n    file_sd_configs:\n      - files: [{files:?}]\n        \
         refresh_interval: 1s\n"
    )
    .context(super::OUTPUT)?;
    missing(&["prometheus"], "Prometheus");
    match running.len() {
        0 => note("no lane runs now; start one with `firedrill lab` or `firedrill run`"),
        1 => note("one run is there"),
        runs => note(&format!("{runs} runs are there")),
    }
    Ok(ExitCode::SUCCESS)
}
