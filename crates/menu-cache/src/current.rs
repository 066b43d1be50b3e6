//! This process's snapshot of the menu.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use comanda_domain::{
    MenuItem, MenuItemId,
    ports::{ItemChanges, MenuCopy, MenuVersion},
};

/// A copy of the menu that is shown to customers.
pub(crate) struct Snapshot {
    pub(crate) copy: MenuCopy,
    positions: HashMap<MenuItemId, usize>,
    expires_at: Instant,
    /// The database is known to hold something newer.
    outdated: AtomicBool,
}

impl Snapshot {
    pub(crate) fn new(copy: MenuCopy, expires_at: Instant) -> Self {
        let positions = copy.menu.items.iter().enumerate().map(|(position, item)| (item.id, position)).collect();
        Self { copy, positions, expires_at, outdated: AtomicBool::new(false) }
    }

    pub(crate) fn item(&self, id: MenuItemId) -> Option<&MenuItem> {
        self.copy.menu.items.get(*self.positions.get(&id)?)
    }

    pub(crate) fn version(&self) -> MenuVersion {
        self.copy.menu.version
    }

    /// Within a process, greater numbers are newer whatever their epochs: before a version of another epoch is shown,
    /// the database's is raised above it.
    pub(crate) fn number(&self) -> u64 {
        self.copy.menu.version.number
    }

    /// How much of its lifetime is left; zero once it has expired.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        self.expires_at.saturating_duration_since(now)
    }

    /// How long ago it expired; zero while it has not.
    pub(crate) fn overdue(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.expires_at)
    }

    pub(crate) fn mark_outdated(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Acquire)
    }

    /// What customers see differently in `self` than in an earlier snapshot.
    pub(crate) fn changes_since(&self, before: &Self) -> ItemChanges {
        // The revision counts every change of the details; of stocks, customers see only the availability.
        let shown = |item: &MenuItem| (item.revision, item.availability(), item.definition.availabilities());
        let items = &self.copy.menu.items;
        let changed = items.iter().filter(|item| before.item(item.id).is_none_or(|old| shown(old) != shown(item)));
        let gone = before.copy.menu.items.iter().filter(|old| !self.positions.contains_key(&old.id));
        ItemChanges::Partial { changed: changed.map(|item| item.id).collect(), gone: gone.map(|old| old.id).collect() }
    }
}

/// Holds the current snapshot. A snapshot is never replaced by an older one.
#[derive(Default)]
pub(crate) struct Current {
    snapshot: ArcSwapOption<Snapshot>,
    installing: Mutex<()>,
}

/// Where a snapshot was read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The database: nothing newer existed at that moment.
    Database,
    /// The copy that all servers share.
    Shared,
}

/// The result of installing a snapshot.
pub(crate) enum Installed {
    /// It has replaced the snapshot before it.
    Newer { before: Option<Arc<Snapshot>> },
    /// The current snapshot has the same version; its lifetime was renewed.
    Same,
    /// The current snapshot is newer and stays, or it is of another epoch and nothing says that it is the lost one.
    Older,
}

impl Current {
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// Leaves nothing to show if the snapshot has this number.
    pub(crate) fn forget(&self, number: u64) {
        let _one_at_a_time = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.snapshot.load().as_ref().is_some_and(|snapshot| snapshot.number() == number) {
            self.snapshot.store(None);
        }
    }

    pub(crate) fn install(&self, snapshot: Snapshot, origin: Origin) -> Installed {
        let _one_at_a_time = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot.load_full();
        match &before {
            Some(before) if before.number() > snapshot.number() => return Installed::Older,
            Some(before) if before.version() == snapshot.version() => {
                // The menu keeps its `Arc`, because readers key what they derive from the menu by it.
                if snapshot.copy.loaded_at > before.copy.loaded_at
                    && (origin == Origin::Database || !before.is_outdated())
                {
                    let copy = MenuCopy { menu: Arc::clone(&before.copy.menu), ..snapshot.copy };
                    self.snapshot.store(Some(Arc::new(Snapshot::new(copy, snapshot.expires_at))));
                }
                return Installed::Same;
            }
            Some(before) if before.number() == snapshot.number() && !before.is_outdated() => return Installed::Older,
            _ => self.snapshot.store(Some(Arc::new(snapshot))),
        }
        Installed::Newer { before }
    }
}
