use std::collections::HashMap;

use comanda_domain::{
    Actor, Order, OrderId, Page, PageLimit,
    ports::{OrderCriteria, OrdersQuery, Unavailable},
};

use super::{
    Orders,
    relations::{RelatedOrder, Relations, customers_of, of_entry, shown_to},
};

impl Orders {
    /// Lists orders, newest first, a page at a time: a customer's own, or all of them for staff.
    ///
    /// One round trip for the page and one for each relation, however long the page. `None` if it is not known where
    /// the page begins, because `after` is no order.
    pub async fn list(
        &self,
        reader: Actor,
        criteria: OrderCriteria,
        relations: Relations,
        after: Option<OrderId>,
        limit: PageLimit,
    ) -> Result<Option<Page<RelatedOrder, OrderId>>, Unavailable> {
        let query = OrdersQuery { scope: reader.order_scope(), criteria, after, limit };
        let Some(page) = self.orders.list(query).await? else { return Ok(None) };
        let ids: Vec<OrderId> = page.entries.iter().map(|order| order.id).collect();

        let mut lines = match relations.items && !ids.is_empty() {
            true => self.orders.lines_of(&ids).await?,
            false => HashMap::new(),
        };
        let (customers, unreadable_customers) = match relations.customer && !ids.is_empty() {
            true => customers_of(&*self.accounts, &page.entries).await?,
            false => (HashMap::new(), Vec::new()),
        };
        let mut payments = match relations.payments && !ids.is_empty() {
            true => self.payments.of_orders(&ids).await?,
            false => HashMap::new(),
        };
        let Page { entries, next, mut unreadable } = page;
        unreadable.extend(unreadable_customers);
        let related = |order: Order| RelatedOrder {
            lines: if relations.items { of_entry(&mut lines, &order, &mut unreadable) } else { None },
            customer: customers.get(&order.customer_id).cloned(),
            payments: match relations.payments {
                true => of_entry(&mut payments, &order, &mut unreadable).map(|payments| shown_to(reader, payments)),
                false => None,
            },
            order,
        };
        let entries = entries.into_iter().map(related).collect();
        Ok(Some(Page { entries, next, unreadable }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        OrderScope, Role,
        ports::{MockAccounts, MockOrders, MockPayments},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn each_relation_is_one_round_trip_for_the_whole_page() {
        let mut stored = MockOrders::new();
        stored.expect_list().once().withf(|query| query.scope == OrderScope::All).returning(|_| {
            let order = sample::order_with_lines().order;
            Ok(Some(Page { next: Some(order.id), entries: vec![order; 3], unreadable: vec![] }))
        });
        stored.expect_lines_of().once().returning(|ids| {
            assert_eq!(ids.len(), 3);
            Ok(HashMap::from([(ids[0], Ok(sample::order_with_lines().lines))]))
        });
        let mut accounts = MockAccounts::new();
        accounts.expect_find_many().once().withf(|ids| ids.len() == 1).returning(|_| Ok(vec![Ok(sample::customer())]));
        let mut payments = MockPayments::new();
        payments.expect_of_orders().once().withf(|ids| ids.len() == 3).returning(|_| Ok(HashMap::new()));
        let orders = Orders {
            orders: Arc::new(stored),
            accounts: Arc::new(accounts),
            payments: Arc::new(payments),
            ..sample::orders()
        };
        let relations = Relations { items: true, customer: true, payments: true };

        let page = orders
            .list(sample::actor(Role::Staff), OrderCriteria::default(), relations, None, PageLimit::default())
            .await
            .unwrap()
            .unwrap();

        assert_eq!(page.next, Some(sample::order_with_lines().order.id));
        assert!(page.entries.iter().all(|entry| entry.customer == Some(sample::customer()) && entry.lines.is_some()));
        assert!(page.entries.iter().all(|entry| entry.payments == Some(vec![])));
    }

    #[tokio::test]
    async fn relations_nobody_asked_for_cost_nothing() {
        let mut stored = MockOrders::new();
        stored.expect_list().returning(|_| {
            Ok(Some(Page { entries: vec![sample::order_with_lines().order], next: None, unreadable: vec![] }))
        });
        let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
        let customer = sample::actor(Role::Customer);
        let (any, no_relations) = (OrderCriteria::default(), Relations::default());
        let page = orders.list(customer, any, no_relations, None, PageLimit::default()).await.unwrap().unwrap();
        let entry = &page.entries[0];
        assert_eq!((&entry.lines, &entry.customer, &entry.payments), (&None, &None, &None));
    }
}
