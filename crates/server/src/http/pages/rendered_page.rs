//! The pages as they are sent: the one for customers is made once per menu and language, those of the staff once.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header};
use arc_swap::ArcSwapOption;
use chrono_tz::Tz;
use comanda_domain::{Currency, ports::WholeMenu};

use super::{
    cards::{CONTENT_SECURITY_POLICY, Cards},
    language::Language,
    page::Page,
    templates::Templates,
};
use crate::http::representations::{Representations, SentAs};

/// As with the menu of the API: may be stored, but must be revalidated before it is shown again.
const SENT_AS: SentAs = SentAs {
    content_type: "text/html; charset=utf-8",
    cache_control: "public, no-cache",
    vary: "accept-encoding, accept-language",
};

/// A page with the menu that it shows.
struct RenderedPage {
    menu: Arc<WholeMenu>,
    representations: Representations,
}

/// A page that holds no data, in each language.
pub struct Shell([Representations; Language::ALL.len()]);

impl Shell {
    fn new(page: Page, templates: &Templates) -> Result<Self, minijinja::Error> {
        let rendered = |language| templates.shell(page, language).map(|html| Representations::of(html.into_bytes()));
        let [english, german] = Language::ALL;
        Ok(Self([rendered(english)?, rendered(german)?]))
    }

    pub(super) fn respond(&self, language: Language, request: &HttpRequest) -> HttpResponse {
        let sent = SentAs { cache_control: "no-store", ..SENT_AS };
        dressed(self.0[language as usize].respond(request, sent), CONTENT_SECURITY_POLICY, language)
    }
}

/// The pages, and of that for customers the last one in each language.
pub struct Pages {
    templates: Templates,
    last: [ArcSwapOption<RenderedPage>; Language::ALL.len()],
    pub(super) kitchen: Shell,
    pub(super) office: Shell,
}

impl Pages {
    /// Fails if a template cannot be read or rendered.
    pub fn new(currency: Currency, time_zone: Option<Tz>, cards: Cards) -> Result<Self, minijinja::Error> {
        let templates = Templates::new(currency, time_zone, cards)?;
        Ok(Self {
            last: [ArcSwapOption::empty(), ArcSwapOption::empty()],
            kitchen: Shell::new(Page::Kitchen, &templates)?,
            office: Shell::new(Page::Office, &templates)?,
            templates,
        })
    }

    pub(super) fn respond(
        &self,
        menu: Arc<WholeMenu>,
        language: Language,
        request: &HttpRequest,
    ) -> Result<HttpResponse, minijinja::Error> {
        let page = self.page(menu, language)?;
        let policy = self.templates.cards.content_security_policy();
        Ok(dressed(page.representations.respond(request, SENT_AS), policy, language))
    }

    fn page(&self, menu: Arc<WholeMenu>, language: Language) -> Result<Arc<RenderedPage>, minijinja::Error> {
        let kept = &self.last[language as usize];
        if let Some(last) = &*kept.load()
            && Arc::ptr_eq(&last.menu, &menu)
        {
            return Ok(Arc::clone(last));
        }
        let html = self.templates.menu(&menu, language)?;
        let page = Arc::new(RenderedPage { menu, representations: Representations::of(html.into_bytes()) });
        kept.store(Some(Arc::clone(&page)));
        Ok(page)
    }
}

/// With the headers of every page.
fn dressed(mut response: HttpResponse, policy: &'static str, language: Language) -> HttpResponse {
    let policy = header::HeaderValue::from_static(policy);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response.headers_mut().insert(header::CONTENT_LANGUAGE, header::HeaderValue::from_static(language.code()));
    response
}
