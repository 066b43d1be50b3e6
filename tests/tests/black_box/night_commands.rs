//! What an operator repairs a running deployment with, on the command line.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use comanda_tests::{EventSink, PASSWORD, TestApp};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a command prints that succeeds.
fn succeeds(app: &TestApp, arguments: &[&str]) -> String {
    let output = app.comanda(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", printed(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn document(app: &TestApp, arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(app, arguments)).unwrap()
}

fn fails(app: &TestApp, arguments: &[&str], code: i32, why: &str) {
    let output = app.comanda(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", printed(&output));
    assert!(printed(&output).contains(why), "{arguments:?}: {}", printed(&output));
}

/// The newest record of the audit log.
async fn newest(app: &TestApp) -> Value {
    app.admin.get("/v1/admin/audit-log?limit=1").await.expect(200)["data"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_all_sessions_of_everybody() {
    let app = TestApp::open().await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let email = app.account().await;
        clients.push(app.anonymous().try_password(&email, PASSWORD).await.expect(200));
    }
    let refresh = |client: &Value| json!({ "refresh_token": client["refresh_token"] });
    let open = "SELECT count(*) FROM sessions WHERE closed_at IS NULL";
    let before = app.database.number(open).await;
    let said = succeeds(&app, &["sessions", "end", "--all"]);
    assert!(said.starts_with(&format!("{before} session(s) would end")), "{said}");
    assert_eq!(app.database.number(open).await, before, "only counted");
    let said = succeeds(&app, &["sessions", "end", "--all", "--yes", "--reason", "keys leaked"]);
    assert_eq!(said, format!("{before} session(s) ended.\n"));
    for client in &clients {
        let answer = app.anonymous().post("/v1/sessions/refresh", &refresh(client)).await;
        assert_eq!(answer.problem(), (401, "session-revoked".to_owned()));
    }
    let records = "SELECT count(DISTINCT target) FROM audit_log \
                   WHERE action = 'account.sessions_closed' AND reason = 'keys leaked' AND actor_id IS NULL";
    let accounts = "SELECT count(DISTINCT account_id) FROM sessions";
    assert_eq!(app.database.number(records).await, app.database.number(accounts).await);
    assert!(succeeds(&app, &["sessions", "end", "--all"]).starts_with("0 session(s)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_sessions_unlocks_and_sets_flags_and_the_audit_log_says_so() {
    let app = TestApp::open().await;
    let email = app.account().await;
    let customer = app.anonymous().log_in(&email, PASSWORD).await;
    assert!(succeeds(&app, &["sessions", "end", &email, "--reason", "lost phone"]).contains("1 session(s)"));
    let begin = Instant::now();
    while customer.get("/v1/me").await.status != 401 {
        assert!(begin.elapsed() < Duration::from_secs(10), "the session goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let record = newest(&app).await;
    assert_eq!(
        (&record["action"], &record["actor_id"], &record["reason"]),
        (&json!("account.sessions_closed"), &Value::Null, &json!("lost phone"))
    );
    fails(&app, &["sessions", "end", "nobody@example.org"], 1, "no account has the address");
    fails(&app, &["sessions", "end", "nobody"], 2, "the email address");
    fails(&app, &["sessions", "end"], 2, "<EMAIL>");
    fails(&app, &["sessions", "end", "--all", &email], 2, "--all");
    fails(&app, &["sessions", "end", "--yes", &email], 2, "--yes");

    let customer = app.anonymous();
    while customer.try_password(&email, "a wrong password").await.code() != "account-locked" {}
    succeeds(&app, &["accounts", "unlock", &email]);
    assert_eq!(newest(&app).await["action"], "account.unlocked");
    let records = "SELECT count(*) FROM audit_log";
    let before = app.database.number(records).await;
    fails(&app, &["accounts", "unlock", "nobody@example.org"], 1, "no account has the address nobody@example.org");
    assert_eq!(app.database.number(records).await, before, "nothing was unlocked");
    customer.log_in(&email, PASSWORD).await;

    for (value, percentage) in [("off", 0), ("30", 30), ("on", 100)] {
        succeeds(&app, &["flags", "set", "menu-cache", value]);
        let sql = format!("SELECT count(*) FROM feature_flags WHERE name = 'menu-cache' AND percentage = {percentage}");
        assert_eq!(app.database.number(&sql).await, 1, "{value}");
        assert_eq!(newest(&app).await["reason"], format!("{percentage} %"));
    }
    fails(&app, &["flags", "set", "menu-cache", "101"], 2, "from 0 to 100");
    fails(&app, &["flags", "set", "menu", "on"], 2, "menu-cache");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_is_stuck_and_resends_dead_letters() {
    let sink = EventSink::open().await;
    sink.respond_with(|_| 400);
    let urls = format!("kitchen={}", sink.url);
    let settings = [
        ("MODE", "development"),
        ("WEBHOOK_URLS", urls.as_str()),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("OUTBOX_FIRST_PAUSE_MS", "20"),
        ("OUTBOX_ATTEMPTS", "2"),
    ];
    let mut app = TestApp::with_servers(1, &settings).await;
    let status = |app: &TestApp| document(app, &["status", "--json"]);
    let begin = Instant::now();
    while status(&app)["subscribers"][0]["served"] != true {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody subscribes");
    }
    let (item, customer) = (app.item(5).await, app.customer().await);
    for _ in 0..2 {
        customer.order(&[(item, 1)]).await.expect(201);
    }
    while status(&app)["subscribers"][0]["dead_letters"] != 2 {
        assert!(begin.elapsed() < Duration::from_secs(30), "{}", status(&app));
    }
    let found = status(&app);
    assert_eq!((&found["subscribers"][0]["name"], &found["pending_migrations"]), (&json!("kitchen"), &json!([])));
    assert_eq!((&found["gateway_events"]["waiting"], &found["refunds"]["waiting"]), (&json!(0), &json!(0)));
    let report = succeeds(&app, &["status"]);
    assert!(report.contains("events for kitchen: nothing waits, 2 dead letter(s)"), "{report}");
    assert!(report.contains("migrations: none pending"), "{report}");

    let list = ["dead-letters", "list", "--json"];
    let letters = document(&app, &list);
    assert_eq!((letters.as_array().unwrap().len(), &letters[0]["subscriber"]), (2, &json!("kitchen")), "{letters}");
    assert_eq!(document(&app, &[&list[..], &["--subscriber", "kitchen"]].concat()), letters);
    // A name that was mistyped does not look like one for which all is well.
    let unknown = "no subscriber is called \"kitchn\"; there are: kitchen";
    fails(&app, &[&list[..], &["--subscriber", "kitchn"]].concat(), 1, unknown);
    fails(&app, &["dead-letters", "resend", "--all", "--subscriber", "kitchn"], 1, unknown);
    assert!(succeeds(&app, &["dead-letters", "list"]).contains("2 dead letter(s)"));
    // They are refused again.
    let id = letters[0]["id"].to_string();
    succeeds(&app, &["dead-letters", "resend", &id]);
    let record = newest(&app).await;
    assert_eq!((&record["action"], &record["actor_id"]), (&json!("dead_letter.resent"), &Value::Null));
    while status(&app)["subscribers"][0]["dead_letters"] != 2 {
        assert!(begin.elapsed() < Duration::from_secs(40), "{}", status(&app));
    }
    fails(&app, &["dead-letters", "resend", "1000"], 1, "no such dead letter");
    fails(&app, &["dead-letters", "resend"], 2, "--all");
    fails(&app, &["dead-letters", "resend", "--all"], 2, "--subscriber");

    // Nobody delivers to it: neither a server nor, by its settings, this command's deployment.
    assert!(app.servers.remove(0).stop().success());
    fails(&app, &["dead-letters", "resend", &id], 1, "no server delivers to kitchen");
    assert!(succeeds(&app, &["status"]).contains("no server delivers to it"));
    sink.respond_with(|_| 200);
    let next = app.open_another(&settings);
    app.admin = app.admin.at(&next);
    while status(&app)["subscribers"][0]["served"] != true {
        assert!(begin.elapsed() < Duration::from_secs(50), "nobody delivers");
    }
    let resent = succeeds(&app, &["dead-letters", "resend", "--all", "--subscriber", "kitchen"]);
    assert!(resent.contains("2 dead letter(s)"), "{resent}");
    sink.until_taken(2).await;
    // A subscriber that is known, and has none.
    let none = succeeds(&app, &["dead-letters", "resend", "--all", "--subscriber", "kitchen"]);
    assert!(none.contains("0 dead letter(s)"), "{none}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_could_not_be_seen_whole_does_not_look_like_one_that_was() {
    let app = TestApp::open().await;
    let seen = document(&app, &["status", "--json"]);
    assert_eq!((&seen["unseen"], &seen["mails"]["waiting"]), (&json!([]), &json!(0)), "{seen}");
    let tables = app.database.client().await;
    let unseen = "events of the payment gateway, payments, refunds and mails";
    // With a migration pending, too, for which the table may be what is missing.
    for (damage, repair, pending) in [
        ("ALTER TABLE mails RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO mails", 0),
        (
            "ALTER TABLE mails RENAME TO elsewhere; \
             CREATE TABLE latest AS SELECT * FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1; \
             DELETE FROM __diesel_schema_migrations WHERE version IN (SELECT version FROM latest)",
            "ALTER TABLE elsewhere RENAME TO mails; INSERT INTO __diesel_schema_migrations SELECT * FROM latest; \
             DROP TABLE latest",
            1,
        ),
    ] {
        tables.batch_execute(damage).await.unwrap();
        fails(&app, &["status"], 1, &format!("NOT SEEN: {unseen}: "));
        let rest = printed(&app.comanda(&["status"]));
        assert!(rest.contains("oldest snapshot: ") && rest.contains("migrations: "), "{rest}");
        assert_eq!(rest.contains("Run `comanda migrate`"), pending == 1, "{rest}");
        let output = app.comanda(&["status", "--json"]);
        assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&found["unseen"][0]["what"], &found["mails"]), (&json!(unseen), &Value::Null), "{found}");
        assert!(found["unseen"][0]["error"].as_str().unwrap().contains("mails"), "{found}");
        assert_eq!(found["pending_migrations"].as_array().unwrap().len(), pending, "{found}");
        assert!(found["subscribers"].is_array() && found["leases"].is_array(), "{found}");
        tables.batch_execute(repair).await.unwrap();
    }

    // Nobody listens there.
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://comanda@{away}/comanda");
    let output = app.command(&["status", "--json"]).env("DATABASE_URL", &url).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", printed(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["unseen"][0]["what"], &found["subscribers"]), (&json!("PostgreSQL"), &Value::Null), "{found}");
    let output = app.command(&["status"]).env("DATABASE_URL", &url).output().unwrap();
    assert!(output.status.code() == Some(3) && printed(&output).contains(&away.to_string()), "{}", printed(&output));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guards_the_tables_no_more_is_named_with_what_mends_it() {
    let app = TestApp::open().await;
    let tables = app.database.client().await;
    let guards = |document: &Value| {
        let findings = document["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["check"] == "guards").cloned().collect::<Vec<_>>()
    };
    let healthy = document(&app, &["doctor", "--json"]);
    assert_eq!(guards(&healthy)[0]["verdict"], "ok", "{healthy}");
    let mend = "ALTER TABLE order_lines ENABLE TRIGGER order_id_is_there";
    tables.batch_execute(&mend.replace("ENABLE", "DISABLE")).await.unwrap();
    let disabled = "the trigger order_id_is_there on order_lines is disabled";
    fails(&app, &["check"], 1, &format!("{disabled}: as the owner of the tables, {mend}"));
    fails(&app, &["doctor"], 1, disabled);
    let output = app.comanda(&["doctor", "--json"]);
    let found = guards(&serde_json::from_slice(&output.stdout).unwrap());
    assert_eq!((found.len(), &found[0]["verdict"], &found[0]["finding"]), (1, &json!("problem"), &json!(disabled)));
    assert!(found[0]["do"].as_str().unwrap().contains(mend), "{found:?}");
    tables.batch_execute(mend).await.unwrap();
    succeeds(&app, &["doctor"]);
    app.close().await;
}
