//! The runs that chapters are about, on the virtual clock. A run is kept by what it is of, the program that
//! made it included: a book that is built again without changes runs nothing.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event, EventKind};
use firedrill_core::incident::manifest::{MAX_RATE_PER_S, rate_allowed};
use firedrill_core::page::PageData;
use firedrill_core::plan::{Case, Plan};
use firedrill_core::prose;
use firedrill_core::record::MOST_LANES;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::directive::BookRun;
use crate::files;
use crate::run::{Run, Spec};

/// A run that was made.
#[derive(Debug)]
pub struct Made {
    /// Its plan and incident.
    pub case: Case,
    /// Measurements.
    pub told: PageData,
    /// True if its code panicked: without unwinding it cannot run in a browser.
    pub panics: bool,
}

/// The runs of a book.
#[derive(Debug)]
pub struct Runs {
    catalogue: &'static Catalogue,
    program: PathBuf,
    /// A number that is another one for another program.
    build: u64,
    cache: Option<PathBuf>,
    used: RefCell<HashSet<PathBuf>>,
    /// The same where there is no cache, by key.
    in_memory: RefCell<HashMap<String, String>>,
    made: RefCell<HashMap<String, Rc<Made>>>,
    runtime: tokio::runtime::Runtime,
}

impl Runs {
    /// Runs of this program, kept in this folder.
    ///
    /// # Errors
    ///
    /// When the program cannot be read.
    pub fn new(
        catalogue: &'static Catalogue,
        program: &Path,
        cache: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let bytes = fs::read(program).with_context(|| program.display().to_string())?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        // An edited manifest is another book.
        crate::pack::manifests().for_each(|text| text.hash(&mut hasher));
        Ok(Self {
            catalogue,
            program: program.to_owned(),
            build: hasher.finish(),
            cache: cache.map(Path::to_owned),
            used: RefCell::default(),
            in_memory: RefCell::default(),
            made: RefCell::default(),
            runtime: crate::run::runtime()?,
        })
    }

    /// The plan of the run that a chapter wants.
    ///
    /// # Errors
    ///
    /// When something in it is not known, or out of its range.
    pub fn plan(&self, wanted: &BookRun) -> anyhow::Result<Plan> {
        let manifest = &self.catalogue.find(&wanted.incident)?.manifest;
        for (name, value) in &wanted.params {
            let param = match manifest.params.get(name) {
                Some(param) => param.clone(),
                None => self.catalogue.param(name)?,
            };
            if !(param.min..=param.max).contains(value) {
                bail!("{name} is {value}, and may be {} to {}", param.min, param.max);
            }
        }
        let rate_per_s = wanted.rate_per_s.unwrap_or(manifest.load.rate_per_s);
        if !rate_allowed(rate_per_s) {
            bail!("a rate of {rate_per_s}: expected 1 to {MAX_RATE_PER_S} requests a second");
        }
        if wanted.variants.len() > MOST_LANES {
            bail!("{} lanes; a run has one to {MOST_LANES}", wanted.variants.len());
        }
        let own = Duration::from_secs_f64(manifest.duration_s);
        let entry = self.catalogue.find(&wanted.incident)?;
        for variant in &wanted.variants {
            entry.known_variant(variant)?;
        }
        let mut plan = Plan {
            variants: wanted.variants.clone(),
            rate_per_s,
            seed: wanted.seed,
            params: wanted.params.clone(),
            clock: Clock::Virtual,
            ..Plan::new(manifest)
        };
        plan.set_duration(wanted.duration.unwrap_or(own));
        Ok(plan)
    }

    /// The run, made now or before.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn make(&self, plan: &Plan) -> anyhow::Result<Rc<Made>> {
        let key = serde_json::to_string(plan)?;
        if let Some(made) = self.made.borrow().get(&key) {
            return Ok(Rc::clone(made));
        }
        let events: Vec<Event> = self.kept(&key, || self.runtime.block_on(self.events(plan)))?;
        let case = Case::new(self.catalogue, plan.clone())?;
        let mut told = PageData::of(case.manifest(), &plan.variants);
        let mut panics = false;
        for event in events {
            panics |= prose::is_panic(&event.what);
            told.push(event);
        }
        let made = Rc::new(Made { case, told, panics });
        self.made.borrow_mut().insert(key, Rc::clone(&made));
        Ok(made)
    }

    /// Returns the cached value of a key, or computes it.
    ///
    /// # Errors
    ///
    /// When it cannot be computed. What cannot be kept is computed again the next time.
    pub fn kept<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        compute: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let Some(folder) = &self.cache else {
            // There is no place for the next build; but this one asks for most things more than once.
            if let Some(text) = self.in_memory.borrow().get(key) {
                return Ok(serde_json::from_str(text)?);
            }
            let computed = compute()?;
            self.in_memory.borrow_mut().insert(key.to_owned(), serde_json::to_string(&computed)?);
            return Ok(computed);
        };
        let mut hasher = DefaultHasher::new();
        (self.build, key).hash(&mut hasher);
        let file = folder.join(format!("{:016x}.json", hasher.finish()));
        self.used.borrow_mut().insert(file.clone());
        let full_key = format!("{:016x} {key}", self.build);
        let read = || -> Option<T> {
            let text = fs::read_to_string(&file).ok()?;
            // The first line says whose it is.
            let (of, rest) = text.split_once('\n')?;
            (of == full_key).then(|| serde_json::from_str(rest).ok())?
        };
        if let Some(kept) = read() {
            return Ok(kept);
        }
        let computed = compute()?;
        let text = format!("{full_key}\n{}", serde_json::to_string(&computed)?);
        if fs::create_dir_all(folder).is_ok() {
            // What cannot be kept is computed again.
            files::write(&file, text.as_bytes()).ok();
        }
        Ok(computed)
    }

    /// Removes what this book does not use any more.
    pub fn forget_what_was_not_used(&self) {
        let Some(folder) = &self.cache else { return };
        let used = self.used.borrow();
        let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for file in files.filter(|file| file.extension().is_some_and(|e| e == "json")) {
            if !used.contains(&file) {
                fs::remove_file(file).ok();
            }
        }
    }

    /// A run with these lanes, whose children are those of this program.
    ///
    /// # Errors
    ///
    /// When the incident is not known.
    pub fn spec(&self, plan: &Plan) -> anyhow::Result<Spec> {
        let mut spec = Spec::new(Case::new(self.catalogue, plan.clone())?)?;
        spec.venue.program.clone_from(&self.program);
        Ok(spec)
    }

    /// Does something that waits for a run.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    async fn events(&self, plan: &Plan) -> anyhow::Result<Vec<Event>> {
        let mut run = Run::start(self.spec(plan)?)?;
        let mut events = Vec::new();
        while let Some(event) = run.events.recv().await {
            // Tails of logs come with each sample; the newest is all that a page shows.
            if let EventKind::LogTail(_) = event.what {
                let older = |old: &Event| {
                    old.lane == event.lane && matches!(old.what, EventKind::LogTail(_))
                };
                events.retain(|old| !older(old));
            }
            events.push(event);
        }
        run.ended().await?;
        Ok(events)
    }
}
