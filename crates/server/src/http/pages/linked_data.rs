//! The menu for machines that read pages (<https://schema.org/Menu>).

use comanda_domain::{Availability, MenuItem, ports::WholeMenu};
use serde_json::{Value, json};

use super::shown_menu::{by_category, decimal};

/// A data block of a page: browsers do not run it, so the policy needs no hash of it. What would end the block is
/// written in escapes of JSON.
pub fn linked_data(menu: &WholeMenu) -> String {
    let sections = by_category(menu).map(|items| {
        json!({
            "@type": "MenuSection",
            "name": items[0].details.category.as_str(),
            "hasMenuItem": items.into_iter().map(item).collect::<Vec<_>>(),
        })
    });
    let menu = json!({
        "@context": "https://schema.org",
        "@type": "Menu",
        "hasMenuSection": sections.collect::<Vec<_>>(),
    });
    menu.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn item(item: &MenuItem) -> Value {
    let price = item.details.price.money();
    let availability = match item.availability() {
        Availability::SoldOut => "https://schema.org/SoldOut",
        Availability::Low => "https://schema.org/LimitedAvailability",
        Availability::InStock => "https://schema.org/InStock",
    };
    json!({
        "@type": "MenuItem",
        "name": item.details.name.as_str(),
        "description": item.details.description.as_str(),
        "offers": {
            "@type": "Offer",
            "price": decimal(price),
            "priceCurrency": price.currency().code(),
            "availability": availability,
        },
    })
}
