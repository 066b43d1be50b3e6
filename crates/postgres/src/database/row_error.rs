//! Rows that hold a value which today's rules refuse.

use comanda_domain::{
    Page, PageLimit,
    ports::{Readable, UnreadableRecord},
};
use metrics::counter;

/// Registers the counters at once: an alert goes by their increase, which the first increment of a new counter is not.
pub(super) fn register_counters() {
    let tables = [
        "audit_log",
        "feature_flags",
        "mails",
        "menu_items",
        "order_lines",
        "orders",
        "outbox_events",
        "payments",
        "refunds",
        "sessions",
        "users",
    ];
    for table in tables {
        counter!("comanda_unreadable_records_total", "table" => table).increment(0);
    }
}

/// The row that a column's value comes from, for the error if the value is refused.
#[derive(Clone, Copy)]
pub(crate) struct RowOf<I> {
    pub(crate) table: &'static str,
    pub(crate) id: I,
}

impl<I: ToString> RowOf<I> {
    /// The value, or the record that cannot be read because of it, which is logged and counted here.
    pub(crate) fn read<T, E: ToString>(&self, column: &'static str, value: Result<T, E>) -> Readable<T> {
        value.map_err(|why| {
            let record = UnreadableRecord { table: self.table, id: self.id.to_string(), column, why: why.to_string() };
            tracing::error!(table = record.table, id = record.id, column, why = record.why, "a record is unreadable");
            counter!("comanda_unreadable_records_total", "table" => self.table).increment(1);
            record
        })
    }
}

/// Rows of a list that are read until a page is full. Those that are unreadable are left out, and those behind them are
/// reached all the same.
pub(crate) struct PageOfRows<T> {
    limit: PageLimit,
    entries: Vec<T>,
    /// Each with the number of entries before it.
    unreadable: Vec<(usize, UnreadableRecord)>,
    asked_for: i64,
}

impl<T> PageOfRows<T> {
    pub(crate) fn new(limit: PageLimit) -> Self {
        Self { limit, entries: Vec::new(), unreadable: Vec::new(), asked_for: i64::from(limit.get()) + 1 }
    }

    /// How many rows the next statement asks for.
    pub(crate) const fn rows(&self) -> i64 {
        self.asked_for
    }

    /// Adds the rows that a statement returned. Says whether another one must look for more, behind the last of these.
    pub(crate) fn needs_more(&mut self, rows: impl ExactSizeIterator<Item = Readable<T>>) -> bool {
        let there_may_be_more = i64::try_from(rows.len()).is_ok_and(|returned| returned >= self.asked_for);
        for row in rows {
            match row {
                Ok(entry) => self.entries.push(entry),
                Err(record) => self.unreadable.push((self.entries.len(), record)),
            }
        }
        // Many unreadable rows in succession are not read a handful at a time.
        self.asked_for = 1000;
        there_may_be_more && self.entries.len() <= self.limit.get() as usize
    }

    pub(crate) fn into_page(self) -> Page<T> {
        let shown = self.limit.get() as usize;
        let page = Page::from_one_more(self.entries, self.limit);
        // What lies behind the last entry that is shown belongs to the next page.
        let belongs = |before: usize| !page.has_more || before < shown;
        let unreadable = self.unreadable.into_iter().filter(|(before, _)| belongs(*before));
        Page { unreadable: unreadable.map(|(_, record)| record).collect(), ..page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32) -> Readable<u32> {
        match number % 10 {
            0 => Err(UnreadableRecord { table: "t", id: number.to_string(), column: "c", why: String::new() }),
            _ => Ok(number),
        }
    }

    /// Every page of a list of these rows: its entries, and what is left out of it.
    fn pages(numbers: &[u32], limit: i64) -> Vec<(Vec<u32>, Vec<String>)> {
        let (mut pages, mut from) = (Vec::new(), 0);
        loop {
            let mut page = PageOfRows::new(PageLimit::new(limit).unwrap());
            let mut read = from;
            loop {
                let rows = numbers[read..].iter().take(usize::try_from(page.rows()).unwrap());
                read += rows.len();
                if !page.needs_more(rows.map(|number| row(*number)).collect::<Vec<_>>().into_iter()) {
                    break;
                }
            }
            let page = page.into_page();
            let last = page.entries.last().copied();
            pages.push((page.entries, page.unreadable.into_iter().map(|record| record.id).collect()));
            match last.filter(|_| page.has_more) {
                Some(last) => from = numbers.iter().position(|number| *number == last).unwrap() + 1,
                None => return pages,
            }
        }
    }

    #[test]
    fn every_row_is_on_one_page_or_left_out_of_one() {
        assert_eq!(pages(&[], 2), [(vec![], vec![])]);
        assert_eq!(pages(&[10, 20, 30], 1), [(vec![], ["10", "20", "30"].map(str::to_owned).to_vec())]);
        for limit in 1..5 {
            for numbers in [&[10, 1, 2, 3, 20, 30, 40, 50, 4, 60][..], &[1, 10, 20, 30, 2], &[1, 2, 3, 10]] {
                let (mut shown, mut left_out) = (Vec::new(), Vec::new());
                for (entries, unreadable) in pages(numbers, limit) {
                    shown.extend(entries);
                    left_out.extend(unreadable);
                }
                let expected = |readable| numbers.iter().copied().filter(move |n| row(*n).is_ok() == readable);
                assert_eq!(shown, expected(true).collect::<Vec<_>>(), "{numbers:?}, {limit}");
                let expected: Vec<_> = expected(false).map(|n| n.to_string()).collect();
                assert_eq!(left_out, expected, "{numbers:?}, {limit}");
            }
        }
    }
}
