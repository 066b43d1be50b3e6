//! Stations of the kitchen.

use thiserror::Error;

use crate::{Category, StationId, StationName, Timestamp};

/// The number is not between 0 and [`StationPlace::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between 0 and {}", StationPlace::MAX)]
pub struct StationPlaceOutOfRange;

/// Where a station stands among the others: 0 to [`StationPlace::MAX`]. Several may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationPlace(u32);

impl StationPlace {
    /// The last place.
    pub const MAX: i64 = 10_000;

    /// Checks the range.
    pub fn new(place: i64) -> Result<Self, StationPlaceOutOfRange> {
        match u32::try_from(place) {
            Ok(number) if place <= Self::MAX => Ok(Self(number)),
            _ => Err(StationPlaceOutOfRange),
        }
    }

    /// A place that was accepted before, whatever the rules are today.
    pub const fn stored(place: u32) -> Self {
        Self(place)
    }

    /// The place of a station that is added without one: behind the last.
    pub fn behind(last: Option<Self>) -> Self {
        let next = last.map_or(0, |last| i64::from(last.0) + 1);
        Self::new(next).unwrap_or(Self(u32::try_from(Self::MAX).unwrap_or(u32::MAX)))
    }

    /// The place as a number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// There are more than [`StationCategories::MAX`] of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be at most {}", StationCategories::MAX)]
pub struct TooManyCategories;

/// The categories of the menu that go to a station, in the order in which staff wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StationCategories(Vec<Category>);

impl StationCategories {
    /// The most that a station can have.
    pub const MAX: usize = 100;

    /// Checks how many there are.
    pub fn new(categories: Vec<Category>) -> Result<Self, TooManyCategories> {
        if categories.len() > Self::MAX { Err(TooManyCategories) } else { Ok(Self(categories)) }
    }

    /// Categories that were accepted before, whatever the rules are today.
    pub const fn stored(categories: Vec<Category>) -> Self {
        Self(categories)
    }

    /// The categories.
    pub fn as_slice(&self) -> &[Category] {
        &self.0
    }
}

/// What staff decide about a station, and may decide again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationDetails {
    /// The name.
    pub name: StationName,
    /// The categories that go to it. None goes to two stations, whatever its case.
    pub categories: StationCategories,
    /// Where it stands among the others.
    pub place: StationPlace,
}

/// A station of the kitchen: where some of an order is made, such as a grill or a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// The id, which never changes.
    pub id: StationId,
    /// The details, which staff decide.
    pub details: StationDetails,
    /// 1 when added, one more with every change: what an `ETag` shows.
    pub revision: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A station to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStation {
    /// The id it will have.
    pub id: StationId,
    /// The name.
    pub name: StationName,
    /// The categories that go to it.
    pub categories: StationCategories,
    /// Where it stands among the others; `None`: behind the last.
    pub place: Option<StationPlace>,
    /// When it was added, in whole milliseconds.
    pub added_at: Timestamp,
}

/// A change of a station: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StationEdit {
    /// A new name.
    pub name: Option<StationName>,
    /// All categories that go to it from now on.
    pub categories: Option<StationCategories>,
    /// A new place.
    pub place: Option<StationPlace>,
}

impl StationEdit {
    /// The details after this edit.
    pub fn apply_to(self, details: StationDetails) -> StationDetails {
        StationDetails {
            name: self.name.unwrap_or(details.name),
            categories: self.categories.unwrap_or(details.categories),
            place: self.place.unwrap_or(details.place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_without_a_place_comes_last() {
        assert_eq!(StationPlace::behind(None).get(), 0);
        assert_eq!(StationPlace::behind(StationPlace::new(7).ok()).get(), 8);
        let last = StationPlace::new(StationPlace::MAX).unwrap();
        assert_eq!(StationPlace::behind(Some(last)), last);
        assert!(StationPlace::new(-1).is_err() && StationPlace::new(StationPlace::MAX + 1).is_err());
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_name() {
        let details = StationDetails {
            name: StationName::new("Grill").unwrap(),
            categories: StationCategories::new(vec![Category::new("Mains").unwrap()]).unwrap(),
            place: StationPlace::stored(3),
        };
        assert_eq!(StationEdit::default().apply_to(details.clone()), details);
        let emptied = StationEdit { categories: Some(StationCategories::default()), ..StationEdit::default() };
        let after = emptied.apply_to(details.clone());
        assert_eq!(after, StationDetails { categories: StationCategories::default(), ..details });
    }

    #[test]
    fn categories_are_counted() {
        let of = |number| StationCategories::new(vec![Category::stored("Mains"); number]);
        assert!(of(StationCategories::MAX).is_ok());
        assert_eq!(of(StationCategories::MAX + 1), Err(TooManyCategories));
    }
}
