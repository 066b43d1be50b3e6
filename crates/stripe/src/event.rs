//! Reads Stripe's events (<https://docs.stripe.com/api/events/types>).

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike};
use comanda_domain::{
    DisputeReport, IncidentStatus, IntentId, IntentRefund, IntentState, Money, PaymentId, RefundId, RefundStatus,
    Timestamp,
    ports::{GatewayEvent, GatewayReport, IntentReport, MadeRefund, MalformedEvent, RefundReport, RefundedTotal},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

use crate::currency;

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
    /// Seconds in an event of the first version of Stripe's API; a text in a thin event, which tells nothing more than
    /// that something happened.
    #[serde(default)]
    created: Value,
    data: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct IntentObject {
    id: String,
    amount: Option<i64>,
    amount_received: Option<i64>,
    currency: Option<String>,
    #[serde(default, deserialize_with = "object")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct RefundObject {
    id: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    payment_intent: Option<Value>,
    status: Option<String>,
    #[serde(default, deserialize_with = "object")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct ChargeObject {
    amount_refunded: i64,
    currency: String,
    payment_intent: Option<Value>,
}

#[derive(Deserialize)]
struct DisputeObject {
    id: String,
    amount: i64,
    currency: String,
    payment_intent: Option<Value>,
    status: String,
    #[serde(default)]
    reason: String,
}

/// A JSON object. What serde derives would take a list of its values for it.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let members = Map::<String, Value>::deserialize(deserializer)?;
    T::deserialize(Value::Object(members)).map_err(D::Error::custom)
}

/// What [`read`] understands.
pub(crate) const KNOWN_KINDS: [&str; 16] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.created",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
];

pub(crate) fn read(body: &str) -> Result<GatewayEvent, MalformedEvent> {
    let event: Value = serde_json::from_str(body).map_err(|_| MalformedEvent("the body is no event"))?;
    let event: Event = object(event).map_err(|_| MalformedEvent("the body is no event"))?;
    let Event { id, r#type: kind, created, data } = event;
    let at = created.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let at = at.filter(|at| YEARS.contains(&at.year()));
    let no_time = MalformedEvent("`created` is no time");
    if !KNOWN_KINDS.contains(&kind.as_str()) {
        let is_out_of_range = created.is_number() && at.is_none();
        return if is_out_of_range {
            Err(no_time)
        } else {
            Ok(GatewayEvent { id, report: GatewayReport::Unknown(kind) })
        };
    }
    let at = at.ok_or(no_time)?;
    let subject = data.and_then(|mut data| data.remove("object")).unwrap_or_default();
    let report = match kind.as_str() {
        "payment_intent.succeeded" => intent(subject, IntentState::Succeeded, at)?,
        "payment_intent.payment_failed" => intent(subject, IntentState::Failed, at)?,
        "payment_intent.canceled" => intent(subject, IntentState::Cancelled, at)?,
        "payment_intent.requires_action" => intent(subject, IntentState::RequiresAction, at)?,
        "payment_intent.processing" | "payment_intent.created" => intent(subject, IntentState::Pending, at)?,
        "charge.refunded" => charge(subject)?,
        "charge.dispute.funds_withdrawn" => dispute(subject, Some(true), at)?,
        "charge.dispute.funds_reinstated" => dispute(subject, Some(false), at)?,
        dispute_kind if dispute_kind.starts_with("charge.dispute.") => dispute(subject, None, at)?,
        _ => refund(subject)?,
    };
    Ok(GatewayEvent { id, report })
}

fn intent(subject: Value, state: IntentState, at: Timestamp) -> Result<GatewayReport, MalformedEvent> {
    let intent: IntentObject = object(subject).map_err(|_| MalformedEvent("`data.object` is no payment intent"))?;
    let received = match (intent.amount_received.or(intent.amount), &intent.currency) {
        (Some(units), Some(currency)) if state == IntentState::Succeeded => Some(money(units, currency)?),
        _ => None,
    };
    let payment_id = intent.metadata.payment_id();
    Ok(GatewayReport::Intent(IntentReport { intent: IntentId(intent.id), payment_id, state, received, at }))
}

fn refund(subject: Value) -> Result<GatewayReport, MalformedEvent> {
    let refund: RefundObject = object(subject).map_err(|_| MalformedEvent("`data.object` is no refund"))?;
    let status = refund_status(refund.status.as_deref());
    let made = match (refund.id, intent_id(refund.payment_intent), refund.amount, refund.currency) {
        (Some(id), Some(intent), Some(units), Some(currency)) => {
            Some(MadeRefund { id, intent, amount: money(units, &currency)? })
        }
        _ => None,
    };
    Ok(match (refund.metadata.refund_id(), made) {
        (Some(refund), made) => GatewayReport::Refund(RefundReport { refund, status, made }),
        // Somebody made it on Stripe's dashboard.
        (None, Some(MadeRefund { id, intent, amount })) => {
            GatewayReport::GatewayRefund(intent, IntentRefund { id, refund_id: None, amount, status })
        }
        (None, None) => GatewayReport::NotOurs,
    })
}

fn charge(subject: Value) -> Result<GatewayReport, MalformedEvent> {
    let charge: ChargeObject = object(subject).map_err(|_| MalformedEvent("`data.object` is no charge"))?;
    let Some(intent) = intent_id(charge.payment_intent) else { return Ok(GatewayReport::NotOurs) };
    let total = money(charge.amount_refunded, &charge.currency)?;
    Ok(GatewayReport::RefundedTotal(RefundedTotal { intent, total }))
}

fn dispute(subject: Value, withdrawn: Option<bool>, at: Timestamp) -> Result<GatewayReport, MalformedEvent> {
    let dispute: DisputeObject = object(subject).map_err(|_| MalformedEvent("`data.object` is no dispute"))?;
    let Some(intent) = intent_id(dispute.payment_intent) else { return Ok(GatewayReport::NotOurs) };
    let status = match dispute.status.as_str() {
        "won" | "warning_closed" | "prevented" => IncidentStatus::Won,
        "lost" => IncidentStatus::Lost,
        "under_review" | "warning_under_review" => IncidentStatus::UnderReview,
        // A status that is new to us had better be looked at.
        _ => IncidentStatus::NeedsResponse,
    };
    let amount = money(dispute.amount, &dispute.currency)?;
    let (id, reason) = (dispute.id, dispute.reason);
    Ok(GatewayReport::Dispute(DisputeReport { id, intent, amount, status, reason, withdrawn, at }))
}

/// The id of an intent, which is given alone or as the id of an expanded object.
fn intent_id(value: Option<Value>) -> Option<IntentId> {
    match value? {
        Value::String(id) => Some(IntentId(id)),
        object => object.get("id")?.as_str().map(|id| IntentId(id.to_owned())),
    }
}

fn money(units: i64, currency: &str) -> Result<Money, MalformedEvent> {
    currency::read(units, currency).ok_or(MalformedEvent("its currency does not have such an amount"))
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

    fn euros(amount: i64) -> Money {
        Money::new(amount, comanda_domain::Currency::EUR)
    }

    fn report(kind: &str, object: &str) -> GatewayReport {
        read(&event(kind, object)).unwrap().report
    }

    #[test]
    fn what_was_received_is_read_in_our_units_and_its_own_currency() {
        for (object, expected) in [
            (r#"{"id":"pi_1","amount":900,"amount_received":100,"currency":"eur"}"#, Some(euros(100))),
            (r#"{"id":"pi_1","amount":900,"currency":"eur"}"#, Some(euros(900))),
            (r#"{"id":"pi_1","amount":50000,"currency":"isk"}"#, Some(Money::new(500, "ISK".parse().unwrap()))),
            (r#"{"id":"pi_1"}"#, None),
        ] {
            let GatewayReport::Intent(report) = report("payment_intent.succeeded", object) else { panic!("{object}") };
            assert_eq!(report.received, expected, "{object}");
        }
        assert!(read(&event("payment_intent.succeeded", r#"{"id":"pi_1","amount":50,"currency":"isk"}"#)).is_err());
    }

    #[test]
    fn refunds_and_disputes_of_the_dashboard_are_read() {
        let object = r#"{"id":"re_1","amount":300,"currency":"eur","payment_intent":"pi_1","status":"succeeded"}"#;
        let refund = IntentRefund {
            id: "re_1".to_owned(),
            refund_id: None,
            amount: euros(300),
            status: RefundStatus::Succeeded,
        };
        for kind in ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"] {
            let intent = IntentId("pi_1".to_owned());
            assert_eq!(report(kind, object), GatewayReport::GatewayRefund(intent, refund.clone()), "{kind}");
        }
        let object = r#"{"amount_refunded":300,"currency":"eur","payment_intent":{"id":"pi_1"}}"#;
        let total = RefundedTotal { intent: IntentId("pi_1".to_owned()), total: euros(300) };
        assert_eq!(report("charge.refunded", object), GatewayReport::RefundedTotal(total));
        for (kind, status, expected, withdrawn) in [
            ("created", "needs_response", IncidentStatus::NeedsResponse, None),
            ("created", "warning_needs_response", IncidentStatus::NeedsResponse, None),
            ("updated", "under_review", IncidentStatus::UnderReview, None),
            ("closed", "won", IncidentStatus::Won, None),
            ("closed", "lost", IncidentStatus::Lost, None),
            ("closed", "warning_closed", IncidentStatus::Won, None),
            ("funds_withdrawn", "needs_response", IncidentStatus::NeedsResponse, Some(true)),
            ("funds_reinstated", "won", IncidentStatus::Won, Some(false)),
        ] {
            let object = format!(
                r#"{{"id":"dp_1","amount":900,"currency":"eur","payment_intent":"pi_1","status":"{status}","reason":"fraudulent"}}"#
            );
            let GatewayReport::Dispute(report) = report(&format!("charge.dispute.{kind}"), &object) else {
                panic!("{kind}")
            };
            assert_eq!((report.status, report.withdrawn, report.amount), (expected, withdrawn, euros(900)), "{kind}");
        }
    }

    #[test]
    fn every_known_kind_is_read_and_any_other_is_left_alone() {
        for kind in KNOWN_KINDS {
            let object =
                r#"{"id":"x_1","amount":1,"amount_refunded":1,"currency":"eur","payment_intent":"pi_1","status":"s"}"#;
            assert!(!matches!(report(kind, object), GatewayReport::Unknown(_)), "{kind}");
        }
        assert_eq!(report("customer.created", "{}"), GatewayReport::Unknown("customer.created".to_owned()));
        assert_eq!(report("refund.updated", r#"{"status":"failed"}"#), GatewayReport::NotOurs, "of no payment intent");
        let thin = r#"{"id":"evt_65R","object":"v2.core.event","type":"v1.billing.meter.no_meter_found",
            "livemode":false,"created":"2024-10-22T16:26:54.063Z"}"#;
        let unknown = GatewayReport::Unknown("v1.billing.meter.no_meter_found".to_owned());
        assert_eq!(read(thin).unwrap().report, unknown);
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
        let refund = event("refund.created", r#"["re_1",300,"eur","pi_1","succeeded",{}]"#);
        let refund_metadata = event("refund.created", r#"{"id":"re_1","metadata":[null,null]}"#);
        let charge = event("charge.refunded", r#"[300,"eur","pi_1"]"#);
        let dispute = event("charge.dispute.created", r#"["dp_1",900,"eur","pi_1","won","fraudulent"]"#);
        for body in [list, list_within, &intent, &metadata, &refund, &refund_metadata, &charge, &dispute] {
            assert!(read(body).is_err(), "{body}");
        }
        for created in [i64::MIN, -1, 253_402_300_800, 8_210_266_876_799, i64::MAX] {
            for body in [event("customer.created", "{}"), event("payment_intent.succeeded", r#"{"id":"pi_1"}"#)] {
                assert!(read(&body).is_ok(), "{body}");
                let body = body.replace("1700000000", &created.to_string());
                assert!(read(&body).is_err(), "{body}");
            }
        }
    }
}
