use comanda_domain::{
    Actor, SessionId, Timestamp,
    ports::{AccessToken, Audience, Renewed, TokenSession, Unavailable, VerifiedToken},
};

use super::Sessions;

/// A browser's session that goes on, with its next token.
pub struct RenewedSession {
    pub actor: Actor,
    pub session_token: AccessToken,
}

impl Sessions {
    /// Whether a browser's token is so old that its session has to be renewed before it is believed.
    pub fn is_to_be_renewed(&self, token: &VerifiedToken, now: Timestamp) -> bool {
        now - token.issued_at >= chrono::TimeDelta::from_std(self.terms.renew_after()).unwrap_or_default()
    }

    /// Continues a browser's session. `None` if it has ended: closed, expired, or not used for too long.
    pub async fn renew(&self, session_id: SessionId) -> Result<Option<RenewedSession>, Unavailable> {
        let now = self.clock.now();
        let renewed = self.sessions.renew(session_id, now, now + self.terms.browser_idle).await?;
        let Some(Renewed { account, ends_at }) = renewed else { return Ok(None) };
        let session = TokenSession { id: session_id, ends_at };
        let session_token = self.access_tokens.issue(&account, session, Audience::Browser, now)?;
        let actor = Actor { account_id: account.id, role: account.role, session_id };
        Ok(Some(RenewedSession { actor, session_token }))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use comanda_domain::{
        Role,
        ports::{MockAccessTokens, MockSessions},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn a_session_that_goes_on_gets_its_next_token_and_another_ends() {
        for open in [true, false] {
            let actor = sample::actor(Role::Customer);
            let mut stored = MockSessions::new();
            stored
                .expect_renew()
                .once()
                .withf(move |id, _, idle_at| {
                    *id == actor.session_id && *idle_at == sample::now() + Duration::from_secs(30)
                })
                .returning(move |_, now, _| {
                    let renewed = Renewed { account: sample::customer(), ends_at: now + Duration::from_secs(9) };
                    Ok(open.then_some(renewed))
                });
            let mut access_tokens = MockAccessTokens::new();
            access_tokens
                .expect_issue()
                .withf(|_, session, _, now| session.ends_at == *now + Duration::from_secs(9))
                .returning(|_, _, _, _| Ok(AccessToken { token: "next".to_owned(), expires_in: 9 }));
            let sessions =
                Sessions { sessions: Arc::new(stored), access_tokens: Arc::new(access_tokens), ..sample::sessions() };
            let renewed = sessions.renew(actor.session_id).await.unwrap();
            assert_eq!(renewed.map(|renewed| renewed.actor), open.then_some(actor));
        }
    }

    #[test]
    fn a_token_is_renewed_after_a_sixth_of_the_idle_timeout() {
        let (actor, now) = (sample::actor(Role::Customer), sample::now());
        let token = VerifiedToken { actor, issued_at: now, expires_at: now };
        let sessions = sample::sessions();
        assert!(!sessions.is_to_be_renewed(&token, sample::now() + Duration::from_secs(4)));
        assert!(sessions.is_to_be_renewed(&token, sample::now() + Duration::from_secs(5)));
    }
}
