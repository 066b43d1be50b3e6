use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{lock, seen::Seen};
use crate::http::{Connection, Response};

/// Somebody's connection to one server, which does not end when PostgreSQL does.
pub struct Line {
    address: String,
    connection: Option<Connection>,
    seen: Arc<Mutex<Seen>>,
}

impl Line {
    /// A request that takes longer counts as hanging.
    const HANGS: Duration = Duration::from_secs(15);

    pub fn to(address: &str, seen: &Arc<Mutex<Seen>>) -> Self {
        Self { address: address.to_owned(), connection: None, seen: Arc::clone(seen) }
    }

    /// `None`: there was no response, which is complained about.
    pub async fn send(
        &mut self,
        request: impl AsyncFnOnce(&mut Connection) -> anyhow::Result<Response>,
    ) -> Option<Response> {
        let attempt = async {
            let mut open = match self.connection.take() {
                Some(open) => open,
                None => Connection::open(&self.address).await?,
            };
            let response = request(&mut open).await?;
            self.connection = (!open.is_over()).then_some(open);
            anyhow::Ok(response)
        };
        let complaint = match tokio::time::timeout(Self::HANGS, attempt).await {
            Ok(Ok(response)) => return Some(response),
            Ok(Err(error)) => format!("no response: {error:#}"),
            Err(_) => "a request hangs".to_owned(),
        };
        lock(&self.seen).complain(&complaint);
        tokio::time::sleep(Duration::from_millis(50)).await;
        None
    }

    /// The status, which must be of success, 503 or among these refusals.
    pub fn understand(&self, response: &Response, refusals: &[&str]) -> u16 {
        let code = response.json().ok().and_then(|problem| Some(problem["code"].as_str()?.to_owned()));
        let name = format!("{} {}", response.status, code.unwrap_or_default());
        if response.status >= 300 && name != "503 unavailable" && !refusals.contains(&name.as_str()) {
            let body = String::from_utf8_lossy(&response.body).into_owned();
            lock(&self.seen).complain(&format!("no response of the contract: {name} {body}"));
        }
        response.status
    }
}
