//! Whether a browser reached us over https, which only whoever takes the TLS off knows.

use std::sync::Arc;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// What is known of it.
#[derive(Clone)]
pub struct OverHttps {
    /// Cookies are marked `Secure`: browsers send them over https alone, so the deployment has it.
    pub secure_cookies: bool,
    pub trusted_proxies: Arc<[IpNet]>,
}

impl OverHttps {
    /// What a trusted proxy says (`X-Forwarded-Proto`) counts; without one, what the deployment is meant for.
    pub(super) fn holds(&self, request: &HttpRequest) -> bool {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let trusted = peer.is_some_and(|peer| self.trusted_proxies.iter().any(|network| network.contains(&peer)));
        // A chain of proxies appends; the first entry is the client's own connection.
        let forwarded = request.headers().get("x-forwarded-proto").filter(|_| trusted);
        let scheme = forwarded.and_then(|value| value.to_str().ok()).and_then(|value| value.split(',').next());
        match scheme.map(str::trim) {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => self.secure_cookies,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_trusted_proxy_knows_and_otherwise_the_cookies_tell() {
        let holds = |secure_cookies: bool, proxies: &str, forwarded: Option<&str>| {
            let trusted_proxies = proxies.split(',').filter_map(|network| network.parse().ok()).collect();
            let mut request = TestRequest::default().peer_addr("[::ffff:10.0.0.1]:1234".parse().unwrap());
            if let Some(forwarded) = forwarded {
                request = request.insert_header(("x-forwarded-proto", forwarded));
            }
            OverHttps { secure_cookies, trusted_proxies }.holds(&request.to_http_request())
        };
        assert!(holds(true, "", None) && !holds(false, "", None));
        assert!(!holds(false, "", Some("https")) && holds(true, "", Some("http")), "anybody could say so");
        assert!(holds(false, "10.0.0.0/8", Some("https")) && !holds(true, "10.0.0.0/8", Some("http")));
        assert!(holds(true, "10.0.0.0/8", Some("HTTPS, http")));
    }
}
