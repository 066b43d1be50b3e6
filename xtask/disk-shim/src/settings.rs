use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use comanda_undo_journal::Journals;

/// What was asked for.
pub(crate) struct Settings {
    /// How much longer a flush of the log takes.
    pub(crate) flush_delay: Duration,
    pub(crate) power: Option<Power>,
}

/// Power that can be lost.
pub(crate) struct Power {
    data: PathBuf,
    pub(crate) journals: Journals,
}

impl Power {
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        path.starts_with(&self.data)
    }
}

impl Settings {
    pub(crate) fn get() -> &'static Self {
        static SETTINGS: OnceLock<Settings> = OnceLock::new();
        SETTINGS.get_or_init(Self::from_environment)
    }

    fn from_environment() -> Self {
        let delay = std::env::var("COMANDA_FLUSH_DELAY_US").ok().and_then(|delay| delay.parse().ok());
        let folder = |name| std::env::var_os(name).map(PathBuf::from);
        let folders = folder("COMANDA_DATA_FOLDER").zip(folder("COMANDA_UNDO_FOLDER"));
        Self {
            flush_delay: Duration::from_micros(delay.unwrap_or(0)),
            power: folders.map(|(data, undo)| Power { data, journals: Journals::in_folder(undo) }),
        }
    }
}

thread_local! {
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// While this is there, the thread's calls are the library's own, and go through.
pub(crate) struct Ours;

impl Ours {
    /// `None`: it is there already.
    pub(crate) fn begin() -> Option<Self> {
        (!IS_OURS.replace(true)).then_some(Self)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        IS_OURS.set(false);
    }
}
