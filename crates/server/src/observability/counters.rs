//! Counters from nothing: an alert goes by the increase of a counter, which the first increment of a new one is not.
//!
//! Here are those whose labels are known before anything happens; those of a part that is made once, such as a breaker
//! or a worker, are registered where it is made.

use comanda_domain::{MailKind, Perishable, SecurityEventKind, SecurityOutcome};
use metrics::counter;

/// How the check of a password can end.
const PASSWORD_CHECKS: [&str; 6] = ["match", "mismatch", "locked", "too_many_at_once", "busy", "unavailable"];

/// For what an event stream can be refused.
const STREAM_LIMITS: [&str; 3] = ["account", "rate", "server"];

/// How the attempt to send a mail to an account can end.
const ACCOUNT_MAILS: [&str; 3] = ["sent", "later", "given_up"];

pub(super) fn register() {
    for name in [
        "comanda_connections_refused_total",
        "comanda_event_stream_resets_total",
        "comanda_gateway_events_malformed_total",
        "comanda_gateway_misconfigured_total",
        "comanda_order_mails_unverified_total",
        "comanda_password_reset_requests_ignored_total",
        "comanda_payment_disputes_total",
        "comanda_payment_mismatches_total",
        "comanda_placement_conflicts_total",
        "comanda_placement_fallbacks_total",
        "comanda_placement_refused_total",
        "comanda_refunds_failed_total",
        "comanda_requests_refused_total",
    ] {
        counter!(name).increment(0);
    }
    metrics::gauge!("http_server_open_connections").set(0);
    metrics::gauge!("comanda_event_streams").set(0);
    for limit in STREAM_LIMITS {
        counter!("comanda_event_streams_refused_total", "limit" => limit).increment(0);
    }
    for outcome in PASSWORD_CHECKS {
        counter!("comanda_password_checks_total", "outcome" => outcome).increment(0);
    }
    for outcome in ACCOUNT_MAILS {
        counter!("comanda_account_mails_total", "outcome" => outcome).increment(0);
    }
    for kind in MailKind::ALL.map(MailKind::as_str).into_iter().chain(["order"]) {
        counter!("comanda_mails_over_limit_total", "kind" => kind).increment(0);
    }
    for what in Perishable::ALL {
        counter!("comanda_rows_deleted_total", "table" => what.as_str()).increment(0);
    }
    counter!("comanda_unreadable_records_total", "table" => "redis").increment(0);
    for kind in SecurityEventKind::ALL {
        for outcome in SecurityOutcome::ALL {
            let labels = [("event", kind.as_str()), ("outcome", outcome.as_str())];
            counter!("comanda_security_events_total", &labels).increment(0);
        }
    }
    // Orders that fail, beside those that do not.
    for status in ["201", "500", "503"] {
        let labels =
            [("http_request_method", "POST"), ("http_route", "/v1/orders"), ("http_response_status_code", status)];
        // Registered, and never used by this handle.
        let _ = metrics::histogram!("http_server_request_duration_seconds", &labels);
    }
}
