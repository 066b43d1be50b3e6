//! Menu items that are not counted.

use comanda_tests::{Client, TestApp};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::menu_files::{exported, import, menu_of};

fn margherita() -> Value {
    json!({ "name": "Margherita", "category": "Pizza", "stock": null, "price": { "amount": 900, "currency": "EUR" } })
}

fn with(mut item: Value, field: &str, value: Value) -> Value {
    item[field] = value;
    item
}

async fn uncounted(app: &TestApp) -> Uuid {
    let item = with(margherita(), "name", json!(format!("Pizza {}", Uuid::now_v7())));
    app.admin.post("/v1/menu/items", &item).await.expect(201)["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn staff_see_that_it_is_not_counted_and_customers_that_it_is_there() {
    let app = TestApp::open().await;
    let item = app.admin.post("/v1/menu/items", &margherita()).await.expect(201);
    assert_eq!((item.get("stock"), item.get("low_stock_at")), (Some(&json!(null)), Some(&json!(null))), "{item}");
    let path = format!("/v1/menu/items/{}", item["id"].as_str().unwrap());
    assert_eq!(app.admin.get(&path).await.expect(200), item);
    let shown = app.anonymous().get(&path).await.expect(200);
    assert_eq!(shown["availability"], "in_stock");
    assert!(["stock", "low_stock_at", "version"].iter().all(|field| shown.get(field).is_none()), "{shown}");
    let menu = app.anonymous().get("/v1/menu").await.expect(200);
    assert_eq!(menu["categories"][0]["items"][0]["availability"], "in_stock");

    let dearer = json!({ "price": { "amount": 950, "currency": "EUR" } });
    let edited = app.admin.patch(&path, "\"1\"", &dearer).await.expect(200);
    assert_eq!((&edited["stock"], &edited["revision"]), (&json!(null), &json!(2)));
    app.close().await;
}

#[tokio::test]
async fn what_needs_a_count_is_refused() {
    let app = TestApp::open().await;
    let path = format!("/v1/menu/items/{}", uncounted(&app).await);
    let counted = format!("/v1/menu/items/{}", app.item(5).await);
    let low = json!({ "low_stock_at": 3 });
    let delivery = json!({ "delta": 1, "reason": "delivery" });
    for (response, pointer) in [
        (app.admin.post("/v1/menu/items", &with(margherita(), "low_stock_at", json!(3))).await, "/low_stock_at"),
        (app.admin.patch(&path, "*", &low).await, "/low_stock_at"),
        (app.admin.post(&format!("{path}/stock"), &delivery).await, "/delta"),
    ] {
        assert_eq!(response.problem(), (422, "validation-failed".to_owned()), "{}", response.text);
        assert_eq!(response.pointers(), [pointer]);
        assert_eq!(response.json()["errors"][0]["code"], "not-counted", "{}", response.text);
    }
    app.admin.patch(&counted, "*", &low).await.expect(200);
    app.admin.post("/v1/menu/items", &with(margherita(), "low_stock_at", json!(null))).await.expect(201);

    let mut without = margherita();
    without.as_object_mut().unwrap().remove("stock");
    let wrong = ["many", "", "null"].map(|stock| with(margherita(), "stock", json!(stock)));
    for body in [without, with(margherita(), "stock", json!({})), with(margherita(), "stock", json!([]))]
        .into_iter()
        .chain(wrong)
        .chain([with(margherita(), "stock", json!(false)), with(margherita(), "stock", json!(1.5))])
    {
        let response = app.admin.post("/v1/menu/items", &body).await;
        assert_eq!(response.problem(), (400, "invalid-request".to_owned()), "{body} {}", response.text);
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_sell_it_to_everybody_at_once_whoever_holds_its_row() {
    let app = TestApp::with_servers(2, &[]).await;
    let (item, counted) = (uncounted(&app).await, app.item(1000).await);
    let customers = app.customers(10).await;
    let editor = app.database.client().await;
    let hold = format!("BEGIN; SELECT FROM menu_items WHERE id = '{item}' FOR NO KEY UPDATE");
    editor.batch_execute(&hold).await.unwrap();

    let ordering = (0..100).map(|n| {
        let lines = [(item, 2), (counted, 1)];
        let (customer, lines): (&Client, _) = (&customers[n % 10], &lines[..=n % 2]);
        let lines = lines.to_vec();
        async move { customer.order(&lines).await }
    });
    let placed: Vec<Value> = join_all(ordering).await.iter().map(|response| response.expect(201)).collect();
    assert!(placed.iter().all(|order| order["items"][0]["unit_price"]["amount"] == 900), "{placed:?}");
    for (n, order) in placed.iter().enumerate().filter(|(n, _)| n % 4 < 2) {
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        // By the other server.
        let customer = customers[n % 10].at(&app.servers[(n + 1) % 2].base_url);
        customer.post(&path, &json!({})).await.expect(200);
    }
    editor.batch_execute("COMMIT").await.unwrap();
    let found = app.admin.get(&format!("/v1/menu/items/{item}")).await.expect(200);
    assert_eq!((&found["stock"], &found["version"]), (&json!(null), &json!(1)), "nobody wrote to it");
    assert_eq!(app.stock(counted).await, 1000 - 25);
    let top = app.admin.get("/v1/analytics/top-items").await.expect(200);
    let sold = top["data"].as_array().unwrap().iter().find(|sold| sold["menu_item_id"] == json!(item)).unwrap();
    assert_eq!(sold["quantity"], 100);
    app.close().await;
}

#[tokio::test]
async fn a_menu_file_says_what_is_not_counted() {
    let (app, other) = (TestApp::open().await, TestApp::open().await);
    let header = "name,category,price,stock";
    import(&app, format!("{header}\nMargherita,Pizza,9.00,\nEspresso,Drinks,1.80,Not counted\nSoup,Soups,4.50,7\n"));
    let file = exported(&app);
    assert_eq!(file.matches(",not counted,").count(), 2, "{file}");
    let unchanged = import(&app, &file);
    assert!(unchanged.contains("0 menu items added, 0 changed, 3 as they were"), "{unchanged}");
    import(&other, &file);
    assert_eq!(exported(&other), file);

    // A cell that was lost changes nothing; words and numbers do.
    let lost = import(&app, format!("{header}\nSoup,Soups,4.50,\nEspresso,Drinks,1.80,\n"));
    assert!(lost.contains("0 menu items added, 0 changed, 2 as they were"), "{lost}");
    let customer = app.customer().await;
    let id = async |name: &str| {
        let menu = menu_of(&app).await;
        let item = menu.into_iter().find(|item| item["name"] == name).unwrap();
        item["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let soup = id("Soup").await;
    customer.order(&[(soup, 2)]).await.expect(201);
    let changed = import(&app, format!("{header}\nSoup,Soups,4.50,not counted\nEspresso,Drinks,1.80,3\n"));
    assert!(changed.contains("0 menu items added, 2 changed"), "{changed}");
    customer.order(&[(soup, 100)]).await.expect(201);
    let espresso = id("Espresso").await;
    while app.availability(0, espresso).await != "low" {
        tokio::task::yield_now().await;
    }
    assert_eq!(customer.order(&[(espresso, 4)]).await.problem(), (409, "insufficient-stock".to_owned()));

    // As it was, which takes back both.
    let restored = import(&app, &file);
    assert!(restored.contains("0 menu items added, 2 changed, 1 as they were"), "{restored}");
    assert_eq!(exported(&app), file);
    assert_eq!(app.stock(soup).await, 7);

    let marked = import(&app, "name,category,price,stock,low_stock_at\nStew,Soups,4.50,,5\nTea,Drinks,2.00,some,\n");
    assert!(marked.contains("line 3: stock: must be a whole number, or \"not counted\""), "{marked}");
    let marked = import(&app, "name,category,price,stock,low_stock_at\nStew,Soups,4.50,,5\n");
    assert!(marked.contains("line 2: low_stock_at: must be empty, as the menu item is not counted"), "{marked}");
    app.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_shows_that_counting_has_begun_or_ended() {
    let app = TestApp::with_servers(2, &[]).await;
    import(&app, "name,category,price,stock\nSoup,Soups,4.50,0\n");
    let soup: Uuid = menu_of(&app).await[0]["id"].as_str().unwrap().parse().unwrap();
    for (stock, availability) in [("0", "sold_out"), ("not counted", "in_stock"), ("2", "low")] {
        import(&app, format!("name,category,price,stock\nSoup,Soups,4.50,{stock}\n"));
        for server in 0..2 {
            while app.availability(server, soup).await != availability {
                tokio::task::yield_now().await;
            }
        }
    }
    app.close().await;
}
