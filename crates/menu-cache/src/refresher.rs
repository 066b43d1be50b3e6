//! Keeps this process's snapshot current, and the copy that all servers share.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_domain::{
    FeatureFlag, MenuItemId, Timestamp,
    ports::{
        Clock, FeatureFlags, ItemChanges, LiveMenu, LoadLease, Menu, MenuCache, MenuCopy, MenuNotification, MenuSource,
        MenuVersion, Unavailable,
    },
};
use rand::RngExt;
use tokio::{
    runtime::Handle,
    sync::{Mutex, Notify},
    time::MissedTickBehavior,
};
use tracing::Instrument;

use crate::{
    current::{Current, Installed, Origin, Snapshot},
    early_renewal,
    epochs::Raises,
    memoized_flag::MemoizedFlag,
    metrics::Metrics,
};

/// How long snapshots are shown.
#[derive(Clone, Copy, Debug)]
pub struct CacheTerms {
    /// A snapshot is renewed after this time even if nothing has changed.
    pub lifetime: Duration,
    /// How long after its lifetime a snapshot is still shown if it cannot be renewed.
    pub stale: Duration,
}

/// How often the version in the database is compared with the snapshot's, in case a notification was lost or a server
/// died before it sent one. Also the pause after a refresh that failed.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The least time between two refreshes in the background, so that a rush of orders does not cause a rush of loads.
const MIN_RELOAD_INTERVAL: Duration = Duration::from_millis(50);

/// How often the shared copy is looked for while another server loads it.
const LEASE_POLL: Duration = Duration::from_millis(10);

/// The longest to wait for another server's load. Its lease has expired by then.
const LEASE_TIMEOUT: Duration = Duration::from_millis(3500);

/// What stands behind a [`crate::CachedMenu`].
pub(crate) struct Refresher {
    pub(crate) menu: Arc<dyn Menu>,
    pub(crate) live_menu: Arc<dyn LiveMenu>,
    pub(crate) source: Arc<dyn MenuSource>,
    pub(crate) cache: Arc<dyn MenuCache>,
    pub(crate) flags: Arc<dyn FeatureFlags>,
    pub(crate) clock: Arc<dyn Clock>,
    terms: CacheTerms,
    /// Carries out what must end even if the caller, or the runtime of an actix worker, does not wait for it.
    pub(crate) runtime: Handle,
    pub(crate) current: Current,
    /// The version that the database was at when it last responded.
    pub(crate) in_database: std::sync::Mutex<Option<MenuVersion>>,
    /// The newest version that was read past the snapshots, as the flag has some reads do; zero if there is none. No
    /// snapshot with a lower number is shown any more.
    shown_live: AtomicU64,
    pub(crate) raises: Raises,
    pub(crate) metrics: Metrics,
    /// Whether snapshots are read at all.
    reads_snapshots: MemoizedFlag,
    /// Held by the reader that loads when there is no snapshot to show; the other readers queue for it.
    filling: Mutex<LastFilling>,
    /// How many fills have failed. A reader that waited for a failed fill fails too, instead of trying in its turn.
    failures: AtomicU64,
    /// Held while loading after a change by this process. Contains the time at which the last such load began.
    loading: Mutex<Option<Instant>>,
    pub(crate) pending: Pending,
}

/// What the background has been asked to do.
///
/// A request says what it needs, not just that something has to be done: it may be made while a load that meets it is
/// already under way, and must not cause another load then.
#[derive(Default)]
pub(crate) struct Pending {
    wake: Notify,
    /// When this process last changed the menu, if that is not known to be shown.
    own_change: std::sync::Mutex<Option<Instant>>,
    /// The number of the newest version that is known to exist.
    pub(crate) version: AtomicU64,
    /// Copies that were loaded up to this moment have to be renewed, changed or not. In milliseconds; zero means none.
    renewal: AtomicI64,
    /// The shared copy is lost and has to be published again.
    pub(crate) publication: AtomicBool,
    /// The last publication failed, so it is not known which of the items' own entries are right.
    pub(crate) publish_everything: AtomicBool,
}

/// How the last filling failed, if it did.
#[derive(Clone, Copy, Default)]
enum LastFilling {
    #[default]
    Unavailable,
    Panicked,
}

/// Which copies are good enough.
#[derive(Clone, Copy)]
enum Need {
    Any,
    Version(u64),
    LoadedAfter(Timestamp),
}

impl Need {
    fn is_met_by(self, copy: &MenuCopy) -> bool {
        match self {
            Self::Any => true,
            Self::Version(number) => copy.menu.version.number >= number,
            Self::LoadedAfter(moment) => copy.loaded_at > moment,
        }
    }
}

impl Refresher {
    /// Must be called within a tokio runtime.
    pub(crate) fn new(
        menu: Arc<dyn Menu>,
        live_menu: Arc<dyn LiveMenu>,
        source: Arc<dyn MenuSource>,
        cache: Arc<dyn MenuCache>,
        flags: Arc<dyn FeatureFlags>,
        clock: Arc<dyn Clock>,
        terms: CacheTerms,
    ) -> Self {
        Self {
            menu,
            live_menu,
            source,
            cache,
            flags,
            clock,
            terms,
            runtime: Handle::current(),
            current: Current::default(),
            in_database: std::sync::Mutex::default(),
            shown_live: AtomicU64::new(0),
            raises: Raises::default(),
            metrics: Metrics::new(),
            reads_snapshots: MemoizedFlag::new(FeatureFlag::MenuCache),
            filling: Mutex::default(),
            failures: AtomicU64::new(0),
            loading: Mutex::new(None),
            pending: Pending::default(),
        }
    }

    /// The snapshot, if there is one that may be shown now.
    pub(crate) fn shown(&self) -> Option<Arc<Snapshot>> {
        let snapshot = self.current.snapshot()?;
        let now = Instant::now();
        let is_passed = snapshot.number() < self.shown_live.load(Ordering::Acquire);
        if snapshot.is_outdated() || is_passed || snapshot.overdue(now) > self.terms.stale {
            return None;
        }
        let chance = rand::rng().random_range(0.0..1.0);
        if early_renewal::is_due(snapshot.left(now), snapshot.copy.load_took, chance) {
            self.request_renewal(snapshot.copy.loaded_at);
        }
        Some(snapshot)
    }

    /// A customer is about to see this version, which was read past the snapshots.
    pub(crate) fn passed_by(&self, version: MenuVersion) {
        self.shown_live.fetch_max(version.number, Ordering::AcqRel);
    }

    /// Whether this process has shown a menu to anybody.
    pub(crate) fn has_shown_some(&self) -> bool {
        self.current.snapshot().is_some() || self.shown_live.load(Ordering::Acquire) > 0
    }

    pub(crate) async fn reads_snapshots(&self) -> bool {
        self.reads_snapshots.is_on(&*self.flags).await
    }

    /// Waits for a snapshot. One reader gets it from the database or the shared copy; the others wait for that one.
    pub(crate) async fn filled(self: &Arc<Self>) -> Result<Arc<Snapshot>, Unavailable> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut last = self.filling.lock().await;
        if let Some(snapshot) = self.shown() {
            return Ok(snapshot);
        }
        if self.failures.load(Ordering::Acquire) != failures {
            match *last {
                LastFilling::Unavailable => return Err(Unavailable::new("the menu could not be loaded")),
                LastFilling::Panicked => comanda_task::given_up("loading the menu"),
            }
        }
        let passed_by = self.shown_live.load(Ordering::Acquire);
        let need = match self.current.snapshot() {
            None if passed_by > 0 => Need::Version(passed_by),
            None => Need::Any,
            Some(snapshot) if snapshot.number() < passed_by => Need::Version(passed_by),
            Some(snapshot) if snapshot.is_outdated() => Need::Version(snapshot.number() + 1),
            Some(snapshot) => Need::LoadedAfter(snapshot.copy.loaded_at),
        };
        // In a task of its own, which returns the lease even if this reader hangs up.
        let inner = Arc::clone(self);
        let filling =
            self.runtime.spawn(comanda_task::caught(async move { inner.obtain(need).await }).in_current_span());
        let filled = comanda_task::caught(comanda_task::finished(filling)).await;
        if !matches!(filled, Ok(Ok(Ok(())))) {
            *last = if filled.is_ok() { LastFilling::Unavailable } else { LastFilling::Panicked };
            self.failures.fetch_add(1, Ordering::AcqRel);
        }
        filled.unwrap_or_else(|panic| panic.resume()).map_err(Unavailable::new)??;
        self.current.snapshot().ok_or_else(|| Unavailable::new("there is no menu"))
    }

    /// Installs a copy that meets the need: the shared one, or one loaded under the lease for all servers.
    async fn obtain(&self, need: Need) -> Result<(), Unavailable> {
        let begin = Instant::now();
        while begin.elapsed() < LEASE_TIMEOUT {
            match self.adopt_shared(need).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(_) => break,
            }
            match self.cache.take_lease().await {
                Ok(Some(lease)) => {
                    // Another server may have published between the read of the shared copy and the lease.
                    let obtained = match self.adopt_shared(need).await {
                        Ok(true) => Ok(()),
                        _ => self.load_and_publish().await,
                    };
                    self.return_lease(lease).await;
                    return obtained;
                }
                Ok(None) => tokio::time::sleep(LEASE_POLL).await,
                Err(_) => break,
            }
        }
        self.load_and_publish().await
    }

    async fn return_lease(&self, lease: LoadLease) {
        if let Err(error) = self.cache.return_lease(lease).await {
            tracing::debug!(%error, "a lease was not returned; it will expire");
        }
    }

    /// Installs the shared copy if it meets the need; returns whether it does.
    async fn adopt_shared(&self, need: Need) -> Result<bool, Unavailable> {
        match self.cache.whole().await? {
            Some(copy) if need.is_met_by(&copy) && self.is_of_this_database(copy.menu.version).await => {
                self.metrics.shared.increment(1);
                self.current.install(self.snapshot_of(copy), Origin::Shared);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn snapshot_of(&self, copy: MenuCopy) -> Snapshot {
        let age = (self.clock.now() - copy.loaded_at).to_std().unwrap_or_default();
        let lifetime = self.terms.lifetime.mul_f64(rand::rng().random_range(0.9..1.1)).saturating_sub(age);
        Snapshot::new(copy, Instant::now() + lifetime)
    }

    /// Loads the menu from the database, installs it and publishes it for the other servers.
    async fn load_and_publish(&self) -> Result<(), Unavailable> {
        let shown = self.current.snapshot();
        let passed_by = self.shown_live.load(Ordering::Acquire);
        let (loaded_at, begin) = (self.clock.now(), Instant::now());
        self.metrics.loads.increment(1);
        let mut menu = self.source.load().await?;
        if let Some(shown) = shown.filter(|shown| shown.version().is_lost_at(menu.version)) {
            self.take_down(&shown, menu.version);
            if !menu.version.could_follow(shown.version()) {
                self.forget(&shown).await;
            } else if self.raises.take(shown.version()) {
                self.source.succeed(shown.version()).await?;
                menu = self.source.load().await?;
            } else {
                // Another database's, which is not raced: until there may be another raise, the menu is not shared.
                self.let_go(&shown);
            }
        }
        self.responded_at(menu.version);
        if menu.version.number < passed_by {
            // The database has lost what was shown.
            let number = menu.version.number;
            let _ = self.shown_live.compare_exchange(passed_by, number, Ordering::AcqRel, Ordering::Acquire);
        }
        let menu = Arc::new(menu);
        let copy = MenuCopy { menu, loaded_at, load_took: begin.elapsed() };
        match self.current.install(self.snapshot_of(copy), Origin::Database) {
            Installed::Newer { before } => {
                let Some(snapshot) = self.current.snapshot() else { return Ok(()) };
                let changes = before.map_or(ItemChanges::Everything, |before| snapshot.changes_since(&before));
                self.publish(&snapshot.copy, changes).await;
            }
            // Whoever installed this version first has published it; this renews its lifetime.
            Installed::Same => {
                if let Some(snapshot) = self.current.snapshot() {
                    let nothing = ItemChanges::Partial { changed: Vec::new(), gone: Vec::new() };
                    self.publish(&snapshot.copy, nothing).await;
                }
            }
            Installed::Older => {}
        }
        Ok(())
    }

    async fn publish(&self, copy: &MenuCopy, changes: ItemChanges) {
        let changes = match changes {
            ItemChanges::Partial { changed, gone } if self.publishes_partially(&changed, &gone).await => {
                ItemChanges::Partial { changed, gone }
            }
            _ => ItemChanges::Everything,
        };
        match self.cache.publish(copy, &changes).await {
            Ok(()) if changes == ItemChanges::Everything => {
                self.pending.publish_everything.store(false, Ordering::Release);
            }
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(
                    %error, version = copy.menu.version.number,
                    "the menu was not published; other servers will find the change when they poll the database"
                );
                self.pending.publish_everything.store(true, Ordering::Release);
            }
        }
    }

    async fn publishes_partially(&self, changed: &[MenuItemId], gone: &[MenuItemId]) -> bool {
        if self.pending.publish_everything.load(Ordering::Acquire) {
            return false;
        }
        for id in changed.iter().chain(gone) {
            if !self.flags.is_on(FeatureFlag::PartialInvalidation, &id.to_string()).await {
                return false;
            }
        }
        true
    }

    /// Returns once this process shows everything that was committed before that moment, or `false` if it cannot.
    pub(crate) async fn show_own_change(&self, committed: Instant) -> bool {
        let mut last = self.loading.lock().await;
        if last.is_some_and(|began| began > committed) {
            return true;
        }
        let began = Instant::now();
        match self.load_and_publish().await {
            Ok(()) => {
                *last = Some(began);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the menu cannot be loaded after a change");
                self.request_own_change(committed);
                false
            }
        }
    }

    /// This process changed the menu at that moment; the background loads the change.
    pub(crate) fn request_own_change(&self, committed: Instant) {
        let mut own_change = self.pending.own_change.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = own_change.is_none();
        *own_change = (*own_change).max(Some(committed));
        if is_first {
            self.pending.wake.notify_one();
        }
    }

    /// The background renews a copy that was loaded at or before that moment.
    fn request_renewal(&self, loaded_until: Timestamp) {
        let loaded_until = loaded_until.timestamp_millis();
        if self.pending.renewal.fetch_max(loaded_until, Ordering::AcqRel) < loaded_until {
            self.pending.wake.notify_one();
        }
    }

    /// Runs what is pending, and polls; never returns. Calls `on_success` after every round in which everything could
    /// be done.
    pub(crate) async fn run(&self, mut on_success: impl FnMut()) {
        let mut poll = tokio::time::interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut database_answers = true;
        loop {
            tokio::select! {
                () = self.pending.wake.notified() => {}
                // A panic in one of the two is reported, and is a failure of that one.
                _ = poll.tick() => database_answers = comanda_task::caught(self.poll()).await.unwrap_or(false),
            }
            let done = comanda_task::caught(self.run_pending()).await.unwrap_or(false) && database_answers;
            if done {
                on_success();
            }
            tokio::time::sleep(if done { MIN_RELOAD_INTERVAL } else { POLL_INTERVAL }).await;
        }
    }

    /// Compares the snapshot with the database and with the shared copy. Returns whether the database could be asked.
    pub(crate) async fn poll(&self) -> bool {
        let snapshot = self.current.snapshot();
        let in_database = self.version_in_database().await;
        let Some(snapshot) = snapshot else { return in_database.is_ok() };
        if let Ok(version) = in_database
            && snapshot.version().is_lost_at(version)
        {
            self.take_down(&snapshot, version);
            self.pending.version.fetch_max(snapshot.number() + 1, Ordering::AcqRel);
            return true;
        }
        if let Ok(MenuVersion { number, .. }) = in_database
            && self.pending.version.fetch_max(number, Ordering::AcqRel).max(number) > snapshot.number()
        {
            // This process comes first: asking Redis may take a while.
            return true;
        }
        match self.cache.version().await {
            // Another server knows of a newer version than the database has just told this one. Its copy is worth
            // having, but only the database is a reason to load: Redis may have kept the version and lost the copy.
            Ok(Some(version)) if version > snapshot.number() => {
                let adopted = self.adopt_shared(Need::Version(version)).await;
                if let (Ok(false), Ok(in_database)) = (adopted, &in_database) {
                    self.drop_if_empty(version, *in_database).await;
                }
            }
            Ok(Some(version)) if version == snapshot.number() => {}
            // Redis has an older one. Nobody knows whether the database still has this one.
            Ok(Some(_)) if in_database.is_err() => {}
            // Redis has lost the shared copy, or it is being published just now.
            Ok(_) => self.pending.publication.store(true, Ordering::Release),
            Err(_) => {}
        }
        in_database.is_ok()
    }

    /// Returns whether everything that was pending could be done.
    pub(crate) async fn run_pending(&self) -> bool {
        let mut done = true;
        let own_change = self.pending.own_change.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(committed) = own_change {
            done = self.show_own_change(committed).await;
        }
        let Some(snapshot) = self.current.snapshot() else {
            self.pending.renewal.store(0, Ordering::Release);
            return done;
        };
        let wanted = self.pending.version.load(Ordering::Acquire);
        let mut renewal = 0;
        let need = if wanted > snapshot.number() {
            Some(Need::Version(wanted))
        } else {
            renewal = self.pending.renewal.swap(0, Ordering::AcqRel);
            // A load that was under way when the request was made may have met it.
            let is_met = snapshot.copy.loaded_at.timestamp_millis() > renewal;
            (!is_met).then_some(Need::LoadedAfter(snapshot.copy.loaded_at))
        };
        if let Some(need) = need
            && let Err(cause) = self.obtain(need).await
        {
            tracing::warn!(%cause, "the menu cannot be refreshed; the previous snapshot is still shown");
            self.pending.renewal.fetch_max(renewal, Ordering::AcqRel);
            done = false;
        } else if let Some(snapshot) = self.current.snapshot() {
            // The database is the authority: the newer version we were notified of is not one of this menu.
            let shown = snapshot.number();
            if wanted > shown {
                let _ = self.pending.version.compare_exchange(wanted, shown, Ordering::AcqRel, Ordering::Acquire);
            }
        }
        if self.pending.publication.swap(false, Ordering::AcqRel) {
            self.publish_again().await;
        }
        done
    }

    /// Publishes the snapshot if the shared copy is still missing once this process holds the lease.
    async fn publish_again(&self) {
        let Ok(Some(lease)) = self.cache.take_lease().await else { return };
        if let Some(snapshot) = self.current.snapshot()
            && let Ok(shared) = self.cache.version().await
            && shared.is_none_or(|version| version < snapshot.number())
        {
            self.publish(&snapshot.copy, ItemChanges::Everything).await;
        }
        self.return_lease(lease).await;
    }

    pub(crate) fn on_notification(&self, notification: MenuNotification) {
        match notification {
            MenuNotification::Version(version) => {
                self.pending.version.fetch_max(version, Ordering::AcqRel);
                self.pending.wake.notify_one();
            }
            MenuNotification::Invalidated => {
                self.pending.publish_everything.store(true, Ordering::Release);
                // The clock of the server that loaded the snapshot may be ahead of this one's.
                let now = self.clock.now();
                let loaded_at = self.current.snapshot().map_or(now, |snapshot| snapshot.copy.loaded_at);
                self.request_renewal(now.max(loaded_at));
            }
            // The next poll finds out.
            MenuNotification::PossiblyMissed => self.pending.wake.notify_one(),
        }
    }
}
