//! Behind nginx as it is installed, with nothing set for streams.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use comanda_tests::{EventStream, TestApp};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::{advance, ordered, shown};

struct Nginx {
    base_url: String,
    folder: PathBuf,
    child: Child,
}

impl Nginx {
    async fn before(address: &str) -> Self {
        let program = std::env::var("TEST_NGINX").expect("run the tests by `cargo xtask test`");
        let folder = std::env::temp_dir().join(format!("comanda-nginx-{}", Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let path = folder.display();
        let bodies =
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {path}/{kind};"));
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let settings = format!(
                "daemon off; master_process off; pid {path}/pid; error_log {path}/error.log; events {{}}\n\
                 http {{ access_log off; gzip on; {} server {{ listen 127.0.0.1:{port}; \
                 location / {{ proxy_pass http://{address}; }} }} }}",
                bodies.join(" ")
            );
            fs::write(folder.join("nginx.conf"), settings).unwrap();
            let mut command = Command::new(&program);
            command.arg("-e").arg(folder.join("error.log")).arg("-c").arg(folder.join("nginx.conf"));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // Somebody else may have taken the port meanwhile.
            loop {
                if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                    return Self { base_url: format!("http://127.0.0.1:{port}"), folder, child };
                }
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_through_nginx_as_they_happen() {
    let app = TestApp::open().await;
    let nginx = Nginx::before(&app.servers[0].address).await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    let mut stream = EventStream::open(&customer.at(&nginx.base_url), &events, None).await;
    let (id, _) = shown(stream.event().await, "snapshot", 1);
    advance(&app.admin, &path, "accepted").await;
    shown(stream.event().await, "order", 2);
    drop(stream);
    let mut stream = EventStream::open(&customer.at(&nginx.base_url), &events, Some(&id)).await;
    shown(stream.event().await, "order", 2);
    drop((stream, nginx));
    app.close().await;
}
