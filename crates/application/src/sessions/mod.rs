//! Signing in, staying signed in, and signing out.

mod end;
mod end_all;
mod end_others;
mod list;
mod refresh;
mod renew;
mod sign_in;
mod sign_out;
mod terms;

use std::sync::Arc;

use comanda_domain::{
    AccountId, SecurityEvent, SecurityEventKind, SecurityOutcome, SessionId,
    ports::{self, AccessTokens, Clock, ClosedSessions, IdGenerator, RefreshTokens, SecurityLog},
};

pub use end::EndSessionError;
pub use refresh::RefreshSessionError;
pub use renew::RenewedSession;
pub use sign_in::{BrowserSession, ClientSession};
pub use terms::SessionTerms;

use crate::accounts::Passwords;

/// The sessions of clients and browsers. One file per verb.
#[derive(Clone)]
pub struct Sessions {
    pub sessions: Arc<dyn ports::Sessions>,
    pub closed_sessions: Arc<dyn ClosedSessions>,
    pub passwords: Passwords,
    pub access_tokens: Arc<dyn AccessTokens>,
    pub refresh_tokens: Arc<dyn RefreshTokens>,
    pub security: Arc<dyn SecurityLog>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
    pub terms: SessionTerms,
}

impl Sessions {
    fn record_end(&self, of: AccountId, ended: &[SessionId], reason: &'static str) {
        for session_id in ended {
            let event = SecurityEvent::new(SecurityEventKind::SignOut, SecurityOutcome::Success);
            self.security.record(event.of_account(of).in_session(*session_id).because(reason));
        }
    }
}
