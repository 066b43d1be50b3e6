//! Whatever an operator can type wrong ends the command soon, with the setting's name and the cause.

use std::{
    net::TcpListener,
    process::{Command, Output},
    time::{Duration, Instant},
};

use comanda_tests::{TestApp, TestDatabase, comanda};
use serde_json::Value;
use uuid::Uuid;

/// A command that neither PostgreSQL nor Redis responds to.
fn offline(arguments: &[&str]) -> Command {
    let mut command = comanda("postgres://comanda:hunter2@127.0.0.1:1/comanda", "redis://:hunter2@127.0.0.1:1");
    command.args(arguments);
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that must end within five seconds.
fn ends(command: &mut Command) -> Output {
    let begin = Instant::now();
    let output = command.output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5), "after {:?}: {}", begin.elapsed(), said(&output));
    output
}

/// The setting that is named, the settings that are given, and a part of the cause.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn a_wrong_setting_ends_serve_and_the_check_alike_with_its_name_and_the_cause() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let wrong: &[Wrong<'_>] = &[
        ("BIND_ADDR", &[("BIND_ADDR", &taken)], "in use"),
        ("METRICS_ADDR", &[("METRICS_ADDR", &taken)], "in use"),
        ("BIND_ADDR", &[("BIND_ADDR", "192.0.2.1:8080")], "assign"),
        ("BIND_ADDR", &[("BIND_ADDR", "localhost")], "localhost"),
        ("METRICS_ADDR", &[("BIND_ADDR", "127.0.0.1:4711"), ("METRICS_ADDR", "0.0.0.0:4711")], "collides"),
        ("LOG", &[("LOG", "inf")], "not a level"),
        ("LOG_FORMAT", &[("LOG_FORMAT", "xml")], "json"),
        ("DATABASE_URL", &[("DATABASE_URL", "mysql://localhost/comanda")], "postgres://"),
        ("DATABASE_URL", &[("DATABASE_URL", "postgres://localhost:port/comanda")], "not a URL"),
        ("DATABASE_URL", &[("DATABASE_URL", "postgres://db/x?sslmode=verify-ca&sslrootcert=/nowhere")], "/nowhere"),
        ("DATABASE_URL", &[("DATABASE_URL", "postgres://db/x?sslcert=/etc/client.pem")], ""),
        ("DATABASE_REPLICA_URL", &[("DATABASE_REPLICA_URL", "replica.example")], "postgres://"),
        ("REDIS_URL", &[("REDIS_URL", "http://localhost")], "redis://"),
        ("REDIS_CA", &[("REDIS_URL", "rediss://localhost"), ("REDIS_CA", "nonsense")], "certificate"),
        ("REDIS_CA", &[("REDIS_URL", "rediss://localhost"), ("REDIS_CA_FILE", "/nowhere")], "/nowhere"),
        ("SECRET_KEY", &[("SECRET_KEY", ""), ("SECRET_KEY_FILE", "/")], "cannot read the file /"),
        ("JWT_SIGNING_KEY", &[("JWT_SIGNING_KEY", "no key, but words")], "Ed25519"),
        ("JWT_VERIFICATION_KEYS", &[("JWT_VERIFICATION_KEYS", "no keys, but words")], "Ed25519"),
        ("VERIFICATION_SECRET_KEYS", &[("VERIFICATION_SECRET_KEYS", "short")], "key 1"),
        ("MAIL_FOLDER", &[("MODE", "development"), ("MAIL_FOLDER", "/dev/null/mails")], "not a folder"),
        ("MAIL_URL", &[("MAIL_URL", "http://localhost")], "smtp"),
        ("WEBHOOK_URLS", &[("WEBHOOK_URLS", "kitchen")], "URL"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")], "http://"),
    ];
    for (setting, settings, cause) in wrong {
        for arguments in [&["serve"][..], &["config", "check"]] {
            let output = ends(offline(arguments).envs(settings.iter().copied()));
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{settings:?} {arguments:?}: {said}");
            assert!(said.contains(&format!("- {setting}: ")) && said.contains(cause), "{settings:?}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[test]
fn a_database_that_is_not_there_ends_a_server_with_the_settings_name() {
    for (url, cause) in [
        ("postgres://comanda:hunter2@127.0.0.1:1/comanda", "refused"),
        ("postgres://comanda:hunter2@db.invalid/comanda", "db.invalid:5432"),
    ] {
        for arguments in [&["serve"][..], &["check"], &["migrate"]] {
            let output = ends(offline(arguments).env("DATABASE_URL", url));
            let said = said(&output);
            assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
            assert!(said.contains("DATABASE_URL: cannot reach PostgreSQL") && said.contains(cause), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[tokio::test]
async fn the_check_of_a_running_servers_settings_leaves_its_addresses_alone() {
    let app = TestApp::open().await;
    let check = |arguments: &[&str]| {
        let mut command = app.command(&[&["config", "check"], arguments].concat());
        ends(command.env("BIND_ADDR", &app.servers[0].address))
    };
    assert_eq!(check(&[]).status.code(), Some(2));
    assert_eq!(check(&["--while-serving"]).status.code(), Some(0));
    app.close().await;
}

fn findings(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// The verdicts on something that the doctor looks at.
fn verdicts(document: &Value, check: &str) -> Vec<String> {
    let findings = document["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    findings.map(|finding| finding["verdict"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_wrong_and_says_what_to_do() {
    let app = TestApp::open().await;
    let found = findings(&app.comanda(&["doctor", "--json"]));
    for check in ["PostgreSQL", "PostgreSQL clock", "pooling", "migrations", "grants", "Redis", "Redis clock"] {
        assert!(verdicts(&found, check).iter().all(|verdict| verdict == "ok"), "{check}: {found:#}");
        assert!(!verdicts(&found, check).is_empty(), "{check}: {found:#}");
    }
    // What nobody can know from here is said, too.
    assert_eq!((verdicts(&found, "disk").len(), verdicts(&found, "backup").len()), (1, 1), "{found:#}");
    for finding in found["findings"].as_array().unwrap() {
        assert_eq!(finding["verdict"] == "ok", finding["do"].is_null(), "{finding}");
    }
    let report = said(&app.comanda(&["doctor"]));
    assert!(report.contains("ok       PostgreSQL: reached at 127.0.0.1:"), "{report}");

    let unmigrated = TestDatabase::empty().await;
    let mut behind = app.command(&["doctor", "--json"]);
    let behind = behind.env("DATABASE_URL", &unmigrated.url).output().unwrap();
    assert_eq!(behind.status.code(), Some(1), "{}", said(&behind));
    let behind = findings(&behind);
    assert_eq!(verdicts(&behind, "migrations"), ["problem"], "{behind:#}");
    assert!(behind["findings"].as_array().unwrap().iter().any(|finding| finding["do"] == "comanda migrate"));

    let unreachable = ends(&mut offline(&["doctor", "--json"]));
    assert_eq!(unreachable.status.code(), Some(3), "{}", said(&unreachable));
    let unreachable = findings(&unreachable);
    assert_eq!(
        (verdicts(&unreachable, "PostgreSQL"), verdicts(&unreachable, "Redis")),
        (vec!["problem".to_owned()], vec!["problem".to_owned()])
    );
    assert_eq!(unreachable["healthy"], false);
    assert_eq!(ends(offline(&["doctor"]).env("CURRENCY", "EUX")).status.code(), Some(2));
    app.close().await;
}

/// A role that may sign in, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_lists_the_privileges_that_a_role_lacks() {
    let app = TestApp::open().await;
    let role = format!("stranger_{}", Uuid::now_v7().simple());
    let superuser = app.database.client().await;
    superuser.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'")).await.unwrap();
    let (_, host) = app.database.url.rsplit_once('@').unwrap();
    let url = format!("postgres://{role}:hunter2@{host}");
    let output = app.command(&["doctor", "--json"]).env("DATABASE_URL", url).output().unwrap();
    superuser.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
    let found = findings(&output);
    assert_eq!((output.status.code(), verdicts(&found, "grants")), (Some(1), vec!["problem".to_owned()]), "{found:#}");
    let lacks = found["findings"].to_string();
    assert!(lacks.contains("SELECT on orders") && lacks.contains("INSERT on audit_log"), "{lacks}");
    assert!(!lacks.contains("UPDATE on audit_log"), "{lacks}");
    app.close().await;
}
