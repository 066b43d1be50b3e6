use comanda_domain::{
    StationId, StreamPosition, Ticket, Timestamp,
    ports::{Opening, Unavailable},
};
use diesel_async::AsyncPgConnection;

use super::{here::Here, known::is_known};
use crate::{
    database::{Database, Failure, flush_what_was_read_before},
    kitchen::{current_tickets, station_exists},
};

pub(super) async fn open_kitchen(
    database: &Database,
    station: Option<StationId>,
    ready_since: Timestamp,
    from: Option<StreamPosition>,
) -> Result<Option<Opening<Vec<Ticket>>>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let currency = database.currency();
    // In one snapshot, like an order.
    let opening = (*connection)
        .build_transaction()
        .read_only()
        .repeatable_read()
        .run::<_, Failure<Unavailable>, _>(async move |connection: &mut AsyncPgConnection| {
            let here = Here::find(connection).await?;
            if let Some(station) = station
                && !station_exists(connection, station).await?
            {
                return Ok(None);
            }
            let resumes = match &from {
                Some(from) => is_known(connection, &here, from).await?,
                None => false,
            };
            // Whoever goes on has them.
            let shown = match resumes {
                true => Vec::new(),
                false => current_tickets(connection, currency, station, ready_since).await?,
            };
            let opening = Opening { shown, position: here.position(), resumes };
            Ok(Some((opening, here.log_place)))
        })
        .await
        .map_err(|failure| failure.0)?;
    let Some((opening, log_place)) = opening else { return Ok(None) };
    flush_what_was_read_before(&connection, &log_place).await.map_err(Unavailable::new)?;
    Ok(Some(opening))
}
