//! The languages of the pages, and every word on them.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{HttpMessage, HttpRequest, http::header::AcceptLanguage};

/// What each place on a page says.
pub type Texts = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

static TEXTS: LazyLock<[Texts; 2]> = LazyLock::new(|| {
    // They are part of the program; a test reads them.
    [include_str!("../../../pages/texts/en.json"), include_str!("../../../pages/texts/de.json")]
        .map(|json| serde_json::from_str(json).unwrap_or_default())
});

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub fn texts(self) -> &'static Texts {
        &TEXTS[self as usize]
    }

    /// The texts by language, as JSON for scripts.
    pub fn texts_of_all() -> String {
        let all: BTreeMap<_, _> = Self::ALL.into_iter().map(|language| (language.code(), language.texts())).collect();
        serde_json::to_string(&all).unwrap_or_default()
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
