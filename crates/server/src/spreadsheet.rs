//! Text in CSV files, which spreadsheets would run as a formula if it began like one
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use std::borrow::Cow;

/// What a formula begins with, in Japanese spreadsheets as well.
const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The text as it may stand in a cell: an apostrophe before what would be a formula, which makes it a text. Numbers are
/// no formulas.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if could_be_a_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text of a cell.
pub fn unescaped(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| could_be_a_formula(text)).unwrap_or(cell)
}

/// Also behind apostrophes, so that each text has one cell and each cell one text.
fn could_be_a_formula(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    !is_number && text.trim_start_matches('\'').starts_with(BEGINNINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_run_is_a_text_and_comes_back_as_it_was() {
        for text in [
            "=1+1",
            "+1",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "'=1",
            "''-x",
            "-1e5",
            "-",
            "=HYPERLINK(\"x\")",
        ] {
            let cell = escaped(text);
            assert_eq!(cell, format!("'{text}"));
            assert_eq!(unescaped(&cell), text);
        }
        for text in ["", "Carbonara", "-12.50", "12.50", "3", "2026-01-01T00:00:00Z", "'quoted'", "a=b", "'n' roll"] {
            assert_eq!(escaped(text), text);
            assert_eq!(unescaped(text), text);
        }
    }
}
