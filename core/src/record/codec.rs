//! Between events and lines: what a lane's samples have in common is written once.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::MOST_LANES;
use crate::event::{Event, EventKind, MOST_NAMED, Sample, ServerSample, WaitSite};

/// Values of a lane's samples that need not be repeated.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    metrics: BTreeMap<String, f64>,
    /// Names of metrics, in the order of their first values.
    names: Vec<String>,
    /// The place of each in that order.
    numbers: HashMap<String, usize>,
    wait_sites: Vec<WaitSite>,
}

impl Known {
    fn learn(&mut self, name: &str) {
        self.numbers.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
    }
}

/// Bytes of a name at most.
const LONGEST_NAME: usize = 512;

/// Makes lines of events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Encoder(Vec<Known>);

impl Encoder {
    /// Makes events of the lines that this one will make next.
    pub fn decoder(&self) -> Decoder {
        Decoder(self.0.clone())
    }

    /// The line of an event, without its end.
    pub fn line(&mut self, event: &Event) -> String {
        let Some((known, mut event)) = lane(&mut self.0, event).zip(Some(event.clone())) else {
            return json(event);
        };
        match &mut event.what {
            EventKind::Starting { .. } => *known = Known::default(),
            EventKind::Sample(Sample { server: Some(server), .. }) => {
                let there = &server.metrics;
                server.gone = known
                    .metrics
                    .keys()
                    .filter(|name| !there.contains_key(*name))
                    .cloned()
                    .collect();
                known.metrics.retain(|name, _| there.contains_key(name));
                let mut changed = BTreeMap::new();
                for (name, value) in std::mem::take(&mut server.metrics) {
                    let old = known.metrics.insert(name.clone(), value);
                    if old.is_some_and(|old| old.to_bits() == value.to_bits()) {
                        continue;
                    }
                    let said = if let Some(number) = known.numbers.get(&name) {
                        number.to_string()
                    } else {
                        known.learn(&name);
                        name
                    };
                    changed.insert(said, value);
                }
                server.metrics = changed;
                let sites = server.wait_sites.clone();
                for (site, old) in server.wait_sites.iter_mut().zip(&known.wait_sites) {
                    if (&site.file, site.line, &site.label) == (&old.file, old.line, &old.label) {
                        (site.file, site.label) = (String::new(), String::new());
                    }
                }
                known.wait_sites = sites;
            }
            _ => {}
        }
        json(&event)
    }
}

fn json(event: &Event) -> String {
    // Plain data with text keys always has a JSON form.
    serde_json::to_string(event).unwrap_or_default()
}

/// Makes events of lines.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decoder(Vec<Known>);

impl Decoder {
    /// The event of a line.
    ///
    /// # Errors
    ///
    /// When the line is none, or one that this version does not know.
    pub fn event(&mut self, line: &str) -> Result<Event, serde_json::Error> {
        let event = serde_json::from_str(line)?;
        self.complete(event).map_err(serde::de::Error::custom)
    }

    /// The event that a line stands for, as it was read. One that is refused leaves no trace.
    ///
    /// # Errors
    ///
    /// When it has metrics that nobody has named, or more than a lane has.
    pub fn complete(&mut self, mut event: Event) -> Result<Event, String> {
        let Some(known) = lane(&mut self.0, &event) else {
            return Ok(event);
        };
        match &mut event.what {
            EventKind::Starting { .. } => *known = Known::default(),
            EventKind::Sample(Sample { server: Some(server), .. }) => {
                bounded(server)?;
                let said = std::mem::take(&mut server.metrics);
                let number = |name: &str| name.parse::<usize>().ok();
                let unnamed = |name: &&String| number(name).is_some_and(|n| n >= known.names.len());
                let new = said.keys().filter(|name| number(name).is_none());
                if known.names.len() + new.count() > MOST_NAMED {
                    return Err(format!("more than {MOST_NAMED} metrics"));
                }
                if let Some(name) = said.keys().find(unnamed) {
                    return Err(format!("metric number {name} has no name yet"));
                }
                for name in std::mem::take(&mut server.gone) {
                    known.metrics.remove(&name);
                }
                for (name, value) in said {
                    let name = if let Some(number) = number(&name) {
                        known.names[number].clone()
                    } else {
                        if !known.numbers.contains_key(&name) {
                            known.learn(&name);
                        }
                        name
                    };
                    known.metrics.insert(name, value);
                }
                server.metrics.clone_from(&known.metrics);
                for (site, old) in server.wait_sites.iter_mut().zip(&known.wait_sites) {
                    if site.file.is_empty() && site.line == old.line {
                        site.file.clone_from(&old.file);
                        site.label.clone_from(&old.label);
                    }
                }
                known.wait_sites.clone_from(&server.wait_sites);
            }
            _ => {}
        }
        Ok(event)
    }
}

/// Refuses a sample with more wait sites, or longer names, than code has.
fn bounded(server: &ServerSample) -> Result<(), String> {
    if server.wait_sites.len() > MOST_NAMED {
        return Err(format!("more than {MOST_NAMED} wait sites"));
    }
    let sites = server.wait_sites.iter().flat_map(|site| [&site.file, &site.label]);
    match server.metrics.keys().chain(sites).find(|name| name.len() > LONGEST_NAME) {
        Some(_) => Err(format!("a name of more than {LONGEST_NAME} bytes")),
        None => Ok(()),
    }
}

/// Returns the known values of an event's lane, for as many lanes as a run can have.
fn lane<'a>(lanes: &'a mut Vec<Known>, event: &Event) -> Option<&'a mut Known> {
    let lane = event.lane.filter(|lane| *lane < MOST_LANES)?;
    if lanes.len() <= lane {
        lanes.resize_with(lane + 1, Known::default);
    }
    lanes.get_mut(lane)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Sample;

    fn sample(at_ms: u64, metrics: &[(&str, f64)], waiting: &[(&str, u32, u64)]) -> Event {
        let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let site = |&(file, line, waiting): &(&str, u32, u64)| WaitSite {
            file: file.to_owned(),
            line,
            label: "a lock".to_owned(),
            waiting,
        };
        let wait_sites = waiting.iter().map(site).collect();
        let server = Some(ServerSample { metrics, wait_sites, ..ServerSample::default() });
        let what = EventKind::Sample(Sample { server, ..Sample::default() });
        Event { at_ms, lane: Some(0), what }
    }

    #[test]
    fn what_a_sample_has_in_common_with_the_last_is_written_once() {
        let start = |at_ms, attempt| Event {
            at_ms,
            lane: Some(0),
            what: EventKind::Starting { attempt, instance: 0 },
        };
        let events = [
            start(0, 1),
            sample(100, &[("depth", 1.0), ("lost", 0.5)], &[("a.rs", 7, 1)]),
            sample(200, &[("depth", 2.0), ("lost", 0.5)], &[("a.rs", 7, 2), ("b.rs", 7, 1)]),
            sample(300, &[("depth", 2.0), ("lost", 0.5)], &[("b.rs", 7, 1)]),
            sample(350, &[("lost", 0.5)], &[]),
            sample(380, &[("depth", 2.0), ("lost", 0.5)], &[]),
            start(400, 2),
            sample(500, &[("lost", 0.5)], &[("b.rs", 7, 1)]),
        ];
        let mut encoder = Encoder::default();
        let lines: Vec<String> = events.iter().map(|event| encoder.line(event)).collect();
        assert!(lines[1].contains(r#""metrics":{"depth":1,"lost":0.5}"#), "{}", lines[1]);
        assert!(lines[2].contains(r#""metrics":{"0":2}"#), "{}", lines[2]);
        assert!(lines[2].contains(r#"[{"line":7,"waiting":2},{"file":"b.rs""#), "{}", lines[2]);
        let mut decoder = Decoder::default();
        for (line, event) in lines.iter().zip(&events) {
            assert_eq!(&decoder.event(line).expect("an event"), event);
        }
    }
}
