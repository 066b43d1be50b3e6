//! Headers and security schemes, which operations refer to.

use utoipa::openapi::{
    Header, HeaderBuilder, ObjectBuilder,
    schema::Type,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::text;

/// Those that something refers to.
pub(super) fn headers(something_leaves: bool) -> Vec<(&'static str, Header)> {
    let header = |schema: ObjectBuilder, description: &str| {
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };
    let number = |minimum: i32| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum));
    let mut headers = vec![
        ("X-Request-Id", header(text(), "The request's own, if that is a sane token; otherwise a new one")),
        ("Retry-After", header(number(1), "After how many seconds another attempt may succeed")),
        ("Idempotency-Replayed", header(text().enum_values(Some(["true"])), "This is the first response again")),
        (
            "RateLimit-Limit",
            header(
                number(1),
                "How many attempts there are: of an address or, to order, of an account. Absent if this one was not \
                 counted: it was malformed or refused before that, or there is no limit for whoever made it. Absent \
                 from a 429 for something else, too: `account-locked`, and `rate-limited` where `limit` is \
                 `open-orders` or `portions`. A 500 or 503 may lack it in any case",
            ),
        ),
        ("RateLimit-Remaining", header(number(0), "How many of them are left")),
        ("RateLimit-Reset", header(number(1), "After how many seconds, at the latest, all of them are back")),
        ("WWW-Authenticate", header(text(), "`Bearer`, unless a password was wrong")),
        (
            "Accept-Encoding",
            header(
                text().enum_values(Some(["identity"])),
                "The body was refused for its `Content-Encoding`; absent if it was for its `Content-Type`",
            ),
        ),
        ("Set-Cookie", header(text(), "The next token of a browser's session, if it was time to renew that")),
    ];
    if something_leaves {
        headers.extend([
            ("Deprecation", header(text(), "Since when this operation is deprecated (RFC 9745)")),
            ("Sunset", header(text(), "From when on this operation may be gone (RFC 8594)")),
            ("Link", header(text(), "With `rel=\"deprecation\"`: where what replaces this operation is described")),
        ]);
    }
    headers
}

pub(super) fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` of `POST /v1/sessions`"));
    let cookie = ApiKeyValue::with_description(
        "__Host-session",
        "The cookie of `POST /v1/web/sessions`. Requests that change something must come from an allowed origin",
    );
    let csrf = ApiKeyValue::with_description(
        "X-CSRF-Token",
        "The `csrf_token` of `POST /v1/web/sessions`, which is in the cookie `__Host-csrf` as well",
    );
    [
        ("bearer", SecurityScheme::Http(bearer.build())),
        ("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        ("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf))),
    ]
}
