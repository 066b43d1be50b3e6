use comanda_domain::{
    Timestamp,
    ports::{MalformedEvent, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::READER;
use crate::database::{Database, Named, schema::gateway_events};

/// The event counts as handled, too: servers of the previous release do not know `malformed`, and would attempt it
/// forever.
pub(super) async fn mark_malformed(
    database: &Database,
    id: &str,
    error: MalformedEvent,
    at: Timestamp,
) -> Result<(), Unavailable> {
    tracing::error!(event = id, %error, "an event from the payment gateway cannot be read; it stays in gateway_events");
    let mut connection = database.connection().await?;
    diesel::update(gateway_events::table.find(id))
        .set((
            gateway_events::handled_at.eq(at),
            gateway_events::unknown_kind.eq(None::<&str>),
            gateway_events::malformed.eq(error.0),
            gateway_events::reader.eq(READER),
        ))
        .execute(&mut *connection)
        .changes("gateway_event.malformed")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
