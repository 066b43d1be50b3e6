//! Rows that hold a value which today's rules refuse.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::{
    Page, PageLimit,
    ports::{Readable, UnreadableRecord},
};
use lru::LruCache;
use metrics::counter;

/// How long a record that was logged is not logged again. Each read of it is counted.
const LOGGED_EVERY: Duration = Duration::from_hours(1);

type Logged = LruCache<(&'static str, String, &'static str), Instant>;

/// The records that were logged last, by table, id and column, and when. Beyond this many, some are logged more often.
static LOGGED: LazyLock<Mutex<Logged>> =
    LazyLock::new(|| Mutex::new(LruCache::new(NonZeroUsize::MIN.saturating_add(9_999))));

fn is_to_be_logged(record: &UnreadableRecord) -> bool {
    let (key, now) = ((record.table, record.id.clone(), record.column), Instant::now());
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    if logged.get(&key).is_some_and(|before| now.duration_since(*before) < LOGGED_EVERY) {
        return false;
    }
    logged.put(key, now);
    true
}

/// Registers the counters at once: an alert goes by their increase, which the first increment of a new counter is not.
pub(super) fn register_counters() {
    let tables = [
        "audit_log",
        "feature_flags",
        "idempotency_keys",
        "mails",
        "menu_item_option_groups",
        "menu_item_option_prices",
        "menu_items",
        "menu_options",
        "option_groups",
        "order_lines",
        "orders",
        "outbox_events",
        "payment_incidents",
        "payments",
        "recipe_ingredients",
        "refunds",
        "sessions",
        "supplies",
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
    /// The value, or the record that cannot be read because of it, which is counted here, and logged once an hour.
    pub(crate) fn read<T, E: ToString>(&self, column: &'static str, value: Result<T, E>) -> Readable<T> {
        value.map_err(|why| {
            let record = UnreadableRecord { table: self.table, id: self.id.to_string(), column, why: why.to_string() };
            if is_to_be_logged(&record) {
                tracing::error!(
                    table = record.table,
                    id = record.id,
                    column,
                    why = record.why,
                    "a record is unreadable"
                );
            }
            counter!("comanda_unreadable_records_total", "table" => self.table).increment(1);
            record
        })
    }
}

/// Rows of a list that are read until a page is full. Those that are unreadable are left out, and those behind them are
/// reached all the same, on this page or on a later one: a page is two statements at most.
pub(crate) struct PageOfRows<T, P> {
    limit: usize,
    entries: Vec<T>,
    unreadable: Vec<UnreadableRecord>,
    /// The position of the last row that belongs to the page.
    end: Option<P>,
    asked_for: usize,
}

impl<T, P> PageOfRows<T, P> {
    /// How many records a page leaves out, at most.
    const MAX_LEFT_OUT: usize = 100;

    pub(crate) fn new(limit: PageLimit) -> Self {
        let limit = limit.get() as usize;
        Self { limit, entries: Vec::new(), unreadable: Vec::new(), end: None, asked_for: limit + 1 }
    }

    /// How many rows the next statement asks for.
    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.asked_for).unwrap_or(i64::MAX)
    }

    /// Adds the rows that a statement returned, each with its position. Returns the page, unless another statement must
    /// look for more, behind the last of these.
    pub(crate) fn add(
        mut self,
        rows: impl ExactSizeIterator<Item = (P, Readable<T>)>,
    ) -> ControlFlow<Page<T, P>, Self> {
        let there_may_be_more = rows.len() >= self.asked_for;
        for (position, row) in rows {
            if self.unreadable.len() >= Self::MAX_LEFT_OUT || (row.is_ok() && self.entries.len() >= self.limit) {
                return ControlFlow::Break(self.into_page(true));
            }
            match row {
                Ok(entry) => self.entries.push(entry),
                Err(record) => self.unreadable.push(record),
            }
            self.end = Some(position);
        }
        if !there_may_be_more || self.unreadable.len() >= Self::MAX_LEFT_OUT {
            return ControlFlow::Break(self.into_page(there_may_be_more));
        }
        // However many of these are unreadable, the page is full with them.
        self.asked_for = (self.limit - self.entries.len()) + 1 + (Self::MAX_LEFT_OUT - self.unreadable.len());
        ControlFlow::Continue(self)
    }

    pub(crate) fn into_page(self, has_more: bool) -> Page<T, P> {
        Page { entries: self.entries, next: self.end.filter(|_| has_more), unreadable: self.unreadable }
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
            let (mut read, mut statements) = (from, 0);
            let page = loop {
                statements += 1;
                assert!(statements <= 2 && page.asked_for <= 201, "a page is little work");
                let rows = numbers.iter().enumerate().skip(read).take(page.asked_for);
                read += rows.len();
                match page.add(rows.map(|(place, number)| (place, row(*number)))) {
                    ControlFlow::Continue(more) => page = more,
                    ControlFlow::Break(page) => break page,
                }
            };
            pages.push((page.entries, page.unreadable.into_iter().map(|record| record.id).collect()));
            match page.next {
                Some(last) => from = last + 1,
                None => return pages,
            }
        }
    }

    #[test]
    fn every_row_is_on_one_page_or_left_out_of_one() {
        assert_eq!(pages(&[], 2), [(vec![], vec![])]);
        assert_eq!(pages(&[10, 20, 30], 1), [(vec![], ["10", "20", "30"].map(str::to_owned).to_vec())]);
        let left_out_behind_the_last = pages(&[1, 10, 2, 20], 1);
        assert_eq!(left_out_behind_the_last.len(), 2, "no page without entries follows");
        let mostly_unreadable: Vec<u32> = (0..3_500).map(|n| if n % 1_000 == 999 { n } else { n * 10 }).collect();
        for limit in [1, 2, 3, 4, 20, 100] {
            for numbers in
                [&[10, 1, 2, 3, 20, 30, 40, 50, 4, 60][..], &[1, 10, 20, 30, 2], &[1, 2, 3, 10], &mostly_unreadable]
            {
                let (mut shown, mut left_out) = (Vec::new(), Vec::new());
                for (entries, unreadable) in pages(numbers, limit) {
                    assert!(unreadable.len() <= 100);
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

    #[test]
    fn a_record_is_logged_once_in_a_while() {
        let record =
            |id: &str| UnreadableRecord { table: "t", id: id.to_owned(), column: "c", why: "is odd".to_owned() };
        assert!(is_to_be_logged(&record("logged")) && is_to_be_logged(&record("another")));
        assert!(!is_to_be_logged(&record("logged")));
    }
}
