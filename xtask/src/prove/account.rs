use comanda_domain::AccountId;
use comanda_proof::{Caller, Request, SessionId};
use serde_json::{Value, json};

use super::{
    browser::{self, Page},
    person::{Answer, Call, Credential, Person},
};

/// How somebody keeps a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// As a program does.
    InTokens,
    /// As a browser does.
    InCookies,
}

/// Somebody who can sign in, and whether they are.
pub struct Account {
    pub email: String,
    pub password: String,
    /// What their passwords are known to be. An account that others may disable is not known to have the right one.
    pub is_certain: bool,
    /// Of the session that is open, as far as is known.
    pub credential: Credential,
    refresh_token: String,
    /// Refresh tokens of the session that were exchanged before, the oldest first.
    spent: Vec<String>,
    kept: Kept,
    /// Shows that they have signed in from this device before.
    device: Option<String>,
    /// Of sessions that have ended.
    pub ended: Vec<Credential>,
}

impl Account {
    /// One that exists; it is not signed in.
    pub fn known(email: &str, password: &str) -> Self {
        let nobody = AccountId::new(uuid::Uuid::nil());
        let (account, session, role) = (nobody, SessionId(0), Caller::Anonymous);
        let credential = Credential { token: String::new(), csrf: None, account, session, role };
        Self {
            email: email.to_owned(),
            password: password.to_owned(),
            is_certain: true,
            credential,
            refresh_token: String::new(),
            spent: Vec::new(),
            kept: Kept::InTokens,
            device: None,
            ended: Vec::new(),
        }
    }

    /// Opens an account, and a session.
    pub async fn register(person: &mut Person) -> Option<Self> {
        Self::register_and_keep(person, Kept::InTokens).await
    }

    pub async fn register_and_keep(person: &mut Person, kept: Kept) -> Option<Self> {
        let account = Self::known(&format!("{}@comanda.example", person.name), &format!("pw {}", person.key()));
        let mut account = Self { kept, ..account };
        let body = json!({ "email": account.email, "password": account.password, "name": person.name });
        // Whoever asks twice may be told that it exists.
        person.insist(&Call::post("/v1/users", body)).await?;
        account.sign_in(person).await?;
        Some(account)
    }

    pub fn id(&self) -> AccountId {
        self.credential.account
    }

    pub fn is_in_browser(&self) -> bool {
        self.kept == Kept::InCookies
    }

    /// With a password that is right, is not, or nobody knows. Only browsers remember that they were here before.
    pub fn sign_in_with(&self, password: &str, right: Option<bool>) -> Call {
        let device = self.device.clone().filter(|_| self.is_in_browser());
        self.sign_in_from(device, password, right)
    }

    /// The same from the device that was used before.
    pub fn sign_in_from_device(&self, password: &str, right: Option<bool>) -> Call {
        self.sign_in_from(self.device.clone(), password, right)
    }

    fn sign_in_from(&self, device: Option<String>, password: &str, right: Option<bool>) -> Call {
        let body = json!({ "email": self.email, "password": password });
        let known = device.as_ref().map(|_| 1);
        let recorded = Request::SignIn { email: self.email.clone(), device: known, right };
        let call = match self.kept {
            Kept::InTokens => Call::post("/v1/sessions", body),
            Kept::InCookies if self.credential.token.is_empty() => {
                Call::post("/v1/web/sessions", body).sent_from(Page::Ours)
            }
            // The session of the cookie is replaced.
            Kept::InCookies => Call::post("/v1/web/sessions", body).by(&self.credential),
        };
        Call { device, ..call.recorded_as(recorded) }
    }

    /// A session more. `None`: all is over.
    pub async fn sign_in(&mut self, person: &mut Person) -> Option<()> {
        loop {
            let right = self.is_certain.then_some(true);
            let answer = person.insist(&self.sign_in_with(&self.password, right)).await?;
            if self.take(&answer) {
                return Some(());
            }
            // It is locked, or disabled for now.
            if !person.goes_on() {
                return None;
            }
            person.think(500).await;
        }
    }

    fn take(&mut self, answer: &Answer) -> bool {
        let Some(credential) = credential_of(answer) else { return false };
        self.credential = credential;
        self.spent.clear();
        let text = |name: &str| answer.body[name].as_str().map(str::to_owned);
        self.device = text("device_token").or_else(|| answer.cookie(browser::DEVICE)).or(self.device.take());
        match self.kept {
            Kept::InTokens => self.keep_tokens(&answer.body),
            Kept::InCookies => self.credential.csrf = text("csrf_token"),
        }
        self.keep_cookie(answer);
        true
    }

    fn keep_tokens(&mut self, session: &Value) {
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        (self.credential.token, self.refresh_token) = (text("access_token"), text("refresh_token"));
    }

    /// A session is renewed now and then.
    fn keep_cookie(&mut self, answer: &Answer) {
        if let Some(token) = answer.cookie(browser::SESSION) {
            self.credential.token = token;
        }
    }

    /// The session has ended, or may have.
    fn bury(&mut self) {
        const KEPT: usize = 20;
        if self.ended.len() == KEPT {
            self.ended.remove(0);
        }
        self.ended.push(self.credential.clone());
    }

    /// Ends the session, and begins another one.
    pub async fn come_again(&mut self, person: &mut Person) -> Option<()> {
        let path = if self.is_in_browser() { "/v1/web/sessions/current" } else { "/v1/sessions/current" };
        let answer = person.ask(&Call::delete(path, None).by(&self.credential)).await;
        self.bury();
        if answer.is_some_and(|answer| answer.status == 204) {
            self.credential.token.clear();
        }
        self.sign_in(person).await
    }

    /// Signs in with the session of before still in the browser.
    pub async fn replace(&mut self, person: &mut Person) -> Option<()> {
        self.bury();
        self.sign_in(person).await
    }

    /// Signs in again if this is why somebody was refused.
    pub async fn understand(&mut self, person: &mut Person, answer: &Answer) -> Option<()> {
        self.keep_cookie(answer);
        if answer.status == 401 {
            self.bury();
            self.sign_in(person).await?;
        }
        Some(())
    }

    /// A token for some more time.
    pub async fn refresh(&mut self, person: &mut Person) -> Option<()> {
        let answer = person.ask(&self.refreshing()).await;
        self.take_refreshed(person, answer).await
    }

    /// What exchanges the newest refresh token.
    pub fn refreshing(&self) -> Call {
        let body = json!({ "refresh_token": self.refresh_token });
        Call::post("/v1/sessions/refresh", body).by(&self.credential)
    }

    pub async fn take_refreshed(&mut self, person: &mut Person, answer: Option<Answer>) -> Option<()> {
        match answer {
            Some(answer) if answer.status == 200 => {
                let before = self.refresh_token.clone();
                self.keep_tokens(&answer.body);
                // A parallel call has the same.
                if self.refresh_token != before {
                    self.spent.push(before);
                }
            }
            Some(answer) => self.understand(person, &answer).await?,
            None => {}
        }
        Some(())
    }

    /// The same with a token whose successor was exchanged as well, if there is one.
    pub fn refreshing_again(&self, thief: &mut Person) -> Option<Call> {
        let (_, stale) = self.spent.split_last()?;
        let body = json!({ "refresh_token": thief.pick(stale)? });
        let call = Call::post("/v1/sessions/refresh", body).by(&self.credential);
        Some(call.recorded_as(Request::RefreshAgain))
    }

    pub async fn change_password(&mut self, person: &mut Person) -> Option<()> {
        let new = format!("pw {}", person.key());
        let body = json!({ "current_password": self.password, "new_password": new });
        let call = Call::put("/v1/me/password", body).by(&self.credential);
        let outcome = person.ask(&call).await.map(|answer| answer.status);
        match outcome {
            Some(204) => self.password = new,
            // Whoever heard nothing tries both.
            None | Some(500..) => loop {
                for password in [new.clone(), self.password.clone()] {
                    let answer = person.insist(&self.sign_in_with(&password, None)).await?;
                    if self.take(&answer) {
                        self.password = password;
                        return Some(());
                    }
                }
                person.think(500).await;
            },
            Some(401) => self.sign_in(person).await?,
            Some(_) => {}
        }
        Some(())
    }

    /// Knocks with a token of a session that has ended, which nobody may let in.
    pub async fn haunt(&self, person: &mut Person, path: &str) {
        if let Some(credential) = person.pick(&self.ended).cloned() {
            person.ask(&Call::get(path).by(&credential)).await;
        }
    }
}

/// Of the session that a sign-in has opened.
fn credential_of(answer: &Answer) -> Option<Credential> {
    let user = &answer.body["user"];
    let role = match user["role"].as_str()? {
        "customer" => Caller::Customer,
        "staff" => Caller::Staff,
        _ => Caller::Admin,
    };
    let account = serde_json::from_value(user["id"].clone()).ok()?;
    Some(Credential { token: String::new(), csrf: None, account, session: SessionId(answer.sequence), role })
}
