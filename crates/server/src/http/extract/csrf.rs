//! Protection of browsers' sessions against requests that other pages send (OWASP's signed double-submit cookie,
//! <https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html>).
//!
//! The credential alone decides whether it applies: it does to requests that change something and are signed in by a
//! cookie.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::SessionId;
use comanda_identity::{DerivedKeys, SecretKeys};

use super::SessionCookies;
use crate::http::problem::{Code, Problem};

pub const HEADER: &str = "x-csrf-token";

/// Issues tokens that belong to a session, and checks requests.
#[derive(Clone)]
pub struct CsrfGuard {
    keys: DerivedKeys,
    allowed_origins: Arc<[String]>,
}

impl CsrfGuard {
    /// Every server must accept the current key of every other.
    pub fn new(secrets: &SecretKeys, allowed_origins: &[String]) -> Self {
        Self { keys: secrets.derive("comanda csrf v1"), allowed_origins: allowed_origins.into() }
    }

    /// A token that is valid for this session only.
    pub fn issue(&self, session_id: SessionId) -> String {
        let nonce = BASE64.encode(rand::random::<[u8; 16]>());
        let tag = self.keys.tag(&[session_id.as_uuid().as_bytes(), nonce.as_bytes()]);
        format!("{nonce}.{}", BASE64.encode(tag))
    }

    /// Checks a request that is signed in by a cookie.
    pub fn check(&self, request: &HttpRequest, session_id: SessionId, cookies: SessionCookies) -> Result<(), Problem> {
        if request.method().is_safe() {
            return Ok(());
        }
        if !self.comes_from_here(request) {
            return Err(Problem::new(Code::InvalidOrigin, "The page that sent this may not."));
        }
        let in_header = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let in_cookie = cookies.csrf_token(request);
        match (in_header, in_cookie) {
            (Some(header), Some(cookie)) if header == cookie && self.belongs_to(header, session_id) => Ok(()),
            _ => Err(Problem::new(Code::InvalidCsrfToken, "X-CSRF-Token is not this session's token.")),
        }
    }

    /// Checks a request that asks for a session's cookie, so that no other page can sign a browser in as somebody else.
    /// Programs send none of these headers, and have no browser to protect.
    pub fn check_sign_in(&self, request: &HttpRequest) -> Result<(), Problem> {
        let says_whence =
            ["origin", "sec-fetch-site", "referer"].iter().any(|name| request.headers().contains_key(*name));
        if says_whence && !self.comes_from_here(request) {
            return Err(Problem::new(Code::InvalidOrigin, "The page that sent this may not."));
        }
        Ok(())
    }

    fn belongs_to(&self, token: &str, session_id: SessionId) -> bool {
        let Some((nonce, tag)) = token.split_once('.') else { return false };
        let tag: Option<[u8; 32]> = BASE64.decode(tag).ok().and_then(|tag| tag.try_into().ok());
        tag.is_some_and(|tag| self.keys.verify(&[session_id.as_uuid().as_bytes(), nonce.as_bytes()], &tag))
    }

    /// `Origin` decides if it is sent. Browsers too old for it send one of the other headers; a request without any
    /// of them does not come from a page in a browser.
    fn comes_from_here(&self, request: &HttpRequest) -> bool {
        let headers = request.headers();
        if headers.contains_key(header::ORIGIN) {
            return text(headers, "origin").is_some_and(|origin| self.admits(origin, request));
        }
        let same_site = matches!(text(headers, "sec-fetch-site"), Some("same-origin" | "none"));
        same_site || text(headers, "referer").and_then(origin_of).is_some_and(|origin| self.admits(origin, request))
    }

    fn admits(&self, origin: &str, request: &HttpRequest) -> bool {
        let host = text(request.headers(), "host");
        let same = origin.split_once("://").is_some_and(|(scheme, own)| {
            // A proxy may have taken the TLS off, so the scheme of this request says nothing.
            matches!(scheme, "http" | "https") && host.is_some_and(|host| host.eq_ignore_ascii_case(own))
        });
        same || self.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `https://shop.example/cart` comes from `https://shop.example`.
fn origin_of(url: &str) -> Option<&str> {
    let authority = url.find("://")? + 3;
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    Some(&url[..end])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_belongs_to_one_session() {
        let guard = |secret: &str| CsrfGuard::new(&SecretKeys::from(&secret.into()), &[]);
        let session = |n| SessionId::new(Uuid::from_u128(n));
        let token = guard("a").issue(session(1));
        assert!(guard("a").belongs_to(&token, session(1)));
        assert!(!guard("a").belongs_to(&token, session(2)) && !guard("b").belongs_to(&token, session(1)));
        for odd in ["", ".", "a.b", &token[1..]] {
            assert!(!guard("a").belongs_to(odd, session(1)), "{odd}");
        }
    }

    #[test]
    fn a_url_has_an_origin() {
        let origins =
            ["https://a.example/b?c", "http://localhost:8080", "https://a.example?x", "nonsense"].map(origin_of);
        assert_eq!(
            origins,
            [Some("https://a.example"), Some("http://localhost:8080"), Some("https://a.example"), None]
        );
    }
}
