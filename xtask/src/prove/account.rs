use comanda_domain::AccountId;
use comanda_proof::{Caller, Request, SessionId};
use serde_json::{Value, json};

use super::person::{Answer, Call, Credential, Person};

/// Somebody who can sign in, and whether they are.
pub struct Account {
    pub email: String,
    pub password: String,
    /// What their passwords are known to be. An account that others may disable is not known to have the right one.
    pub is_certain: bool,
    /// Of the session that is open, as far as is known.
    pub credential: Credential,
    refresh_token: String,
    /// Of sessions that have ended.
    pub ended: Vec<Credential>,
}

impl Account {
    /// One that exists; it is not signed in.
    pub fn known(email: &str, password: &str) -> Self {
        let nobody = AccountId::new(uuid::Uuid::nil());
        let credential =
            Credential { token: String::new(), account: nobody, session: SessionId(0), role: Caller::Anonymous };
        Self {
            email: email.to_owned(),
            password: password.to_owned(),
            is_certain: true,
            credential,
            refresh_token: String::new(),
            ended: Vec::new(),
        }
    }

    /// Opens an account, and a session.
    pub async fn register(person: &mut Person) -> Option<Self> {
        let mut account = Self::known(&format!("{}@comanda.example", person.name), &format!("pw {}", person.key()));
        let body = json!({ "email": account.email, "password": account.password, "name": person.name });
        // Whoever asks twice may be told that it exists.
        person.insist(&Call::post("/v1/users", body)).await?;
        account.sign_in(person).await?;
        Some(account)
    }

    pub fn id(&self) -> AccountId {
        self.credential.account
    }

    /// With a password that is right, is not, or nobody knows.
    pub fn sign_in_with(&self, password: &str, right: Option<bool>) -> Call {
        let body = json!({ "email": self.email, "password": password });
        let recorded = Request::SignIn { email: self.email.clone(), device: None, right };
        Call::post("/v1/sessions", body).recorded_as(recorded)
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
        self.keep_tokens(&answer.body);
        true
    }

    fn keep_tokens(&mut self, session: &Value) {
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        (self.credential.token, self.refresh_token) = (text("access_token"), text("refresh_token"));
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
        let end = Call::delete("/v1/sessions/current", None).by(&self.credential);
        person.ask(&end).await;
        self.bury();
        self.sign_in(person).await
    }

    /// Signs in again if this is why somebody was refused.
    pub async fn understand(&mut self, person: &mut Person, answer: &Answer) -> Option<()> {
        if answer.status == 401 {
            self.bury();
            self.sign_in(person).await?;
        }
        Some(())
    }

    /// A token for some more time.
    pub async fn refresh(&mut self, person: &mut Person) -> Option<()> {
        let call = Call::post("/v1/sessions/refresh", json!({ "refresh_token": self.refresh_token }));
        match person.ask(&call.by(&self.credential)).await {
            Some(answer) if answer.status == 200 => self.keep_tokens(&answer.body),
            Some(answer) => self.understand(person, &answer).await?,
            None => {}
        }
        Some(())
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
    Some(Credential { token: String::new(), account, session: SessionId(answer.sequence), role })
}
