//! Reports as CSV, for spreadsheets.

use std::cmp::Reverse;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{Accept, Quality, VARY},
    mime::Name,
};

use crate::spreadsheet::{LineEnds, csv};

/// Whether the caller wants `text/csv` rather than JSON (RFC 9110, section 12.5.1). The form with the higher weight is
/// sent; of equal weights, what the header names more precisely, and then what it names first. Whoever accepts neither
/// gets JSON.
pub(super) fn prefers_csv(request: &HttpRequest) -> bool {
    let Some(accept) = request.get_header::<Accept>() else { return false };
    preference(&accept, &CSV) > preference(&accept, &JSON)
}

/// A form of a response.
struct Form {
    media_type: [&'static str; 2],
    /// What a media range may say of it and still match.
    parameters: &'static [(&'static str, &'static str)],
}

const CSV: Form = Form { media_type: ["text", "csv"], parameters: &[("charset", "utf-8"), ("header", "present")] };
const JSON: Form = Form { media_type: ["application", "json"], parameters: &[("charset", "utf-8")] };

/// How much a form is wanted, in the order of what counts: its weight, how precisely it is named, how early. `None`:
/// not at all.
fn preference(accept: &Accept, form: &Form) -> Option<(Quality, usize, Reverse<usize>)> {
    let matching = accept.iter().enumerate().filter_map(|(position, range)| {
        let media = &range.item;
        let [kind, subtype] = form.media_type;
        let named = usize::from(media.type_() == kind) + usize::from(media.subtype() == subtype);
        let is_in_range =
            (media.type_() == kind || media.type_() == "*") && (media.subtype() == subtype || media.subtype() == "*");
        let known = |(name, value): (Name<'_>, Name<'_>)| {
            form.parameters.iter().any(|(own, content)| name == *own && value.as_str().eq_ignore_ascii_case(content))
        };
        let precision = named + media.params().count();
        (is_in_range && media.params().all(known)).then_some((precision, Reverse(position), range.quality))
    });
    // The most precise range decides, even where it forbids what a wider one allows.
    let (precision, position, quality) = matching.max_by_key(|(precision, position, _)| (*precision, *position))?;
    (quality > Quality::ZERO).then_some((quality, precision, position))
}

/// Rows below a line of names (RFC 4180). Amounts of money are decimal, their currency beside them. What would
/// be a formula is a text.
pub(super) fn csv_response<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((VARY, "accept"))
        .content_type("text/csv; charset=utf-8; header=present")
        .body(csv(LineEnds::CrLf, header, rows))
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::ACCEPT, test::TestRequest};

    use super::*;

    #[test]
    fn the_form_with_the_higher_weight_is_sent() {
        let csv = |headers: &[&'static str]| {
            let request = TestRequest::default();
            let request = headers.iter().fold(request, |request, accept| request.append_header((ACCEPT, *accept)));
            prefers_csv(&request.to_http_request())
        };
        for accept in [
            "text/csv",
            "TEXT/CSV",
            "text/csv;q=0.1",
            "text/csv; charset=UTF-8",
            "text/csv; header=present; q=0.5",
            "text/*",
            "text/*, application/json;q=0.9",
            "text/*;q=0.3, text/csv;q=0.7, */*;q=0.5",
            "text/csv, */*",
            "*/*, text/csv",
            "text/csv, application/json",
            "application/json;q=0.8, text/csv;q=0.9",
            "application/json;q=0, */*",
            "application/*;q=0.2, */*;q=0.4",
            "text/html, application/xhtml+xml, text/csv;q=0.001",
            "not a media range, text/csv",
        ] {
            assert!(csv(&[accept]), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json;charset=utf-8, text/csv;q=0.5",
            "application/*",
            "application/json, text/csv",
            "text/csv;q=0.5, application/json",
            "text/csv;q=0.5, */*;q=0.6",
            "text/csv;q=0, */*",
            "text/csv;q=0",
            "text/csv;header=absent",
            "text/csv;charset=iso-8859-1, application/json;q=0.1",
            "text/*;q=0.5, text/csv;q=0.1, application/json;q=0.3",
            "text/html",
            "image/png, */*;q=0.1",
        ] {
            assert!(!csv(&[accept]), "{accept}");
        }
        assert!(csv(&["text/html", "text/csv"]) && !csv(&[]));
    }
}
