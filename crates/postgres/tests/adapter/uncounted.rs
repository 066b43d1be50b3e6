//! Menu items that are not counted.

use comanda_domain::{
    ImportedMenuItem, ImportedStock, MenuItem, MenuItemEdit, NotCounted, OrderId, Reason, Stock, StockDelta, Written,
    ports::{AdjustStockError, EditMenuItemError, LiveMenu, Menu, Orders, StockAdjustment},
};
use comanda_tests::seeded;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    cancelling::cancellation,
    shop::{DEADLINE, Shop, connect, now, orders},
};

/// Holds the row as whoever edits the menu item does, until the connection is dropped.
async fn edit_without_end(shop: &Shop, item: &MenuItem) -> tokio_postgres::Client {
    let holder = shop.database.client().await;
    let hold = format!("BEGIN; SELECT FROM menu_items WHERE id = '{}' FOR NO KEY UPDATE", item.id);
    holder.batch_execute(&hold).await.unwrap();
    holder
}

async fn place(shop: &Shop, lines: &[(&MenuItem, i64)]) -> OrderId {
    shop.orders.place(shop.order(lines)).await.unwrap().outcome.order.id
}

/// Imports a row about the menu item that says this of its stock.
async fn import(shop: &Shop, item: &MenuItem, stock: ImportedStock) {
    let row = ImportedMenuItem {
        id: Some(item.id),
        name: item.details.name.clone().into(),
        category: item.details.category.clone().into(),
        price: item.details.price,
        stock: Some(stock),
        description: None,
        low_stock_at: None,
        active: None,
    };
    shop.menu.import(vec![row], vec![item.id], now()).await.unwrap();
}

fn counted(quantity: u32) -> ImportedStock {
    ImportedStock::Counted(Written::<Stock>::new(quantity))
}

async fn on_hand(shop: &Shop, item: &MenuItem) -> Option<u32> {
    shop.menu.item(item.id).await.unwrap().unwrap().on_hand()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_counted_is_sold_without_a_lock_and_without_end() {
    let shop = Shop::open().await;
    let (item, counted) = (shop.uncounted().await, shop.item(3).await);
    let _editor = edit_without_end(&shop, &item).await;
    for _ in 0..3 {
        place(&shop, &[(&item, 100), (&counted, 1), (&item, 100)]).await;
    }
    let cancelled = place(&shop, &[(&item, 1)]).await;
    shop.orders.cancel(cancellation(cancelled)).await.unwrap();
    let refused = shop.orders.place(shop.order(&[(&item, 1), (&counted, 1)])).await;
    assert!(refused.is_err(), "the other menu item is sold out: {refused:?}");

    assert_eq!(shop.menu.item(item.id).await.unwrap().unwrap(), item, "its version included");
    let ledger = format!("SELECT count(*) FROM stock_adjustments WHERE menu_item_id = '{}'", item.id);
    assert_eq!(shop.database.number(&ledger).await, 0);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_adjust_and_no_threshold() {
    let shop = Shop::open().await;
    let item = shop.uncounted().await;
    let adjustment = StockAdjustment {
        of: item.id,
        change: StockDelta::new(1).unwrap(),
        reason: Reason::new("delivery").unwrap(),
        adjusted_by: shop.customer.id,
        adjusted_at: now(),
    };
    let adjusted = shop.menu.adjust_stock(adjustment, None).await;
    assert!(matches!(adjusted, Err(AdjustStockError::NotCounted(NotCounted))), "{adjusted:?}");
    let lower = MenuItemEdit { low_stock_at: Some(Stock::LOW), ..MenuItemEdit::default() };
    let edited = shop.menu.edit(item.id, 1, lower, shop.customer.id, now()).await;
    assert!(matches!(edited, Err(EditMenuItemError::NotCounted(NotCounted))), "{edited:?}");
    assert_eq!(shop.menu.item(item.id).await.unwrap().unwrap(), item);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_gives_back_what_it_took_whatever_is_counted_by_then() {
    let shop = Shop::open().await;
    let (item, other) = (shop.uncounted().await, shop.item(9).await);
    let before = place(&shop, &[(&item, 3), (&other, 2)]).await;
    import(&shop, &item, counted(10)).await;
    shop.assert_sound().await;
    let (kept, given_back) = (place(&shop, &[(&item, 1)]).await, place(&shop, &[(&item, 2)]).await);
    shop.orders.cancel(cancellation(before)).await.unwrap();
    assert_eq!((on_hand(&shop, &item).await, shop.stock(&other).await), (Some(7), 9), "it took nothing of the one");
    shop.orders.cancel(cancellation(given_back)).await.unwrap();
    assert_eq!(on_hand(&shop, &item).await, Some(9));
    shop.assert_sound().await;

    import(&shop, &item, ImportedStock::NotCounted).await;
    assert_eq!(on_hand(&shop, &item).await, None);
    shop.assert_sound().await;
    shop.orders.cancel(cancellation(kept)).await.unwrap();
    assert_eq!(on_hand(&shop, &item).await, None, "there is nothing to put it back to");
    shop.assert_sound().await;
    import(&shop, &item, counted(4)).await;
    assert_eq!(on_hand(&shop, &item).await, Some(4));
    shop.assert_sound().await;
}

/// The order has found the menu item counted, and waits for its row meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_menu_item_that_ceases_to_be_counted_is_sold_all_the_same() {
    let shop = Shop::open().await;
    let item = shop.item(1).await;
    let importer = edit_without_end(&shop, &item).await;
    let cease = async {
        shop.until_waiting(1).await;
        let cease = format!(
            "UPDATE menu_items SET counted = false, stock = 1000000, low_stock_at = 0, version = version + 1 \
             WHERE id = '{0}'; \
             INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason) VALUES ('{0}', now(), -1, 'x'); \
             COMMIT",
            item.id
        );
        importer.batch_execute(&cease).await.unwrap();
    };
    let order = shop.order(&[(&item, 5)]);
    let (placed, ()) = tokio::join!(shop.orders.place(order), cease);
    shop.orders.cancel(cancellation(placed.unwrap().outcome.order.id)).await.unwrap();
    assert_eq!(on_hand(&shop, &item).await, None);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_begins_and_ends_while_orders_of_two_servers_come_and_go() {
    let mut random = seeded();
    let shop = Shop::open().await;
    let pool = connect(&shop.database, DEADLINE).await;
    let other_server = orders(&pool, DEADLINE);
    let items = [shop.uncounted().await, shop.item(1000).await, shop.uncounted().await];
    let coming = (0..8).map(|n| {
        let mut random = StdRng::from_rng(&mut random);
        let (shop, items) = (&shop, &items);
        let server = if n % 2 == 0 { &shop.orders } else { &other_server };
        async move {
            let mut placed = Vec::new();
            for _ in 0..25 {
                let lines: Vec<(&MenuItem, i64)> =
                    (0..3).map(|_| (&items[random.random_range(0..3)], random.random_range(1..=2))).collect();
                if let Ok(order) = server.place(shop.order(&lines)).await {
                    placed.push(order.outcome.order.id);
                }
                if random.random_bool(0.5) && !placed.is_empty() {
                    let id = placed.swap_remove(random.random_range(0..placed.len()));
                    server.cancel(cancellation(id)).await.unwrap();
                }
            }
        }
    });
    let mut random = StdRng::from_rng(&mut seeded());
    let switching = async {
        for _ in 0..60 {
            let stock = if random.random() { counted(random.random_range(0..500)) } else { ImportedStock::NotCounted };
            import(&shop, &items[random.random_range(0..3)], stock).await;
        }
    };
    tokio::join!(join_all(coming), switching);
    shop.assert_sound().await;
    for item in &items {
        import(&shop, item, counted(5)).await;
        assert_eq!(on_hand(&shop, item).await, Some(5));
    }
    shop.assert_sound().await;
    assert_eq!(shop.database.deadlocks().await, 0, "deadlocks");
}

/// Every line of a server of the release before takes stock, and it sells what is not counted from the number that is
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_release_before_has_sold_is_made_up_for_when_counting_begins() {
    let shop = Shop::open().await;
    let item = shop.uncounted().await;
    let by_old = place(&shop, &[(&item, 3)]).await;
    let as_by_old = format!(
        "UPDATE order_lines SET counted = true WHERE order_id = '{by_old}'; \
         UPDATE menu_items SET stock = stock - 3, version = version + 1 WHERE id = '{}'",
        item.id
    );
    shop.database.client().await.batch_execute(&as_by_old).await.unwrap();
    assert_eq!(on_hand(&shop, &item).await, None);
    shop.assert_sound().await;
    import(&shop, &item, counted(10)).await;
    assert_eq!(on_hand(&shop, &item).await, Some(10));
    shop.assert_sound().await;
    shop.orders.cancel(cancellation(by_old)).await.unwrap();
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_migrations_everything_is_counted_and_the_ledger_is_exact() {
    let shop = Shop::open().await;
    let (item, counted_since) = (shop.uncounted().await, shop.uncounted().await);
    place(&shop, &[(&item, 3), (&counted_since, 4)]).await;
    import(&shop, &counted_since, counted(10)).await;
    place(&shop, &[(&counted_since, 1)]).await;
    let client = shop.database.client().await;
    for down in [
        include_str!("../../../../migrations/2026-12-03-200020_menu_items_by_count/down.sql"),
        include_str!("../../../../migrations/2026-12-03-200010_lines_of_uncounted_menu_items/down.sql"),
        include_str!("../../../../migrations/2026-12-03-200000_uncounted_menu_items/down.sql"),
    ] {
        client.batch_execute(down).await.unwrap();
    }
    let wrong = "SELECT count(*) FROM menu_items i WHERE stock <> \
                   (SELECT coalesce(sum(delta), 0) FROM stock_adjustments WHERE menu_item_id = i.id) \
                 - (SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE menu_item_id = i.id)";
    assert_eq!(shop.database.number(wrong).await, 0);
    assert_eq!(shop.database.number("SELECT sum(stock) FROM menu_items").await, 1_000_009);
}
