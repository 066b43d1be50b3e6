use comanda_domain::{
    Category, Currency, Description, ImportedMenuItem, ImportedStock, MenuItemEdit, MenuItemId, MenuItemName,
    NewMenuItem, PageLimit, Price, Reason, Stock, StockDelta, Written,
    ports::{
        AddMenuItemError, AdjustStockError, ArchiveMenuItemError, EditMenuItemError, ImportMenuError, ImportSummary,
        LiveMenu, Menu, MenuItemsQuery, Orders, StockAdjustment,
    },
};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::shop::{Shop, details, level, now};

fn adjustment(shop: &Shop, id: MenuItemId, delta: i64) -> StockAdjustment {
    StockAdjustment {
        of: id,
        change: StockDelta::new(delta).unwrap(),
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
        Err(ArchiveMenuItemError::Stale { current: 1 })
    ));
    shop.menu.archive(item.id, 1, shop.customer.id, now()).await.unwrap();
    assert_eq!(shop.menu.item(item.id).await.unwrap(), None);
    let archived = shop.menu.archive(item.id, 2, shop.customer.id, now()).await;
    assert!(matches!(archived, Err(ArchiveMenuItemError::NotFound)));
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
    assert_eq!(adjust(1).await.unwrap().outcome.on_hand(), Some(1_000_000));
    assert_eq!(adjust(-1_000_000).await.unwrap().outcome.on_hand(), Some(0));
    assert!(matches!(adjust(-1).await, Err(AdjustStockError::InsufficientStock { available: 0 })));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menus_version_rises_when_customers_would_see_a_difference() {
    let shop = Shop::open().await;
    let version = || async { shop.menu.whole().await.unwrap().version.number };
    let item = shop.item(10).await;
    let added = version().await;
    shop.menu.adjust_stock(adjustment(&shop, item.id, 1), None).await.unwrap();
    assert_eq!(version().await, added, "from a stock of 11 to 12 customers see no difference");
    shop.menu.adjust_stock(adjustment(&shop, item.id, -6), None).await.unwrap();
    assert_eq!(version().await, added + 1, "low");
    shop.menu.edit(item.id, 1, renamed("Another"), shop.customer.id, now()).await.unwrap();
    assert_eq!(version().await, added + 2);
}

fn row(name: &str, price: i64, stock: i64) -> ImportedMenuItem {
    ImportedMenuItem {
        id: None,
        name: MenuItemName::new(name).unwrap().into(),
        category: Category::new("Pasta").unwrap().into(),
        price: Price::new(price, Currency::EUR).unwrap(),
        stock: Some(ImportedStock::Counted(Stock::new(stock).unwrap().into())),
        description: None,
        low_stock_at: None,
        active: None,
    }
}

fn ids(count: usize) -> Vec<MenuItemId> {
    (0..count).map(|_| MenuItemId::new(Uuid::now_v7())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_all_or_nothing_and_keeps_the_ledger() {
    let shop = Shop::open().await;
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

/// However a dish and a search are typed.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_ignores_case_accents_and_how_letters_are_composed() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    let dishes = [
        "Crème brûlée",
        "E\u{301}clair au cafe\u{301}",
        "Jalapeño Poppers",
        "Weißwürste",
        "Smørrebrød",
        "Pączki z różą, łosoś",
        "İskender Kebabı",
        "Œufs cocotte",
        "Борщ з пампушками",
        "Ντολμάδες",
        "שָׁלוֹם חומוס",
        "كَبْسَة",
        "寿司ガリ",
        "Bread 100%_ \\ butter",
        "Gel\u{ad}ato",
        "ＦＩＳＨ & chips",
        "葛\u{e0100}城餅",
        "شـاورما",
    ];
    for (n, dish) in dishes.iter().enumerate() {
        // As an older server or somebody by hand may have written it.
        let category = if n % 2 == 0 { "Entrées" } else { "ENTRE\u{301}ES" };
        tables
            .execute(
                "INSERT INTO menu_items (id, price, created_at, updated_at, stock, low_stock_at, active, name, \
                 category, description) VALUES ($1, 1, now(), now(), 1, 1, true, $2, $3, '')",
                &[&Uuid::now_v7(), dish, &category],
            )
            .await
            .unwrap();
    }
    let found = async |query: MenuItemsQuery| {
        let page = shop.menu.items(query).await.unwrap();
        page.entries.iter().map(|item| item.details.name.to_string()).collect::<Vec<_>>()
    };
    let query = || MenuItemsQuery {
        include_inactive: false,
        category: None,
        name_like: None,
        after: None,
        limit: PageLimit::new(100).unwrap(),
    };
    let named = |text: &str| MenuItemsQuery { name_like: Some(text.to_owned()), ..query() };
    for (text, dish) in [
        ("creme brulee", 0),
        ("CREME BRULEE", 0),
        ("Cre\u{300}me bru\u{302}le\u{301}e", 0),
        ("crème brûlée", 0),
        ("creme brule", 0),
        ("éclair", 1),
        ("eclair au cafe", 1),
        ("ÉCLAIR", 1),
        ("jalapeno", 2),
        ("JALAPEÑO", 2),
        ("weisswurste", 3),
        ("WEISSWÜRSTE", 3),
        ("weißwurste", 3),
        ("smorrebrod", 4),
        ("SMØRREBRØD", 4),
        ("paczki", 5),
        ("losos", 5),
        ("ŁOSOŚ", 5),
        ("iskender kebabi", 6),
        ("ISKENDER", 6),
        ("oeufs", 7),
        ("ŒUFS", 7),
        ("БОРЩ", 8),
        ("ντολμαδεσ", 9),
        ("ΝΤΟΛΜΑΔΕΣ", 9),
        ("שלום", 10),
        ("كبسة", 11),
        ("寿司", 12),
        ("0%_ \\", 13),
        ("gelato", 14),
        ("fish", 15),
        ("Fish", 15),
        ("葛城", 16),
        ("شاورما", 17),
    ] {
        assert_eq!(found(named(text)).await, [dishes[dish]], "{text}");
    }
    for none in ["%", "_", "\\", "e%r"] {
        let expected: Vec<&str> = dishes.into_iter().filter(|dish| dish.contains(none)).collect();
        assert_eq!(found(named(none)).await, expected, "{none}");
    }
    for category in ["Entrées", "entrees", "ENTREES", "entre\u{301}es"] {
        let of_category = MenuItemsQuery { category: Some(Category::stored(category)), ..query() };
        assert_eq!(found(of_category).await.len(), dishes.len(), "{category}");
    }
    assert_eq!(found(MenuItemsQuery { category: Some(Category::stored("Entr")), ..query() }).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_capitals_of_every_script_are_folded() {
    let shop = Shop::open().await;
    let small = |capital: char| -> Option<String> {
        let mut small = capital.to_lowercase();
        let first = small.next().filter(|first| *first != capital)?;
        small.next().is_none().then(|| first.to_string())
    };
    let (capitals, small): (Vec<String>, Vec<String>) =
        ('A'..=char::MAX).filter_map(|capital| Some((capital.to_string(), small(capital)?))).unzip();
    let differ = "SELECT capital FROM unnest($1::text[], $2::text[]) letter (capital, small) \
                  WHERE folded_for_search('x' || capital || 'é') <> folded_for_search('x' || small || 'é')";
    let differ = shop.database.client().await.query(differ, &[&capitals, &small]).await.unwrap();
    assert_eq!(differ.iter().map(|row| row.get::<_, String>(0)).collect::<String>(), "");
    assert!(capitals.len() > 1400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_a_long_menu_reads_an_index() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    tables
        .batch_execute(
            "INSERT INTO menu_items (id, price, created_at, updated_at, stock, low_stock_at, active, name, category, \
             description) SELECT gen_random_uuid(), 1, now(), now(), 1, 1, true, 'Dish ' || md5(n::text), \
             'Category ' || n % 500, '' FROM generate_series(1, 20000) n; \
             UPDATE menu_items SET name = 'Crème brûlée', category = 'Desserts', version = version + 1 \
             WHERE id = (SELECT min(id::text)::uuid FROM menu_items)",
        )
        .await
        .unwrap();
    tables.batch_execute("VACUUM ANALYZE menu_items").await.unwrap();
    let query = |category: Option<&str>, name: Option<&str>| MenuItemsQuery {
        include_inactive: false,
        category: category.map(Category::stored),
        name_like: name.map(str::to_owned),
        after: None,
        limit: PageLimit::default(),
    };
    for (index, query) in [
        ("menu_items_by_folded_name", query(None, Some("creme brulee"))),
        ("menu_items_by_folded_name", query(None, Some("creme brule"))),
        ("menu_items_by_folded_category", query(Some("DESSERTS"), None)),
    ] {
        let scans = format!("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{index}'");
        let before = shop.database.number(&scans).await;
        let page = shop.menu.items(query).await.unwrap();
        assert_eq!(page.entries.iter().map(|item| item.details.name.as_str()).collect::<Vec<_>>(), ["Crème brûlée"]);
        // PostgreSQL reports what it has counted within a second.
        let reported = async {
            while shop.database.number(&scans).await == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), reported).await.expect("a scan of the index");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_what_is_there_writes_nothing_and_waits_for_nobody() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let before = shop.menu.whole().await.unwrap();
    let _holder = shop.hold(&item).await;
    let same = ImportedMenuItem { id: Some(item.id), ..row(item.details.name.as_str(), 990, 10) };
    let summary = shop.menu.import(vec![same], ids(1), now()).await.unwrap();
    assert_eq!(summary, ImportSummary { added: 0, changed: 0, unchanged: 1 });
    assert_eq!(shop.menu.whole().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_knows_menu_items_by_their_ids_and_keeps_the_ids() {
    let shop = Shop::open().await;
    let kept = ids(3);
    let named = |id: usize, name: &str| ImportedMenuItem { id: Some(kept[id]), ..row(name, 900, 1) };
    shop.menu.import(vec![named(0, "Penne"), named(1, "Linguine")], ids(2), now()).await.unwrap();
    let whole = shop.menu.whole().await.unwrap();
    let found: Vec<_> = whole.items.iter().map(|item| (item.id, item.details.name.as_str())).collect();
    assert_eq!(found, [(kept[1], "Linguine"), (kept[0], "Penne")]);

    // They exchange their names, and nothing else happens to them.
    let exchanged = vec![named(0, "Linguine"), named(1, "Penne")];
    let summary = shop.menu.import(exchanged.clone(), ids(2), now()).await.unwrap();
    assert_eq!(summary, ImportSummary { added: 0, changed: 2, unchanged: 0 });
    let whole = shop.menu.whole().await.unwrap();
    let found: Vec<_> = whole.items.iter().map(|item| (item.id, item.details.name.as_str(), item.revision)).collect();
    assert_eq!(found, [(kept[0], "Linguine", 2), (kept[1], "Penne", 2)]);
    assert_eq!(shop.menu.import(exchanged, ids(2), now()).await.unwrap().unchanged, 2);
    assert_eq!(shop.database.number("SELECT count(*) FROM menu_items WHERE is_twin").await, 0);

    // An archived menu item does not come back; another takes its place.
    shop.menu.archive(kept[0], 2, shop.customer.id, now()).await.unwrap();
    let again = vec![named(0, "Linguine")];
    assert_eq!(shop.menu.import(again.clone(), ids(1), now()).await.unwrap().added, 1);
    assert_eq!(shop.menu.import(again, ids(1), now()).await.unwrap().unchanged, 1);
    assert_eq!(shop.menu.item(kept[0]).await.unwrap(), None);

    let taken = shop.menu.import(vec![row("Farfalle", 1, 1), named(1, "Linguine")], ids(2), now()).await;
    assert!(matches!(taken, Err(ImportMenuError::NamesTaken(rows)) if rows == [1]));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_of_any_size_can_be_imported() {
    let shop = Shop::open().await;
    let rows: Vec<_> = (0..6000).map(|n| row(&format!("Dish {n}"), 900, n % 2)).collect();
    assert_eq!(shop.menu.import(rows, ids(6000), now()).await.unwrap().added, 6000);
    assert_eq!(shop.database.number("SELECT count(*) FROM audit_log WHERE action = 'menu_item.added'").await, 6000);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_stands_for_one_menu_item_of_a_category_whoever_adds_it() {
    let shop = Shop::open().await;
    let adding = (0..20).map(|n| {
        let name = ["Crème", "CRÈME", "cre\u{300}me", "crème"][n % 4];
        let item = NewMenuItem {
            id: MenuItemId::new(Uuid::now_v7()),
            details: details(name),
            stock: Some(level(1)),
            station: None,
            added_at: now(),
        };
        shop.menu.add(item, shop.customer.id, None)
    });
    let importing = (0..5).map(|_| shop.menu.import(vec![row("crème", 900, 1)], ids(1), now()));
    let (added, imported) = tokio::join!(join_all(adding), join_all(importing));
    let won = added.iter().filter(|added| added.is_ok()).count();
    let lost = added.iter().filter(|added| matches!(added, Err(AddMenuItemError::NameTaken))).count();
    assert!(won <= 1 && won + lost == 20, "{added:?}");
    let imported: usize = imported.into_iter().map(|imported| imported.unwrap().added).sum();
    assert_eq!(won + imported, 1);
    assert_eq!(shop.menu.whole().await.unwrap().items.len(), 1);

    // Archived, it stands in nobody's way.
    let first = shop.menu.whole().await.unwrap().items.remove(0);
    shop.menu.archive(first.id, first.revision, shop.customer.id, now()).await.unwrap();
    assert_eq!(shop.menu.import(vec![row("Crème", 900, 1)], ids(1), now()).await.unwrap().added, 1);
    let other = shop.item(1).await;
    let edited = shop.menu.edit(other.id, 1, renamed("CRÈME"), shop.customer.id, now()).await;
    assert!(matches!(edited, Err(EditMenuItemError::NameTaken { renamed: true })));
    shop.assert_sound().await;
}

/// A duplicate of before names were unique.
async fn twin(shop: &Shop, name: &str) -> MenuItemId {
    let id = Uuid::now_v7();
    let insert = "INSERT INTO menu_items \
                    (id, price, created_at, updated_at, stock, low_stock_at, active, name, category, \
                     description, is_twin) \
                  VALUES ($1, 900, now(), now(), 0, 5, true, $2, 'Pasta', '', true)";
    shop.database.client().await.execute(insert, &[&id, &name]).await.unwrap();
    MenuItemId::new(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_are_imported_as_they_are_and_leave_their_name_to_nobody() {
    let shop = Shop::open().await;
    shop.menu.import(vec![row("Crème", 900, 0), row("Linguine", 900, 0)], ids(2), now()).await.unwrap();
    let whole = shop.menu.whole().await.unwrap();
    let [first, other] = ["Crème", "Linguine"]
        .map(|name| whole.items.iter().find(|item| item.details.name.as_str() == name).unwrap().clone());
    let (composed, capital) = (twin(&shop, "Cre\u{300}me").await, twin(&shop, "CRÈME").await);
    let named = |id: MenuItemId, name: &str| ImportedMenuItem {
        id: Some(id),
        name: Written::<MenuItemName>::new(name),
        ..row("x", 900, 0)
    };
    let is_twin = async |id: MenuItemId| {
        let twins = format!("SELECT count(*) FROM menu_items WHERE is_twin AND id = '{id}'");
        shop.database.number(&twins).await == 1
    };
    let import = |rows: Vec<ImportedMenuItem>| {
        let count = rows.len();
        shop.menu.import(rows, ids(count), now())
    };

    let exported = vec![named(first.id, "Crème"), named(composed, "Cre\u{300}me"), named(capital, "CRÈME")];
    assert_eq!(import(exported).await.unwrap(), ImportSummary { added: 0, changed: 0, unchanged: 3 });
    let respelled = vec![named(composed, "CRÈME"), named(first.id, "crème")];
    assert_eq!(import(respelled).await.unwrap(), ImportSummary { added: 0, changed: 2, unchanged: 0 });
    assert!(is_twin(composed).await && !is_twin(first.id).await);

    shop.menu.archive(first.id, 2, shop.customer.id, now()).await.unwrap();
    let new = NewMenuItem {
        id: MenuItemId::new(Uuid::now_v7()),
        details: details("crème"),
        stock: Some(level(1)),
        station: None,
        added_at: now(),
    };
    assert!(matches!(shop.menu.add(new, shop.customer.id, None).await, Err(AddMenuItemError::NameTaken)));
    let edited = shop.menu.edit(other.id, 1, renamed("CRÈME"), shop.customer.id, now()).await;
    assert!(matches!(edited, Err(EditMenuItemError::NameTaken { renamed: true })), "{edited:?}");
    let taken = import(vec![named(other.id, "crème")]).await;
    assert!(matches!(&taken, Err(ImportMenuError::NamesTaken(rows)) if *rows == [0]), "{taken:?}");
    let third = import(vec![row("crème", 900, 0), row("CRÈME", 900, 0), row("Crème", 900, 0)]).await;
    assert!(matches!(&third, Err(ImportMenuError::NamesTaken(rows)) if *rows == [2]), "{third:?}");

    // Both find a name of their own, one of them that of another.
    let exchanged = vec![named(composed, "Linguine"), named(capital, "Stew"), named(other.id, "Crème")];
    assert_eq!(import(exchanged).await.unwrap().changed, 3);
    assert_eq!(shop.database.number("SELECT count(*) FROM menu_items WHERE is_twin").await, 0);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_todays_rules_refuse_stays_and_is_given_to_nothing_else() {
    let shop = Shop::open().await;
    let item = shop.item(0).await;
    let odd = "UPDATE menu_items SET version = version + 1, name = E'Sou\\u200Bp', description = E'a\\u202Eb', \
               low_stock_at = 2000000";
    shop.database.client().await.batch_execute(odd).await.unwrap();
    let written = ImportedMenuItem {
        id: Some(item.id),
        name: Written::<MenuItemName>::new("Sou\u{200b}p"),
        description: Some(Written::<Description>::new("a\u{202e}b")),
        low_stock_at: Some(Written::<Stock>::new(2_000_000)),
        ..row("x", 990, 0)
    };
    let import = |row: ImportedMenuItem| shop.menu.import(vec![row], ids(1), now());
    assert_eq!(import(written.clone()).await.unwrap().unchanged, 1);
    let repriced = ImportedMenuItem { price: Price::new(1, Currency::EUR).unwrap(), ..written.clone() };
    assert_eq!(import(repriced).await.unwrap().changed, 1);
    for (field, row) in [
        ("name", ImportedMenuItem { name: Written::<MenuItemName>::new("Sou\u{200b}"), ..written.clone() }),
        (
            "description",
            ImportedMenuItem { description: Some(Written::<Description>::new("\u{202e}")), ..written.clone() },
        ),
        ("low_stock_at", ImportedMenuItem { low_stock_at: Some(Written::<Stock>::new(2_000_001)), ..written.clone() }),
        ("name", ImportedMenuItem { id: Some(ids(1)[0]), ..written.clone() }),
        ("stock", ImportedMenuItem { stock: None, ..row("New", 1, 1) }),
    ] {
        let refused = import(row).await;
        let Err(ImportMenuError::Refused(rows)) = refused else { panic!("{field}: {refused:?}") };
        assert_eq!(rows.iter().map(|(row, refused)| (*row, refused.field)).collect::<Vec<_>>(), [(0, field)]);
    }
    let open = ImportedMenuItem { stock: None, ..written };
    assert_eq!(import(open).await.unwrap(), ImportSummary { added: 0, changed: 1, unchanged: 0 }, "the price again");
    shop.assert_sound().await;
}
