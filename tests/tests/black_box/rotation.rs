//! Replacing keys while servers serve, in the order of docs/security.md.

use std::{
    io::Write,
    process::{Output, Stdio},
};

use comanda_tests::{Client, PASSWORD, TestApp, TestServer, comanda, signing_key};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

const OLD: &str = "a secret of the tests, and of nobody else";
const NEW: &str = "the next secret of the tests, and of nobody else";

/// Runs `comanda keys`, which needs no settings.
fn keys(arguments: &[&str], input: &str) -> Output {
    let mut command = comanda("", "");
    command.env_clear().arg("keys").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn printed_key(arguments: &[&str], input: &str) -> String {
    let output = keys(arguments, input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Somebody who has signed in at one server, as a program and as a browser, and reads a list.
struct Visitor {
    email: String,
    access: String,
    refresh: String,
    device: String,
    session_cookie: String,
    csrf: String,
    cursor: String,
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().expect("a text").to_owned()
}

async fn visitor(app: &TestApp, at: &Client) -> Visitor {
    let email = app.account().await;
    let client = at.try_password(&email, PASSWORD).await.expect(200);
    let browser = at.post("/v1/web/sessions", &json!({ "email": email, "password": PASSWORD })).await;
    let cookie = browser.headers.get_all("set-cookie").iter().find_map(|cookie| {
        cookie.to_str().unwrap().strip_prefix("__Host-session=")?.split(';').next().map(str::to_owned)
    });
    Visitor {
        access: text(&client, "access_token"),
        refresh: text(&client, "refresh_token"),
        device: text(&client, "device_token"),
        session_cookie: cookie.expect("a session"),
        csrf: text(&browser.expect(200), "csrf_token"),
        cursor: text(&at.get("/v1/menu/items?limit=1").await.expect(200), "next_cursor"),
        email,
    }
}

impl Visitor {
    /// Whatever the visitor was given is good here, too.
    async fn goes_on_at(&mut self, at: &Client) {
        at.with_token(&self.access).get("/v1/me").await.expect(200);
        at.get(&format!("/v1/menu/items?limit=1&cursor={}", self.cursor)).await.expect(200);
        let cookie = format!("__Host-session={}; __Host-csrf={}", self.session_cookie, self.csrf);
        let order = at.request(Method::POST, "/v1/orders").header("cookie", cookie).header("origin", at.base_url());
        let order = Client::send(order.header("x-csrf-token", &self.csrf).json(&json!({ "items": [] }))).await;
        assert_eq!(order.code(), "validation-failed", "the token is the session's, and the order is empty");
        let credentials = json!({ "email": self.email, "password": PASSWORD });
        let sign_in = at.request(Method::POST, "/v1/sessions").header("x-device-token", &self.device);
        self.device = text(&Client::send(sign_in.json(&credentials)).await.expect(200), "device_token");
        let next = at.post("/v1/sessions/refresh", &json!({ "refresh_token": self.refresh })).await.expect(200);
        (self.access, self.refresh) = (text(&next, "access_token"), text(&next, "refresh_token"));
    }

    /// Neither what the access tokens' key has signed nor what was made with the secret is good here.
    async fn is_refused_at(&self, at: &Client) {
        let me = at.with_token(&self.access).get("/v1/me").await;
        assert_eq!(me.problem(), (401, "unauthenticated".to_owned()));
        let list = at.get(&format!("/v1/menu/items?limit=1&cursor={}", self.cursor)).await;
        assert_eq!(list.problem(), (400, "invalid-cursor".to_owned()));
        let next = at.post("/v1/sessions/refresh", &json!({ "refresh_token": self.refresh })).await;
        assert_eq!(next.problem(), (401, "unauthenticated".to_owned()));
    }
}

/// A server per step. While servers are restarted for a step, some are still as the step before left them.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_while_half_of_the_servers_have_restarted_and_nobody_is_signed_out() {
    let new_key = printed_key(&["generate"], "");
    let (old_public, new_public) = (printed_key(&["public"], signing_key()), printed_key(&["public"], &new_key));
    let steps: [&[(&str, &str)]; 4] = [
        &[],
        &[("VERIFICATION_SECRET_KEYS", NEW), ("JWT_VERIFICATION_KEYS", &new_public)],
        &[
            ("SECRET_KEY", NEW),
            ("VERIFICATION_SECRET_KEYS", OLD),
            ("JWT_SIGNING_KEY", &new_key),
            ("JWT_VERIFICATION_KEYS", &old_public),
        ],
        &[("SECRET_KEY", NEW), ("JWT_SIGNING_KEY", &new_key)],
    ];
    let mut app = TestApp::with_servers(1, steps[0]).await;
    for settings in &steps[1..] {
        app.open_another(settings);
    }
    for _ in 0..2 {
        app.item(1).await;
    }
    let at: Vec<Client> = app.servers.iter().map(|server| Client::anonymous(&server.base_url)).collect();
    for (restarted, before) in [(1, 0), (2, 1), (3, 2)] {
        for (here, there) in [(restarted, before), (before, restarted)] {
            let mut visitor = visitor(&app, &at[here]).await;
            for server in [here, there, here] {
                visitor.goes_on_at(&at[server]).await;
            }
        }
    }
    // Whoever skips the first step, or the wait before the last, signs people out.
    for (here, there) in [(2, 0), (0, 3)] {
        visitor(&app, &at[here]).await.is_refused_at(&at[there]).await;
    }
    app.close().await;
}

/// A file that holds a setting.
struct SettingFile(std::path::PathBuf);

impl SettingFile {
    fn holding(value: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("comanda-setting-{}", uuid::Uuid::now_v7())));
        file.replace(value);
        file
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn replace(&self, value: &str) {
        std::fs::write(&self.0, value).unwrap();
    }
}

impl Drop for SettingFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Has a server read its settings again, and waits until it has done so for this many times.
async fn until_read_again(server: &TestServer, times: usize) {
    let done = |line: &String| line.contains("logging by other directives") || line.contains("nothing has changed");
    server.signal(Signal::SIGHUP);
    while server.log().iter().filter(|line| done(line)).count() < times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_files_are_replaced_without_a_restart() {
    let new_key = printed_key(&["generate"], "");
    let (old_public, new_public) = (printed_key(&["public"], signing_key()), printed_key(&["public"], &new_key));
    let (secret, signing) = (SettingFile::holding(OLD), SettingFile::holding(signing_key()));
    let (secrets, verifying) = (SettingFile::holding(NEW), SettingFile::holding(&new_public));
    let settings = [
        ("SECRET_KEY", ""),
        ("SECRET_KEY_FILE", secret.name()),
        ("VERIFICATION_SECRET_KEYS_FILE", secrets.name()),
        ("JWT_SIGNING_KEY", ""),
        ("JWT_SIGNING_KEY_FILE", signing.name()),
        ("JWT_VERIFICATION_KEYS_FILE", verifying.name()),
    ];
    let app = TestApp::with_servers(1, &settings).await;
    for _ in 0..2 {
        app.item(1).await;
    }
    let (server, at) = (&app.servers[0], app.anonymous());
    let mut early = visitor(&app, &at).await;
    // With an overlap, nobody notices.
    secret.replace(NEW);
    secrets.replace(OLD);
    signing.replace(&new_key);
    verifying.replace(&old_public);
    until_read_again(server, 1).await;
    early.goes_on_at(&at).await;
    let mut late = visitor(&app, &at).await;
    // A mistake changes nothing, and is named.
    secret.replace("short");
    signing.replace("nonsense");
    until_read_again(server, 2).await;
    let mistake = server.log().into_iter().find(|line| line.contains("nothing has changed")).unwrap();
    assert!(mistake.contains("SECRET_KEY: ") && mistake.contains("JWT_SIGNING_KEY: "), "{mistake}");
    late.goes_on_at(&at).await;
    // Without one, what the old keys have made is worth nothing at once.
    let stale = visitor(&app, &at).await;
    secret.replace("a third secret of the tests, and of nobody else");
    secrets.replace("a fourth secret of the tests, and of nobody else");
    signing.replace(&printed_key(&["generate"], ""));
    until_read_again(server, 3).await;
    stale.is_refused_at(&at).await;
    app.close().await;
}

#[test]
fn keys_are_made_for_each_purpose() {
    let (one, other) = (printed_key(&["secret"], ""), printed_key(&["secret"], ""));
    assert!(one.trim().len() >= 43 && one != other, "{one} {other}");
    let private = printed_key(&["generate"], "");
    let public = printed_key(&["public"], &private);
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    for odd in ["", "nonsense", &public] {
        let output = keys(&["public"], odd);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("Ed25519"), "{output:?}");
    }
}
