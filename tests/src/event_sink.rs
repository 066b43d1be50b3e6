use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::http_request::HttpRequest;

/// A request that a sink has accepted or refused.
#[derive(Clone, Debug)]
pub struct Received {
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    pub body: String,
    /// The status of the response.
    pub status: u16,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }
}

type Rule = Arc<dyn Fn(&Received) -> u16 + Send + Sync>;

/// A webhook receiver: it keeps every event that is delivered to it.
pub struct EventSink {
    /// `http://127.0.0.1:port/hook`
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    rule: Arc<Mutex<Rule>>,
}

impl EventSink {
    /// Opens a sink that accepts everything.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Arc::new(|_| 204)));
        let (all, rules) = (Arc::clone(&received), Arc::clone(&rule));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all), Arc::clone(&rules)));
            }
        });
        Self { url, received, rule }
    }

    /// Sets the rule that decides the status of each response.
    pub fn respond_with(&self, rule: impl Fn(&Received) -> u16 + Send + Sync + 'static) {
        *self.rule.lock().expect("not poisoned") = Arc::new(rule);
    }

    /// All requests so far, in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// The events that were accepted.
    pub fn taken(&self) -> Vec<Value> {
        self.received().iter().filter(|received| received.status < 300).map(Received::json).collect()
    }

    /// Waits until `count` events were accepted.
    pub async fn until_taken(&self, count: usize) -> Vec<Value> {
        let begin = Instant::now();
        loop {
            let taken = self.taken();
            if taken.len() >= count {
                return taken;
            }
            assert!(begin.elapsed() < Duration::from_secs(30), "{} of {count} events: {taken:?}", taken.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn serve(mut stream: TcpStream, all: Arc<Mutex<Vec<Received>>>, rules: Arc<Mutex<Rule>>) {
    let mut bytes = Vec::new();
    while let Some(request) = HttpRequest::read(&mut stream, &mut bytes).await {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let mut received = Received { headers: request.headers, body, status: 0 };
        let rule = Arc::clone(&rules.lock().expect("not poisoned"));
        received.status = rule(&received);
        let response = format!("HTTP/1.1 {} by rule\r\ncontent-length: 0\r\n\r\n", received.status);
        all.lock().expect("not poisoned").push(received);
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}
