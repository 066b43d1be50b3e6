use std::{
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use comanda_undo_journal::Lost;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::{
    from_xtask,
    postgres::{as_its_account, free_port, initialize, program, run},
    power::{Power, kill_at_once},
};

/// A `PostgreSQL` for one test alone that can lose power.
pub struct PoweredPostgres {
    folder: PathBuf,
    data: PathBuf,
    port: u16,
    power: Power,
    child: Child,
}

impl PoweredPostgres {
    /// `settings` as in `name=value`.
    pub async fn start(settings: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-postgres-{}", Uuid::now_v7()));
        let (data, undo) = (folder.join("data"), folder.join("undo"));
        run(as_its_account("mkdir").arg("--mode=700").arg(&folder).arg(&undo), b"");
        initialize(&data, "host all inspector 127.0.0.1/32 trust\n");
        let power = Power::of(from_xtask("TEST_DISK_SHIM").into(), &data, &undo).expect("folders");
        let port = free_port();
        let child = launch(&data, port, &power, settings);
        let mut postgres = Self { folder, data, port, power, child };
        postgres.client().await;
        postgres
    }

    /// Stops it in an orderly way, and starts it with other settings.
    pub async fn restart(&mut self, settings: &[&str]) {
        self.signal(Signal::SIGINT);
        self.child.wait().expect("its end");
        self.start_again(settings).await;
    }

    /// Ends with it everything that it has not flushed.
    pub fn lose_power(&mut self) -> Lost {
        kill_at_once(self.child.id()).expect("they are killed");
        self.child.wait().expect("its end");
        let lost = self.power.fail().expect("what was not flushed is taken back");
        // Without its content, if it was not flushed: PostgreSQL would not start until somebody has removed it.
        run(as_its_account("rm").arg(self.data.join("postmaster.pid")), b"");
        lost
    }

    pub async fn start_again(&mut self, settings: &[&str]) {
        self.child = launch(&self.data, self.port, &self.power, settings);
        self.client().await;
    }

    pub fn url(&self) -> String {
        format!("postgres://inspector@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Connects, once it responds.
    pub async fn client(&mut self) -> Client {
        let url = self.url();
        loop {
            if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            let ended = self.child.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "PostgreSQL ended with {ended:?}");
            tokio::task::yield_now().await;
        }
    }

    fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.child.id().try_into().expect("a process id")), signal);
    }
}

impl Drop for PoweredPostgres {
    fn drop(&mut self) {
        self.signal(Signal::SIGQUIT);
        let _ = self.child.wait();
        let _ = as_its_account("rm").arg("-r").arg(&self.folder).status();
    }
}

fn launch(data: &Path, port: u16, power: &Power, settings: &[&str]) -> Child {
    let mut command = as_its_account(&program("postgres"));
    command.arg("-D").arg(data).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    power.feed(&mut command);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("PostgreSQL starts")
}
