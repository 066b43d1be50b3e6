use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::net::TcpStream;
use uuid::Uuid;

use crate::from_xtask;

const PROGRAM: &str = "TEST_PGBOUNCER";

/// A `PgBouncer` between a server and `PostgreSQL`.
pub struct TestPgBouncer {
    /// The database's URL that leads through it.
    pub url: String,
    folder: PathBuf,
    child: Child,
}

impl TestPgBouncer {
    /// Whether `cargo xtask test` has found or installed one. Without it, the tests that need it pass over.
    pub fn is_there() -> bool {
        let is_there = std::env::var_os(PROGRAM).is_some();
        if !is_there {
            println!("skipped: there is no PgBouncer");
        }
        is_there
    }

    /// `127.0.0.1:port`
    pub fn address(&self) -> String {
        let (_, rest) = self.url.split_once('@').expect("a URL with a user");
        rest.split('/').next().expect("an address").to_owned()
    }

    /// In front of a database, with a `pool_mode`.
    pub async fn before(database_url: &str, pool_mode: &str) -> Self {
        let (credentials, rest) = database_url.split_once('@').expect("a URL with a user");
        let (scheme, credentials) = credentials.split_once("://").expect("a URL with a scheme");
        let (user, password) = credentials.split_once(':').expect("a URL with a password");
        let (address, database) = rest.split_once('/').expect("a URL with a database");
        let (host, database_port) = address.split_once(':').expect("a URL with a port");
        let folder = std::env::temp_dir().join(format!("comanda-pgbouncer-{}", Uuid::now_v7()));
        fs::create_dir(&folder).expect("a folder");
        // PgBouncer refuses to run as root; the account it runs as may read it.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("a folder of ours");
        let file = folder.join("pgbouncer.ini");
        loop {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
            let settings = format!(
                "[databases]\n\
                 * = host={host} port={database_port} user={user} password={password}\n\
                 [pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
                 pool_mode = {pool_mode}\ndefault_pool_size = 100\nmax_client_conn = 200\n"
            );
            fs::write(&file, settings).expect("a file");
            // Somebody else may have taken the port meanwhile.
            if let Some(child) = launch(&file, port).await {
                let url = format!("{scheme}://{user}:{password}@127.0.0.1:{port}/{database}");
                return Self { url, folder, child };
            }
        }
    }
}

/// `None`: it has ended without listening.
async fn launch(file: &Path, port: u16) -> Option<Child> {
    let (account, program) = (from_xtask("TEST_POSTGRES_ACCOUNT"), from_xtask(PROGRAM));
    let mut words = account.split_whitespace().chain([program.as_str()]);
    let mut command = Command::new(words.next().expect("a command"));
    command.args(words).arg("-q").arg(file).current_dir("/");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("PgBouncer starts");
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if child.try_wait().expect("a child of ours").is_some() {
            return None;
        }
        tokio::task::yield_now().await;
    }
    Some(child)
}

impl Drop for TestPgBouncer {
    fn drop(&mut self) {
        // Of its signals, which one ends it at once depends on its version.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
