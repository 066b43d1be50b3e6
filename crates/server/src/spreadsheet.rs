//! CSV files, for spreadsheets: the one place that writes and reads them.
//!
//! A spreadsheet would run a text as a formula if it began like one
//! (<https://owasp.org/www-community/attacks/CSV_Injection>). Such a text gets an apostrophe, which makes it a text, and
//! loses it when it is read.

use std::borrow::Cow;

use csv::{QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

/// What a formula begins with, in Japanese spreadsheets and in other forms of the same characters as well.
const BEGINNINGS: [char; 18] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−', '⁼', '⁺'];

/// Where lines end.
#[derive(Clone, Copy)]
pub enum LineEnds {
    /// As RFC 4180 has it, for what is sent.
    CrLf,
    /// For files and pipes on this machine.
    Lf,
}

/// Writes rows below a line of names.
pub fn csv<const N: usize>(
    line_ends: LineEnds,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<u8> {
    let mut file = Vec::new();
    write_row(&mut file, line_ends, header);
    for row in rows {
        let cells = row.each_ref().map(|text| escaped(text));
        write_row(&mut file, line_ends, cells.each_ref().map(|cell| &**cell));
    }
    file
}

fn write_row<const N: usize>(file: &mut Vec<u8>, line_ends: LineEnds, cells: [&str; N]) {
    let terminator = match line_ends {
        LineEnds::CrLf => Terminator::CRLF,
        LineEnds::Lf => Terminator::Any(b'\n'),
    };
    // Where spreadsheets expect other separators than commas, these would begin a cell.
    let separates = cells.iter().any(|cell| cell.contains([';', '\t', '|']));
    let quotes = if separates { QuoteStyle::Always } else { QuoteStyle::Necessary };
    let mut writer = WriterBuilder::new().terminator(terminator).quote_style(quotes).from_writer(file);
    // One row goes to memory: none of it can fail.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

/// A row of a file that somebody wrote.
pub struct Row {
    /// The line on which it begins, counted from 1 as editors do.
    pub line: usize,
    cells: StringRecord,
}

impl Row {
    /// The text of a cell, without white space around it.
    pub fn text(&self, column: usize) -> &str {
        unescaped(self.cells.get(column).unwrap_or_default().trim())
    }

    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(str::trim)
    }

    pub fn len(&self) -> usize {
        self.cells.len()
    }
}

/// Reads rows, of whatever lengths, that are separated by commas. Lines without any text are left out.
pub fn rows(text: &str) -> Vec<Row> {
    // Excel marks files that are UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lines = Lines { text, position: 0, line: 1 };
    // What is UTF-8, in memory, of whatever lengths, can be read.
    let records = reader.records().map_while(Result::ok);
    let rows = records.map(|cells| {
        let begin = cells.position().map_or(0, csv::Position::byte);
        Row { line: lines.at(usize::try_from(begin).unwrap_or(usize::MAX)), cells }
    });
    rows.filter(|row| row.cells().any(|cell| !cell.is_empty())).collect()
}

/// Counts lines. The reader's own count is late: it leaves out the end of the line before, and the empty lines that
/// follow it.
struct Lines<'a> {
    text: &'a str,
    position: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of a record that begins at, or after the empty lines at, this position. Positions must rise.
    fn at(&mut self, begin: usize) -> usize {
        let bytes = self.text.as_bytes();
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let empty = bytes.get(begin..).unwrap_or_default().iter().take_while(|byte| is_end(byte)).count();
        let begin = (begin + empty).min(bytes.len());
        for at in self.position..begin {
            let ends = match bytes[at] {
                b'\n' => true,
                b'\r' => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += usize::from(ends);
        }
        self.position = begin;
        self.line
    }
}

/// The text as it may stand in a cell. Numbers are no formulas.
fn escaped(text: &str) -> Cow<'_, str> {
    if could_be_a_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text of a cell.
fn unescaped(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| could_be_a_formula(text)).unwrap_or(cell)
}

/// Also behind apostrophes, so that each text has one cell and each cell one text; and behind what some spreadsheets
/// leave out.
fn could_be_a_formula(text: &str) -> bool {
    let is_left_out = |c: char| {
        let is_invisible = matches!(c, '\0'..='\u{1f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        c == '\'' || (!BEGINNINGS.contains(&c) && (c.is_whitespace() || is_invisible))
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    !is_number && text.trim_start_matches(is_left_out).starts_with(BEGINNINGS)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, string::string_regex};

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
            "＋1",
            "－1",
            "＠A1",
            "﹦1",
            "−1+1",
            " =1",
            "\u{a0}=1",
            "\u{3000}＝1",
            "\u{200b}=1",
            "\u{feff}@A1",
            "'=1",
            "''-x",
            "' =1",
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

    #[test]
    fn no_separator_begins_a_cell() {
        for (text, line) in [
            ("Soup;=1+1", "\"Soup;=1+1\",\"2\"\n"),
            ("Soup\t=1+1", "\"Soup\t=1+1\",\"2\"\n"),
            ("Soup,=1+1", "\"Soup,=1+1\",2\n"),
            ("Soup\"", "\"Soup\"\"\",2\n"),
        ] {
            let file = csv(LineEnds::Lf, ["name", "stock"], [[text.to_owned(), "2".to_owned()]]);
            assert_eq!(String::from_utf8(file).unwrap(), format!("name,stock\n{line}"));
        }
    }

    #[test]
    fn a_row_knows_its_line() {
        for end in ["\n", "\r\n", "\r"] {
            let lines = ["a,b", "", "\"one", "", "two\",x", "", "", "  ", "c,d", "e,f", ""];
            for mark in ["", "\u{feff}"] {
                let found: Vec<_> = rows(&format!("{mark}{}", lines.join(end)))
                    .iter()
                    .map(|row| (row.line, row.text(0).chars().next().unwrap()))
                    .collect();
                assert_eq!(found, [(1, 'a'), (3, 'o'), (9, 'c'), (10, 'e')], "{end:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            cells in vec(string_regex("[-=+@＝'\" ;,|\t\r\n\u{a0}\u{200b}a0é.]{0,8}").unwrap(), 1..12),
            crlf: bool,
        ) {
            let line_ends = if crlf { LineEnds::CrLf } else { LineEnds::Lf };
            let written = cells.iter().map(|cell| [cell.trim().to_owned(), "x".to_owned()]);
            let file = csv(line_ends, ["first", "second"], written);
            let read = rows(std::str::from_utf8(&file).unwrap());
            prop_assert_eq!(read.len(), cells.len() + 1);
            for (row, cell) in read[1..].iter().zip(&cells) {
                prop_assert_eq!(row.text(0), cell.trim());
                let shown = row.cells().next().unwrap_or_default();
                prop_assert!(!could_be_a_formula(shown) || shown.starts_with('\''), "{}", shown);
            }
        }
    }
}
