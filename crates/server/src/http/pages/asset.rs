use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{language, page::Page};
use crate::http::{
    extract::{PageAsset, Path},
    problem::Problem,
    representations::{Representations, SentAs},
};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

const CUSTOMERS: &[Page] = &[Page::Customers];
const KITCHEN: &[Page] = &[Page::Kitchen];
const OFFICE: &[Page] = &[Page::Office];
const STAFF: &[Page] = &[Page::Kitchen, Page::Office];
const ALL: &[Page] = &Page::ALL;

macro_rules! assets {
    ($($file:literal: $content_type:ident of $pages:ident,)+) => {
        const FILES: &[(&str, &str, &[Page], &str)] =
            &[$(($file, $content_type, $pages, include_str!(concat!("../../../pages/", $file)))),+];
    };
}

// Which pages load it stands behind what it is.
assets! {
    "comanda.css": STYLE of ALL,
    "icon.svg": IMAGE of ALL,
    "account.js": SCRIPT of CUSTOMERS,
    "api.js": SCRIPT of ALL,
    "basket.js": SCRIPT of CUSTOMERS,
    "checkout.js": SCRIPT of CUSTOMERS,
    "choices.js": SCRIPT of CUSTOMERS,
    "customers.js": SCRIPT of CUSTOMERS,
    "elements.js": SCRIPT of ALL,
    "event-stream.js": SCRIPT of KITCHEN,
    "forms.js": SCRIPT of ALL,
    "kitchen.css": STYLE of KITCHEN,
    "kitchen.js": SCRIPT of KITCHEN,
    "kitchen-card.js": SCRIPT of KITCHEN,
    "kitchen-keys.js": SCRIPT of KITCHEN,
    "kitchen-sound.js": SCRIPT of KITCHEN,
    "kitchen-stream.js": SCRIPT of KITCHEN,
    "kitchen-tickets.js": SCRIPT of KITCHEN,
    "menu.js": SCRIPT of CUSTOMERS,
    "office.css": STYLE of OFFICE,
    "office-accounts.js": SCRIPT of OFFICE,
    "office-address.js": SCRIPT of OFFICE,
    "office-amounts.js": SCRIPT of OFFICE,
    "office-choices.js": SCRIPT of OFFICE,
    "office-fields.js": SCRIPT of OFFICE,
    "office-form.js": SCRIPT of OFFICE,
    "office-item.js": SCRIPT of OFFICE,
    "office-list.js": SCRIPT of OFFICE,
    "office-menu.js": SCRIPT of OFFICE,
    "office-operations.js": SCRIPT of OFFICE,
    "office-order.js": SCRIPT of OFFICE,
    "office-orders.js": SCRIPT of OFFICE,
    "office-plot.js": SCRIPT of OFFICE,
    "office-rows.js": SCRIPT of OFFICE,
    "office-sales.js": SCRIPT of OFFICE,
    "office-shortcuts.js": SCRIPT of OFFICE,
    "office-stations.js": SCRIPT of OFFICE,
    "office-stocktake.js": SCRIPT of OFFICE,
    "office-supplies.js": SCRIPT of OFFICE,
    "office-times.js": SCRIPT of OFFICE,
    "office-toast.js": SCRIPT of OFFICE,
    "office.js": SCRIPT of OFFICE,
    "order.js": SCRIPT of CUSTOMERS,
    "payment.js": SCRIPT of CUSTOMERS,
    "quote.js": SCRIPT of CUSTOMERS,
    "staff.js": SCRIPT of STAFF,
    "stripe.js": SCRIPT of CUSTOMERS,
}

struct Asset {
    file: &'static str,
    content_type: &'static str,
    pages: &'static [Page],
    representations: Representations,
}

/// What pages are made of besides themselves.
pub struct Assets {
    /// Changes when any of them does: scripts name each other without it, and find those of the same version.
    version: String,
    assets: Vec<Asset>,
}

pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let texts = [
        ("texts.js", ALL, language::shared_texts()),
        ("kitchen-texts.js", KITCHEN, language::texts_of_page(Page::Kitchen)),
        ("office-texts.js", OFFICE, language::texts_of_page(Page::Office)),
    ];
    let texts = texts.map(|(file, pages, texts)| {
        (file, SCRIPT, pages, format!("export const texts = {};\n", language::as_json(texts)).into_bytes())
    });
    let files = FILES
        .iter()
        .map(|&(file, content_type, pages, content)| (file, content_type, pages, content.as_bytes().to_vec()));
    let files: Vec<_> = files.chain(texts).collect();
    let mut hash = Sha256::new();
    for (file, _, _, content) in &files {
        hash.update(file);
        hash.update(content.len().to_be_bytes());
        hash.update(content);
    }
    let version = BASE64_URL_SAFE_NO_PAD.encode(&hash.finalize()[..9]);
    let asset = |(file, content_type, pages, content)| Asset {
        file,
        content_type,
        pages,
        representations: Representations::of(content),
    };
    Assets { version, assets: files.into_iter().map(asset).collect() }
});

impl Assets {
    /// Where they are.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.version)
    }

    fn of(&self, page: Page) -> impl Iterator<Item = &Asset> {
        self.assets.iter().filter(move |asset| asset.pages.contains(&page))
    }

    /// Those that the page loads along with its first script.
    pub fn scripts(&self, page: Page) -> impl Iterator<Item = &'static str> {
        self.of(page).filter(|asset| asset.content_type == SCRIPT).map(|asset| asset.file)
    }

    pub fn styles(&self, page: Page) -> impl Iterator<Item = &'static str> {
        self.of(page).filter(|asset| asset.content_type == STYLE).map(|asset| asset.file)
    }

    /// What the page loads, with its content.
    #[cfg(test)]
    pub fn texts(&self, page: Page) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(page).map(|asset| (asset.file, asset.representations.text()))
    }

    /// How many bytes all that the page loads has compressed.
    #[cfg(test)]
    pub fn compressed(&self, page: Page) -> usize {
        self.of(page).map(|asset| asset.representations.sizes().1).sum()
    }
}

/// Serves the style, an image or a script of a page
///
/// Its address changes with its content, so it may be kept for good.
#[utoipa::path(
    get, path = "/assets/{version}/{file}", operation_id = "get_page_asset", tag = "pages",
    params(("version" = String, Path, description = "The version that the page names")),
    responses(
        (status = 200, description = "A style sheet, a script or an image", body = Vec<u8>,
            content_type = "application/octet-stream",
            headers(
                ("ETag" = String, description = "Changes with its content"),
                ("Cache-Control" = String,
                    description = "`public, max-age=31536000, immutable`, unless the version is another release's"),
                ("Vary" = String, description = "`accept-encoding`"),
            )),
        (status = 304, description = "The caller's is the current one"),
    )
)]
pub async fn asset(Path(wanted): Path<PageAsset>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asset = ASSETS.assets.iter().find(|asset| asset.file == wanted.file);
    let asset = asset.ok_or_else(|| Problem::not_found("page"))?;
    // While servers are replaced, a page of one release may ask a server of the other. What that has is better than
    // nothing, but must not be kept under this name.
    let cache_control =
        if wanted.version == ASSETS.version { "public, max-age=31536000, immutable" } else { "no-store" };
    let sent = SentAs { content_type: asset.content_type, cache_control, vary: "accept-encoding" };
    Ok(asset.representations.respond(&request, sent))
}
