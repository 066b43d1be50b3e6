//! Files of rows: CSV below a line with the names of columns, which come in any order.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use comanda_domain::{
    Stock, StockOutOfRange, Written,
    ports::{ImportSummary, UnreadableRecord},
};
use uuid::Uuid;

use super::print;
use crate::{
    exit::UsageError,
    spreadsheet::{self, LineEnds, Row},
};

/// How many mistakes are listed.
const MISTAKES: usize = 100;

/// The columns that a file can have; it must have the first ones.
pub struct RowFile<const N: usize> {
    pub columns: [&'static str; N],
    pub required: usize,
}

impl<const N: usize> RowFile<N> {
    /// Reads all of it: what each row says, by `read`, and on which line. `objection` is what is wrong with that beside
    /// the rows before. The error lists every mistake with its line.
    pub fn read<T>(
        &self,
        text: &[u8],
        read: impl Fn(&Cells<'_, N>) -> anyhow::Result<T>,
        mut objection: impl FnMut(&T) -> Option<String>,
    ) -> anyhow::Result<Vec<(usize, T)>> {
        let text = std::str::from_utf8(text).map_err(|error| {
            let line = 1 + spreadsheet::line_ends(&text[..error.valid_up_to()]);
            refusal([(line, "is not UTF-8; save the file as CSV UTF-8".to_owned())])
        })?;
        let mut rows = spreadsheet::rows(text).into_iter();
        let header = rows.next().context("the file is empty")?;
        let header = self.header(&header).map_err(|mistake| refusal([(header.line, format!("{mistake:#}"))]))?;

        let (mut said, mut mistakes) = (Vec::new(), Vec::new());
        for row in rows {
            match header.cells(&row, &read) {
                Err(mistake) => mistakes.push((row.line, format!("{mistake:#}"))),
                Ok(value) => match objection(&value) {
                    Some(mistake) => mistakes.push((row.line, mistake)),
                    None => said.push((row.line, value)),
                },
            }
        }
        if mistakes.is_empty() { Ok(said) } else { Err(refusal(mistakes)) }
    }

    pub fn write(&self, rows: impl IntoIterator<Item = [String; N]>) -> anyhow::Result<String> {
        Ok(String::from_utf8(spreadsheet::csv(LineEnds::Lf, self.columns, rows))?)
    }

    fn header(&self, header: &Row) -> anyhow::Result<Header<N>> {
        let mut names: Vec<&str> = header.cells().collect();
        while names.pop_if(|name| name.is_empty()).is_some() {}
        if let [all] = names[..] {
            for (separator, what) in [(';', "semicolons"), ('\t', "tabs")] {
                if all.contains(separator) {
                    bail!("the columns are separated by {what}; save the file with commas between them");
                }
            }
        }
        let mut positions = [None; N];
        for (position, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let Some(column) = self.columns.iter().position(|column| column == name) else {
                bail!("there is no column \"{name}\"; the columns are {}", self.columns.join(", "));
            };
            if positions[column].replace(position).is_some() {
                bail!("the column \"{name}\" is there twice");
            }
        }
        let required = self.columns.iter().zip(positions).take(self.required);
        let missing: Vec<&str> = required.filter(|(_, at)| at.is_none()).map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            bail!("these columns are missing: {}", missing.join(", "));
        }
        Ok(Header { columns: self.columns, positions, count: names.len() })
    }
}

/// Where each column is in the file, which may have empty columns besides.
struct Header<const N: usize> {
    columns: [&'static str; N],
    positions: [Option<usize>; N],
    /// Up to the last one that has a name.
    count: usize,
}

impl<const N: usize> Header<N> {
    fn cells<T>(&self, row: &Row, read: impl Fn(&Cells<'_, N>) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let semicolons = if row.cells().any(|cell| cell.contains(';')) { "; are these semicolons?" } else { "" };
        let cells = || format!("has {} cells, where the first line has {}{semicolons}", row.len(), self.count);
        for (position, cell) in row.cells().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if position >= self.count {
                bail!(cells());
            }
            if !self.positions.contains(&Some(position)) {
                bail!("\"{cell}\" is in a column without a name");
            }
        }
        let said = read(&Cells { header: self, row });
        // Some spreadsheets leave out what is empty at the end of a line; here something else is missing.
        if row.len() < self.count { said.with_context(cells) } else { said }
    }
}

/// The cells of a row, by the names of their columns.
pub struct Cells<'a, const N: usize> {
    header: &'a Header<N>,
    row: &'a Row,
}

impl<const N: usize> Cells<'_, N> {
    /// A text without the white space around it, and with it. `None`: the file has no such column.
    pub fn text(&self, column: &str) -> Option<(String, String)> {
        let column = self.header.columns.iter().position(|known| *known == column)?;
        let position = self.header.positions[column]?;
        Some((self.row.text(position), self.row.whole_text(position)))
    }

    /// What a cell says, unless it is empty.
    pub fn said(&self, column: &str) -> Option<String> {
        self.text(column).map(|(text, _)| text).filter(|text| !text.is_empty())
    }

    pub fn id<T>(&self, new: impl Fn(Uuid) -> T) -> anyhow::Result<Option<T>> {
        let id = self.said("id").map(|id| id.parse()).transpose();
        Ok(id.context("is none that was exported; leave it empty for what is new").context("id")?.map(new))
    }

    pub fn quantity(&self, column: &'static str) -> anyhow::Result<Option<Written<Stock>>> {
        self.said(column).as_deref().map(read_quantity).transpose().context(column)
    }
}

/// Anything that can be stored, as cancelled orders may have raised it above what staff can state.
pub fn read_quantity(text: &str) -> anyhow::Result<Written<Stock>> {
    let quantity: i32 = text.parse()?;
    Ok(Written::<Stock>::new(u32::try_from(quantity).or(Err(StockOutOfRange))?))
}

/// The error for rows with mistakes, each with its line.
pub fn refusal(mistakes: impl IntoIterator<Item = (usize, String)>) -> anyhow::Error {
    let mistakes: Vec<String> = mistakes.into_iter().map(|(line, mistake)| format!("line {line}: {mistake}")).collect();
    let listed = mistakes[..mistakes.len().min(MISTAKES)].join("\n  - ");
    let more = mistakes.len().saturating_sub(MISTAKES);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    anyhow::anyhow!("nothing was imported:\n  - {listed}{more}")
}

/// The bytes of a file that the command line names.
pub fn bytes_of(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).map_err(|why| UsageError::new(&format!("cannot read {}", file.display()), why).into())
}

/// Says what an import did.
pub fn print_summary(summary: ImportSummary, what: &str) -> anyhow::Result<()> {
    let ImportSummary { added, changed, unchanged } = summary;
    print(&format!("{added} {what} added, {changed} changed, {unchanged} as they were.\n"))
}

/// Fails if something could not be exported.
pub fn ensure_whole(unreadable: &[UnreadableRecord], incomplete: &str) -> anyhow::Result<()> {
    if unreadable.is_empty() {
        return Ok(());
    }
    let left_out: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    bail!("{incomplete}:\n  - {}", left_out.join("\n  - "))
}
