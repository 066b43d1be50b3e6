//! Reports as CSV, for spreadsheets.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{Accept, VARY},
};

use crate::spreadsheet::{LineEnds, csv};

/// Whether the caller wants `text/csv` rather than JSON.
pub(super) fn prefers_csv(request: &HttpRequest) -> bool {
    let Some(accept) = request.get_header::<Accept>() else { return false };
    let wanted = accept.ranked().into_iter().find_map(|media| match media.essence_str() {
        "text/csv" => Some(true),
        "application/json" | "application/*" | "*/*" => Some(false),
        _ => None,
    });
    wanted.unwrap_or(false)
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
