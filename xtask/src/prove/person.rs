//! Somebody who calls the servers, and whose every call is in the history.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use comanda_domain::AccountId;
use comanda_proof::{Caller, ClientId, Digest, Request, SessionId};
use hyper::{Method, body::Bytes};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use uuid::Uuid;

use super::{
    browser::{self, Page},
    history::Place,
    scene::Scene,
};
use crate::http::{Connection, Response};

/// What is asked.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    /// The `Idempotency-Key`.
    pub key: Option<String>,
    /// The `If-Match`, or the `If-None-Match` of what is read.
    pub tag: Option<String>,
    pub credential: Option<Credential>,
    /// The page that a browser sends it from. `None`: a program sends it.
    pub page: Option<Page>,
    /// What shows that the account was signed in to from this device before.
    pub device: Option<String>,
    /// What the history has of it, if the call itself does not say that.
    pub recorded_as: Option<Request>,
}

/// What goes along with a call, and whose it is.
#[derive(Clone)]
pub struct Credential {
    pub token: String,
    /// In a browser, where the token is a cookie: what its page shows to be one of ours.
    pub csrf: Option<String>,
    pub account: AccountId,
    pub session: SessionId,
    /// What the account is, as far as its owner knows.
    pub role: Caller,
}

impl Call {
    fn new(method: Method, path: impl Into<String>, body: Option<Value>) -> Self {
        Self {
            method,
            path: path.into(),
            body,
            key: None,
            tag: None,
            credential: None,
            page: None,
            device: None,
            recorded_as: None,
        }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, Some(body))
    }

    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path, Some(body))
    }

    pub fn delete(path: impl Into<String>, body: Option<Value>) -> Self {
        Self::new(Method::DELETE, path, body)
    }

    #[must_use]
    pub fn under(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    #[must_use]
    pub fn if_at(self, tag: impl Into<String>) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }

    #[must_use]
    pub fn by(self, credential: &Credential) -> Self {
        let page = self.page.or(credential.csrf.as_ref().map(|_| Page::Ours));
        Self { credential: Some(credential.clone()), page, ..self }
    }

    #[must_use]
    pub fn sent_from(self, page: Page) -> Self {
        Self { page: Some(page), ..self }
    }

    #[must_use]
    pub fn recorded_as(self, request: Request) -> Self {
        Self { recorded_as: Some(request), ..self }
    }

    /// The same for the same request.
    pub fn digest(&self) -> Digest {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        Digest::of_parts(&[self.method.as_str().as_bytes(), self.path.as_bytes(), body.as_bytes()])
    }

    async fn on(&self, connection: &mut Connection) -> anyhow::Result<Response> {
        let mut headers = Vec::new();
        if let Some(key) = &self.key {
            headers.push(("idempotency-key", key.as_str()));
        }
        if let Some(tag) = &self.tag {
            headers.push((if self.method == Method::GET { "if-none-match" } else { "if-match" }, tag.as_str()));
        }
        let body = self.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let of_browser = self.page.map(|page| browser::headers(self, page, connection.host()));
        headers.extend(of_browser.iter().flatten().map(|(name, value)| (*name, value.as_str())));
        let is_program = of_browser.is_none();
        headers.extend(self.device.as_deref().filter(|_| is_program).map(|device| ("x-device-token", device)));
        let token = self.credential.as_ref().filter(|_| is_program).map(|credential| credential.token.as_str());
        connection.send(self.method.clone(), &self.path, token, &headers, body).await
    }
}

/// A response, as far as anybody here looks at it.
pub struct Answer {
    /// Where the call stands in the history.
    pub sequence: u64,
    pub status: u16,
    pub body: Value,
    pub tag: Option<String>,
    pub cookies: Vec<(String, String)>,
}

impl Answer {
    /// What a cookie is set to.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.cookies.iter().find(|(cookie, value)| cookie == name && !value.is_empty());
        set.map(|(_, value)| value.clone())
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Whether it is unknown what became of the request, or whether it may well succeed at another time.
    pub fn is_passing(&self) -> bool {
        matches!(self.status, 500 | 503) || self.code() == "idempotency-in-progress" || self.code() == "rate-limited"
    }
}

/// Somebody with choices of their own, all of them drawn from the seed.
pub struct Person {
    pub scene: Arc<Scene>,
    pub name: String,
    pub client: ClientId,
    pub random: StdRng,
    /// Idle connections to each server.
    idle: Mutex<Vec<Vec<Connection>>>,
}

impl Person {
    /// A request that takes longer counts as lost.
    const HANGS: Duration = Duration::from_secs(20);

    pub fn new(scene: &Arc<Scene>, name: String) -> Self {
        let idle = Mutex::new(scene.addresses.iter().map(|_| Vec::new()).collect());
        Self { random: scene.plan.random(&name), client: scene.enlist(), scene: Arc::clone(scene), name, idle }
    }

    pub fn goes_on(&self) -> bool {
        self.scene.goes_on()
    }

    /// Any of the servers.
    pub fn server(&mut self) -> usize {
        self.random.random_range(0..self.scene.addresses.len())
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.random.random_range(0..from.len())])
    }

    pub fn one_in(&mut self, times: u32) -> bool {
        self.random.random_ratio(1, times)
    }

    /// A key that was never used.
    pub fn key(&mut self) -> String {
        let mut bytes = [0; 16];
        self.random.fill_bytes(&mut bytes);
        Uuid::from_bytes(bytes).to_string()
    }

    pub async fn think(&mut self, longest_ms: u64) {
        let time = Duration::from_millis(self.random.random_range(0..=longest_ms));
        tokio::time::sleep(time).await;
    }

    /// At any of the servers.
    pub async fn ask(&mut self, call: &Call) -> Option<Answer> {
        let server = self.server();
        self.ask_at(server, call).await
    }

    /// `None`: there was no response, and nobody knows whether there was a request.
    pub async fn ask_at(&self, server: usize, call: &Call) -> Option<Answer> {
        let (begun, process) = (self.scene.history.begin(), self.scene.process(server));
        let response = match tokio::time::timeout(Self::HANGS, self.response(server, call)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err("it hangs".to_owned()),
        };
        // Not if another one has taken its place meanwhile.
        let process = process.filter(|process| self.scene.process(server) == Some(*process));
        let place = Place { client: self.client, server: process };
        let tag = response.as_ref().ok().and_then(|response| Some(response.header("etag")?.to_owned()));
        let body = self.scene.history.end(begun, place, call, response.as_ref());
        match response {
            Ok(response) => {
                let cookies = browser::cookies(&response);
                Some(Answer { sequence: begun.sequence, status: response.status, body, tag, cookies })
            }
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }

    async fn response(&self, server: usize, call: &Call) -> anyhow::Result<Response> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner)[server].pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.scene.addresses[server]).await?,
        };
        let response = call.on(&mut connection).await?;
        if !connection.is_over() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner)[server].push(connection);
        }
        Ok(response)
    }

    /// Asks again, wherever, until it is known what became of it, or all is over. What is asked must have a key, or be
    /// harmless twice.
    pub async fn insist(&mut self, call: &Call) -> Option<Answer> {
        loop {
            match self.ask(call).await {
                Some(answer) if !answer.is_passing() => return Some(answer),
                _ if !self.goes_on() => return None,
                _ => self.think(120).await,
            }
        }
    }
}

/// A generator for what is drawn from a seed under a name.
pub fn derived(seed: u64, name: &str) -> StdRng {
    // FNV-1a: the same in every build.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    StdRng::seed_from_u64(seed ^ hash)
}
