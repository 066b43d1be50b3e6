use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{CacheControl, CacheDirective, ETag, EntityTag, IfNoneMatch},
    web::Data,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comanda_application::menu::ReadMenu;
use comanda_domain::money::Currency;
use sha2::{Digest, Sha256};

use crate::http::{problem::Problem, wire::MenuAnswer};

/// Shows the whole menu by category
#[utoipa::path(
    get, path = "/v1/menu", tag = "menu", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the menu the caller has")),
    responses(
        (status = 200, body = MenuAnswer, headers(("ETag" = String))),
        (status = 304, description = "The caller's menu is the current one"),
    )
)]
pub async fn whole(
    use_case: Data<ReadMenu>,
    currency: Data<Currency>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let menu = use_case.for_guests().await.map_err(|cause| Problem::unavailable("menu.read", &cause))?;
    let body = serde_json::to_vec(&MenuAnswer::new(&menu, **currency)).unwrap_or_default();
    let tag = EntityTag::new_strong(BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]));
    let unchanged = match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        None => false,
    };
    let mut response = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // May be stored, and must be asked about before it is shown again: a sold-out dish is not for sale a minute later.
    response
        .insert_header(ETag(tag))
        .insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::NoCache]));
    Ok(if unchanged { response.finish() } else { response.content_type("application/json").body(body) })
}
