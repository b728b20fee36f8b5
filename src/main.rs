//! The program: parse, dispatch, exit status.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use firedrill::catalogue::Catalogue;
use firedrill::cli::{Cli, Command};
use firedrill::event::Clock;
use firedrill::note::note;
use firedrill::record::{self, Recorder, Recording};
use firedrill::run::{Spec, Speed};
use firedrill::tui::event_loop::{self, Begin};
use firedrill::tui::picture;
use firedrill::tui::time::LAPSE_LASTS;
use firedrill::{check, doctor, headless, list, page, replay, serve};

/// What an error on the way out is about.
const OUTPUT: &str = "cannot write to standard output";

/// The verdict of a run did not hold.
const DID_NOT_HOLD: u8 = 1;

/// Wrong usage, or an environment in which nothing can run.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        // Whoever read our output has left; that is their right and no error of ours.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("firedrill: {error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load().map_err(anyhow::Error::msg)?;
    match cli.command {
        None => runtime()?.block_on(event_loop::run(catalogue, Begin::Catalogue)),
        Some(Command::Lab { incident, options, console, record }) => {
            let mut spec = Spec { console, ..options.spec(catalogue.find(&incident)?)? };
            if spec.clock == Clock::Virtual {
                // At the speed of life to begin with, so that the first seconds can be followed.
                spec.time_lapse.speed = Speed::Times(1.0);
                spec.duration = Some(LAPSE_LASTS);
            }
            let recorder =
                record.map(|path| Recorder::create(&path, &spec.header())).transpose()?;
            let lab = Begin::Lab(Box::new(spec), recorder);
            runtime()?.block_on(event_loop::run(catalogue, lab))
        }
        Some(Command::View { file }) => {
            let (spec, recording) = recording(catalogue, &file)?;
            let view = Begin::Recording(Box::new(spec), recording);
            runtime()?.block_on(event_loop::run(catalogue, view))
        }
        Some(Command::Picture { incident, options, at, size }) => {
            let spec = Spec { duration: Some(at), ..options.spec(catalogue.find(&incident)?)? };
            let svg = runtime()?.block_on(picture::take(catalogue, spec, size))?;
            io::stdout().write_all(svg.as_bytes()).context(OUTPUT)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Report { file, output }) => {
            let (spec, recording) = recording(catalogue, &file)?;
            let output = output.unwrap_or_else(|| file.with_extension("html"));
            if output == Path::new("-") {
                let page = page::render(catalogue, spec.entry, &spec.values(), &recording);
                io::stdout().write_all(page.as_bytes()).context(OUTPUT)?;
                return Ok(ExitCode::SUCCESS);
            }
            if output.is_file() && !page::replaceable(&output)? {
                let output = output.display();
                anyhow::bail!(
                    "{output} is there already and is no report: it will not be overwritten"
                );
            }
            let page = page::render(catalogue, spec.entry, &spec.values(), &recording);
            fs::write(&output, page)
                .with_context(|| format!("cannot write {}", output.display()))?;
            for line in recording.faults.lines() {
                note(&line);
            }
            writeln!(io::stdout(), "{}", output.display()).context(OUTPUT)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::List { json }) => {
            list::print(catalogue, json).context(OUTPUT)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Run { incident, options, duration, record, json }) => {
            let entry = catalogue.find(&incident)?;
            let default = Duration::from_secs_f64(entry.manifest.duration_s);
            let spec = Spec { duration: Some(duration.unwrap_or(default)), ..options.spec(entry)? };
            let recorder =
                record.map(|path| Recorder::create(&path, &spec.header())).transpose()?;
            let ended = runtime()?.block_on(headless::run(spec, recorder))?;
            headless::print(&ended.report, json).context(OUTPUT)?;
            Ok(match (ended.recorded, ended.report.verdict.holds) {
                (false, _) => ExitCode::from(USAGE),
                (true, false) => ExitCode::from(DID_NOT_HOLD),
                (true, true) => ExitCode::SUCCESS,
            })
        }
        Some(Command::Serve(options)) => serve::serve(options.settings(catalogue)?),
        Some(Command::Replay { incident, rate, seed, watched }) => {
            let entry = catalogue.find(&incident)?;
            replay::replay(&replay::Settings { entry, rate_per_s: rate, seed, watched })
        }
        Some(Command::Check { incident, seeds, skip_live }) => {
            let entries = match incident {
                Some(incident) => vec![catalogue.find(&incident)?],
                None => catalogue.entries.iter().collect(),
            };
            let settings = check::Settings { seeds, live: !skip_live };
            let well = runtime()?.block_on(check::check(&entries, settings))?;
            Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(DID_NOT_HOLD) })
        }
        Some(Command::Doctor) => {
            let can_run = doctor::print(catalogue).context(OUTPUT)?;
            Ok(if can_run { ExitCode::SUCCESS } else { ExitCode::from(USAGE) })
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "firedrill", &mut script);
            io::stdout().write_all(&script).context(OUTPUT)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            manual(&mut page)?;
            io::stdout().write_all(&page).context(OUTPUT)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads a recording.
fn recording(catalogue: &'static Catalogue, file: &Path) -> anyhow::Result<(Spec, Recording)> {
    let open = || Ok(record::read(File::open(file)?)?);
    let recording: anyhow::Result<Recording> = open();
    let recording = recording.with_context(|| format!("cannot show {}", file.display()))?;
    let mut recording = recording;
    let spec = Spec::recorded(catalogue, &recording.header)
        .with_context(|| format!("cannot show {}: line 1", file.display()))?;
    for unknown in spec.variants.iter().filter_map(|name| spec.entry.known_variant(name).err()) {
        recording.faults.add(1, unknown.to_string());
    }
    Ok((spec, recording))
}

/// The whole manual in one page: the program, then each command.
fn manual(page: &mut Vec<u8>) -> io::Result<()> {
    let mut program = Cli::command();
    program.build();
    let whole = clap_mangen::Man::new(program.clone());
    whole.render_title(page)?;
    whole.render_name_section(page)?;
    whole.render_synopsis_section(page)?;
    whole.render_description_section(page)?;
    for command in program.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set())
    {
        writeln!(page, ".SH \"FIREDRILL {}\"", command.get_name().to_uppercase())?;
        let part = clap_mangen::Man::new(command.clone());
        part.render_synopsis_section(page)?;
        part.render_description_section(page)?;
        part.render_options_section(page)?;
    }
    whole.render_version_section(page)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
