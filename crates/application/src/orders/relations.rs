use std::collections::HashMap;

use comanda_domain::{
    Account, AccountId, ExaminedPayment, Order, OrderLine,
    ports::{Accounts, Unavailable},
};

/// What a reader of orders wants to see beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    pub items: bool,
    pub customer: bool,
    pub payments: bool,
}

/// An order with the relations asked for; `None` is "not asked for".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedOrder {
    pub order: Order,
    pub lines: Option<Vec<OrderLine>>,
    pub customer: Option<Account>,
    pub payments: Option<Vec<ExaminedPayment>>,
}

/// The customers of these orders: one round trip however many orders.
pub(super) async fn customers_of(
    accounts: &dyn Accounts,
    orders: &[Order],
) -> Result<HashMap<AccountId, Account>, Unavailable> {
    let mut ids: Vec<_> = orders.iter().map(|order| order.customer_id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(accounts.find_many(&ids).await?.into_iter().map(|account| (account.id, account)).collect())
}
