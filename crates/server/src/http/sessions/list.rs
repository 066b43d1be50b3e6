use actix_web::HttpResponse;
use comanda_application::Sessions;
use comanda_domain::{Session, SessionId, ports::Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::{
    extract::{Filter, Paged, Service, SignedIn, pages},
    problem::{Failure, Problem},
    validation::Violations,
    wire::WireTime,
};

/// Lists the caller's open sessions, the newest first
///
/// Each with its client, the network it was opened from, and when it was last used. One of them is `current`.
#[utoipa::path(
    get, path = "/v1/me/sessions", operation_id = "list_sessions",
    responses((status = 200, description = "A page of the list", body = OpenSessionPage))
)]
pub async fn list(
    sessions: Service<Sessions>,
    SignedIn(actor): SignedIn,
    Paged { criteria: (), limit, after, pages }: Paged<SessionFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = sessions.list(actor, after.map(SessionId::new), limit).await?;
    let show = |session: Session| OpenSessionResponse::of(session, actor.session_id);
    Ok(pages.respond::<OpenSessionPage, _, _>(found, SessionId::as_uuid, show))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SessionFilter {}

impl Filter for SessionFilter {
    const LIST: &'static str = "sessions";
    type Criteria = ();
    type Position = Uuid;

    fn criteria(self, _: &mut Violations) -> Result<(), Problem> {
        Ok(())
    }
}

pages! {
    OpenSessionPage of OpenSessionResponse;
}

#[derive(Serialize, ToSchema)]
#[schema(as = OpenSession)]
pub struct OpenSessionResponse {
    id: Uuid,
    /// What the client called itself when it signed in.
    #[schema(required, max_length = 200, example = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")]
    client: Option<String>,
    /// The network that it signed in from: /24 of an IPv4 address, /48 of an IPv6 address.
    #[schema(required, example = "192.0.2.0/24")]
    network: Option<String>,
    opened_at: WireTime,
    /// When it was last refreshed, or, in a browser, last used, to a few minutes.
    last_used_at: WireTime,
    /// Whether this request belongs to it.
    current: bool,
}

impl OpenSessionResponse {
    fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.as_uuid(),
            client: session.origin.client.map(String::from),
            network: session.origin.network.map(|network| network.to_string()),
            opened_at: WireTime(session.opened_at),
            last_used_at: WireTime(session.last_used_at),
            current: session.id == current,
        }
    }
}
