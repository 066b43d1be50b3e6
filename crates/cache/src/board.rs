//! This process's own copy.

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
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{ItemChanges, MenuCopy},
};

/// A copy that is shown.
pub(crate) struct View {
    pub(crate) copy: MenuCopy,
    positions: HashMap<MenuItemId, usize>,
    expires_at: Instant,
    /// Something newer is known to be in the store.
    outdated: AtomicBool,
}

impl View {
    pub(crate) fn new(copy: MenuCopy, expires_at: Instant) -> Self {
        let positions = copy.menu.items.iter().enumerate().map(|(position, item)| (item.id, position)).collect();
        Self { copy, positions, expires_at, outdated: AtomicBool::new(false) }
    }

    pub(crate) fn item(&self, id: MenuItemId) -> Option<&MenuItem> {
        self.copy.menu.items.get(*self.positions.get(&id)?)
    }

    pub(crate) fn version(&self) -> u64 {
        self.copy.menu.version
    }

    /// What it has left to live; zero when it is over.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        self.expires_at.saturating_duration_since(now)
    }

    /// For how long its life has been over.
    pub(crate) fn overdue(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.expires_at)
    }

    pub(crate) fn mark_outdated(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Acquire)
    }

    /// What customers see differently in `self`, against an earlier view.
    pub(crate) fn changes_since(&self, before: &Self) -> ItemChanges {
        // The revision counts every change of the details; of the stock customers see the availability.
        let shown = |item: &MenuItem| (item.revision, item.availability());
        let items = &self.copy.menu.items;
        let changed = items.iter().filter(|item| before.item(item.id).is_none_or(|old| shown(old) != shown(item)));
        let gone = before.copy.menu.items.iter().filter(|old| !self.positions.contains_key(&old.id));
        ItemChanges::Partial { changed: changed.map(|item| item.id).collect(), gone: gone.map(|old| old.id).collect() }
    }
}

/// Where the view hangs. It is only ever replaced by a newer one.
#[derive(Default)]
pub(crate) struct Board {
    view: ArcSwapOption<View>,
    replacing: Mutex<()>,
}

/// Where a view comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The store: there was nothing newer at that moment.
    Store,
    /// What servers share.
    Shared,
}

/// What became of a view that was put up.
pub(crate) enum PutUp {
    /// It hangs, in the place of the one before.
    Newer { before: Option<Arc<View>> },
    /// The same version hangs already and was renewed.
    Same,
    /// A newer one hangs.
    Older,
}

impl Board {
    pub(crate) fn view(&self) -> Option<Arc<View>> {
        self.view.load_full()
    }

    pub(crate) fn put_up(&self, view: View, origin: Origin) -> PutUp {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.view.load_full();
        match &before {
            Some(before) if before.version() > view.version() => return PutUp::Older,
            Some(before) if before.version() == view.version() => {
                // The same menu: it stays the same `Arc`, for whoever keeps something with it.
                if view.copy.loaded_at > before.copy.loaded_at && (origin == Origin::Store || !before.is_outdated()) {
                    let copy = MenuCopy { menu: Arc::clone(&before.copy.menu), ..view.copy };
                    self.view.store(Some(Arc::new(View::new(copy, view.expires_at))));
                }
                return PutUp::Same;
            }
            _ => self.view.store(Some(Arc::new(view))),
        }
        PutUp::Newer { before }
    }
}
