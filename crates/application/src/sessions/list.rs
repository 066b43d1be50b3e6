use comanda_domain::{
    Actor, Page, PageLimit, Session, SessionId,
    ports::{SessionsQuery, Unavailable},
};

use super::Sessions;

impl Sessions {
    /// A page of the caller's open sessions, the newest first.
    pub async fn list(
        &self,
        actor: Actor,
        before: Option<SessionId>,
        limit: PageLimit,
    ) -> Result<Page<Session, SessionId>, Unavailable> {
        let query = SessionsQuery { account_id: actor.account_id, now: self.clock.now(), before, limit };
        self.sessions.list(query).await
    }
}
