use comanda_domain::{Actor, OrderId, ports::Unavailable};

use super::{
    Orders,
    relations::{RelatedOrder, Relations, shown_to},
};

impl Orders {
    /// Finds one order. An order the reader may not see does not exist for them.
    pub async fn find(
        &self,
        reader: Actor,
        id: OrderId,
        relations: Relations,
    ) -> Result<Option<RelatedOrder>, Unavailable> {
        let Some(found) = self.orders.find(id, reader.order_scope()).await? else {
            return Ok(None);
        };
        let customer = match relations.customer {
            true => self.accounts.find_many(&[found.order.customer_id]).await?.pop().transpose()?,
            false => None,
        };
        let payments = match relations.payments {
            true => {
                let payments = self.payments.of_orders(&[id]).await?.remove(&id).transpose()?;
                Some(shown_to(reader, payments.unwrap_or_default()))
            }
            false => None,
        };
        let lines = relations.items.then_some(found.lines);
        Ok(Some(RelatedOrder { order: found.order, lines, customer, payments }))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use comanda_domain::{
        OrderScope, Role,
        ports::{MockAccounts, MockOrders, MockPayments},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn a_customer_sees_their_own_and_staff_see_all() {
        let customer = sample::actor(Role::Customer);
        for (reader, scope) in [
            (customer, OrderScope::OwnedBy(customer.account_id)),
            (sample::actor(Role::Staff), OrderScope::All),
            (sample::actor(Role::Admin), OrderScope::All),
        ] {
            let mut stored = MockOrders::new();
            stored.expect_find().once().withf(move |_, asked| *asked == scope).returning(|_, _| Ok(None));
            let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
            let found = orders.find(reader, sample::order_with_lines().order.id, Relations::default()).await;
            assert_eq!(found.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn relations_come_on_request() {
        let mut stored = MockOrders::new();
        stored.expect_find().returning(|_, _| Ok(Some(sample::order_with_lines())));
        let mut accounts = MockAccounts::new();
        accounts.expect_find_many().once().returning(|_| Ok(vec![Ok(sample::customer())]));
        let mut payments = MockPayments::new();
        payments.expect_of_orders().once().returning(|_| Ok(HashMap::new()));
        let orders = Orders {
            orders: Arc::new(stored),
            accounts: Arc::new(accounts),
            payments: Arc::new(payments),
            ..sample::orders()
        };
        let id = sample::order_with_lines().order.id;

        let bare = orders.find(sample::actor(Role::Staff), id, Relations::default()).await.unwrap().unwrap();
        assert_eq!((bare.lines, bare.customer, bare.payments), (None, None, None));

        let relations = Relations { items: true, customer: true, payments: true };
        let full = orders.find(sample::actor(Role::Staff), id, relations).await.unwrap().unwrap();
        assert_eq!((full.lines, full.customer), (Some(sample::order_with_lines().lines), Some(sample::customer())));
        assert_eq!(full.payments, Some(vec![]));
    }
}
