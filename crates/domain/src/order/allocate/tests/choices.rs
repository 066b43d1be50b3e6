use super::*;
use crate::{
    ChoiceBounds, Ingredient, MenuItemDefinition, OfferedGroup, OfferedOption, OptionAmount, OptionGroupId,
    OptionGroupName, OptionId, OptionName, OptionSupply, Recipe, RecipeAmount, SelectedOption, Selection,
    StockedSupply, SupplyName, SupplyShortage,
};

fn supply(n: u128) -> SupplyId {
    SupplyId::new(Uuid::from_u128(1000 + n))
}

fn option(n: u128) -> OptionId {
    OptionId::new(Uuid::from_u128(2000 + n))
}

fn recipe(ingredients: &[(u128, i64)]) -> Recipe {
    let of = |&(n, amount)| Ingredient { supply_id: supply(n), amount: RecipeAmount::new(amount).expect("in range") };
    Recipe::new(ingredients.iter().map(of).collect()).expect("no repetition")
}

/// An option: its number, its price, and how it changes what is taken of which supply.
type OptionOf = (u128, i64, Option<(u128, i64)>);

fn group(name: &str, (min, max, max_each): (i64, i64, i64), options: &[OptionOf]) -> OfferedGroup {
    let offered = |&(n, price, takes): &OptionOf| OfferedOption {
        id: option(n),
        name: OptionName::new(&format!("Option {n}")).expect("a name"),
        price: Price::new(price, Currency::EUR).expect("in range"),
        allergens: vec![],
        supply: takes.map(|(n, amount)| OptionSupply {
            supply_id: supply(n),
            amount: OptionAmount::new(amount).expect("in range"),
        }),
    };
    OfferedGroup {
        id: OptionGroupId::new(Uuid::from_u128(1)),
        name: OptionGroupName::new(name).expect("a name"),
        bounds: ChoiceBounds::new(min, max, max_each).expect("bounds"),
        options: options.iter().map(offered).collect(),
    }
}

/// Menu items that cost 1000, of each of which there are so many, and supplies.
fn shelf<S: Into<Option<u32>>>(items: Vec<(S, MenuItemDefinition)>, supplies: &[u32]) -> StockOnHand {
    let stocked = |(n, (stock, definition)): (usize, (S, MenuItemDefinition))| {
        let stock = stock.into();
        let name = MenuItemName::new(&format!("Item {n}")).expect("a name");
        let price = Price::new(1000, Currency::EUR).expect("a price");
        (item(n as u128), StockedItem { name, price, stock, on_sale: true, definition: Arc::new(definition) })
    };
    let of_supply = |(n, &stock): (usize, &u32)| (supply(n as u128), StockedSupply { name: called(n as u128), stock });
    StockOnHand {
        items: items.into_iter().enumerate().map(stocked).collect(),
        supplies: supplies.iter().enumerate().map(of_supply).collect(),
    }
}

fn called(n: u128) -> SupplyName {
    SupplyName::new(&format!("Supply {n}")).expect("a name")
}

/// A line: its menu item, its quantity, and the options with their quantities.
type LineOf = (u128, i64, Vec<(u128, i64)>);

fn with_choices(lines: &[LineOf]) -> Basket {
    let quantity = |n| Quantity::new(n).expect("in range");
    let line = |(n, times, chosen): &LineOf| BasketLine {
        menu_item_id: item(*n),
        quantity: quantity(*times),
        selections: Selections::new(
            chosen.iter().map(|(n, times)| Selection { option_id: option(*n), quantity: quantity(*times) }).collect(),
        )
        .expect("few"),
        note: None,
    };
    Basket::new(lines.iter().map(line).collect()).expect("1 to 50 lines")
}

fn pizza() -> MenuItemDefinition {
    let size = group("Size", (1, 1, 1), &[(0, 0, None), (1, 300, Some((0, 100)))]);
    let extras = group("Extras", (0, 4, 2), &[(2, 150, Some((1, 50))), (3, 0, Some((1, -80))), (4, 250, None)]);
    MenuItemDefinition::new(recipe(&[(0, 200), (1, 80)]), vec![size, extras])
}

fn decide(stock: &StockOnHand, lines: &[LineOf]) -> Result<Filled, Refusal> {
    allocate(stock, Currency::EUR, &[with_choices(lines)]).decisions.remove(0)
}

#[test]
fn a_line_keeps_what_was_chosen_what_it_cost_and_what_it_took() {
    let stock = shelf(vec![(9, pizza())], &[2000, 500]);
    let filled = decide(&stock, &[(0, 2, vec![(1, 1), (2, 2)])]).expect("enough");
    let line = &filled.lines[0];
    assert_eq!(line.line_total.amount(), 2 * (1000 + 300 + 2 * 150));
    assert_eq!(line.taken, BTreeMap::from([(supply(0), 2 * 300), (supply(1), 2 * 180)]));
    let shown = |s: &SelectedOption| format!("{}: {} × {} at {}", s.group, s.quantity.get(), s.name, s.unit_price);
    assert_eq!(
        line.selections.iter().map(shown).collect::<Vec<_>>(),
        ["Size: 1 × Option 1 at 3.00", "Extras: 2 × Option 2 at 1.50"]
    );
}

#[test]
fn lines_are_never_merged_and_count_together() {
    let stock = shelf(vec![(9, pizza())], &[2000, 250]);
    let lines = [(0, 1, vec![(0, 1)]), (0, 1, vec![(1, 1), (2, 1)]), (0, 1, vec![(0, 1)])];
    let short = SupplyShortage { supply_id: supply(1), name: called(1), requested: 290, available: 250 };
    let shortages = Shortages { items: vec![], supplies: vec![short] };
    assert_eq!(decide(&stock, &lines), Err(Refusal::InsufficientStock(shortages)));
    assert_eq!(decide(&stock, &lines[..2]).map(|filled| filled.lines.len()), Ok(2));
}

#[test]
fn an_option_takes_away_no_more_than_there_is_on_the_dish() {
    let stock = shelf(vec![(9, pizza())], &[2000, 100]);
    // No cheese, twice as little cheese as there is, and no cheese but some extra.
    for (chosen, cheese) in [(vec![(3, 1)], None), (vec![(3, 2)], None), (vec![(3, 1), (2, 1)], Some(50))] {
        let chosen = [vec![(0, 1)], chosen].concat();
        let filled = decide(&stock, &[(0, 1, chosen)]).expect("enough");
        assert_eq!(filled.lines[0].taken.get(&supply(1)).copied(), cheese);
    }
    let lines = [(0, 1, vec![(0, 1), (3, 2)]), (0, 1, vec![(0, 1), (2, 1)])];
    assert!(decide(&stock, &lines).is_err(), "what one line goes without is not there for another");
}

#[test]
fn names_everything_that_is_chosen_wrongly_where_it_is() {
    let stock = shelf(vec![(9, pizza()), (9, MenuItemDefinition::default())], &[2000, 500]);
    let faults = |lines: &[LineOf]| match decide(&stock, lines) {
        Err(Refusal::InvalidSelections(faults)) => {
            faults.iter().map(|f| (f.line, f.selection, f.misfit.kind().as_str())).collect()
        }
        _ => vec![],
    };
    let lines = [
        (0, 1, vec![]),
        (0, 1, vec![(0, 1), (9, 1), (1, 1)]),
        (0, 1, vec![(0, 1), (2, 2), (2, 1), (4, 2), (3, 1)]),
        (1, 1, vec![(0, 1)]),
        (0, 1, vec![(0, 1)]),
        (1, 1, vec![]),
    ];
    assert_eq!(
        faults(&lines),
        [
            (0, None, "too-few"),
            (1, Some(1), "unknown-option"),
            (1, Some(2), "too-many"),
            (2, Some(2), "too-many"),
            (2, Some(3), "too-many"),
            (2, Some(4), "too-many"),
            (3, Some(0), "unknown-option"),
        ]
    );
    assert_eq!(faults(&[(7, 1, vec![]), (0, 1, vec![])]), [], "what is not on the menu is said first");
}

#[test]
fn who_knows_no_options_can_order_what_needs_none() {
    let optional = group("Extras", (0, 3, 1), &[(2, 150, Some((1, 50)))]);
    let stock = shelf(vec![(9, MenuItemDefinition::new(recipe(&[(0, 200)]), vec![optional]))], &[400]);
    let filled = decide(&stock, &[(0, 2, vec![])]).expect("nothing has to be chosen");
    assert_eq!((filled.total.amount(), filled.lines[0].taken[&supply(0)]), (2000, 400));
}

#[test]
fn a_supply_that_nobody_knows_is_used_up() {
    let stock = shelf(vec![(9, MenuItemDefinition::new(recipe(&[(5, 1)]), vec![]))], &[]);
    assert!(matches!(decide(&stock, &[(0, 1, vec![])]), Err(Refusal::InsufficientStock(s)) if s.supplies.len() == 1));
}

#[test]
fn a_total_that_is_too_large_is_none() {
    let quantity = Quantity::new(100).expect("in range");
    let of = |amount| SelectedOption {
        option_id: option(0),
        group: OptionGroupName::new("Extras").expect("a name"),
        name: OptionName::new("Gold").expect("a name"),
        quantity,
        unit_price: Money::new(amount, Currency::EUR),
    };
    let total = |unit, chosen: &[SelectedOption]| OrderLine::total(Money::new(unit, Currency::EUR), chosen, quantity);
    assert_eq!(total(0, &[of(i64::MAX / 100)]), Err(MoneyError::Overflow), "a hundred times");
    assert_eq!(total(i64::MAX, &[of(1)]), Err(MoneyError::Overflow), "one more");
    assert_eq!(total(0, &[of(i64::MAX)]), Err(MoneyError::Overflow), "of one");
    assert_eq!(total(7, &[of(3)]).map(Money::amount), Ok(100 * (7 + 300)));
}

const SUPPLIES: u128 = 3;

fn amounts(least: i64) -> impl Strategy<Value = (u128, i64)> {
    (0..SUPPLIES, (least..=6_i64).prop_filter("nothing is no change", |amount| *amount != 0))
}

prop_compose! {
    /// A recipe, a group of which something has to be chosen, and one of which nothing has.
    fn definitions()(
        ingredients in prop::collection::btree_map(0..SUPPLIES, 1_i64..5, 0..3),
        takes in prop::collection::vec(prop::option::of(amounts(-6)), 4..=4),
        min in 0_i64..=1,
    ) -> MenuItemDefinition {
        let ingredients: Vec<(u128, i64)> = ingredients.into_iter().collect();
        let of = |n: u128| (n, 10 * i64::try_from(n).expect("small"), takes[n as usize]);
        let groups = vec![group("A", (min, 1, 1), &[of(0), of(1)]), group("B", (0, 3, 2), &[of(2), of(3)])];
        MenuItemDefinition::new(recipe(&ingredients), groups)
    }
}

/// One menu item in four is not counted.
fn shelves() -> impl Strategy<Value = StockOnHand> {
    let items = prop::collection::vec((prop::option::weighted(0.75, 0_u32..40), definitions()), 1..4);
    (items, prop::collection::vec(0_u32..120, SUPPLIES as usize)).prop_map(|(items, stocks)| shelf(items, &stocks))
}

fn orders() -> impl Strategy<Value = Vec<Vec<LineOf>>> {
    let chosen = prop::collection::vec((0_u128..5, 1_i64..=2), 0..4);
    let line = (0_u128..3, 1_i64..=5, chosen);
    prop::collection::vec(prop::collection::vec(line, 1..4), 0..20)
}

/// The obvious computation: what an order takes in all, if its lines are possible.
fn wanted(stock: &StockOnHand, basket: &Basket) -> Option<(BTreeMap<MenuItemId, i64>, BTreeMap<SupplyId, i64>)> {
    let (mut items, mut supplies) = (BTreeMap::new(), BTreeMap::new());
    for line in basket.lines() {
        let item = stock.items.get(&line.menu_item_id)?;
        let times = i64::from(line.quantity.get());
        *items.entry(line.menu_item_id).or_insert(0) += times;
        let chosen_of = |id: OptionId| {
            let of_option = line.selections.as_slice().iter().filter(|selection| selection.option_id == id);
            of_option.map(|selection| i64::from(selection.quantity.get())).sum::<i64>()
        };
        let mut known = 0;
        let mut of_one: BTreeMap<SupplyId, i64> = BTreeMap::new();
        for ingredient in item.definition.recipe().ingredients() {
            *of_one.entry(ingredient.supply_id).or_insert(0) += i64::from(ingredient.amount.get());
        }
        for group in item.definition.groups() {
            let counts: Vec<i64> = group.options.iter().map(|option| chosen_of(option.id)).collect();
            let of_group: i64 = counts.iter().sum();
            let bounds = group.bounds;
            if of_group < bounds.min().into()
                || of_group > bounds.max().into()
                || counts.iter().any(|count| *count > bounds.max_each().into())
            {
                return None;
            }
            known += of_group;
            for (option, count) in group.options.iter().zip(counts) {
                if let Some(takes) = option.supply {
                    *of_one.entry(takes.supply_id).or_insert(0) += count * i64::from(takes.amount.get());
                }
            }
        }
        let all: i64 = line.selections.as_slice().iter().map(|selection| i64::from(selection.quantity.get())).sum();
        if known != all {
            return None;
        }
        for (id, amount) in of_one {
            *supplies.entry(id).or_insert(0) += times * amount.max(0);
        }
    }
    supplies.retain(|_, amount| *amount > 0);
    Some((items, supplies))
}

proptest! {
    #[test]
    fn gives_of_menu_items_and_supplies_exactly_what_there_is(stock in shelves(), orders in orders()) {
        let baskets: Vec<Basket> = orders.iter().map(|lines| with_choices(lines)).collect();
        let allocation = allocate(&stock, Currency::EUR, &baskets);
        // Of what is not counted there is no end.
        let mut items: BTreeMap<_, i64> =
            stock.items.iter().map(|(&id, item)| (id, item.stock.map_or(i64::MAX, i64::from))).collect();
        let mut supplies: BTreeMap<_, i64> = stock.supplies.iter().map(|(&id, s)| (id, s.stock.into())).collect();
        for (basket, decision) in baskets.iter().zip(&allocation.decisions) {
            let Some((of_items, of_supplies)) = wanted(&stock, basket) else {
                let is_impossible = matches!(decision, Err(Refusal::UnknownItems(_) | Refusal::InvalidSelections(_)));
                prop_assert!(is_impossible, "{decision:?}");
                continue;
            };
            let short_items: BTreeMap<_, _> =
                of_items.iter().filter(|(id, n)| items[id] < **n).map(|(id, n)| (*id, (*n, items[id]))).collect();
            let short_supplies: BTreeMap<_, _> = of_supplies
                .iter()
                .filter(|(id, n)| supplies[id] < **n)
                .map(|(id, n)| (*id, (*n, supplies[id])))
                .collect();
            match decision {
                Ok(filled) => {
                    prop_assert!(short_items.is_empty() && short_supplies.is_empty(), "gave what is not there");
                    let mut kept: BTreeMap<SupplyId, i64> = BTreeMap::new();
                    for (id, amount) in filled.lines.iter().flat_map(|line| &line.taken) {
                        prop_assert!(*amount > 0);
                        *kept.entry(*id).or_insert(0) += i64::from(*amount);
                    }
                    prop_assert_eq!(&kept, &of_supplies, "lines keep what they took");
                    let counted = of_items.iter().filter(|(id, _)| stock.items[*id].stock.is_some());
                    counted.for_each(|(id, n)| *items.get_mut(id).expect("known") -= n);
                    for (id, n) in &of_supplies {
                        *supplies.get_mut(id).expect("known") -= n;
                    }
                }
                Err(Refusal::InsufficientStock(short)) => {
                    let named_items: BTreeMap<_, _> = short.items.iter()
                        .map(|s| (s.menu_item_id, (i64::from(s.requested), i64::from(s.available)))).collect();
                    let named_supplies: BTreeMap<_, _> = short.supplies.iter()
                        .map(|s| (s.supply_id, (i64::try_from(s.requested).expect("small"), i64::from(s.available))))
                        .collect();
                    prop_assert!(!short.is_empty());
                    prop_assert_eq!((named_items, named_supplies), (short_items, short_supplies), "all, and no other");
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        for (id, item) in &stock.items {
            let taken = allocation.taken.items.get(id).copied();
            let Some(stock) = item.stock else {
                prop_assert_eq!(taken, None, "nothing is taken of what is not counted");
                continue;
            };
            prop_assert_eq!(i64::from(stock) - i64::from(taken.unwrap_or(0)), items[id]);
            prop_assert!(items[id] >= 0);
        }
        for (id, supply) in &stock.supplies {
            let taken = allocation.taken.supplies.get(id).copied().unwrap_or(0);
            prop_assert_eq!(i64::from(supply.stock) - i64::from(taken), supplies[id]);
            prop_assert!(supplies[id] >= 0);
        }
        prop_assert!(allocation.taken.supplies.values().all(|&n| n > 0));
    }

    #[test]
    fn refused_orders_take_neither_menu_items_nor_supplies(stock in shelves(), orders in orders()) {
        let baskets: Vec<Basket> = orders.iter().map(|lines| with_choices(lines)).collect();
        let with_refused = allocate(&stock, Currency::EUR, &baskets);
        let decided = baskets.iter().zip(&with_refused.decisions);
        let accepted: Vec<_> = decided.filter(|(_, decision)| decision.is_ok()).map(|(basket, _)| basket).collect();
        let without = allocate(&stock, Currency::EUR, accepted);
        prop_assert!(without.decisions.iter().all(Result::is_ok));
        prop_assert_eq!(without.taken, with_refused.taken);
    }

    #[test]
    fn the_order_of_lines_does_not_matter(
        stock in shelves(),
        (orders, shuffled) in orders().prop_flat_map(|orders| {
            let shuffled: Vec<_> = orders.iter().map(|lines| Just(lines.clone()).prop_shuffle()).collect();
            (Just(orders), shuffled)
        }),
    ) {
        let decide = |orders: &[Vec<LineOf>]| {
            let baskets: Vec<Basket> = orders.iter().map(|lines| with_choices(lines)).collect();
            let Allocation { decisions, taken } = allocate(&stock, Currency::EUR, &baskets);
            let totals: Vec<_> = decisions.into_iter().map(|decision| match decision {
                Ok(filled) => Ok(filled.total),
                Err(Refusal::InsufficientStock(short)) => Err(Some(short)),
                Err(_) => Err(None),
            }).collect();
            (totals, taken)
        };
        prop_assert_eq!(decide(&orders), decide(&shuffled));
    }

    #[test]
    fn a_line_costs_what_it_shows(stock in shelves(), orders in orders()) {
        let baskets: Vec<Basket> = orders.iter().map(|lines| with_choices(lines)).collect();
        for (basket, decision) in baskets.iter().zip(allocate(&stock, Currency::EUR, &baskets).decisions) {
            let Ok(filled) = decision else { continue };
            prop_assert_eq!(filled.lines.len(), basket.lines().len(), "lines are never merged");
            let mut total = 0;
            for (line, asked) in filled.lines.iter().zip(basket.lines()) {
                prop_assert_eq!(line.selections.len(), asked.selections.as_slice().len());
                let each = |s: &SelectedOption| s.unit_price.amount() * i64::from(s.quantity.get());
                let of_one = line.unit_price.amount() + line.selections.iter().map(each).sum::<i64>();
                prop_assert_eq!(line.line_total.amount(), of_one * i64::from(line.quantity.get()));
                total += line.line_total.amount();
            }
            prop_assert_eq!(filled.total.amount(), total);
        }
    }
}
