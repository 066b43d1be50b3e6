//! The menu goes forwards for whoever reads it from one process, and for everybody soon, a version of it is one menu,
//! and what it shows was committed, and not before it was asked for.

use std::collections::HashMap;

use comanda_domain::MenuItemId;

use super::{Checked, Faults, Ordered, groups};
use crate::{ClientId, Digest, Fault, MenuItemShown, Property, Record, Request, ServerId, Shown, finding::Found};

pub(super) struct Menus<'t> {
    tables: &'t Ordered<'t>,
    reads: Vec<Read>,
    /// By revision: the call that showed it and ended first, as its end, its beginning and its number.
    shown: HashMap<(MenuItemId, u32), (u64, u64, u64)>,
    /// By revision: the edit that made it.
    made: HashMap<(MenuItemId, u32), (u64, u64)>,
    /// When the database may have come to know less.
    failovers: Vec<(u64, u64)>,
    faults: Faults,
}

#[derive(Clone, Copy)]
struct Read {
    client: ClientId,
    server: Option<ServerId>,
    version: u64,
    text: Digest,
    begin: u64,
    end: u64,
    sequence: u64,
}

impl<'t> Menus<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        Self {
            tables,
            reads: Vec::new(),
            shown: HashMap::new(),
            made: HashMap::new(),
            failovers: Vec::new(),
            faults: Faults::default(),
        }
    }

    fn see_item(&mut self, item: &MenuItemShown, record: &Record) {
        let this = (record.end, record.begin, record.sequence);
        let first = self.shown.entry((item.id, item.revision)).or_insert(this);
        *first = (*first).min(this);
    }

    /// Whether the database may have come to know less between these moments.
    fn fell_back(&self, begin: u64, end: u64) -> bool {
        self.failovers.iter().any(|(from, to)| *from <= end && begin <= *to)
    }

    /// Reads of one version, by when they began.
    fn look_for_another_menu(&self, reads: &[Read], found: &mut Found) {
        // Of what was read meanwhile, nobody knows from when it is.
        let mut settled = reads.iter().filter(|read| !self.fell_back(read.begin, read.end));
        let Some(mut first) = settled.next() else { return };
        for read in settled {
            if self.fell_back(first.begin, first.end.max(read.end)) {
                first = read;
                continue;
            }
            found.look_at(Property::Menu, 1);
            if read.text != first.text {
                let reason = format!("version {} of the menu was two menus", read.version);
                found.report(Property::Menu, reason, [first.sequence, read.sequence]);
                return;
            }
        }
    }
}

impl Checked for Menus<'_> {
    fn see(&mut self, record: &Record, _: &mut Found) {
        let Record { client, server, begin, end, sequence, .. } = *record;
        self.faults.see(record);
        match (&record.request, record.shown()) {
            (Request::ReadMenu, Shown::Menu(menu)) => {
                let (version, text) = (menu.version, menu.text);
                self.reads.push(Read { client, server, version, text, begin, end, sequence });
                menu.items.iter().flatten().for_each(|item| self.see_item(item, record));
            }
            (Request::EditItem { if_match: Some(before), .. }, Shown::Item(item))
                if record.did_it() && *before < item.revision =>
            {
                self.made.insert((item.id, item.revision), (begin, sequence));
            }
            (Request::ReadItem { .. }, Shown::Item(item)) => self.see_item(item, record),
            (Request::Fault { fault: Fault::Failover }, _) => self.failovers.push((begin, end)),
            _ => {}
        }
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        self.faults.are_seen();
        let mut reads = std::mem::take(&mut self.reads);
        reads.sort_unstable_by_key(|read| (read.client, read.server, read.begin, read.sequence));
        for same in groups(&reads, |read| (read.client, read.server)) {
            // Behind a proxy it may have been another process.
            if same[0].server.is_some() {
                self.look_for_backwards(same, |ended| ended, found);
            }
        }
        reads.sort_unstable_by_key(|read| (read.begin, read.sequence));
        let within_ms = self.tables.tables.settings.menu_shown_within_ms;
        self.look_for_backwards(&reads, |ended| self.faults.known_by(ended, within_ms), found);
        reads.sort_unstable_by_key(|read| (read.version, read.begin, read.sequence));
        for same in groups(&reads, |read| read.version) {
            self.look_for_another_menu(same, found);
        }
        let last: HashMap<MenuItemId, u32> =
            self.tables.tables.items.iter().map(|row| (row.id, row.revision)).collect();
        for ((item, revision), (end, begun, sequence)) in &self.shown {
            let revision = *revision;
            if let Some((begin, edit)) = self.made.get(&(*item, revision)).filter(|(begin, _)| end < begin) {
                let before = begin - end;
                let reason =
                    format!("revision {revision} of item {item} was shown {before} ns before it was asked for");
                found.report(Property::Menu, reason, [*sequence, *edit]);
            }
            if last.get(item).is_some_and(|last| *last < revision) && !self.fell_back(*begun, u64::MAX) {
                let reason = format!("revision {revision} of item {item} was shown, and never committed");
                found.report(Property::Menu, reason, [*sequence]);
            }
        }
    }
}

impl Menus<'_> {
    /// Looks at reads, by when they began. A version that was read is known to all of them that began after
    /// `known_by` of when its read ended.
    fn look_for_backwards(&self, reads: &[Read], known_by: impl Fn(u64) -> u64, found: &mut Found) {
        let mut by_end: Vec<(u64, &Read)> = reads.iter().map(|read| (known_by(read.end), read)).collect();
        by_end.sort_unstable_by_key(|(by, read)| (*by, read.end));
        let (mut known, mut newest) = (by_end.into_iter().peekable(), None::<&Read>);
        for read in reads {
            while let Some((_, next)) = known.next_if(|(by, _)| *by < read.begin) {
                let is_newer =
                    |newest: &&Read| newest.version > next.version && !self.fell_back(newest.begin, next.end);
                newest = newest.filter(is_newer).or(Some(next));
            }
            // What was seen before says nothing about what comes after, either.
            newest = newest.filter(|newest| !self.fell_back(newest.begin, read.end));
            let Some(newest) = newest else { continue };
            found.look_at(Property::Menu, 1);
            if newest.version > read.version {
                let reason = format!("the menu went from version {} back to {}", newest.version, read.version);
                found.report(Property::Menu, reason, [newest.sequence, read.sequence]);
                return;
            }
        }
    }
}
