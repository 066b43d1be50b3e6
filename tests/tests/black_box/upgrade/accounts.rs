//! Accounts, sessions and lockouts.

use comanda_tests::{Client, PASSWORD};
use reqwest::Method;
use serde_json::json;

use super::stage::{Servers, Stage, until};
use crate::mail::{NEW_PASSWORD, RESET, request_reset, reset};

const WRONG: &str = "certainly not it";

/// A session that both servers know, from a sign-in to the reset of the password.
pub(super) async fn come_and_go(stage: &Stage, Servers { here, there }: Servers<'_>) {
    let email = stage.account(here).await;
    let (here, there) = (Client::anonymous(here), Client::anonymous(there));
    let body = json!({ "email": email, "password": PASSWORD });
    let mut session = there.post("/v1/sessions", &body).await.expect(200);
    for server in [&here, &there, &here] {
        let refresh = json!({ "refresh_token": session["refresh_token"] });
        session = server.post("/v1/sessions/refresh", &refresh).await.expect(200);
        for server in [&here, &there] {
            let client = server.with_token(session["access_token"].as_str().unwrap());
            assert_eq!(client.get("/v1/me").await.expect(200)["email"], json!(email));
            assert_eq!(client.get("/v1/me/sessions").await.expect(200)["data"].as_array().unwrap().len(), 1);
        }
    }
    let client = here.with_token(session["access_token"].as_str().unwrap());
    let out = Client::send(there.with_token(client.token()).request(Method::DELETE, "/v1/sessions/current")).await;
    assert_eq!(out.status, 204);
    until("a session that was closed elsewhere", || client.get("/v1/me"), |response| response.status == 401).await;

    browse(&here, &there, &email).await;

    let client = here.log_in(&email, PASSWORD).await;
    request_reset(&here, &email).await;
    let token = stage.mailed_token(&email, RESET).await;
    assert_eq!(reset(&there, &token, NEW_PASSWORD).await.status, 204);
    until("a session of the old password", || client.get("/v1/me"), |response| response.status == 401).await;
    assert_eq!(here.try_password(&email, PASSWORD).await.problem(), (401, "invalid-credentials".to_owned()));
    here.log_in(&email, NEW_PASSWORD).await;
    there.log_in(&email, NEW_PASSWORD).await;
}

/// A browser that the servers take turns with.
async fn browse(here: &Client, there: &Client, email: &str) {
    let body = json!({ "email": email, "password": PASSWORD });
    let request = here.request(Method::POST, "/v1/web/sessions").header("origin", here.base_url()).json(&body);
    let signed_in = Client::send(request).await;
    let csrf = signed_in.expect(200)["csrf_token"].as_str().unwrap().to_owned();
    let cookies = signed_in.headers.get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect();
    let send = |server: &Client, method: Method, path: &str| {
        let request = server.request(method, path).header("cookie", cookies.join("; "));
        Client::send(request.header("origin", server.base_url()).header("x-csrf-token", &csrf))
    };
    for server in [here, there] {
        assert_eq!(send(server, Method::GET, "/v1/me").await.expect(200)["email"], json!(email));
    }
    let out = send(there, Method::DELETE, "/v1/web/sessions/current").await;
    assert_eq!(out.status, 204, "{}", out.text);
    until("a closed browser", || send(here, Method::GET, "/v1/me"), |response| response.status == 401).await;
}

/// Wrong passwords at either server count together, and an admin lifts the lock at either.
pub(super) async fn lock_out(stage: &Stage, Servers { here, there }: Servers<'_>) {
    let email = stage.account(here).await;
    let servers = [here, there].map(Client::anonymous);
    for n in 0..5 {
        let refused = servers[n % 2].try_password(&email, WRONG).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials".to_owned()), "attempt {n}");
    }
    let admin = stage.admin(here).await;
    for server in &servers {
        assert_eq!(server.try_password(&email, PASSWORD).await.problem(), (429, "account-locked".to_owned()));
        let path = format!("/v1/admin/lockouts/{email}");
        let lock = admin.at(server.base_url()).get(&path).await.expect(200);
        assert_eq!((&lock["attempts"], &lock["level"]), (&json!(5), &json!(1)), "{lock}");
        admin.at(server.base_url()).get("/v1/admin/lockouts").await.expect(200);
    }
    let unlock = admin.at(there).request(Method::DELETE, &format!("/v1/admin/lockouts/{email}"));
    assert_eq!(Client::send(unlock.json(&json!({ "reason": "they called" }))).await.status, 204);
    for server in &servers {
        server.log_in(&email, PASSWORD).await;
    }
}
