//! Events as `CloudEvents` (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use chrono::SecondsFormat;
use comanda_domain::{Event, EventKind, Money, OrderEvent, OrderLine, PaymentEvent, SelectedOption};
use serde_json::{Value, json};
use uuid::Uuid;

/// The media type of a single event that includes its data.
pub(crate) const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The event's id for receivers. The source is in it, because a receiver may know events by their ids alone, and a copy
/// of a database may serve another deployment.
pub(crate) fn id(event: &Event, source: &str) -> String {
    Uuid::new_v5(&event.public_id, source.as_bytes()).to_string()
}

/// The document. It contains no personal data: a receiver that may know more can ask the API.
pub(crate) fn document(event: &Event, source: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": id(event, source),
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

fn selection(selected: &SelectedOption) -> Value {
    json!({
        "option_id": selected.option_id.as_uuid(), "group": selected.group.as_str(), "name": selected.name.as_str(),
        "quantity": selected.quantity.get(), "unit_price": money(selected.unit_price),
    })
}

/// As the API shows a line, but for the note, in which somebody may have written something about themselves.
fn line(line: &OrderLine) -> Value {
    json!({
        "menu_item_id": line.menu_item_id.as_uuid(), "name": line.name.as_str(),
        "unit_price": money(line.unit_price), "quantity": line.quantity.get(),
        "selections": line.selections.iter().map(selection).collect::<Vec<_>>(),
        "line_total": money(line.line_total),
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
        EventKind::OrderPlaced(o, lines) => {
            let mut data = order(o);
            data["items"] = lines.iter().map(line).collect();
            data
        }
        EventKind::OrderStatusChanged(o) => order(o),
        EventKind::PaymentSucceeded(o, payment)
        | EventKind::PaymentFailed(o, payment)
        | EventKind::PaymentRefunded(o, payment) => with_payment(o, payment),
        EventKind::ItemSoldOut { id, name } => json!({ "menu_item_id": id.as_uuid(), "name": name.as_str() }),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use comanda_domain::{
        AccountId, Currency, Email, MenuItemId, MenuItemName, OrderId, OrderNumber, OrderStatus, PaymentId,
        PaymentMethod, PersonName,
    };

    use super::*;
    use crate::sample;

    fn order() -> OrderEvent {
        OrderEvent {
            id: OrderId::new(Uuid::from_u128(1)),
            number: OrderNumber::new(7),
            status: OrderStatus::Accepted,
            version: 2,
            total: Money::new(1250, Currency::EUR),
            customer_id: AccountId::new(Uuid::from_u128(2)),
            email: Email::new("ana@example.org").unwrap(),
            email_verified: true,
            name: PersonName::new("Ana").unwrap(),
        }
    }

    fn payment() -> PaymentEvent {
        PaymentEvent {
            id: PaymentId::new(Uuid::from_u128(3)),
            method: PaymentMethod::Card,
            amount: Money::new(1250, Currency::EUR),
            refunded: Money::new(300, Currency::EUR),
        }
    }

    fn one_of_each_kind() -> [Event; 6] {
        let (id, name) = (MenuItemId::new(Uuid::from_u128(4)), MenuItemName::new("Carbonara").unwrap());
        let kinds = [
            EventKind::OrderPlaced(order(), sample::lines()),
            EventKind::OrderStatusChanged(order()),
            EventKind::PaymentSucceeded(order(), payment()),
            EventKind::PaymentFailed(order(), payment()),
            EventKind::PaymentRefunded(order(), payment()),
            EventKind::ItemSoldOut { id, name },
        ];
        kinds.map(|happened| Event {
            id: 9,
            public_id: Uuid::from_u128(9),
            stream: Uuid::from_u128(1),
            occurred_at: DateTime::from_timestamp_millis(1_790_000_000_123).unwrap(),
            happened,
            is_held: false,
        })
    }

    #[test]
    fn subscribers_get_these_documents() {
        let written = |event| serde_json::to_string_pretty(&document(&event, "/comanda")).unwrap();
        let documents = one_of_each_kind().map(written);
        let documents = documents.join("\n\n");
        assert!(!documents.contains("ana@example.org") && !documents.contains("Ana"), "nothing personal: {documents}");
        insta::assert_snapshot!("cloud_events", documents);
    }

    /// The names of members and the kinds of values, without the values. Of a list, what its first entry is like.
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), shape(member))).collect(),
            Value::Array(entries) => entries.first().map(shape).into_iter().collect(),
            Value::String(_) => "text".into(),
            Value::Number(_) => "number".into(),
            other => other.clone(),
        }
    }

    #[test]
    fn the_page_of_events_shows_each_kind_as_it_is_sent() {
        let page = include_str!("../../../docs/events.md");
        let (_, webhooks) = page.split_once("\n## Webhooks\n").unwrap();
        let (webhooks, _) = webhooks.split_once("\n## ").unwrap();
        let sections = webhooks.split("\n### `").skip(1);
        let shown: Vec<(&str, Value)> = sections
            .map(|section| {
                let (kind, rest) = section.split_once('`').unwrap();
                let (_, example) = rest.split_once("```json\n").unwrap();
                (kind, serde_json::from_str(example.split_once("```").unwrap().0).unwrap())
            })
            .collect();
        assert_eq!(shown.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), EventKind::NAMES);
        for ((kind, example), event) in shown.iter().zip(one_of_each_kind()) {
            assert_eq!(example["type"], *kind);
            assert_eq!(shape(example), shape(&document(&event, "/comanda")), "{kind}");
        }
    }
}
