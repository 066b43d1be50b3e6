//! Reading the menu from copies: one loader, no step back, and no stale price after a write has returned.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_domain::{FeatureFlag, Percentage};
use comanda_tests::{Client, FaultyProxy, TestApp, TestRedis, TestServer, Weather, redis_url, seeded};
use rand::RngExt;
use redis::Commands;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

mod lost_menus;

/// Matches the statement that loads the whole menu.
const LOAD: &str = "%FROM%menu_version%LEFT%JOIN%menu_items%";

/// How soon every server shows what one of them has changed.
const SOON: Duration = Duration::from_secs(1);

fn prices(menu: &Value) -> HashMap<String, i64> {
    let categories = menu["categories"].as_array().unwrap();
    let items = categories.iter().flat_map(|category| category["items"].as_array().unwrap());
    items.map(|item| (item["id"].as_str().unwrap().to_owned(), item["price"]["amount"].as_i64().unwrap())).collect()
}

/// Repeats the check until it holds; fails after `SOON`.
async fn until_soon(holds: impl AsyncFnMut() -> bool) {
    within(SOON, holds).await;
}

async fn within(time: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < time, "not within {time:?}");
    }
}

fn keys(redis_url: &str) -> redis::Connection {
    redis::Client::open(redis_url).unwrap().get_connection().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_readers_of_a_dropped_menu_are_one_load() {
    let redis = TestRedis::start().await;
    let redis_url = redis.url();
    let mut restaurant = TestApp::with_redis(redis_url.clone(), 1, &[]).await;
    for _ in 0..20 {
        restaurant.item(10).await;
    }
    restaurant.servers.remove(0).stop();
    let dropped: Vec<String> = keys(&redis_url).keys("cache:menu:*").unwrap();
    assert!(dropped.len() > 20, "the menu was shared");
    let _: () = keys(&redis_url).del(dropped).unwrap();
    for _ in 0..2 {
        restaurant.open_another(&[]);
    }
    let before = restaurant.database.statements(LOAD).await;
    // The table stays locked until every process has tried to take the lease.
    let holder = restaurant.database.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE menu_items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let lease_attempts = || {
        let statistics: String = redis::cmd("INFO").arg("commandstats").query(&mut keys(&redis_url)).unwrap();
        let line = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_set:calls="));
        line.and_then(|line| line.split(',').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    let before_any = lease_attempts();

    let readers: Vec<Client> = restaurant.servers.iter().map(|server| Client::anonymous(&server.base_url)).collect();
    let mut reading = JoinSet::new();
    for n in 0..500 {
        let reader = readers[n % 2].clone();
        reading.spawn(async move { reader.get("/v1/menu").await });
    }
    restaurant.until_waiting_for_locks(1).await;
    let begin = Instant::now();
    while lease_attempts() < before_any + 5 {
        assert!(begin.elapsed() < SOON, "nobody waits for the load of another process");
        tokio::task::yield_now().await;
    }
    holder.batch_execute("COMMIT").await.unwrap();
    let responses = reading.join_all().await;
    let first = responses[0].expect(200);
    assert_eq!(prices(&first).len(), 20);
    assert!(responses.iter().all(|response| response.expect(200) == first));
    assert_eq!(restaurant.database.statements(LOAD).await - before, 1);
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_ever_sees_the_menu_go_back() {
    let mut random = seeded();
    let redis_url = redis_url().await;
    let mut restaurant = TestApp::with_redis(redis_url.clone(), 1, &[]).await;
    // The network delays every notification of a change by a random time.
    for _ in 0..2 {
        let slow = FaultyProxy::to(&redis_url).await;
        slow.set(Weather::Varying { longest: Duration::from_millis(40), seed: random.random_range(0..u64::MAX) });
        let server = TestServer::start_at(&restaurant.database.server_url, &slow.url, &[]);
        restaurant.servers.push(server);
    }
    restaurant.servers.remove(0).stop();
    restaurant.admin = restaurant.admin.at(&restaurant.servers[0].base_url);
    let mut items = Vec::new();
    for _ in 0..8 {
        items.push(restaurant.item_at(100, 1000).await);
    }

    let restaurant = Arc::new(restaurant);
    let writing = Arc::new(AtomicBool::new(true));
    let mut readers = JoinSet::new();
    for n in 0..32 {
        let reader = Client::anonymous(&restaurant.servers[n % 2].base_url);
        let writing = Arc::clone(&writing);
        readers.spawn(async move {
            let (mut version, mut seen, mut reads) = (0, HashMap::<String, i64>::new(), 0);
            while writing.load(Ordering::SeqCst) {
                let menu = reader.get("/v1/menu").await.expect(200);
                let now = menu["version"].as_i64().unwrap();
                assert!(now >= version, "version {now} after {version}");
                version = now;
                for (item, price) in prices(&menu) {
                    let before = seen.insert(item.clone(), price).unwrap_or_default();
                    assert!(price >= before, "{item}: {price} after {before}, at version {now}");
                }
                reads += 1;
            }
            reads
        });
    }
    let mut writers = JoinSet::new();
    for (n, item) in items.iter().copied().enumerate() {
        let restaurant = Arc::clone(&restaurant);
        writers.spawn(async move {
            let mut etag = "\"1\"".to_owned();
            for price in 1001..1016 {
                etag = restaurant.reprice(n % 2, item, &etag, price).await;
                let here = Client::anonymous(&restaurant.servers[n % 2].base_url).get("/v1/menu").await.expect(200);
                assert_eq!(prices(&here)[&item.to_string()], price, "a change that was confirmed is shown");
            }
        });
    }
    writers.join_all().await;
    // Longer than `SOON`, because the network is slow.
    within(5 * SOON, async || {
        let mut all = true;
        for server in &restaurant.servers {
            let menu = Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
            all &= prices(&menu).values().all(|price| *price == 1015);
        }
        all
    })
    .await;
    writing.store(false, Ordering::SeqCst);
    let reads: usize = readers.join_all().await.into_iter().sum();
    assert!(reads > 200, "only {reads} reads");
    let restaurant = Arc::into_inner(restaurant).expect("all readers and writers have ended");
    let rows = restaurant.database.number("SELECT count(*) FROM menu_items WHERE price = 1015 AND revision = 16").await;
    assert_eq!(rows, 8);
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_redis_the_menu_is_served_and_changes_are_shown() {
    let mut redis = TestRedis::start().await;
    let restaurant = TestApp::with_redis(redis.url(), 2, &[]).await;
    let item = restaurant.item_at(100, 1000).await;
    let reading = Arc::new(AtomicBool::new(true));
    let mut readers = JoinSet::new();
    for n in 0..8 {
        let reader = Client::anonymous(&restaurant.servers[n % 2].base_url);
        let reading = Arc::clone(&reading);
        readers.spawn(async move {
            let mut last = 0;
            while reading.load(Ordering::SeqCst) {
                let begin = Instant::now();
                let menu = reader.get("/v1/menu").await.expect(200);
                assert!(begin.elapsed() < Duration::from_secs(3), "a reader waited for {:?}", begin.elapsed());
                let price = prices(&menu)[&item.to_string()];
                assert!(price >= last, "{price} after {last}");
                last = price;
            }
        });
    }

    let mut etag = "\"1\"".to_owned();
    let mut price = 1000;
    let mut change = async |restaurant: &TestApp| {
        price += 1;
        etag = restaurant.reprice(0, item, &etag, price).await;
        let shown = async |server: usize| {
            let menu = Client::anonymous(&restaurant.servers[server].base_url).get("/v1/menu").await.expect(200);
            prices(&menu)[&item.to_string()]
        };
        assert_eq!(shown(0).await, price);
        until_soon(async || shown(1).await == price).await;
    };
    change(&restaurant).await;
    redis.kill();
    change(&restaurant).await;
    redis.start_empty().await;
    change(&restaurant).await;
    redis.pause();
    change(&restaurant).await;
    redis.resume();
    change(&restaurant).await;
    let mut connection = keys(&redis.url());
    let _: () = redis::cmd("FLUSHALL").query(&mut connection).unwrap();
    change(&restaurant).await;
    redis.stop();
    redis.start_again().await;
    change(&restaurant).await;

    // What Redis has lost is published again.
    let begin = Instant::now();
    loop {
        let mut connection = keys(&redis.url());
        let version: Option<u64> = connection.get("cache:menu:current").unwrap();
        let whole = version.map(|version| format!("cache:menu:items:v{version}"));
        let copy: Option<String> = whole.and_then(|key| connection.get(key).unwrap());
        if copy.is_some_and(|copy| copy.contains(&format!("\"price\":{price}"))) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "the menu is not shared again");
    }
    reading.store(false, Ordering::SeqCst);
    readers.join_all().await;
    restaurant.close().await;
}

/// The menu version of each item's own entry.
fn entries(redis_url: &str) -> HashMap<String, u64> {
    let mut connection = keys(redis_url);
    let names: Vec<String> = connection.keys("cache:menu:item:*").unwrap();
    let version = |key: &String| {
        let entry: String = connection.get(key).unwrap();
        (key.trim_start_matches("cache:menu:item:").to_owned(), entry.split_once(' ').unwrap().0.parse().unwrap())
    };
    names.iter().map(version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_renews_as_many_entries_as_the_flag_says() {
    for percentage in [0, 50, 100] {
        let redis_url = redis_url().await;
        let setting = percentage.to_string();
        let settings = [("FLAG_PARTIAL_INVALIDATION", setting.as_str())];
        let restaurant = TestApp::with_redis(redis_url.clone(), 1, &settings).await;
        let mut items = Vec::new();
        for _ in 0..20 {
            items.push(restaurant.item(10).await);
        }
        let share = Percentage::new(percentage).unwrap();
        let mut partially = 0;
        for item in &items {
            let before = entries(&redis_url);
            assert_eq!(before.len(), 20);
            restaurant.reprice(0, *item, "\"1\"", 1234).await;
            let renewed: Vec<String> = entries(&redis_url)
                .into_iter()
                .filter(|(item, version)| before[item] != *version)
                .map(|(item, _)| item)
                .collect();
            if share.includes(FeatureFlag::PartialInvalidation, &item.to_string()) {
                assert_eq!(renewed, [item.to_string()], "the others are untouched");
                partially += 1;
            } else {
                assert_eq!(renewed.len(), 20, "all of them");
            }
        }
        match percentage {
            0 => assert_eq!(partially, 0),
            100 => assert_eq!(partially, 20),
            _ => assert!((1..20).contains(&partially), "{partially} of 20"),
        }
        restaurant.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_touches_the_copies_only_when_customers_see_a_difference() {
    let redis_url = redis_url().await;
    let restaurant = TestApp::with_redis(redis_url.clone(), 2, &[]).await;
    let item = restaurant.item(8).await;
    let customer = restaurant.customer().await;
    let version = || keys(&redis_url).get::<_, u64>("cache:menu:current").unwrap();
    for server in 0..2 {
        assert_eq!(restaurant.availability(server, item).await, "in_stock");
    }
    let before = version();
    customer.order(&[(item, 2)]).await.expect(201);
    assert_eq!(restaurant.database.number("SELECT version FROM menu_version").await, i64::try_from(before).unwrap());

    let order = customer.order(&[(item, 1)]).await.expect(201);
    for server in 0..2 {
        until_soon(async || restaurant.availability(server, item).await == "low").await;
    }
    assert_eq!(version(), before + 1);
    let rest = customer.order(&[(item, 5)]).await.expect(201);
    for server in 0..2 {
        until_soon(async || restaurant.availability(server, item).await == "sold_out").await;
    }
    for (order, availability) in [(rest, "low"), (order, "in_stock")] {
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        customer.post(&path, &json!({})).await.expect(200);
        for server in 0..2 {
            until_soon(async || restaurant.availability(server, item).await == availability).await;
        }
    }
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_process_reads_an_item_from_its_own_entry() {
    let redis_url = redis_url().await;
    let mut restaurant = TestApp::with_redis(redis_url.clone(), 1, &[]).await;
    let item = restaurant.item(8).await;
    restaurant.open_another(&[]);
    let before = restaurant.database.statements(LOAD).await;
    assert_eq!(restaurant.availability(1, item).await, "in_stock");
    assert_eq!(restaurant.database.statements(LOAD).await, before);
    let customer = Client::anonymous(&restaurant.servers[1].base_url);
    assert_eq!(customer.get(&format!("/v1/menu/items/{}", Uuid::now_v7())).await.status, 404);
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_copies_the_menu_is_read_from_the_database() {
    let restaurant = TestApp::with_servers(2, &[("FLAG_MENU_CACHE", "0")]).await;
    let item = restaurant.item_at(8, 1000).await;
    let (customer, before) = (restaurant.anonymous(), restaurant.database.statements(LOAD).await);
    for _ in 0..3 {
        customer.get("/v1/menu").await.expect(200);
    }
    assert!(restaurant.database.statements(LOAD).await - before >= 3);
    // A change that bypasses the servers is seen at once.
    let sql = format!("UPDATE menu_items SET price = 1, version = version + 1 WHERE id = '{item}'");
    restaurant.database.client().await.batch_execute(&sql).await.unwrap();
    assert_eq!(prices(&customer.get("/v1/menu").await.expect(200))[&item.to_string()], 1);

    // From now on every server reads copies, within 5 s.
    let path = "/v1/admin/flags/menu-cache";
    assert_eq!(restaurant.admin.get(path).await.expect(200), json!({ "name": "menu-cache", "percentage": 0 }));
    let set = Client::send(restaurant.admin.request(reqwest::Method::PUT, path).json(&json!({ "percentage": 100 })));
    assert_eq!(set.await.expect(200), json!({ "name": "menu-cache", "percentage": 100 }));
    let begin = Instant::now();
    for server in &restaurant.servers {
        let customer = Client::anonymous(&server.base_url);
        loop {
            let before = restaurant.database.statements(LOAD).await;
            for _ in 0..5 {
                customer.get("/v1/menu").await.expect(200);
            }
            if restaurant.database.statements(LOAD).await == before {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(5), "the flag is not in force");
        }
    }
    let log = restaurant.admin.get("/v1/admin/audit-log?action=flag.set").await.expect(200);
    assert_eq!((&log["data"][0]["target"], &log["data"][0]["reason"]), (&json!("menu-cache"), &json!("100 %")));
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_bypasses_the_servers_is_noticed() {
    let restaurant = TestApp::with_servers(2, &[]).await;
    let item = restaurant.item_at(8, 1000).await;
    for server in &restaurant.servers {
        Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
    }
    // Like `comanda menu import`, or a server that dies between its commit and the notification.
    let sql = format!(
        "BEGIN; UPDATE menu_items SET price = 1, version = version + 1, revision = revision + 1 WHERE id = '{item}'; \
         UPDATE menu_version SET version = version + 1; COMMIT"
    );
    restaurant.database.client().await.batch_execute(&sql).await.unwrap();
    for server in &restaurant.servers {
        let customer = Client::anonymous(&server.base_url);
        until_soon(async || prices(&customer.get("/v1/menu").await.expect(200))[&item.to_string()] == 1).await;
    }
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_copies_renewed_by_tag() {
    let restaurant = TestApp::with_servers(2, &[]).await;
    let item = restaurant.item_at(8, 1000).await;
    for server in &restaurant.servers {
        Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
    }
    let before = restaurant.database.statements(LOAD).await;
    let run = restaurant.comanda(&["menu", "invalidate", "--category", "Tests"]);
    assert!(String::from_utf8_lossy(&run.stdout).starts_with("1 entries deleted"), "{run:?}");
    while restaurant.database.statements(LOAD).await == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(restaurant.availability(1, item).await, "in_stock");
    assert!(!restaurant.comanda(&["menu", "invalidate", "--availability", "plenty"]).status.success());
    assert!(!restaurant.comanda(&["menu", "invalidate"]).status.success());
    restaurant.close().await;
}

#[tokio::test]
async fn the_menu_is_compressed_for_clients_that_accept_it() {
    let restaurant = TestApp::open().await;
    restaurant.item(8).await;
    let get = |headers: Vec<(&'static str, String)>| {
        let request = restaurant.anonymous().request(reqwest::Method::GET, "/v1/menu");
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let plain = get(vec![]).await.unwrap();
    assert_eq!(plain.headers().get("content-encoding"), None);
    let etag = plain.headers()["etag"].to_str().unwrap().to_owned();
    let length = plain.bytes().await.unwrap().len();
    for accepted in ["gzip", "br, gzip;q=0.5, *;q=0", "gzip, deflate, br"] {
        let compressed = get(vec![("accept-encoding", accepted.to_owned())]).await.unwrap();
        assert_eq!(compressed.headers()["content-encoding"], "gzip", "{accepted}");
        assert_eq!(compressed.headers()["vary"], "accept-encoding");
        let other = compressed.headers()["etag"].to_str().unwrap().to_owned();
        assert_ne!(other, etag, "another representation has another tag");
        let body = compressed.bytes().await.unwrap();
        assert!(body.starts_with(&[0x1f, 0x8b]) && body.len() < length);
        for known in [&etag, &other, &format!("W/{other}"), &format!("\"x\", {etag}"), &"*".to_owned()] {
            let again = vec![("accept-encoding", accepted.to_owned()), ("if-none-match", known.clone())];
            assert_eq!(get(again).await.unwrap().status(), 304, "{known}");
        }
    }
    let refused = get(vec![("accept-encoding", "identity, gzip;q=0".to_owned())]).await.unwrap();
    assert_eq!(refused.headers().get("content-encoding"), None);
}
