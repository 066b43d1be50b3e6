use comanda_domain::{PaymentId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::payments};

pub(super) async fn mark_cancelled(database: &Database, id: PaymentId) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(payments::table.find(id.as_uuid()))
        .set((payments::call_off.eq(false), payments::taken_until.eq(None::<Timestamp>)))
        .execute(&mut *connection)
        .changes("payment.mark_cancelled")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
