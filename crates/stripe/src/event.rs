//! Reads Stripe's events (<https://docs.stripe.com/api/events/types>).

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike};
use comanda_domain::{
    IntentId, IntentState, PaymentId, RefundId, RefundStatus,
    ports::{GatewayEvent, GatewayReport, IntentReport, MalformedEvent, RefundReport},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

/// When events happen. A database's calendar ends earlier than an integer of 64 bits.
const YEARS: RangeInclusive<i32> = 1970..=9999;

/// Our own ids, which Stripe stores with its objects.
#[derive(Default, Deserialize)]
pub(crate) struct Metadata {
    payment_id: Option<String>,
    refund_id: Option<String>,
}

impl Metadata {
    pub(crate) fn payment_id(&self) -> Option<PaymentId> {
        Some(PaymentId::new(self.payment_id.as_deref()?.parse().ok()?))
    }

    pub(crate) fn refund_id(&self) -> Option<RefundId> {
        Some(RefundId::new(self.refund_id.as_deref()?.parse().ok()?))
    }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    created: i64,
    #[serde(deserialize_with = "object")]
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

#[derive(Deserialize)]
struct IntentObject {
    id: String,
    #[serde(default, deserialize_with = "object")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct RefundObject {
    status: Option<String>,
    #[serde(default, deserialize_with = "object")]
    metadata: Metadata,
}

/// A JSON object. What serde derives would take a list of its values for it.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let members = Map::<String, Value>::deserialize(deserializer)?;
    T::deserialize(Value::Object(members)).map_err(D::Error::custom)
}

pub(crate) fn read(body: &str) -> Result<GatewayEvent, MalformedEvent> {
    let event: Value = serde_json::from_str(body).map_err(|_| MalformedEvent("the body is no event"))?;
    let event: Event = object(event).map_err(|_| MalformedEvent("the body is no event"))?;
    let at = DateTime::from_timestamp(event.created, 0).filter(|at| YEARS.contains(&at.year()));
    let at = at.ok_or(MalformedEvent("`created` is no time"))?;
    let state = match event.r#type.as_str() {
        "payment_intent.succeeded" => Some(IntentState::Succeeded),
        "payment_intent.payment_failed" => Some(IntentState::Failed),
        "payment_intent.canceled" => Some(IntentState::Cancelled),
        "payment_intent.requires_action" => Some(IntentState::RequiresAction),
        "payment_intent.processing" | "payment_intent.created" => Some(IntentState::Pending),
        _ => None,
    };
    let report = match state {
        Some(state) => {
            let intent: IntentObject =
                object(event.data.object).map_err(|_| MalformedEvent("`data.object` is no payment intent"))?;
            let payment_id = intent.metadata.payment_id();
            GatewayReport::Intent(IntentReport { intent: IntentId(intent.id), payment_id, state, at })
        }
        None if matches!(
            event.r#type.as_str(),
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated"
        ) =>
        {
            let refund: RefundObject =
                object(event.data.object).map_err(|_| MalformedEvent("`data.object` is no refund"))?;
            let status = refund_status(refund.status.as_deref());
            // A refund that was made on Stripe's dashboard has no id of ours.
            refund
                .metadata
                .refund_id()
                .map_or(GatewayReport::Other, |id| GatewayReport::Refund(RefundReport { refund: id, status }))
        }
        None => GatewayReport::Other,
    };
    Ok(GatewayEvent { id: event.id, report })
}

pub(crate) fn refund_status(status: Option<&str>) -> RefundStatus {
    match status {
        Some("failed" | "canceled") => RefundStatus::Failed,
        Some("succeeded") => RefundStatus::Succeeded,
        _ => RefundStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, object: &str) -> String {
        format!(
            r#"{{"id":"evt_1","object":"event","type":"{kind}","created":1700000000,"data":{{"object":{object}}}}}"#
        )
    }

    #[test]
    fn a_payment_that_succeeded_is_read_from_its_event() {
        let object =
            r#"{"id":"pi_1","metadata":{"payment_id":"0194c6a0-0000-7000-8000-000000000001"},"status":"succeeded"}"#;
        let GatewayReport::Intent(report) = read(&event("payment_intent.succeeded", object)).unwrap().report else {
            panic!("not about an intent")
        };
        assert_eq!((report.intent.0.as_str(), report.state), ("pi_1", IntentState::Succeeded));
        assert!(report.payment_id.is_some());
    }

    #[test]
    fn events_that_are_not_followed_are_read_too() {
        assert_eq!(read(&event("customer.created", "{}")).unwrap().report, GatewayReport::Other);
        assert_eq!(read(&event("refund.updated", r#"{"status":"failed"}"#)).unwrap().report, GatewayReport::Other);
    }

    #[test]
    fn anything_but_an_event_is_refused() {
        let without_id = event("payment_intent.succeeded", "{}");
        for body in ["", "null", "[]", "{}", r#"{"id":1}"#, &without_id] {
            assert!(read(body).is_err(), "{body}");
        }
        let list = r#"["evt_1","customer.created",1700000000,[{}]]"#;
        let list_within = r#"{"id":"evt_1","type":"customer.created","created":1700000000,"data":[{}]}"#;
        let intent = event("payment_intent.succeeded", r#"["pi_1",{}]"#);
        let metadata = event("payment_intent.succeeded", r#"{"id":"pi_1","metadata":[null,null]}"#);
        for body in [list, list_within, &intent, &metadata] {
            assert!(read(body).is_err(), "{body}");
        }
        for created in [i64::MIN, -1, 253_402_300_800, 8_210_266_876_799, i64::MAX] {
            let body = event("customer.created", "{}").replace("1700000000", &created.to_string());
            assert!(read(&body).is_err(), "{body}");
        }
    }
}
