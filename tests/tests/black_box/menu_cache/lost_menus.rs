//! What the database has lost, as after a failover or a restore, is shown no more.

use comanda_tests::{Client, TestApp, redis_url};
use redis::Commands;

use super::{SOON, keys, prices, until_soon, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_stands_for_another_menu_by_now_is_noticed_by_servers_and_by_their_successors() {
    let mut app = TestApp::with_servers(2, &[]).await;
    let item = app.item_at(10, 1200).await;
    for running in [true, false] {
        for price in [990, 980] {
            for server in &app.servers {
                Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
            }
            if !running {
                for server in app.servers.drain(..) {
                    assert!(server.stop().success());
                }
            }
            // As after a failover that lost one change, and one that was made since.
            let sql = format!(
                "BEGIN; UPDATE menu_version SET version = version - 1; UPDATE menu_version SET version = version + 1; \
                 UPDATE menu_items SET price = {price}, version = version + 1 WHERE id = '{item}'; COMMIT"
            );
            app.database.client().await.batch_execute(&sql).await.unwrap();
            if !running {
                app.open_another(&[]);
                app.open_another(&[]);
            }
            for server in &app.servers {
                let guest = Client::anonymous(&server.base_url);
                within(3 * SOON, async || {
                    let shown = guest.get(&format!("/v1/menu/items/{item}")).await.expect(200);
                    let menu = guest.get("/v1/menu").await.expect(200);
                    shown["price"]["amount"] == price && prices(&menu)[&item.to_string()] == price
                })
                .await;
            }
        }
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_that_the_database_has_lost_is_shown_no_more() {
    let redis_url = redis_url().await;
    let app = TestApp::with_redis(redis_url.clone(), 2, &[]).await;
    let item = app.item_at(10, 990).await;
    let guests: Vec<Client> = app.servers.iter().map(|server| Client::anonymous(&server.base_url)).collect();
    let all_show = async |price: i64| {
        for guest in &guests {
            let shown = guest.get(&format!("/v1/menu/items/{item}")).await.expect(200);
            let menu = guest.get("/v1/menu").await.expect(200);
            if shown["price"]["amount"] != price || prices(&menu)[&item.to_string()] != price {
                return false;
            }
        }
        true
    };
    let etag = guests[0].get(&format!("/v1/menu/items/{item}")).await.header("etag").unwrap().to_owned();
    let etag = app.reprice(0, item, &etag, 1100).await;
    app.reprice(0, item, &etag, 1200).await;
    until_soon(async || all_show(1200).await).await;

    // As after a failover to a replica that was behind.
    let tables = app.database.client().await;
    let lose = format!(
        "BEGIN; UPDATE menu_version SET version = version - 2; \
         UPDATE menu_items SET price = 990, revision = revision - 2, version = version + 1 WHERE id = '{item}'; COMMIT"
    );
    tables.batch_execute(&lose).await.unwrap();
    within(3 * SOON, async || all_show(990).await).await;
    let version = app.database.number("SELECT version FROM menu_version").await;
    until_soon(async || keys(&redis_url).get::<_, i64>("cache:menu:current").unwrap() == version).await;

    let etag = guests[0].get(&format!("/v1/menu/items/{item}")).await.header("etag").unwrap().to_owned();
    app.reprice(1, item, &etag, 900).await;
    until_soon(async || all_show(900).await).await;
    app.close().await;
}
