use std::{sync::Arc, time::Duration};

use comanda_postgres::PostgresOrders;

use super::worker::Worker;

/// Places the orders that are waiting, on a thread of its own. At shutdown it takes no more orders and places those
/// that are waiting, which takes `deadline` at most, or a little longer.
pub fn commit_orders(orders: Arc<PostgresOrders>, deadline: Duration) -> Worker {
    const MARGIN: Duration = Duration::from_secs(1);

    Worker::new("commit_orders", move |context| {
        let orders = Arc::clone(&orders);
        async move {
            context.ready();
            orders.commit(context.cancelled(), || context.succeeded()).await;
        }
    })
    .places_orders()
    .on_own_thread(None)
    .drained_within(deadline + MARGIN)
}
