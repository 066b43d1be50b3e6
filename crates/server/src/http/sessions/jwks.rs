use std::sync::Arc;

use actix_web::HttpResponse;
use comanda_identity::TokenKeys;

use crate::http::extract::Service;

/// Shows the public keys that access tokens can be verified with (RFC 7517)
///
/// Whoever verifies access tokens by themselves reads them here, and again when a token names a key that is not among
/// them.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_jwks",
    responses((status = 200, description = "A JSON Web Key Set", body = Object,
        headers(("Cache-Control" = String, description = "`public, max-age=300`"))))
)]
pub async fn jwks(keys: Service<Arc<TokenKeys>>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=300")).json(keys.public_set())
}
