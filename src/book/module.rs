//! The module for browsers: the incidents' own code, compiled for a WASI host.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use firedrill_core::incident::measure::{Level, Measure};
use firedrill_core::page::live;
use firedrill_core::plan::Plan;
use firedrill_core::timeline::{LaneLine, level};
use firedrill_core::verdict::{self, Period};
use serde_json::json;

use super::runs::Made;

/// A WASI host of the least size, for a worker and for Node.
pub const HOST: &str = include_str!("host.js");

/// The module.
#[derive(Debug)]
pub struct Module {
    /// Its bytes.
    pub bytes: Vec<u8>,
    path: std::path::PathBuf,
    /// True if a host is available for measurements.
    host: bool,
}

impl Module {
    /// Reads a module; none: it has not been built.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => {
                let host = which::which("node").is_ok();
                Ok(Some(Self { bytes, path: path.to_owned(), host }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Returns the ratio of the first lane's heap here and in a browser, whose pointers are half as wide; none
    /// without a host. Bodies of requests are left out: they have the same size in both.
    ///
    /// # Errors
    ///
    /// When the module cannot run the lane.
    pub fn heap_ratio(&self, made: &Made) -> anyhow::Result<Option<f64>> {
        if !self.host {
            return Ok(None);
        }
        // What the allocator counts is scaled and bodies are not: two scales tell the one from the other.
        let told = |scale: f64| {
            let said = self.run(&made.case.plan, scale)?;
            anyhow::Ok(live::told(&made.case, [said.as_str()])?)
        };
        let (once, twice) = (told(1.0)?, told(2.0)?);
        let native = &made.told.timeline;
        let lanes =
            [native, &once.timeline, &twice.timeline].map(|timeline| timeline.lanes.first());
        let [Some(here), Some(once), Some(twice)] = lanes else {
            bail!("the run has no lane");
        };
        let from_s = native.release_s.unwrap_or_default();
        let ends = [here, once, twice].into_iter().filter_map(LaneLine::first_exit_s);
        let to_s = ends.fold(native.end_s, f64::min);
        let heap = Measure::Level(Level::HeapBytes);
        let grows = |lane| verdict::grows(lane, &heap, Period { from_s, to_s });
        let last = |lane: &LaneLine| {
            let samples = lane.between(from_s, to_s);
            samples.filter_map(|(_, sample)| level(sample, &heap)).last()
        };
        let ratio = |here: f64, once: f64, twice: f64| {
            let (allocated, bodies) = (twice - once, 2.0 * once - twice);
            (allocated > 1024.0).then(|| (here - bodies) / allocated)
        };
        // What grows decides about a kill; where nothing does, what is there.
        let growing = match (grows(here), grows(once), grows(twice)) {
            (Some(here), Some(once), Some(twice)) if here > 1024.0 => ratio(here, once, twice),
            _ => None,
        };
        let there = || ratio(last(here)?, last(once)?, last(twice)?);
        let ratio = growing.or_else(there).filter(|ratio| *ratio > 0.0);
        // Finer than anyone can tell apart, and the same when it has been kept as text.
        Ok(ratio.map(|ratio| (ratio * 1000.0).round() / 1000.0))
    }

    fn run(&self, plan: &Plan, heap_scale: f64) -> anyhow::Result<String> {
        let manifests = crate::pack::for_pages()?;
        let scale = json!(heap_scale);
        let lane = json!({ "manifests": manifests, "run": plan, "lane": 0, "heap_scale": scale });
        let request = json!({ "lane": lane });
        let request = request.to_string();
        let mut node = in_node(&self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node")?;
        let mut stdin = node.stdin.take().context("node has no standard input")?;
        // It reads all before it writes anything.
        stdin.write_all(request.as_bytes()).context("node")?;
        drop(stdin);
        let output = node.wait_with_output()?;
        if !output.status.success() {
            bail!("the lane for browsers ended with {}", output.status);
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// Runs a module in Node as a page runs it in a worker: the request comes in, what is said goes out.
const IN_NODE: &str = "
import { readFileSync, writeSync } from 'node:fs';
const module = new WebAssembly.Module(readFileSync(process.argv[1]));
const out = new TextEncoder().encode(openModule(module)(readFileSync(0, 'utf8')));
for (let from = 0; from < out.length; ) from += writeSync(1, out, from);
";

/// The same with one module for all requests, one a line; each answer is a line.
const EACH_LINE_IN_NODE: &str = "
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const ask = openModule(new WebAssembly.Module(readFileSync(process.argv[1])));
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(ask(line + '\\n').trim() + '\\n');
}
";

/// Node, with a module that gets its standard input and writes to its standard output.
pub fn in_node(module: &Path) -> Command {
    node(module, IN_NODE)
}

/// Node, with a module that answers each line of its standard input with a line.
pub fn each_line_in_node(module: &Path) -> Command {
    node(module, EACH_LINE_IN_NODE)
}

fn node(module: &Path, script: &str) -> Command {
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval", &format!("{HOST}\n{script}")]).arg(module);
    node
}
