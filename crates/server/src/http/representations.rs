//! The same content plain and compressed, made once and sent many times.

use std::io::Write;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{
        ACCEPT_ENCODING, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, HeaderValue,
        IF_NONE_MATCH, VARY,
    },
    web::Bytes,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::extract::EntityTags;

/// One way to send a content (RFC 9110, section 3.2).
struct Representation {
    body: Bytes,
    etag: String,
    etag_header: HeaderValue,
}

impl Representation {
    /// Different bytes need different strong tags (RFC 9110, section 8.8.1).
    fn new(body: Vec<u8>, etag: String) -> Self {
        let etag_header = HeaderValue::from_str(&format!("\"{etag}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body: body.into(), etag, etag_header }
    }
}

/// How a content is sent, whichever representation it is.
#[derive(Clone, Copy)]
pub struct SentAs {
    pub content_type: &'static str,
    pub cache_control: &'static str,
    /// The headers of a request that the response depends on.
    pub vary: &'static str,
}

/// A content, plain and compressed.
pub struct Representations {
    plain: Representation,
    gzip: Representation,
}

impl Representations {
    pub fn of(plain: Vec<u8>) -> Self {
        let etag = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&plain)[..16]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Compressing goes to memory, and cannot fail.
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default();
        Self { gzip: Representation::new(gzip, format!("{etag}-gzip")), plain: Representation::new(plain, etag) }
    }

    /// The content, or that the caller's is the current one.
    pub fn respond(&self, request: &HttpRequest, sent: SentAs) -> HttpResponse {
        let known = self.known_to(request);
        let unchanged = known.is_some();
        let compressed = !unchanged && accepts_gzip(request);
        let representation = known.unwrap_or(if compressed { &self.gzip } else { &self.plain });
        let mut response: HttpResponseBuilder =
            if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((ETAG, representation.etag_header.clone()))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static(sent.cache_control)))
            .insert_header((VARY, HeaderValue::from_static(sent.vary)));
        if unchanged {
            return response.finish();
        }
        if compressed {
            response.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        response
            .insert_header((CONTENT_TYPE, HeaderValue::from_static(sent.content_type)))
            .body(representation.body.clone())
    }

    /// How many bytes it has plain, and compressed.
    #[cfg(test)]
    pub fn sizes(&self) -> (usize, usize) {
        (self.plain.body.len(), self.gzip.body.len())
    }

    #[cfg(test)]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.plain.body).unwrap()
    }

    /// The representation that the caller has, if it is a current one.
    fn known_to(&self, request: &HttpRequest) -> Option<&Representation> {
        let header = request.headers().get(IF_NONE_MATCH)?;
        let representations = [&self.plain, &self.gzip];
        if let Some(known) = representations.into_iter().find(|representation| representation.etag_header == *header) {
            return Some(known);
        }
        match EntityTags::of(request.headers(), IF_NONE_MATCH)? {
            EntityTags::Any => Some(&self.plain),
            // Weakly compared (RFC 9110, section 13.1.2).
            EntityTags::Listed(tags) => representations
                .into_iter()
                .find(|representation| tags.iter().any(|known| known.opaque == representation.etag.as_bytes())),
        }
    }
}

/// What browsers and clients send, word for word; anything else is negotiated (RFC 9110, section 12.5.3).
const USUAL: [&str; 4] = ["gzip, deflate, br, zstd", "gzip", "gzip, deflate, br", "gzip, deflate"];

fn accepts_gzip(request: &HttpRequest) -> bool {
    if request.headers().get(ACCEPT_ENCODING).is_some_and(|header| USUAL.iter().any(|usual| header == usual)) {
        return true;
    }
    let accepted = request.get_header::<AcceptEncoding>();
    let supported = [Encoding::gzip(), Encoding::identity()];
    accepted.is_some_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
}
