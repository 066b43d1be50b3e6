//! The cookies of a browser's session.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};

use super::DeviceTokens;

/// How the cookies are named and marked. `__Host-` (RFC 6265bis, section 4.1.3.2) makes the browser refuse them from
/// any other host, and without TLS.
#[derive(Clone, Copy)]
pub struct SessionCookies {
    pub insecure: bool,
}

impl SessionCookies {
    pub fn session_token(self, request: &HttpRequest) -> Option<String> {
        request.cookie(self.name_of_session()).map(|cookie| cookie.value().to_owned())
    }

    pub fn csrf_token(self, request: &HttpRequest) -> Option<String> {
        request.cookie(self.name_of_csrf()).map(|cookie| cookie.value().to_owned())
    }

    /// What the browser knows of earlier sign-ins.
    pub fn device_tokens(self, request: &HttpRequest) -> Option<String> {
        request.cookie(self.name_of_device()).map(|cookie| cookie.value().to_owned())
    }

    /// Outlives sessions. Scripts cannot read it.
    pub fn device(self, tokens: String) -> Cookie<'static> {
        let lifetime = Duration::try_from(DeviceTokens::LIFETIME).unwrap_or(Duration::ZERO);
        let cookie = Cookie::build(self.name_of_device(), tokens).http_only(true).same_site(SameSite::Strict);
        cookie.secure(!self.insecure).path("/").max_age(lifetime).finish()
    }

    /// Scripts cannot read it.
    pub fn session(self, token: &str, seconds: u32) -> Cookie<'static> {
        let cookie = Cookie::build(self.name_of_session(), token.to_owned()).http_only(true).same_site(SameSite::Lax);
        cookie.secure(!self.insecure).path("/").max_age(Duration::seconds(seconds.into())).finish()
    }

    /// For the page's own script, which sends it back as a header.
    pub fn csrf(self, token: &str, seconds: u32) -> Cookie<'static> {
        let cookie = Cookie::build(self.name_of_csrf(), token.to_owned()).same_site(SameSite::Strict);
        cookie.secure(!self.insecure).path("/").max_age(Duration::seconds(seconds.into())).finish()
    }

    /// Makes the browser delete both.
    pub fn cleared(self) -> [Cookie<'static>; 2] {
        [self.session("", 0), self.csrf("", 0)]
    }

    const fn name_of_session(self) -> &'static str {
        if self.insecure { "session" } else { "__Host-session" }
    }

    const fn name_of_device(self) -> &'static str {
        if self.insecure { "device" } else { "__Host-device" }
    }

    const fn name_of_csrf(self) -> &'static str {
        if self.insecure { "csrf" } else { "__Host-csrf" }
    }
}
