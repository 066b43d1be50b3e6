//! The menu as the page for customers shows it before any script runs.

use comanda_domain::{Allergen, MenuItem, Money, ports::WholeMenu};
use serde::Serialize;

use super::language::Language;

#[derive(Serialize)]
pub struct ShownCategory {
    /// Its anchor: names are no identifiers.
    anchor: String,
    name: String,
    items: Vec<ShownItem>,
}

#[derive(Serialize)]
struct ShownItem {
    id: String,
    name: String,
    description: String,
    price: String,
    availability: &'static str,
    allergens: String,
}

/// From items sorted by category. Customers do not see what is switched off.
pub fn shown(menu: &WholeMenu, language: Language) -> Vec<ShownCategory> {
    by_category(menu)
        .enumerate()
        .map(|(at, items)| ShownCategory {
            anchor: format!("category-{at}"),
            name: items[0].details.category.as_str().to_owned(),
            items: items.iter().map(|item| shown_item(item, language)).collect(),
        })
        .collect()
}

pub fn by_category(menu: &WholeMenu) -> impl Iterator<Item = Vec<&MenuItem>> {
    let shown: Vec<&MenuItem> = menu.items.iter().filter(|item| item.details.active).collect();
    let categories: Vec<Vec<&MenuItem>> =
        shown.chunk_by(|a, b| a.details.category == b.details.category).map(<[_]>::to_vec).collect();
    categories.into_iter()
}

fn shown_item(item: &MenuItem, language: Language) -> ShownItem {
    let allergen = |allergen: &Allergen| {
        let name = allergen.as_str();
        language.texts().get(&format!("allergen_{name}")).map_or(name, String::as_str)
    };
    ShownItem {
        id: item.id.as_uuid().to_string(),
        name: item.details.name.as_str().to_owned(),
        description: item.details.description.as_str().to_owned(),
        price: price(item.details.price.money(), language),
        availability: item.availability().as_str(),
        allergens: item.details.allergens.iter().map(allergen).collect::<Vec<_>>().join(", "),
    }
}

/// An amount as it is written in the language; scripts use the browser's own `Intl`.
pub fn price(money: Money, language: Language) -> String {
    let currency = money.currency();
    let symbol = match currency.code() {
        "EUR" => "€",
        "GBP" => "£",
        "USD" => "$",
        code => code,
    };
    let decimal = decimal(money);
    match language {
        Language::German => format!("{}\u{a0}{symbol}", decimal.replace('.', ",")),
        Language::English if symbol.len() == 3 && symbol.is_ascii() => format!("{symbol}\u{a0}{decimal}"),
        Language::English => format!("{symbol}{decimal}"),
    }
}

/// `12.50`, whatever the language.
pub fn decimal(money: Money) -> String {
    let digits = money.currency().minor_digits();
    if digits == 0 {
        return money.amount().to_string();
    }
    let unit = 10_i64.pow(digits);
    format!("{}.{:0width$}", money.amount() / unit, money.amount() % unit, width = digits as usize)
}
