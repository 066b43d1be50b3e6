use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::http_request::HttpRequest;

/// What happens to a request on its way to the payment gateway and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The request arrives, and so does the response.
    None,
    /// The request is lost, and no error says so.
    TimeoutBefore,
    /// The request arrives; the response is lost, and no error says so.
    TimeoutAfter,
    /// The connection is reset before the request arrives.
    ResetBefore,
    /// The request arrives; then the connection is reset.
    ResetAfter,
    /// The gateway responds with this status without doing anything.
    Answered(u16),
    /// The gateway responds with this status and an error of this type and code, without doing anything.
    Refused(u16, &'static str, &'static str),
    /// The same, and the gateway repeats it to whoever asks under the same idempotency key.
    Stored(u16, &'static str, &'static str),
}

/// Errors by idempotency key.
type Stored = Mutex<HashMap<String, String>>;

type Rule = Arc<dyn Fn(&str, &str) -> Loss + Send + Sync>;

/// A proxy in front of the payment gateway that loses requests and responses.
pub struct LossyGateway {
    /// `http://127.0.0.1:port`
    pub url: String,
    rule: Arc<Mutex<Rule>>,
}

impl LossyGateway {
    /// `upstream` is `127.0.0.1:port`.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Arc::new(|_, _| Loss::None)));
        let (upstream, rules, stored) = (upstream.to_owned(), Arc::clone(&rule), Arc::new(Stored::default()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (upstream, rules, stored) = (upstream.clone(), Arc::clone(&rules), Arc::clone(&stored));
                tokio::spawn(async move {
                    // A connection may end at any moment: that is what this is for.
                    let _ = pass(stream, &upstream, &rules, &stored).await;
                });
            }
        });
        Self { url, rule }
    }

    /// Sets the rule that decides by method and path.
    pub fn lose(&self, rule: impl Fn(&str, &str) -> Loss + Send + Sync + 'static) {
        *self.rule.lock().expect("not poisoned") = Arc::new(rule);
    }
}

async fn pass(mut stream: TcpStream, upstream: &str, rules: &Mutex<Rule>, stored: &Stored) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    while let Some(request) = HttpRequest::read(&mut stream, &mut bytes).await {
        let rule = Arc::clone(&rules.lock().expect("not poisoned"));
        let key = request.headers.get("idempotency-key").cloned();
        let replayed = key.as_ref().and_then(|key| stored.lock().expect("not poisoned").get(key).cloned());
        if let Some(error) = replayed {
            stream.write_all(error.as_bytes()).await?;
            continue;
        }
        let loss = rule(&request.method, &request.path);
        match loss {
            Loss::TimeoutBefore => std::future::pending().await,
            Loss::ResetBefore => return Ok(()),
            Loss::Answered(status) => {
                stream.write_all(error(status, "", r#"{"error":{"message":"by rule"}}"#).as_bytes()).await?;
                continue;
            }
            Loss::Refused(status, kind, code) | Loss::Stored(status, kind, code) => {
                let body = format!(r#"{{"error":{{"type":"{kind}","code":"{code}","message":"by rule"}}}}"#);
                if let (Loss::Stored(..), Some(key)) = (loss, key) {
                    let replay = error(status, "idempotent-replayed: true\r\n", &body);
                    stored.lock().expect("not poisoned").insert(key, replay);
                }
                stream.write_all(error(status, "", &body).as_bytes()).await?;
                continue;
            }
            Loss::None | Loss::TimeoutAfter | Loss::ResetAfter => {}
        }
        let response = forward(&request, upstream).await?;
        match loss {
            Loss::TimeoutAfter => std::future::pending().await,
            Loss::ResetAfter => return Ok(()),
            _ => stream.write_all(&response).await?,
        }
        // The response says that the connection ends with it.
        return Ok(());
    }
    Ok(())
}

fn error(status: u16, header: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} by rule\r\n{header}content-length: {}\r\n\r\n{body}", body.len())
}

async fn forward(request: &HttpRequest, upstream: &str) -> std::io::Result<Vec<u8>> {
    let mut behind = TcpStream::connect(upstream).await?;
    let first = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.path);
    behind.write_all(first.as_bytes()).await?;
    for (name, value) in request.headers.iter().filter(|(name, _)| *name != "connection") {
        behind.write_all(format!("{name}: {value}\r\n").as_bytes()).await?;
    }
    behind.write_all(b"\r\n").await?;
    behind.write_all(&request.body).await?;
    let mut response = Vec::new();
    behind.read_to_end(&mut response).await?;
    Ok(response)
}
