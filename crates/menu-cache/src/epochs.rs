//! What was shown, or shared, of a menu that the database has lost.

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use comanda_domain::ports::{MenuEpoch, MenuVersion, Unavailable};

use crate::{current::Snapshot, refresher::Refresher};

/// When the database's version was raised above copies of other epochs.
#[derive(Default)]
pub(crate) struct Raises(Mutex<RecentRaises>);

#[derive(Default)]
struct RecentRaises {
    at: Vec<Instant>,
    /// Above which copy.
    last: Option<MenuVersion>,
    /// The copy that was found last and is not of this database.
    foreign: Option<MenuVersion>,
}

impl Raises {
    /// A failover, or a restored dump, takes one. Two databases behind one Redis, which raise each other, take many.
    const AT_MOST: usize = 10;
    const PERIOD: Duration = Duration::from_mins(1);

    /// Whether there may be one above this copy now. The same copy counts once: until it is replaced, it is found again
    /// and again.
    pub(crate) fn take(&self, shared: MenuVersion) -> bool {
        let mut raises = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if raises.last == Some(shared) {
            return true;
        }
        raises.at.retain(|at| at.elapsed() < Self::PERIOD);
        let is_free = raises.at.len() < Self::AT_MOST;
        if is_free {
            raises.last = Some(shared);
            raises.at.push(Instant::now());
            if raises.at.len() == Self::AT_MOST {
                tracing::warn!("copies of other menus keep appearing in Redis: do servers of two databases share it?");
            }
        }
        is_free
    }

    /// Remembers a copy that the database does not have: once it has counted as far, or was raised above it, the copy
    /// has a number like one of its own.
    fn remember_foreign(&self, shared: MenuVersion) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).foreign = Some(shared);
    }

    fn is_foreign(&self, shared: MenuVersion) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).foreign == Some(shared)
    }
}

impl Refresher {
    /// What the database said when it last responded; `None` if it never has.
    fn in_database(&self) -> Option<MenuVersion> {
        *self.in_database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch that the database was in then.
    pub(crate) fn epoch(&self) -> Option<MenuEpoch> {
        self.in_database().map(|version| version.epoch)
    }

    pub(crate) fn responded_at(&self, version: MenuVersion) {
        *self.in_database.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    pub(crate) async fn version_in_database(&self) -> Result<MenuVersion, Unavailable> {
        let version = self.source.version().await?;
        self.responded_at(version);
        Ok(version)
    }

    /// Whether a shared copy is of the database as it is now. If it is not, the database's version is raised above it,
    /// so that it is replaced. The epoch alone does not tell: a database that was copied with its files has it, too.
    pub(crate) async fn is_of_this_database(&self, shared: MenuVersion) -> bool {
        let known = self.in_database();
        if known.is_some_and(|known| !shared.is_lost_at(known)) {
            return !self.raises.is_foreign(shared);
        }
        // It was published after it was in the database, which says so unless it has lost it.
        match self.version_in_database().await {
            Ok(version) if !shared.is_lost_at(version) => return !self.raises.is_foreign(shared),
            Ok(version) if version.could_follow(shared) => {}
            // Raised above it, the database would soon have no number left for another change.
            Ok(version) => {
                tracing::warn!(
                    number = shared.number,
                    in_database = version.number,
                    "a copy of the menu in Redis has a number that no menu can have: it is dropped"
                );
                self.discard(shared.number).await;
                return false;
            }
            // Nobody can say whether the database still has it; what could not be shown otherwise is shown.
            Err(_) => {
                return known.is_none_or(|known| known.epoch == shared.epoch && known.could_follow(shared));
            }
        }
        self.raises.remember_foreign(shared);
        // Until then this server loads its menu itself, and publishes none.
        if !self.raises.take(shared) {
            return false;
        }
        self.pending.publish_everything.store(true, Ordering::Release);
        if let Err(error) = self.source.succeed(shared).await {
            tracing::debug!(%error, "a copy of a lost menu stays in Redis until the next change");
        }
        false
    }

    /// The database, asked after a version was shown, says less or is in another epoch: it may have lost what was
    /// shown. Its version is raised above the lost one, so that every server, and the copies in Redis, follow it as
    /// they follow any change.
    pub(crate) fn take_down(&self, shown: &Snapshot, in_database: MenuVersion) {
        if !shown.is_outdated() {
            tracing::warn!(
                shown = shown.number(),
                in_database = in_database.number,
                "the database may have lost menus that were shown, as after a failover or a restore: its own is shown"
            );
        }
        shown.mark_outdated();
        self.pending.publish_everything.store(true, Ordering::Release);
    }

    /// Drops what is shown, as the database's version cannot be raised above its number: it comes from a damaged copy,
    /// or the version was put right by hand.
    pub(crate) async fn forget(&self, shown: &Snapshot) {
        self.let_go(shown);
        self.discard(shown.number()).await;
    }

    /// Drops what is shown, so that the database's menu takes its place whatever its number.
    pub(crate) fn let_go(&self, shown: &Snapshot) {
        self.current.forget(shown.number());
        self.pending.version.store(0, Ordering::Release);
    }

    /// Drops a number in Redis that the database has not reached and for which there is no copy, or none that can be
    /// read: it would keep every copy out of Redis.
    pub(crate) async fn drop_if_empty(&self, number: u64, in_database: MenuVersion) {
        if number > in_database.number && matches!(self.cache.whole().await, Ok(None)) {
            self.discard(number).await;
            self.pending.publication.store(true, Ordering::Release);
        }
    }

    async fn discard(&self, number: u64) {
        // The items' own entries of that number are discarded with it.
        self.pending.publish_everything.store(true, Ordering::Release);
        if let Err(error) = self.cache.discard(number).await {
            tracing::debug!(%error, "a copy that no menu can have stays in Redis until the next poll");
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_copy_counts_once_and_ever_new_ones_are_left_alone() {
        let raises = Raises::default();
        let copy = |number| MenuVersion { epoch: MenuEpoch::new(Uuid::nil()), number };
        for _ in 0..100 {
            assert!(raises.take(copy(1)));
        }
        let above_others = (2..100).filter(|number| raises.take(copy(*number))).count();
        assert_eq!(above_others, Raises::AT_MOST - 1);
    }
}
