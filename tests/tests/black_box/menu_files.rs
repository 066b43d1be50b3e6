use std::{fs, path::PathBuf, process::Output};

use comanda_tests::{Client, TestApp, seeded};
use futures_util::future::join_all;
use rand::{Rng, RngExt, seq::IndexedRandom};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// A file of one test, gone afterwards.
pub(crate) struct MenuFile(PathBuf);

impl MenuFile {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("comanda-menu-{}.csv", uuid::Uuid::now_v7()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for MenuFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

pub(crate) fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn import(app: &TestApp, file: impl AsRef<[u8]>) -> String {
    printed(&app.comanda(&["menu", "import", MenuFile::new(file).path()]))
}

pub(crate) fn exported(app: &TestApp) -> String {
    let output = app.comanda(&["menu", "export"]);
    assert!(output.status.success(), "{}", printed(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Every menu item as staff see it, by its id.
pub(crate) async fn menu_of(app: &TestApp) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = "/v1/menu/items?limit=100".to_owned();
    loop {
        let page = app.admin.get(&path).await.expect(200);
        items.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/menu/items?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    items.sort_by_key(|item| item["id"].to_string());
    items
}

/// What another shop can have of a menu item as well.
fn portable(items: &[Value]) -> Vec<Value> {
    let fields = ["id", "name", "description", "category", "price", "stock", "low_stock_at", "active", "availability"];
    let portable = |item: &Value| fields.iter().map(|field| ((*field).to_owned(), item[field].clone())).collect();
    items.iter().map(portable).collect()
}

/// A text that is hard on files and spreadsheets, without white space at its ends.
fn hard(random: &mut impl Rng, pieces: &[&str]) -> String {
    let count = random.random_range(1..8);
    let text: String = (0..count).map(|_| *pieces.choose(random).unwrap()).collect();
    format!("{}x", text.trim())
}

const PIECES: [&str; 22] = [
    "=", "+", "-", "@", "'", "\"", ",", ";", "|", "＝", "＠", "−", "a", "B", "é", "🍋", " ", "1", ".5", "true", "\\",
    "%",
];

/// Makes a menu by the API: whatever is not refused.
async fn make_any_menu(app: &TestApp) {
    let mut random = seeded();
    let longer: Vec<&str> = PIECES.into_iter().chain(["\n", "\r\n", "\r", "\t", "\u{a0}", "\u{200c}"]).collect();
    for _ in 0..60 {
        let is_counted = random.random_bool(0.8);
        let mut quantity = || is_counted.then(|| random.random_range(0..=1_000_000));
        let (stock, low) = (quantity(), quantity());
        let item = json!({
            "name": hard(&mut random, &PIECES),
            "category": hard(&mut random, &["=A", "B", ", ", "'"]),
            "description": if random.random() { hard(&mut random, &longer) } else { String::new() },
            "price": { "amount": random.random_range(0..100_000_000), "currency": "EUR" },
            "stock": stock,
            "low_stock_at": low,
            "active": random.random::<bool>(),
        });
        let added = app.admin.post("/v1/menu/items", &item).await;
        assert!(added.status == 201 || added.json()["errors"][0]["code"] == "taken", "{}", added.text);
    }
    // What orders return comes on top of the greatest stock that staff can state.
    app.database
        .client()
        .await
        .batch_execute(
            "WITH returned AS (UPDATE menu_items SET stock = stock + 1000050, version = version + 1 \
                           WHERE stock % 2 = 0 AND counted RETURNING id) \
         INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason) \
         SELECT id, now(), 1000050, 'as if returned' FROM returned",
        )
        .await
        .unwrap();
}

/// A text that today's rules may refuse, or change.
fn odd(random: &mut impl Rng) -> String {
    let ranges = [0x20..0x7f, 0x1..0x20, 0x7f..0x250, 0x300..0x370, 0x370..0x530, 0x2000..0x2070, 0xfe00..0x1_0000];
    let few = &ranges[..random.random_range(1..=ranges.len())];
    let mut text = String::new();
    for _ in 0..random.random_range(1..200) {
        match random.random_range(0..4) {
            0 => text.push_str(PIECES.choose(random).unwrap()),
            _ => {
                let range = few.choose(random).unwrap().clone();
                text.extend(char::from_u32(random.random_range(range)));
            }
        }
        if random.random_bool(0.1) {
            break;
        }
    }
    text
}

/// Adds what older servers, or somebody by hand, may have left: texts that today's rules refuse or change, duplicates
/// of names, archived menu items, and any quantity.
async fn add_odd_items(app: &TestApp, count: usize) {
    let mut random = seeded();
    let client = app.database.client().await;
    let insert = client
        .prepare(
            "WITH item AS (INSERT INTO menu_items (id, price, created_at, updated_at, archived_at, stock, low_stock_at, \
                           active, name, category, description, is_twin) \
             SELECT $1, $2, now(), now(), CASE WHEN $3 THEN now() END, $4, $5, $6, $7, $8, $9, NOT $3 AND EXISTS \
                 (SELECT FROM menu_items WHERE archived_at IS NULL AND name_form(name) = name_form($7) \
                      AND name_form(category) = name_form($8)) \
             RETURNING id, stock) \
             INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason) \
             SELECT id, now(), stock, 'by hand' FROM item WHERE stock > 0",
        )
        .await
        .unwrap();
    let mut names: Vec<(String, String)> = Vec::new();
    for _ in 0..count {
        let (name, category) = match names.choose(&mut random) {
            Some((name, category)) if random.random_bool(0.3) => match random.random_range(0..3) {
                0 => (name.clone(), category.clone()),
                1 => (name.nfd().collect(), category.to_uppercase()),
                _ => (name.to_uppercase(), category.nfd().collect()),
            },
            _ => (odd(&mut random), odd(&mut random)),
        };
        names.push((name.clone(), category.clone()));
        let stock = if random.random() { 0 } else { random.random_range(0..2_000_000_000_i32) };
        client
            .execute(
                &insert,
                &[
                    &uuid::Uuid::now_v7(),
                    &random.random_range(0..100_000_000_i64),
                    &random.random_bool(0.2),
                    &stock,
                    &random.random_range(0..2_000_000_000_i32),
                    &random.random::<bool>(),
                    &name,
                    &category,
                    &odd(&mut random),
                ],
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn any_menu_that_is_stored_is_the_same_after_an_export_and_an_import() {
    let app = TestApp::open().await;
    make_any_menu(&app).await;
    for _ in 0..3 {
        add_odd_items(&app, 80).await;
        let live = app.database.number("SELECT count(*) FROM menu_items WHERE archived_at IS NULL").await;
        let rows =
            "SELECT string_agg(i::text, E'\n' ORDER BY id), (SELECT version FROM menu_version) FROM menu_items i";
        let table = async || {
            let row = app.database.client().await.query_one(rows, &[]).await.unwrap();
            (row.get::<_, String>(0), row.get::<_, i64>(1))
        };
        let before = table().await;
        let file = exported(&app);
        let output = import(&app, &file);
        assert!(output.contains(&format!("0 menu items added, 0 changed, {live} as they were")), "{output}");
        assert_eq!(table().await, before);
        assert_eq!(exported(&app), file);
    }
    app.close().await;
}

#[tokio::test]
async fn a_file_from_a_spreadsheet_leaves_alone_what_it_leaves_out() {
    let app = TestApp::open().await;
    import(&app, "name,category,price,stock,description\nCrème,Soups,1.00,7,Hot\nBread,Soups,1.00,3,\n");
    let file = "\u{feff}name,category,price,stock,description,,\r\nCrème,Soups,2.00,,Hot,,\r\nBread,Soups,1.00\r\n";
    let summary = import(&app, file);
    assert!(summary.contains("0 menu items added, 1 changed, 1 as they were"), "{summary}");
    let stocks: Vec<_> = menu_of(&app).await.iter().map(|item| item["stock"].as_u64().unwrap()).collect();
    assert_eq!(stocks.iter().sum::<u64>(), 10, "{stocks:?}");
    let without = import(&app, "name,category,price\nCrème,Soups,3.00\n");
    assert!(without.contains("1 changed"), "{without}");
    let new = import(&app, "name,category,price\nCrème,Soups,3.00\nStew,Soups,3.00\n");
    assert!(new.contains("line 3: stock: is missing") && !new.contains("line 2"), "{new}");
    assert!(exported(&app).starts_with('\u{feff}'));
    app.close().await;
}

#[tokio::test]
async fn edits_that_exchange_names_are_refused_and_do_not_wait_for_each_other() {
    let app = TestApp::with_servers(2, &[]).await;
    import(&app, "name,category,price,stock\nSoup,A,1.00,1\nBread,A,1.00,1\n");
    let menu = menu_of(&app).await;
    for _ in 0..20 {
        let renaming = [(0, 1), (1, 0)].map(|(from, to): (usize, usize)| {
            let staff: Client = app.admin.at(&app.servers[from].base_url);
            let path = format!("/v1/menu/items/{}", menu[from]["id"].as_str().unwrap());
            let body = json!({ "name": menu[to]["name"] });
            async move { staff.patch(&path, "*", &body).await }
        });
        for refused in join_all(renaming).await {
            assert_eq!((refused.status, refused.pointers()), (422, vec!["/name".to_owned()]), "{}", refused.text);
        }
    }
    app.close().await;
}

#[tokio::test]
async fn any_menu_is_the_same_after_an_export_and_an_import() {
    let (app, other) = (TestApp::open().await, TestApp::open().await);
    make_any_menu(&app).await;
    let before = menu_of(&app).await;
    assert!(before.len() > 30, "{}", before.len());
    let file = exported(&app);

    let into_itself = import(&app, &file);
    let expected = format!("0 menu items added, 0 changed, {} as they were", before.len());
    assert!(into_itself.contains(&expected), "{into_itself}");
    assert_eq!(menu_of(&app).await, before, "versions and revisions included");

    let into_another = import(&other, &file);
    assert!(into_another.contains(&format!("{} menu items added", before.len())), "{into_another}");
    assert_eq!(portable(&menu_of(&other).await), portable(&before));
    assert_eq!(exported(&other), file);
    app.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_file_of_before_changes_only_what_it_says() {
    let app = TestApp::open().await;
    let item = json!({
        "name": "Soup", "category": "Starters", "description": "Hot", "stock": 3, "low_stock_at": 0, "active": false,
        "price": { "amount": 450, "currency": "EUR" },
    });
    let soup = app.admin.post("/v1/menu/items", &item).await.expect(201);
    let summary = import(&app, "name,category,price,stock\nSoup,Starters,5.00,3\nBread,Starters,1.00,9\n");
    assert!(summary.contains("1 menu items added, 1 changed, 0 as they were"), "{summary}");
    let after = menu_of(&app).await;
    let found = after.iter().find(|item| item["id"] == soup["id"]).unwrap();
    assert_eq!(
        (&found["price"]["amount"], &found["description"], &found["low_stock_at"], &found["active"]),
        (&json!(500), &json!("Hot"), &json!(0), &json!(false))
    );
    let bread = after.iter().find(|item| item["name"] == "Bread").unwrap();
    assert_eq!((&bread["low_stock_at"], &bread["active"]), (&json!(5), &json!(true)));

    // A menu item is known by its id, whatever it is called meanwhile.
    let file = exported(&app);
    let path = format!("/v1/menu/items/{}", soup["id"].as_str().unwrap());
    app.admin.patch(&path, "*", &json!({ "name": "Broth", "category": "Bowls" })).await.expect(200);
    let summary = import(&app, &file);
    assert!(summary.contains("0 menu items added, 1 changed, 1 as they were"), "{summary}");
    assert_eq!(app.admin.get(&path).await.expect(200)["name"], "Soup");
    app.close().await;
}

#[tokio::test]
async fn one_mistake_at_the_end_of_a_long_file_is_named_and_nothing_is_done() {
    let app = TestApp::open().await;
    let mut lines = vec!["name,category,price,stock".to_owned()];
    lines.extend((0..100_000).map(|n| format!("Dish {n},Pasta,1.50,1")));
    lines.push("Soup,Starters,free,1".to_owned());
    let output = import(&app, lines.join("\r\n"));
    assert!(output.contains("line 100002: price"), "{output}");
    assert_eq!(output.matches("line ").count(), 1, "{output}");
    assert_eq!(app.database.number("SELECT count(*) FROM menu_items").await, 0);
}

#[tokio::test]
async fn a_file_with_semicolons_says_so() {
    let app = TestApp::open().await;
    let output = import(&app, "name;category;price;stock;description\nSoup;Starters;4,50;10;\n");
    assert!(output.contains("separated by semicolons"), "{output}");
}

#[tokio::test]
async fn a_row_that_takes_the_name_of_another_menu_item_is_named() {
    let app = TestApp::open().await;
    import(&app, "name,category,price,stock\nSoup,A,1.00,1\nBread,A,1.00,1\n");
    let file = exported(&app);
    let without_bread: Vec<&str> = file.lines().filter(|line| !line.starts_with("Bread")).collect();
    let output = import(&app, without_bread.join("\n").replace("Soup", "BREAD"));
    assert!(output.contains("line 2: A / BREAD is what another menu item is called"), "{output}");
}

#[tokio::test]
async fn a_name_is_given_once_in_a_category() {
    let app = TestApp::with_servers(2, &[]).await;
    let soup = |name: &str, category: &str| {
        let price = json!({ "amount": 1, "currency": "EUR" });
        json!({ "name": name, "category": category, "stock": 1, "price": price })
    };
    let taken = |response: &comanda_tests::Response, pointer: &str| {
        assert_eq!(response.problem(), (422, "validation-failed".to_owned()), "{}", response.text);
        assert_eq!(response.pointers(), [pointer]);
        assert_eq!(response.json()["errors"][0]["code"], "taken", "{}", response.text);
    };
    let names = ["Crème", "CRÈME", "cre\u{300}me", " crème "];
    let adding = (0..16).map(|n| {
        let staff = app.admin.at(&app.servers[n % 2].base_url);
        async move { staff.post("/v1/menu/items", &soup(names[n / 2 % 4], "Soups")).await }
    });
    let added = join_all(adding).await;
    let first = added.iter().find(|response| response.status == 201).unwrap().json();
    let refused: Vec<_> = added.iter().filter(|response| response.status != 201).collect();
    assert_eq!(refused.len(), 15);
    for response in refused {
        taken(response, "/name");
    }

    let other = app.admin.post("/v1/menu/items", &soup("Broth", "Soups")).await.expect(201);
    let elsewhere = app.admin.post("/v1/menu/items", &soup("Crème", "Desserts")).await.expect(201);
    let path = |item: &Value| format!("/v1/menu/items/{}", item["id"].as_str().unwrap());
    taken(&app.admin.patch(&path(&other), "*", &json!({ "name": "CRÈME" })).await, "/name");
    for moved in [json!({ "category": "soups" }), json!({ "name": "Crème", "category": "soups" })] {
        taken(&app.admin.patch(&path(&elsewhere), "*", &moved).await, "/category");
    }
    app.admin.patch(&path(&first), "*", &json!({ "name": "CRÈME" })).await.expect(200);

    let renaming = [(&other, 0), (&elsewhere, 1)].map(|(item, server)| {
        let staff: Client = app.admin.at(&app.servers[server].base_url);
        async move { staff.patch(&path(item), "*", &json!({ "name": "Gazpacho", "category": "Soups" })).await }
    });
    let mut statuses: Vec<u16> = join_all(renaming).await.iter().map(|response| response.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);

    let revision = app.admin.get(&path(&first)).await.header("etag").unwrap().to_owned();
    assert_eq!(app.admin.delete(&path(&first), &revision).await.status, 204);
    app.admin.post("/v1/menu/items", &soup("Crème", "Soups")).await.expect(201);
    app.close().await;
}
