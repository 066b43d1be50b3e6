use comanda_domain::{
    Category, Currency, Description, ImportedMenuItem, MenuItemEdit, MenuItemId, MenuItemName, Price, Reason, Stock,
    StockDelta,
    ports::{AdjustStockError, EditMenuItemError, ImportSummary, LiveMenu, Menu, Orders, StockAdjustment},
};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::shop::{Shop, now};

fn adjustment(shop: &Shop, id: MenuItemId, delta: i64) -> StockAdjustment {
    StockAdjustment {
        menu_item_id: id,
        delta: StockDelta::new(delta).unwrap(),
        reason: Reason::new("stocktaking").unwrap(),
        adjusted_by: shop.customer.id,
        adjusted_at: now(),
    }
}

fn renamed(name: &str) -> MenuItemEdit {
    MenuItemEdit { name: Some(MenuItemName::new(name).unwrap()), ..MenuItemEdit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_gets_its_turn_while_the_menu_item_sells_without_pause() {
    let shop = Shop::open().await;
    let item = shop.item(100_000).await;
    let selling = async {
        for _ in 0..60 {
            join_all((0..8).map(|_| shop.orders.place(shop.order(&[(&item, 1)])))).await;
        }
    };
    let editing = async {
        for revision in 1..=30 {
            let edited = shop
                .menu
                .edit(item.id, revision, renamed(&format!("Name {revision}")), shop.customer.id, now())
                .await
                .unwrap();
            assert_eq!(edited.revision, revision + 1);
            shop.menu.adjust_stock(adjustment(&shop, item.id, 1), None).await.unwrap();
        }
    };
    tokio::join!(selling, editing);
    assert_eq!(shop.stock(&item).await, 100_000 - 480 + 30);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_edited_once() {
    let shop = Shop::open().await;
    let item = shop.item(1).await;
    let names: Vec<String> = (0..10).map(|n| format!("Name {n}")).collect();
    let edits =
        join_all(names.iter().map(|name| shop.menu.edit(item.id, 1, renamed(name), shop.customer.id, now()))).await;
    assert_eq!(edits.iter().filter(|edit| edit.is_ok()).count(), 1);
    let stale = |edit: &Result<_, EditMenuItemError>| matches!(edit, Err(EditMenuItemError::Stale { current: 2 }));
    assert_eq!(edits.iter().filter(|edit| stale(edit)).count(), 9);

    let before = shop.menu.whole().await.unwrap();
    let same = shop.menu.edit(item.id, 2, MenuItemEdit::default(), shop.customer.id, now()).await.unwrap();
    assert_eq!(same.revision, 2, "an edit that changes nothing is none");
    assert_eq!(shop.menu.whole().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_menu_item_is_gone_for_every_writer() {
    let shop = Shop::open().await;
    let item = shop.item(1).await;
    assert!(matches!(
        shop.menu.archive(item.id, 2, shop.customer.id, now()).await,
        Err(EditMenuItemError::Stale { current: 1 })
    ));
    shop.menu.archive(item.id, 1, shop.customer.id, now()).await.unwrap();
    assert_eq!(shop.menu.item(item.id).await.unwrap(), None);
    assert!(matches!(shop.menu.archive(item.id, 2, shop.customer.id, now()).await, Err(EditMenuItemError::NotFound)));
    assert!(matches!(
        shop.menu.edit(item.id, 2, renamed("Ghost"), shop.customer.id, now()).await,
        Err(EditMenuItemError::NotFound)
    ));
    let adjusted = shop.menu.adjust_stock(adjustment(&shop, item.id, 1), None).await;
    assert!(matches!(adjusted, Err(AdjustStockError::NotFound)));
    assert!(matches!(
        shop.menu.adjust_stock(adjustment(&shop, MenuItemId::new(Uuid::nil()), 1), None).await,
        Err(AdjustStockError::NotFound)
    ));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_stays_within_its_bounds() {
    let shop = Shop::open().await;
    let item = shop.item(Stock::MAX - 1).await;
    let adjust = |delta| shop.menu.adjust_stock(adjustment(&shop, item.id, delta), None);
    assert!(matches!(adjust(2).await, Err(AdjustStockError::TooMuch)));
    assert_eq!(adjust(1).await.unwrap().outcome.stock, 1_000_000);
    assert_eq!(adjust(-1_000_000).await.unwrap().outcome.stock, 0);
    assert!(matches!(adjust(-1).await, Err(AdjustStockError::InsufficientStock { available: 0 })));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menus_version_rises_when_customers_would_see_a_difference() {
    let shop = Shop::open().await;
    let version = || async { shop.menu.whole().await.unwrap().version };
    let item = shop.item(10).await;
    let added = version().await;
    shop.menu.adjust_stock(adjustment(&shop, item.id, 1), None).await.unwrap();
    assert_eq!(version().await, added, "from a stock of 11 to 12 customers see no difference");
    shop.menu.adjust_stock(adjustment(&shop, item.id, -6), None).await.unwrap();
    assert_eq!(version().await, added + 1, "low");
    shop.menu.edit(item.id, 1, renamed("Another"), shop.customer.id, now()).await.unwrap();
    assert_eq!(version().await, added + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_all_or_nothing_and_keeps_the_ledger() {
    let shop = Shop::open().await;
    let row = |name: &str, price, stock| ImportedMenuItem {
        name: MenuItemName::new(name).unwrap(),
        category: Category::new("Pasta").unwrap(),
        price: Price::new(price, Currency::EUR).unwrap(),
        stock: Stock::new(stock).unwrap(),
        description: Description::new("").unwrap(),
    };
    let ids = |count: usize| (0..count).map(|_| MenuItemId::new(Uuid::now_v7())).collect::<Vec<_>>();
    let rows = vec![row("Penne", 900, 10), row("Linguine", 950, 0)];
    let first = shop.menu.import(rows.clone(), ids(2), now()).await.unwrap();
    assert_eq!(first, ImportSummary { added: 2, changed: 0, unchanged: 0 });
    assert_eq!(
        shop.menu.import(rows, ids(2), now()).await.unwrap(),
        ImportSummary { added: 0, changed: 0, unchanged: 2 }
    );
    let rows = vec![row("Penne", 900, 4), row("Linguine", 1000, 0), row("Lasagne", 1100, 3)];
    assert_eq!(
        shop.menu.import(rows, ids(3), now()).await.unwrap(),
        ImportSummary { added: 1, changed: 2, unchanged: 0 }
    );
    shop.assert_sound().await;

    // An id that exists already makes the last insert fail, and with it everything.
    let taken = shop.menu.whole().await.unwrap().items[0].id;
    let before = shop.menu.whole().await.unwrap();
    let broken = shop.menu.import(vec![row("Penne", 1, 1), row("New", 1, 1)], vec![taken, taken], now()).await;
    assert!(broken.is_err());
    assert_eq!(shop.menu.whole().await.unwrap(), before);
}
