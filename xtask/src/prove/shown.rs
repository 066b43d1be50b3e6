//! What responses and messages show, as the history has it.

use comanda_proof::{
    Counter, Digest, ItemShortage, LineShown, LockShown, MenuItemShown, MenuShown, OrderShown, PaymentShown,
    RefundShown, Request, SelectionShown, Shown, StockShown, SupplyShortage, TicketShown,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::person::Call;

/// What the response to a request shows.
pub fn by(request: &Request, status: u16, body: &Value) -> Shown {
    match (request, status) {
        (Request::PlaceOrder { .. }, 409) => shortages(body),
        (_, 200..300) => success(request, body),
        _ => None,
    }
    .unwrap_or_default()
}

fn success(request: &Request, body: &Value) -> Option<Shown> {
    Some(match request {
        Request::PlaceOrder { .. }
        | Request::Cancel { .. }
        | Request::ChangeStatus { .. }
        | Request::ReadOrder { .. } => Shown::Order(order(body)?),
        Request::ListOrders => Shown::Orders(all(&body["data"], order)?),
        Request::Pay { .. } | Request::Settle { .. } => Shown::Payment(PaymentShown {
            id: of(&body["id"])?,
            status: of(&body["status"])?,
            amount: body["amount"]["amount"].as_i64()?,
        }),
        Request::Refund { .. } => Shown::Refund(RefundShown {
            id: of(&body["id"])?,
            payment: of(&body["payment_id"])?,
            amount: body["amount"]["amount"].as_i64()?,
            status: of(&body["status"])?,
        }),
        Request::AdjustStock { of: counter, .. } => Shown::Stock(stock(*counter, body)?),
        Request::ReadSupply { supply } => Shown::Stock(stock(Counter::Supply(*supply), body)?),
        Request::EditItem { .. } | Request::AddItem { .. } | Request::ReadItem { .. } => Shown::Item(item(body)?),
        Request::ReadLock { .. } => Shown::Lock(LockShown {
            attempts: of(&body["attempts"])?,
            level: of(&body["level"])?,
            locked_at_ms: milliseconds(&body["locked_at"])?,
            unlock_at_ms: milliseconds(&body["unlock_at"])?,
        }),
        Request::ChangeTicket { .. } => Shown::Ticket(ticket(body)?),
        Request::ReadTickets { .. } => Shown::Tickets(all(&body["data"], ticket)?),
        _ => return None,
    })
}

/// Which refresh token was exchanged for which, if one was.
pub fn exchanged(call: &Call, body: &Value) -> Option<Shown> {
    let digest = |from: &Value| Some(Digest::of(from["refresh_token"].as_str()?.as_bytes()));
    Some(Shown::Exchanged { token: digest(call.body.as_ref()?)?, successor: digest(body)? })
}

fn of<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

fn all<T>(list: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    list.as_array()?.iter().map(read).collect()
}

/// Since 1970.
pub fn milliseconds(moment: &Value) -> Option<i64> {
    Some(chrono::DateTime::parse_from_rfc3339(moment.as_str()?).ok()?.timestamp_millis())
}

pub fn order(body: &Value) -> Option<OrderShown> {
    let lines = match &body["items"] {
        Value::Null => None,
        lines => Some(all(lines, line)?),
    };
    Some(OrderShown {
        id: of(&body["id"])?,
        customer: of(&body["customer_id"])?,
        status: of(&body["status"])?,
        version: of(&body["version"])?,
        total: body["total"]["amount"].as_i64()?,
        line_count: of(&body["line_count"])?,
        lines,
    })
}

fn line(line: &Value) -> Option<LineShown> {
    let selection = |selection: &Value| {
        Some(SelectionShown {
            option: of(&selection["option_id"])?,
            quantity: of(&selection["quantity"])?,
            unit_price: selection["unit_price"]["amount"].as_i64()?,
        })
    };
    Some(LineShown {
        item: of(&line["menu_item_id"])?,
        quantity: of(&line["quantity"])?,
        unit_price: line["unit_price"]["amount"].as_i64()?,
        line_total: line["line_total"]["amount"].as_i64()?,
        selections: if line["selections"].is_null() { Vec::new() } else { all(&line["selections"], selection)? },
    })
}

fn shortages(body: &Value) -> Option<Shown> {
    if body["code"] != "insufficient-stock" {
        return None;
    }
    let amounts = |short: &Value| Some((short["requested"].as_i64()?, short["available"].as_i64()?));
    let short_item = |short: &Value| {
        let (requested, available) = amounts(short)?;
        Some(ItemShortage { item: of(&short["menu_item_id"])?, requested, available })
    };
    let short_supply = |short: &Value| {
        let (requested, available) = amounts(short)?;
        Some(SupplyShortage { supply: of(&short["supply_id"])?, requested, available })
    };
    let items = if body["items"].is_null() { Vec::new() } else { all(&body["items"], short_item)? };
    let supplies = if body["supplies"].is_null() { Vec::new() } else { all(&body["supplies"], short_supply)? };
    Some(Shown::Shortages { items, supplies })
}

fn stock(counter: Counter, body: &Value) -> Option<StockShown> {
    Some(StockShown {
        of: counter,
        stock: body["stock"].as_i64()?,
        version: body["version"].as_u64()?,
        revision: of(&body["revision"])?,
    })
}

fn item(body: &Value) -> Option<MenuItemShown> {
    Some(MenuItemShown {
        id: of(&body["id"])?,
        revision: of(&body["revision"])?,
        price: body["price"]["amount"].as_i64()?,
        availability: of(&body["availability"])?,
        stock: body["stock"].as_i64(),
        version: body["version"].as_u64(),
    })
}

/// The whole menu, which these bytes are.
pub fn menu(bytes: &[u8], body: &Value) -> Option<MenuShown> {
    let categories = all(&body["categories"], |category| all(&category["items"], item))?;
    Some(MenuShown {
        version: body["version"].as_u64()?,
        text: Digest::of(bytes),
        items: Some(categories.into_iter().flatten().collect()),
    })
}

pub fn ticket(body: &Value) -> Option<TicketShown> {
    Some(TicketShown {
        id: of(&body["id"])?,
        order: of(&body["order_id"])?,
        state: of(&body["state"])?,
        version: of(&body["version"])?,
    })
}

/// What a message of a stream shows: an order, or a ticket, or all of them.
pub fn message(data: &Value) -> Shown {
    let tickets = || all(&data["tickets"], ticket).map(Shown::Tickets);
    let shown = tickets().or_else(|| ticket(data).map(Shown::Ticket)).or_else(|| order(data).map(Shown::Order));
    shown.unwrap_or_default()
}
