//! Where things are, and what stays secret from one start to the next.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// A folder under `.comanda`, for one purpose, with a lock on it: two that shared a database folder would ruin it.
pub struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// Opens a folder whose content is kept from one start to the next.
    pub fn open(purpose: &str) -> anyhow::Result<Self> {
        let folder = folder_of(purpose);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for private in [&folder, &root().join(".comanda")] {
            fs::set_permissions(private, fs::Permissions::from_mode(0o700))?;
        }
        let lock = open_private(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another `cargo xtask {purpose}` is running in {}", folder.display())
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Opens a folder, and empties it.
    pub fn open_empty(purpose: &str) -> anyhow::Result<Self> {
        let state = Self::open(purpose)?;
        for entry in fs::read_dir(&state.folder)? {
            let path = entry?.path();
            if path.is_dir() {
                fs::remove_dir_all(&path).with_context(|| format!("cannot empty {}", path.display()))?;
            }
        }
        Ok(state)
    }

    /// Lets the programs of a group pass through, and see nothing: they run as another user when root starts them.
    pub fn let_pass(&self, group: u32) -> anyhow::Result<()> {
        for passed in [&self.folder, &root().join(".comanda")] {
            chown(passed, None, Some(group))?;
            fs::set_permissions(passed, fs::Permissions::from_mode(0o710))?;
        }
        Ok(())
    }

    /// A folder that nobody else can look into.
    pub fn private_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.path(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        Ok(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A text that is made once and then kept, readable by its owner alone.
    pub fn keep(&self, name: &str, make: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<String> {
        let path = self.path(name);
        if let Ok(kept) = fs::read_to_string(&path) {
            return Ok(kept);
        }
        let text = make()?;
        write_private(&path, &text)?;
        Ok(text)
    }
}

pub fn folder_of(purpose: &str) -> PathBuf {
    root().join(".comanda").join(purpose)
}

pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// A file that is added to, readable by its owner alone, also if it was not before.
pub fn open_private(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// 160 random bits as letters and digits.
pub fn random_secret() -> String {
    use std::fmt::Write;

    rand::random::<[u8; 20]>().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
