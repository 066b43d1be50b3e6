//! Mails to accounts: who gets which, how many, and what the tokens in them do.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use comanda_tests::{Client, PASSWORD, Proxy, Response, TestApp, redis_url};
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) const NEW_PASSWORD: &str = "quite another horse";

pub(super) const VERIFY: &str = "Please confirm your e-mail address";
pub(super) const RESET: &str = "Reset your password";

/// Servers that write their mails into a folder.
pub(super) struct MailApp {
    pub(super) app: TestApp,
    pub(super) folder: PathBuf,
}

impl MailApp {
    pub(super) async fn open(servers: usize) -> Self {
        Self::open_with(redis_url().await, servers).await
    }

    pub(super) async fn open_with(redis_url: String, servers: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
        let app = TestApp::with_redis(redis_url, servers, &settings(&folder)).await;
        Self { app, folder }
    }

    /// Everything that a token could change.
    async fn stored(&self) -> Vec<String> {
        let rows = "SELECT u::text FROM users u UNION ALL SELECT m::text FROM mails m UNION ALL \
            SELECT t::text FROM mail_tokens t UNION ALL SELECT s::text FROM sessions s ORDER BY 1";
        let rows = self.app.database.client().await.query(rows, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The mails to an address so far, oldest first.
    pub(super) fn letters_to(&self, email: &str) -> Vec<String> {
        let to = format!("To: {email}\r\n");
        let mut letters: Vec<_> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "eml"))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        letters.sort();
        let letters = letters.into_iter().filter_map(|(_, path)| std::fs::read_to_string(path).ok());
        letters.filter(|letter| letter.contains(&to)).collect()
    }

    pub(super) fn subjects_to(&self, email: &str) -> Vec<String> {
        self.letters_to(email).iter().map(|letter| subject(letter).to_owned()).collect()
    }

    /// Waits for this many mails with this subject; returns the last one's token.
    pub(super) async fn token(&self, email: &str, about: &str, count: usize) -> String {
        let begin = Instant::now();
        loop {
            let letters = self.letters_to(email);
            let letters: Vec<_> = letters.iter().filter(|letter| subject(letter) == about).collect();
            if let Some(letter) = letters.get(count - 1) {
                return token(letter);
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{about:?} does not arrive: {letters:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until everything that may be sent is sent.
    pub(super) async fn until_idle(&self) {
        let waiting = "SELECT (SELECT count(*) FROM mails WHERE next_at IS NOT NULL) + \
             (SELECT count(*) FROM outbox_retries WHERE NOT is_dead) + \
             (SELECT count(*) FROM outbox_events e WHERE NOT EXISTS (SELECT FROM outbox_subscribers s \
              WHERE s.name = 'mail' AND (s.transaction_id, s.event_id) >= (e.transaction_id, e.id)))";
        let begin = Instant::now();
        while self.app.database.number(waiting).await > 0 {
            assert!(begin.elapsed() < Duration::from_secs(40), "mails stay unsent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the delivery of events to customers has begun.
    pub(super) async fn until_subscribed(&self) {
        while self.app.database.number("SELECT count(*) FROM outbox_subscribers").await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs `uses` while nobody can lock the account's row, until several wait for it: those come at the same time.
    pub(super) async fn while_held<T>(&self, email: &str, uses: impl Future<Output = T>) -> T {
        let client = self.app.database.client().await;
        let hold = format!("BEGIN; SELECT FROM users WHERE email = '{email}' FOR UPDATE");
        client.batch_execute(&hold).await.unwrap();
        let release = async {
            self.app.until_waiting_for_locks(4).await;
            client.batch_execute("COMMIT").await.unwrap();
        };
        tokio::join!(uses, release).0
    }

    pub(super) async fn close(self) {
        self.app.close().await;
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

pub(super) fn settings(folder: &std::path::Path) -> [(&str, &str); 3] {
    [("MODE", "development"), ("MAIL_FOLDER", folder.to_str().unwrap()), ("MAIL_REQUESTS_PER_HOUR", "5")]
}

pub(super) fn subject(letter: &str) -> &str {
    letter.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default()
}

pub(super) fn token(letter: &str) -> String {
    let is_token =
        |line: &&str| line.len() == 43 && line.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    letter.lines().find(is_token).unwrap_or_else(|| panic!("no token in {letter}")).to_owned()
}

pub(super) async fn verify(client: &Client, token: &str) -> Response {
    client.post("/v1/email-verifications", &json!({ "token": token })).await
}

pub(super) async fn request_reset(client: &Client, email: &str) {
    let response = client.post("/v1/password-resets", &json!({ "email": email })).await;
    assert_eq!((response.status, response.text.as_str()), (202, ""));
}

pub(super) async fn reset(client: &Client, token: &str, password: &str) -> Response {
    let body = json!({ "token": token, "new_password": password });
    Client::send(client.request(Method::PUT, "/v1/password-resets").json(&body)).await
}

/// The names of the violations in a 422.
pub(super) fn violations(response: &Response) -> Vec<(String, String)> {
    assert_eq!(response.problem(), (422, "validation-failed".to_owned()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = response.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

pub(super) fn about_token(code: &str) -> Vec<(String, String)> {
    vec![("/token".to_owned(), code.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_address_gets_the_verification_and_nothing_else() {
    let mail = MailApp::open(2).await;
    mail.until_subscribed().await;
    let name = "dear customer, your card was charged. Dispute: https://evil.example/refund";
    let email = mail.app.unverified_account(name).await;
    let customer = mail.app.anonymous().log_in(&email, PASSWORD).await;
    assert_eq!(customer.get("/v1/me").await.expect(200)["email_verified"], false);
    let item = mail.app.item(1).await;
    for _ in 0..100 {
        let order = customer.order(&[(item, 1)]).await.expect(201);
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        customer.post(&path, &json!({})).await.expect(200);
    }
    request_reset(&customer, &email).await;
    mail.until_idle().await;
    assert_eq!(mail.subjects_to(&email), [VERIFY, VERIFY], "the second for the reset of an unverified address");
    for letter in mail.letters_to(&email) {
        assert!(!letter.contains("evil") && !letter.contains("dear"), "{letter}");
    }
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_verifies_its_address_once_and_then_orders_are_written_about() {
    let mail = MailApp::open(1).await;
    mail.until_subscribed().await;
    let anonymous = mail.app.anonymous();
    let (email, other) = (mail.app.unverified_account("evil.example").await, mail.app.unverified_account("Ben").await);
    let first = mail.token(&email, VERIFY, 1).await;
    let customer = anonymous.log_in(&email, PASSWORD).await;
    let again = customer.post("/v1/me/email-verification", &json!({})).await;
    assert_eq!((again.status, again.text.as_str()), (202, ""));
    let second = mail.token(&email, VERIFY, 2).await;
    assert_ne!(first, second);

    assert_eq!(verify(&anonymous, &first).await.status, 204, "an earlier mail counts as well");
    assert_eq!(customer.get("/v1/me").await.expect(200)["email_verified"], true);
    for spent in [&first, &second] {
        assert_eq!(violations(&verify(&anonymous, spent).await), about_token("spent-token"));
    }
    let ben = anonymous.log_in(&other, PASSWORD).await;
    assert_eq!(ben.get("/v1/me").await.expect(200)["email_verified"], false, "a token is its own account's");

    // Verified already: nothing to send.
    assert_eq!(customer.post("/v1/me/email-verification", &json!({})).await.status, 202);
    let item = mail.app.item(1).await;
    customer.order(&[(item, 1)]).await.expect(201);
    mail.until_idle().await;
    let subjects = mail.subjects_to(&email);
    assert_eq!(&subjects[..2], [VERIFY, VERIFY]);
    assert!(subjects.len() == 3 && subjects[2].starts_with("Your order"), "{subjects:?}");
    assert!(!mail.letters_to(&email)[2].contains("evil.example"), "a name is never a link");
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_two_hundred_mails_gets_five() {
    let mail = MailApp::open(2).await;
    let email = mail.app.unverified_account("Ana").await;
    let customer = mail.app.anonymous().log_in(&email, PASSWORD).await;
    let requests = (0..200).map(|n| {
        let customer = customer.at(&mail.app.servers[n % 2].base_url);
        async move { customer.post("/v1/me/email-verification", &json!({})).await }
    });
    let responses = join_all(requests).await;
    let accepted = responses.iter().filter(|response| response.status == 202).count();
    assert_eq!(accepted, 4, "registration asked for the first");
    for refused in responses.iter().filter(|response| response.status != 202) {
        assert_eq!(refused.problem(), (429, "rate-limited".to_owned()));
    }

    let verified = mail.app.account().await;
    let resets = (0..200).map(|n| {
        let client = Client::anonymous(&mail.app.servers[n % 2].base_url);
        let verified = &verified;
        async move { request_reset(&client, verified).await }
    });
    join_all(resets).await;
    mail.until_idle().await;
    // Addresses that lead to one mailbox have one limit.
    let (local, domain) = email.split_once('@').unwrap();
    for n in 0..3 {
        let body = json!({ "email": format!("{local}+{n}@{domain}"), "password": PASSWORD, "name": "Ana" });
        mail.app.anonymous().post("/v1/users", &body).await.expect(201);
    }
    mail.until_idle().await;
    assert_eq!(mail.subjects_to(&email), [VERIFY; 5]);
    let to_verified = mail.subjects_to(&verified);
    let resets = to_verified.iter().filter(|subject| *subject == RESET).count();
    assert_eq!(resets, 5, "{to_verified:?}");
    for n in 0..3 {
        assert!(mail.letters_to(&format!("{local}+{n}@{domain}")).is_empty());
    }
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_count_say_why_and_change_nothing() {
    let mail = MailApp::open(1).await;
    let email = mail.app.unverified_account("Ana").await;
    let anonymous = mail.app.anonymous();
    let verification = mail.token(&email, VERIFY, 1).await;
    let before = mail.stored().await;
    let unknown = "A".repeat(43);
    for truncated in ["", &verification[..42], &verification[1..], &format!("{verification}A")] {
        assert_eq!(violations(&verify(&anonymous, truncated).await), about_token("malformed-token"), "{truncated}");
        let refused = reset(&anonymous, truncated, NEW_PASSWORD).await;
        assert_eq!(violations(&refused), about_token("malformed-token"), "{truncated}");
    }
    assert_eq!(violations(&verify(&anonymous, &unknown).await), about_token("unknown-token"));
    let for_the_other_purpose = reset(&anonymous, &verification, NEW_PASSWORD).await;
    assert_eq!(violations(&for_the_other_purpose), about_token("unknown-token"));
    assert_eq!(mail.stored().await, before);
    let short = reset(&anonymous, &verification, "short").await;
    assert_eq!(violations(&short), [("/new_password".to_owned(), "too-short".to_owned())]);

    let tables = mail.app.database.client().await;
    tables.execute("UPDATE mail_tokens SET expires_at = now()", &[]).await.unwrap();
    assert_eq!(violations(&verify(&anonymous, &verification).await), about_token("expired-token"));
    let customer = anonymous.log_in(&email, PASSWORD).await;
    assert_eq!(customer.get("/v1/me").await.expect(200)["email_verified"], false);
    tables.execute("UPDATE mail_tokens SET expires_at = now() + interval '1 hour'", &[]).await.unwrap();
    assert_eq!(verify(&anonymous, &verification).await.status, 204);

    request_reset(&anonymous, &email).await;
    let token = mail.token(&email, RESET, 1).await;
    tables.execute("UPDATE mail_tokens SET expires_at = now()", &[]).await.unwrap();
    assert_eq!(violations(&reset(&anonymous, &token, NEW_PASSWORD).await), about_token("expired-token"));
    anonymous.log_in(&email, PASSWORD).await;
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_to_another_account_cannot_use_a_token() {
    let mail = MailApp::open(1).await;
    let anonymous = mail.app.anonymous();
    let (email, verified) = (mail.app.unverified_account("Ana").await, mail.app.account().await);
    let verification = mail.token(&email, VERIFY, 1).await;
    request_reset(&anonymous, &verified).await;
    let reset_token = mail.token(&verified, RESET, 1).await;
    mail.until_idle().await;
    let other = mail.app.customer().await;
    let owner = anonymous.log_in(&email, PASSWORD).await;
    mail.until_idle().await;
    let before = mail.stored().await;
    assert_eq!(violations(&verify(&other, &verification).await), about_token("foreign-token"));
    assert_eq!(violations(&reset(&other, &reset_token, NEW_PASSWORD).await), about_token("foreign-token"));
    assert_eq!(mail.stored().await, before);

    // A session that counts no more is nobody's.
    let stale = other.with_token("no token at all");
    assert_eq!(reset(&stale, &reset_token, NEW_PASSWORD).await.status, 204);
    assert_eq!(verify(&owner, &verification).await.status, 204);
    assert_eq!(owner.get("/v1/me").await.expect(200)["email_verified"], true);
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_the_commit_leaves_the_mail_to_another() {
    let mut mail = MailApp::open(1).await;
    let proxy = Proxy::to(&mail.app.database.url).await;
    let settings = settings(&mail.folder);
    let doomed = mail.app.open_another_at(&proxy.url.clone(), &settings);
    let server = Arc::new(mail.app.servers.pop().unwrap());
    let (killed, death) = mpsc::channel();
    let victim = Arc::clone(&server);
    proxy.at_next_mail(move || {
        victim.signal(Signal::SIGKILL);
        killed.send(()).unwrap();
    });
    let email = format!("{}@example.org", Uuid::now_v7().simple());
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ana" });
    let request = Client::anonymous(&doomed).request(Method::POST, "/v1/users").json(&body);
    assert!(Client::try_send(request).await.is_err(), "no response came");
    assert!(death.try_recv().is_ok(), "the server was killed at the commit");
    let token = mail.token(&email, VERIFY, 1).await;
    assert_eq!(verify(&mail.app.anonymous(), &token).await.status, 204);
    mail.until_idle().await;
    assert_eq!(mail.subjects_to(&email), [VERIFY]);
    drop(server);
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_it_sends_leaves_the_mail_to_another() {
    // A mail server that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let mut app = TestApp::with_servers(1, &[("MODE", "development"), ("MAIL_URL", &url)]).await;
    let email = app.unverified_account("Ana").await;
    while app.database.number("SELECT count(*) FROM mail_tokens").await == 0 {
        tokio::task::yield_now().await;
    }
    app.servers.remove(0).signal(Signal::SIGKILL);
    let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
    app.open_another(&settings(&folder));
    let mail = MailApp { app, folder };
    assert!(mail.letters_to(&email).is_empty(), "the dead server holds the lease");
    let tables = mail.app.database.client().await;
    let leased = "UPDATE mails SET next_at = now() WHERE attempts = 1 AND next_at > now() AND next_at < now() + $1";
    let leased = leased.replace("$1", "interval '2 minutes'");
    assert_eq!(tables.execute(&leased, &[]).await.unwrap(), 1, "the lease ends");
    let token = mail.token(&email, VERIFY, 1).await;
    assert_eq!(verify(&mail.app.anonymous(), &token).await.status, 204);
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent_even_if_its_server_is_gone_and_the_token_is_in_no_table() {
    let mut app = TestApp::with_servers(1, &[]).await;
    // This server writes to nobody: what it commits is left to others.
    let email = app.unverified_account("Ana").await;
    app.servers.remove(0).signal(Signal::SIGKILL);
    let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
    app.open_another(&settings(&folder));
    let mail = MailApp { app, folder };
    let token = mail.token(&email, VERIFY, 1).await;
    let tables = mail.app.database.client().await;
    let rows = "SELECT m::text FROM mails m UNION ALL SELECT t::text FROM mail_tokens t";
    let rows: Vec<String> = tables.query(rows, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(rows.len() >= 2 && rows.iter().all(|row| !row.contains(&token)), "{rows:?}");
    // As bytes a token would look otherwise.
    let hash = "SELECT count(*) FROM mail_tokens WHERE hash = sha256(convert_to($1, 'UTF8'))";
    assert_eq!(tables.query_one(hash, &[&token]).await.unwrap().get::<_, i64>(0), 1);
    assert!(mail.app.servers[0].log().iter().all(|line| !line.contains(&token)));
    assert_eq!(verify(&mail.app.anonymous(), &token).await.status, 204);
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_and_a_new_admin_are_reported() {
    let mail = MailApp::open(1).await;
    let email = mail.app.account().await;
    let customer = mail.app.anonymous().log_in(&email, PASSWORD).await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let changed = Client::send(customer.request(Method::PUT, "/v1/me/password").json(&body)).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    let path = format!("/v1/admin/users/{}", customer.id);
    for role in ["staff", "admin"] {
        let change = mail.app.admin.request(Method::PATCH, &path).json(&json!({ "role": role }));
        Client::send(change).await.expect(200);
    }
    mail.until_idle().await;
    let subjects: HashSet<_> = mail.subjects_to(&email).into_iter().filter(|subject| subject != VERIFY).collect();
    assert_eq!(
        subjects,
        HashSet::from(["Your password was changed", "Your account is an administrator's now"].map(str::to_owned))
    );
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_mails_and_tokens_are_deleted_and_recent_ones_are_not() {
    let mut app = TestApp::open().await;
    let email = app.account().await;
    let tables = app.database.client().await;
    tables
        .batch_execute(
            "INSERT INTO mails (kind, account_id, email, mailbox, created_at) \
             SELECT 'password-reset', NULL, n || '@example.org', n || '@example.org', now() - interval '26 hours' \
             FROM generate_series(1, 1200) n; \
             INSERT INTO mail_tokens (hash, purpose, account_id, email, expires_at, credentials_version) \
             SELECT sha256(n::text::bytea), 'verification', id, email, now() - n * interval '1 hour' + interval '30 minutes', 1 \
             FROM users, generate_series(1, 48) n WHERE email LIKE '%@example.org'",
        )
        .await
        .unwrap();
    app.open_another(&[]);
    let begin = Instant::now();
    while app.database.number("SELECT count(*) FROM mails WHERE created_at < now() - interval '25 hours'").await > 0
        || app.database.number("SELECT count(*) FROM mail_tokens").await > 24
    {
        assert!(begin.elapsed() < Duration::from_secs(20), "old rows stay");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.database.number("SELECT count(*) FROM mail_tokens").await, 24, "those of the last day say why");
    let recent = "SELECT count(*) FROM mails WHERE email = $1";
    assert_eq!(tables.query_one(recent, &[&email]).await.unwrap().get::<_, i64>(0), 1);
    app.close().await;
}
