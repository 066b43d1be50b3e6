use std::collections::BTreeSet;

use comanda_domain::{
    Allergen, Category, Currency, Description, MenuItem, MenuItemDetails, MenuItemId, MenuItemName, Money, Price,
    Stock, StockLevel, StockedDefinition, Timestamp,
    ports::{MenuEpoch, MenuVersion, WholeMenu},
};
use uuid::Uuid;

use super::{
    asset::ASSETS,
    cards::Cards,
    language::{
        Language::{self, English, German},
        Texts, shared_texts, texts_of_page,
    },
    page::Page,
    shown_menu::price,
    templates::{SOURCES, Templates},
};
use crate::http::{openapi, problem::Code, representations::Representations};

fn item(n: u128, name: &str, on_hand: u32) -> MenuItem {
    let now = Timestamp::UNIX_EPOCH;
    MenuItem {
        id: MenuItemId::new(Uuid::from_u128(n)),
        details: MenuItemDetails {
            name: MenuItemName::stored(name),
            description: Description::stored("Tomato, </script> & \"basil\""),
            category: Category::stored(&format!("Category {}", n / 20)),
            price: Price::new(1250, Currency::EUR).unwrap(),
            allergens: vec![Allergen::Gluten, Allergen::Milk],
            active: true,
        },
        stock: Some(StockLevel { on_hand: Stock::stored(on_hand), low_at: Stock::stored(5) }),
        definition: StockedDefinition::default(),
        station: None,
        revision: 1,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

fn page(items: Vec<MenuItem>, language: Language) -> String {
    page_with(Cards::Simulated, items, language)
}

fn page_with(cards: Cards, items: Vec<MenuItem>, language: Language) -> String {
    let version = MenuVersion { epoch: MenuEpoch::new(Uuid::from_u128(1)), number: 1 };
    let templates = Templates::new(Currency::EUR, Some(chrono_tz::Europe::Berlin), cards).unwrap();
    templates.menu(&WholeMenu { version, items }, language).unwrap()
}

fn templates() -> Templates {
    Templates::new(Currency::EUR, Some(chrono_tz::Europe::Berlin), Cards::Simulated).unwrap()
}

/// Every page in a language; that for customers with this menu.
fn pages(items: Vec<MenuItem>, language: Language) -> [(Page, String); 3] {
    let shell = |kind| (kind, templates().shell(kind, language).unwrap());
    [(Page::Customers, page(items, language)), shell(Page::Kitchen), shell(Page::Office)]
}

fn stripe() -> Cards {
    Cards::Stripe { publishable_key: "pk_test_51Mx".to_owned() }
}

/// The hosts that a policy lets a page use, by directive.
fn hosts(cards: &Cards) -> Vec<(&'static str, Vec<&'static str>)> {
    let directives = cards.content_security_policy().split("; ").filter_map(|directive| directive.split_once(' '));
    directives
        .map(|(name, sources)| (name, sources.split(' ').filter(|source| !source.starts_with('\'')).collect()))
        .collect()
}

#[test]
fn a_page_may_use_what_stripe_needs_where_stripe_takes_cards_and_nothing_else() {
    for cards in [Cards::NotOnPages, Cards::Simulated] {
        assert!(hosts(&cards).iter().all(|(_, hosts)| hosts.is_empty()), "{cards:?}");
    }
    let with_hosts: Vec<_> = hosts(&stripe()).into_iter().filter(|(_, hosts)| !hosts.is_empty()).collect();
    let js = ["https://js.stripe.com", "https://*.js.stripe.com"];
    let expected = [
        ("script-src", js.to_vec()),
        ("connect-src", vec!["https://api.stripe.com"]),
        ("frame-src", [&js[..], &["https://hooks.stripe.com"]].concat()),
    ];
    assert_eq!(with_hosts, expected);
    for cards in [Cards::NotOnPages, Cards::Simulated, stripe()] {
        let policy = cards.content_security_policy();
        for directive in ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|stated| stated == directive), "{directive}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn a_page_has_stripes_key_where_stripe_takes_cards_and_never_its_script() {
    let with = page_with(stripe(), vec![item(1, "Margherita", 9)], English);
    assert!(with.contains("data-cards=\"stripe\" data-stripe-key=\"pk_test_51Mx\">"), "{with:.300}");
    assert!(!with.contains("stripe.com"), "the script comes when somebody pays by card");
    for cards in [Cards::NotOnPages, Cards::Simulated] {
        let without = page_with(cards, vec![item(1, "Margherita", 9)], English);
        assert!(!without.contains("data-stripe-key"), "{without:.300}");
    }
}

#[test]
fn what_the_menu_says_stays_text() {
    let page = page(vec![item(1, "<img src=x onerror=alert(1)>", 9)], English);
    assert!(!page.contains("<img"), "{page}");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2, "no text ends the data for machines");
    let (_, data) = page.split_once("<script type=\"application/ld+json\">").unwrap();
    let data: serde_json::Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let shown = &data["hasMenuSection"][0]["hasMenuItem"][0];
    assert_eq!(shown["name"], "<img src=x onerror=alert(1)>");
    assert_eq!(shown["description"], "Tomato, </script> & \"basil\"");
    assert_eq!(shown["offers"]["price"], "12.50");
}

#[test]
fn nothing_on_a_page_runs_or_styles_inline() {
    for (kind, page) in pages(vec![item(1, "Margherita", 9)], German) {
        assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains("javascript:"), "{kind:?}");
        for attribute in page.split(|c: char| c.is_whitespace()) {
            assert!(!attribute.starts_with("on") || !attribute.contains("=\""), "{kind:?}: {attribute}");
        }
        for script in page.split("<script").skip(1) {
            let tag = script.split_once('>').unwrap().0;
            assert!(tag.contains(" src=\"/assets/") || tag.contains("application/ld+json"), "{kind:?}: {tag}");
        }
        for address in page.split("href=\"").skip(1).chain(page.split("src=\"").skip(1)) {
            let own = address.starts_with('/') && !address.starts_with("//") || address.starts_with('#');
            assert!(own, "{kind:?}: {address:.60}");
        }
    }
}

#[test]
fn a_page_loads_what_is_its_own_and_everything_it_loads_is_there() {
    for (kind, page) in pages(vec![], English) {
        let path = ASSETS.path();
        let loaded: BTreeSet<_> = page.split('"').filter_map(|text| text.strip_prefix(&format!("{path}/"))).collect();
        let own: BTreeSet<_> = ASSETS.texts(kind).map(|(file, _)| file).collect();
        assert_eq!(loaded, own, "{kind:?}");
    }
    let customers: Vec<_> = ASSETS.scripts(Page::Customers).collect();
    assert!(!customers.iter().any(|script| script.starts_with("staff") || script.starts_with("kitchen")));
}

#[test]
fn the_menu_can_be_read_without_scripts() {
    let english = page(vec![item(1, "Margherita", 9), item(2, "Marinara", 3), item(3, "Diavola", 0)], English);
    for words in ["<h3>Margherita</h3>", "€12.50", "Contains: gluten, milk", "Only a few left", "Sold out"] {
        assert!(english.contains(words), "{words}");
    }
    assert!(english.contains("lang=\"en\""));
    let german = page(vec![item(3, "Diavola", 0)], German);
    for words in ["<h3>Diavola</h3>", "12,50\u{a0}€", "Enthält: Gluten, Milch", "Ausverkauft", "lang=\"de\""] {
        assert!(german.contains(words), "{words}");
    }
    let mut off = item(4, "Calzone", 9);
    off.details.active = false;
    assert!(!page(vec![off], English).contains("Calzone"), "what is switched off is not shown");
}

#[test]
fn a_page_with_everything_it_loads_is_small() {
    let items = (0..60).map(|n| item(n, &format!("Item {n}"), 9)).collect();
    for (kind, page) in pages(items, German) {
        let html = Representations::of(page.into_bytes()).sizes().1;
        let total = html + ASSETS.compressed(kind);
        // The office is opened in the morning and stays open; customers come once, on whatever network there is.
        let most = if kind == Page::Office { 75_000 } else { 60_000 };
        assert!(total <= most, "{kind:?}: {total} bytes, {html} of them the page");
    }
}

#[test]
fn a_menu_of_two_thousand_items_is_shown() {
    let items = (0..2_000).map(|n| item(n, &format!("Item {n}"), 9)).collect();
    let page = page(items, English);
    assert_eq!(page.matches("class=\"item\"").count(), 2_000);
    assert_eq!(page.matches("<h2 id=\"category-").count(), 100);
}

fn names(texts: &Texts) -> BTreeSet<String> {
    texts.keys().cloned().collect()
}

/// The names of what a text leaves blank.
fn blanks(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

#[test]
fn every_language_has_every_text() {
    let own = Page::ALL.map(texts_of_page);
    for [english, german] in own.iter().chain([&shared_texts()]) {
        assert_eq!(names(english), names(german));
        for (name, text) in english {
            assert_eq!(blanks(text), blanks(&german[name]), "{name}");
        }
    }
    let shared = names(English.texts());
    assert!(!shared.is_empty());
    for allergen in Allergen::ALL {
        assert!(shared.contains(&format!("allergen_{}", allergen.as_str())));
    }
    for name in &shared {
        if let Some(code) = name.strip_prefix("problem_") {
            let code = code.split('_').next().unwrap_or_default();
            assert!(Code::named(code).is_some(), "{name} is about no problem");
        }
    }
    for [english, _] in &own {
        assert!(names(english).is_disjoint(&shared), "one name, two texts");
    }
}

#[test]
fn every_text_that_a_script_names_is_on_its_pages() {
    for page in Page::ALL {
        let known = names(&English.texts_on(page));
        for (file, script) in ASSETS.texts(page) {
            for call in script.split("text('").skip(1) {
                let name = call.split('\'').next().unwrap();
                assert!(known.contains(name), "{page:?}: {file}: {name}");
            }
        }
    }
}

/// All that a page is made of, but for its texts.
fn sources(page: Page) -> String {
    let template = |wanted: &str| SOURCES.iter().find(|(name, _)| *name == wanted).unwrap().1;
    let own = template(page.template());
    let included = own.split("{% include \"").skip(1).map(|rest| template(rest.split('"').next().unwrap()));
    let scripts = ASSETS.texts(page).filter(|(file, _)| !file.ends_with("texts.js")).map(|(_, script)| script);
    included.chain([own]).chain(scripts).collect::<Vec<_>>().join("\n")
}

/// Whether a text is named, or put together from `values` of the API.
fn names_text(source: &str, values: &BTreeSet<String>, name: &str) -> bool {
    let is_quoted = |name: &str| source.contains(&format!("'{name}'"));
    let prefixes = source.split('`').filter_map(|written| Some(written.split_once("${")?.0));
    let is_put_together = prefixes.filter(|prefix| prefix.ends_with('_')).any(|prefix| {
        name.strip_prefix(prefix).is_some_and(|rest| match prefix {
            // The API does not list the codes of violations, and problems can have one of their limits.
            "violation_" => true,
            "problem_" => values.contains(rest.split('_').next().unwrap_or_default()),
            _ => values.contains(rest) || is_quoted(rest),
        })
    });
    let is_a_value = source.contains("text(availability)") && ["low", "sold_out"].contains(&name);
    is_quoted(name) || source.contains(&format!("texts.{name} ")) || is_put_together || is_a_value
}

#[test]
fn every_text_is_used_on_a_page_that_has_it() {
    let document: serde_json::Value = serde_json::from_str(openapi::document()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap().values();
    let values = schemas.filter_map(|schema| schema["enum"].as_array()).flatten();
    let values: BTreeSet<String> = values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
    let (mut all, mut used) = (BTreeSet::new(), BTreeSet::new());
    for page in Page::ALL {
        let (source, known) = (sources(page), names(&English.texts_on(page)));
        used.extend(known.iter().filter(|name| names_text(&source, &values, name)).cloned());
        all.extend(known);
    }
    assert_eq!(all.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// What the values of the API are called in the office, by the beginning of the names of the texts.
const WORDS: &[(&str, &str)] = &[
    ("AuditedAction", "action_"),
    ("Availability", "availability_"),
    ("AccountRole", "role_"),
    ("EventType", "event_"),
    ("LockReason", "lock_"),
    ("OrderStatus", "order_status_"),
    ("NextOrderStatus", "order_to_"),
    ("PaymentMethod", "method_"),
    ("PaymentStatus", "payment_"),
    ("RefundStatus", "refund_"),
    ("IncidentKind", "incident_"),
    ("IncidentStatus", "incident_"),
    ("SupplyUnit", "unit_"),
    ("SupplyUnit", "unit_short_"),
];

#[test]
fn the_office_has_words_for_every_value_of_the_api() {
    let document: serde_json::Value = serde_json::from_str(openapi::document()).unwrap();
    let texts = names(&English.texts_on(Page::Office));
    for (schema, prefix) in WORDS {
        let values = document["components"]["schemas"][schema]["enum"].as_array().unwrap();
        assert!(!values.is_empty());
        for value in values {
            let name = format!("{prefix}{}", value.as_str().unwrap());
            assert!(texts.contains(&name), "{schema}: {name}");
        }
    }
}

#[test]
fn the_office_offers_every_value_of_the_api_that_it_filters_by() {
    let document: serde_json::Value = serde_json::from_str(openapi::document()).unwrap();
    let script = |wanted| ASSETS.texts(Page::Office).find(|(file, _)| *file == wanted).unwrap().1;
    for (schema, file) in [
        ("AuditedAction", "office-operations.js"),
        ("AccountRole", "office-accounts.js"),
        ("LockReason", "office-accounts.js"),
        ("OrderStatus", "office-orders.js"),
        ("SupplyUnit", "office-supplies.js"),
        ("Allergen", "office-item.js"),
    ] {
        for value in document["components"]["schemas"][schema]["enum"].as_array().unwrap() {
            let value = value.as_str().unwrap();
            assert!(script(file).contains(&format!("'{value}'")), "{file}: {value}");
        }
    }
}

#[test]
fn the_pages_of_the_staff_know_where_the_restaurant_is() {
    for page in [Page::Kitchen, Page::Office] {
        let shell = |time_zone| {
            let templates = Templates::new(Currency::EUR, time_zone, Cards::Simulated).unwrap();
            templates.shell(page, English).unwrap()
        };
        assert!(shell(Some(chrono_tz::Europe::Berlin)).contains("data-time-zone=\"Europe/Berlin\""), "{page:?}");
        assert!(shell(None).contains("data-time-zone=\"\""), "{page:?}");
    }
}

#[test]
fn scripts_name_only_each_other() {
    for page in Page::ALL {
        scripts_name_only_those_of(page);
    }
}

fn scripts_name_only_those_of(page: Page) {
    let files: BTreeSet<_> = ASSETS.texts(page).map(|(file, _)| file).collect();
    for (file, script) in ASSETS.texts(page).filter(|(file, _)| ASSETS.scripts(page).any(|script| script == *file)) {
        for import in script.split(" from '").skip(1) {
            let name = import.split('\'').next().unwrap();
            assert!(name.strip_prefix("./").is_some_and(|name| files.contains(name)), "{page:?}: {file}: {name}");
        }
        // Stripe's script must come from Stripe, and is loaded by this one alone.
        let script = match file {
            "stripe.js" => script.replacen("'https://js.stripe.com/v3/'", "", 1),
            _ => script.to_owned(),
        };
        for written in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"]
        {
            assert!(!script.contains(written), "{file}: {written}");
        }
    }
}

#[test]
fn an_amount_is_written_as_the_language_has_it() {
    let amount = |code: &str, language| price(Money::new(1205, code.parse().unwrap()), language);
    assert_eq!([amount("EUR", English), amount("EUR", German)], ["€12.05", "12,05\u{a0}€"]);
    assert_eq!([amount("CHF", English), amount("CHF", German)], ["CHF\u{a0}12.05", "12,05\u{a0}CHF"]);
    assert_eq!([amount("JPY", English), amount("JPY", German)], ["JPY\u{a0}1205", "1205\u{a0}JPY"]);
}
