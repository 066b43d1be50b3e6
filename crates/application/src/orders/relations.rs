use std::collections::HashMap;

use comanda_domain::{
    Account, AccountId, Actor, ExaminedPayment, Order, OrderId, OrderLine,
    ports::{Accounts, Readable, Unavailable, UnreadableRecord},
};

/// What a reader of orders wants to see beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    pub items: bool,
    pub customer: bool,
    pub payments: bool,
}

/// An order with the relations asked for; `None` is "not asked for", or one that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedOrder {
    pub order: Order,
    pub lines: Option<Vec<OrderLine>>,
    pub customer: Option<Account>,
    pub payments: Option<Vec<ExaminedPayment>>,
}

/// Payments as this reader sees them. What is the matter with one is the business of staff.
pub(super) fn shown_to(reader: Actor, mut payments: Vec<ExaminedPayment>) -> Vec<ExaminedPayment> {
    if !reader.role.is_staff() {
        for payment in &mut payments {
            payment.incidents.clear();
        }
    }
    payments
}

/// The customers of these orders: one round trip however many orders. Those that cannot be read come apart.
pub(super) async fn customers_of(
    accounts: &dyn Accounts,
    orders: &[Order],
) -> Result<(HashMap<AccountId, Account>, Vec<UnreadableRecord>), Unavailable> {
    let mut ids: Vec<_> = orders.iter().map(|order| order.customer_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let (mut customers, mut unreadable) = (HashMap::new(), Vec::new());
    for account in accounts.find_many(&ids).await? {
        match account {
            Ok(account) => {
                customers.insert(account.id, account);
            }
            Err(record) => unreadable.push(record),
        }
    }
    Ok((customers, unreadable))
}

/// A relation of one order of a page. One that cannot be read is left out of its order, and noted.
pub(super) fn of_entry<T>(
    found: &mut HashMap<OrderId, Readable<Vec<T>>>,
    order: &Order,
    unreadable: &mut Vec<UnreadableRecord>,
) -> Option<Vec<T>> {
    match found.remove(&order.id) {
        None => Some(Vec::new()),
        Some(Ok(related)) => Some(related),
        Some(Err(record)) => {
            unreadable.push(record);
            None
        }
    }
}
