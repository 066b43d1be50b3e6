//! Talking to a server over one kept connection, as a customer's phone does.

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// One connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    is_over: bool,
}

#[derive(Default)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} is no JSON", String::from_utf8_lossy(&self.body)))
    }

    /// The body of a response that must have this status.
    pub fn expect(&self, status: u16) -> anyhow::Result<Value> {
        if self.status != status {
            bail!("expected {status}, got {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        self.json()
    }
}

impl Connection {
    /// `address` is `host:port`.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; an error shows at the request that meets it.
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_owned(), is_over: false })
    }

    /// The server, as `host:port`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server has said that it ends after the last response.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub async fn get(&mut self, path: &str, token: Option<&str>) -> anyhow::Result<Response> {
        self.send(Method::GET, path, token, &[], Bytes::new()).await
    }

    pub async fn post(&mut self, path: &str, token: Option<&str>, body: &Value) -> anyhow::Result<Response> {
        self.send(Method::POST, path, token, &[], Bytes::from(body.to_string())).await
    }

    pub async fn place_order(&mut self, token: &str, key: &str, body: Bytes) -> anyhow::Result<Response> {
        self.send(Method::POST, "/v1/orders", Some(token), &[("idempotency-key", key)], body).await
    }

    /// Puts away whatever is there at the moment.
    pub async fn delete(&mut self, path: &str, token: &str) -> anyhow::Result<Response> {
        self.send(Method::DELETE, path, Some(token), &[("if-match", "*")], Bytes::new()).await
    }

    /// The same for PATCH and PUT.
    pub async fn change(&mut self, method: Method, path: &str, token: &str, body: &Value) -> anyhow::Result<Response> {
        self.send(method, path, Some(token), &[("if-match", "*")], Bytes::from(body.to_string())).await
    }

    /// With further headers.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(body))?).await?;
        let (parts, body) = response.into_parts();
        self.is_over = parts.headers.get(header::CONNECTION).is_some_and(|says| says == "close");
        let body = body.collect().await?.to_bytes();
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

/// Signs in and returns the access token.
pub async fn log_in(connection: &mut Connection, email: &str, password: &str) -> anyhow::Result<String> {
    let body = serde_json::json!({ "email": email, "password": password });
    let session = connection.post("/v1/sessions", None, &body).await?.expect(200)?;
    session["access_token"].as_str().map(str::to_owned).context("the session has no access_token")
}
