use comanda_domain::{Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::READER;
use crate::database::{Database, Named, schema::gateway_events};

pub(super) async fn mark_handled(database: &Database, id: &str, at: Timestamp) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(gateway_events::table.find(id))
        .set((
            gateway_events::handled_at.eq(at),
            gateway_events::unknown_kind.eq(None::<&str>),
            gateway_events::reader.eq(READER),
        ))
        .execute(&mut *connection)
        .changes("gateway_event.handled")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
