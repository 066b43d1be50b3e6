use std::convert::identity;

use actix_web::HttpResponse;
use comanda_application::Events;
use comanda_domain::ports::{DeadLetter, Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::{
    extract::{Admin, Filter, Paged, Service, pages},
    problem::{Failure, Problem},
    validation::Violations,
    wire::{WireTime, names},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterFilter {}

impl Filter for DeadLetterFilter {
    const LIST: &'static str = "dead-letters";
    type Criteria = ();
    type Position = i64;

    fn criteria(self, _: &mut Violations) -> Result<(), Problem> {
        Ok(())
    }
}

pages! {
    DeadLetterPage of DeadLetterResponse;
}

/// Lists the events that could not be delivered, oldest first
///
/// Their delivery was given up after `OUTBOX_ATTEMPTS` attempts. Other events do not wait for them.
#[utoipa::path(
    get, path = "/v1/admin/dead-letters", operation_id = "list_dead_letters",
    responses((status = 200, description = "A page of the list", body = DeadLetterPage))
)]
pub async fn list_dead_letters(
    events: Service<Events>,
    Admin(admin): Admin,
    Paged { limit, after, pages, .. }: Paged<DeadLetterFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = events.list_dead_letters(admin, after, limit).await?;
    Ok(pages.respond::<DeadLetterPage, _, _>(found, identity, DeadLetterResponse::from))
}

/// An event that could not be delivered to a subscriber.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterResponse {
    id: i64,
    #[schema(example = "mail")]
    subscriber: String,
    event_id: i64,
    #[schema(value_type = names::EventType)]
    r#type: String,
    /// The order or the menu item.
    subject: Uuid,
    occurred_at: WireTime,
    /// How many attempts there were.
    attempts: u32,
    /// Why the last attempt failed.
    error: String,
}

impl From<DeadLetter> for DeadLetterResponse {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id,
            subscriber: letter.subscriber,
            event_id: letter.event,
            r#type: letter.kind,
            subject: letter.stream,
            occurred_at: WireTime(letter.occurred_at),
            attempts: letter.attempts,
            error: letter.error,
        }
    }
}
