//! What the fuzz targets of this crate do with bytes from anybody: each function panics if a promise is broken.
//!
//! They are run by `cargo xtask fuzz`, and by the tests below with what `fuzz/corpus` has for them. Which bodies, query
//! strings and cursors there are follows from the handlers' signatures, so that none has to be added here.

use std::{sync::LazyLock, time::Duration};

use actix_web::{
    HttpRequest,
    cookie::Cookie,
    http::header::{self, HeaderName, HeaderValue},
    test::TestRequest,
};
use chrono_tz::TZ_VARIANTS;
use comanda_domain::{Claimant, Currency, Email, Period, SessionId, Timestamp, ports::Clock};
use comanda_identity::SecretKeys;
use uuid::Uuid;

use crate::{
    commands::{menu_file::MenuFile, supplies_file},
    http::{
        CsrfGuard, CursorSigner, DeviceTokens, SessionCookies,
        fuzzed::{CSRF_HEADER, DeviceCookie, ENDPOINTS, WireTime, Written},
    },
    spreadsheet::{LineEnds, csv, rows},
};

/// Reads a part of a request, whatever the rest of it is, and panics if it breaks a promise.
#[derive(Clone, Copy)]
pub(crate) enum Reader {
    Body(fn(&[u8])),
    Query(fn(&CursorSigner, &str)),
    /// A cursor of the list of this name.
    Cursor(&'static str, fn(&CursorSigner, &str, &str)),
}

static READERS: LazyLock<Vec<Reader>> =
    LazyLock::new(|| ENDPOINTS.iter().flat_map(|endpoint| &endpoint.description.readers).copied().collect());

/// The servers' keys, whose tags nobody else can make.
static KEYS: LazyLock<SecretKeys> = LazyLock::new(|| SecretKeys::from(&"a key of fuzz targets".into()));
static CURSORS: LazyLock<CursorSigner> = LazyLock::new(|| CursorSigner::new(&KEYS));

/// Reads a body as that of every operation.
pub fn read_body(input: &[u8]) {
    for reader in READERS.iter() {
        if let Reader::Body(read) = reader {
            read(input);
        }
    }
}

/// Reads a query string as that of every operation.
pub fn read_query(input: &[u8]) {
    // Others are refused before they get here.
    let Ok(query) = std::str::from_utf8(input) else { return };
    for reader in READERS.iter() {
        if let Reader::Query(read) = reader {
            read(&CURSORS, query);
        }
    }
}

/// Reads a cursor as that of every list: as it came, and with a position that is signed.
pub fn read_cursor(input: &[u8]) {
    for reader in READERS.iter() {
        let Reader::Cursor(list, read) = *reader else { continue };
        if let Ok(text) = std::str::from_utf8(input) {
            assert!(CURSORS.read::<serde_json::Value>(list, text).is_err(), "{text} was never signed");
        }
        read(&CURSORS, list, &CURSORS.sign_bytes(list, input));
    }
}

/// A clock that stands still.
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }
}

/// Reads the `Cookie` header of a request that changes something; in a second line, its `X-CSRF-Token`.
pub fn read_cookies(input: &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let mut next = || HeaderValue::from_bytes(lines.next().unwrap_or_default());
    let (Ok(cookie), Ok(token)) = (next(), next()) else { return };
    let request = TestRequest::post()
        .insert_header((header::COOKIE, cookie))
        .insert_header((HeaderName::from_static(CSRF_HEADER), token))
        .insert_header((header::ORIGIN, "https://comanda.example"))
        .insert_header((header::HOST, "comanda.example"))
        .to_http_request();
    for insecure in [false, true] {
        let cookies = SessionCookies { insecure };
        let _ = cookies.session_token(&request);
        let session = SessionId::new(Uuid::nil());
        let checked = CsrfGuard::new(&KEYS, &[]).check(&request, session, cookies);
        assert!(checked.is_err(), "the token was never issued");
        keep_devices(&request, cookies);
    }
}

/// A browser that signs in is known afterwards, and keeps a few of the tokens that it had.
fn keep_devices(request: &HttpRequest, cookies: SessionCookies) {
    let devices = DeviceTokens::new(&KEYS, std::sync::Arc::new(Standing));
    let Ok(email) = Email::new("ana@example.org") else { return };
    let shown = DeviceCookie::of(request, cookies);
    let claimant = devices.claimant_of_browser(&shown, email.clone());
    assert_eq!(claimant, Claimant::stranger(email.clone()), "the token was never issued");
    let cookie = cookies.device(devices.kept(&shown, &claimant));
    assert!(cookie.value().len() < 1000, "browsers drop cookies of more than 4 KB");

    let back = Cookie::new(cookie.name(), cookie.value());
    let request = TestRequest::get().cookie(back).to_http_request();
    assert_eq!(request.cookies().map_or(0, |cookies| cookies.len()), 1, "{cookie}");
    let known = devices.claimant_of_browser(&DeviceCookie::of(&request, cookies), email);
    assert!(known.device.is_some(), "{cookie} is not recognized");
}

/// Reads a file of menu items, and of supplies; and writes the rows of any file, to be read as they were.
pub fn read_csv(input: &[u8]) {
    if let Ok(file) = MenuFile::read(input, Currency::EUR) {
        let (items, places) = file.into_parts();
        assert_eq!(items.len(), places.len());
    }
    let _ = supplies_file::read(input);

    let Ok(text) = std::str::from_utf8(input) else { return };
    let cells = |row: &crate::spreadsheet::Row| [0, 1, 2].map(|column| row.whole_text(column));
    let read: Vec<[String; 3]> = rows(text).iter().map(cells).collect();
    for line_ends in [LineEnds::Lf, LineEnds::CrLf] {
        let written = csv(line_ends, ["a", "b", "c"], read.clone());
        let written = String::from_utf8_lossy(&written);
        let again: Vec<[String; 3]> = rows(&written).iter().skip(1).map(cells).collect();
        // A line without any text is none.
        let said: Vec<_> = read.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).cloned().collect();
        assert_eq!(again, said, "{written:?}");
    }
}

/// Reads a time or a date of a query string, in a time zone that the first byte chooses.
pub fn read_time(input: &[u8]) {
    let Some((zone, text)) = input.split_first() else { return };
    let zone = TZ_VARIANTS[usize::from(*zone) % TZ_VARIANTS.len()];
    let Some(read) = std::str::from_utf8(text).ok().and_then(|text| Written::read("/from", Some(text)).ok()) else {
        return;
    };
    let Some(Ok(moment)) = read.map(|written| written.moment(zone)) else { return };
    assert!(Period::reaches(moment));
    // As a response has it, to the millisecond.
    let show = |moment| serde_json::to_value(WireTime(moment)).ok()?.as_str().map(str::to_owned);
    let shown = show(moment);
    let again = Written::read("/from", shown.as_deref()).ok().flatten().map(|written| written.moment(zone));
    assert_eq!(again.and_then(Result::ok).and_then(show), shown);
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// What was found once, and what reaches far into the code.
    fn run_with_corpus(target: &str, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "{}", folder.display());
        for input in inputs {
            println!("{}", input.display());
            run(&fs::read(&input).unwrap());
        }
    }

    #[test]
    fn the_corpus_of_bodies_breaks_no_promise() {
        run_with_corpus("bodies", read_body);
    }

    #[test]
    fn the_corpus_of_query_strings_breaks_no_promise() {
        run_with_corpus("queries", read_query);
    }

    #[test]
    fn the_corpus_of_cursors_breaks_no_promise() {
        run_with_corpus("cursors", read_cursor);
    }

    #[test]
    fn the_corpus_of_cookies_breaks_no_promise() {
        run_with_corpus("cookies", read_cookies);
    }

    #[test]
    fn the_corpus_of_csv_breaks_no_promise() {
        run_with_corpus("csv", read_csv);
    }

    #[test]
    fn the_corpus_of_times_breaks_no_promise() {
        run_with_corpus("times", read_time);
    }

    #[test]
    fn every_operation_with_a_body_or_a_query_string_has_a_reader() {
        let document: serde_json::Value = serde_json::from_str(crate::http::document()).unwrap();
        for endpoint in ENDPOINTS.iter() {
            let operation = &document["paths"][&endpoint.path][endpoint.method.as_str().to_lowercase()];
            let readers = &endpoint.description.readers;
            // Pages take their one parameter by hand, and the gateway's events are signed: see the target `signatures`.
            let of_api = endpoint.path.starts_with("/v1/") && !endpoint.path.starts_with("/v1/webhooks/");
            let reads_body = readers.iter().any(|reader| matches!(reader, Reader::Body(_)));
            assert_eq!(reads_body, of_api && operation.get("requestBody").is_some(), "{}", endpoint.path);
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let has_query = of_api && parameters.into_iter().any(|parameter| parameter["in"] == "query");
            let reads_query = readers.iter().any(|reader| matches!(reader, Reader::Query(_)));
            assert_eq!(reads_query, has_query, "{}", endpoint.path);
        }
    }
}
