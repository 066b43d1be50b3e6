use comanda_domain::{Actor, OrderId, OrderWithLines, ports::Unavailable};

use super::{Live, Watch, position};

impl Live {
    /// Begins to watch an order, after the event with this id if the watcher has seen one. An order that the watcher
    /// may not see does not exist for them.
    pub async fn watch_order(
        &self,
        watcher: Actor,
        id: OrderId,
        last_event_id: Option<&str>,
    ) -> Result<Option<Watch<OrderWithLines>>, Unavailable> {
        let from = position(last_event_id);
        let opening = self.updates.open_order(id, watcher.order_scope(), from.clone()).await?;
        Ok(opening.map(|opening| Watch::begin(opening, last_event_id, from)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        OrderScope, Role, StreamPosition,
        ports::{MockLiveUpdates, Opening},
    };

    use super::*;
    use crate::{live::Beginning, sample};

    fn at(transaction: i64) -> StreamPosition {
        format!("1.a.1.{transaction}.0").parse().unwrap()
    }

    async fn begun(last_event_id: Option<&str>, resumes: bool) -> (Beginning, StreamPosition) {
        let mut updates = MockLiveUpdates::new();
        let known = last_event_id.and_then(|id| id.parse().ok());
        updates
            .expect_open_order()
            .once()
            .withf(move |_, scope, from| *scope == OrderScope::All && *from == known)
            .returning(move |_, _, _| {
                Ok(Some(Opening { shown: sample::order_with_lines(), position: at(9), resumes }))
            });
        let live = Live { updates: Arc::new(updates), clock: sample::clock() };
        let id = sample::order_with_lines().order.id;
        let watch = live.watch_order(sample::actor(Role::Staff), id, last_event_id).await.unwrap().unwrap();
        (watch.beginning, watch.position)
    }

    #[tokio::test]
    async fn a_stream_goes_on_where_it_can_and_says_where_it_cannot() {
        let known = at(5).to_string();
        assert_eq!(begun(None, false).await, (Beginning::Snapshot, at(9)));
        assert_eq!(begun(Some(&known), true).await, (Beginning::Resumption, at(5)));
        assert_eq!(begun(Some(&known), false).await, (Beginning::Reset, at(9)));
        assert_eq!(begun(Some("yesterday"), false).await, (Beginning::Reset, at(9)));
    }

    #[tokio::test]
    async fn customers_watch_their_own_orders() {
        let customer = sample::actor(Role::Customer);
        let mut updates = MockLiveUpdates::new();
        updates
            .expect_open_order()
            .once()
            .withf(move |_, scope, _| *scope == OrderScope::OwnedBy(customer.account_id))
            .returning(|_, _, _| Ok(None));
        let live = Live { updates: Arc::new(updates), clock: sample::clock() };
        assert_eq!(live.watch_order(customer, sample::order_with_lines().order.id, None).await.unwrap(), None);
    }
}
