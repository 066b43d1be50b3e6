//! The functions that flush a file to the disk.

use std::{io, path::Path, thread};

use libc::{c_int, c_long, c_uint, off64_t};

use crate::{
    files::{errno, failed, path_of, reopened, set_errno},
    settings::{Ours, Settings},
};

/// Whether it is a file of PostgreSQL's log.
fn is_log(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("pg_wal")) && path.is_file()
}

/// Flushes, and then takes its time, and forgets what can no longer be lost.
fn flush(descriptor: c_int, makes_durable: bool, real: impl FnOnce() -> c_long) -> c_int {
    let outcome = match Ours::begin() {
        None => real(),
        Some(_ours) => flush_noting(descriptor, makes_durable, real).unwrap_or_else(|error| failed(&error)),
    };
    // 0 or -1.
    c_int::try_from(outcome).unwrap_or(-1)
}

fn flush_noting(descriptor: c_int, makes_durable: bool, real: impl FnOnce() -> c_long) -> io::Result<c_long> {
    let settings = Settings::get();
    let path = path_of(descriptor);
    let power =
        settings.power.as_ref().filter(|power| makes_durable && path.as_ref().is_some_and(|p| power.concerns(p)));
    let begun = match power {
        Some(power) => match reopened(descriptor)? {
            Some(file) => power.journals.flush_begins(&file)?,
            None => None,
        },
        None => None,
    };
    let outcome = real();
    let error = errno();
    if !settings.flush_delay.is_zero() && path.is_some_and(|path| is_log(&path)) {
        thread::sleep(settings.flush_delay);
    }
    if let Some(flush) = begun
        && outcome == 0
    {
        flush.is_done()?;
    }
    set_errno(error);
    Ok(outcome)
}

/// See fsync(2).
#[unsafe(no_mangle)]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    // SAFETY: the call takes no pointer.
    flush(descriptor, true, || unsafe { libc::syscall(libc::SYS_fsync, descriptor) })
}

/// See fsync(2).
#[unsafe(no_mangle)]
extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    // SAFETY: the call takes no pointer.
    flush(descriptor, true, || unsafe { libc::syscall(libc::SYS_fdatasync, descriptor) })
}

/// See `sync_file_range(2)`: it leaves out what says how long the file is, so nothing is durable by it.
#[unsafe(no_mangle)]
extern "C" fn sync_file_range(descriptor: c_int, at: off64_t, count: off64_t, flags: c_uint) -> c_int {
    // SAFETY: the call takes no pointer.
    flush(descriptor, false, || unsafe { libc::syscall(libc::SYS_sync_file_range, descriptor, at, count, flags) })
}
