//! The whole menu as it goes over the wire, kept with the menu it was made of.

use std::{io::Write, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{
        ACCEPT_ENCODING, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, EntityTag,
        HeaderValue, IF_NONE_MATCH, IfNoneMatch, VARY,
    },
    web::Bytes,
};
use arc_swap::ArcSwapOption;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comanda_domain::{money::Currency, ports::WholeMenu};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use crate::http::wire::MenuResponse;

/// One way to send it.
struct Edition {
    body: Bytes,
    etag: String,
    etag_header: HeaderValue,
}

impl Edition {
    /// Different bytes need different strong tags (RFC 9110, section 8.8.1).
    fn new(body: Vec<u8>, etag: String) -> Self {
        let etag_header = HeaderValue::from_str(&format!("\"{etag}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body: body.into(), etag, etag_header }
    }
}

/// A menu, plain and compressed.
pub struct PrintedMenu {
    menu: Arc<WholeMenu>,
    plain: Edition,
    gzip: Edition,
}

impl PrintedMenu {
    fn of(menu: Arc<WholeMenu>, currency: Currency) -> Self {
        // An answer is a tree of texts and numbers, and compressing goes to memory: neither can fail.
        let plain = serde_json::to_vec(&MenuResponse::new(&menu, currency)).unwrap_or_default();
        let etag = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&plain)[..16]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default();
        Self { menu, gzip: Edition::new(gzip, format!("{etag}-gzip")), plain: Edition::new(plain, etag) }
    }

    /// What this request gets: the menu, or that the caller's is the current one.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let known = self.known_to(request);
        let unchanged = known.is_some();
        let compressed = !unchanged && accepts_gzip(request);
        let edition = known.unwrap_or(if compressed { &self.gzip } else { &self.plain });
        let mut response = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        // May be stored, and must be asked about before it is shown again: a sold-out menu item is not for sale a minute later.
        response
            .insert_header((ETAG, edition.etag_header.clone()))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("public, no-cache")))
            .insert_header((VARY, HeaderValue::from_static("accept-encoding")));
        if unchanged {
            return response.finish();
        }
        if compressed {
            response.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(edition.body.clone())
    }

    /// The edition that the caller has.
    fn known_to(&self, request: &HttpRequest) -> Option<&Edition> {
        let header = request.headers().get(IF_NONE_MATCH)?;
        let editions = [&self.plain, &self.gzip];
        if let Some(known) = editions.into_iter().find(|edition| edition.etag_header == *header) {
            return Some(known);
        }
        match request.get_header::<IfNoneMatch>()? {
            IfNoneMatch::Any => Some(&self.plain),
            IfNoneMatch::Items(tags) => editions.into_iter().find(|edition| {
                let tag = EntityTag::new_strong(edition.etag.clone());
                tags.iter().any(|known| known.weak_eq(&tag))
            }),
        }
    }
}

/// What browsers and clients send, word for word; anything else is weighed as RFC 9110 has it (section 12.5.3).
const USUAL: [&str; 4] = ["gzip, deflate, br, zstd", "gzip", "gzip, deflate, br", "gzip, deflate"];

fn accepts_gzip(request: &HttpRequest) -> bool {
    if request.headers().get(ACCEPT_ENCODING).is_some_and(|header| USUAL.iter().any(|usual| header == usual)) {
        return true;
    }
    let accepted = request.get_header::<AcceptEncoding>();
    let supported = [Encoding::gzip(), Encoding::identity()];
    accepted.is_some_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
}

/// Prints menus, and keeps the last print.
pub struct MenuPrinter {
    currency: Currency,
    last: ArcSwapOption<PrintedMenu>,
}

impl MenuPrinter {
    pub fn new(currency: Currency) -> Self {
        Self { currency, last: ArcSwapOption::empty() }
    }

    pub fn print(&self, menu: Arc<WholeMenu>) -> Arc<PrintedMenu> {
        if let Some(last) = &*self.last.load()
            && Arc::ptr_eq(&last.menu, &menu)
        {
            return Arc::clone(last);
        }
        let printed = Arc::new(PrintedMenu::of(menu, self.currency));
        self.last.store(Some(Arc::clone(&printed)));
        printed
    }
}
