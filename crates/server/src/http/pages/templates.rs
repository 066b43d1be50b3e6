use chrono_tz::Tz;
use comanda_domain::{Currency, ports::WholeMenu};
use minijinja::{Environment, Value, context};

use super::{asset::ASSETS, cards::Cards, language::Language, linked_data::linked_data, page::Page, shown_menu};

macro_rules! sources {
    ($($file:literal),+ $(,)?) => { &[$(($file, include_str!(concat!("../../../pages/", $file)))),+] };
}

pub(super) const SOURCES: &[(&str, &str)] =
    sources!["credentials.html", "customers.html", "head.html", "kitchen.html", "office.html", "staff.html"];

/// What pages are rendered from.
pub struct Templates {
    currency: Currency,
    /// Where the restaurant is; empty unless that was said.
    time_zone: &'static str,
    pub(super) cards: Cards,
    sources: Environment<'static>,
}

impl Templates {
    /// Fails if one cannot be read.
    pub fn new(currency: Currency, time_zone: Option<Tz>, cards: Cards) -> Result<Self, minijinja::Error> {
        let mut sources = Environment::new();
        sources.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        for (name, source) in SOURCES {
            sources.add_template(name, source)?;
        }
        Ok(Self { currency, time_zone: time_zone.map_or("", Tz::name), cards, sources })
    }

    /// The page for customers.
    pub fn menu(&self, menu: &WholeMenu, language: Language) -> Result<String, minijinja::Error> {
        self.sources.get_template(Page::Customers.template())?.render(context! {
            cards => self.cards.as_str(),
            publishable_key => self.cards.publishable_key(),
            categories => shown_menu::shown(menu, language),
            linked_data => Value::from_safe_string(linked_data(menu)),
            ..self.frame(Page::Customers, language)
        })
    }

    /// A page without data.
    pub fn shell(&self, page: Page, language: Language) -> Result<String, minijinja::Error> {
        self.sources.get_template(page.template())?.render(self.frame(page, language))
    }

    /// What every page needs.
    fn frame(&self, page: Page, language: Language) -> Value {
        context! {
            language => language.code(),
            other_language => language.other().code(),
            texts => language.texts_on(page),
            currency => self.currency.code(),
            digits => self.currency.minor_digits(),
            // Letters, digits and slashes, which the templates would escape.
            time_zone => Value::from_safe_string(self.time_zone.to_owned()),
            assets => Value::from_safe_string(ASSETS.path()),
            main => page.script(),
            scripts => ASSETS.scripts(page).collect::<Vec<_>>(),
            styles => ASSETS.styles(page).collect::<Vec<_>>(),
        }
    }
}
