//! Long lists, a page at a time, by keyset: a page is found by where the last one ended, never by counting rows.

use thiserror::Error;

use crate::{
    Category, MenuItemId, MenuItemName, OptionGroupId, OptionGroupName, StationId, StationName, StationPlace, SupplyId,
    SupplyName, ports::UnreadableRecord,
};

/// The number is not between 1 and [`PageLimit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between 1 and {}", PageLimit::MAX)]
pub struct PageLimitOutOfRange;

/// The most entries a page may have: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u32);

impl PageLimit {
    /// The most anybody can ask for.
    pub const MAX: i64 = 100;

    /// As many as anybody can ask for.
    pub const LARGEST: Self = Self(100);

    /// Checks the range.
    pub fn new(limit: i64) -> Result<Self, PageLimitOutOfRange> {
        match u32::try_from(limit) {
            Ok(entries) if (1..=Self::MAX).contains(&limit) => Ok(Self(entries)),
            _ => Err(PageLimitOutOfRange),
        }
    }

    /// The number of entries.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageLimit {
    /// 20, as the HTTP contract has it.
    fn default() -> Self {
        Self(20)
    }
}

/// A page and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, P> {
    /// At most as many as asked for. Fewer, or none, do not mean that it is the last page: many may be left out.
    pub entries: Vec<T>,
    /// Where the page ended; `None` on the last one. That may be behind the last entry, at one that is left out.
    pub next: Option<P>,
    /// Records that belong on this page, or beside its entries, and are left out because they cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

impl<T, P> Page<T, P> {
    /// From the entries of a query that asked for one more than `limit`, which is how a store learns that there is
    /// more.
    pub fn from_one_more(mut entries: Vec<T>, limit: PageLimit, position: impl FnOnce(&T) -> P) -> Self {
        let limit = limit.get() as usize;
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        Self { next: entries.last().filter(|_| has_more).map(position), entries, unreadable: Vec::new() }
    }
}

/// Where a page of menu items ended: they are sorted by category, then name, then id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuPosition {
    /// The last entry's category.
    pub category: Category,
    /// The last entry's name.
    pub name: MenuItemName,
    /// The last entry's id.
    pub id: MenuItemId,
}

/// Where a page of option groups ended: they are sorted by name, then id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionGroupPosition {
    /// The last entry's name.
    pub name: OptionGroupName,
    /// The last entry's id.
    pub id: OptionGroupId,
}

/// Where a page of supplies ended: they are sorted by name, then id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplyPosition {
    /// The last entry's name.
    pub name: SupplyName,
    /// The last entry's id.
    pub id: SupplyId,
}

/// Where a page of stations ended: they are sorted by place, then name, then id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationPosition {
    /// The last entry's place.
    pub place: StationPlace,
    /// The last entry's name.
    pub name: StationName,
    /// The last entry's id.
    pub id: StationId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_more_is_not_shown() {
        let limit = PageLimit::new(2).expect("in range");
        let page = |next| Page { entries: vec![1, 2], next, unreadable: vec![] };
        assert_eq!(Page::from_one_more(vec![1, 2, 3], limit, |last| *last), page(Some(2)));
        assert_eq!(Page::from_one_more(vec![1, 2], limit, |last| *last), page(None));
        assert!(PageLimit::new(0).is_err() && PageLimit::new(101).is_err());
    }
}
