//! Events as `CloudEvents` (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use chrono::SecondsFormat;
use comanda_domain::{
    event::{Event, EventKind, OrderEvent, PaymentEvent},
    money::Money,
};
use serde_json::{Value, json};

/// The media type of one event with its data in it.
pub(crate) const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The document, and nothing personal in it: a receiver that may know more asks the API.
pub(crate) fn document(event: &Event, source: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": event.id.to_string(),
        "source": source,
        "type": event.happened.kind(),
        "subject": event.stream,
        "time": event.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "datacontenttype": "application/json",
        "data": data(&event.happened),
    })
}

fn money(money: Money) -> Value {
    json!({ "amount": money.amount(), "currency": money.currency().code() })
}

fn order(order: &OrderEvent) -> Value {
    json!({
        "order_id": order.id.as_uuid(), "number": order.number.to_string(), "status": order.status.as_str(),
        "version": order.version, "total": money(order.total), "customer_id": order.customer_id.as_uuid(),
    })
}

fn data(happened: &EventKind) -> Value {
    let with_payment = |o: &OrderEvent, payment: &PaymentEvent| {
        let mut data = order(o);
        data["payment"] = json!({
            "id": payment.id.as_uuid(), "method": payment.method.as_str(),
            "amount": money(payment.amount), "refunded": money(payment.refunded),
        });
        data
    };
    match happened {
        EventKind::OrderPlaced(o) | EventKind::OrderStatusChanged(o) => order(o),
        EventKind::PaymentSucceeded(o, payment)
        | EventKind::PaymentFailed(o, payment)
        | EventKind::PaymentRefunded(o, payment) => with_payment(o, payment),
        EventKind::ItemSoldOut { id, name } => json!({ "menu_item_id": id.as_uuid(), "name": name.as_str() }),
    }
}
