//! How PostgreSQL runs what servers ask it while people order.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use comanda_tests::TestApp;
use serde_json::{Value, json};

use crate::history::FILL;

/// How many rows each table gets that grows.
const ROWS: i64 = 30_000;

/// Tables that have one row or a few here, so that reading all of them is the fastest.
const SMALL: [&str; 19] = [
    "__diesel_schema_migrations",
    "database_histories",
    "feature_flags",
    "kitchen_station_categories",
    "kitchen_stations",
    "leases",
    "menu_item_option_groups",
    "menu_item_option_prices",
    "menu_items",
    "menu_options",
    "menu_version",
    "option_groups",
    "outbox_horizon",
    "outbox_subscribers",
    "payment_incidents",
    "recipe_ingredients",
    "sales_summarized",
    "supplies",
    "users",
];

/// `PostgreSQL` adds 10^10 for each step that is forbidden and has no alternative; what goes by index is far below.
const MOST: f64 = 1e6;

/// What is wrong with a step of a plan, and with those below.
fn faults(step: &Value, found: &mut BTreeSet<String>) {
    let table = step["Relation Name"].as_str().unwrap_or_default();
    if step["Node Type"] == "Seq Scan" && !SMALL.contains(&table) && !table.starts_with("pg_") {
        found.insert(format!("reads all of {table}"));
    }
    for inner in step["Plans"].as_array().into_iter().flatten() {
        faults(inner, found);
    }
}

/// The plans that are in the log of a database, with their statements.
fn plans_of(database: &str, log: &str) -> Vec<Value> {
    let begins = format!(" {database} LOG:  duration: ");
    let mut plans = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.contains(&begins) || !line.ends_with("plan:") {
            continue;
        }
        let mut plan = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
            plan.push_str(line);
        }
        plans.push(serde_json::from_str(&plan).unwrap_or_else(|error| panic!("{error}: {plan}")));
    }
    plans
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_orders_reads_no_table_from_end_to_end() {
    let mut app = TestApp::open().await;
    let (item, scarce) = (app.item(1000).await, app.item(2).await);
    let customer = app.customer().await;
    let database = app.database.client().await;
    database.batch_execute(&FILL.replace("{rows}", &ROWS.to_string())).await.unwrap();
    database.batch_execute("VACUUM ANALYZE").await.unwrap();
    let name: String = database.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    for setting in ["log_min_duration = 0", "log_format = json", "log_nested_statements = on"] {
        database.batch_execute(&format!("ALTER DATABASE {name} SET auto_explain.{setting}")).await.unwrap();
    }
    let log = "SELECT regexp_replace(current_setting('data_directory'), '/data$', '.log')";
    let log: String = database.query_one(log, &[]).await.unwrap().get(0);
    let mut log = File::open(log).unwrap();
    log.seek(SeekFrom::End(0)).unwrap();

    // Another server: settings of a database hold for new connections.
    let settings = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline")];
    let base_url = app.open_another(&settings);
    let (customer, admin) = (customer.at(&base_url), app.admin.at(&base_url));
    let order = customer.order_with_key("once", &[(item, 1), (scarce, 1)]).await.expect(201);
    customer.order_with_key("once", &[(item, 1), (scarce, 1)]).await.expect(201);
    customer.order(&[(scarce, 1)]).await.expect(201);
    customer.order(&[(scarce, 1)]).await.expect(409);
    let id = order["id"].as_str().unwrap();
    customer.post(&format!("/v1/orders/{id}/payments"), &json!({ "method": "counter" })).await.expect(201);
    customer.get(&format!("/v1/orders/{id}?include=items,customer,payments")).await.expect(200);
    for query in
        ["", "?status=pending", "?created_from=2020-01-01T00:00:00Z", "?include=items,payments", "?number=A001"]
    {
        customer.get(&format!("/v1/orders{query}")).await.expect(200);
        admin.get(&format!("/v1/orders{query}")).await.expect(200);
    }
    admin.post(&format!("/v1/orders/{id}/status"), &json!({ "status": "accepted" })).await.expect(200);
    customer.get("/v1/menu").await.expect(200);
    customer.get("/v1/me").await.expect(200);
    customer.order(&[(item, 1)]).await.expect(201);

    // What a session did is in the log once it has ended.
    for server in app.servers.drain(..) {
        assert!(server.stop().success());
    }
    let mut written = Vec::new();
    log.read_to_end(&mut written).unwrap();
    let plans = plans_of(&name, &String::from_utf8_lossy(&written));
    let mut found = BTreeSet::new();
    let mut placed = 0;
    for plan in &plans {
        let statement = plan["Query Text"].as_str().unwrap();
        placed += usize::from(statement.contains("INSERT INTO order_lines"));
        let mut of_this = BTreeSet::new();
        faults(&plan["Plan"], &mut of_this);
        if plan["Plan"]["Total Cost"].as_f64().unwrap() > MOST {
            of_this.insert("costs more than anything by index".to_owned());
        }
        if plan.get("JIT").is_some() {
            of_this.insert("is compiled".to_owned());
        }
        found.extend(of_this.into_iter().map(|fault| format!("{fault}: {statement}")));
    }
    assert!(placed >= 3 && plans.len() > 100, "{placed} of {}", plans.len());
    assert!(found.is_empty(), "{found:#?}");
}
