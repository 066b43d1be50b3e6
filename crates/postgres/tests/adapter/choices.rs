//! Orders whose lines carry choices and took of supplies.

use std::{collections::BTreeMap, time::Duration};

use comanda_domain::{
    Currency, EventKind, Ingredient, MenuItem, Money, OptionGroupName, OptionId, OptionName, OrderId, OrderLine,
    OrderScope, PaymentTerms, Quantity, Recipe, RecipeAmount, RefundId, SelectedOption, Supply,
    ports::{
        CancelOrderError, Idempotent, MenuSource, OptionGroups, Orders, Outbox, OverdueOrders, Supplies, SupplyList,
    },
};
use comanda_postgres::{PostgresOptionGroups, PostgresOutbox, PostgresSalesFigures};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cancelling::cancellation,
    sales_figures::summarize_all,
    shop::{DEADLINE, Shop, connect, now, orders},
};

const SIZE: Uuid = Uuid::from_u128(2);
const EXTRA: Uuid = Uuid::from_u128(1);

/// A large one with two portions of guacamole, as it stands in a line.
fn large_with_guacamole() -> Value {
    json!([
        { "o": SIZE, "g": "Size", "n": "Large", "q": 1, "p": 300 },
        { "o": EXTRA, "g": "Extras", "n": "Guacamole", "q": 2, "p": 250 },
    ])
}

const COST: i64 = 300 + 2 * 250;

fn selected() -> Vec<SelectedOption> {
    let option = |(id, group, name, quantity, amount)| SelectedOption {
        option_id: OptionId::new(id),
        group: OptionGroupName::stored(group),
        name: OptionName::stored(name),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: Money::new(amount, Currency::EUR),
    };
    [(SIZE, "Size", "Large", 1, 300), (EXTRA, "Extras", "Guacamole", 2, 250)].map(option).to_vec()
}

/// Places an order, and writes what placing it with choices would have written besides: these are chosen with each of
/// its lines, of which each takes so much of these supplies.
async fn place(shop: &Shop, lines: &[(&MenuItem, i64)], taken: &[(&Supply, i64)]) -> OrderId {
    let id = shop.orders.place(shop.order(lines)).await.unwrap().outcome.order.id;
    choose(shop, id, taken).await;
    id
}

async fn choose(shop: &Shop, id: OrderId, taken: &[(&Supply, i64)]) {
    let mut client = shop.database.client().await;
    let transaction = client.transaction().await.unwrap();
    let of_line: BTreeMap<String, i64> =
        taken.iter().map(|(supply, amount)| (supply.id.to_string(), *amount)).collect();
    let (selections, taken_of_line) = (large_with_guacamole().to_string(), json!(of_line).to_string());
    let update = "UPDATE order_lines SET selections = ($2::text)::jsonb, taken = nullif(($3::text)::jsonb, '{}'), \
                    extras = $4 WHERE order_id = $1";
    let lines = transaction.execute(update, &[&id.as_uuid(), &selections, &taken_of_line, &COST]).await.unwrap();
    let total = "UPDATE orders SET total = \
                   (SELECT sum(quantity * (unit_price + extras)) FROM order_lines WHERE order_id = $1) WHERE id = $1";
    transaction.execute(total, &[&id.as_uuid()]).await.unwrap();
    let take = "UPDATE supplies SET stock = stock - $2, version = version + 1 WHERE id = $1";
    for (supply, amount) in taken {
        let amount = i32::try_from(amount * i64::try_from(lines).unwrap()).unwrap();
        transaction.execute(take, &[&supply.id.as_uuid(), &amount]).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn lines(shop: &Shop, id: OrderId) -> Vec<OrderLine> {
    shop.orders.find(id, OrderScope::All).await.unwrap().unwrap().lines
}

async fn left(shop: &Shop, supply: &Supply) -> u32 {
    shop.supplies.supply(supply.id).await.unwrap().unwrap().stock
}

async fn menu_version(shop: &Shop) -> u64 {
    shop.menu.version().await.unwrap().number
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_read_as_they_were_ordered() {
    let shop = Shop::open().await;
    let (item, rice, beans) = (shop.item(9).await, shop.supply("Rice", 1000).await, shop.supply("Beans", 500).await);
    let order = shop.keyed("key", shop.order(&[(&item, 2), (&item, 1)]));
    let id = shop.orders.place(order.clone()).await.unwrap().outcome.order.id;
    choose(&shop, id, &[(&rice, 300), (&beans, 40)]).await;

    let found = shop.orders.find(id, OrderScope::All).await.unwrap().unwrap();
    assert_eq!(found.order.total, Money::new(3 * (990 + COST), Currency::EUR));
    for (line, quantity) in found.lines.iter().zip([2, 1]) {
        assert_eq!(line.selections, selected(), "in the order in which they were chosen");
        assert_eq!(line.line_total, Money::new(quantity * (990 + COST), Currency::EUR));
        assert_eq!(line.taken, BTreeMap::from([(rice.id, 300), (beans.id, 40)]));
    }
    let mut listed = shop.orders.lines_of(&[id]).await.unwrap();
    assert_eq!(listed.remove(&id).unwrap().unwrap(), found.lines);
    // A repeated request is answered from the row, by its batch or without one.
    let Idempotent { outcome, replayed } = shop.orders.place(order.clone()).await.unwrap();
    assert_eq!((outcome, replayed), (found.clone(), true));
    let placed = shop.orders.find_placed(&order.idempotency.unwrap(), now()).await.unwrap();
    assert_eq!(placed, Some(found));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_of_a_placed_order_has_its_lines() {
    let shop = Shop::open().await;
    let (item, outbox) = (shop.item(9).await, PostgresOutbox::new(shop.pool.clone()));
    let next = async || outbox.next("kitchen", 100).await.unwrap().expect("nobody else has the lease").events;
    assert_eq!(next().await, [], "it begins here");
    let id = place(&shop, &[(&item, 2), (&item, 1)], &[]).await;
    // Transactions of other tests, in other databases, delay the outbox, too.
    let events = loop {
        let events = next().await;
        if !events.is_empty() {
            break events;
        }
        tokio::task::yield_now().await;
    };
    let EventKind::OrderPlaced(order, ordered) = &events[0].happened else { panic!("{events:?}") };
    assert_eq!((order.id, ordered), (id, &lines(&shop, id).await));
    assert_eq!(ordered[1].selections, selected());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_of_a_line_is_named_and_hides_no_other_order() {
    let shop = Shop::open().await;
    let (item, rice) = (shop.item(9).await, shop.supply("Rice", 1000).await);
    let (odd, other) = (place(&shop, &[(&item, 1)], &[(&rice, 1)]).await, place(&shop, &[(&item, 1)], &[]).await);
    let client = shop.database.client().await;
    for (column, value) in [("selections", "[{}]"), ("taken", r#"{"rice": 1}"#)] {
        let break_it = format!("UPDATE order_lines SET {column} = '{value}' WHERE order_id = '{odd}'");
        client.batch_execute(&break_it).await.unwrap();
        let found = shop.orders.lines_of(&[odd, other]).await.unwrap();
        let record = found[&odd].as_ref().unwrap_err();
        assert_eq!((record.table, record.id.as_str(), record.column), ("order_lines", &*odd.to_string(), column));
        assert_eq!(found[&other].as_ref().unwrap().len(), 1);
        let cancelled = shop.orders.cancel(cancellation(odd)).await;
        let is_named = |error: &CancelOrderError| match error {
            CancelOrderError::Unavailable(error) => error.unreadable() == Some(record),
            _ => false,
        };
        assert!(cancelled.as_ref().is_err_and(is_named), "{cancelled:?}");
        client
            .batch_execute(&format!("UPDATE order_lines SET {column} = NULL WHERE order_id = '{odd}'"))
            .await
            .unwrap();
    }
}

/// However often it is cancelled, and whatever the recipe is by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_gives_back_exactly_what_was_taken() {
    let shop = Shop::open().await;
    let options = PostgresOptionGroups::new(shop.pool.clone());
    let (item, rice, beans) = (shop.item(9).await, shop.supply("Rice", 1000).await, shop.supply("Beans", 500).await);
    let of = |supply: &Supply, amount| Ingredient { supply_id: supply.id, amount: RecipeAmount::new(amount).unwrap() };
    let change = async |revision, recipe: Vec<Ingredient>| {
        let recipe = Recipe::new(recipe).unwrap();
        options.change_recipe(item.id, revision, recipe, shop.customer.id, now()).await.unwrap();
    };
    let id = place(&shop, &[(&item, 2), (&item, 2)], &[(&rice, 300), (&beans, 40)]).await;
    change(1, vec![of(&rice, 150), of(&beans, 20)]).await;
    assert_eq!((left(&shop, &rice).await, left(&shop, &beans).await), (400, 420));
    shop.assert_sound().await;

    change(2, vec![of(&rice, 7)]).await;
    let rice_then = shop.supplies.supply(rice.id).await.unwrap().unwrap();
    let results = join_all((0..12).map(|_| shop.orders.cancel(cancellation(id)))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    assert_eq!((left(&shop, &rice).await, left(&shop, &beans).await, shop.stock(&item).await), (1000, 500, 9));
    let rice_now = shop.supplies.supply(rice.id).await.unwrap().unwrap();
    assert_eq!(rice_now.version, rice_then.version + 1, "written once, for both lines");
    let entries = "SELECT count(*) FROM supply_adjustments";
    assert_eq!(shop.database.number(entries).await, 2, "the ledger is for adjustments");
    let lines = lines(&shop, id).await;
    assert!(lines.iter().all(|line| line.selections == selected() && line.taken[&rice.id] == 300), "{lines:?}");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supply_that_is_archived_by_then_gets_back_what_an_order_took() {
    let shop = Shop::open().await;
    let (item, rice) = (shop.uncounted().await, shop.supply("Rice", 1000).await);
    let id = place(&shop, &[(&item, 2)], &[(&rice, 300)]).await;
    shop.supplies.archive(rice.id, 1, shop.customer.id, now()).await.unwrap();
    shop.orders.cancel(cancellation(id)).await.unwrap();
    assert_eq!(shop.database.number("SELECT stock::bigint FROM supplies").await, 1000);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_order_gives_back_what_it_took() {
    let shop = Shop::open().await;
    let (item, rice) = (shop.item(9).await, shop.supply("Rice", 1000).await);
    let id = place(&shop, &[(&item, 2)], &[(&rice, 300)]).await;
    let terms = PaymentTerms { card: Duration::ZERO, unpaid: Duration::ZERO };
    let at = now() + chrono::TimeDelta::minutes(1);
    let cancelled = shop.orders.cancel_overdue(terms, at, RefundId::new(Uuid::now_v7())).await.unwrap();
    assert_eq!((cancelled, left(&shop, &rice).await, shop.stock(&item).await), (Some(id), 1000, 9));
    shop.assert_sound().await;
}

/// It is one change, whatever comes back with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_again_is_one_new_version_of_the_menu() {
    let shop = Shop::open().await;
    let options = PostgresOptionGroups::new(shop.pool.clone());
    let (item, rice, beans) = (shop.item(5).await, shop.supply("Rice", 1000).await, shop.supply("Beans", 500).await);
    let of = |supply: &Supply, amount| Ingredient { supply_id: supply.id, amount: RecipeAmount::new(amount).unwrap() };
    let change = async |revision, recipe: Vec<Ingredient>| {
        let recipe = Recipe::new(recipe).unwrap();
        options.change_recipe(item.id, revision, recipe, shop.customer.id, now()).await.unwrap();
    };
    let plenty = place(&shop, &[(&item, 1)], &[(&rice, 300)]).await;
    let last = place(&shop, &[(&item, 4)], &[(&rice, 700), (&beans, 497)]).await;
    // What orders take is written here as it is wanted, and not by the recipe.
    change(1, vec![of(&rice, 150), of(&beans, 20)]).await;
    let before = menu_version(&shop).await;
    shop.orders.cancel(cancellation(last)).await.unwrap();
    assert_eq!(menu_version(&shop).await, before + 1, "the menu item and both supplies");
    shop.orders.cancel(cancellation(plenty)).await.unwrap();
    assert_eq!(menu_version(&shop).await, before + 1, "there was enough of it");

    // Not low, but too little for one.
    change(2, vec![]).await;
    let too_much = place(&shop, &[(&item, 1)], &[(&rice, 851), (&beans, 100)]).await;
    change(3, vec![of(&rice, 150), of(&beans, 20)]).await;
    let before = menu_version(&shop).await;
    shop.orders.cancel(cancellation(too_much)).await.unwrap();
    assert_eq!(menu_version(&shop).await, before + 1, "one of the supplies alone");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_took_the_same_in_any_order_are_cancelled_at_once() {
    let shop = Shop::open().await;
    let pool = connect(&shop.database, DEADLINE).await;
    let other_server = orders(&pool, DEADLINE);
    let (one, two) = (shop.item(1000).await, shop.item(1000).await);
    let (rice, beans) = (shop.supply("Rice", 10_000).await, shop.supply("Beans", 10_000).await);
    let mut ids = Vec::new();
    for n in 0..30 {
        let (items, supplies) = match n % 2 {
            0 => ([(&one, 1), (&two, 1)], [(&rice, 30), (&beans, 7)]),
            _ => ([(&two, 1), (&one, 1)], [(&beans, 9), (&rice, 20)]),
        };
        ids.push(place(&shop, &items, &supplies).await);
    }
    let cancelling = ids.iter().enumerate().map(|(n, id)| match n % 3 {
        0 => other_server.cancel(cancellation(*id)),
        _ => shop.orders.cancel(cancellation(*id)),
    });
    let placing = (0..30).map(|_| shop.orders.place(shop.order(&[(&two, 1), (&one, 1)])));
    let (cancelled, placed) = tokio::join!(join_all(cancelling), join_all(placing));
    assert!(cancelled.iter().all(Result::is_ok) && placed.iter().all(Result::is_ok), "{cancelled:?} {placed:?}");
    assert_eq!((left(&shop, &rice).await, left(&shop, &beans).await), (10_000, 10_000));
    shop.assert_sound().await;
    assert_eq!(shop.database.deadlocks().await, 0, "deadlocks");
}

/// A server of the release before updates the order, and gives back menu items only.
#[tokio::test(flavor = "multi_thread")]
async fn the_release_before_cancels_no_order_that_took_of_supplies() {
    let shop = Shop::open().await;
    let (item, rice) = (shop.item(9).await, shop.supply("Rice", 1000).await);
    let (took, took_none) =
        (place(&shop, &[(&item, 1)], &[(&rice, 300)]).await, place(&shop, &[(&item, 1)], &[]).await);
    let client = shop.database.client().await;
    let update = async |id: OrderId, status: &str| {
        let update = format!(
            "UPDATE orders SET status = '{status}', version = version + 1, updated_at = now() WHERE id = '{id}'; \
             INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
             SELECT 'order.status_changed', id, version, now() FROM orders WHERE id = '{id}'"
        );
        client.batch_execute(&update).await
    };
    update(took, "accepted").await.unwrap();
    let refused = update(took, "cancelled").await.unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!((refused.constraint(), refused.code().code()), (Some("supplies_are_given_back"), "55000"));
    assert_eq!(lines(&shop, took).await[0].taken[&rice.id], 300);

    let uncounted = shop.uncounted().await;
    let took_nothing = place(&shop, &[(&uncounted, 1)], &[]).await;
    let refused = update(took_nothing, "cancelled").await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("supplies_are_given_back"), "it would give back one");

    update(took_none, "cancelled").await.unwrap();
    let give_back = format!("UPDATE menu_items SET stock = stock + 1, version = version + 1 WHERE id = '{}'", item.id);
    client.batch_execute(&give_back).await.unwrap();
    shop.assert_sound().await;
    // A server of this release cancels it, and what is cancelled already can be written to by anybody.
    shop.orders.cancel(cancellation(took)).await.unwrap();
    shop.orders.cancel(cancellation(took_nothing)).await.unwrap();
    assert_eq!(left(&shop, &rice).await, 1000);
    client.batch_execute(&format!("UPDATE orders SET cancel_reason = 'x' WHERE id = '{took}'")).await.unwrap();
    shop.assert_sound().await;
}

/// It knows of no recipes, either.
#[tokio::test(flavor = "multi_thread")]
async fn the_release_before_archives_no_supply_in_use() {
    let shop = Shop::open().await;
    let options = PostgresOptionGroups::new(shop.pool.clone());
    let (item, rice) = (shop.item(9).await, shop.supply("Rice", 1000).await);
    let change = async |revision, amount: Option<i64>| {
        let of = |amount| Ingredient { supply_id: rice.id, amount: RecipeAmount::new(amount).unwrap() };
        let recipe = Recipe::new(amount.into_iter().map(of).collect()).unwrap();
        options.change_recipe(item.id, revision, recipe, shop.customer.id, now()).await.unwrap();
    };
    let client = shop.database.client().await;
    let archive = "UPDATE supplies SET archived_at = now(), version = version + 1";
    change(1, Some(150)).await;
    let refused = client.batch_execute(archive).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("supplies_in_use_stay"));
    change(2, None).await;
    client.batch_execute(archive).await.unwrap();
}

/// It would leave the choices out of its summaries.
#[tokio::test(flavor = "multi_thread")]
async fn the_release_before_summarizes_no_order_with_choices() {
    let shop = Shop::open().await;
    let (item, figures) = (shop.item(9).await, PostgresSalesFigures::new(shop.pool.clone()));
    let client = shop.database.client().await;
    let summarize = "UPDATE sales_summarized s SET (transaction_id, event_id) = (v.transaction_id, v.id) \
                     FROM (SELECT transaction_id, id FROM outbox_events \
                           ORDER BY transaction_id DESC, id DESC LIMIT 1) v";
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    client.batch_execute(&format!("BEGIN; {summarize}; ROLLBACK")).await.unwrap();
    place(&shop, &[(&item, 2)], &[]).await;
    let refused = client.batch_execute(summarize).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("choices_are_summarized"));
    shop.assert_sound().await;

    summarize_all(&shop, &figures).await;
    let revenue = "SELECT sum(revenue)::bigint FROM item_sales_by_day";
    assert_eq!(shop.database.number(revenue).await, 990 + 2 * (990 + COST));
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    client.batch_execute(&format!("BEGIN; {summarize}; ROLLBACK")).await.unwrap();
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_migrations_the_ledger_of_supplies_and_the_totals_are_exact() {
    let shop = Shop::open().await;
    let (item, rice) = (shop.item(9).await, shop.supply("Rice", 1000).await);
    place(&shop, &[(&item, 2), (&item, 1)], &[(&rice, 300)]).await;
    let cancelled = place(&shop, &[(&item, 2)], &[(&rice, 50)]).await;
    shop.orders.cancel(cancellation(cancelled)).await.unwrap();
    let client = shop.database.client().await;
    for down in [
        include_str!("../../../../migrations/2026-12-05-100030_choices_are_summarized/down.sql"),
        include_str!("../../../../migrations/2026-12-05-100020_supplies_are_given_back/down.sql"),
        include_str!("../../../../migrations/2026-12-05-100010_extras_are_never_negative/down.sql"),
        include_str!("../../../../migrations/2026-12-05-100000_choices_of_order_lines/down.sql"),
    ] {
        client.batch_execute(down).await.unwrap();
    }
    let entered = "SELECT sum(delta) FROM supply_adjustments";
    assert_eq!((shop.database.number(entered).await, left(&shop, &rice).await), (400, 400));
    let wrong = "SELECT count(*) FROM orders o \
                 WHERE total <> (SELECT sum(quantity * unit_price) FROM order_lines WHERE order_id = o.id)";
    assert_eq!(shop.database.number(wrong).await, 0);
}
