use comanda_domain::{
    OrderId, OrderScope, OrderWithLines, StreamPosition,
    ports::{Opening, Unavailable},
};
use diesel_async::AsyncPgConnection;

use super::{here::Here, known::is_known};
use crate::{
    database::{Database, Failure, flush_what_was_read_before},
    orders::load,
};

pub(super) async fn open_order(
    database: &Database,
    id: OrderId,
    scope: OrderScope,
    from: Option<StreamPosition>,
) -> Result<Option<Opening<OrderWithLines>>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let currency = database.currency();
    // In one snapshot: whatever it does not know comes after the position, and nothing else does.
    let opening = (*connection)
        .build_transaction()
        .read_only()
        .repeatable_read()
        .run::<_, Failure<Unavailable>, _>(async move |connection: &mut AsyncPgConnection| {
            let here = Here::find(connection).await?;
            let found = load(connection, currency, &[id]).await?.remove(&id).transpose();
            let Some(shown) = found.map_err(Unavailable::from)? else { return Ok(None) };
            if !scope.admits(shown.order.customer_id) {
                return Ok(None);
            }
            let resumes = match &from {
                Some(from) => is_known(connection, &here, from).await?,
                None => false,
            };
            let opening = Opening { shown, position: here.position(), resumes };
            Ok(Some((opening, here.log_place)))
        })
        .await
        .map_err(|failure| failure.0)?;
    let Some((opening, log_place)) = opening else { return Ok(None) };
    // What a crash can still undo is not shown, nor a position that it takes back: other transactions would get these
    // numbers.
    flush_what_was_read_before(&connection, &log_place).await.map_err(Unavailable::new)?;
    Ok(Some(opening))
}
