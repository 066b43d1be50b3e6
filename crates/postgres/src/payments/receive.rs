use comanda_domain::{
    Timestamp,
    ports::{InboxEvent, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::gateway_events};

pub(super) async fn receive(database: &Database, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    let received = diesel::insert_into(gateway_events::table)
        .values((
            gateway_events::id.eq(&event.id),
            gateway_events::received_at.eq(at),
            gateway_events::body.eq(&event.body),
        ))
        .on_conflict(gateway_events::id)
        .do_nothing()
        .execute(&mut *connection)
        .changes("gateway_event.insert")
        .await
        .map_err(Unavailable::new)?;
    Ok(received == 1)
}
