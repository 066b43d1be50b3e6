//! The whole menu as it is sent, kept with the menu it was made from.

use std::{io::Write, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{
        ACCEPT_ENCODING, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, HeaderValue,
        IF_NONE_MATCH, VARY,
    },
    web::Bytes,
};
use arc_swap::ArcSwapOption;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comanda_domain::{Currency, MenuItem, ports::WholeMenu};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::http::{
    extract::EntityTags,
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
        Self { version: menu.version, currency: currency.to_string(), categories: categories.collect() }
    }
}

/// One way to send a menu (RFC 9110, section 3.2).
struct Representation {
    body: Bytes,
    etag: String,
    etag_header: HeaderValue,
}

impl Representation {
    /// Different bytes need different strong tags (RFC 9110, section 8.8.1).
    fn new(body: Vec<u8>, etag: String) -> Self {
        let etag_header = HeaderValue::from_str(&format!("\"{etag}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body: body.into(), etag, etag_header }
    }
}

/// A menu, plain and compressed.
pub struct RenderedMenu {
    menu: Arc<WholeMenu>,
    plain: Representation,
    gzip: Representation,
}

impl RenderedMenu {
    fn of(menu: Arc<WholeMenu>, currency: Currency) -> Self {
        // A response is a tree of texts and numbers, and compressing goes to memory: neither can fail.
        let plain = serde_json::to_vec(&MenuResponse::new(&menu, currency)).unwrap_or_default();
        let etag = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&plain)[..16]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default();
        Self { menu, gzip: Representation::new(gzip, format!("{etag}-gzip")), plain: Representation::new(plain, etag) }
    }

    /// The menu, or that the caller's is the current one.
    pub fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let known = self.known_to(request);
        let unchanged = known.is_some();
        let compressed = !unchanged && accepts_gzip(request);
        let representation = known.unwrap_or(if compressed { &self.gzip } else { &self.plain });
        let mut response = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        // May be stored, but must be revalidated before it is shown again: what is sold out is not for sale a minute
        // later.
        response
            .insert_header((ETAG, representation.etag_header.clone()))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("public, no-cache")))
            .insert_header((VARY, HeaderValue::from_static("accept-encoding")));
        if unchanged {
            return response.finish();
        }
        if compressed {
            response.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        response
            .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
            .body(representation.body.clone())
    }

    /// The representation that the caller has, if it is a current one.
    fn known_to(&self, request: &HttpRequest) -> Option<&Representation> {
        let header = request.headers().get(IF_NONE_MATCH)?;
        let representations = [&self.plain, &self.gzip];
        if let Some(known) = representations.into_iter().find(|representation| representation.etag_header == *header) {
            return Some(known);
        }
        match EntityTags::of(request.headers(), IF_NONE_MATCH)? {
            EntityTags::Any => Some(&self.plain),
            // Weakly compared (RFC 9110, section 13.1.2).
            EntityTags::Listed(tags) => representations
                .into_iter()
                .find(|representation| tags.iter().any(|known| known.opaque == representation.etag.as_bytes())),
        }
    }
}

/// What browsers and clients send, word for word; anything else is negotiated (RFC 9110, section 12.5.3).
const USUAL: [&str; 4] = ["gzip, deflate, br, zstd", "gzip", "gzip, deflate, br", "gzip, deflate"];

fn accepts_gzip(request: &HttpRequest) -> bool {
    if request.headers().get(ACCEPT_ENCODING).is_some_and(|header| USUAL.iter().any(|usual| header == usual)) {
        return true;
    }
    let accepted = request.get_header::<AcceptEncoding>();
    let supported = [Encoding::gzip(), Encoding::identity()];
    accepted.is_some_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
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
