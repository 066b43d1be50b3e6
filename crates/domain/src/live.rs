//! Live updates: what somebody watches as it changes.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// How far a stream of updates has come among the events of a database, so that it can go on elsewhere: at another
/// server, or after a restart.
///
/// Events are read in the order of their transactions, once these have ended, and a snapshot of the database knows some
/// that come later in this order: of transactions that ended before it was taken, though earlier ones were still open.
/// So a position that comes with a snapshot says which were open. It means something only where it was given: see
/// [`StreamPosition::history`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    /// Names the database, its cluster and its timeline, without a full stop. In another one, the numbers of
    /// transactions say nothing.
    pub history: String,
    /// When it was given, in seconds since 1970.
    pub given_at: i64,
    /// The transaction of the last event that is known.
    pub transaction: i64,
    /// The event; 0: none of that transaction.
    pub event: i64,
    /// Of the transactions from `transaction` on, those that begin with this one are not known. 0, or less than
    /// `transaction`: it says nothing any more.
    pub begun_before: i64,
    /// Of those before that, these are not known either: they were open.
    pub open: Vec<i64>,
}

/// The text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is no position of a stream")]
pub struct NotAPosition;

impl StreamPosition {
    /// The longest text that is read.
    const LONGEST: usize = 4096;

    /// Its place in the order of events.
    pub const fn place(&self) -> (i64, i64) {
        (self.transaction, self.event)
    }

    /// Whether an event is news at this position.
    pub fn precedes(&self, transaction: i64, event: i64) -> bool {
        (transaction, event) > self.place() && (transaction >= self.begun_before || self.open.contains(&transaction))
    }

    /// The position once everything up to this event, and it, is known.
    #[must_use]
    pub fn after(&self, transaction: i64, event: i64, given_at: i64) -> Self {
        let mut position = self.clone();
        position.go_on(transaction, event, given_at);
        position
    }

    /// The same in place.
    pub fn go_on(&mut self, transaction: i64, event: i64, given_at: i64) {
        if (transaction, event) <= self.place() {
            return;
        }
        let still_open = transaction < self.begun_before;
        self.open.retain(|open| still_open && *open >= transaction);
        self.begun_before = if still_open { self.begun_before } else { 0 };
        (self.given_at, self.transaction, self.event) = (given_at, transaction, event);
    }
}

impl fmt::Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, given_at, transaction, event, begun_before, open } = self;
        write!(f, "1.{history}.{given_at}.{transaction}.{event}")?;
        // What is open is close by: differences are short.
        if *begun_before > *transaction {
            write!(f, ".{}", begun_before - transaction)?;
            open.iter().try_for_each(|open| write!(f, ".{}", open - transaction))?;
        }
        Ok(())
    }
}

impl FromStr for StreamPosition {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let is_sane = |history: &&str| {
            !history.is_empty() && history.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let number = |digits: &str| {
            let number: i64 = digits.parse().map_err(|_| NotAPosition)?;
            // As it is written, and in no other way.
            if number >= 0 && number.to_string() == digits { Ok(number) } else { Err(NotAPosition) }
        };
        if text.len() > Self::LONGEST {
            return Err(NotAPosition);
        }
        let mut parts = text.split('.');
        let (Some("1"), Some(history)) = (parts.next(), parts.next().filter(is_sane)) else { return Err(NotAPosition) };
        let numbers = parts.map(number).collect::<Result<Vec<i64>, _>>()?;
        let [given_at, transaction, event, open @ ..] = numbers.as_slice() else { return Err(NotAPosition) };
        let open = open.iter().map(|after| transaction.checked_add(*after).ok_or(NotAPosition));
        let mut open = open.collect::<Result<Vec<i64>, _>>()?.into_iter();
        let begun_before = match open.next() {
            Some(begun_before) if begun_before > *transaction => begun_before,
            Some(_) => return Err(NotAPosition),
            None => 0,
        };
        Ok(Self {
            history: history.to_owned(),
            given_at: *given_at,
            transaction: *transaction,
            event: *event,
            begun_before,
            open: open.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions() -> impl Strategy<Value = StreamPosition> {
        let numbers = (0..i64::MAX / 2, 0..i64::MAX / 2, 0..i64::MAX);
        let open = prop::option::of((1..10_000_i64, prop::collection::vec(0..10_000_i64, 0..20)));
        ("[a-zA-Z0-9-]{1,60}", numbers, open).prop_map(|(history, (given_at, transaction, event), open)| {
            let (begun_before, open) = match open {
                Some((after, open)) => (transaction + after, open.iter().map(|after| transaction + after).collect()),
                None => (0, Vec::new()),
            };
            StreamPosition { history, given_at, transaction, event, begun_before, open }
        })
    }

    proptest! {
        #[test]
        fn a_position_is_read_as_it_was_written(position in positions()) {
            let text = position.to_string();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            prop_assert_eq!(text.parse(), Ok(position));
        }

        #[test]
        fn nothing_else_is_a_position(text in ".{0,80}") {
            // Whatever is read was written in this way.
            if let Ok(position) = text.parse::<StreamPosition>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }

        #[test]
        fn a_stream_that_breaks_off_anywhere_has_missed_nothing_and_repeats_nothing(
            (xmin, ended, events) in (1..50_i64).prop_flat_map(|xmin| {
                let events = prop::collection::btree_set((xmin..xmin + 20, 1..40_i64), 0..40);
                (Just(xmin), prop::collection::btree_set(xmin..xmin + 15, 0..15), events)
            }),
            breaks in prop::collection::vec(any::<bool>(), 40),
        ) {
            // The snapshot knows what the ended ones of the transactions before `begun_before` wrote.
            let begun_before = xmin + 15;
            let open = (xmin..begun_before).filter(|transaction| !ended.contains(transaction)).collect();
            let history = "7-1".to_owned();
            let mut position =
                StreamPosition { history, given_at: 0, transaction: xmin, event: 0, begun_before, open };
            let mut told = Vec::new();
            for ((transaction, event), breaks) in events.iter().zip(breaks.iter().cycle()) {
                if position.precedes(*transaction, *event) {
                    told.push((*transaction, *event));
                }
                // Streams also move on over what they do not show.
                position = position.after(*transaction, *event, 1);
                if *breaks {
                    position = position.to_string().parse().unwrap();
                }
                prop_assert!(!position.precedes(*transaction, *event));
            }
            let news = |(transaction, _): &&(i64, i64)| *transaction >= begun_before || !ended.contains(transaction);
            prop_assert_eq!(told, events.iter().filter(news).copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn texts_that_are_no_positions_are_refused() {
        for text in [
            "",
            "1",
            "1.a",
            "1.a.1.2",
            "2.a.1.2.3",
            "1..1.2.3",
            "1.a.1.2.-3",
            "1.a.1.2.03",
            "1.a.1.2.3.0",
            "1.a.1.0.3.0",
            "1.a.1.2.3.x",
            "1.a b.1.2.3",
            "1.a.1.2.99999999999999999999",
            "1.a.1.9223372036854775807.3.5",
            "\u{feff}1.a.1.2.3",
        ] {
            assert_eq!(text.parse::<StreamPosition>(), Err(NotAPosition), "{text}");
        }
        assert!("1.a.1.2.3".parse::<StreamPosition>().is_ok());
        assert_eq!(format!("1.a.1.2.3{}", ".9".repeat(5000)).parse::<StreamPosition>(), Err(NotAPosition));
    }
}
