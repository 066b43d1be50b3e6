//! The whole menu as it is sent, kept with the menu it was made from.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use arc_swap::ArcSwapOption;
use comanda_domain::{Currency, MenuItem, ports::WholeMenu};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    representations::{Representations, SentAs},
    wire::{MenuItemResponse, Shown, names},
};

#[derive(Serialize, ToSchema)]
#[schema(as = Menu)]
pub struct MenuResponse {
    /// Raised by every change that a customer can see.
    version: u64,
    #[schema(value_type = names::Currency)]
    currency: String,
    categories: Vec<CategoryResponse>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MenuCategory)]
struct CategoryResponse {
    name: String,
    items: Vec<MenuItemResponse>,
}

impl MenuResponse {
    /// From items sorted by category. Customers do not see what is switched off.
    fn new(menu: &WholeMenu, currency: Currency) -> Self {
        let shown: Vec<&MenuItem> = menu.items.iter().filter(|item| item.details.active).collect();
        let categories =
            shown.chunk_by(|a, b| a.details.category == b.details.category).map(|items| CategoryResponse {
                name: items[0].details.category.as_str().to_owned(),
                items: items.iter().map(|item| MenuItemResponse::new(item, Shown::ToCustomers)).collect(),
            });
        Self { version: menu.version.number, currency: currency.to_string(), categories: categories.collect() }
    }
}

/// May be stored, but must be revalidated before it is shown again: what is sold out is not for sale a minute later.
const SENT_AS: SentAs =
    SentAs { content_type: "application/json", cache_control: "public, no-cache", vary: "accept-encoding" };

/// A menu, and what was made of it.
pub struct RenderedMenu {
    menu: Arc<WholeMenu>,
    representations: Representations,
}

impl RenderedMenu {
    fn of(menu: Arc<WholeMenu>, currency: Currency) -> Self {
        // A response is a tree of texts and numbers, and can be written.
        let plain = serde_json::to_vec(&MenuResponse::new(&menu, currency)).unwrap_or_default();
        Self { menu, representations: Representations::of(plain) }
    }

    /// The menu, or that the caller's is the current one.
    pub fn respond(&self, request: &HttpRequest) -> HttpResponse {
        self.representations.respond(request, SENT_AS)
    }
}

/// Renders menus, and keeps the last one rendered.
pub struct MenuRenderer {
    currency: Currency,
    last: ArcSwapOption<RenderedMenu>,
}

impl MenuRenderer {
    pub fn new(currency: Currency) -> Self {
        Self { currency, last: ArcSwapOption::empty() }
    }

    pub fn render(&self, menu: Arc<WholeMenu>) -> Arc<RenderedMenu> {
        if let Some(last) = &*self.last.load()
            && Arc::ptr_eq(&last.menu, &menu)
        {
            return Arc::clone(last);
        }
        let rendered = Arc::new(RenderedMenu::of(menu, self.currency));
        self.last.store(Some(Arc::clone(&rendered)));
        rendered
    }
}
