//! Keeping this process's copy current, and the one that all servers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_domain::{
    Timestamp,
    feature_flag::FeatureFlag,
    ids::MenuItemId,
    ports::{Clock, FeatureFlags, ItemChanges, LoadLease, Menu, MenuCache, MenuCopy, MenuNews, Unavailable},
};
use rand::RngExt;
use tokio::{
    runtime::Handle,
    sync::{Mutex, Notify},
    time::MissedTickBehavior,
};

use crate::{
    board::{Board, Origin, PutUp, View},
    early_renewal,
    layers::Layers,
    remembered_flag::RememberedFlag,
};

/// How long copies are shown.
#[derive(Clone, Copy, Debug)]
pub struct CacheTerms {
    /// After this a copy is renewed, changed or not.
    pub lifetime: Duration,
    /// For so long after its lifetime a copy is shown when it cannot be renewed.
    pub stale: Duration,
}

/// How often the version in the store is looked at, in case news were lost or a server died before it told of its change.
const LOOK: Duration = Duration::from_millis(500);

/// The least time between two loads that orders cause.
const BREATH: Duration = Duration::from_millis(50);

/// How often one who waits for another server's load looks for it.
const GLANCE: Duration = Duration::from_millis(10);

/// The longest one waits for another server's load: by then its lease is over.
const PATIENCE: Duration = Duration::from_millis(3500);

/// What stands behind a [`crate::CachedMenu`].
pub(crate) struct Keeper {
    pub(crate) menu: Arc<dyn Menu>,
    pub(crate) cache: Arc<dyn MenuCache>,
    pub(crate) flags: Arc<dyn FeatureFlags>,
    clock: Arc<dyn Clock>,
    terms: CacheTerms,
    pub(crate) runtime: Handle,
    pub(crate) board: Board,
    pub(crate) layers: Layers,
    /// Whether copies are read at all.
    reads_copies: RememberedFlag,
    /// Held by who fills an empty board.
    filling: Mutex<()>,
    /// How often filling has failed: who waited for it fails with it, instead of trying in turn.
    failures: AtomicU64,
    /// Held by who loads after a change of this process's own: when the last such load began.
    loading: Mutex<Option<Instant>>,
    wishes: Wishes,
}

/// What the background has been asked to do.
#[derive(Default)]
pub(crate) struct Wishes {
    wake: Notify,
    own_change: AtomicBool,
    version: AtomicU64,
    renewal: AtomicBool,
    sharing: AtomicBool,
    /// The last sharing failed: which entries are right is not known.
    share_everything: AtomicBool,
}

/// What a copy must be to be of use.
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
            Self::Version(version) => copy.menu.version >= version,
            Self::LoadedAfter(moment) => copy.loaded_at > moment,
        }
    }
}

impl Keeper {
    /// Starts to keep copies current, within a tokio runtime, for as long as that runs.
    pub(crate) fn start(
        menu: Arc<dyn Menu>,
        cache: Arc<dyn MenuCache>,
        flags: Arc<dyn FeatureFlags>,
        clock: Arc<dyn Clock>,
        terms: CacheTerms,
    ) -> Arc<Self> {
        let keeper = Arc::new(Self {
            menu,
            cache,
            flags,
            clock,
            terms,
            runtime: Handle::current(),
            board: Board::default(),
            layers: Layers::new(),
            reads_copies: RememberedFlag::new(FeatureFlag::MenuCache),
            filling: Mutex::new(()),
            failures: AtomicU64::new(0),
            loading: Mutex::new(None),
            wishes: Wishes::default(),
        });
        tokio::spawn(Arc::clone(&keeper).keep_current());
        keeper
    }

    /// The view to show now, if there is one that may be shown.
    pub(crate) fn shown(&self) -> Option<Arc<View>> {
        let view = self.board.view()?;
        let now = Instant::now();
        if view.is_outdated() || view.overdue(now) > self.terms.stale {
            return None;
        }
        let chance = rand::rng().random_range(0.0..1.0);
        if early_renewal::is_due(view.left(now), view.copy.load_took, chance) {
            self.wish(&self.wishes.renewal);
        }
        Some(view)
    }

    pub(crate) async fn reads_copies(&self) -> bool {
        self.reads_copies.is_on(&*self.flags).await
    }

    /// Waits for a view: one waits for the store or the shared copy, the others for that one.
    pub(crate) async fn filled(self: &Arc<Self>) -> Result<Arc<View>, Unavailable> {
        let failures = self.failures.load(Ordering::Acquire);
        let _one_at_a_time = self.filling.lock().await;
        if let Some(view) = self.shown() {
            return Ok(view);
        }
        if self.failures.load(Ordering::Acquire) != failures {
            return Err(Unavailable::new("the menu could not be loaded"));
        }
        let need = match self.board.view() {
            None => Need::Any,
            Some(view) if view.is_outdated() => Need::Version(view.version() + 1),
            Some(view) => Need::LoadedAfter(view.copy.loaded_at),
        };
        // In a task of its own, which gives the lease back even when this reader hangs up.
        let inner = Arc::clone(self);
        let filling = self.runtime.spawn(async move { inner.obtain(need).await });
        let filled = filling.await.unwrap_or_else(|gone| Err(Unavailable::new(gone)));
        if filled.is_err() {
            self.failures.fetch_add(1, Ordering::AcqRel);
        }
        filled?;
        self.board.view().ok_or_else(|| Unavailable::new("there is no menu"))
    }

    /// Gets a copy that meets the need onto the board: the shared one, or one loaded under the lease, for everybody.
    async fn obtain(&self, need: Need) -> Result<(), Unavailable> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.adopt_shared(need).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(_) => break,
            }
            match self.cache.take_lease().await {
                Ok(Some(lease)) => {
                    // Somebody may have loaded between the look and the lease.
                    let obtained = match self.adopt_shared(need).await {
                        Ok(true) => Ok(()),
                        _ => self.load_and_share().await,
                    };
                    self.give_back(lease).await;
                    return obtained;
                }
                Ok(None) => tokio::time::sleep(GLANCE).await,
                Err(_) => break,
            }
        }
        self.load_and_share().await
    }

    async fn give_back(&self, lease: LoadLease) {
        if let Err(error) = self.cache.return_lease(lease).await {
            tracing::debug!(%error, "a lease was not returned; it ends by itself");
        }
    }

    async fn adopt_shared(&self, need: Need) -> Result<bool, Unavailable> {
        match self.cache.whole().await? {
            Some(copy) if need.is_met_by(&copy) => {
                self.layers.shared.increment(1);
                self.board.put_up(self.view_of(copy), Origin::Shared);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn view_of(&self, copy: MenuCopy) -> View {
        let age = (self.clock.now() - copy.loaded_at).to_std().unwrap_or_default();
        let lifetime = self.terms.lifetime.mul_f64(rand::rng().random_range(0.9..1.1)).saturating_sub(age);
        View::new(copy, Instant::now() + lifetime)
    }

    /// From the store, by this process.
    async fn load_and_share(&self) -> Result<(), Unavailable> {
        let (loaded_at, begin) = (self.clock.now(), Instant::now());
        self.layers.loads.increment(1);
        let menu = Arc::new(self.menu.whole_to_copy().await?);
        let copy = MenuCopy { menu, loaded_at, load_took: begin.elapsed() };
        match self.board.put_up(self.view_of(copy), Origin::Store) {
            PutUp::Newer { before } => {
                let Some(view) = self.board.view() else { return Ok(()) };
                let changes = before.map_or(ItemChanges::Everything, |before| view.changes_since(&before));
                self.share(&view.copy, changes).await;
            }
            // Shared already, by whoever put it up first; its life begins anew.
            PutUp::Same => {
                if let Some(view) = self.board.view() {
                    let nothing = ItemChanges::Partial { changed: Vec::new(), gone: Vec::new() };
                    self.share(&view.copy, nothing).await;
                }
            }
            PutUp::Older => {}
        }
        Ok(())
    }

    async fn share(&self, copy: &MenuCopy, changes: ItemChanges) {
        let changes = match changes {
            ItemChanges::Partial { changed, gone } if self.renews_partially(&changed, &gone).await => {
                ItemChanges::Partial { changed, gone }
            }
            _ => ItemChanges::Everything,
        };
        match self.cache.publish(copy, &changes).await {
            Ok(()) if changes == ItemChanges::Everything => {
                self.wishes.share_everything.store(false, Ordering::Release);
            }
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(%error, version = copy.menu.version, "the menu is not shared; other servers find out by themselves");
                self.wishes.share_everything.store(true, Ordering::Release);
            }
        }
    }

    async fn renews_partially(&self, changed: &[MenuItemId], gone: &[MenuItemId]) -> bool {
        if self.wishes.share_everything.load(Ordering::Acquire) {
            return false;
        }
        for id in changed.iter().chain(gone) {
            if !self.flags.is_on(FeatureFlag::PartialInvalidation, &id.to_string()).await {
                return false;
            }
        }
        true
    }

    /// Returns when this process shows everything that was committed before the call; says whether it does.
    pub(crate) async fn show_own_change(&self) -> bool {
        let committed = Instant::now();
        let mut last = self.loading.lock().await;
        if last.is_some_and(|began| began > committed) {
            return true;
        }
        let began = Instant::now();
        match self.load_and_share().await {
            Ok(()) => {
                *last = Some(began);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the menu cannot be loaded after a change");
                self.wish(&self.wishes.own_change);
                false
            }
        }
    }

    fn wish(&self, what: &AtomicBool) {
        if !what.swap(true, Ordering::AcqRel) {
            self.wishes.wake.notify_one();
        }
    }

    async fn keep_current(self: Arc<Self>) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.wishes.wake.notified() => {}
                _ = look.tick() => self.look().await,
            }
            let fulfilled = self.fulfil().await;
            tokio::time::sleep(if fulfilled { BREATH } else { LOOK }).await;
        }
    }

    /// Compares what is shown here with the store and with what is shared.
    async fn look(&self) {
        let Some(view) = self.board.view() else { return };
        if let Ok(version) = self.menu.version().await
            && self.wishes.version.fetch_max(version, Ordering::AcqRel).max(version) > view.version()
        {
            // First things first: Redis may keep one waiting.
            return;
        }
        match self.cache.version().await {
            Ok(Some(version)) if version >= view.version() => {
                self.wishes.version.fetch_max(version, Ordering::AcqRel);
            }
            // Redis has lost it.
            Ok(_) => self.wishes.sharing.store(true, Ordering::Release),
            Err(_) => {}
        }
    }

    /// Says whether everything could be done.
    async fn fulfil(&self) -> bool {
        let mut fulfilled = true;
        if self.wishes.own_change.swap(false, Ordering::AcqRel) {
            fulfilled = self.show_own_change().await;
        }
        let Some(view) = self.board.view() else {
            self.wishes.renewal.store(false, Ordering::Release);
            return fulfilled;
        };
        let wanted = self.wishes.version.load(Ordering::Acquire);
        let need = if wanted > view.version() {
            Some(Need::Version(wanted))
        } else if self.wishes.renewal.swap(false, Ordering::AcqRel) {
            Some(Need::LoadedAfter(view.copy.loaded_at))
        } else {
            None
        };
        if let Some(need) = need
            && let Err(error) = self.obtain(need).await
        {
            tracing::warn!(%error, "the menu cannot be renewed; it is shown as it was");
            fulfilled = false;
        } else if let Some(view) = self.board.view() {
            // The store knows best: what was told of a newer version was no news of this menu.
            let (told, shown) = (wanted, view.version());
            if told > shown {
                let _ = self.wishes.version.compare_exchange(told, shown, Ordering::AcqRel, Ordering::Acquire);
            }
        }
        if self.wishes.sharing.swap(false, Ordering::AcqRel)
            && let Some(view) = self.board.view()
            && let Ok(Some(lease)) = self.cache.take_lease().await
        {
            self.share(&view.copy, ItemChanges::Everything).await;
            self.give_back(lease).await;
        }
        fulfilled
    }

    /// Something was changed by this process; it is loaded soon.
    pub(crate) fn own_change(&self) {
        self.wish(&self.wishes.own_change);
    }

    pub(crate) fn heard(&self, news: MenuNews) {
        match news {
            MenuNews::Version(version) => {
                self.wishes.version.fetch_max(version, Ordering::AcqRel);
                self.wishes.wake.notify_one();
            }
            MenuNews::Renew => {
                self.wishes.share_everything.store(true, Ordering::Release);
                self.wish(&self.wishes.renewal);
            }
            // The next look finds out.
            MenuNews::PerhapsMissed => self.wishes.wake.notify_one(),
        }
    }
}
