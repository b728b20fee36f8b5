//! A learner's terminal in a class: it joins over HTTP, hears the state of the class, and sends what the learner does.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use firedrill_core::sanitize;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::message::FromLearner;
use super::state::{ClassState, News};

/// The port of a class, where an address names none.
const PORT: u16 = 7380;

/// Time for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Silence after which a connection is taken for lost: the hub sends something every 15 s.
const SILENCE: Duration = Duration::from_secs(40);

/// Time between a loss and the next try.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Bytes of an answer that are read, at most.
const LARGEST_ANSWER: usize = 1 << 20;

/// News that wait for the screen, at most.
const MOST_NEWS: usize = 64;

/// Messages that wait for the task that sends them, at most.
const MOST_UNSENT: usize = 64;

/// Why a class cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The address is not one of a class.
    #[error(
        "`{0}` is not the address of a class: use the one that `firedrill class` prints, such as http://192.168.1.20:7380/"
    )]
    Address(String),
    /// Nothing answers there.
    #[error("cannot reach the class at {at}: {why}")]
    Unreachable {
        /// The address.
        at: String,
        /// Why.
        why: String,
    },
    /// Something else answers there.
    #[error("http://{at}/ is not a class of this version of firedrill: it answered {status}")]
    NoClass {
        /// The address.
        at: String,
        /// The status of the answer.
        status: StatusCode,
    },
    /// The hub refuses.
    #[error("{0}")]
    Refused(String),
}

/// The address of a class, and the code in it, if it is a whole invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host and port.
    pub authority: String,
    /// The join code.
    pub code: Option<String>,
}

impl Address {
    /// Reads an address as it is printed: `http://192.168.1.20:7380/`, also without scheme, or with `?code=…`.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not one.
    pub fn read(text: &str) -> Result<Self, JoinError> {
        let no_address = || JoinError::Address(text.to_owned());
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = whole.parse().map_err(|_| no_address())?;
        let authority = uri.authority().ok_or_else(no_address)?;
        if uri.scheme_str() != Some("http")
            || authority.host().is_empty()
            || authority.as_str().contains('@')
        {
            return Err(no_address());
        }
        let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
        let mut codes = pairs.filter_map(|pair| pair.strip_prefix("code="));
        let code = codes.next().filter(|code| !code.is_empty()).map(str::to_owned);
        let port = authority.port_u16().unwrap_or(PORT);
        Ok(Self { authority: format!("{}:{port}", authority.host()), code })
    }
}

/// A learner whom a class knows by a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Host and port of the class.
    pub authority: String,
    /// The key.
    pub key: String,
}

impl Member {
    /// Joins a class under a nickname.
    ///
    /// # Errors
    ///
    /// Returns an error if no class is there, or it refuses.
    pub async fn join(authority: &str, code: &str, name: &str) -> Result<Self, JoinError> {
        let stranger = Self { authority: authority.to_owned(), key: String::new() };
        let body = json!({ "code": code, "name": name });
        let answer = stranger.ask(Method::POST, "/class/join.json", Some(&body)).await?;
        let status = answer.status();
        let text = read(answer).await.map_err(|why| stranger.unreachable(why))?;
        if status == StatusCode::NOT_FOUND || status == StatusCode::METHOD_NOT_ALLOWED {
            return Err(JoinError::NoClass { at: authority.to_owned(), status });
        }
        if !status.is_success() {
            return Err(JoinError::Refused(text));
        }
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        match answer["key"].as_str() {
            Some(key) => Ok(Self { key: key.to_owned(), ..stranger }),
            None => Err(JoinError::NoClass { at: authority.to_owned(), status }),
        }
    }

    /// Returns true if the class knows this learner still.
    ///
    /// # Errors
    ///
    /// Returns an error if nothing answers.
    pub async fn is_known(&self) -> Result<bool, JoinError> {
        Ok(self.ask(Method::GET, "/class/mine.json", None).await?.status().is_success())
    }

    fn unreachable(&self, why: impl ToString) -> JoinError {
        JoinError::Unreachable { at: self.authority.clone(), why: why.to_string() }
    }

    /// Sends one request, on a connection of its own. Its answer has to begin in time.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, JoinError> {
        let asked = async {
            let stream =
                TcpStream::connect(&self.authority).await.map_err(|why| why.to_string())?;
            let shaken = http1::handshake(TokioIo::new(stream)).await;
            let (mut sender, connection) = shaken.map_err(|why| why.to_string())?;
            // It ends with the last use of its body. Its error is that of the request.
            tokio::spawn(async move { connection.await.ok() });
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header(HOST, &self.authority)
                .header(ORIGIN, format!("http://{}", self.authority));
            if !self.key.is_empty() {
                request = request.header(COOKIE, format!("firedrill={}", self.key));
            }
            if body.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            let body = body.map(Value::to_string).unwrap_or_default();
            let request =
                request.body(Full::new(Bytes::from(body))).map_err(|why| why.to_string())?;
            sender.send_request(request).await.map_err(|why| why.to_string())
        };
        match timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(|why| self.unreachable(why)),
            Err(_) => Err(self.unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

/// Reads an answer to its end.
async fn read(answer: Response<Incoming>) -> Result<String, String> {
    let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect();
    match timeout(PATIENCE, body).await {
        Ok(Ok(body)) => Ok(sanitize::log_line(&String::from_utf8_lossy(&body.to_bytes()))),
        Ok(Err(why)) => Err(why.to_string()),
        Err(_) => Err("the answer did not end".to_owned()),
    }
}

/// The connection of a terminal to its class; ends when it is dropped.
#[derive(Debug)]
pub struct Link {
    /// News of the class.
    pub news: mpsc::Receiver<News>,
    says: mpsc::Sender<FromLearner>,
    _tasks: JoinSet<()>,
}

impl Link {
    /// Connects, and again after each loss.
    pub fn open(member: Member) -> Self {
        let (told, news) = mpsc::channel(MOST_NEWS);
        let (says, to_say) = mpsc::channel(MOST_UNSENT);
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(member.clone(), told.clone()));
        tasks.spawn(say(member, to_say, told));
        Self { news, says, _tasks: tasks }
    }

    /// Sends a message as soon as that is possible; of each kind only the newest one.
    pub fn say(&self, message: FromLearner) {
        // Fails only after the task has ended with the class: it takes in more than a person can do.
        self.says.try_send(message).ok();
    }
}

/// Hears the state of the class until the learner is out of it, or nobody listens.
async fn listen(member: Member, told: mpsc::Sender<News>) {
    loop {
        match hear(&member, &told).await {
            // Nobody listens any more when this fails.
            Ok(out) => return told.send(News::Out(out)).await.unwrap_or_default(),
            Err(_) if told.send(News::Lost).await.is_err() => return,
            Err(_) => sleep(BETWEEN_TRIES).await,
        }
    }
}

/// Hears the state of the class on one connection. Returns the reason why the learner is out of it; the error is the
/// reason why the connection is lost.
async fn hear(member: &Member, told: &mpsc::Sender<News>) -> Result<String, String> {
    let asked = member.ask(Method::GET, "/class/events?data=true", None).await;
    let answer = asked.map_err(|why| why.to_string())?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => {
            return Ok("This class does not know you any more: the presenter removed you, or began another class. \
                Join it again."
                .to_owned());
        }
        status => return Err(format!("the class answered {status}")),
    }
    let mut body = answer.into_body();
    let mut lines = Lines::default();
    loop {
        let frame = timeout(SILENCE, body.frame()).await;
        let frame = frame.map_err(|_| format!("silent for {} s", SILENCE.as_secs()))?;
        let frame = frame.ok_or("the class has ended the connection")?;
        let frame = frame.map_err(|why| why.to_string())?;
        for event in lines.take(&frame.into_data().unwrap_or_default())? {
            match state(&event)? {
                News::Out(why) => return Ok(why),
                news => told.send(news).await.map_err(|_| "nobody listens")?,
            }
        }
    }
}

/// The state in an event.
fn state(event: &str) -> Result<News, String> {
    let unreadable = |why: serde_json::Error| format!("the class sent something unreadable: {why}");
    // A hub that is not ours may send anything.
    let value: Value = sanitize::read(event).map_err(unreadable)?;
    let ours = env!("CARGO_PKG_VERSION");
    match value["version"].as_str() {
        Some(theirs) if theirs != ours => Ok(News::Out(format!(
            "This class is led by firedrill {theirs}, and this is {ours}: their walks may differ. Install that version, \
             or open the address of the class in a browser."
        ))),
        _ => serde_json::from_value::<ClassState>(value)
            .map(|state| News::State(Box::new(state)))
            .map_err(unreadable),
    }
}

/// The data of server-sent events, from bytes as they come.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    data: String,
}

impl Lines {
    /// Takes in bytes; returns the data of each event that they end.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            } else if line.is_empty() && !self.data.is_empty() {
                events.push(std::mem::take(&mut self.data));
            }
        }
        if self.rest.len() + self.data.len() > LARGEST_ANSWER {
            return Err("the class sent too much at once".to_owned());
        }
        Ok(events)
    }
}

/// Sends what is to be said, until the link is dropped. What cannot be sent is sent when the class is back.
async fn say(member: Member, mut to_say: mpsc::Receiver<FromLearner>, told: mpsc::Sender<News>) {
    let mut unsent: VecDeque<FromLearner> = VecDeque::new();
    loop {
        if unsent.is_empty() {
            let Some(message) = to_say.recv().await else { return };
            unsent.push_back(message);
        }
        while let Ok(message) = to_say.try_recv() {
            unsent.retain(|known| known.kind() != message.kind());
            unsent.push_back(message);
        }
        let Some(message) = unsent.front() else { continue };
        match sent(&member, message).await {
            Ok(refused) => {
                unsent.pop_front();
                if told.send(News::Refused(refused)).await.is_err() {
                    return;
                }
            }
            // The other task tells of the loss.
            Err(_) => sleep(BETWEEN_TRIES).await,
        }
    }
}

/// Sends a message. Returns the reason why it has no effect, if it has none.
async fn sent(member: &Member, message: &FromLearner) -> Result<Option<String>, String> {
    let body = serde_json::to_value(message).map_err(|why| why.to_string())?;
    let answer = member.ask(Method::POST, "/class/say", Some(&body)).await;
    let answer = answer.map_err(|why| why.to_string())?;
    if answer.status().is_success() || answer.status() == StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    read(answer).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_as_they_are_printed() {
        let read = |text: &str| Address::read(text).ok().map(|at| (at.authority, at.code));
        let at = |authority: &str, code: Option<&str>| {
            Some((authority.to_owned(), code.map(str::to_owned)))
        };
        assert_eq!(read("http://192.168.1.20:7380/"), at("192.168.1.20:7380", None));
        assert_eq!(read("192.168.1.20"), at("192.168.1.20:7380", None));
        assert_eq!(read("http://[::1]:80/?code=AB2C"), at("[::1]:80", Some("AB2C")));
        for text in ["", "https://192.168.1.20/", "http://", "ftp://x", "http://a@b/", "a b"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn reads_events_from_bytes_as_they_come() {
        let mut lines = Lines::default();
        assert_eq!(
            lines.take(b": keep-alive\n\ndata: {\"a\"").expect("short"),
            Vec::<String>::new()
        );
        let events = lines.take(b":1}\r\n\r\ndata:2\n\ndata: 3\n").expect("short");
        assert_eq!(events, ["{\"a\":1}", "2"]);
        assert_eq!(lines.take(b"\n").expect("short"), ["3"]);
        let flood = vec![b'x'; LARGEST_ANSWER + 1];
        assert!(lines.take(&flood).is_err());
    }

    #[test]
    fn refuses_a_class_of_another_version() {
        let news = state(r#"{"version":"99.0.0"}"#).expect("an object");
        assert!(matches!(news, News::Out(why) if why.contains("99.0.0")));
    }

    #[test]
    fn a_hostile_text_moves_no_cursor() {
        let news = state(r#"{"version":"\u001b[2J"}"#).expect("an object");
        assert!(matches!(news, News::Out(why) if why.contains("␛[2J") && !why.contains('\u{1b}')));
    }
}
