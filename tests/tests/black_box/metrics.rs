//! What metrics say before anything has happened, and after it is over.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use comanda_tests::{Client, PASSWORD, TestApp, TestDatabase, TestServer};
use serde_json::json;

/// An address that nobody listens on.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn scrape(address: &str) -> String {
    Client::anonymous(&format!("http://{address}")).get("/metrics").await.text
}

/// The series of all counters.
fn counters(metrics: &str) -> BTreeSet<String> {
    let typed = |line: &str| Some(line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?.to_owned());
    let names: BTreeSet<String> = metrics.lines().filter_map(typed).collect();
    let series = metrics.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, _)| series.to_owned()).filter(|series| names.contains(name_of(series))).collect()
}

fn name_of(series: &str) -> &str {
    series.split('{').next().unwrap_or(series)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_counter_begins_at_nothing() {
    let address = free_address();
    let database = TestDatabase::migrated().await;
    let _server = TestServer::start(&database, &[("METRICS_ADDR", &address)]).await;
    let asked_for: BTreeSet<&str> =
        [include_str!("../../../operations/alerts.yml"), include_str!("../../../operations/dashboard.json")]
            .iter()
            .flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
            .filter(|word| word.starts_with("comanda_") && word.ends_with("_total"))
            // Of a server without subscribers there are none.
            .filter(|name| *name != "comanda_outbox_deliveries_total")
            .collect();
    let begin = Instant::now();
    // The workers register theirs as they start.
    let fresh = loop {
        let metrics = scrape(&address).await;
        let there = counters(&metrics);
        let missing: Vec<_> =
            asked_for.iter().filter(|name| !there.iter().any(|series| name_of(series) == **name)).collect();
        // PostgreSQL and Redis are looked at though nobody asks for anything, each in its own time.
        let are_up = ["postgres", "redis"]
            .iter()
            .all(|component| metrics.contains(&format!("comanda_component_up{{component=\"{component}\"}} 1")));
        if missing.is_empty() && are_up {
            break metrics;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "{missing:?} are missing in:\n{metrics}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for name in ["comanda_build_info{version=\"", "process_start_time_seconds ", "process_resident_memory_bytes "] {
        let value =
            fresh.lines().find(|line| line.starts_with(name)).and_then(|line| line.rsplit_once(' ')?.1.parse().ok());
        assert!(value.is_some_and(|value: f64| value >= 1.0), "{name} is missing in:\n{fresh}");
    }
    // Every family is explained.
    for name in fresh.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(fresh.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
    let descriptors = |name: &str| fresh.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
    assert!(descriptors("process_open_fds").unwrap() >= 10.0);
    assert!(descriptors("process_max_fds") > descriptors("process_open_fds"));
    for series in [
        "comanda_account_mails_total{outcome=\"later\"} 0",
        "comanda_breaker_transitions_total{operation=\"order.create\",to=\"open\"} 0",
        "comanda_gateway_misconfigured_total 0",
        "comanda_mails_over_limit_total{kind=\"order\"} 0",
        "comanda_password_checks_total{outcome=\"mismatch\"} 0",
        "comanda_payment_work_failures_total{duty=\"refunds\"} 0",
        "comanda_placement_refused_total 0",
        "comanda_requests_refused_total 0",
        "comanda_security_events_total{event=\"refresh_reuse\",outcome=\"refused\"} 0",
        "comanda_statement_errors_total{db_query_summary=\"order.place.commit\",error_type=\"read_only\"} 0",
        "comanda_statement_errors_total{db_query_summary=\"order.place.commit\",error_type=\"disk_full\"} 0",
        "comanda_statement_rows_total{db_query_summary=\"order.place.insert_lines\"} 0",
        "comanda_unreadable_records_total{table=\"redis\"} 0",
        "http_server_request_duration_seconds_count{http_request_method=\"POST\",http_route=\"/v1/orders\",\
         http_response_status_code=\"503\"} 0",
    ] {
        assert!(fresh.lines().any(|line| line == series), "{series} is missing in:\n{fresh}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_counter_is_born_at_its_first_increment() {
    let address = free_address();
    let app = TestApp::with_servers(1, &[("METRICS_ADDR", &address)]).await;
    app.anonymous().get("/health/ready").await.expect(200);
    let before = counters(&scrape(&address).await);
    let (item, customer) = (app.item(3).await, app.customer().await);
    let order = customer.order_with_key("key", &[(item, 1)]).await.expect(201);
    customer.order(&[(item, 9)]).await.expect(409);
    customer.post(&format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), &json!({})).await.expect(200);
    app.admin.get("/v1/analytics/sales").await;
    app.anonymous().get("/v1/menu").await.expect(200);
    app.anonymous().get("/nothing").await.expect(404);
    app.anonymous().try_password("nobody@example.org", PASSWORD).await;
    let born: Vec<_> = counters(&scrape(&address).await).difference(&before).cloned().collect();
    assert!(born.is_empty(), "{born:#?}");
    app.close().await;
}

/// The requests that wait for a connection, of all pools together.
fn pending(metrics: &str) -> i64 {
    let series = metrics.lines().filter(|line| line.starts_with("db_client_connection_pending_requests{"));
    series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<i64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_connection_once_everybody_has_given_up() {
    let address = free_address();
    let app = TestApp::with_servers(1, &[("METRICS_ADDR", &address)]).await;
    let customer = app.customer().await;
    assert_eq!(pending(&scrape(&address).await), 0);
    let other_database = TestDatabase::empty().await;
    let elsewhere = other_database.client().await;
    let name = app.database.url.rsplit_once('/').unwrap().1;
    let door = |open: bool| format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {open}");
    elsewhere.batch_execute(&door(false)).await.unwrap();
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    elsewhere.batch_execute(&cut).await.unwrap();

    // Some wait until their time is up, and some hang up.
    let asking: Vec<_> = (0..8)
        .map(|n| {
            let (anonymous, customer) = (app.anonymous(), customer.clone());
            tokio::spawn(async move {
                if n % 2 == 0 {
                    anonymous.get("/health/ready").await;
                } else {
                    let orders = customer.get("/v1/orders");
                    let _ = tokio::time::timeout(Duration::from_millis(300), orders).await;
                }
            })
        })
        .collect();
    let begin = Instant::now();
    while pending(&scrape(&address).await) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(5), "nobody is seen to wait");
    }
    for one in asking {
        one.await.unwrap();
    }
    elsewhere.batch_execute(&door(true)).await.unwrap();
    let begin = Instant::now();
    while app.anonymous().get("/health/ready").await.status != 200 || pending(&scrape(&address).await) != 0 {
        assert!(begin.elapsed() < Duration::from_secs(10), "somebody waits for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.close().await;
}
