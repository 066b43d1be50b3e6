use std::{io::PipeWriter, process::Output};

use comanda_tests::{TestApp, TestDatabase, comanda};
use serde_json::{Value, json};

use crate::menu_files::MenuFile;

const MENU: &str = "name,category,price,stock,description\n\
                    Carbonara,Pasta,12.50,20,\"Guanciale, egg\"\n\
                    Lemonade 🍋,Drinks,3.50,100,\n";

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", printed(output)))
}

#[tokio::test]
async fn a_menu_that_is_exported_can_be_imported_and_changes_nothing() {
    let app = TestApp::open().await;
    let file = MenuFile::new(MENU);
    let first = app.comanda(&["menu", "import", file.path()]);
    assert!(printed(&first).contains("2 menu items added, 0 changed, 0 as they were"), "{}", printed(&first));

    let exported = MenuFile::new(String::from_utf8(app.comanda(&["menu", "export"]).stdout).unwrap());
    let again = app.comanda(&["menu", "import", exported.path()]);
    assert!(printed(&again).contains("0 menu items added, 0 changed, 2 as they were"), "{}", printed(&again));
    let if_empty = app.comanda(&["menu", "import", "--if-empty", file.path()]);
    assert!(printed(&if_empty).contains("nothing was imported"), "{}", printed(&if_empty));

    let changed = MenuFile::new(MENU.replace("12.50,20", "13.00,5"));
    let update = app.comanda(&["menu", "import", changed.path()]);
    assert!(printed(&update).contains("0 menu items added, 1 changed, 1 as they were"), "{}", printed(&update));
    let menu = app.admin.get("/v1/menu/items?q=carbonara").await.expect(200);
    let item = &menu["data"][0];
    assert_eq!(
        (item["price"]["amount"].as_i64(), item["stock"].as_i64(), item["revision"].as_i64()),
        (Some(1300), Some(5), Some(2))
    );
    app.close().await;
}

#[tokio::test]
async fn a_file_with_mistakes_imports_nothing_and_names_them_all() {
    let app = TestApp::open().await;
    let file = MenuFile::new(format!("{MENU}Free,Pasta,-1,5,\nCarbonara,Pasta,1,1,\nMany,Pasta,1,many,\n"));
    let output = app.comanda(&["menu", "import", file.path()]);
    assert!(!output.status.success());
    for expected in ["line 4: price", "line 5: Pasta / Carbonara", "line 6: stock"] {
        assert!(printed(&output).contains(expected), "{expected} is missing in: {}", printed(&output));
    }
    // Only the database knows whether an item has so many already.
    let file = MenuFile::new(format!("{MENU}Many,Pasta,1,1000001,\n"));
    let output = app.comanda(&["menu", "import", file.path()]);
    assert!(!output.status.success() && printed(&output).contains("line 4: stock"), "{}", printed(&output));
    assert_eq!(app.database.number("SELECT count(*) FROM menu_items").await, 0);
}

#[tokio::test]
async fn check_finds_what_somebody_broke() {
    let app = TestApp::open().await;
    let item = app.item(5).await;
    assert_eq!(app.comanda(&["check"]).status.code(), Some(0));
    assert_eq!(document(&app.comanda(&["check", "--json"]))["sound"], true);
    let client = app.database.client().await;
    client
        .execute("UPDATE menu_items SET stock = stock + 1, version = version + 1 WHERE id = $1", &[&item])
        .await
        .unwrap();
    let output = app.comanda(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        printed(&output).contains("BROKEN  stock = sum of adjustments") && printed(&output).contains(&item.to_string())
    );

    let output = app.comanda(&["check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    let invariants = document["invariants"].as_array().unwrap();
    let broken: Vec<_> = invariants.iter().filter(|invariant| invariant["holds"] == false).collect();
    assert_eq!((document["sound"].as_bool(), broken.len()), (Some(false), 1), "{document}");
    assert!(broken[0]["violations"][0].as_str().unwrap().contains(&item.to_string()), "{document}");
}

#[tokio::test]
async fn a_configuration_can_be_checked_without_starting() {
    let app = TestApp::open().await;
    let output = app.comanda(&["config", "check"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    let output = app.comanda(&["config", "check", "--json"]);
    assert_eq!(document(&output), json!({ "usable": true, "mistakes": [], "warnings": [] }));
    let nobody = app.comanda(&["admin", "create", "--email", "nobody"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(printed(&nobody).contains("ADMIN_PASSWORD"), "{}", printed(&nobody));
}

/// No service is asked where the configuration is wrong.
fn offline(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    comanda(UNREACHABLE_DATABASE, UNREACHABLE_REDIS)
        .args(arguments)
        .envs(settings.iter().copied())
        .output()
        .expect("comanda runs")
}

/// Nobody listens on the port of tcpmux.
const UNREACHABLE_DATABASE: &str = "postgres://comanda:hunter2@127.0.0.1:1/comanda";
const UNREACHABLE_REDIS: &str = "redis://:hunter2@127.0.0.1:1";

#[test]
fn exit_codes_distinguish_a_mistake_from_an_unreachable_service() {
    for (arguments, settings, expected) in [
        (["--version", ""], [].as_slice(), 0),
        (["config", "list"], &[], 0),
        (["config", "check"], &[], 0),
        (["config", "check"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")], 0),
        (["config", "check"], &[("CURRENCY", "EUX")], 2),
        (["serve", ""], &[("CURRENCY", "EUX")], 2),
        // There is no gateway to compare with.
        (["payments", "reconcile"], &[], 2),
        (["config", "chekc"], &[], 2),
        (["menu", "import"], &[], 2),
        (["check", ""], &[], 3),
        (["migrate", ""], &[], 3),
        (["serve", ""], &[], 3),
        (["serve", ""], &[("MIGRATE_ON_START", "false")], 3),
        (["menu", "export"], &[], 3),
    ] {
        let arguments: Vec<&str> = arguments.into_iter().filter(|argument| !argument.is_empty()).collect();
        let output = offline(&arguments, settings);
        assert_eq!(output.status.code(), Some(expected), "{arguments:?} {settings:?}: {}", printed(&output));
    }
}

#[test]
fn a_service_that_is_away_is_named_with_its_host_port_and_cause() {
    for (arguments, service) in [
        (["migrate"].as_slice(), "PostgreSQL"),
        (&["check"], "PostgreSQL"),
        (&["menu", "invalidate", "--availability", "in_stock"], "Redis"),
    ] {
        let output = offline(arguments, &[]);
        assert_eq!(output.status.code(), Some(3), "{}", printed(&output));
        let complaint = printed(&output);
        assert!(complaint.contains(&format!("cannot reach {service} at 127.0.0.1:1: ")), "{complaint}");
        assert!(complaint.contains("Connection refused") && !complaint.contains("hunter2"), "{complaint}");
    }
}

#[test]
fn mistakes_in_the_configuration_come_as_json() {
    let output = offline(&["config", "check", "--json"], &[("CURRENCY", "EUX"), ("WORKERS", "0")]);
    assert_eq!(output.status.code(), Some(2));
    let document = document(&output);
    let mistakes = document["mistakes"].as_array().unwrap();
    let names: Vec<_> = mistakes.iter().filter_map(|mistake| mistake["setting"].as_str()).collect();
    assert_eq!((document["usable"].as_bool(), names), (Some(false), vec!["CURRENCY", "WORKERS"]), "{document}");

    let sections = offline(&["config", "list", "--json"], &[]);
    let sections: Value = serde_json::from_slice(&sections.stdout).unwrap();
    let settings = sections.as_array().unwrap().iter().flat_map(|section| section["settings"].as_array().unwrap());
    let workers = settings.into_iter().find(|setting| setting["name"] == "WORKERS").unwrap();
    assert_eq!(workers["range"], json!({ "min": 1, "max": 1024, "unit": null }));
    assert_eq!(workers["default"], "2");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    for arguments in [["config", "list"].as_slice(), &["--help"], &["completions", "bash"], &["man"], &["openapi"]] {
        let output = comanda(UNREACHABLE_DATABASE, UNREACHABLE_REDIS)
            .args(arguments)
            .stdout(closed_pipe())
            .output()
            .expect("comanda runs");
        assert_eq!(printed(&output), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    let mut complaining = comanda(UNREACHABLE_DATABASE, UNREACHABLE_REDIS);
    let status = complaining.args(["config", "check"]).env("WORKERS", "0").stderr(closed_pipe()).status();
    assert_eq!(status.expect("comanda runs").code(), Some(2), "no panic");
}

/// As if `head` had ended already.
fn closed_pipe() -> PipeWriter {
    let (_, writer) = std::io::pipe().expect("a pipe");
    writer
}

#[tokio::test]
async fn what_goes_into_a_file_has_no_colours() {
    let database = TestDatabase::migrated().await;
    let output = comanda(&database.url, UNREACHABLE_REDIS)
        .arg("migrate")
        .env("LOG_FORMAT", "text")
        .output()
        .expect("comanda runs");
    assert!(printed(&output).contains("the database is up to date"), "{}", printed(&output));
    assert!(!printed(&output).contains('\u{1b}'), "{}", printed(&output));
}

#[test]
fn the_program_introduces_itself() {
    let version = printed(&offline(&["--version"], &[]));
    assert_eq!(version, format!("comanda {}\n", env!("CARGO_PKG_VERSION")));
    assert!(printed(&offline(&["completions", "bash"], &[])).contains("reconcile"));
    assert!(printed(&offline(&["man"], &[])).contains("Exit codes"));
}
