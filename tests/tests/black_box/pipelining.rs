//! Requests that a client sends without waiting for responses.

use std::fmt::Write;

use comanda_tests::TestApp;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The heads and bodies of responses, as a client takes them apart that knows what it has asked for.
fn responses(mut text: &str, methods: &[Method]) -> Vec<(u16, String)> {
    let mut found = Vec::new();
    for method in methods {
        let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let length = if *method == Method::HEAD { 0 } else { length.expect("a length") };
        let (body, rest) = rest.split_at(length);
        found.push((status.expect("a status"), body.to_owned()));
        text = rest;
    }
    assert_eq!(text, "", "nothing more was sent");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_sent_at_once_get_the_responses_they_would_get_alone() {
    let app = TestApp::open().await;
    app.item(100).await;
    let orders = [
        vec![Method::HEAD, Method::GET, Method::HEAD],
        vec![Method::GET, Method::HEAD, Method::GET],
        vec![Method::POST, Method::HEAD, Method::POST, Method::GET],
        (0..20).flat_map(|_| [Method::GET, Method::HEAD]).collect(),
    ];
    for methods in orders {
        let mut requests = String::new();
        for (n, method) in methods.iter().enumerate() {
            let last = n + 1 == methods.len();
            let path = if *method == Method::POST { "/v1/sessions" } else { "/v1/menu" };
            let body = match (method == Method::POST, n % 2 == 0) {
                (false, _) => "\r\n",
                (true, true) => "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
                (true, false) => {
                    "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
                }
            };
            let connection = if last { "connection: close\r\n" } else { "" };
            write!(requests, "{method} {path} HTTP/1.1\r\nhost: test\r\n{connection}{body}").unwrap();
        }
        let mut stream = TcpStream::connect(&app.servers[0].address).await.unwrap();
        stream.write_all(requests.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let responses = responses(&text, &methods);
        for (method, (status, body)) in methods.iter().zip(responses) {
            match *method {
                Method::HEAD => assert_eq!((status, body.as_str()), (200, ""), "{methods:?}"),
                Method::GET => assert!(status == 200 && body.contains("categories"), "{methods:?}: {body}"),
                _ => assert!(status == 400 && body.contains("missing-field"), "{methods:?}: {body}"),
            }
        }
    }
    app.close().await;
}
