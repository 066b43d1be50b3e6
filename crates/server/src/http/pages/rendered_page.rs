//! The page for customers, made once per menu and language.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header};
use arc_swap::ArcSwapOption;
use comanda_domain::{Currency, ports::WholeMenu};
use minijinja::{Environment, Value, context};

use super::{asset::ASSETS, language::Language, linked_data::linked_data, shown_menu};
use crate::http::representations::{Representations, SentAs};

/// How pages take cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cards {
    /// Pages offer to pay at the counter.
    NotOnPages,
    /// With test cards; no money moves.
    Simulated,
    /// With Stripe's Payment Element.
    Stripe { publishable_key: String },
}

impl Cards {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::NotOnPages => "none",
            Self::Simulated => "simulated",
            Self::Stripe { .. } => "stripe",
        }
    }

    fn publishable_key(&self) -> Option<&str> {
        match self {
            Self::NotOnPages | Self::Simulated => None,
            Self::Stripe { publishable_key } => Some(publishable_key),
        }
    }

    /// The policy of the page on which customers pay.
    pub(super) const fn content_security_policy(&self) -> &'static str {
        match self {
            Self::NotOnPages | Self::Simulated => CONTENT_SECURITY_POLICY,
            Self::Stripe { .. } => WITH_STRIPE,
        }
    }
}

/// Everything a page loads is its own; nothing is inline.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same with what Stripe.js needs, wallets and addresses left out: it must come from Stripe, and shows the fields
/// for a card in frames of its own (<https://docs.stripe.com/security/guide#content-security-policy>).
const WITH_STRIPE: &str = "default-src 'none'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; \
     style-src 'self'; img-src 'self'; connect-src 'self' https://api.stripe.com; \
     frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// As with the menu of the API: may be stored, but must be revalidated before it is shown again.
const SENT_AS: SentAs = SentAs {
    content_type: "text/html; charset=utf-8",
    cache_control: "public, no-cache",
    vary: "accept-encoding, accept-language",
};

const CUSTOMERS: &str = "customers.html";

struct RenderedPage {
    menu: Arc<WholeMenu>,
    representations: Representations,
}

/// Renders pages, and keeps the last one of each language.
pub struct Pages {
    currency: Currency,
    cards: Cards,
    templates: Environment<'static>,
    last: [ArcSwapOption<RenderedPage>; Language::ALL.len()],
}

impl Pages {
    /// Fails if a template cannot be read.
    pub fn new(currency: Currency, cards: Cards) -> Result<Self, minijinja::Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        templates.add_template(CUSTOMERS, include_str!("../../../pages/customers.html"))?;
        Ok(Self { currency, cards, templates, last: [ArcSwapOption::empty(), ArcSwapOption::empty()] })
    }

    pub(super) fn respond(
        &self,
        menu: Arc<WholeMenu>,
        language: Language,
        request: &HttpRequest,
    ) -> Result<HttpResponse, minijinja::Error> {
        let page = self.page(menu, language)?;
        let mut response = page.representations.respond(request, SENT_AS);
        let policy = header::HeaderValue::from_static(self.cards.content_security_policy());
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        response.headers_mut().insert(header::CONTENT_LANGUAGE, header::HeaderValue::from_static(language.code()));
        Ok(response)
    }

    fn page(&self, menu: Arc<WholeMenu>, language: Language) -> Result<Arc<RenderedPage>, minijinja::Error> {
        let kept = &self.last[language as usize];
        if let Some(last) = &*kept.load()
            && Arc::ptr_eq(&last.menu, &menu)
        {
            return Ok(Arc::clone(last));
        }
        let html = self.render(&menu, language)?;
        let page = Arc::new(RenderedPage { menu, representations: Representations::of(html.into_bytes()) });
        kept.store(Some(Arc::clone(&page)));
        Ok(page)
    }

    pub(super) fn render(&self, menu: &WholeMenu, language: Language) -> Result<String, minijinja::Error> {
        let other = if language == Language::English { Language::German } else { Language::English };
        self.templates.get_template(CUSTOMERS)?.render(context! {
            language => language.code(),
            other_language => other.code(),
            texts => language.texts(),
            currency => self.currency.code(),
            cards => self.cards.as_str(),
            publishable_key => self.cards.publishable_key(),
            // Letters, digits and slashes, which the templates would escape.
            assets => Value::from_safe_string(ASSETS.path()),
            scripts => ASSETS.scripts().collect::<Vec<_>>(),
            categories => shown_menu::shown(menu, language),
            linked_data => Value::from_safe_string(linked_data(menu)),
        })
    }
}
