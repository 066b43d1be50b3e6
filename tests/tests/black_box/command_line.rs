use std::{fs, path::PathBuf};

use comanda_tests::TestApp;

/// A file of one test, gone afterwards.
struct MenuFile(PathBuf);

impl MenuFile {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("comanda-menu-{}.csv", uuid::Uuid::now_v7()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for MenuFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const MENU: &str = "name,category,price,stock,description\n\
                    Carbonara,Pasta,12.50,20,\"Guanciale, egg\"\n\
                    Lemonade 🍋,Drinks,3.50,100,\n";

fn printed(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_menu_that_is_exported_can_be_imported_and_changes_nothing() {
    let restaurant = TestApp::open().await;
    let file = MenuFile::new(MENU);
    let first = restaurant.comanda(&["menu", "import", file.path()]);
    assert!(printed(&first).contains("2 menu items added, 0 changed, 0 as they were"), "{}", printed(&first));

    let exported = MenuFile::new(&String::from_utf8(restaurant.comanda(&["menu", "export"]).stdout).unwrap());
    let again = restaurant.comanda(&["menu", "import", exported.path()]);
    assert!(printed(&again).contains("0 menu items added, 0 changed, 2 as they were"), "{}", printed(&again));
    let if_empty = restaurant.comanda(&["menu", "import", "--if-empty", file.path()]);
    assert!(printed(&if_empty).contains("nothing was imported"), "{}", printed(&if_empty));

    let changed = MenuFile::new(&MENU.replace("12.50,20", "13.00,5"));
    let update = restaurant.comanda(&["menu", "import", changed.path()]);
    assert!(printed(&update).contains("0 menu items added, 1 changed, 1 as they were"), "{}", printed(&update));
    let menu = restaurant.admin.get("/v1/menu/items?q=carbonara").await.expect(200);
    let item = &menu["data"][0];
    assert_eq!(
        (item["price"]["amount"].as_i64(), item["stock"].as_i64(), item["revision"].as_i64()),
        (Some(1300), Some(5), Some(2))
    );
    restaurant.close().await;
}

#[tokio::test]
async fn a_file_with_mistakes_imports_nothing_and_names_them_all() {
    let restaurant = TestApp::open().await;
    let file = MenuFile::new(&format!("{MENU}Free,Pasta,-1,5,\nCarbonara,Pasta,1,1,\nMany,Pasta,1,1000001,\n"));
    let output = restaurant.comanda(&["menu", "import", file.path()]);
    assert!(!output.status.success());
    for expected in ["line 4: price", "line 5: Pasta / Carbonara", "line 6: stock"] {
        assert!(printed(&output).contains(expected), "{expected} is missing in: {}", printed(&output));
    }
    assert_eq!(restaurant.database.number("SELECT count(*) FROM menu_items").await, 0);
}

#[tokio::test]
async fn check_finds_what_somebody_broke() {
    let restaurant = TestApp::open().await;
    let item = restaurant.item(5).await;
    assert!(restaurant.comanda(&["check"]).status.success());
    let client = restaurant.database.client().await;
    client
        .execute("UPDATE menu_items SET stock = stock + 1, version = version + 1 WHERE id = $1", &[&item])
        .await
        .unwrap();
    let output = restaurant.comanda(&["check"]);
    assert!(!output.status.success());
    assert!(
        printed(&output).contains("BROKEN  stock = sum of adjustments") && printed(&output).contains(&item.to_string())
    );
}

#[tokio::test]
async fn a_configuration_can_be_checked_without_starting() {
    let restaurant = TestApp::open().await;
    let output = restaurant.comanda(&["config", "check"]);
    assert!(output.status.success(), "{}", printed(&output));
    let nobody = restaurant.comanda(&["admin", "create", "--email", "nobody"]);
    assert!(!nobody.status.success() && printed(&nobody).contains("ADMIN_PASSWORD"));
}
