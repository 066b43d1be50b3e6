//! What files held before they were written to, kept until they are flushed to the disk. So a loss of power can be
//! staged: [`Journals::lose_power`] takes back whatever was not flushed.
//!
//! The library that is preloaded into a program (`disk-shim`) keeps the journals, in a folder with one file for each
//! file that was changed. A journal begins with two numbers: how often it has been emptied, and the place up to which
//! its entries have been flushed. Entries follow: the file's length before a change, the place of the change, how many
//! bytes are saved, and these bytes. All numbers have eight bytes, the lowest first.
//!
//! A file is known by its number and the moment of its creation, so renaming it changes nothing, and a file that gets
//! the number of a deleted one is another. Where a file system does not record that moment, the number alone has to do.

mod undo;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

pub use undo::Lost;

/// How long a journal is that has no entries.
const HEADER: u64 = 16;

/// The journals of all files in a folder.
pub struct Journals {
    folder: PathBuf,
}

/// Which bytes are going to be changed.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// As many from a place on.
    At(u64, u64),
    /// As many behind the last one.
    Append(u64),
    /// The file gets this length.
    Resize(u64),
}

impl Journals {
    /// The folder must exist, outside of the one whose files are changed.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Saves what the change is going to overwrite. Until the result is dropped no flush of this file begins, so that
    /// the flush either covers the change or leaves its entry alone.
    pub fn before(&self, file: &File, change: Change) -> io::Result<Saved> {
        let mut journal = self.open(&file.metadata()?, true)?.ok_or(ErrorKind::NotFound)?;
        lock(&journal)?;
        let length = file.metadata()?.len();
        let (begin, end) = match change {
            Change::At(at, count) => (at, at.saturating_add(count).min(length)),
            Change::Append(_) => (length, length),
            Change::Resize(to) => (to, length),
        };
        let mut entry = vec![0; 24];
        for (place, number) in [length, begin, end.saturating_sub(begin)].into_iter().enumerate() {
            entry[8 * place..8 * (place + 1)].copy_from_slice(&number.to_le_bytes());
        }
        if begin < end {
            entry.resize(24 + usize::try_from(end - begin).map_err(io::Error::other)?, 0);
            file.read_exact_at(&mut entry[24..], begin)?;
        }
        if journal.seek(SeekFrom::End(0))? < HEADER {
            Header { emptied: 0, flushed: HEADER }.write(&journal)?;
            journal.seek(SeekFrom::Start(HEADER))?;
        }
        journal.write_all(&entry)?;
        Ok(Saved { _journal: journal })
    }

    /// Before a file is flushed. `None`: there is nothing to flush.
    pub fn flush_begins(&self, file: &File) -> io::Result<Option<Flush>> {
        let Some(journal) = self.open(&file.metadata()?, false)? else { return Ok(None) };
        lock(&journal)?;
        let until = journal.metadata()?.len();
        let flush = if until > HEADER {
            let emptied = Header::read(&journal)?.emptied;
            Some(Flush { journal, emptied, until })
        } else {
            None
        };
        if let Some(flush) = &flush {
            flush.journal.unlock()?;
        }
        Ok(flush)
    }

    /// The journal of a file; without `make`, only if there is one.
    fn open(&self, file: &fs::Metadata, make: bool) -> io::Result<Option<File>> {
        let journal = OpenOptions::new().read(true).write(true).create(make).mode(0o600).open(self.path(file));
        match journal {
            Ok(journal) => Ok(Some(journal)),
            Err(error) if error.kind() == ErrorKind::NotFound && !make => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn path(&self, file: &fs::Metadata) -> PathBuf {
        let created = file.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        self.folder.join(format!("{}-{}", file.ino(), created.unwrap_or_default().as_nanos()))
    }

    /// Takes back every change of a file in `data`, or below it, that was not flushed, and forgets all journals. Nobody
    /// may be at work on the files.
    pub fn lose_power(&self, data: &Path) -> io::Result<Lost> {
        let mut lost = Lost::default();
        self.take_back_below(data, &mut lost)?;
        for journal in fs::read_dir(&self.folder)? {
            fs::remove_file(journal?.path())?;
        }
        Ok(lost)
    }

    fn take_back_below(&self, folder: &Path, lost: &mut Lost) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, metadata) = (entry.path(), entry.metadata()?);
            if metadata.is_dir() {
                self.take_back_below(&path, lost)?;
            } else if metadata.is_file()
                && let Some(mut journal) = self.open(&metadata, false)?
            {
                let mut bytes = Vec::new();
                journal.read_to_end(&mut bytes)?;
                lost.add(undo::take_back(&bytes, &OpenOptions::new().write(true).open(&path)?)?);
            }
        }
        Ok(())
    }
}

/// A change may be made as long as this is there.
#[must_use]
pub struct Saved {
    /// Locked.
    _journal: File,
}

/// A flush that has begun.
#[must_use]
pub struct Flush {
    journal: File,
    emptied: u64,
    /// The end of the journal at its beginning.
    until: u64,
}

impl Flush {
    /// Forgets what the flush has made durable, once it has succeeded. What was written meanwhile stays in the journal.
    pub fn is_done(self) -> io::Result<()> {
        let Self { journal, emptied, until } = self;
        lock(&journal)?;
        let header = Header::read(&journal)?;
        if header.emptied != emptied {
            // By another flush, which began later, and so has covered everything that this one has.
            return Ok(());
        }
        if journal.metadata()?.len() == until {
            Header { emptied: emptied + 1, flushed: HEADER }.write(&journal)?;
            return journal.set_len(HEADER);
        }
        Header { emptied, flushed: header.flushed.max(until) }.write(&journal)
    }
}

struct Header {
    emptied: u64,
    flushed: u64,
}

impl Header {
    fn read(journal: &File) -> io::Result<Self> {
        let mut bytes = [0; 16];
        journal.read_exact_at(&mut bytes, 0)?;
        let [emptied, flushed] = [0, 8].map(|at| undo::number(&bytes, at).unwrap_or_default());
        Ok(Self { emptied, flushed })
    }

    fn write(&self, journal: &File) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.emptied.to_le_bytes());
        bytes[8..].copy_from_slice(&self.flushed.to_le_bytes());
        journal.write_all_at(&bytes, 0)
    }
}

/// Waits for the lock, which ends with the file.
fn lock(journal: &File) -> io::Result<()> {
    loop {
        match journal.lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
