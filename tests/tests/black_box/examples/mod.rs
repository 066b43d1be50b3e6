//! Every operation of the document is called with each of its examples, and works out as the document says: with its
//! status, its headers, and a body that fits its schema.

mod misfits;
mod stage;

use comanda_tests::{Client, EventStream, Response, TestApp, Told};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use uuid::Uuid;

use self::{
    misfits::misfits,
    stage::{Call, Stage},
};
use crate::openapi::{Document, Operation};

/// Of the headers that are documented, those that are there only sometimes: when a request is repeated, or refused, or
/// when a session is renewed.
const SOMETIMES: [&str; 3] = ["Idempotency-Replayed", "Retry-After", "Set-Cookie"];

/// What any response has without being documented.
const ON_EVERYTHING: [&str; 13] = [
    // How it is sent.
    "connection",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    // What browsers may do with it; none of it is for clients.
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_document_works_out_as_it_says() {
    let stage = Stage::open().await;
    let document = Document::of(&stage.mail.app).await;
    let mut found = Vec::new();
    for operation in document.operations() {
        let examples = Document::examples(&operation);
        let takes_a_body = !operation.content["requestBody"].is_null();
        assert_eq!(takes_a_body, !examples.is_empty(), "the examples of {operation}");
        let calls = if takes_a_body { examples } else { vec![("nothing".to_owned(), Value::Null)] };
        for (name, body) in calls {
            let what = format!("{operation} with the example {name:?}");
            let mut call = stage.prepare(&operation, body).await;
            if operation.content["operationId"] == "watch_kitchen" || operation.content["operationId"] == "watch_order"
            {
                // What streams send is in docs/events.md, and tested there.
                let client = call.client.as_ref().unwrap();
                let stream = EventStream::open(client, &address(&operation, &call), None).await;
                let different = misdressed(success(&operation).1, stream.headers());
                found.extend(different.into_iter().map(|it| format!("{what}: {it}")));
                continue;
            }
            let key = documents_header(&operation, "Idempotency-Replayed").then(|| Uuid::now_v7().to_string());
            let response = send(&stage, &operation, &call, key.as_deref()).await;
            found.extend(differences(&document, &operation, &response).into_iter().map(|it| format!("{what}: {it}")));
            let unchanged = &operation.content["responses"]["304"];
            if !unchanged.is_null() {
                call.headers.push(("if-none-match", response.header("etag").unwrap().to_owned()));
                let response = send(&stage, &operation, &call, None).await;
                assert_eq!(response.status, 304, "{what}: {response:?}");
                let different = misdressed(unchanged, &response.headers);
                found.extend(different.into_iter().map(|it| format!("{what}, unchanged: {it}")));
            }
            if let Some(key) = key {
                let again = send(&stage, &operation, &call, Some(&key)).await;
                let is_same = (again.status, &again.text) == (response.status, &response.text);
                if !is_same || again.header("idempotency-replayed") != Some("true") {
                    found.push(format!("{what}, repeated: {again:?}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    stage.close().await;
}

fn address(operation: &Operation, call: &Call) -> String {
    let segments = call.segments.iter();
    let path = segments.fold(operation.path.clone(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    assert!(!path.contains('{'), "{operation} has a segment that is not prepared");
    path
}

async fn send(stage: &Stage, operation: &Operation, call: &Call, key: Option<&str>) -> Response {
    let client = call.client.clone().unwrap_or_else(|| stage.mail.app.anonymous());
    let mut request = client.request(operation.method.clone(), &address(operation, call));
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    if let Some(text) = &call.text {
        request = request.header("content-type", "application/json").body(text.clone());
    } else if !call.body.is_null() {
        request = request.json(&call.body);
    }
    Client::send(request).await
}

/// The status of success and what the document says of it. There is one, or two of which one is "not modified".
fn success(operation: &Operation) -> (u16, &Value) {
    let responses = operation.content["responses"].as_object().unwrap();
    let found = responses.iter().find(|(status, _)| status.starts_with('2') || *status == "308").unwrap();
    (found.0.parse().unwrap(), found.1)
}

fn documents_header(operation: &Operation, name: &str) -> bool {
    !success(operation).1["headers"][name].is_null()
}

/// What about a response is not as the document says.
fn differences(document: &Document, operation: &Operation, response: &Response) -> Vec<String> {
    let (status, documented) = success(operation);
    // reqwest follows redirects.
    if status == 308 {
        return (response.status != 200).then(|| format!("status {}", response.status)).into_iter().collect();
    }
    if response.status != status {
        return vec![format!("status {} instead of {status}: {}", response.status, response.text)];
    }
    let mut found = misdressed(documented, &response.headers);
    let Some(content) = documented["content"].as_object() else {
        found.extend((!response.text.is_empty()).then(|| format!("a body: {}", response.text)));
        return found;
    };
    let media_type = response.header("content-type").unwrap_or_default().split(';').next().unwrap();
    match content.get("application/json") {
        Some(json) if media_type == "application/json" => {
            found.extend(misfits(document, &json["schema"], &response.json()));
        }
        None if content.contains_key(media_type) || content.contains_key("application/octet-stream") => {}
        _ => found.push(format!("content of type {media_type:?}")),
    }
    found
}

/// What about a response's headers is not as the document says.
fn misdressed(documented: &Value, headers: &HeaderMap) -> Vec<String> {
    let known: Vec<&String> = documented["headers"].as_object().unwrap().keys().collect();
    let is_missing = |name: &&&String| !headers.contains_key(name.as_str()) && !SOMETIMES.contains(&name.as_str());
    let missing = known.iter().filter(is_missing).map(|name| format!("there is no {name}"));
    let is_unknown = |name: &&str| {
        // The document says so of whatever it says nothing else of.
        let is_default = *name == "cache-control" && headers[*name] == "no-store";
        let is_documented = known.iter().any(|known| known.eq_ignore_ascii_case(name));
        !is_default && !is_documented && !ON_EVERYTHING.contains(name)
    };
    let unknown = headers.keys().map(HeaderName::as_str).filter(is_unknown);
    missing.chain(unknown.map(|name| format!("{name} is not in the document"))).collect()
}

/// The first payload in a section of the page of events.
fn payload(heading: &str) -> Value {
    let page = include_str!("../../../../docs/events.md");
    let (_, section) = page.split_once(&format!("\n### {heading}\n")).unwrap();
    let (_, payload) = section.split_once("```json\n").unwrap();
    serde_json::from_str(payload.split_once("```").unwrap().0).unwrap()
}

/// The names of members and the kinds of values, without the values. Of a list, what its first entry is like.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), shape(member))).collect(),
        Value::Array(entries) => entries.first().map(shape).into_iter().collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_events_shows_what_streams_send() {
    let stage = Stage::open().await;
    let (customer, order) = stage.order_with_everything().await;
    let events = |path: String| async move {
        let Told::Event { name, data, .. } = EventStream::open(&customer, &path, None).await.event().await else {
            panic!("{path} tells nothing");
        };
        assert_eq!(name, "snapshot");
        data
    };
    let shown = events(format!("/v1/orders/{order}/events")).await;
    assert_eq!(shape(&shown), shape(&payload("`snapshot` of an order, and `order`")));

    let admin = &stage.mail.app.admin;
    let mut kitchen = EventStream::open(admin, "/v1/kitchen/events", None).await;
    let Told::Event { name, data, .. } = kitchen.event().await else { panic!("the kitchen tells nothing") };
    assert_eq!((name.as_str(), data), ("snapshot", json!({ "tickets": [], "more_open": false })));
    admin.post(&format!("/v1/orders/{order}/status"), &json!({ "status": "accepted" })).await.expect(200);
    let Told::Event { name, data, .. } = kitchen.event().await else { panic!("the kitchen tells nothing") };
    assert_eq!((name.as_str(), shape(&data)), ("ticket", shape(&payload("`ticket`"))));
    drop(kitchen);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_what_streams_send() {
    let stage = Stage::open().await;
    let document = Document::of(&stage.mail.app).await;
    let admin = &stage.mail.app.admin;
    // The ticket of the first order is there when the kitchen is watched.
    for (template, change) in [("/v1/orders/{id}/events", "order"), ("/v1/kitchen/events", "ticket")] {
        let (_, order) = stage.order_with_everything().await;
        let mut stream = EventStream::open(admin, &template.replace("{id}", &order), None).await;
        let snapshot = fitting(&document, template, "snapshot", &mut stream).await;
        assert_ne!(snapshot["tickets"], json!([]), "there is nothing to be compared");
        admin.post(&format!("/v1/orders/{order}/status"), &json!({ "status": "accepted" })).await.expect(200);
        fitting(&document, template, change, &mut stream).await;
    }
    stage.close().await;
}

/// The data of the stream's next event, which has this name, and is as the document says.
async fn fitting(document: &Document, template: &str, event: &str, stream: &mut EventStream) -> Value {
    let Told::Event { name, data, .. } = stream.event().await else { panic!("{template} tells nothing") };
    assert_eq!(name, event, "{template}");
    let operation = format!("#/paths/{}/get", template.replace('/', "~1"));
    let stream = document.pointed_at(&format!("{operation}/responses/200/content/text~1event-stream/schema"));
    let events = stream["contentSchema"]["items"]["oneOf"].as_array().unwrap();
    let described = events.iter().find(|described| described["properties"]["event"]["enum"] == json!([event]));
    let schema = &described.unwrap()["properties"]["data"]["contentSchema"];
    assert!(schema.is_object(), "{event}");
    let found = misfits(document, schema, &data);
    assert!(found.is_empty(), "{template}: {event}: {found:#?}");
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_counted_sees_how_often_they_may_try_yet() {
    let app =
        TestApp::with_servers(1, &[("ORDER_LIMIT_PER_MINUTE", "7"), ("CORS_ORIGINS", "https://shop.example")]).await;
    let left = |response: &Response| {
        ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
            .map(|name| response.header(name).map(|value| value.parse::<u32>().unwrap()))
    };
    let (item, customer) = (app.item(50).await, app.customer().await);
    let ordered = customer.order(&[(item, 1)]).await;
    assert!(matches!(left(&ordered), [Some(7), Some(6), Some(1..=60)]), "{:?}", left(&ordered));
    let refused = customer.order(&[(Uuid::now_v7(), 1)]).await;
    assert_eq!((refused.code(), left(&refused)[1]), ("unknown-item".to_owned(), Some(5)), "refused for another reason");
    let malformed = customer.post("/v1/orders", &json!({ "items": [] })).await;
    assert_eq!((malformed.status, left(&malformed)), (422, [None; 3]), "it was not counted");
    for (remaining, replayed) in [(Some(4), None), (Some(4), Some("true"))] {
        let repeated = customer.order_with_key("once", &[(item, 1)]).await;
        assert_eq!(repeated.header("idempotency-replayed"), replayed);
        assert_eq!((repeated.status, left(&repeated)[1]), (201, remaining), "a repetition is no attempt");
    }
    assert_eq!(left(&app.admin.order(&[(item, 1)]).await), [None; 3], "staff may try as often as they like");
    assert_eq!(left(&customer.get("/v1/menu").await), [None; 3], "nothing is counted");

    // A wrong password is an attempt of the address, and pages of other origins may look at all of it.
    let wrong = app.anonymous().request(reqwest::Method::POST, "/v1/sessions").header("origin", "https://shop.example");
    let wrong = Client::send(wrong.json(&json!({ "email": "nobody@example.org", "password": "none" }))).await;
    assert_eq!(
        (wrong.code(), left(&wrong).map(|header| header.is_some())),
        ("invalid-credentials".to_owned(), [true; 3])
    );
    let exposed = wrong.header("access-control-expose-headers").unwrap().to_lowercase();
    for name in
        ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after", "deprecation", "sunset", "link"]
    {
        assert!(exposed.split(',').any(|known| known.trim() == name), "{name}: {exposed}");
    }
    app.close().await;
}
