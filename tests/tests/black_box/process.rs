//! The server as a process: its limits, and what systemd hears of it.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::PathBuf,
    time::{Duration, Instant},
};

use comanda_tests::{TestDatabase, TestServer, comanda, program, redis_url};
use nix::{sys::signal::Signal, unistd::Pid};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

/// A path of one test, gone afterwards.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple())))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A program that runs the server with so many file descriptors.
fn limited_to(soft: u32, hard: u32) -> Place {
    let script = Place::new();
    let limited = format!("#!/bin/sh\nulimit -Sn {soft} && ulimit -Hn {hard} && exec '{}' \"$@\"\n", program());
    fs::write(&script.0, limited).unwrap();
    fs::set_permissions(&script.0, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// Asks on a connection that is to be kept; returns what comes until the response, or the connection, ends.
async fn ask(stream: &mut TcpStream) -> std::io::Result<String> {
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: comanda\r\n\r\n").await?;
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).await?;
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        if length == 0 || text.starts_with("HTTP/1.1 200 ") && text.contains("\r\n\r\n") {
            return Ok(text);
        }
    }
}

/// The time that a process has spent on a processor, in hundredths of a second.
fn processor_time(pid: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_told_so_and_the_others_are_served() {
    let database = TestDatabase::migrated().await;
    let script = limited_to(400, 400);
    let server = TestServer::start_of(script.as_str(), &database.server_url, &redis_url().await, &[]);
    let lines = server.log();
    let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let limit = lines.find_map(|line| line["fields"]["connections"].as_u64()).unwrap();
    assert!((100..400).contains(&limit), "{limit}");

    let mut kept = Vec::new();
    for _ in 0..limit {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        assert!(ask(&mut stream).await.unwrap().starts_with("HTTP/1.1 200 "));
        kept.push(stream);
    }
    for _ in 0..limit {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let refusal = ask(&mut stream).await.unwrap();
        let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nretry-after: 1\r\n"), "{refusal}");
        assert!(head.contains("\r\nconnection: close\r\n") && head.contains("\r\nx-request-id: "), "{refusal}");
        assert_eq!(serde_json::from_str::<Value>(body).unwrap()["code"], "unavailable");
    }
    // Twice as many as allowed, none of whom reads what it is told.
    let mut deaf = Vec::new();
    for _ in 0..limit {
        deaf.push(TcpStream::connect(&server.address).await.unwrap());
    }
    let begin = processor_time(server.pid());
    // The duration itself is under test.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let busy = processor_time(server.pid()) - begin;
    assert!(busy < 50, "{busy} hundredths of a second in a second of nothing");
    for stream in &mut kept {
        assert!(ask(stream).await.unwrap().starts_with("HTTP/1.1 200 "));
    }
    let log = server.log();
    assert_eq!(log.iter().filter(|line| line.contains("connections are refused")).count(), 1);
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{log:#?}");

    drop((kept, deaf));
    let begin = Instant::now();
    loop {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        if ask(&mut stream).await.is_ok_and(|response| response.starts_with("HTTP/1.1 200 ")) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "nobody gets in again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_descriptors_is_raised_and_compared_with_what_may_be_needed() {
    let database = TestDatabase::migrated().await;
    let script = limited_to(256, 512);
    let server = |requests| {
        let settings = [("CONCURRENT_REQUESTS", requests)];
        let redis = redis_url();
        let (script, url) = (script.as_str().to_owned(), database.server_url.clone());
        async move { TestServer::start_of(&script, &url, &redis.await, &settings) }
    };
    let fields = |server: &TestServer, level: &str| {
        let lines = server.log().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let mut lines = lines.filter(|line| line["level"] == level && line["fields"]["needed"].is_u64());
        lines.next().map(|line| line["fields"].clone())
    };

    let tight = server("1000").await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", tight.pid())).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(open_files.split_whitespace().collect::<Vec<_>>()[3..5], ["512", "512"]);
    let warned = fields(&tight, "WARN").unwrap();
    assert_eq!((&warned["limit"], &warned["requests"]), (&json!(512), &json!(1000)), "{warned}");
    assert!(warned["needed"].as_u64().unwrap() > 1000, "{warned}");

    let roomy = server("100").await;
    assert!(fields(&roomy, "WARN").is_none());
    assert_eq!(fields(&roomy, "INFO").unwrap()["limit"], 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hears_that_a_server_is_ready_alive_and_stopping() {
    let database = TestDatabase::migrated().await;
    let socket = Place::new();
    let systemd = UnixDatagram::bind(&socket.0).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let hear = || {
        let mut message = [0; 64];
        let length = systemd.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let settings = [("NOTIFY_SOCKET", socket.as_str()), ("WATCHDOG_USEC", "200000")];
    let mut server = TestServer::start(&database, &settings).await;
    let first = [hear(), hear(), hear()];
    assert!(first.iter().any(|message| message == "READY=1"), "{first:?}");
    assert!(first.iter().filter(|message| *message == "WATCHDOG=1").count() == 2, "{first:?}");
    server.signal(Signal::SIGTERM);
    while hear() != "STOPPING=1" {}
    assert!(server.wait().success());
}

/// The exit status that prevents a restart is that of the main process alone: what runs before it would be tried again
/// for ever.
#[tokio::test]
async fn systemd_does_not_restart_a_server_whose_configuration_is_wrong() {
    let unit = include_str!("../../../packaging/comanda.service");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let (command, prevents) = (value("ExecStart").unwrap(), value("RestartPreventExitStatus").unwrap());
    assert_eq!(value("ExecStartPre"), None);
    let arguments = command.split_once(' ').unwrap().1.split(' ');
    let output = comanda("postgres://localhost/comanda", "redis://localhost")
        .args(arguments)
        .env("BIND_ADDR", "nowhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code().map(|code| code.to_string()).as_deref(), Some(prevents), "{output:?}");
}

/// Every server must take the old keys while they are replaced, however it is deployed.
#[test]
fn the_deployments_that_we_ship_can_replace_keys_with_an_overlap() {
    let compose = include_str!("../../../compose.yaml");
    let unit = include_str!("../../../packaging/comanda.service");
    for setting in ["SECRET_KEY", "JWT_SIGNING_KEY", "VERIFICATION_SECRET_KEYS", "JWT_VERIFICATION_KEYS"] {
        let is_passed_on = |line: &str| {
            let name = line.trim_start().strip_prefix(setting);
            name.is_some_and(|rest| rest.starts_with(':') || rest.starts_with("_FILE:"))
        };
        assert!(compose.lines().any(is_passed_on), "{setting}");
        assert!(unit.contains(&format!("Environment={setting}_FILE=%d/")), "{setting}");
    }
}
