use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

/// What the network does to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Connections are cut, and new ones are refused.
    Cut,
    /// Nothing passes and no error says so, as when the machine behind it hangs.
    Frozen,
    /// Every chunk is delayed by the same time.
    Delayed(Duration),
    /// Every chunk is delayed by a different time.
    Varying { longest: Duration, seed: u64 },
    /// A few bytes at a time.
    Dribbling,
}

/// A TCP proxy that makes the network fail.
pub struct FaultyProxy {
    /// The URL that leads through the proxy.
    pub url: String,
    weather: Arc<watch::Sender<Weather>>,
    /// The host and port behind it.
    upstream: Arc<Mutex<String>>,
}

impl FaultyProxy {
    /// `url` is `scheme://…host:port/database`.
    pub async fn to(url: &str) -> Self {
        let (scheme, credentials, behind, database) = parts(url);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let forecast = Arc::clone(&weather);
        let upstream = Arc::new(Mutex::new(behind.to_owned()));
        let leads_to = Arc::clone(&upstream);
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                if *forecast.borrow() == Weather::Cut {
                    continue;
                }
                let behind = leads_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Ok(behind) = TcpStream::connect(behind).await else { continue };
                if server.set_nodelay(true).and(behind.set_nodelay(true)).is_err() {
                    continue;
                }
                let (from_server, to_server) = server.into_split();
                let (from_behind, to_behind) = behind.into_split();
                tokio::spawn(forward(from_server, to_behind, forecast.subscribe()));
                tokio::spawn(forward(from_behind, to_server, forecast.subscribe()));
            }
        });
        Self { url: format!("{scheme}://{credentials}{address}/{database}"), weather, upstream }
    }

    /// From now on, new connections lead to the host and port of this URL.
    pub fn redirect(&self, url: &str) {
        parts(url).2.clone_into(&mut self.upstream.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// The scheme, the credentials up to the `@`, the host and port, and the database.
fn parts(url: &str) -> (&str, &str, &str, &str) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (authority, database) = rest.split_once('/').expect("a URL with a database");
    let (credentials, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    (scheme, credentials, host, database)
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut random: Option<StdRng> = None;
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => match read { Ok(length @ 1..) => length, _ => break },
            cut = weather.wait_for(|weather| *weather == Weather::Cut) => { drop(cut); break }
        };
        let now = weather.wait_for(|weather| *weather != Weather::Frozen).await.map(|weather| *weather);
        let passed = match now {
            Ok(Weather::Fair) => to.write_all(&buffer[..length]).await.is_ok(),
            Ok(Weather::Delayed(time)) => {
                tokio::time::sleep(time).await;
                to.write_all(&buffer[..length]).await.is_ok()
            }
            Ok(Weather::Varying { longest, seed }) => {
                let random = random.get_or_insert_with(|| StdRng::seed_from_u64(seed));
                tokio::time::sleep(longest.mul_f64(random.random_range(0.0..1.0))).await;
                to.write_all(&buffer[..length]).await.is_ok()
            }
            Ok(Weather::Dribbling) => dribble(&mut to, &buffer[..length]).await,
            _ => false,
        };
        if !passed {
            break;
        }
    }
}

async fn dribble(to: &mut OwnedWriteHalf, bytes: &[u8]) -> bool {
    for few in bytes.chunks(64) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if to.write_all(few).await.is_err() {
            return false;
        }
    }
    true
}
