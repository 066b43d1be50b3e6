//! What the head of a request says about its body, compared with what is understood here.

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING},
};

use crate::http::problem::{Code, Problem};

/// Accepts a body of JSON.
pub(super) fn check_json(request: &HttpRequest) -> Result<(), Problem> {
    check_charset(request)?;
    let media_type = content_type(request).and_then(|text| text.split(';').next()).unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "The body must be application/json."))
}

/// Accepts a body that is not compressed. Every operation refuses others, also if it would not read the body. Without a
/// body, nothing is compressed.
pub fn check_coding(request: &HttpRequest) -> Result<(), Problem> {
    if is_plain(request) || !has_body(request) {
        return Ok(());
    }
    Err(Problem::coding_not_understood())
}

/// RFC 9112, section 6.
fn has_body(request: &HttpRequest) -> bool {
    let is_empty = |length: &HeaderValue| length.to_str().is_ok_and(|length| length.trim().parse() == Ok(0));
    let headers = request.headers();
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| !is_empty(length))
}

/// Accepts a body of any media type, if it is in UTF-8.
pub(super) fn check_charset(request: &HttpRequest) -> Result<(), Problem> {
    if is_utf8(content_type(request).unwrap_or_default()) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "The body must be in UTF-8."))
}

fn content_type(request: &HttpRequest) -> Option<&str> {
    request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// Every coding of every `Content-Encoding` (RFC 9110, section 8.4) is none.
fn is_plain(request: &HttpRequest) -> bool {
    let mut codings =
        request.headers().get_all(CONTENT_ENCODING).flat_map(|value| value.as_bytes().split(|b| *b == b','));
    codings.all(|coding| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    })
}

/// Parameters other than `charset` are nobody's business.
fn is_utf8(content_type: &str) -> bool {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset")).all(|(_, charset)| {
        let charset = charset.trim().trim_matches('"');
        ["utf-8", "utf8"].iter().any(|known| charset.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderName, test::TestRequest};

    use super::*;

    fn is_understood(media_type: &str) -> bool {
        let request = TestRequest::default().insert_header((CONTENT_TYPE, media_type));
        check_json(&request.to_http_request()).is_ok()
    }

    fn is_accepted(framing: Option<(HeaderName, &str)>, codings: &[&'static str]) -> bool {
        let request = framing.into_iter().fold(TestRequest::default(), TestRequest::insert_header);
        let request =
            codings.iter().fold(request, |request, coding| request.append_header((CONTENT_ENCODING, *coding)));
        check_coding(&request.to_http_request()).is_ok()
    }

    #[test]
    fn a_body_is_json_in_utf8() {
        for media_type in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; profile=x; Charset=utf8",
        ] {
            assert!(is_understood(media_type), "{media_type}");
        }
        for media_type in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json; charset=iso-8859-1",
            "application/json; charset=utf-16",
            "application/json; charset=",
            "application/json; profile=x; CHARSET = latin1",
        ] {
            assert!(!is_understood(media_type), "{media_type}");
        }
    }

    #[test]
    fn a_body_is_not_compressed() {
        for body in [(CONTENT_LENGTH, "7"), (TRANSFER_ENCODING, "chunked"), (CONTENT_LENGTH, "many")] {
            for codings in [&[][..], &["identity"], &["Identity"], &[""], &["identity, identity"], &["identity", ""]] {
                assert!(is_accepted(Some(body.clone()), codings), "{codings:?}");
            }
            for codings in [&["gzip"][..], &["br"], &["x-unknown"], &["identity, gzip"], &["identity", "zstd"], &["*"]]
            {
                assert!(!is_accepted(Some(body.clone()), codings), "{codings:?}");
            }
        }
        for nothing in [None, Some((CONTENT_LENGTH, "0")), Some((CONTENT_LENGTH, "00"))] {
            assert!(is_accepted(nothing.clone(), &["gzip"]), "{nothing:?}");
        }
    }
}
