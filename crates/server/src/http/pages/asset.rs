use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::language::Language;
use crate::http::{
    extract::{PageAsset, Path},
    problem::Problem,
    representations::{Representations, SentAs},
};

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! assets {
    ($($file:literal: $content_type:expr,)+) => {
        const FILES: &[(&str, &str, &str)] =
            &[$(($file, $content_type, include_str!(concat!("../../../pages/", $file)))),+];
    };
}

assets! {
    "comanda.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "account.js": SCRIPT,
    "api.js": SCRIPT,
    "basket.js": SCRIPT,
    "checkout.js": SCRIPT,
    "choices.js": SCRIPT,
    "customers.js": SCRIPT,
    "elements.js": SCRIPT,
    "menu.js": SCRIPT,
    "order.js": SCRIPT,
    "payment.js": SCRIPT,
    "quote.js": SCRIPT,
    "stripe.js": SCRIPT,
}

struct Asset {
    file: &'static str,
    content_type: &'static str,
    representations: Representations,
}

/// What pages are made of besides themselves.
pub struct Assets {
    /// Changes when any of them does: scripts name each other without it, and find those of the same version.
    version: String,
    assets: Vec<Asset>,
}

pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let texts = format!("export const texts = {};\n", Language::texts_of_all());
    let files = FILES.iter().map(|&(file, content_type, content)| (file, content_type, content.as_bytes().to_vec()));
    let files: Vec<_> = files.chain([("texts.js", SCRIPT, texts.into_bytes())]).collect();
    let mut hash = Sha256::new();
    for (file, _, content) in &files {
        hash.update(file);
        hash.update(content.len().to_be_bytes());
        hash.update(content);
    }
    let version = BASE64_URL_SAFE_NO_PAD.encode(&hash.finalize()[..9]);
    let asset =
        |(file, content_type, content)| Asset { file, content_type, representations: Representations::of(content) };
    Assets { version, assets: files.into_iter().map(asset).collect() }
});

impl Assets {
    /// Where they are.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.version)
    }

    /// Those that are loaded along with the first script.
    pub fn scripts(&self) -> impl Iterator<Item = &'static str> {
        self.assets.iter().filter(|asset| asset.content_type == SCRIPT).map(|asset| asset.file)
    }

    #[cfg(test)]
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.assets.iter().map(|asset| (asset.file, asset.representations.text()))
    }

    #[cfg(test)]
    pub fn compressed(&self) -> usize {
        self.assets.iter().map(|asset| asset.representations.sizes().1).sum()
    }
}

/// Serves the style, an image or a script of a page
#[utoipa::path(
    get, path = "/assets/{version}/{file}", operation_id = "get_page_asset", tag = "pages",
    params(("version" = String, Path, description = "The version that the page names")),
    responses(
        (status = 200, description = "A style sheet, a script or an image", body = Vec<u8>,
            content_type = "application/octet-stream"),
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
