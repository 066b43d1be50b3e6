use std::{
    io,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::seen::Seen;

/// Opens a webhook receiver, which notes every event; returns its URL.
pub async fn open(seen: Arc<Mutex<Seen>>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            let take = service_fn(move |request| take(request, Arc::clone(&seen)));
            // A server that stops ends its connections.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), take));
        }
    });
    Ok(url)
}

async fn take(request: Request<Incoming>, seen: Arc<Mutex<Seen>>) -> Result<Response<Empty<Bytes>>, io::Error> {
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let mut seen = super::lock(&seen);
    let received = serde_json::from_slice(&body).map_err(anyhow::Error::from).and_then(|event| seen.receive(&event));
    if let Err(error) = received {
        seen.complain(&format!("no event of the contract: {error:#}"));
    }
    Ok(Response::new(Empty::new()))
}
