//! What is written down: every call with what became of it, and whatever reached somebody without being called for.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use comanda_domain::AccountId;
use comanda_proof::{
    Caller, ClientId, Digest, Fault, Key, MenuShown, Outcome, Record, Request, Response, ServerId, Shown, StreamMessage,
};
use serde_json::Value;

use super::{asked, person::Call, shown};
use crate::http;

/// The history of a run, in a file of one line of JSON for each record.
pub struct History {
    clock: Instant,
    /// The same by the clock that servers log by.
    began_at: DateTime<Utc>,
    sequence: AtomicU64,
    written: Mutex<Written>,
}

struct Written {
    file: BufWriter<File>,
    counts: Counts,
    /// The menus that entity tags stand for.
    menus: HashMap<String, MenuShown>,
    texts: HashSet<Digest>,
    /// What is no response of the contract, and what could not be written.
    complaints: Vec<String>,
}

/// Calls by what they were and by what became of them.
pub type Counts = BTreeMap<(String, String), u64>;

/// When something began, and where it stands in the history.
#[derive(Clone, Copy)]
pub struct Begun {
    pub sequence: u64,
    at: u64,
}

/// Who it was, and where.
#[derive(Clone, Copy)]
pub struct Place {
    pub client: ClientId,
    pub server: Option<ServerId>,
}

impl History {
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let written = Written {
            file: BufWriter::with_capacity(1 << 20, file),
            counts: Counts::new(),
            menus: HashMap::new(),
            texts: HashSet::new(),
            complaints: Vec::new(),
        };
        let (clock, began_at) = (Instant::now(), Utc::now());
        Ok(Self { clock, began_at, sequence: AtomicU64::new(1), written: Mutex::new(written) })
    }

    /// Nanoseconds since the beginning.
    pub fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub fn begin(&self) -> Begun {
        Begun { sequence: self.sequence.fetch_add(1, Ordering::Relaxed), at: self.now() }
    }

    /// Writes down a call; returns the body of its response.
    pub fn end(&self, begun: Begun, place: Place, call: &Call, response: Result<&http::Response, &String>) -> Value {
        let end = self.now();
        let request = asked::request(call);
        let body = match response {
            Ok(response) => serde_json::from_slice(&response.body).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let outcome = match response {
            Ok(response) => Outcome::Response(self.response(call, &request, response, &body)),
            Err(error) => Outcome::Unknown(error.clone()),
        };
        self.write(&Record {
            sequence: begun.sequence,
            client: place.client,
            caller: call.credential.as_ref().map_or(Caller::Anonymous, |credential| credential.role),
            account: call
                .credential
                .as_ref()
                .map(|credential| credential.account)
                .or_else(|| signed_in(&request, &body)),
            session: call.credential.as_ref().map(|credential| credential.session),
            server: place.server,
            begin: begun.at,
            end,
            key: call.key.as_ref().map(|key| Key { key: key.clone(), request: call.digest() }),
            request,
            outcome,
        });
        body
    }

    fn response(&self, call: &Call, request: &Request, response: &http::Response, body: &Value) -> Response {
        let code = body["code"].as_str().map(str::to_owned);
        if !matches!(response.status, 200..500 | 503) {
            let text = String::from_utf8_lossy(&response.body).into_owned();
            self.complain(format!("{} {} got {} {text}", call.method, call.path, response.status));
        }
        Response {
            status: response.status,
            code,
            digest: call.key.is_some().then(|| Digest::of(&response.body)),
            replayed: response.header("idempotency-replayed") == Some("true"),
            retry_after: response.header("retry-after").and_then(|seconds| seconds.parse().ok()),
            shown: match request {
                Request::ReadMenu => self.menu(response, body),
                Request::Refresh | Request::RefreshAgain => shown::exchanged(call, body).unwrap_or_default(),
                _ => shown::by(request, response.status, body),
            },
        }
    }

    /// Each menu is written down once.
    fn menu(&self, response: &http::Response, body: &Value) -> Shown {
        let Some(tag) = response.header("etag") else { return Shown::Nothing };
        let mut written = self.lock();
        if response.status == 200
            && let Some(menu) = shown::menu(&response.body, body)
        {
            written.menus.insert(tag.to_owned(), MenuShown { items: None, ..menu.clone() });
            let is_new = written.texts.insert(menu.text);
            return Shown::Menu(MenuShown { items: menu.items.filter(|_| is_new), ..menu });
        }
        written.menus.get(tag).cloned().map_or(Shown::Nothing, Shown::Menu)
    }

    /// Something that reached somebody, by now.
    pub fn receive(&self, place: Place, caller: Caller, request: Request) {
        let now = self.begin();
        self.write(&Record {
            sequence: now.sequence,
            client: place.client,
            caller,
            account: None,
            session: None,
            server: place.server,
            begin: now.at,
            end: now.at,
            key: None,
            request,
            outcome: Outcome::Response(Response::empty(200)),
        });
    }

    /// What somebody was told who watches, by now, except for the beginning, which took some time.
    pub fn tell(&self, begun: Begun, place: Place, call: &Call, stream: u64, message: StreamMessage) {
        let request = Request::Stream { stream, of: asked::watched(call), message };
        self.write(&Record {
            sequence: begun.sequence,
            client: place.client,
            caller: call.credential.as_ref().map_or(Caller::Anonymous, |credential| credential.role),
            account: call.credential.as_ref().map(|credential| credential.account),
            session: call.credential.as_ref().map(|credential| credential.session),
            server: place.server,
            begin: begun.at,
            end: self.now(),
            key: None,
            request,
            outcome: Outcome::Response(Response::empty(200)),
        });
    }

    /// A stream that was not opened: the status, if there was a response.
    pub fn refuse(&self, begun: Begun, place: Place, call: &Call, status: Option<u16>) {
        let response = status.map(|status| http::Response { status, ..http::Response::default() });
        let nothing = "no response".to_owned();
        self.end(begun, place, call, response.as_ref().ok_or(&nothing));
    }

    /// Something that somebody did at the command line or to the machines, until now.
    pub fn operate(&self, begun: Begun, server: Option<ServerId>, request: Request, status: u16) {
        self.write_operation(begun, self.now(), server, request, status);
    }

    /// The moment of the run at which servers' clocks showed this: the beginning, if it was before.
    pub fn moment(&self, shown: DateTime<Utc>) -> u64 {
        let since = (shown - self.began_at).to_std().unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Something that was broken for a while, as was found out later.
    pub fn note_fault(&self, time: Range<u64>, server: Option<ServerId>, fault: Fault) {
        let begun = Begun { at: time.start, ..self.begin() };
        self.write_operation(begun, time.end, server, Request::Fault { fault }, 200);
    }

    fn write_operation(&self, begun: Begun, end: u64, server: Option<ServerId>, request: Request, status: u16) {
        self.write(&Record {
            sequence: begun.sequence,
            client: ClientId(0),
            caller: Caller::Operator,
            account: None,
            session: None,
            server,
            begin: begun.at,
            end,
            key: None,
            request,
            outcome: Outcome::Response(Response::empty(status)),
        });
    }

    fn write(&self, record: &Record) {
        let line = serde_json::to_string(record);
        let mut written = self.lock();
        *written.counts.entry((asked::name(&record.request), outcome_of(record))).or_default() += 1;
        let outcome = match line {
            Ok(line) => writeln!(written.file, "{line}").map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = outcome {
            written.complaints.push(format!("the history cannot be written: {error:#}"));
        }
    }

    pub fn complain(&self, what: String) {
        let mut written = self.lock();
        // The first few say it all.
        if written.complaints.len() < 20 {
            written.complaints.push(what);
        }
    }

    /// Everything is in the file; returns the counts, and the complaints.
    pub fn finish(&self) -> anyhow::Result<(Counts, Vec<String>)> {
        let mut written = self.lock();
        written.file.flush()?;
        Ok((written.counts.clone(), written.complaints.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has signed in.
fn signed_in(request: &Request, body: &Value) -> Option<AccountId> {
    let is_sign_in = matches!(request, Request::SignIn { .. });
    serde_json::from_value(body["user"]["id"].clone()).ok().filter(|_| is_sign_in)
}

fn outcome_of(record: &Record) -> String {
    match &record.outcome {
        Outcome::Unknown(_) => "no response".to_owned(),
        Outcome::Response(response) => {
            let replayed = if response.replayed { " replayed" } else { "" };
            let code = response.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
            format!("{}{code}{replayed}", response.status)
        }
    }
}
