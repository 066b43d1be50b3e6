//! The languages of the pages, and every word on them.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{HttpMessage, HttpRequest, http::header::AcceptLanguage};

use super::page::Page;

/// What each place on a page says.
pub type Texts = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

macro_rules! texts {
    ($($name:ident: $english:literal, $german:literal;)+) => {
        // They are part of the program; a test reads them.
        $(static $name: LazyLock<[Texts; 2]> = LazyLock::new(|| {
            [include_str!(concat!("../../../pages/texts/", $english)),
                include_str!(concat!("../../../pages/texts/", $german))]
                .map(|json| serde_json::from_str(json).unwrap_or_default())
        });)+
    };
}

texts! {
    SHARED: "en.json", "de.json";
    STAFF: "staff.en.json", "staff.de.json";
    KITCHEN: "kitchen.en.json", "kitchen.de.json";
    OFFICE: "office.en.json", "office.de.json";
}

/// What every page knows, in each language.
pub fn shared_texts() -> [Texts; 2] {
    SHARED.clone()
}

/// What a page knows beside that, in each language.
pub fn texts_of_page(page: Page) -> [Texts; 2] {
    let own: &[&[Texts; 2]] = match page {
        Page::Customers => &[],
        Page::Kitchen => &[&STAFF, &KITCHEN],
        Page::Office => &[&STAFF, &OFFICE],
    };
    Language::ALL.map(|language| own.iter().flat_map(|texts| texts[language as usize].clone()).collect())
}

/// Texts by language, for scripts.
pub fn as_json(texts: [Texts; 2]) -> String {
    let by_language: BTreeMap<_, _> = Language::ALL.map(Language::code).into_iter().zip(texts).collect();
    serde_json::to_string(&by_language).unwrap_or_default()
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub const fn other(self) -> Self {
        match self {
            Self::English => Self::German,
            Self::German => Self::English,
        }
    }

    /// What every page knows.
    pub fn texts(self) -> &'static Texts {
        &SHARED[self as usize]
    }

    /// Every text of a page.
    pub fn texts_on(self, page: Page) -> Texts {
        let mut texts = self.texts().clone();
        let [english, german] = texts_of_page(page);
        texts.extend(match self {
            Self::English => english,
            Self::German => german,
        });
        texts
    }

    /// The one in the address, otherwise the one that the browser likes best, otherwise English.
    pub fn of(request: &HttpRequest) -> Self {
        let in_address = form_urlencoded::parse(request.query_string().as_bytes())
            .find_map(|(name, value)| (name == "lang").then(|| Self::named(&value)).flatten());
        let liked = || {
            let liked = request.get_header::<AcceptLanguage>()?;
            liked.ranked().iter().find_map(|tag| Self::named(&tag.to_string()))
        };
        in_address.or_else(liked).unwrap_or(Self::English)
    }

    /// `de-AT` is German.
    fn named(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
    }
}
