use comanda_domain::{Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::READER;
use crate::database::{Database, Named, schema::gateway_events};

/// The event counts as handled, too: otherwise every server would attempt forever what is of no use to any.
pub(super) async fn mark_unknown(database: &Database, id: &str, kind: &str, at: Timestamp) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(gateway_events::table.find(id))
        .set((
            gateway_events::handled_at.eq(at),
            gateway_events::taken_until.eq(None::<Timestamp>),
            gateway_events::unknown_kind.eq(kind),
            gateway_events::reader.eq(READER),
        ))
        .execute(&mut *connection)
        .changes("gateway_event.unknown")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
