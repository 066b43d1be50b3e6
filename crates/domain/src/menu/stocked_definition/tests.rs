use proptest::{collection::vec, option::of as maybe, prelude::*};
use uuid::Uuid;

use super::*;
use crate::{
    ChoiceBounds, Currency, Ingredient, OptionAmount, OptionGroupId, OptionGroupName, OptionId, OptionName,
    OptionSupply, Price, Quantity, RecipeAmount, Selection, Selections, Stock,
};

use Availability::{InStock, Low, SoldOut};

fn supply(number: u128) -> SupplyId {
    SupplyId::new(Uuid::from_u128(number))
}

/// An option that takes so much of this supply.
fn option(of: u128, amount: i64) -> OfferedOption {
    let amount = OptionAmount::new(amount).expect("in range");
    OfferedOption {
        id: OptionId::new(Uuid::from_u128(of)),
        name: OptionName::stored("Guacamole"),
        price: Price::new(250, Currency::EUR).expect("in range"),
        allergens: vec![],
        supply: Some(OptionSupply { supply_id: supply(of), amount }),
    }
}

fn group(min: i64, options: Vec<OfferedOption>) -> OfferedGroup {
    OfferedGroup {
        id: OptionGroupId::new(Uuid::nil()),
        name: OptionGroupName::stored("Extras"),
        bounds: ChoiceBounds::new(min, 9, 1).expect("bounds"),
        options: options.into(),
    }
}

/// With so much of the supplies 1, 2 and so on, each of which is low at 20.
fn stocked(recipe: &[(u128, i64)], groups: Vec<OfferedGroup>, stocks: &[i64]) -> StockedDefinition {
    let ingredient = |&(of, amount): &(u128, i64)| Ingredient {
        supply_id: supply(of),
        amount: RecipeAmount::new(amount).expect("in range"),
    };
    let quantity = |quantity| Stock::new(quantity).expect("in range");
    let level =
        |(of, stock): (u128, &i64)| (supply(of), StockLevel { on_hand: quantity(*stock), low_at: quantity(20) });
    let recipe = Recipe::new(recipe.iter().map(ingredient).collect()).expect("distinct");
    let definition = Arc::new(MenuItemDefinition::new(recipe, groups));
    StockedDefinition { definition, supplies: (1..).zip(stocks).map(level).collect() }
}

#[test]
fn a_menu_item_is_as_available_as_its_scarcest_ingredient() {
    let of = |stocks: &[i64]| stocked(&[(1, 10), (2, 3)], vec![], stocks).availability();
    assert_eq!([of(&[21, 21]), of(&[21, 20]), of(&[9, 21]), of(&[10, 2])], [InStock, Low, SoldOut, SoldOut]);
    assert_eq!(of(&[21]), SoldOut, "the other one is archived");
    assert_eq!(StockedDefinition::default().availability(), InStock);
}

#[test]
fn a_required_group_needs_as_many_options_as_have_to_be_chosen() {
    let of =
        |min, stocks: &[i64]| stocked(&[], vec![group(min, vec![option(1, 10), option(2, 10)])], stocks).availability();
    assert_eq!([of(0, &[0, 0]), of(1, &[0, 0]), of(1, &[0, 30])], [InStock, SoldOut, InStock]);
    assert_eq!([of(1, &[9, 15]), of(2, &[9, 30]), of(2, &[15, 30])], [Low, SoldOut, Low]);
}

#[test]
fn what_takes_something_away_can_always_be_chosen() {
    let none = OfferedOption { supply: None, ..option(1, 10) };
    let options = vec![option(1, -10), option(2, 10), option(3, 10), none];
    let shown = stocked(&[], vec![group(0, options)], &[0, 0, 30]).availabilities();
    assert_eq!(shown.options, [[InStock, SoldOut, InStock, InStock]]);
}

#[test]
fn what_recipe_and_choice_take_of_the_same_supply_is_added_up() {
    let dough = || vec![option(1, 50), option(1, 60)];
    let of = |stock: i64| {
        let shown = stocked(&[(1, 200)], vec![group(1, dough())], &[stock]).availabilities();
        (shown.item, shown.options[0].clone())
    };
    assert_eq!(of(220), (SoldOut, vec![SoldOut, SoldOut]));
    assert_eq!(of(255), (InStock, vec![InStock, SoldOut]));
    assert_eq!(of(260), (InStock, vec![InStock, InStock]));
    let two = stocked(&[], vec![group(1, dough()), group(1, dough())], &[109]).availabilities();
    assert_eq!((two.item, two.options), (InStock, vec![vec![InStock, SoldOut], vec![InStock, SoldOut]]));
    let extra = stocked(&[(1, 200)], vec![group(0, dough())], &[255]).availabilities();
    assert_eq!((extra.item, extra.options), (InStock, vec![vec![InStock, SoldOut]]));
}

#[test]
fn what_lacks_an_ingredient_is_sold_out_though_it_may_be_ordered_without() {
    let without = |min| stocked(&[(1, 30)], vec![group(min, vec![option(1, -30), option(2, 5)])], &[0, 30]);
    let shown = without(0).availabilities();
    assert_eq!((shown.item, shown.options), (SoldOut, vec![vec![InStock, InStock]]));
    assert_eq!(stocked(&[(1, 30)], vec![group(0, vec![option(1, -20)])], &[9]).availability(), SoldOut);
    assert_eq!(stocked(&[(1, 30)], vec![group(0, vec![option(1, -20)])], &[29]).availability(), SoldOut);
}

#[test]
fn needs_are_between_what_is_taken_at_least_and_at_most() {
    let needs = |recipe: &[(u128, i64)], groups| {
        let needs = stocked(recipe, groups, &[]).definition.needs();
        needs.iter().map(|need| (need.supply_id, need.least, need.most)).collect::<Vec<_>>()
    };
    assert_eq!(needs(&[(1, 200)], vec![]), [(supply(1), 200, 200)]);
    let both = || vec![option(1, 50), option(1, 60), option(2, -5)];
    assert_eq!(needs(&[(1, 200)], vec![group(2, both()), group(0, both())]), [(supply(1), 200, 380)]);
    assert_eq!(needs(&[(2, 30)], vec![group(0, both())]), [(supply(1), 50, 60), (supply(2), 25, 30)]);
}

/// Bounds, and for each option the supply of which it takes, and how much.
type Group = ((i64, i64, i64), Vec<Option<(u128, i64)>>);

fn a_group(fewest: i64, least_amount: i64) -> impl Strategy<Value = Group> {
    let bounds = (fewest..=2, 0..=1_i64, 1..=2_i64).prop_map(|(min, more, each)| (min, (min + more).max(1), each));
    let takes = (1..=2_u128, (least_amount..=4).prop_filter("not zero", |amount| *amount != 0));
    (bounds, vec(maybe(takes), 0..=3))
}

fn any_group() -> impl Strategy<Value = Group> {
    a_group(0, -3)
}

/// One that may be required, and one that is not and takes nothing away.
fn one_required() -> impl Strategy<Value = Vec<Group>> {
    let extras = a_group(0, 1).prop_map(|((_, max, each), options)| ((0, max, each), options));
    (any_group(), maybe(extras)).prop_map(|(group, extras)| [Some(group), extras].into_iter().flatten().collect())
}

fn recipes() -> impl Strategy<Value = Vec<(u128, i64)>> {
    [maybe(1..=4_i64), maybe(1..=4_i64)]
        .prop_map(|amounts| (1..).zip(amounts).filter_map(|(of, amount)| Some((of, amount?))).collect())
}

/// With options that are numbered one after the other, and supplies that are low at 3.
fn written(recipe: &[(u128, i64)], groups: &[Group], stocks: [i64; 2]) -> StockedDefinition {
    let mut number = 0;
    let mut group = |((min, max, each), options): &Group| {
        let mut numbered = |takes: &Option<(u128, i64)>| {
            number += 1;
            let id = OptionId::new(Uuid::from_u128(number));
            let (of, amount) = takes.unwrap_or((1, 1));
            let option = option(of, amount);
            OfferedOption { id, supply: option.supply.filter(|_| takes.is_some()), ..option }
        };
        let options = options.iter().map(&mut numbered).collect();
        OfferedGroup { bounds: ChoiceBounds::new(*min, *max, *each).expect("bounds"), ..self::group(0, options) }
    };
    let mut stocked = stocked(recipe, groups.iter().map(&mut group).collect(), &stocks);
    for level in stocked.supplies.values_mut() {
        level.low_at = Stock::new(3).expect("in range");
    }
    stocked
}

/// How often each option is chosen.
type Choice = Vec<(OptionId, u32)>;

/// Everything that can be chosen, which may not be enough or too much.
fn choices(stocked: &StockedDefinition) -> Vec<Choice> {
    let mut choices = vec![vec![]];
    for group in stocked.definition.groups() {
        for option in group.options.iter() {
            let more = |choice: &Choice| {
                (0..=group.bounds.max_each()).map(|times| [choice.clone(), vec![(option.id, times)]].concat()).collect()
            };
            choices = choices.iter().flat_map(|choice| -> Vec<_> { more(choice) }).collect();
        }
    }
    choices
}

/// Whether an order of one with this choice would be placed.
fn can_be_ordered(stocked: &StockedDefinition, choice: &[(OptionId, u32)]) -> bool {
    let one = Quantity::new(1).expect("in range");
    let chosen = choice.iter().filter(|(_, times)| *times > 0);
    let selection = |&(option_id, times): &(OptionId, u32)| Selection {
        option_id,
        quantity: Quantity::new(times.into()).expect("in range"),
    };
    let selections = Selections::new(chosen.map(selection).collect()).expect("a few");
    let Ok(chosen) = stocked.definition.choose(0, &selections) else { return false };
    let on_hand = |supply| stocked.supplies.get(&supply).map_or(0, |level| u64::from(level.on_hand.get()));
    stocked.definition.takes(one, &chosen).into_iter().all(|(supply, amount)| amount <= on_hand(supply))
}

/// Everything that can be ordered once, and what is shown.
fn orders_and_shown(stocked: &StockedDefinition) -> (Vec<Choice>, Availability, Vec<(OptionId, Availability)>) {
    let mut orders = choices(stocked);
    orders.retain(|choice| can_be_ordered(stocked, choice));
    let shown = stocked.availabilities();
    let options = stocked.definition.groups().iter().flat_map(|group| group.options.iter().map(|option| option.id));
    (orders, shown.item, options.zip(shown.options.concat()).collect())
}

/// Whether there is enough for the recipe.
fn can_be_made(stocked: &StockedDefinition) -> bool {
    let is_there = |it: &Ingredient| i64::from(it.amount.get()) <= stocked.on_hand(it.supply_id);
    stocked.definition.recipe().ingredients().iter().all(is_there)
}

fn is_chosen(choice: &[(OptionId, u32)], option: OptionId) -> bool {
    choice.iter().any(|(id, times)| *id == option && *times > 0)
}

#[test]
fn what_cannot_be_taken_away_often_enough_changes_nothing() {
    // Without twice as much as may be left out, the rest of the group is shown as without anything.
    let group: Group = ((0, 1, 2), vec![Some((1, -1)), None]);
    let shown = |stock| written(&[(1, 4)], std::slice::from_ref(&group), [stock, 0]).availabilities();
    assert_eq!(shown(2), shown(0));
    assert_ne!(shown(3), shown(0));
}

proptest! {
    #[test]
    fn what_is_sold_out_cannot_be_ordered_whatever_is_chosen(
        recipe in recipes(), groups in vec(any_group(), 0..=2), stocks in [0..=8_i64, 0..=8_i64],
    ) {
        let stocked = written(&recipe, &groups, stocks);
        let (orders, item, options) = orders_and_shown(&stocked);
        prop_assert!(item != SoldOut || orders.is_empty() || !can_be_made(&stocked), "{orders:?}");
        for (option, shown) in options {
            let chosen = orders.iter().find(|choice| is_chosen(choice, option));
            prop_assert!(shown != SoldOut || chosen.is_none(), "{option:?}: {chosen:?}");
        }
        prop_assert_eq!(stocked.availability(), item);
    }

    #[test]
    fn what_is_shown_can_be_ordered_if_one_group_is_required(
        recipe in recipes(), groups in one_required(), stocks in [0..=8_i64, 0..=8_i64],
    ) {
        let stocked = written(&recipe, &groups, stocks);
        let (orders, item, options) = orders_and_shown(&stocked);
        prop_assert_eq!(item == SoldOut, orders.is_empty() || !can_be_made(&stocked));
        if item != SoldOut {
            for (option, shown) in options.into_iter().take(groups[0].1.len()) {
                let can_be_chosen = orders.iter().any(|choice| is_chosen(choice, option));
                prop_assert_eq!(shown == SoldOut, !can_be_chosen, "{:?}", option);
            }
        }
    }

    #[test]
    fn what_is_shown_changes_only_with_what_is_needed(
        recipe in recipes(), groups in vec(any_group(), 0..=3), stocks in [0..=8_i64, 0..=8_i64], after in 0..=8_i64,
    ) {
        let before = written(&recipe, &groups, stocks);
        let (least, greatest) = (stocks[0].min(after), stocks[0].max(after));
        let is_concerned = before.definition.needs().iter().any(|need| {
            let is_crossed = i64::from(need.least) <= greatest && i64::from(need.most) > least;
            need.supply_id == supply(1) && (is_crossed || (least <= 3) != (greatest <= 3))
        });
        let after = written(&recipe, &groups, [after, stocks[1]]);
        prop_assert!(is_concerned || before.availabilities() == after.availabilities());
    }
}
