use crate::StationId;

/// Where staff have a menu item made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationAssignment {
    /// Where its category is.
    OfCategory,
    /// At this station, whatever its category is.
    Own(StationId),
}

impl StationAssignment {
    /// The station of the menu item's own, if it has one.
    pub const fn own(self) -> Option<StationId> {
        match self {
            Self::OfCategory => None,
            Self::Own(station) => Some(station),
        }
    }
}

/// Where a menu item is made: at its own station, otherwise at that of its category, otherwise nowhere in particular,
/// and no ticket says so.
pub fn station_of(own: Option<StationId>, of_category: Option<StationId>) -> Option<StationId> {
    own.or(of_category)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_own_station_comes_before_that_of_the_category() {
        let (grill, bar) = (StationId::new(Uuid::from_u128(1)), StationId::new(Uuid::from_u128(2)));
        assert_eq!(station_of(Some(bar), Some(grill)), Some(bar));
        assert_eq!(station_of(None, Some(grill)), Some(grill));
        assert_eq!(station_of(Some(bar), None), Some(bar));
        assert_eq!(station_of(None, None), None);
    }
}
