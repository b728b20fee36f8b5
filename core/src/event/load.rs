//! Requests of one lane in one tick: their outcomes and latencies.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use http::StatusCode;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// Outcome of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer came.
    Answered(StatusCode),
    /// The whole answer came, and is another than its kind expects.
    Wrong,
    /// The connection could not be made, or was dropped.
    NoAnswer,
    /// The connection was made, and its client did not trust the server.
    Handshake(HandshakeFailed),
    /// The client gave up.
    TimedOut,
    /// The run ended first.
    Unfinished,
    /// The client had no connection left to send it with: no server has to do with it, and it counts nowhere.
    NotSent,
}

impl Outcome {
    /// Adds it to the counts.
    pub fn count(self, counts: &mut Outcomes) {
        let count = match self {
            Self::Answered(status) => match status.as_u16() {
                ..400 => &mut counts.ok,
                400..500 => &mut counts.rejected,
                500.. => &mut counts.failed,
            },
            Self::Wrong => &mut counts.wrong,
            Self::NoAnswer | Self::Handshake(_) => &mut counts.failed,
            Self::TimedOut => &mut counts.timed_out,
            Self::Unfinished => &mut counts.unfinished,
            Self::NotSent => return,
        };
        *count += 1;
    }
}

/// Why a client did not trust a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailed {
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not signed by whom the client trusts, or is for another name.
    Untrusted,
    /// There was no certificate, or no TLS.
    NoTls,
}

impl HandshakeFailed {
    /// As words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expired => "certificate expired",
            Self::Untrusted => "certificate not trusted",
            Self::NoTls => "no certificate",
        }
    }
}

/// Requests by their outcome. Every request that was sent has one in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Answered with a status below 400, and right where that is known.
    pub ok: u64,
    /// Answered with another answer than its kind expects.
    pub wrong: u64,
    /// Refused by the server: a status from 400 to 499.
    pub rejected: u64,
    /// Answered with a status of 500 or more, or not answered: connection refused or dropped.
    pub failed: u64,
    /// No answer within the client's timeout.
    pub timed_out: u64,
    /// Cut off by the end of the run.
    pub unfinished: u64,
}

impl Outcomes {
    /// Requests that the server got wrong: answered wrongly, failed or timed out. A rejection is not among them.
    pub fn bad(&self) -> u64 {
        self.wrong.saturating_add(self.failed).saturating_add(self.timed_out)
    }

    /// Requests with an outcome.
    pub fn all(&self) -> u64 {
        let rest = self.ok.saturating_add(self.rejected).saturating_add(self.unfinished);
        rest.saturating_add(self.bad())
    }
}

/// Counts of files may be anything: the sum stops at the largest number.
impl AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        let Self { ok, wrong, rejected, failed, timed_out, unfinished } = other;
        self.ok = self.ok.saturating_add(ok);
        self.wrong = self.wrong.saturating_add(wrong);
        self.rejected = self.rejected.saturating_add(rejected);
        self.failed = self.failed.saturating_add(failed);
        self.timed_out = self.timed_out.saturating_add(timed_out);
        self.unfinished = self.unfinished.saturating_add(unfinished);
    }
}

/// Requests of one lane in one tick. A count of 0 is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct LoadTick {
    /// Requests started.
    pub sent: u64,
    /// Requests that ended, by outcome.
    pub outcomes: Outcomes,
    /// Handshakes that failed, by reason; each is among the failed requests.
    pub handshakes: BTreeMap<String, u64>,
    /// Requests without an outcome at the end of the tick.
    pub in_flight: u64,
    /// Latency of the answered requests since they were due: microseconds, and how many.
    pub latency_us: Vec<(u64, u32)>,
    /// The same of the requests that were never answered: their timeout, or longer.
    pub unanswered_us: Vec<(u64, u32)>,
    /// The same by kind of request, where the incident names several.
    pub kinds: BTreeMap<String, KindTick>,
}

/// Requests of one kind in one tick.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct KindTick {
    /// Requests started.
    pub sent: u64,
    /// Requests that ended, by outcome; those that the run cut off are not counted here.
    pub outcomes: Outcomes,
    /// Requests without an outcome at the end of the tick.
    pub in_flight: u64,
    /// Latency of the answered requests since they were due: microseconds, and how many.
    pub latency_us: Vec<(u64, u32)>,
    /// The same of the requests that were never answered.
    pub unanswered_us: Vec<(u64, u32)>,
}

/// Either of them as it is written: flat.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    sent: u64,
    ok: u64,
    wrong: u64,
    rejected: u64,
    failed: u64,
    handshakes: BTreeMap<String, u64>,
    timed_out: u64,
    unfinished: u64,
    in_flight: u64,
    #[serde(deserialize_with = "counted::deserialize")]
    latency_us: Vec<(u64, u32)>,
    #[serde(deserialize_with = "counted::deserialize")]
    unanswered_us: Vec<(u64, u32)>,
    kinds: BTreeMap<String, KindTick>,
}

impl Wire {
    fn outcomes(&self) -> Outcomes {
        let Self { ok, wrong, rejected, failed, timed_out, unfinished, .. } = *self;
        Outcomes { ok, wrong, rejected, failed, timed_out, unfinished }
    }
}

impl From<Wire> for LoadTick {
    fn from(wire: Wire) -> Self {
        Self {
            outcomes: wire.outcomes(),
            sent: wire.sent,
            handshakes: wire.handshakes,
            in_flight: wire.in_flight,
            latency_us: wire.latency_us,
            unanswered_us: wire.unanswered_us,
            kinds: wire.kinds,
        }
    }
}

impl From<Wire> for KindTick {
    fn from(wire: Wire) -> Self {
        Self {
            outcomes: wire.outcomes(),
            sent: wire.sent,
            in_flight: wire.in_flight,
            latency_us: wire.latency_us,
            unanswered_us: wire.unanswered_us,
        }
    }
}

/// Writes a count, unless it is 0.
fn count<S: SerializeStruct>(to: &mut S, name: &'static str, count: u64) -> Result<(), S::Error> {
    if count > 0 { to.serialize_field(name, &count) } else { Ok(()) }
}

/// Writes values with their counts, unless there are none.
fn values<S: SerializeStruct>(
    to: &mut S,
    name: &'static str,
    values: &[(u64, u32)],
) -> Result<(), S::Error> {
    if values.is_empty() { Ok(()) } else { to.serialize_field(name, &counted::Values(values)) }
}

impl Serialize for LoadTick {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outcomes { ok, wrong, rejected, failed, timed_out, unfinished } = self.outcomes;
        let mut to = serializer.serialize_struct("LoadTick", 12)?;
        count(&mut to, "sent", self.sent)?;
        count(&mut to, "ok", ok)?;
        count(&mut to, "wrong", wrong)?;
        count(&mut to, "rejected", rejected)?;
        count(&mut to, "failed", failed)?;
        if !self.handshakes.is_empty() {
            to.serialize_field("handshakes", &self.handshakes)?;
        }
        count(&mut to, "timed_out", timed_out)?;
        count(&mut to, "unfinished", unfinished)?;
        count(&mut to, "in_flight", self.in_flight)?;
        values(&mut to, "latency_us", &self.latency_us)?;
        values(&mut to, "unanswered_us", &self.unanswered_us)?;
        if !self.kinds.is_empty() {
            to.serialize_field("kinds", &self.kinds)?;
        }
        to.end()
    }
}

impl Serialize for KindTick {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outcomes { ok, wrong, rejected, failed, timed_out, .. } = self.outcomes;
        let mut to = serializer.serialize_struct("KindTick", 9)?;
        count(&mut to, "sent", self.sent)?;
        count(&mut to, "ok", ok)?;
        count(&mut to, "wrong", wrong)?;
        count(&mut to, "rejected", rejected)?;
        count(&mut to, "failed", failed)?;
        count(&mut to, "timed_out", timed_out)?;
        count(&mut to, "in_flight", self.in_flight)?;
        values(&mut to, "latency_us", &self.latency_us)?;
        values(&mut to, "unanswered_us", &self.unanswered_us)?;
        to.end()
    }
}

impl LoadTick {
    /// Adds another instance's.
    pub fn add(&mut self, other: Self) {
        let in_flight = self.in_flight.saturating_add(other.in_flight);
        let of_kinds: Vec<(String, u64)> =
            self.kinds.iter().map(|(name, kind)| (name.clone(), kind.in_flight)).collect();
        self.and_then(other);
        self.in_flight = in_flight;
        for (name, in_flight) in of_kinds {
            let kind = self.kinds.entry(name).or_default();
            kind.in_flight = kind.in_flight.saturating_add(in_flight);
        }
    }

    /// Adds a later tick's: what is in flight after it is in flight after both.
    pub(super) fn and_then(&mut self, later: Self) {
        self.sent = self.sent.saturating_add(later.sent);
        self.outcomes += later.outcomes;
        for (reason, count) in later.handshakes {
            let sum = self.handshakes.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        self.in_flight = later.in_flight;
        merge(&mut self.latency_us, later.latency_us);
        merge(&mut self.unanswered_us, later.unanswered_us);
        self.kinds.values_mut().for_each(|kind| kind.in_flight = 0);
        for (name, kind) in later.kinds {
            let sum = self.kinds.entry(name).or_default();
            sum.sent = sum.sent.saturating_add(kind.sent);
            sum.outcomes += kind.outcomes;
            sum.in_flight = kind.in_flight;
            merge(&mut sum.latency_us, kind.latency_us);
            merge(&mut sum.unanswered_us, kind.unanswered_us);
        }
    }

    /// Tells latencies apart only by their first two digits, which is what a chart shows: as many
    /// values as that leaves are enough for any number of requests.
    pub(super) fn round_latencies(&mut self) {
        let kinds = self.kinds.values_mut();
        let of_kinds = kinds.flat_map(|kind| [&mut kind.latency_us, &mut kind.unanswered_us]);
        for values in of_kinds.chain([&mut self.latency_us, &mut self.unanswered_us]) {
            for (value, _) in values.iter_mut() {
                let unit = 10_u64.pow(value.checked_ilog10().unwrap_or_default().saturating_sub(1));
                *value = *value / unit * unit;
            }
            let rounded = std::mem::take(values);
            for (value, count) in rounded {
                match values.last_mut() {
                    Some((last, sum)) if *last == value => *sum = sum.saturating_add(count),
                    _ => values.push((value, count)),
                }
            }
        }
    }
}

/// Adds values with their counts, in order of the values.
fn merge(into: &mut Vec<(u64, u32)>, values: Vec<(u64, u32)>) {
    if into.is_empty() {
        *into = values;
        return;
    }
    into.extend(values);
    into.sort_unstable();
    into.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
}

/// Values with their counts, as JSON: `[value, count]`, or `value` alone where it came once.
pub(super) mod counted {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Counted {
        Once(u64),
        Often(u64, u32),
    }

    /// Values with their counts, to be written.
    pub(super) struct Values<'a>(pub(super) &'a [(u64, u32)]);

    impl Serialize for Values<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().map(|(value, count)| match count {
                1 => Counted::Once(*value),
                count => Counted::Often(*value, *count),
            }))
        }
    }

    pub(in crate::event) fn serialize<S: Serializer>(
        values: &[(u64, u32)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Values(values).serialize(serializer)
    }

    pub(in crate::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u64, u32)>, D::Error> {
        let values = Vec::<Counted>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|counted| match counted {
                Counted::Once(value) => (value, 1),
                Counted::Often(value, count) => (value, count),
            })
            .collect())
    }
}
