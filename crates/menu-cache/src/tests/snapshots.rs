use comanda_domain::{
    ChoiceBounds, MenuItemDefinition, OfferedGroup, OfferedOption, OptionAmount, OptionGroupId, OptionGroupName,
    OptionId, OptionName, OptionSupply, Recipe, SupplyId,
};

use super::*;

#[test]
fn the_current_snapshot_never_goes_back_and_a_renewed_menu_stays_the_same() {
    let expires = std::time::Instant::now() + Duration::from_mins(1);
    let current = Current::default();
    let install = |version, milliseconds, origin| {
        let loaded_at = DateTime::from_timestamp_millis(milliseconds).unwrap();
        current.install(Snapshot::new(copy(version, loaded_at, vec![]), expires), origin)
    };
    assert!(matches!(install(2, 100, Origin::Shared), Installed::Newer { before: None }));
    let first = current.snapshot().unwrap();
    assert!(matches!(install(1, 900, Origin::Database), Installed::Older));
    assert!(matches!(install(2, 200, Origin::Shared), Installed::Same));
    let renewed = current.snapshot().unwrap();
    assert!(Arc::ptr_eq(&renewed.copy.menu, &first.copy.menu) && renewed.copy.loaded_at > first.copy.loaded_at);
    assert!(matches!(install(2, 150, Origin::Shared), Installed::Same));
    assert_eq!(current.snapshot().unwrap().copy.loaded_at, renewed.copy.loaded_at);

    // The database is known to hold something newer: only the database can say that it was no change after all.
    renewed.mark_outdated();
    install(2, 300, Origin::Shared);
    assert!(current.snapshot().unwrap().is_outdated());
    install(2, 400, Origin::Database);
    assert!(!current.snapshot().unwrap().is_outdated());
}

#[test]
fn changes_are_what_customers_see_differently() {
    let snapshot = |items| Snapshot::new(copy(1, now(), items), std::time::Instant::now());
    let before = snapshot(vec![item(1, 1, 30), item(2, 1, 30), item(3, 1, 30), item(4, 1, 30)]);
    let after = snapshot(vec![item(1, 1, 29), item(2, 2, 30), item(3, 1, 5), item(5, 1, 1)]);
    let ids = |numbers: &[u128]| numbers.iter().map(|n| MenuItemId::new(Uuid::from_u128(*n))).collect::<Vec<_>>();
    assert_eq!(after.changes_since(&before), ItemChanges::Partial { changed: ids(&[2, 3, 5]), gone: ids(&[4]) });
}

/// A menu item with an option that takes 60 of a supply of which there is so much.
fn with_an_option(stock: i64) -> MenuItem {
    let supply = SupplyId::new(Uuid::nil());
    let option = OfferedOption {
        id: OptionId::new(Uuid::nil()),
        name: OptionName::new("Guacamole").unwrap(),
        price: Price::new(250, Currency::EUR).unwrap(),
        allergens: vec![],
        supply: Some(OptionSupply { supply_id: supply, amount: OptionAmount::new(60).unwrap() }),
    };
    let group = OfferedGroup {
        id: OptionGroupId::new(Uuid::nil()),
        name: OptionGroupName::new("Extras").unwrap(),
        bounds: ChoiceBounds::new(0, 1, 1).unwrap(),
        options: vec![option].into(),
    };
    let level = StockLevel { on_hand: Stock::new(stock).unwrap(), low_at: Stock::new(0).unwrap() };
    let definition = Arc::new(MenuItemDefinition::new(Recipe::default(), vec![group]));
    let definition = StockedDefinition { definition, supplies: [(supply, level)].into() };
    MenuItem { definition, ..item(1, 1, 30) }
}

#[test]
fn an_option_that_is_sold_out_is_a_change_of_what_offers_it() {
    let snapshot = |stock| Snapshot::new(copy(1, now(), vec![with_an_option(stock)]), std::time::Instant::now());
    let changed = |before, after| match snapshot(after).changes_since(&snapshot(before)) {
        ItemChanges::Partial { changed, .. } => changed.len(),
        ItemChanges::Everything => usize::MAX,
    };
    assert_eq!([changed(90, 60), changed(60, 59), changed(59, 10)], [0, 1, 0]);
}

#[test]
fn the_same_number_of_another_epoch_replaces_only_what_is_known_to_be_lost() {
    let expires = std::time::Instant::now() + Duration::from_mins(1);
    let current = Current::default();
    let install = |epoch, number| {
        let version = MenuVersion { epoch: MenuEpoch::new(Uuid::from_u128(epoch)), number };
        let copy = MenuCopy {
            menu: Arc::new(WholeMenu { version, items: vec![] }),
            loaded_at: now(),
            load_took: Duration::ZERO,
        };
        current.install(Snapshot::new(copy, expires), Origin::Database)
    };
    assert!(matches!(install(1, 5), Installed::Newer { before: None }));
    assert!(matches!(install(2, 5), Installed::Older));
    current.snapshot().unwrap().mark_outdated();
    assert!(matches!(install(2, 5), Installed::Newer { before: Some(_) }));
    assert!(!current.snapshot().unwrap().is_outdated());
}
