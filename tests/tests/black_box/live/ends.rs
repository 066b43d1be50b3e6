//! Streams end when they have to.

use std::time::{Duration, Instant};

use comanda_tests::{Client, EventStream, PASSWORD, TestApp, Told};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::json;

use super::{advance, ordered, shown};

/// Waits until the stream has ended, and shows that it says nothing but that.
async fn ended(mut stream: EventStream) -> Duration {
    let begin = Instant::now();
    loop {
        match stream.event().await {
            Told::Retry(milliseconds) => assert!((500..=10_000).contains(&milliseconds), "{milliseconds}"),
            Told::End => return begin.elapsed(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_session_at_every_server() {
    let app = TestApp::with_servers(2, &[]).await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    let mut streams = Vec::new();
    for server in &app.servers {
        let mut stream = EventStream::open(&customer.at(&server.base_url), &events, None).await;
        shown(stream.event().await, "snapshot", 1);
        streams.push(stream);
    }
    let out = Client::send(customer.request(Method::DELETE, "/v1/sessions/current")).await;
    assert_eq!(out.status, 204);
    for stream in streams {
        let took = ended(stream).await;
        assert!(took < Duration::from_millis(2500), "{took:?}");
    }
    advance(&app.admin, &path, "accepted").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_role_is_taken_away() {
    let app = TestApp::open().await;
    let email = app.account().await;
    let account = app.anonymous().log_in(&email, PASSWORD).await.id;
    let role = async |role: &str| {
        let change = app.admin.request(Method::PATCH, &format!("/v1/admin/users/{account}"));
        Client::send(change.json(&json!({ "role": role }))).await.expect(200);
    };
    role("staff").await;
    let staff = app.anonymous().log_in(&email, PASSWORD).await;
    let (_, events) = ordered(&app, &app.customer().await).await;
    let mut stream = EventStream::open(&staff, &events, None).await;
    shown(stream.event().await, "snapshot", 1);
    role("customer").await;
    let took = ended(stream).await;
    assert!(took < Duration::from_millis(2500), "{took:?}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_token_expires() {
    let app = TestApp::with_servers(1, &[("ACCESS_TOKEN_SECONDS", "30")]).await;
    let customer = app.customer().await;
    let (_, events) = ordered(&app, &customer).await;
    let mut stream = EventStream::open(&customer, &events, None).await;
    shown(stream.event().await, "snapshot", 1);
    let took = ended(stream).await;
    assert!((Duration::from_secs(20)..Duration::from_secs(32)).contains(&took), "{took:?}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_ends_its_streams_at_once_and_they_go_on_at_another() {
    let mut app = TestApp::with_servers(2, &[]).await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    let mut server = app.servers.pop().unwrap();
    let mut stream = EventStream::open(&customer.at(&server.base_url), &events, None).await;
    let (id, _) = shown(stream.event().await, "snapshot", 1);
    let begin = Instant::now();
    server.signal(Signal::SIGTERM);
    assert!(matches!(stream.event().await, Told::Retry(_)));
    assert_eq!(stream.event().await, Told::End);
    assert!(server.wait().success());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    advance(&app.admin, &path, "accepted").await;
    let mut stream = EventStream::open(&customer, &events, Some(&id)).await;
    shown(stream.event().await, "order", 2);
    drop(stream);
    app.close().await;
}
