use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use crate::{History, Outcome, Record};

/// How many findings of one property are written out. The shortest few say it all.
const ENOUGH: usize = 20;

/// Among so many findings of one property there is a short one.
const PLENTY: u64 = 1000;

/// What is checked. The head of the crate says what each of them means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// Every confirmed order is there once, as it was confirmed, and no other.
    Placed,
    /// No stock is ever below nothing, and the ledgers come to what is left.
    Stock,
    /// What was reported as left was what was left at some moment of the call.
    Refusals,
    /// A repeated request is answered as it was the first time, and done once.
    Replays,
    /// Versions only rise, each of them is written once, and stands for one thing.
    Versions,
    /// The money that was taken is the money that was owed.
    Money,
    /// Every event is delivered, in order per order.
    Events,
    /// The menu goes forwards, and shows nothing that was not committed.
    Menu,
    /// Addresses are locked when, and for as long as, the policy says.
    Locks,
    /// A closed session opens nothing.
    Sessions,
    /// What watchers were shown comes to what the tables say.
    Boards,
    /// Tickets and their orders move together, one legal step at a time.
    Tickets,
}

impl Property {
    pub const ALL: [Self; 12] = [
        Self::Placed,
        Self::Stock,
        Self::Refusals,
        Self::Replays,
        Self::Versions,
        Self::Money,
        Self::Events,
        Self::Menu,
        Self::Locks,
        Self::Sessions,
        Self::Boards,
        Self::Tickets,
    ];
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placed => "placed",
            Self::Stock => "stock",
            Self::Refusals => "refusals",
            Self::Replays => "replays",
            Self::Versions => "versions",
            Self::Money => "money",
            Self::Events => "events",
            Self::Menu => "menu",
            Self::Locks => "locks",
            Self::Sessions => "sessions",
            Self::Boards => "boards",
            Self::Tickets => "tickets",
        })
    }
}

/// What a check came to.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What should not have been: the properties in the order of [`Property`], and of each the shortest first.
    pub findings: Vec<Finding>,
    /// How often each property was looked at: how many things were compared that might have differed. One that was
    /// looked at hardly ever says nothing.
    pub looked_at: Vec<(Property, u64)>,
}

/// Something that should not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub property: Property,
    /// Why, in plain English.
    pub reason: String,
    /// The calls that show it, and no others, by when they began. None if the tables alone show it.
    pub records: Vec<Record>,
    /// How many more findings of this property there are. They are left out.
    pub more: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.property, self.reason)?;
        for record in &self.records {
            writeln!(f, "  {}", Told(record))?;
        }
        if self.more > 0 {
            writeln!(f, "  ({} more like it)", self.more)?;
        }
        Ok(())
    }
}

/// A record as a person reads it.
struct Told<'r>(&'r Record);

impl fmt::Display for Told<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a run of 2^52 ns takes two months")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        let seconds = |ns: u64| ns as f64 / 1e9;
        write!(f, "#{} {:.6}–{:.6} s", record.sequence, seconds(record.begin), seconds(record.end))?;
        write!(f, " client {}", record.client.0)?;
        if let Some(server) = record.server {
            write!(f, " server {}", server.0)?;
        }
        let text = |value: Result<String, serde_json::Error>| value.unwrap_or_else(|error| error.to_string());
        write!(f, ": {}", text(serde_json::to_string(&record.request)))?;
        if let Some(key) = &record.key {
            write!(f, " under key {}", key.key)?;
        }
        match &record.outcome {
            Outcome::Unknown(why) => write!(f, " -> no response ({why})"),
            Outcome::Response(response) => {
                write!(f, " -> {}", response.status)?;
                if let Some(code) = &response.code {
                    write!(f, " {code}")?;
                }
                if response.replayed {
                    write!(f, " (replayed)")?;
                }
                match response.shown.is_nothing() {
                    true => Ok(()),
                    false => write!(f, " {}", text(serde_json::to_string(&response.shown))),
                }
            }
        }
    }
}

/// What the properties report, by the sequence numbers of the records that show it.
#[derive(Default)]
pub(crate) struct Found {
    by_property: BTreeMap<Property, (Vec<Suspicion>, u64)>,
    looked_at: [u64; Property::ALL.len()],
}

struct Suspicion {
    reason: String,
    shown_by: Vec<u64>,
}

impl Found {
    /// `shown_by` are the sequence numbers of the records that show it. The shortest are kept, and of those that are
    /// as short the first. What only the tables show comes last: nobody can follow it call by call.
    pub(crate) fn report(&mut self, property: Property, reason: String, shown_by: impl IntoIterator<Item = u64>) {
        let (suspicions, more) = self.by_property.entry(property).or_default();
        let mut shown_by: Vec<u64> = shown_by.into_iter().collect();
        shown_by.sort_unstable();
        shown_by.dedup();
        let length = |shown_by: &[u64]| if shown_by.is_empty() { usize::MAX } else { shown_by.len() };
        let place = suspicions.partition_point(|kept| length(&kept.shown_by) <= length(&shown_by));
        suspicions.insert(place, Suspicion { reason, shown_by });
        if suspicions.len() > ENOUGH {
            suspicions.pop();
            *more += 1;
        }
    }

    /// So many things more were compared that might have differed.
    pub(crate) fn look_at(&mut self, property: Property, things: usize) {
        self.looked_at[property as usize] += things as u64;
    }

    /// Whether so much was found that nobody needs to look for more.
    pub(crate) fn is_plenty(&self, property: Property) -> bool {
        self.by_property.get(&property).is_some_and(|(suspicions, more)| suspicions.len() as u64 + more >= PLENTY)
    }

    /// Reads the history again, for the records that show something.
    pub(crate) fn with_records(self, history: &(impl History + ?Sized)) -> anyhow::Result<Verdict> {
        let all = self.by_property.values().flat_map(|(suspicions, _)| suspicions);
        let wanted: HashSet<u64> = all.flat_map(|suspicion| suspicion.shown_by.iter().copied()).collect();
        let mut records = HashMap::new();
        if !wanted.is_empty() {
            history.read(&mut |record| {
                if wanted.contains(&record.sequence) {
                    records.insert(record.sequence, record.clone());
                }
            })?;
        }
        let mut findings = Vec::new();
        for (property, (suspicions, more)) in self.by_property {
            findings.extend(suspicions.into_iter().map(|Suspicion { reason, shown_by }| {
                let mut records: Vec<Record> = shown_by.iter().filter_map(|n| records.get(n).cloned()).collect();
                records.sort_by_key(|record| (record.begin, record.sequence));
                Finding { property, reason, records, more: 0 }
            }));
            if let Some(last) = findings.last_mut() {
                last.more = more;
            }
        }
        let looked_at = Property::ALL.into_iter().zip(self.looked_at).collect();
        Ok(Verdict { findings, looked_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_findings_are_kept_however_late_they_come() {
        let mut found = Found::default();
        for n in 0..30 {
            found.report(Property::Stock, "long".to_owned(), n..n + 50);
        }
        found.report(Property::Stock, "short".to_owned(), [8, 9, 8]);
        found.report(Property::Stock, "of tables".to_owned(), []);
        let Verdict { findings, .. } = found.with_records(&[] as &[Record]).unwrap();
        assert_eq!(findings.len(), ENOUGH);
        assert_eq!(findings[0].reason, "short");
        assert_eq!(findings.iter().map(|finding| finding.more).sum::<u64>(), 12);
    }
}
