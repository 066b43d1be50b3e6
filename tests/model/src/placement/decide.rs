//! What Comanda's own functions decide.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, Basket, BasketLine, CancelledBy, Currency, Idempotency, IdempotencyKey, MenuItemId, MenuItemName,
    NewOrder, OrderId, OrderLimits, OrderStatus, Price, Quantity, Refusal, RequestFingerprint, Selections, StockOnHand,
    StockedItem, allocate_within_limits,
};
use uuid::Uuid;

use super::{Change, Commit, Decided, Decision, Edit, Item, Placed, Request};

const ITEM: MenuItemId = MenuItemId::new(Uuid::from_u128(7));

fn account(request: Request) -> AccountId {
    AccountId::new(Uuid::from_u128(request.customer as u128))
}

/// A request as the port gets it.
fn new_order(request: Request) -> NewOrder {
    let quantity = Quantity::new(request.customer.asks_for().into()).expect("1 to 100");
    let line = BasketLine { menu_item_id: ITEM, quantity, selections: Selections::default(), note: None };
    NewOrder {
        id: OrderId::new(Uuid::from_u128(u128::from(request.sending))),
        customer_id: account(request),
        basket: Basket::new(vec![line]).expect("one line"),
        note: None,
        placed_at: DateTime::<Utc>::UNIX_EPOCH,
        idempotency: Some(Idempotency {
            caller: account(request),
            key: IdempotencyKey::new("key").expect("a key"),
            fingerprint: RequestFingerprint::new([request.customer.asks_for(); 16]),
        }),
        limits: OrderLimits::NONE,
    }
}

/// Decides about those requests of a batch that are not repetitions, from the row as it was read, and says what is to
/// be written.
pub(super) fn fill(item: Item, fresh: &[Request]) -> (Decided, Vec<Placed>) {
    let stocked = StockedItem {
        name: MenuItemName::new("Carbonara").expect("a name"),
        price: Price::new(item.price.into(), Currency::EUR).expect("a price"),
        stock: Some(item.stock),
        on_sale: true,
        definition: Arc::default(),
    };
    let orders: Vec<NewOrder> = fresh.iter().map(|request| new_order(*request)).collect();
    let stock = StockOnHand::from([(ITEM, stocked)]);
    let allocation = allocate_within_limits(&stock, Currency::EUR, &orders, HashMap::new());
    let (mut decided, mut placed) = (Vec::new(), Vec::new());
    for (request, decision) in fresh.iter().zip(allocation.decisions) {
        let decision = match decision {
            Ok(filled) => {
                let price = u8::try_from(filled.lines[0].unit_price.amount()).expect("small");
                placed.push(Placed { order: *request, price });
                Decision::Placed(*request)
            }
            Err(Refusal::InsufficientStock(short)) => Decision::Refused { available: short.items[0].available },
            Err(refusal) => panic!("{refusal:?} of a menu item that is on sale"),
        };
        decided.push((*request, decision));
    }
    (decided, placed)
}

/// The row once the orders have taken theirs.
pub(super) fn take(from: Item, orders: &[Placed]) -> Option<Item> {
    let taken: u32 = orders.iter().map(|placed| u32::from(placed.order.customer.asks_for())).sum();
    Some(Item { stock: from.stock.checked_sub(taken)?, ..from })
}

/// Whether staff may cancel an order.
pub(super) fn can_be_cancelled(is_cancelled: bool) -> bool {
    let status = if is_cancelled { OrderStatus::Cancelled } else { OrderStatus::Pending };
    status.can_be_cancelled_by(CancelledBy::Staff)
}

/// The editor's transaction on a row that has not changed since it was read.
pub(super) fn edit(edit: Edit, before: Item) -> Commit {
    let item = match edit {
        Edit::Price(price) => Item { price, ..before },
        Edit::Stock(change) => Item { stock: change.apply_to(before.stock).expect("in range").get(), ..before },
    };
    let delta = i64::from(item.stock) - i64::from(before.stock);
    Commit { change: Change::Edit { delta }, before, after: raised(before, item) }
}

/// The cancellation of an order, which gives back what it took.
pub(super) fn cancel(order: Request, before: Item) -> Commit {
    let item = Item { stock: before.stock + u32::from(order.customer.asks_for()), ..before };
    Commit { change: Change::Cancellation(order), before, after: raised(before, item) }
}

/// A trigger refuses a row whose version is not raised by one.
pub(super) fn raised(before: Item, after: Item) -> Item {
    Item { version: before.version + 1, ..after }
}
