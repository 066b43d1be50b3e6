use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

/// Stands between a server and another, and holds up what passes for random times.
pub struct SlowProxy {
    /// The URL by way of the proxy.
    pub url: String,
}

impl SlowProxy {
    /// `url` is `scheme://…host:port/database`.
    pub async fn to(url: &str, longest: Duration, random: &mut StdRng) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (authority, database) = rest.split_once('/').expect("a URL with a database");
        let (credentials, upstream) = match authority.rsplit_once('@') {
            Some((credentials, upstream)) => (format!("{credentials}@"), upstream.to_owned()),
            None => (String::new(), authority.to_owned()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut random = StdRng::from_rng(random);
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                let Ok(behind) = TcpStream::connect(&upstream).await else { continue };
                let (from_server, to_server) = server.into_split();
                let (from_behind, to_behind) = behind.into_split();
                tokio::spawn(forward(from_server, to_behind, longest, StdRng::from_rng(&mut random)));
                tokio::spawn(forward(from_behind, to_server, longest, StdRng::from_rng(&mut random)));
            }
        });
        Self { url: format!("{scheme}://{credentials}{address}/{database}") }
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, longest: Duration, mut random: StdRng) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        tokio::time::sleep(longest.mul_f64(random.random_range(0.0..1.0))).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
