//! Every metric there is, with what it says. Names and units follow Prometheus's customs; `http_` and `db_` are
//! OpenTelemetry's.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

const TABLE: &[(Kind, &str, Unit, &str)] = &[
    (Counter, "comanda_account_mails_total", Unit::Count, "Attempts to send mails to accounts, by outcome."),
    (Counter, "comanda_breaker_refused_total", Unit::Count, "Calls that an open circuit breaker refused."),
    (Gauge, "comanda_breaker_state", Unit::Count, "Circuit breakers: 0 closed, 1 half open, 2 open."),
    (Counter, "comanda_breaker_transitions_total", Unit::Count, "Moves of circuit breakers, by where to."),
    (Gauge, "comanda_build_info", Unit::Count, "1, with the version and the commit of this server."),
    (Gauge, "comanda_component_up", Unit::Count, "Whether a service that the server depends on is well: 1 or 0."),
    (Counter, "comanda_connections_refused_total", Unit::Count, "Connections beyond CONCURRENT_CONNECTIONS."),
    (Gauge, "comanda_dead_rows", Unit::Count, "Rows of a table that PostgreSQL cannot clean up yet."),
    (Gauge, "comanda_degraded", Unit::Count, "Whether a part goes on without Redis: 1 or 0."),
    (Gauge, "comanda_event_horizon_seconds", Unit::Seconds, "How long an open transaction has held up events."),
    (Counter, "comanda_event_stream_resets_total", Unit::Count, "Event streams that could not go on where they were."),
    (Gauge, "comanda_event_streams", Unit::Count, "Event streams that are open."),
    (
        Counter,
        "comanda_event_streams_refused_total",
        Unit::Count,
        "Event streams refused, by the limit that was reached.",
    ),
    (Counter, "comanda_flag_evaluations_total", Unit::Count, "Evaluations of feature flags, by outcome."),
    (Counter, "comanda_gateway_events_malformed_total", Unit::Count, "Events of the gateway that cannot be read."),
    (Counter, "comanda_gateway_misconfigured_total", Unit::Count, "Calls that the gateway refused for our key."),
    (Counter, "comanda_handler_panics_total", Unit::Count, "Panics in requests and workers."),
    (Counter, "comanda_mails_over_limit_total", Unit::Count, "Mails that an address would have been too many of."),
    (Counter, "comanda_menu_loads_total", Unit::Count, "Times the whole menu was read from PostgreSQL."),
    (Counter, "comanda_menu_reads_total", Unit::Count, "Reads of the menu, by the layer that served them."),
    (Gauge, "comanda_oldest_snapshot_seconds", Unit::Seconds, "Age of the oldest snapshot of the database cluster."),
    (Gauge, "comanda_oldest_snapshot_transactions", Unit::Count, "Transactions begun since the oldest snapshot."),
    (Counter, "comanda_order_mails_unverified_total", Unit::Count, "Mails left out: the address is unverified."),
    (Gauge, "comanda_outbox_dead_letters", Unit::Count, "Events whose delivery to a subscriber was given up."),
    (Counter, "comanda_outbox_deliveries_total", Unit::Count, "Deliveries of events, by subscriber and outcome."),
    (Gauge, "comanda_outbox_lag_seconds", Unit::Seconds, "Age of the oldest event that waits for a subscriber."),
    (Gauge, "comanda_outbox_unserved_events", Unit::Count, "Events that wait for a subscriber nobody serves."),
    (Counter, "comanda_password_checks_total", Unit::Count, "Checks of passwords, by outcome."),
    (Counter, "comanda_password_reset_requests_ignored_total", Unit::Count, "Resets asked for without an account."),
    (Counter, "comanda_payment_disputes_total", Unit::Count, "Card payments that customers dispute."),
    (Counter, "comanda_payment_mismatches_total", Unit::Count, "Payments of another amount than was asked for."),
    (Counter, "comanda_payment_work_failures_total", Unit::Count, "Failures of work on payments, by duty."),
    (Histogram, "comanda_placement_batch_size", Unit::Count, "Orders that were decided in one transaction."),
    (Counter, "comanda_placement_conflicts_total", Unit::Count, "Batches of orders that met another writer of stock."),
    (Counter, "comanda_placement_fallbacks_total", Unit::Count, "Batches of orders that were decided one by one."),
    (Gauge, "comanda_placement_queue_depth", Unit::Count, "Orders that wait to be decided."),
    (Counter, "comanda_placement_refused_total", Unit::Count, "Orders refused because too many were waiting."),
    (Counter, "comanda_refunds_failed_total", Unit::Count, "Refunds that the gateway could not make."),
    (Gauge, "comanda_replica_lag_seconds", Unit::Seconds, "How far the replica is behind the primary."),
    (Counter, "comanda_requests_refused_total", Unit::Count, "Requests beyond CONCURRENT_REQUESTS."),
    (Counter, "comanda_retries_total", Unit::Count, "Reads that were repeated after a failure."),
    (Counter, "comanda_rows_deleted_total", Unit::Count, "Old rows that were deleted, by table."),
    (Gauge, "comanda_sales_figures_lag_seconds", Unit::Seconds, "Age of the oldest event not summarized yet."),
    (Counter, "comanda_security_events_total", Unit::Count, "Security events, by kind and outcome."),
    (Gauge, "comanda_serving", Unit::Count, "Whether the server serves requests: 1, or 0 while it is starting."),
    (Gauge, "comanda_snapshot_seconds", Unit::Seconds, "Age of an old snapshot, by who holds it."),
    (Counter, "comanda_statement_errors_total", Unit::Count, "Statements that failed, by name and type of error."),
    (Counter, "comanda_statement_rows_total", Unit::Count, "Rows that statements returned or changed, by name."),
    (Counter, "comanda_unreadable_records_total", Unit::Count, "Stored records that could not be read, by table."),
    (
        Gauge,
        "comanda_worker_last_success_timestamp_seconds",
        Unit::Seconds,
        "When a worker last succeeded, or was made.",
    ),
    (Counter, "comanda_worker_restarts_total", Unit::Count, "Restarts of a worker after a panic."),
    (Gauge, "comanda_worker_up", Unit::Count, "Whether a worker runs: 1 or 0."),
    (Gauge, "db_client_connection_max", Unit::Count, "Connections that a pool may have."),
    (Gauge, "db_client_connection_pending_requests", Unit::Count, "Requests that wait for a connection of a pool."),
    (Histogram, "db_client_connection_wait_time_seconds", Unit::Seconds, "How long requests waited for a connection."),
    (Gauge, "db_client_connections", Unit::Count, "Connections of a pool, by whether somebody uses them."),
    (Histogram, "db_client_operation_duration_seconds", Unit::Seconds, "How long statements took, by name."),
    (Gauge, "http_server_active_requests", Unit::Count, "Requests under way, by method."),
    (Gauge, "http_server_open_connections", Unit::Count, "Connections of clients that are open."),
    (Histogram, "http_server_request_duration_seconds", Unit::Seconds, "How long requests took, by route and status."),
    (Gauge, "process_max_fds", Unit::Count, "File descriptors that the process may have open."),
    (Gauge, "process_open_fds", Unit::Count, "File descriptors that the process has open."),
    (Gauge, "process_resident_memory_bytes", Unit::Bytes, "Memory that the process has in RAM."),
    (Gauge, "process_start_time_seconds", Unit::Seconds, "When the process started, in seconds since 1970."),
    (Gauge, "process_threads", Unit::Count, "Threads of the process."),
    (Gauge, "process_virtual_memory_bytes", Unit::Bytes, "Memory that the process has mapped."),
];

pub(super) fn describe() {
    for (kind, name, unit, help) in TABLE.iter().copied() {
        match kind {
            Counter => describe_counter!(name, unit, help),
            Gauge => describe_gauge!(name, unit, help),
            Histogram => describe_histogram!(name, unit, help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// What the code measures, in the folder and below.
    fn measured(folder: &Path, found: &mut BTreeSet<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                measured(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                for kind in ["counter", "gauge", "histogram"] {
                    let call = format!("{kind}!(");
                    let calls = source.split(&call).skip(1).map(str::trim_start);
                    let names = calls.filter_map(|call| Some(call.strip_prefix('"')?.split_once('"')?.0.to_owned()));
                    found.extend(names.map(|name| (kind.to_owned(), name)));
                }
            }
        }
    }

    #[test]
    fn whatever_is_measured_is_in_the_table() {
        let mut found = BTreeSet::new();
        measured(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut found);
        found.retain(|(_, name)| ["comanda_", "db_", "http_", "process_"].iter().any(|begin| name.starts_with(begin)));
        assert!(found.len() > 50, "{found:?}");
        let named: BTreeSet<_> =
            TABLE.iter().map(|(kind, name, ..)| (format!("{kind:?}").to_lowercase(), (*name).to_owned())).collect();
        let missing: Vec<_> = found.difference(&named).collect();
        assert!(missing.is_empty(), "not in the table: {missing:?}");
        let gone = named.difference(&found).filter(|(_, name)| name != "comanda_handler_panics_total");
        assert_eq!(gone.count(), 0, "nobody measures some of them");
        assert!(TABLE.is_sorted_by_key(|(_, name, ..)| name));
    }
}
