use comanda_domain::{
    Availability, ChoiceBounds, Currency, FieldRefused, GroupOffer, GroupOffers, ImportedSupply, Ingredient,
    KeyRefusal, MenuOption, NewOptionGroup, NewSupply, OptionAmount, OptionDetails, OptionGroupId, OptionGroupName,
    OptionId, OptionName, OptionSupply, PageLimit, Price, Reason, Recipe, RecipeAmount, Stock, StockChange, StockDelta,
    Supply, SupplyDetails, SupplyEdit, SupplyId, SupplyName, SupplyShortage, SupplyUnit, ValueRefused, Written,
    ports::{
        AddSupplyError, AdjustSupplyError, ArchiveSupplyError, EditSupplyError, ImportSummary, ImportSuppliesError,
        LiveMenu, Menu, MenuSource, OptionGroups, Supplies, SuppliesQuery, SupplyAdjustment, SupplyList,
    },
};
use comanda_postgres::{PostgresOptionGroups, PostgresSupplies};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::{
    keys::other_request,
    shop::{DEADLINE, Shop, connect, now},
};

fn name(text: &str) -> SupplyName {
    SupplyName::new(text).unwrap()
}

fn new(text: &str, stock: i64) -> NewSupply {
    let details = SupplyDetails { name: name(text), low_stock_at: Stock::LOW };
    let (id, stock) = (SupplyId::new(Uuid::now_v7()), Stock::new(stock).unwrap());
    NewSupply { id, details, unit: SupplyUnit::Gram, stock, added_at: now() }
}

fn named(text: &str) -> SupplyEdit {
    SupplyEdit { name: Some(name(text)), ..SupplyEdit::default() }
}

fn by(delta: i64) -> StockChange {
    StockChange::By(StockDelta::new(delta).unwrap())
}

fn counted(stock: i64) -> StockChange {
    StockChange::To(Stock::new(stock).unwrap())
}

/// A shop, with shorter words for what is done to its supplies.
struct Pantry(Shop);

impl std::ops::Deref for Pantry {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.0
    }
}

impl Pantry {
    async fn open() -> Self {
        Self(Shop::open().await)
    }

    fn adjustment(&self, of: SupplyId, change: StockChange) -> SupplyAdjustment {
        let reason = Reason::new("stock-take").unwrap();
        SupplyAdjustment { of, change, reason, adjusted_by: self.customer.id, adjusted_at: now() }
    }

    async fn adjust(&self, of: SupplyId, change: StockChange) -> Result<Supply, AdjustSupplyError> {
        Ok(self.supplies.adjust(self.adjustment(of, change), None).await?.outcome)
    }

    async fn edit(&self, id: SupplyId, revision: u32, edit: SupplyEdit) -> Result<Supply, EditSupplyError> {
        self.supplies.edit(id, revision, edit, self.customer.id, now()).await
    }

    async fn archive(&self, id: SupplyId, revision: u32) -> Result<(), ArchiveSupplyError> {
        self.supplies.archive(id, revision, self.customer.id, now()).await
    }

    async fn import(&self, rows: Vec<ImportedSupply>) -> Result<ImportSummary, ImportSuppliesError> {
        let ids = rows.iter().map(|_| SupplyId::new(Uuid::now_v7())).collect();
        self.supplies.import(rows, ids, now()).await
    }

    async fn entries(&self, of: SupplyId) -> Vec<i32> {
        let sql = "SELECT delta FROM supply_adjustments WHERE supply_id = $1 ORDER BY id";
        let rows = self.database.client().await.query(sql, &[&of.as_uuid()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_exact_while_others_take_and_bring() {
    let pantry = Pantry::open().await;
    let elsewhere = PostgresSupplies::new(connect(&pantry.database, DEADLINE).await);
    let rice = pantry.supply("Rice", 1000).await.id;
    let taking = (0..60).map(|n| {
        let supplies = if n % 2 == 0 { &pantry.supplies } else { &elsewhere };
        let change = if n % 10 == 0 { counted(500 + n) } else { by(if n % 3 == 0 { 2 } else { -7 }) };
        supplies.adjust(pantry.adjustment(rice, change), None)
    });
    let adjusted: Vec<_> = join_all(taking).await;
    assert!(adjusted.iter().all(Result::is_ok), "{adjusted:#?}");
    let rice = pantry.supplies.supply(rice).await.unwrap().unwrap();
    let sum: i32 = pantry.entries(rice.id).await.iter().sum();
    assert_eq!(u32::try_from(sum), Ok(rice.stock));

    // Each version is somebody's, with the stock that only this one adjustment left behind.
    let left = adjusted.into_iter().map(|one| one.unwrap().outcome);
    let mut seen: Vec<(u64, u32)> = left.map(|supply| (supply.version, supply.stock)).collect();
    seen.sort_unstable();
    assert_eq!(seen.last().copied(), Some((rice.version, rice.stock)));
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_gets_its_turn_while_somebody_holds_the_row_and_counts_what_is_there_then() {
    let pantry = Pantry::open().await;
    let rice = pantry.supply("Rice", 100).await.id;
    let holder = pantry.database.client().await;
    let taken = "BEGIN; UPDATE supplies SET stock = stock - 30, version = version + 1; \
                 INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason) \
                 SELECT id, now(), -30, 'taken' FROM supplies";
    holder.batch_execute(taken).await.unwrap();
    let counting = pantry.adjust(rice, counted(65));
    let committing = async {
        pantry.until_waiting(1).await;
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (adjusted, ()) = tokio::join!(counting, committing);
    assert_eq!(adjusted.unwrap().stock, 65);
    assert_eq!(pantry.entries(rice).await, [100, -30, -5], "the difference to what was there under the lock");
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_of_what_is_on_record_changes_nothing() {
    let pantry = Pantry::open().await;
    let rice = pantry.supply("Rice", 100).await;
    assert_eq!(pantry.adjust(rice.id, counted(100)).await.unwrap(), rice);
    assert_eq!(pantry.entries(rice.id).await, [100]);
    let empty = pantry.adjust(rice.id, counted(0)).await.unwrap();
    assert_eq!((empty.stock, empty.version, empty.revision), (0, 2, 1));
    assert_eq!(empty.availability(), Availability::SoldOut);
    assert_eq!(pantry.entries(rice.id).await, [100, -100]);
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_stays_within_its_bounds() {
    let pantry = Pantry::open().await;
    let rice = pantry.supply("Rice", Stock::MAX - 1).await.id;
    assert!(matches!(pantry.adjust(rice, by(2)).await, Err(AdjustSupplyError::TooMuch)));
    assert_eq!(pantry.adjust(rice, by(1)).await.unwrap().stock, 1_000_000);
    assert_eq!(pantry.adjust(rice, by(-1_000_000)).await.unwrap().stock, 0);
    let short = SupplyShortage { supply_id: rice, name: name("Rice"), requested: 2, available: 0 };
    let refused = pantry.adjust(rice, by(-2)).await;
    assert!(matches!(&refused, Err(AdjustSupplyError::InsufficientStock(found)) if *found == short), "{refused:?}");
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_stands_for_one_supply_until_that_is_put_away() {
    let pantry = Pantry::open().await;
    let cream = pantry.supply("Crème", 1).await;
    let milk = pantry.supply("Milk", 0).await;
    assert!(pantry.entries(milk.id).await.is_empty());
    let taken = pantry.supplies.add(new("CRE\u{300}ME", 1), pantry.customer.id, None).await;
    assert!(matches!(taken, Err(AddSupplyError::NameTaken)));
    assert!(matches!(pantry.edit(milk.id, 1, named("crème")).await, Err(EditSupplyError::NameTaken)));
    assert_eq!(pantry.edit(cream.id, 1, named("CRÈME")).await.unwrap().revision, 2, "its own, spelled otherwise");

    assert!(matches!(pantry.archive(cream.id, 1).await, Err(ArchiveSupplyError::Stale { current: 2 })));
    pantry.archive(cream.id, 2).await.unwrap();
    pantry.edit(milk.id, 1, named("Crème")).await.unwrap();
    assert_eq!(pantry.supplies.supply(cream.id).await.unwrap(), None);
    assert!(matches!(pantry.archive(cream.id, 3).await, Err(ArchiveSupplyError::NotFound)));
    assert!(matches!(pantry.edit(cream.id, 3, named("Ghost")).await, Err(EditSupplyError::NotFound)));
    assert!(matches!(pantry.adjust(cream.id, by(1)).await, Err(AdjustSupplyError::NotFound)));
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_edited_once_and_an_edit_that_changes_nothing_is_none() {
    let pantry = Pantry::open().await;
    let rice = pantry.supply("Rice", 1).await.id;
    let names: Vec<String> = (0..10).map(|n| format!("Rice {n}")).collect();
    let edits = join_all(names.iter().map(|name| pantry.edit(rice, 1, named(name)))).await;
    assert_eq!(edits.iter().filter(|edit| edit.is_ok()).count(), 1);
    let stale = |edit: &Result<_, EditSupplyError>| matches!(edit, Err(EditSupplyError::Stale { current: 2 }));
    assert_eq!(edits.iter().filter(|edit| stale(edit)).count(), 9);
    let before = pantry.supplies.supply(rice).await.unwrap().unwrap();
    assert_eq!(pantry.edit(rice, 2, SupplyEdit::default()).await.unwrap(), before);
    let low = SupplyEdit { low_stock_at: Some(Stock::new(0).unwrap()), ..SupplyEdit::default() };
    assert_eq!(pantry.edit(rice, 2, low).await.unwrap().availability(), Availability::InStock);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_repeated_under_a_key_happens_once() {
    let pantry = Pantry::open().await;
    let (key, other_key) = (pantry.idempotency("rice"), pantry.idempotency("count"));
    let add = |request| pantry.supplies.add(new("Rice", 100), pantry.customer.id, Some(request));
    let first = add(key.clone()).await.unwrap();
    let again = add(key.clone()).await.unwrap();
    assert_eq!((again.replayed, &again.outcome), (true, &first.outcome));
    assert!(matches!(add(other_request(key)).await, Err(AddSupplyError::Key(KeyRefusal::Reused))));

    let adjust = |change, request| pantry.supplies.adjust(pantry.adjustment(first.outcome.id, change), Some(request));
    let unchanged = adjust(counted(100), other_key.clone()).await.unwrap();
    pantry.adjust(first.outcome.id, by(1)).await.unwrap();
    let again = adjust(counted(100), other_key).await.unwrap();
    assert_eq!((again.replayed, again.outcome), (true, unchanged.outcome), "nothing is counted a second time");
    assert_eq!(pantry.entries(first.outcome.id).await, [100, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_searched_like_the_menu() {
    let pantry = Pantry::open().await;
    for supply in ["Crème fraîche", "Mozzarella", "Mozzarella di bufala", "Basil 100%_", "Rice"] {
        pantry.supply(supply, 1).await;
    }
    let found = async |text: Option<&str>, limit: i64| {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let (name_like, limit) = (text.map(str::to_owned), PageLimit::new(limit).unwrap());
            let page = pantry.supplies.supplies(SuppliesQuery { name_like, after, limit }).await.unwrap();
            names.extend(page.entries.iter().map(|supply| supply.details.name.to_string()));
            after = page.next;
            if after.is_none() {
                return names;
            }
        }
    };
    let all = ["Basil 100%_", "Crème fraîche", "Mozzarella", "Mozzarella di bufala", "Rice"];
    for limit in [1, 2, 5, 100] {
        assert_eq!(found(None, limit).await, all);
    }
    assert_eq!(found(Some("MOZZARELA"), 1).await, all[2..4]);
    assert_eq!(found(Some("creme fraiche"), 9).await, all[1..2]);
    assert_eq!(found(Some("0%_"), 9).await, all[..1], "no pattern");
    assert_eq!(found(Some("ri"), 9).await, all[4..]);
}

fn row(text: &str, stock: i64) -> ImportedSupply {
    ImportedSupply {
        id: None,
        name: name(text).into(),
        unit: Some(SupplyUnit::Gram),
        stock: Some(Stock::new(stock).unwrap().into()),
        low_stock_at: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_all_or_nothing_and_keeps_the_ledger() {
    let pantry = Pantry::open().await;
    let summary = |added, changed, unchanged| ImportSummary { added, changed, unchanged };
    let rows = vec![row("Rice", 10), row("Basil", 0)];
    assert_eq!(pantry.import(rows.clone()).await.unwrap(), summary(2, 0, 0));
    assert_eq!(pantry.import(rows).await.unwrap(), summary(0, 0, 2));
    let rows = vec![row("RICE", 4), row("Basil", 0), row("Dough", 3)];
    assert_eq!(pantry.import(rows).await.unwrap(), summary(1, 1, 1));
    let listing = pantry.supplies.listing().await.unwrap();
    let all: Vec<_> = listing.supplies.iter().map(|one| (one.details.name.as_str(), one.stock, one.revision)).collect();
    assert_eq!(all, [("Basil", 0, 1), ("Dough", 3, 1), ("RICE", 4, 2)]);
    let [basil, dough, rice] = [0, 1, 2].map(|at| listing.supplies[at].id);

    // They exchange their names, and nothing else happens to them.
    let exchanged = |id, text| ImportedSupply { id: Some(id), stock: None, unit: None, ..row(text, 0) };
    let rows = vec![exchanged(rice, "Basil"), exchanged(basil, "Rice")];
    assert_eq!(pantry.import(rows).await.unwrap(), summary(0, 2, 0));
    assert_eq!(pantry.supplies.supply(rice).await.unwrap().unwrap().details.name.as_str(), "Basil");

    let in_pieces = ImportedSupply { unit: Some(SupplyUnit::Piece), ..row("Dough", 3) };
    let nameless = ImportedSupply { name: Written::<SupplyName>::new("\u{200b}"), ..row("Oil", 3) };
    let without_stock = ImportedSupply { stock: None, ..row("Salt", 1) };
    let before = pantry.supplies.listing().await.unwrap();
    match pantry.import(vec![row("Yeast", 1), in_pieces, without_stock]).await {
        Err(ImportSuppliesError::Refused(refused)) => assert_eq!(
            refused,
            [
                (1, FieldRefused { field: "unit", why: ValueRefused::Fixed }),
                (2, FieldRefused { field: "stock", why: ValueRefused::Missing })
            ]
        ),
        other => panic!("{other:?}"),
    }
    assert!(matches!(pantry.import(vec![nameless]).await, Err(ImportSuppliesError::Refused(_))));
    let taken = pantry.import(vec![exchanged(dough, "Rice")]).await;
    assert!(matches!(&taken, Err(ImportSuppliesError::NamesTaken(rows)) if *rows == [0]), "{taken:?}");
    assert_eq!(pantry.supplies.listing().await.unwrap(), before);

    pantry.archive(dough, 1).await.unwrap();
    let unitless = pantry.import(vec![exchanged(dough, "Dough")]).await;
    assert!(matches!(unitless, Err(ImportSuppliesError::Refused(_))), "what is archived is not there to be changed");
    let again = ImportedSupply { id: Some(dough), ..row("Dough", 7) };
    assert_eq!(pantry.import(vec![again]).await.unwrap(), summary(1, 0, 0));
    assert_eq!(pantry.supplies.supply(dough).await.unwrap(), None, "an archived supply keeps its id");
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_raises_the_menu_once_if_anything_has_enough_no_more() {
    let pantry = Pantry::open().await;
    let [rice, beans] = [pantry.supply("Rice", 1000).await.id, pantry.supply("Beans", 1000).await.id];
    pantry.supply("Salt", 1000).await;
    let item = pantry.uncounted().await;
    let ingredient = |supply_id| Ingredient { supply_id, amount: RecipeAmount::new(100).unwrap() };
    let recipe = Recipe::new(vec![ingredient(rice), ingredient(beans)]).unwrap();
    let groups = PostgresOptionGroups::new(pantry.pool.clone());
    groups.change_recipe(item.id, 1, recipe, pantry.customer.id, now()).await.unwrap();

    let mut number = pantry.menu.version().await.unwrap().number;
    for (stocks, raised, availability) in [
        ([100, 900, 1000], 0, Availability::InStock),
        ([100, 900, 0], 0, Availability::InStock),
        ([99, 0, 0], 1, Availability::SoldOut),
        ([98, 0, 0], 0, Availability::SoldOut),
        ([100, 100, 0], 1, Availability::InStock),
    ] {
        let rows = ["Rice", "Beans", "Salt"].into_iter().zip(stocks).map(|(name, stock)| row(name, stock));
        pantry.import(rows.collect()).await.unwrap();
        number += raised;
        let menu = pantry.menu.whole().await.unwrap();
        let shown = menu.items.iter().find(|shown| shown.id == item.id).unwrap();
        assert_eq!((menu.version.number, shown.availability()), (number, availability), "{stocks:?}");
    }
    pantry.assert_sound().await;
}

/// 200 by the recipe, and 50 by what has to be chosen.
#[tokio::test(flavor = "multi_thread")]
async fn the_menu_is_raised_when_recipe_and_choice_together_need_more_than_there_is() {
    let pantry = Pantry::open().await;
    let (dough, item) = (pantry.supply("Dough", 1000).await.id, pantry.uncounted().await);
    let groups = PostgresOptionGroups::new(pantry.pool.clone());
    let by = pantry.customer.id;
    let option = MenuOption {
        id: OptionId::new(Uuid::now_v7()),
        details: OptionDetails {
            name: OptionName::new("Large").unwrap(),
            price: Price::new(0, Currency::EUR).unwrap(),
            allergens: vec![],
            supply: Some(OptionSupply { supply_id: dough, amount: OptionAmount::new(50).unwrap() }),
        },
    };
    let group = NewOptionGroup {
        id: OptionGroupId::new(Uuid::now_v7()),
        name: OptionGroupName::new("Size").unwrap(),
        options: vec![option],
        added_at: now(),
    };
    let bounds = ChoiceBounds::new(1, 1, 1).unwrap();
    let offer = GroupOffer { group_id: group.id, bounds, prices: vec![] };
    groups.add(group, by, None).await.unwrap();
    groups.offer(item.id, 1, GroupOffers::new(vec![offer]).unwrap(), by, now()).await.unwrap();
    let recipe = Recipe::new(vec![Ingredient { supply_id: dough, amount: RecipeAmount::new(200).unwrap() }]).unwrap();
    groups.change_recipe(item.id, 2, recipe, by, now()).await.unwrap();

    let shown = async || {
        let menu = pantry.menu.whole().await.unwrap();
        let item = menu.items.iter().find(|shown| shown.id == item.id).unwrap();
        (menu.version.number, item.availability())
    };
    for (stock, availability, is_raised) in [
        (300, Availability::InStock, false),
        (250, Availability::InStock, false),
        (249, Availability::SoldOut, true),
        (250, Availability::InStock, true),
        (150, Availability::SoldOut, true),
        (100, Availability::SoldOut, false),
    ] {
        let (before, _) = shown().await;
        pantry.adjust(dough, counted(stock)).await.unwrap();
        let (after, now_shown) = shown().await;
        assert_eq!((now_shown, after > before), (availability, is_raised), "{stock}");
    }

    // What it needs no more is nobody's business.
    groups.change_recipe(item.id, 3, Recipe::default(), by, now()).await.unwrap();
    let (before, availability) = shown().await;
    assert_eq!(availability, Availability::InStock);
    pantry.adjust(dough, counted(60)).await.unwrap();
    assert_eq!(shown().await, (before, Availability::InStock));
    pantry.menu.archive(item.id, 4, by, now()).await.unwrap();
    assert_eq!(pantry.database.number("SELECT count(*) FROM menu_item_needs").await, 0);
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_menu_is_one_menu_however_fast_it_changes() {
    let pantry = Pantry::open().await;
    let (rice, item) = (pantry.supply("Rice", 100).await.id, pantry.uncounted().await);
    let groups = PostgresOptionGroups::new(pantry.pool.clone());
    let recipe = Recipe::new(vec![Ingredient { supply_id: rice, amount: RecipeAmount::new(100).unwrap() }]).unwrap();
    groups.change_recipe(item.id, 1, recipe, pantry.customer.id, now()).await.unwrap();
    let before = pantry.menu.version().await.unwrap().number;

    let writer = pantry.database.client().await;
    let sells_out_and_in = "DO $$ BEGIN FOR n IN 1..5000 LOOP \
                              UPDATE supplies SET stock = 100 - n % 2, version = version + 1; \
                              UPDATE menu_version SET version = version + 1; \
                              COMMIT; \
                            END LOOP; END $$";
    let writing = tokio::spawn(async move { writer.batch_execute(sells_out_and_in).await });
    while !writing.is_finished() {
        let menu = pantry.menu.whole().await.unwrap();
        let availability = menu.items.iter().find(|shown| shown.id == item.id).unwrap().availability();
        let is_in_stock = (menu.version.number - before).is_multiple_of(2);
        assert_eq!(availability == Availability::InStock, is_in_stock, "{:?}", menu.version);
    }
    writing.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_waits_for_nobody_who_holds_what_it_leaves_as_it_is() {
    let pantry = Pantry::open().await;
    for name in ["Rice", "Salt", "Oil"] {
        pantry.supply(name, 10).await;
    }
    let held = pantry.database.client().await;
    held.batch_execute("BEGIN; SELECT FROM supplies WHERE name <> 'Rice' FOR UPDATE").await.unwrap();
    let imported = pantry.import(vec![row("Rice", 4), row("Salt", 10), row("Flour", 1)]).await.unwrap();
    assert_eq!(imported, ImportSummary { added: 1, changed: 1, unchanged: 1 });
    held.batch_execute("ROLLBACK").await.unwrap();
    pantry.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_gets_its_turn_while_stocks_change_without_pause() {
    let pantry = Pantry::open().await;
    let ids = [pantry.supply("Rice", 1000).await.id, pantry.supply("Dough", 1000).await.id];
    let taking = async {
        for n in 0..100 {
            join_all(ids.map(|id| pantry.adjust(id, by(if n % 2 == 0 { -1 } else { 1 })))).await;
        }
    };
    let importing = async {
        for n in 0..10 {
            let rows = vec![row("Dough", 500 + n), row("Rice", 400 + n), row(&format!("Spice {n}"), n)];
            pantry.import(rows).await.unwrap();
        }
    };
    tokio::join!(taking, importing);
    assert_eq!(pantry.supplies.listing().await.unwrap().supplies.len(), 12);
    pantry.assert_sound().await;
}
