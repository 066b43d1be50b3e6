//! A receiver of events, as other systems have one.

use std::{io, net};

use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub struct Receiver {
    listener: net::TcpListener,
    pub url: String,
}

impl Receiver {
    pub fn bind() -> io::Result<Self> {
        let listener = net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    /// The settings of servers that deliver to it, by this name.
    pub fn settings(&self, name: &str) -> [(String, String); 3] {
        [
            ("WEBHOOK_URLS", format!("{name}={}", self.url)),
            ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }

    /// Accepts every event, of which `take` gets the body. Ends only if no connection can be accepted any more.
    pub async fn serve(self, take: impl Fn(&Bytes) + Clone + Send + Sync + 'static) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let take = take.clone();
            let respond = service_fn(move |request: Request<Incoming>| {
                let take = take.clone();
                async move {
                    take(&request.into_body().collect().await?.to_bytes());
                    Ok::<_, hyper::Error>(Response::new(Empty::<Bytes>::new()))
                }
            });
            // A server that stops ends its connections.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), respond));
        }
    }
}
