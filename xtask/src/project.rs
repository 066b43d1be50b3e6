//! Where things are, and what stays secret from one start to the next.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown},
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
    /// Where the folders for all purposes are.
    base: PathBuf,
    _lock: File,
}

impl Drop for State {
    /// It is large, and the next start has its own.
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path(Self::PROGRAM));
    }
}

impl State {
    /// What [`State::keep_program`] keeps.
    const PROGRAM: &str = "comanda";

    /// Opens a folder whose content is kept from one start to the next.
    pub fn open(purpose: &str) -> anyhow::Result<Self> {
        Self::open_in(&root().join(".comanda"), purpose)
    }

    /// Changes nothing before it has the lock: another one may be at work in the folder, and has let programs of another
    /// user pass.
    fn open_in(base: &Path, purpose: &str) -> anyhow::Result<Self> {
        let folder = base.join(purpose);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        let lock = open_private(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another `cargo xtask {purpose}` is running in {}", folder.display())
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        // Of this one, the lock says nothing: those at work for another purpose stay let through.
        let permissions = fs::metadata(base)?.permissions().mode() & 0o710;
        fs::set_permissions(base, fs::Permissions::from_mode(permissions))?;
        Ok(Self { folder, base: base.to_owned(), _lock: lock })
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
        for passed in [&self.folder, &self.base] {
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

    /// A second name for a program that was built, or a copy of it: the next build, which puts another program in its
    /// place, leaves this one alone.
    pub fn keep_program(&self, built: &Path) -> anyhow::Result<PathBuf> {
        let kept = self.path(Self::PROGRAM);
        match fs::remove_file(&kept) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        if fs::hard_link(built, &kept).is_err() {
            fs::copy(built, &kept).with_context(|| format!("cannot copy {}", built.display()))?;
        }
        Ok(kept)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is deleted at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("xtask-{test}-{}", random_secret()));
            fs::create_dir(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn whoever_comes_second_leaves_the_one_at_work_alone() {
        let scratch = Scratch::new("second");
        let base = scratch.0.join(".comanda");
        let first = State::open_in(&base, "test").unwrap();
        assert_eq!((mode_of(&base), mode_of(&first.folder)), (0o700, 0o700));
        first.let_pass(nix::unistd::getegid().as_raw()).unwrap();
        assert!(State::open_in(&base, "test").is_err_and(|error| error.to_string().contains("is running")));
        assert_eq!((mode_of(&base), mode_of(&first.folder)), (0o710, 0o710), "others still pass");
        drop(State::open_in(&base, "run").unwrap());
        assert_eq!(mode_of(&base), 0o710);
        fs::set_permissions(&base, fs::Permissions::from_mode(0o755)).unwrap();
        drop(first);
        let again = State::open_in(&base, "test").unwrap();
        assert_eq!((mode_of(&base), mode_of(&again.folder)), (0o710, 0o700), "nobody looks in");
    }

    #[test]
    fn a_program_that_was_kept_outlasts_the_next_build() {
        let scratch = Scratch::new("program");
        let state = State::open_in(&scratch.0, "test").unwrap();
        let built = scratch.0.join("built");
        fs::write(&built, "first").unwrap();
        let kept = state.keep_program(&built).unwrap();
        // As a linker does, which cannot write to a program that runs.
        fs::remove_file(&built).unwrap();
        fs::write(&built, "second").unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "first");
        assert_eq!(fs::read_to_string(state.keep_program(&built).unwrap()).unwrap(), "second");
        drop(state);
        assert!(!kept.exists());
    }
}
