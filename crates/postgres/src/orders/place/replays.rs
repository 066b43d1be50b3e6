//! Orders that were placed before, and are asked for again under their keys.

use std::collections::{HashMap, HashSet};

use comanda_domain::{
    Currency, KeyRefusal, NewOrder, OrderId,
    ports::{Idempotent, PlaceOrderError},
};
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::{
    locked_stock::LockedStock,
    transaction::{BatchError, Decision},
};
use crate::{idempotency::fingerprint_of, orders::load::as_placed};

/// Caller, key, the order that was placed under it, the fingerprint of that request, whether its key is remembered, and
/// whether another request's is.
pub(super) type KnownKey = (Uuid, String, Option<Uuid>, Option<Uuid>, bool, bool);

/// Caller and key.
pub(super) type InUse = (Uuid, String);

/// Decisions on requests that were made before.
pub(super) struct Replays {
    /// One per order; `None` for an order not seen before.
    pub(super) decisions: Vec<Option<Decision>>,
    /// Orders whose key has expired.
    pub(super) forgotten: Vec<Uuid>,
}

impl Replays {
    /// Takes a further round trip, but only if a request was indeed repeated.
    pub(super) async fn read(
        connection: &AsyncPgConnection,
        currency: Currency,
        orders: &[&NewOrder],
        in_use: &HashSet<InUse>,
        known: Vec<KnownKey>,
    ) -> Result<Self, BatchError> {
        let mut replays = Self { decisions: orders.iter().map(|_| None).collect(), forgotten: Vec::new() };
        if known.is_empty() && in_use.is_empty() {
            return Ok(replays);
        }
        let known: HashMap<InUse, _> = known
            .into_iter()
            .map(|(caller, key, order, fingerprint, is_remembered, is_other)| {
                ((caller, key), (order, fingerprint, is_remembered, is_other))
            })
            .collect();
        let mut first_orders = Vec::new();
        for (position, order) in orders.iter().enumerate() {
            let Some(request) = &order.idempotency else { continue };
            let key = (request.caller.as_uuid(), request.key.as_str().to_owned());
            match known.get(&key) {
                None if in_use.contains(&key) => {
                    replays.decisions[position] = Some(Err(KeyRefusal::InProgress.into()));
                }
                None => {}
                Some(&(Some(first), fingerprint, true, _)) if fingerprint == Some(fingerprint_of(request)) => {
                    #[cfg(feature = "planted")]
                    let first = crate::planted::mixed_up(first);
                    first_orders.push((position, first));
                }
                Some((Some(_), _, true, _) | (_, _, _, true)) => {
                    replays.decisions[position] = Some(Err(KeyRefusal::Reused.into()));
                }
                Some((expired, ..)) => replays.forgotten.extend(expired),
            }
        }
        let ids: Vec<OrderId> = first_orders.iter().map(|(_, id)| OrderId::new(*id)).collect();
        let mut found = as_placed(connection, currency, &ids).await?;
        for (position, id) in first_orders {
            let first = found.remove(&OrderId::new(id));
            replays.decisions[position] = first.map(|order| match order {
                Ok(outcome) => Ok(Idempotent { outcome, replayed: true }),
                Err(record) => Err(PlaceOrderError::Unavailable(record.into())),
            });
        }
        Ok(replays)
    }

    /// Decides the new orders that name a menu item which cannot be read.
    pub(super) fn refuse_unreadable(&mut self, stock: &LockedStock, orders: &[&NewOrder]) {
        if stock.unreadable.is_empty() {
            return;
        }
        for (decision, order) in self.decisions.iter_mut().zip(orders).filter(|(decision, _)| decision.is_none()) {
            let record = order.basket.lines().iter().find_map(|line| stock.unreadable.get(&line.menu_item_id));
            *decision = record.map(|record| Err(PlaceOrderError::Unavailable(record.clone().into())));
        }
    }
}
