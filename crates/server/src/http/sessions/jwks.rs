//! The public keys of access tokens, for other services.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::http::extract::Service;
use crate::identity::TokenKeys;

/// Shows the keys that access tokens can be verified with (RFC 7517)
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "operation", security(()), responses((status = 200)))]
pub async fn jwks(keys: Service<Arc<TokenKeys>>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=300")).json(keys.public_set())
}
