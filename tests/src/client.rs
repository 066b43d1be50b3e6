use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;
use uuid::Uuid;

/// An HTTP client of one server, signed in or not.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Option<String>,
    /// The account's id; nil while nobody is signed in.
    pub id: Uuid,
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("visible ASCII"))
    }

    /// Returns the problem's code, after checking that the document is complete and agrees with the status line.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        let code = problem["code"].as_str().expect("a code").to_owned();
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{problem}");
        assert_eq!(problem["instance"].as_str(), self.header("x-request-id"), "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        if matches!(self.status, 429 | 503) {
            assert!(self.header("retry-after").is_some(), "{self:?}");
        }
        code
    }

    /// Status and code of a problem, for comparing at once.
    pub fn problem(&self) -> (u16, String) {
        (self.status, self.code())
    }

    /// The JSON pointers to a problem's violations.
    pub fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|violation| violation["pointer"].as_str().expect("a pointer").to_owned()).collect()
    }

    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }
}

impl Client {
    pub fn anonymous(base_url: &str) -> Self {
        // reqwest leaves the choice of a provider to the program. An earlier choice stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { http: reqwest::Client::new(), base_url: base_url.to_owned(), token: None, id: Uuid::nil() }
    }

    /// The same account at another server.
    #[must_use]
    pub fn at(&self, base_url: &str) -> Self {
        Self { base_url: base_url.to_owned(), ..self.clone() }
    }

    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Where the server is: scheme, host and port.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("somebody signed in")
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Self {
        let body = serde_json::json!({ "email": email, "password": password });
        let session = self.post("/v1/sessions", &body).await.expect(200);
        let id = session["user"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        Self { id, ..self.with_token(session["access_token"].as_str().expect("a token")) }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(request: RequestBuilder) -> Response {
        Self::try_send(request).await.expect("a response")
    }

    pub async fn try_send(request: RequestBuilder) -> reqwest::Result<Response> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = if headers.get(CONTENT_TYPE).is_some_and(|value| value == "text/event-stream") {
            beginning(response).await?
        } else {
            response.text().await?
        };
        Ok(Response { status, headers, text })
    }

    pub async fn get(&self, path: &str) -> Response {
        Self::send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        Self::send(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a body as `application/json`, whether it is JSON or not.
    pub async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        Self::send(self.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    pub async fn patch(&self, path: &str, etag: &str, body: &Value) -> Response {
        Self::send(self.request(Method::PATCH, path).header("if-match", etag).json(body)).await
    }

    pub async fn delete(&self, path: &str, etag: &str) -> Response {
        Self::send(self.request(Method::DELETE, path).header("if-match", etag)).await
    }

    pub async fn try_password(&self, email: &str, password: &str) -> Response {
        self.post("/v1/sessions", &serde_json::json!({ "email": email, "password": password })).await
    }

    pub async fn order(&self, lines: &[(Uuid, u32)]) -> Response {
        self.post("/v1/orders", &order_of(lines)).await
    }

    pub async fn order_with_key(&self, key: &str, lines: &[(Uuid, u32)]) -> Response {
        Self::send(self.request(Method::POST, "/v1/orders").header("idempotency-key", key).json(&order_of(lines))).await
    }
}

/// What comes first of a response that does not end.
async fn beginning(mut response: reqwest::Response) -> reqwest::Result<String> {
    let first = response.chunk().await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&first).into_owned())
}

fn order_of(lines: &[(Uuid, u32)]) -> Value {
    let items: Vec<Value> = lines
        .iter()
        .map(|(item, quantity)| serde_json::json!({ "menu_item_id": item, "quantity": quantity }))
        .collect();
    serde_json::json!({ "items": items })
}
