use comanda_tests::{Client, Response, TestApp};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::menu_files::{MenuFile, printed};

const SUPPLIES: &str = "/v1/supplies";

fn mozzarella() -> Value {
    json!({ "name": "Mozzarella", "unit": "g", "stock": 8000, "low_stock_at": 1500 })
}

/// Adds a supply; returns its address.
async fn added(app: &TestApp, name: &str, stock: i64) -> String {
    let body = json!({ "name": name, "unit": "piece", "stock": stock });
    let supply = app.admin.post(SUPPLIES, &body).await.expect(201);
    format!("{SUPPLIES}/{}", supply["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_supply_is_added_shown_edited_counted_and_put_away() {
    let app = TestApp::open().await;
    let added = app.admin.post(SUPPLIES, &mozzarella()).await;
    let supply = added.expect(201);
    let path = format!("{SUPPLIES}/{}", supply["id"].as_str().unwrap());
    assert_eq!((added.header("location"), added.header("etag")), (Some(path.as_str()), Some("\"1\"")));
    let shown = json!({
        "id": supply["id"], "name": "Mozzarella", "unit": "g", "stock": 8000, "low_stock_at": 1500,
        "availability": "in_stock", "revision": 1, "version": 1,
        "created_at": supply["created_at"], "updated_at": supply["created_at"],
    });
    assert_eq!(supply, shown);
    let found = app.admin.get(&path).await;
    assert_eq!((found.header("etag"), found.expect(200)), (Some("\"1\""), shown));

    let body = json!({ "name": "Mozzarella di bufala" });
    let unconditional = Client::send(app.admin.request(Method::PATCH, &path).json(&body)).await;
    assert_eq!(unconditional.problem(), (428, "precondition-required".to_owned()));
    let edited = app.admin.patch(&path, "\"1\"", &body).await;
    assert_eq!((edited.header("etag"), &edited.expect(200)["version"]), (Some("\"2\""), &json!(2)));
    assert_eq!(app.admin.patch(&path, "\"1\"", &body).await.problem(), (412, "precondition-failed".to_owned()));
    for matching in ["*", "\"7\", \"2\""] {
        assert_eq!(app.admin.patch(&path, matching, &body).await.header("etag"), Some("\"2\""), "nothing changed");
    }

    let stock = format!("{path}/stock");
    for (change, left, availability, version) in [
        (json!({ "delta": -6500, "reason": "dinner" }), 1500, "low", 3),
        (json!({ "counted": 0, "reason": "stock-take" }), 0, "sold_out", 4),
        (json!({ "counted": 0, "reason": "stock-take" }), 0, "sold_out", 4),
        (json!({ "counted": 9000, "reason": "stock-take" }), 9000, "in_stock", 5),
    ] {
        let adjusted = app.admin.post(&stock, &change).await;
        assert_eq!(adjusted.header("etag"), Some("\"2\""), "adjustments do not change the revision");
        let supply = adjusted.expect(200);
        let said = (&supply["stock"], &supply["availability"], &supply["version"]);
        assert_eq!(said, (&json!(left), &json!(availability), &json!(version)), "{change}");
    }

    let unconditional = Client::send(app.admin.request(Method::DELETE, &path)).await;
    assert_eq!(unconditional.problem(), (428, "precondition-required".to_owned()));
    assert_eq!(app.admin.delete(&path, "\"1\"").await.problem(), (412, "precondition-failed".to_owned()));
    assert_eq!(app.admin.delete(&path, "\"2\"").await.status, 204);
    for gone in [
        app.admin.get(&path).await,
        app.admin.delete(&path, "\"3\"").await,
        app.admin.patch(&path, "*", &body).await,
        app.admin.post(&stock, &json!({ "delta": 1, "reason": "delivery" })).await,
        app.admin.get(&format!("{SUPPLIES}/nonsense")).await,
    ] {
        assert_eq!(gone.problem(), (404, "not-found".to_owned()));
    }
    app.admin.post(SUPPLIES, &json!({ "name": "MOZZARELLA DI BUFALA", "unit": "piece", "stock": 1 })).await.expect(201);

    let log = app.admin.get("/v1/admin/audit-log").await.expect(200);
    let actions: Vec<_> = log["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    let expected = ["added", "archived", "stock_adjusted", "stock_adjusted", "stock_adjusted", "edited", "added"];
    assert_eq!(actions[..7], expected.map(|action| json!(format!("supply.{action}"))).each_ref());
    app.close().await;
}

#[tokio::test]
async fn every_fault_of_a_supply_is_named_with_its_place() {
    let app = TestApp::open().await;
    let path = added(&app, "Rice", 999_999).await;
    let stock = format!("{path}/stock");
    let with = |field: &str, value: Value| {
        let mut body = mozzarella();
        body[field] = value;
        body
    };
    for (body, problem, pointers) in [
        (with("unit", json!("cup")), (422, "validation-failed"), &["/unit"][..]),
        (with("stock", json!(-1)), (422, "validation-failed"), &["/stock"]),
        (with("stock", json!(1_000_001)), (422, "validation-failed"), &["/stock"]),
        (with("low_stock_at", json!(-1)), (422, "validation-failed"), &["/low_stock_at"]),
        (with("name", json!("x".repeat(121))), (422, "validation-failed"), &["/name"]),
        (with("name", json!("RICE")), (422, "validation-failed"), &["/name"]),
        (with("price", json!(1)), (400, "invalid-request"), &["/price"]),
        (with("stock", json!("8")), (400, "invalid-request"), &["/stock"]),
        (json!({ "name": " ", "unit": "kg", "stock": -1 }), (422, "validation-failed"), &["/name", "/unit", "/stock"]),
    ] {
        let refused = app.admin.post(SUPPLIES, &body).await;
        assert_eq!(refused.problem(), (problem.0, problem.1.to_owned()), "{body}");
        assert_eq!(refused.pointers(), pointers, "{body}");
    }
    let because = |body: Value| {
        let mut body = body;
        body["reason"] = json!("stock-take");
        body
    };
    for (body, pointers) in [
        (because(json!({})), &["/delta"][..]),
        (because(json!({ "delta": 1, "counted": 1 })), &["/counted"]),
        (because(json!({ "delta": 0 })), &["/delta"]),
        (because(json!({ "delta": 2 })), &["/delta"]),
        (because(json!({ "delta": 99_999_999_999_999_999_999_999.0 })), &["/delta"]),
        (because(json!({ "counted": -1 })), &["/counted"]),
        (because(json!({ "counted": 1_000_001 })), &["/counted"]),
        (json!({ "counted": -1, "reason": "" }), &["/counted", "/reason"]),
    ] {
        let refused = app.admin.post(&stock, &body).await;
        assert_eq!(refused.problem(), (422, "validation-failed".to_owned()), "{body}");
        assert_eq!(refused.pointers(), pointers, "{body}");
    }
    for (body, problem, pointers) in [
        (json!({ "unit": "g" }), (400, "invalid-request"), &["/unit"][..]),
        (json!({ "stock": 1 }), (400, "invalid-request"), &["/stock"]),
        (json!({ "name": null, "low_stock_at": -1 }), (422, "validation-failed"), &["/name", "/low_stock_at"]),
    ] {
        let refused = app.admin.patch(&path, "*", &body).await;
        assert_eq!(refused.problem(), (problem.0, problem.1.to_owned()), "{body}");
        assert_eq!(refused.pointers(), pointers, "{body}");
    }
    let short = app.admin.post(&stock, &because(json!({ "delta": -1_000_000 }))).await;
    assert_eq!(short.problem(), (409, "insufficient-stock".to_owned()));
    let id = path.rsplit_once('/').unwrap().1;
    let shortage = json!({ "supply_id": id, "name": "Rice", "requested": 1_000_000, "available": 999_999 });
    assert_eq!(short.json()["supplies"], json!([shortage]));
    app.close().await;
}

#[tokio::test]
async fn the_list_of_supplies_goes_by_pages_and_is_searched() {
    let app = TestApp::open().await;
    for name in ["Rice", "Basil", "Crème fraîche", "Dough"] {
        added(&app, name, 1).await;
    }
    let names = async |query: &str| {
        let page = app.admin.get(&format!("{SUPPLIES}?{query}")).await.expect(200);
        let names = page["data"].as_array().unwrap().iter().map(|supply| supply["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    let (first, cursor) = names("limit=3").await;
    assert_eq!(first, ["Basil", "Crème fraîche", "Dough"]);
    let cursor = cursor.unwrap();
    assert_eq!(names(&format!("limit=3&cursor={cursor}")).await, (vec!["Rice".to_owned()], None));
    assert_eq!(names("q=CREME").await.0, ["Crème fraîche"]);
    assert_eq!(names("q=ri").await.0, ["Rice"]);
    assert_eq!(names("q=%25").await.0, Vec::<String>::new());
    let forged = app.admin.get(&format!("/v1/menu/items?cursor={cursor}")).await;
    assert_eq!(forged.problem(), (400, "invalid-cursor".to_owned()), "a cursor of one list does not fit another");
}

/// Deliveries, breakages and counts at the same time, at two servers.
#[tokio::test]
async fn concurrent_deltas_and_counts_leave_an_exact_ledger_and_never_less_than_nothing() {
    let app = TestApp::with_servers(2, &[]).await;
    let path = added(&app, "Avocado", 12).await;
    let stock = format!("{path}/stock");
    let at_once = |changes: Vec<Value>| {
        join_all(changes.into_iter().enumerate().map(|(n, change)| {
            let (staff, stock) = (app.admin.at(&app.servers[n % 2].base_url), stock.clone());
            async move { staff.post(&stock, &change).await }
        }))
    };
    let taking = at_once((0..30).map(|_| json!({ "delta": -1, "reason": "staff meal" })).collect()).await;
    let of_status = |status| taking.iter().filter(|response| response.status == status).count();
    assert_eq!((of_status(200), of_status(409)), (12, 18));
    assert_eq!(app.admin.get(&path).await.expect(200)["stock"], 0);

    let mixed = (0..40).map(|n| match n % 4 {
        0 => json!({ "counted": 20 + n, "reason": "stock-take" }),
        1 => json!({ "delta": 5, "reason": "delivery" }),
        _ => json!({ "delta": -3, "reason": "dinner" }),
    });
    let adjusted = at_once(mixed.collect()).await;
    assert!(adjusted.iter().all(|response| matches!(response.status, 200 | 409)), "{adjusted:#?}");
    // Every version is the outcome of one adjustment, or of a count that found what was on record.
    let versions = adjusted.iter().filter(|response| response.status == 200);
    let last = versions.map(Response::json).max_by_key(|supply| supply["version"].as_u64()).unwrap();
    let supply = app.admin.get(&path).await.expect(200);
    assert_eq!((&supply["stock"], &supply["version"]), (&last["stock"], &last["version"]));
    let entries = "SELECT sum(delta) FROM supply_adjustments";
    assert_eq!(app.database.number(entries).await, supply["stock"].as_i64().unwrap());
    app.close().await;
}

#[tokio::test]
async fn supplies_are_exported_as_they_are_imported_and_nothing_in_them_runs() {
    let app = TestApp::open().await;
    for supply in [
        mozzarella(),
        json!({ "name": "=1+1", "unit": "piece", "stock": 0 }),
        json!({ "name": "Crème; @A1", "unit": "ml", "stock": 1_000_000, "low_stock_at": 0 }),
    ] {
        app.admin.post(SUPPLIES, &supply).await.expect(201);
    }
    let export = |app: &TestApp| {
        let output = app.comanda(&["supplies", "export"]);
        assert!(output.status.success(), "{}", printed(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let import = |app: &TestApp, text: &str, more: &[&str]| {
        let file = MenuFile::new(text);
        let output = app.comanda(&[&["supplies", "import", file.path()], more].concat());
        (output.status.success(), printed(&output))
    };
    let file = export(&app);
    assert!(file.contains("\n'=1+1,piece,0,5,") && file.contains("\"Crème;' @A1\""), "{file}");
    let unchanged = (true, "0 supplies added, 0 changed, 3 as they were.\n".to_owned());
    assert_eq!(import(&app, &file, &[]), unchanged);

    let elsewhere = TestApp::open().await;
    assert_eq!(import(&elsewhere, &file, &["--if-empty"]).1, "3 supplies added, 0 changed, 0 as they were.\n");
    assert_eq!(export(&elsewhere), file, "with their ids");
    let skipped = import(&elsewhere, &file, &["--if-empty"]);
    assert_eq!(skipped, (true, "There are supplies already; nothing was imported.\n".to_owned()));

    let counted = "name,stock\nMOZZARELLA,7500\nBasil,3\n";
    let (imported, said) = import(&app, counted, &[]);
    assert!(!imported && said.contains("line 3: unit: is missing"), "{said}");
    assert_eq!(export(&app), file, "all or nothing");
    let (_, said) = import(&app, "name,unit,stock\nMOZZARELLA,,7500\nBasil,piece,3\n", &[]);
    assert_eq!(said, "1 supplies added, 1 changed, 0 as they were.\n");
    let (imported, said) = import(&app, "name,unit\nBasil,g\n", &[]);
    assert!(!imported && said.contains("line 2: unit: cannot be changed"), "{said}");
    let basil = app.admin.get(&format!("{SUPPLIES}?q=basil")).await.expect(200)["data"][0].clone();
    let renamed = format!("name,id\n=1+1,{}\n", basil["id"].as_str().unwrap());
    let (imported, said) = import(&app, &renamed, &[]);
    assert!(!imported && said.contains("line 2: the name is what another supply is called"), "{said}");
    elsewhere.close().await;
    app.close().await;
}
