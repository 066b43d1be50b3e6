//! What a call asks for, by its method, its path and its body.

use comanda_proof::{Change, Counter, MenuChange, OrderedLine, PaymentWay, Request, Selection, WhichSessions};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{browser::Page, person::Call};

/// What is recorded of a call.
pub fn request(call: &Call) -> Request {
    if matches!(call.page, Some(Page::Blind | Page::Foreign)) {
        return Request::Forge { what: operation(call) };
    }
    let known = call.recorded_as.clone().or_else(|| known(call));
    known.unwrap_or_else(|| Request::Other { what: operation(call) })
}

/// The method and the path, without ids.
fn operation(call: &Call) -> String {
    let (path, _) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let segments = path.split('/').map(|segment| if is_name(segment) { segment } else { "…" });
    format!("{} {}", call.method, segments.collect::<Vec<_>>().join("/"))
}

fn is_name(segment: &str) -> bool {
    segment == "v1" || segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// A value of a type that is written as text.
fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::String(text.to_owned())).ok()
}

fn of<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

fn known(call: &Call) -> Option<Request> {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').skip(1).collect();
    let nothing = Value::Null;
    let body = call.body.as_ref().unwrap_or(&nothing);
    let reason = || body["reason"].as_str().map(str::to_owned);
    Some(match (call.method.as_str(), &segments[..]) {
        ("POST", ["orders"]) => Request::PlaceOrder { lines: lines(body)? },
        ("GET", ["orders"]) => Request::ListOrders,
        ("GET", ["orders", order]) => Request::ReadOrder { order: read(order)? },
        ("POST", ["orders", order, "cancel"]) => Request::Cancel { order: read(order)? },
        ("POST", ["orders", order, "status"]) => {
            Request::ChangeStatus { order: read(order)?, to: of(&body["status"])? }
        }
        ("POST", ["orders", order, "payments"]) => Request::Pay { order: read(order)?, method: of(&body["method"])? },
        ("POST", ["orders", order, "payments", payment, "settle"]) => {
            Request::Settle { order: read(order)?, payment: read(payment)? }
        }
        ("POST", ["orders", order, "payments", payment, "refunds"]) => Request::Refund {
            order: read(order)?,
            payment: read(payment)?,
            amount: body["amount"]["amount"].as_i64(),
            reason: reason()?,
        },
        ("POST", ["offline-gateway", "intents", intent, "pay"]) => Request::PayAtGateway {
            payment: read(intent.strip_prefix("pi_offline_")?)?,
            way: match body["payment_method"].as_str()? {
                "pm_card_visa" => PaymentWay::Succeeds,
                "pm_card_chargeDeclined" => PaymentWay::Declined,
                _ => PaymentWay::NeedsAuthentication,
            },
        },
        ("POST", ["menu", "items", item, "stock"]) => {
            let of = Counter::Item(read(item)?);
            Request::AdjustStock { of, change: Change::Delta(body["delta"].as_i64()?), reason: reason()? }
        }
        ("POST", ["supplies", supply, "stock"]) => {
            let counted = body["counted"].as_i64().map(Change::Counted);
            let change = counted.or_else(|| body["delta"].as_i64().map(Change::Delta))?;
            Request::AdjustStock { of: Counter::Supply(read(supply)?), change, reason: reason()? }
        }
        ("POST", ["menu", "items"]) => Request::AddItem { stock: body["stock"].as_i64() },
        ("PATCH", ["menu", "items", item]) => {
            let (price, active) = (body["price"]["amount"].as_i64(), body["active"].as_bool());
            let known = usize::from(price.is_some()) + usize::from(active.is_some());
            let other = body.as_object()?.len() > known;
            edit(call, item, MenuChange { price, active, other })?
        }
        ("PUT", ["menu", "items", item, _]) | ("DELETE", ["menu", "items", item]) => {
            edit(call, item, MenuChange { other: true, ..MenuChange::default() })?
        }
        ("GET", ["menu"]) => Request::ReadMenu,
        ("GET", ["menu", "items", item]) => Request::ReadItem { item: read(item)? },
        ("GET", ["supplies", supply]) => Request::ReadSupply { supply: read(supply)? },
        ("POST", ["users"]) => Request::SignUp { email: body["email"].as_str()?.to_owned() },
        ("POST", ["sessions", "refresh"]) => Request::Refresh,
        ("DELETE", ["sessions", "current"] | ["web", "sessions", "current"]) => Request::SignOut,
        ("DELETE", ["admin", "users", account, "sessions"]) => {
            Request::EndSessions { which: WhichSessions::All(read(account)?) }
        }
        ("PUT", ["me", "password"]) => Request::ChangePassword,
        ("PATCH", ["admin", "users", account]) => match body["disabled"].as_bool() {
            Some(disabled) => Request::Disable { account: read(account)?, disabled },
            None => Request::ChangeRole { account: read(account)?, to: of(&body["role"])? },
        },
        ("DELETE", ["admin", "lockouts", email]) => Request::Unlock { email: (*email).to_owned() },
        ("GET", ["admin", "lockouts", email]) => Request::ReadLock { email: (*email).to_owned() },
        ("POST", ["kitchen", "tickets", ticket, "state"]) => {
            Request::ChangeTicket { ticket: read(ticket)?, to: of(&body["state"])? }
        }
        ("GET", ["kitchen", "tickets"]) if !query.contains("cursor") => Request::ReadTickets { open: false },
        _ => return None,
    })
}

fn edit(call: &Call, item: &str, change: MenuChange) -> Option<Request> {
    let if_match = call.tag.as_ref().and_then(|tag| tag.trim_matches('"').parse().ok());
    Some(Request::EditItem { item: read(item)?, if_match, change })
}

fn lines(body: &Value) -> Option<Vec<OrderedLine>> {
    let count = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    let line = |line: &Value| {
        let selections = line["selections"].as_array().map_or(&[][..], Vec::as_slice).iter();
        let selections = selections.map(|selection| {
            let quantity = if selection["quantity"].is_null() { 1 } else { count(&selection["quantity"])? };
            Some(Selection { option: of(&selection["option_id"])?, quantity })
        });
        let selections = selections.collect::<Option<_>>()?;
        Some(OrderedLine { item: of(&line["menu_item_id"])?, quantity: count(&line["quantity"])?, selections })
    };
    body["items"].as_array()?.iter().map(line).collect()
}

/// The order whose stream this is.
pub fn watched(call: &Call) -> Option<comanda_domain::OrderId> {
    read(call.path.strip_prefix("/v1/orders/")?.strip_suffix("/events")?)
}

/// The kind of a request, in words.
pub fn name(request: &Request) -> String {
    let kind = match request {
        Request::Other { what } => return what.clone(),
        Request::Forge { what } => return format!("forged {what}"),
        Request::Stream { message, .. } => {
            let message = format!("{message:?}");
            return format!("stream {}", message.split([' ', '(', '{']).next().unwrap_or_default().to_lowercase());
        }
        Request::Webhook(event) => return format!("webhook {}", event.kind),
        request => format!("{request:?}"),
    };
    let kind = kind.split([' ', '(', '{']).next().unwrap_or_default();
    let mut words = String::new();
    for letter in kind.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
