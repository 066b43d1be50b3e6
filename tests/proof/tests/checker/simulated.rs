use comanda_domain::{OrderStatus, TicketState};
use comanda_proof::{Digest, Outcome, Property, Record, Request, Response, Shown, StreamMessage, Tables, check};
use proptest::prelude::*;

use crate::{simulation::Shop, story::told};

fn run(seed: u64, calls: u64) -> (Vec<Record>, Tables) {
    let mut records = Vec::new();
    let mut shop = Shop::new(seed, |record| records.push(record));
    shop.run(calls);
    let tables = std::mem::take(&mut shop.tables);
    drop(shop);
    (records, tables)
}

/// What is made wrong in a history that was right; what must find it, if there was anything to make wrong.
#[derive(Clone, Copy, Debug)]
enum Corruption {
    AnOrderIsLost,
    AnOrderCostsMore,
    AnOrderIsThereUnasked,
    AStockIsMore,
    ALedgerRowIsLost,
    ARefusalSaysMore,
    AReplayDiffers,
    AReplayIsNone,
    AReadIsOld,
    AVersionIsLost,
    APaymentIsNotPaid,
    ARefundIsLess,
    TheGatewayTookMore,
    AnEventIsLost,
    ADeliveryIsLost,
    DeliveriesAreSwapped,
    TheMenuGoesBack,
    TheMenuIsEarly,
    ALockIsIgnored,
    ALockIsTooLong,
    ASessionLivesOn,
    AMessageIsLost,
    ATicketIsForgotten,
    AnOrderSkipsAStep,
}

impl Corruption {
    const ALL: [Self; 24] = [
        Self::AnOrderIsLost,
        Self::AnOrderCostsMore,
        Self::AnOrderIsThereUnasked,
        Self::AStockIsMore,
        Self::ALedgerRowIsLost,
        Self::ARefusalSaysMore,
        Self::AReplayDiffers,
        Self::AReplayIsNone,
        Self::AReadIsOld,
        Self::AVersionIsLost,
        Self::APaymentIsNotPaid,
        Self::ARefundIsLess,
        Self::TheGatewayTookMore,
        Self::AnEventIsLost,
        Self::ADeliveryIsLost,
        Self::DeliveriesAreSwapped,
        Self::TheMenuGoesBack,
        Self::TheMenuIsEarly,
        Self::ALockIsIgnored,
        Self::ALockIsTooLong,
        Self::ASessionLivesOn,
        Self::AMessageIsLost,
        Self::ATicketIsForgotten,
        Self::AnOrderSkipsAStep,
    ];

    /// Makes it wrong, at one of the places where that is possible; `None`: there is none.
    #[expect(clippy::too_many_lines, reason = "one arm after the other")]
    fn apply(self, records: &mut Vec<Record>, tables: &mut Tables, which: usize) -> Option<Property> {
        Some(match self {
            Self::AnOrderIsLost => {
                let place = confirmed(records, tables, which)?;
                tables.orders.remove(place);
                Property::Placed
            }
            Self::AnOrderCostsMore => {
                let place = confirmed(records, tables, which)?;
                tables.orders[place].total += 1;
                Property::Placed
            }
            Self::AnOrderIsThereUnasked => {
                let mut row = tables.orders.get(which % tables.orders.len().max(1))?.clone();
                row.id = crate::story::order(1_000_000);
                row.key = Some("unasked".to_owned());
                tables.orders.push(row);
                Property::Placed
            }
            Self::AStockIsMore => {
                let place = which % tables.items.len();
                *tables.items[place].stock.as_mut()? += 1;
                Property::Stock
            }
            Self::ALedgerRowIsLost => {
                tables.ledger.remove(which % tables.ledger.len());
                Property::Stock
            }
            Self::ARefusalSaysMore => {
                let shown = pick(
                    records,
                    which,
                    |record| matches!(record.shown(), Shown::Shortages { items, .. } if !items.is_empty()),
                )?;
                let Outcome::Response(Response { shown: Shown::Shortages { items, .. }, .. }) = &mut shown.outcome
                else {
                    return None;
                };
                items[0].available += 1000;
                Property::Refusals
            }
            Self::AReplayDiffers => {
                let replay =
                    pick(records, which, |record| record.succeeded() && !record.did_it() && has_first(record))?;
                let Outcome::Response(response) = &mut replay.outcome else { return None };
                let key = replay.key.clone()?;
                response.digest = Some(Digest::of(b"another"));
                let is_first = |record: &Record| record.did_it() && record.key.as_ref() == Some(&key);
                records.iter().any(is_first).then_some(Property::Replays)?
            }
            Self::AReplayIsNone => {
                let replay = pick(records, which, |record| record.succeeded() && !record.did_it())?;
                let Outcome::Response(response) = &mut replay.outcome else { return None };
                response.replayed = false;
                let key = replay.key.clone()?;
                let is_first = |record: &&Record| record.did_it() && record.key.as_ref() == Some(&key);
                (records.iter().filter(is_first).count() == 2).then_some(Property::Replays)?
            }
            Self::AReadIsOld => {
                let written: Vec<(comanda_domain::OrderId, u64)> = records
                    .iter()
                    .filter_map(|record| match record.shown() {
                        Shown::Order(order) if order.version > 1 && record.did_it() => Some((order.id, record.end)),
                        _ => None,
                    })
                    .collect();
                let read = pick(records, which, |record| {
                    let Request::ReadOrder { order } = &record.request else { return false };
                    written.iter().any(|(id, end)| id == order && *end < record.begin)
                })?;
                let Outcome::Response(Response { shown: Shown::Order(order), .. }) = &mut read.outcome else {
                    return None;
                };
                (order.version, order.status) = (1, OrderStatus::Pending);
                Property::Versions
            }
            Self::AVersionIsLost => {
                let place = confirmed(records, tables, which)?;
                let id = tables.orders[place].id;
                let version = tables.orders[place].version;
                let is_shown = |record: &Record| match record.shown() {
                    Shown::Order(order) => (order.id, order.version) == (id, version),
                    _ => false,
                };
                tables.orders[place].version -= 1;
                records.iter().any(is_shown).then_some(Property::Versions)?
            }
            Self::APaymentIsNotPaid => {
                let rows: Vec<usize> =
                    (0..tables.payments.len()).filter(|place| tables.payments[*place].refunded == 0).collect();
                let place = *rows.get(which % rows.len().max(1))?;
                tables.payments[place].paid = false;
                Property::Money
            }
            Self::ARefundIsLess => {
                let place = which % tables.refunds.len().max(1);
                tables.refunds.get_mut(place)?.amount -= 1;
                Property::Money
            }
            Self::TheGatewayTookMore => {
                let book = tables.gateway.as_mut()?;
                let place = which % book.len().max(1);
                book.get_mut(place)?.received += 1;
                Property::Money
            }
            Self::AnEventIsLost => {
                let places = (0..tables.events.len()).filter(|place| tables.events[*place].kind.starts_with("order."));
                let places: Vec<usize> = places.collect();
                tables.events.remove(*places.get(which % places.len().max(1))?);
                Property::Events
            }
            Self::ADeliveryIsLost => {
                let delivery = pick(records, which, |record| matches!(record.request, Request::Webhook(_)))?;
                let Request::Webhook(lost) = delivery.request.clone() else { return None };
                records.retain(|record| !matches!(&record.request, Request::Webhook(event) if event.id == lost.id));
                Property::Events
            }
            Self::DeliveriesAreSwapped => {
                let delivery = pick(
                    records,
                    which,
                    |record| matches!(&record.request, Request::Webhook(event) if event.version > Some(1)),
                )?;
                (delivery.begin, delivery.end) = (1, 1);
                Property::Events
            }
            Self::TheMenuGoesBack => {
                let newest = records.iter().filter_map(|record| match record.shown() {
                    Shown::Menu(menu) => Some((menu.version, record)),
                    _ => None,
                });
                let (_, last) = newest.max_by_key(|(version, _)| *version)?;
                let mut again = last.clone();
                again.sequence = 10_000_000;
                (again.begin, again.end) = (last.end + 1, last.end + 2);
                let Outcome::Response(Response { shown: Shown::Menu(menu), .. }) = &mut again.outcome else {
                    return None;
                };
                (menu.version, menu.text) = (0, Digest::of(b"an old one"));
                records.push(again);
                Property::Menu
            }
            Self::TheMenuIsEarly => {
                let edits: Vec<_> = records
                    .iter()
                    .filter(|record| record.did_it() && matches!(record.request, Request::EditItem { .. }))
                    .collect();
                let edit = *edits.get(which % edits.len().max(1))?;
                let (shown, begin) = (edit.shown().clone(), edit.begin);
                let Shown::Item(item) = &shown else { return None };
                let request = Request::ReadItem { item: item.id };
                let mut early = Record {
                    sequence: 10_000_000,
                    begin: begin - 2,
                    end: begin - 1,
                    request,
                    key: None,
                    ..edit.clone()
                };
                early.caller = comanda_proof::Caller::Customer;
                records.push(early);
                Property::Menu
            }
            Self::ALockIsIgnored => {
                // Servers may lift once more what was unlocked a moment ago.
                let unlocked: Vec<String> = records
                    .iter()
                    .filter_map(|record| match &record.request {
                        Request::Unlock { email } => Some(email.clone()),
                        _ => None,
                    })
                    .collect();
                let locked = pick(records, which, |record| {
                    let soon = record.response().and_then(|response| response.retry_after).unwrap_or(0);
                    let is_counted = match &record.request {
                        Request::SignIn { email, .. } => !unlocked.contains(email),
                        _ => false,
                    };
                    record.is_refused_with("account-locked") && soon > 5 && is_counted
                })?;
                locked.outcome = crate::story::refused(401, "invalid-credentials");
                let Request::SignIn { right, .. } = &mut locked.request else { return None };
                *right = Some(false);
                Property::Locks
            }
            Self::ALockIsTooLong => {
                let locked = pick(records, which, |record| record.is_refused_with("account-locked"))?;
                let Outcome::Response(response) = &mut locked.outcome else { return None };
                response.retry_after = Some(10_000);
                Property::Locks
            }
            Self::ASessionLivesOn => {
                let closed: Vec<_> =
                    records.iter().filter(|record| record.succeeded() && record.request == Request::SignOut).collect();
                let closed = *closed.get(which % closed.len().max(1))?;
                let request = Request::Other { what: "GET /v1/me".to_owned() };
                let (begin, end) = (closed.end + 3_000_000_000, closed.end + 3_000_000_001);
                let outcome = crate::story::done();
                let late = Record { sequence: 10_000_000, begin, end, request, outcome, ..closed.clone() };
                records.push(late);
                Property::Sessions
            }
            Self::AMessageIsLost => {
                let is_last = |ticket: &comanda_proof::TicketShown| {
                    let row = tables.tickets.iter().find(|row| row.id == ticket.id);
                    row.is_some_and(|row| row.version == ticket.version && (row.state.is_open() || row.version > 1))
                };
                let says = |record: &Record| match &record.request {
                    Request::Stream { message: StreamMessage::Changed(Shown::Ticket(ticket)), .. } => is_last(ticket),
                    _ => false,
                };
                let lost = pick(records, which, says)?.sequence;
                records.retain(|record| record.sequence != lost);
                Property::Boards
            }
            Self::ATicketIsForgotten => {
                let rows = tables.tickets.iter_mut().filter(|row| row.state == TicketState::Ready);
                let mut rows: Vec<_> = rows.collect();
                let place = which % rows.len().max(1);
                let row = rows.get_mut(place)?;
                row.state = TicketState::Void;
                let order = tables.orders.iter().find(|order| order.id == row.order)?;
                (order.status != OrderStatus::Cancelled).then_some(Property::Tickets)?
            }
            Self::AnOrderSkipsAStep => {
                let rows = tables.events.iter_mut().filter(|event| event.status == Some(OrderStatus::Preparing));
                let mut rows: Vec<_> = rows.collect();
                let place = which % rows.len().max(1);
                rows.get_mut(place)?.status = Some(OrderStatus::Completed);
                Property::Tickets
            }
        })
    }
}

/// One of the records that are like this.
fn pick(records: &mut [Record], which: usize, is_like: impl Fn(&Record) -> bool) -> Option<&mut Record> {
    let mut like: Vec<&mut Record> = records.iter_mut().filter(|record| is_like(record)).collect();
    let place = which % like.len().max(1);
    (place < like.len()).then(|| like.swap_remove(place))
}

fn has_first(record: &Record) -> bool {
    record.key.is_some()
}

/// The place of an order whose confirmation was read.
fn confirmed(records: &[Record], tables: &Tables, which: usize) -> Option<usize> {
    let is_confirmed = |record: &&Record| record.did_it() && matches!(record.request, Request::PlaceOrder { .. });
    let ids: Vec<_> = records
        .iter()
        .filter(is_confirmed)
        .filter_map(|record| match record.shown() {
            Shown::Order(order) => Some(order.id),
            _ => None,
        })
        .collect();
    let id = ids.get(which % ids.len().max(1))?;
    tables.orders.iter().position(|row| row.id == *id)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_run_in_which_one_thing_happens_after_the_other_is_good(seed: u64) {
        let (records, tables) = run(seed, 3000);
        let findings = check(&records[..], &tables).unwrap().findings;
        prop_assert!(findings.is_empty(), "{}", told(&findings));
    }

    /// Whatever is made wrong is found, as what it is.
    #[test]
    fn one_thing_that_is_made_wrong_is_found(seed: u64, which: u16) {
        let good = run(seed, 2000);
        for corruption in Corruption::ALL {
            let (mut records, mut tables) = good.clone();
            let Some(property) = corruption.apply(&mut records, &mut tables, which.into()) else { continue };
            let findings = check(&records[..], &tables).unwrap().findings;
            let is_found = findings.iter().any(|finding| finding.property == property);
            prop_assert!(is_found, "{corruption:?}:\n{}", told(&findings));
        }
    }
}

/// Each of them can be made, so that none is never looked for.
#[test]
fn there_is_something_to_make_wrong_of_every_kind() {
    for corruption in Corruption::ALL {
        let is_made = |seed| {
            let (mut records, mut tables) = run(seed, 2000);
            corruption.apply(&mut records, &mut tables, 3).is_some()
        };
        assert!((0..20).any(is_made), "{corruption:?}");
    }
}
