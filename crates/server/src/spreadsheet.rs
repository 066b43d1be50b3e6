//! CSV files, for spreadsheets: the one place that writes and reads them.
//!
//! A spreadsheet would run a text as a formula if it began like one
//! (<https://owasp.org/www-community/attacks/CSV_Injection>). Such a text gets an apostrophe, which makes it a text,
//! and loses it when it is read. So does what would begin a cell where other separators than commas are expected.

use csv::{QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

/// What a formula begins with, in Japanese spreadsheets and in other forms of the same characters as well.
const BEGINNINGS: [char; 18] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−', '⁼', '⁺'];

/// Where a cell may end where spreadsheets expect other separators than commas: as the quotes around it are none to
/// them, unless it is the first one, its line breaks end lines as well.
const ENDS: [char; 5] = [';', '\t', '|', '\r', '\n'];

/// By which Excel knows that a file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Where lines end.
#[derive(Clone, Copy)]
pub enum LineEnds {
    /// As RFC 4180 has it, for what is sent.
    CrLf,
    /// For files and pipes on this machine.
    Lf,
}

/// Writes rows below a line of names. What is not ASCII alone begins with a byte order mark.
pub fn csv<const N: usize>(
    line_ends: LineEnds,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<u8> {
    let mut file = Vec::new();
    write_row(&mut file, line_ends, header);
    for row in rows {
        let cells = row.each_ref().map(|text| escaped(text));
        write_row(&mut file, line_ends, cells.each_ref().map(String::as_str));
    }
    if !file.is_ascii() {
        file.splice(..0, BYTE_ORDER_MARK.bytes());
    }
    file
}

fn write_row<const N: usize>(file: &mut Vec<u8>, line_ends: LineEnds, cells: [&str; N]) {
    let terminator = match line_ends {
        LineEnds::CrLf => Terminator::CRLF,
        LineEnds::Lf => Terminator::Any(b'\n'),
    };
    // Where spreadsheets expect other separators than commas, the first cell is one cell even so.
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
    /// The text of a cell, without white space around it. Cells that are missing at the end of a line are empty.
    pub fn text(&self, column: usize) -> String {
        unescaped(self.cells.get(column).unwrap_or_default().trim())
    }

    /// The text of a cell with the white space around it.
    pub fn whole_text(&self, column: usize) -> String {
        unescaped(self.cells.get(column).unwrap_or_default())
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
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
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
        self.line += line_ends(bytes.get(self.position..begin).unwrap_or_default());
        self.position = begin;
        self.line
    }
}

/// How many lines end in a text: with a line feed, a carriage return, or both.
pub fn line_ends(text: &[u8]) -> usize {
    let ends = |(at, byte): (usize, &u8)| *byte == b'\n' || (*byte == b'\r' && text.get(at + 1) != Some(&b'\n'));
    text.iter().enumerate().filter(|byte| ends(*byte)).count()
}

/// The text as it may stand in a cell. Numbers are no formulas.
fn escaped(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for (position, part) in parts(text) {
        if could_be_a_formula(position, part) {
            cell.push('\'');
        }
        cell.push_str(part);
    }
    cell
}

/// The text of a cell.
fn unescaped(cell: &str) -> String {
    let text = parts(cell).map(|(position, part)| {
        part.strip_prefix('\'').filter(|text| could_be_a_formula(position, text)).unwrap_or(part)
    });
    text.collect()
}

/// Where a part of a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    First,
    /// After one of [`ENDS`].
    Later,
}

/// The parts of a text that could be cells, each with what ends it.
fn parts(text: &str) -> impl Iterator<Item = (Position, &str)> {
    let positions = std::iter::once(Position::First).chain(std::iter::repeat(Position::Later));
    positions.zip(text.split_inclusive(ENDS))
}

/// Also behind apostrophes, so that each text has one cell and each cell one text; behind quotes, which can be empty
/// ones to whoever expects other separators; and behind what some spreadsheets leave out.
fn could_be_a_formula(position: Position, part: &str) -> bool {
    let is_left_out = |c: char| {
        let is_invisible = matches!(c, '\0'..='\u{1f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        matches!(c, '\'' | '"') || (!BEGINNINGS.contains(&c) && (c.is_whitespace() || is_invisible))
    };
    let digits = part.strip_prefix('-').unwrap_or(part);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let begins = |c: char| BEGINNINGS.contains(&c) && (position == Position::First || !ENDS.contains(&c));
    !is_number && part.trim_start_matches(is_left_out).starts_with(begins)
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
        for (text, cell) in [
            ("\t=1", "'\t'=1"),
            ("\n\n", "'\n\n"),
            ("Soup;=1", "Soup;'=1"),
            ("Soup;'=1", "Soup;''=1"),
            ("Soup\t +1|@A1;;-2+3", "Soup\t' +1|'@A1;;'-2+3"),
            ("Hot,\r\n\r\n- green", "Hot,\r\n\r\n'- green"),
            ("Soup;\"=1\"", "Soup;'\"=1\""),
        ] {
            assert_eq!(escaped(text), cell);
            assert_eq!(unescaped(cell), text);
        }
        for text in [
            "",
            "Carbonara",
            "a;b",
            "two\n\nlines",
            "-12.50",
            "12.50",
            "3",
            "2026-01-01T00:00:00Z",
            "'quoted'",
            "a=b",
            "'n' roll",
        ] {
            assert_eq!(escaped(text), text);
            assert_eq!(unescaped(text), text);
        }
    }

    /// What a spreadsheet shows that expects another separator: quotes are those of a cell only at its beginning.
    fn cells_between(separator: char, file: &str) -> Vec<String> {
        let mut reader = ReaderBuilder::new();
        reader.has_headers(false).flexible(true).delimiter(u8::try_from(separator).unwrap());
        let rows = reader.from_reader(file.as_bytes()).into_records().map(Result::unwrap);
        rows.flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn no_separator_begins_a_cell_that_would_run() {
        for end in [",", ";", "\t", "|", "\n", "\r", "\r\n", ";\"", ";\"\"", "\n \"", ";;", ";\u{a0}"] {
            for formula in ["=1+1", "+1+1", "-1+1", "@A1", "\"=1+1\"", "＝1"] {
                let text = format!("Soup{end}{formula}");
                for column in 0..3 {
                    let mut row = ["x y", "1", "z"].map(str::to_owned);
                    row[column] = text.clone();
                    let file = String::from_utf8(csv(LineEnds::Lf, ["a", "b", "c"], [row])).unwrap();
                    for separator in [',', ';', '\t', '|'] {
                        for cell in cells_between(separator, &file) {
                            let shown = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
                            let runs = shown.starts_with(['=', '+', '-', '@', '＝']);
                            assert!(!runs, "{cell:?} of {file:?}, split at {separator:?}");
                        }
                    }
                    assert_eq!(rows(&file)[1].text(column), text);
                }
            }
        }
    }

    #[test]
    fn what_is_not_ascii_begins_with_a_mark_that_is_no_text() {
        for (text, begin) in [("Soup", "name,x\n"), ("Crème", "\u{feff}name,x\n")] {
            let file = csv(LineEnds::Lf, ["name", "x"], [[text.to_owned(), "2".to_owned()]]);
            let file = String::from_utf8(file).unwrap();
            assert!(file.starts_with(begin), "{file:?}");
            assert_eq!((rows(&file)[0].text(0), rows(&file)[1].text(0)), ("name".to_owned(), text.to_owned()));
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
            cells in vec(string_regex("[-=+@＝'\" ;,|\t\r\n\u{a0}\u{200b}a0é.]{0,12}").unwrap(), 1..12),
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
                for (position, part) in parts(shown) {
                    prop_assert!(!could_be_a_formula(position, part) || part.starts_with('\''), "{}", shown);
                }
            }
        }
    }
}
