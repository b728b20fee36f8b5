//! Rendered content of a chapter's directives.

use std::collections::HashMap;
use std::rc::Rc;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::figures::{count, number};
use firedrill_core::incident::Unknown;
use firedrill_core::incident::exercise::YOURS;
use firedrill_core::incident::manifest::MAX_RATE_PER_S;
use firedrill_core::incident::marks::marks;
use firedrill_core::incident::show::{Chart, Text};
use firedrill_core::page::figure::{self, Figure};
use firedrill_core::page::live::{DrawRequest, draw};
use firedrill_core::page::{charts_of, outcomes_of};
use maud::{Markup, PreEscaped, html};
use serde_json::json;

use super::computed;
use super::directive::{Asks, FORMS, Piece};
use super::module::Module;
use super::quiz;
use super::runs::{Made, Runs};
use super::steps::{self, Knob};
use crate::tui::syntax::{self, Class};
use firedrill_core::session::walk::scaffolding;

/// Rates that a slider reaches, as factors of the incident's own.
const RATES: (f64, f64) = (0.1, 5.0);

/// A page that is made.
pub struct Page<'a> {
    catalogue: &'static Catalogue,
    runs: &'a Runs,
    module: Option<&'a Module>,
    named: HashMap<String, Rc<Made>>,
    live: Vec<String>,
    used: bool,
    /// The figures that sentences ask of each run, in order.
    figures: HashMap<String, Vec<String>>,
    /// Prefix for the names of its runs: the print page contains all chapters.
    chapter: String,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub fn new(
        catalogue: &'static Catalogue,
        runs: &'a Runs,
        module: Option<&'a Module>,
        chapter: &str,
        pieces: &[Piece],
    ) -> Self {
        let mut figures: HashMap<String, Vec<String>> = HashMap::new();
        for piece in pieces {
            if let Piece::Asks { asks, .. } = piece
                && let Ok(Asks::Figure(run, text)) = Asks::parse(asks)
            {
                figures.entry(run).or_default().push(text);
            }
        }
        let (named, live) = (HashMap::new(), Vec::new());
        let chapter = chapter.chars().filter(char::is_ascii_alphanumeric).collect();
        Self { catalogue, runs, module, named, live, used: false, figures, chapter }
    }

    /// Returns the name of a run in the page.
    fn of_page(&self, run: &str) -> String {
        format!("{}-{run}", self.chapter)
    }

    /// Returns true if it needs script and style.
    pub fn is_used(&self) -> bool {
        self.used
    }

    /// Resolves a directive.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, or which statement does not hold.
    pub fn resolve(&mut self, asks: &str) -> Result<String, String> {
        let asks = Asks::parse(asks)?;
        let html = match asks {
            Asks::Run(name, wanted) => {
                let plan = self.runs.plan(&wanted).map_err(told)?;
                let made = self.runs.make(&plan).map_err(told)?;
                if self.named.insert(name.clone(), made).is_some() {
                    return Err(format!("this chapter has a run `{name}` already"));
                }
                return Ok(String::new());
            }
            Asks::Chart(name, titles) => {
                let made = self.run(&name)?;
                known(&made, &titles)?;
                html! { div.fd-charts { (charts_of(&made.case, &made.told, &titles)) } }
            }
            Asks::Live(name, titles) => self.live(&name, titles)?,
            Asks::Table(name) => {
                let made = self.run(&name)?;
                html! { div.fd-table { (outcomes_of(&made.case, &made.told)) } }
            }
            Asks::Code(name, variant) => self.code(&name, &variant)?,
            Asks::Ask(incident, id) => self.ask(&incident, &id)?,
            Asks::Exercise(incident) => self.exercise(&incident)?,
            Asks::Drag(name, param) => self.drag(&name, &param)?,
            Asks::Answers => return Ok(self.answers()),
            Asks::Forms => html! { pre { code { (FORMS) "\n\n" (figure::FORMS) } } },
            Asks::Figure(name, text) => {
                let made = self.run(&name)?;
                let figure = Figure::parse(&text)?.compute(&made.case, &made.told.timeline)?;
                if let Some(broken) = figure.broken {
                    return Err(format!("the claim does not hold: it {broken}"));
                }
                html! { span.fd-figure data-run=(self.of_page(&name)) data-figure=(text) { (figure.text) } }
            }
        };
        self.used = true;
        // A blank line would end what is no text of the chapter's.
        Ok(html.into_string().replace('\n', "&#10;"))
    }

    fn run(&self, name: &str) -> Result<Rc<Made>, String> {
        let known = self.named.keys().map(String::as_str);
        let found = self.named.get(name);
        found.map(Rc::clone).ok_or_else(|| Unknown::new("run", name, known).to_string())
    }

    /// Returns the adjustable values of a run: its rate, and the parameters of its incident.
    fn knobs(made: &Made) -> Vec<Knob> {
        let manifest = &made.case.entry.manifest;
        let own = manifest.load.rate_per_s;
        let rate = Knob {
            name: "rate_per_s".to_owned(),
            says: "requests a second".to_owned(),
            unit: "/s".to_owned(),
            min: (own * RATES.0).max(1.0),
            max: (own * RATES.1).min(MAX_RATE_PER_S),
            own: made.case.plan.rate_per_s,
        };
        let values = made.case.values();
        let param = |(name, param): (&String, &firedrill_core::incident::manifest::Param)| Knob {
            name: name.clone(),
            says: param.says.clone(),
            unit: param.unit.clone(),
            min: param.min.max(1e-3),
            max: param.max,
            own: values.get(name).copied().unwrap_or(param.value),
        };
        std::iter::once(rate).chain(manifest.params.iter().map(param)).collect()
    }

    fn live(&mut self, name: &str, charts: Vec<String>) -> Result<Markup, String> {
        let made = self.run(name)?;
        known(&made, &charts)?;
        if self.live.iter().any(|known| known == name) {
            return Err(format!("`{name}` is live in this chapter already"));
        }
        self.live.push(name.to_owned());
        let (knobs, plan) = (Self::knobs(&made), &made.case.plan);
        let figures = self.figures.get(name).cloned().unwrap_or_default();
        let wanted = DrawRequest { charts: charts.clone(), figures };
        let manifest = &made.case.entry.manifest;
        // Where panics cannot be caught, code that panics cannot run.
        let module = self.module.filter(|_| !made.panics);
        let ratio = match module {
            Some(module) => computed::heap_ratio(self.runs, module, &made).map_err(told)?,
            None => None,
        };
        let stand_in = match module {
            Some(_) => None,
            None => Some(steps::steps(self.runs, plan, &wanted, &knobs).map_err(told)?),
        };
        let forms: Vec<&String> = manifest.variants.iter().map(|variant| &variant.name).collect();
        let note = note(made.panics, self.module.is_some(), ratio);
        let data = json!({
            "run": plan, "charts": charts, "knobs": knobs, "forms": forms, "steps": stand_in,
            "heap_scale": ratio,
        });
        // Nothing in it may end the element that holds it.
        let data = data.to_string().replace("</", "<\\/");
        let mut command = format!(
            "firedrill run {} --clock virtual --variants {} --rate {} --seed {} --for {}s",
            plan.incident,
            plan.variants.join(","),
            plan.rate_per_s,
            plan.seed,
            plan.duration().unwrap_or_default().as_secs_f64()
        );
        for (name, value) in &plan.params {
            command = format!("{command} --set {name}={value}");
        }
        let drawn = draw(&made.case, &made.told, &wanted);
        Ok(html! {
            div.fd-live data-run=(self.of_page(name)) {
                script type="application/json" { (PreEscaped(data)) }
                div.fd-charts { (PreEscaped(drawn.charts)) }
                p.fd-status role="status" { "computed when the book was built" }
                details { summary { "figures of all lanes" } div.fd-table { (PreEscaped(drawn.lanes)) } }
                p.fd-note { (note) }
                p.fd-note { (without_slider(&made)) }
                p.fd-command { "The same at the terminal: " code { (command) } }
            }
        })
    }

    /// The code of a variant: its marks, and the tasks that waited.
    /// What an exercise asks, the code that it begins with, and the command.
    fn exercise(&self, incident: &str) -> Result<Markup, String> {
        let entry = self.catalogue.find(incident).map_err(|unknown| unknown.to_string())?;
        let exercise = entry.manifest.exercise.as_ref();
        let exercise = exercise.ok_or_else(|| format!("{incident} has no exercise"))?;
        let file = entry.file(YOURS);
        let text = self.catalogue.source(&file).ok_or_else(|| format!("there is no {file}"))?;
        let (folded, stretches) = (scaffolding(text), syntax::lines(text));
        let shown =
            text.lines().enumerate().filter(|(i, line)| !folded[*i] && !line.starts_with("//!"));
        Ok(html! {
            p { (exercise.goal) }
            pre.fd-code tabindex="0" { code {
                @for (i, line) in shown {
                    @for (range, class) in &stretches[i] { span class=(class_name(*class)) { (&line[range.clone()]) } }
                    "\n"
                }
            } }
            p {
                code { "firedrill try " (incident) }
                " gives you this file in a package, builds it each time you save it, and judges it by what is \
                 expected of the fix, under random loads."
            }
        })
    }

    fn code(&self, name: &str, variant: &str) -> Result<Markup, String> {
        let made = self.run(name)?;
        let entry = &made.case.entry;
        entry.known_variant(variant).map_err(|unknown| unknown.to_string())?;
        let file = entry.file(variant);
        let text = self.catalogue.source(&file).ok_or_else(|| format!("there is no {file}"))?;
        let (marked, folded, stretches) = (marks(text), scaffolding(text), syntax::lines(text));
        let lanes = made.told.timeline.lanes.iter().filter(|lane| lane.variant == variant);
        let sites: Vec<_> =
            lanes.flat_map(|lane| &lane.wait_peaks).filter(|s| s.file == file).collect();
        let shown =
            text.lines().enumerate().filter(|(i, line)| !folded[*i] && !line.starts_with("//!"));
        Ok(html! {
            p { code { (file) } }
            pre.fd-code tabindex="0" { code {
                @for (i, line) in shown {
                    @let mark = marked.iter().find(|marked| marked.line == i + 1).map(|m| m.mark.word());
                    @let waits = sites.iter().find(|site| site.line as usize == i + 1);
                    span.fd-comment { (format!("{:>4} ", i + 1)) }
                    @match mark {
                        Some("fix") => span.fd-fix { "fix   ▶ " },
                        Some(_) => span.fd-cause { "cause ▶ " },
                        None => "        ",
                    }
                    @for (range, class) in &stretches[i] { span class=(class_name(*class)) { (&line[range.clone()]) } }
                    @if let Some(site) = waits {
                        "\n" span.fd-waits { (format!("{:13}◀ up to {} wait here", "", count(site.waiting))) }
                    }
                    "\n"
                }
            } }
        })
    }

    fn ask(&self, incident: &str, id: &str) -> Result<Markup, String> {
        let entry = self.catalogue.find(incident).map_err(|unknown| unknown.to_string())?;
        let ids = entry.manifest.questions.iter().map(|question| question.id.as_str());
        let walk = computed::walk(self.runs, entry).map_err(told)?;
        match walk.questions.get(id) {
            Some(question) => Ok(quiz::form(incident, id, question)),
            None => Err(Unknown::new("question", id, ids).to_string()),
        }
    }

    /// For each incident a row: what somebody who has taken its walk can say.
    fn answers(&self) -> String {
        let rows = self.catalogue.entries.iter().filter_map(|entry| {
            let debrief = entry.manifest.debrief.as_ref()?;
            let values = entry.manifest.formula_values();
            let fill = |text: &Text| text.fill(&values).unwrap_or_default().replace('|', "\\|");
            let title = entry.manifest.seen_as();
            // What needs the figures of a walk is told in the walk.
            let parts = [
                ("cause", &debrief.cause),
                ("fix", &debrief.fix),
                ("trade-off", &debrief.trade_off),
            ];
            let parts = parts.map(|(word, text)| (word, fill(text)));
            let told = parts.iter().filter(|(_, text)| !text.is_empty());
            let told: Vec<String> = told.map(|(word, text)| format!("*{word}:* {text}")).collect();
            Some(format!("| {title} | {} |", told.join(" ")))
        });
        rows.collect::<Vec<String>>().join("\n")
    }

    fn drag(&self, name: &str, param: &str) -> Result<Markup, String> {
        let made = self.run(name)?;
        let knobs = Self::knobs(&made);
        let knob = knobs.iter().find(|knob| knob.name == param);
        let known = || Unknown::new("parameter", param, knobs.iter().map(|k| k.name.as_str()));
        let knob = knob.ok_or_else(|| known().to_string())?;
        let (min, max) = (knob.min, knob.max);
        Ok(html! {
            input.fd-drag type="number" disabled data-run=(self.of_page(name)) data-param=(param) value=(number(knob.own).replace(',', ""))
                min=(min) max=(max) step="any" aria-label=(knob.says) title="drag sideways, or type";
        })
    }
}

/// Checks that all titles are titles of charts.
fn known(made: &Made, titles: &[String]) -> Result<(), String> {
    let all: Vec<String> = made.case.entry.manifest.charts.iter().map(Chart::title).collect();
    let unknown = titles.iter().find(|title| !all.contains(title));
    match unknown {
        None => Ok(()),
        Some(title) => {
            Err(Unknown::new("chart", title, all.iter().map(String::as_str)).to_string())
        }
    }
}

/// Describes the source of a page's run.
fn note(panics: bool, module: bool, ratio: Option<f64>) -> String {
    match (panics, module, ratio) {
        (true, ..) => "This incident panics, which a browser's sandbox cannot catch: its sliders show runs that \
                       were made when the book was built, one change at a time."
            .to_owned(),
        (_, false, _) => "This book was built without the lane for browsers: its sliders show runs that were made \
                          beforehand, one change at a time."
            .to_owned(),
        (_, _, Some(ratio)) => format!(
            "The sliders run the incident's own code here, in this browser. Its pointers are half as wide as on a \
             server: bytes are multiplied by {}, as measured when the book was built.",
            number(ratio)
        ),
        (_, _, None) => "The sliders run the incident's own code here, in this browser. Its pointers are half as \
                         wide as on a server, so that memory is a little less than there."
            .to_owned(),
    }
}

fn told(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Plain => "fd-plain",
        Class::Comment => "fd-comment",
        Class::Keyword => "fd-keyword",
        Class::Text => "fd-text",
        Class::Constant => "fd-constant",
        Class::Type => "fd-type",
        Class::Function => "fd-function",
        Class::Attribute => "fd-attribute",
    }
}

/// The numbers that shape a picture and are on no slider: the clients' patience, the memory cap, the seed, and
/// those that stand in the code.
fn without_slider(made: &Made) -> String {
    let manifest = &made.case.entry.manifest;
    let mut says = vec![
        format!(
            "clients give up after {} s",
            number(manifest.load.client_timeout_ms as f64 / 1000.0)
        ),
        format!("a process is killed at {} MiB", manifest.memory.cap_mib),
        format!("seed {}", made.case.plan.seed),
        format!("{} s", number(made.case.plan.duration_ms.unwrap_or_default() as f64 / 1000.0)),
    ];
    if manifest.instances > 1 {
        says.push(format!("{} instances", manifest.instances));
    }
    let constants = &made.case.entry.manifest.constants;
    let in_code = constants.iter().map(|(name, value)| format!("{name} {}", number(*value)));
    says.extend(in_code);
    format!("Without a slider: {}.", says.join(", "))
}
