//! `firedrill metrics`: what Prometheus needs to look at the lanes that run.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
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

/// A path as Prometheus reads it from its configuration.
fn found_as(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| {
        format!(
            "{} is not valid UTF-8, which Prometheus' configuration requires: choose another path",
            path.display()
        )
    })?;
    // JSON's texts are YAML's, escapes included.
    Ok(serde_json::to_string(text)?)
}

/// All files of a folder that tell of lanes, as Prometheus finds them: by a pattern, whose signs the folder's own name
/// may have, too.
fn found_in(folder: &Path) -> anyhow::Result<String> {
    let name = folder.display().to_string();
    if name.contains('*') {
        bail!(
            "the path {name} has `*`, in which Prometheus finds no files: set XDG_STATE_HOME to another"
        );
    }
    let plain =
        |c: char| if "[]?\\".contains(c) && cfg!(unix) { format!("\\{c}") } else { c.to_string() };
    let escaped: PathBuf = match folder.to_str() {
        Some(text) => text.chars().map(plain).collect::<String>().into(),
        None => folder.to_owned(),
    };
    found_as(&escaped.join("*.json"))
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
        bail!("no state directory found for the list of running lanes; set XDG_STATE_HOME");
    };
    let rules = match &options.with_rules {
        Some(path) => {
            let path = std::path::absolute(path).context("a path for the rules")?;
            format!("rule_files:\n  - {}\n", found_as(&path)?)
        }
        None => String::new(),
    };
    let files = found_in(&folder)?;
    let running = scraped::running();
    write!(
        out,
        "# The lanes of every live run of firedrill, those of later runs too: each tells where it serves.\n\
         global:\n  scrape_interval: 500ms\n  evaluation_interval: 500ms\n\
         {rules}\
         scrape_configs:\n  - job_name: firedrill\n    file_sd_configs:\n      - files: [{files}]\n        \
         refresh_interval: 1s\n"
    )
    .context(super::OUTPUT)?;
    missing(&["prometheus"], "Prometheus");
    match running.len() {
        0 => note("no lane is running; start one with `firedrill lab` or `firedrill run`"),
        1 => note("one run found"),
        runs => note(&format!("{runs} runs found")),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_any_name_is_found_or_refused() {
        let found = |folder: &str| found_in(Path::new(folder)).ok();
        assert_eq!(found("/home/a b/练习").as_deref(), Some("\"/home/a b/练习/*.json\""));
        // A bell is no YAML, unless it is written as an escape.
        assert_eq!(found("/a\u{7}").as_deref(), Some("\"/a\\u0007/*.json\""));
        assert_eq!(found("/st*r"), None);
        if cfg!(unix) {
            assert_eq!(found("/st[1]").as_deref(), Some("\"/st\\\\[1\\\\]/*.json\""));
        }
    }
}
