use std::time::Duration;

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use crate::Client;

/// How long a test waits for something that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a stream of server-sent events says.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// An event.
    Event { name: String, id: Option<String>, data: Value },
    /// A comment.
    Comment,
    /// After how many milliseconds to come again.
    Retry(u64),
    /// Nothing any more.
    End,
}

impl Told {
    /// The name, the id and the version of what the event shows.
    pub fn version(&self) -> (&str, &str, u64) {
        match self {
            Self::Event { name, id: Some(id), data } => (name, id, data["version"].as_u64().expect("a version")),
            other => panic!("{other:?} has no version"),
        }
    }
}

/// A stream of server-sent events, as a client reads it.
pub struct EventStream {
    response: reqwest::Response,
    unread: String,
}

impl EventStream {
    /// Goes on after the event with this id, if there is one.
    pub async fn open(client: &Client, path: &str, last_event_id: Option<&str>) -> Self {
        let response = requested(client, path, last_event_id).await.expect("a response");
        let status = response.status();
        if status != 200 {
            let problem = response.text().await.expect("a body");
            panic!("{status}: {problem}");
        }
        Self { response, unread: String::new() }
    }

    /// The same at a server that may be gone, or about to go.
    pub async fn try_open(client: &Client, path: &str, last_event_id: Option<&str>) -> Option<Self> {
        Self::attempt(client, path, last_event_id).await.ok()
    }

    /// The same, with the status of a response that is no stream, if there is a response at all.
    pub async fn attempt(client: &Client, path: &str, last_event_id: Option<&str>) -> Result<Self, Option<u16>> {
        let response = requested(client, path, last_event_id).await.map_err(|_| None)?;
        match response.status().as_u16() {
            200 => Ok(Self { response, unread: String::new() }),
            status => Err(Some(status)),
        }
    }

    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Whatever comes next. A connection that breaks off is an end as well.
    pub async fn next(&mut self) -> Told {
        let block = loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                break block;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("something in time");
            match chunk {
                Ok(Some(bytes)) => self.unread.push_str(std::str::from_utf8(&bytes).expect("text")),
                _ => return Told::End,
            }
        };
        let (mut name, mut id, mut data) = (None, None, None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("event", value)) => name = Some(value.to_owned()),
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("data", value)) => data = Some(serde_json::from_str(value).expect("JSON")),
                Some(("retry", value)) => return Told::Retry(value.parse().expect("milliseconds")),
                _ => assert!(line.starts_with(':'), "{block:?}"),
            }
        }
        match (name, data) {
            (Some(name), Some(data)) => Told::Event { name, id, data },
            _ => Told::Comment,
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Told {
        loop {
            match self.next().await {
                Told::Comment => {}
                told => return told,
            }
        }
    }
}

async fn requested(client: &Client, path: &str, last_event_id: Option<&str>) -> reqwest::Result<reqwest::Response> {
    let request = client.request(Method::GET, path).header("accept", "text/event-stream");
    match last_event_id {
        Some(id) => request.header("last-event-id", id),
        None => request,
    }
    .send()
    .await
}
