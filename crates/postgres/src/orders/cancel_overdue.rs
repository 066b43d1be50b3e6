//! Cancelling an order that was not paid in time.

use comanda_domain::{
    Timestamp,
    account::OrderScope,
    ids::OrderId,
    money::Currency,
    order_status::CancelledBy,
    ports::{Cancellation, MenuObserver, Unavailable},
    text::Reason,
};
use diesel::{OptionalExtension, QueryableByName, sql_query, sql_types::Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::cancel::{CancelFailure, cancel_locked};
use crate::{Database, database::Named};

#[derive(QueryableByName)]
struct Overdue {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// One order whose customer began to pay by card and did not in time, while the kitchen has not begun. Of several servers that look at once each
/// finds another.
pub(super) async fn cancel_overdue(
    database: &Database,
    currency: Currency,
    now: Timestamp,
    observer: &dyn MenuObserver,
) -> Result<Option<OrderId>, Unavailable> {
    let mut connection = database.connection().await?;
    let cancelled = connection
        .transaction::<_, CancelFailure, _>(async |connection| {
            let overdue: Option<Overdue> = sql_query(
                "SELECT o.id FROM payments p JOIN orders o ON o.id = p.order_id \
                 WHERE p.status IN ('pending', 'requires_action', 'failed') AND p.method = 'card' AND p.expires_at < $1 \
                 AND o.status = 'pending' ORDER BY p.expires_at LIMIT 1 FOR NO KEY UPDATE OF o SKIP LOCKED",
            )
            .bind::<Timestamptz, _>(now)
            .get_result(connection)
            .one("order.find_overdue")
            .await
            .optional()?;
            let Some(Overdue { id }) = overdue else { return Ok(None) };
            let cancellation = Cancellation {
                order_id: OrderId::new(id),
                by: CancelledBy::Staff,
                scope: OrderScope::All,
                reason: Some(Reason::new("not paid in time").map_err(Unavailable::new)?),
                cancelled_at: now,
                idempotency: None,
            };
            let menu_changed = cancel_locked(connection, currency, &cancellation).await?;
            Ok(Some((cancellation.order_id, menu_changed)))
        })
        .await
        .map_err(|failure| Unavailable::new(failure.0))?;
    if cancelled.is_some_and(|(_, menu_changed)| menu_changed) {
        observer.menu_changed();
    }
    Ok(cancelled.map(|(id, _)| id))
}
