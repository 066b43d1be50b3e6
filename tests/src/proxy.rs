use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

type OnCommit = (usize, Box<dyn FnOnce() + Send>);

/// Stands between a server and `PostgreSQL`, and can do something at the very moment a commit has happened and the
/// server does not know it yet.
pub struct Proxy {
    /// The database's URL that leads through the proxy.
    pub url: String,
    on_commit: Arc<Mutex<Option<OnCommit>>>,
}

impl Proxy {
    pub async fn to(database_url: &str) -> Self {
        let (credentials, rest) = database_url.split_once('@').expect("a URL with a user");
        let (upstream, database) = rest.split_once('/').expect("a URL with a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let on_commit: Arc<Mutex<Option<OnCommit>>> = Arc::default();
        let (upstream, armed) = (upstream.to_owned(), Arc::clone(&on_commit));
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                let Ok(postgres) = TcpStream::connect(&upstream).await else { continue };
                let (from_server, to_server) = server.into_split();
                let (from_postgres, to_postgres) = postgres.into_split();
                let (cut, writes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
                tokio::spawn(to_database(from_server, to_postgres, Arc::clone(&cut), Arc::clone(&writes)));
                tokio::spawn(from_database(from_postgres, to_server, Arc::clone(&armed), cut, writes));
            }
        });
        Self { url: format!("{credentials}@{address}/{database}"), on_commit }
    }

    /// Runs `action` once, in the moment the next commit of a connection that places orders is confirmed, and lets
    /// nothing of that connection through any more.
    pub fn at_next_order(&self, action: impl FnOnce() + Send + 'static) {
        *self.on_commit.lock().expect("not poisoned") = Some((ORDERS, Box::new(action)));
    }

    /// The same for a connection that records mails.
    pub fn at_next_mail(&self, action: impl FnOnce() + Send + 'static) {
        *self.on_commit.lock().expect("not poisoned") = Some((MAILS, Box::new(action)));
    }
}

/// What `PostgreSQL` says when a commit is done: `CommandComplete` with the tag `COMMIT`
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// What a connection has prepared that writes this.
const WRITES: [(usize, &[u8]); 2] = [(ORDERS, b"INSERT INTO orders"), (MAILS, b"INSERT INTO \"mails\"")];

const ORDERS: usize = 1;
const MAILS: usize = 2;

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

async fn to_database(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cut: Arc<AtomicBool>, writes: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        for (what, _) in WRITES.into_iter().filter(|(_, statement)| has(bytes, statement)) {
            writes.fetch_or(what, Ordering::SeqCst);
        }
        if cut.load(Ordering::SeqCst) || to.write_all(bytes).await.is_err() {
            break;
        }
    }
}

async fn from_database(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    on_commit: Arc<Mutex<Option<OnCommit>>>,
    cut: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        if has(bytes, COMMITTED) {
            let writes = writes.load(Ordering::SeqCst);
            let action = on_commit.lock().expect("not poisoned").take_if(|(what, _)| writes & *what != 0);
            if let Some((_, action)) = action {
                cut.store(true, Ordering::SeqCst);
                action();
            }
        }
        if cut.load(Ordering::SeqCst) || to.write_all(bytes).await.is_err() {
            break;
        }
    }
}
