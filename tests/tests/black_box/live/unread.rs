//! Clients that read nothing any more, or have vanished: their streams end all the same.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use comanda_tests::{Client, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;
use socket2::{Domain, SockFilter, SockRef, Socket, Type};

use super::{
    kitchen::{EVENTS, item, station},
    ordered,
};

/// Opens a stream and reads where its response begins. Little more than that fits into the kernels.
fn open(app: &TestApp, client: &Client, path: &str) -> TcpStream {
    let address: SocketAddr = app.servers[0].address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    // What the server's kernel keeps goes by the size of segments.
    socket.set_tcp_mss(536).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    let request = format!("GET {path} HTTP/1.1\r\nhost: comanda\r\nauthorization: Bearer {}\r\n\r\n", client.token());
    stream.write_all(request.as_bytes()).unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    stream
}

/// From now on its kernel hears nothing, and says nothing.
fn vanish(stream: &TcpStream) {
    const RETURN: u16 = 0x06;
    SockRef::from(stream).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
}

/// How long it takes until the account may open another stream, of which it may have one.
async fn room_after(client: &Client, path: &str) -> Duration {
    let begin = Instant::now();
    loop {
        let response = client.request(Method::GET, path).send().await.unwrap();
        if response.status() == 200 {
            return begin.elapsed();
        }
        assert_eq!(response.status(), 429);
        assert!(begin.elapsed() < Duration::from_secs(90), "there is no room for another stream");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn cook(app: &TestApp) -> (String, Client) {
    let email = app.account().await;
    let id = app.anonymous().log_in(&email, PASSWORD).await.id;
    let change = app.admin.request(Method::PATCH, &format!("/v1/admin/users/{id}"));
    Client::send(change.json(&json!({ "role": "staff" }))).await.expect(200);
    let cook = app.anonymous().log_in(&email, PASSWORD).await;
    (email, cook)
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_of_those_who_do_not_read_or_have_vanished() {
    let limits = [("ORDER_LIMIT_OPEN", "0"), ("ORDER_LIMIT_PORTIONS", "0"), ("ORDER_LIMIT_PER_MINUTE", "0")];
    let settings = [limits.as_slice(), &[("ACCEPT_ORDERS", "always"), ("STREAMS_PER_ACCOUNT", "1")]].concat();
    let app = TestApp::with_servers(1, &settings).await;
    station(&app, "Grill").await;
    let steak = item(&app, "Grill", 1_000).await;
    // The board begins with more than anybody keeps for somebody who does not read.
    for _ in 0..400 {
        app.admin.order(&[(steak, 1)]).await.expect(201);
    }
    let ((email, leaving), (_, staying), customer) = (cook(&app).await, cook(&app).await, app.customer().await);
    let (_, events) = ordered(&app, &customer).await;
    let unread = [open(&app, &leaving, EVENTS), open(&app, &staying, EVENTS)];
    let vanished = open(&app, &customer, &events);
    vanish(&vanished);

    let out = Client::send(leaving.request(Method::DELETE, "/v1/sessions/current")).await;
    assert_eq!(out.status, 204);
    let back = app.anonymous().log_in(&email, PASSWORD).await;
    let (after_leaving, while_staying, after_vanishing) =
        tokio::join!(room_after(&back, EVENTS), room_after(&staying, EVENTS), room_after(&customer, &events));
    assert!(after_leaving < Duration::from_secs(15), "{after_leaving:?}");
    assert!(while_staying < Duration::from_secs(45), "{while_staying:?}");
    assert!(after_vanishing < Duration::from_mins(1), "{after_vanishing:?}");
    drop((unread, vanished));
    app.close().await;
}
