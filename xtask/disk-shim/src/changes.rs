//! The functions that change what a file holds.

use std::{
    ffi::{CStr, OsStr},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    slice,
};

use comanda_undo_journal::{Change, Saved};
use libc::{c_char, c_int, c_long, c_void, iovec, mode_t, off_t, size_t, ssize_t};

use crate::{
    files::{errno, failed, opened, path_of, position, reopened, set_errno},
    settings::{Ours, Power, Settings},
};

/// Makes a change of an open file, once it is noted.
fn change(descriptor: c_int, which: impl FnOnce() -> io::Result<Change>, real: impl FnOnce() -> c_long) -> c_long {
    noting(
        |power| {
            let concerned = path_of(descriptor).filter(|path| power.concerns(path));
            let Some(file) = concerned.and_then(|_| reopened(descriptor).transpose()).transpose()? else {
                return Ok(None);
            };
            power.journals.before(&file, which()?).map(Some)
        },
        real,
    )
}

/// Makes a change of the file with this name, once it is noted.
fn change_by_name(path: &Path, to: u64, real: impl FnOnce() -> c_long) -> c_long {
    noting(
        |power| {
            // What does not exist, or must not be read, is for the call itself to refuse.
            let path = path.canonicalize().ok().filter(|path| power.concerns(path));
            let file = path.and_then(|path| opened(&path).ok().flatten());
            file.map(|file| power.journals.before(&file, Change::Resize(to))).transpose()
        },
        real,
    )
}

fn noting(note: impl FnOnce(&Power) -> io::Result<Option<Saved>>, real: impl FnOnce() -> c_long) -> c_long {
    let Some(_ours) = Ours::begin() else { return real() };
    let Some(power) = &Settings::get().power else { return real() };
    match note(power) {
        Ok(saved) => {
            let outcome = real();
            let error = errno();
            drop(saved);
            set_errno(error);
            outcome
        }
        Err(error) => failed(&error),
    }
}

fn here(descriptor: c_int, count: u64) -> io::Result<Change> {
    Ok(position(descriptor)?.map_or(Change::Append(count), |at| Change::At(at, count)))
}

/// A negative place is for the call itself to refuse.
fn number(of: off_t) -> u64 {
    u64::try_from(of).unwrap_or_default()
}

/// How many bytes the vectors have together.
///
/// # Safety
/// As for writev(2).
unsafe fn total(vectors: *const iovec, count: c_int) -> u64 {
    match usize::try_from(count) {
        // SAFETY: the caller of the function of C has promised it.
        Ok(count @ 1..) => unsafe { slice::from_raw_parts(vectors, count) }.iter().map(|v| v.iov_len as u64).sum(),
        _ => 0,
    }
}

/// # Safety
/// As for open(2).
unsafe fn path(name: *const c_char) -> PathBuf {
    // SAFETY: the caller of the function of C has promised it.
    PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

/// See write(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    let which = || here(descriptor, count as u64);
    // SAFETY: what we were given is passed on.
    change(descriptor, which, || unsafe { libc::syscall(libc::SYS_write, descriptor, bytes, count) }) as ssize_t
}

/// See pwrite(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(descriptor: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    let which = || Ok(Change::At(number(at), count as u64));
    // SAFETY: what we were given is passed on.
    change(descriptor, which, || unsafe { libc::syscall(libc::SYS_pwrite64, descriptor, bytes, count, at) }) as ssize_t
}

/// See pwrite(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(descriptor: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    // SAFETY: what we were given is passed on.
    unsafe { pwrite(descriptor, bytes, count, at) }
}

/// See writev(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, vectors: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: what we were given is passed on.
    let which = || here(descriptor, unsafe { total(vectors, count) });
    // SAFETY: what we were given is passed on.
    change(descriptor, which, || unsafe { libc::syscall(libc::SYS_writev, descriptor, vectors, count) }) as ssize_t
}

/// See pwritev(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev(descriptor: c_int, vectors: *const iovec, count: c_int, at: off_t) -> ssize_t {
    // SAFETY: what we were given is passed on.
    let which = || Ok(Change::At(number(at), unsafe { total(vectors, count) }));
    // The kernel takes the place in two halves, of which 64 bits need only the first.
    // SAFETY: what we were given is passed on.
    let real = || unsafe { libc::syscall(libc::SYS_pwritev, descriptor, vectors, count, at, 0) };
    change(descriptor, which, real) as ssize_t
}

/// See pwritev(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev64(descriptor: c_int, vectors: *const iovec, count: c_int, at: off_t) -> ssize_t {
    // SAFETY: what we were given is passed on.
    unsafe { pwritev(descriptor, vectors, count, at) }
}

/// See pwritev2(2): a negative place is where the file stands.
#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev2(
    descriptor: c_int,
    vectors: *const iovec,
    count: c_int,
    at: off_t,
    flags: c_int,
) -> ssize_t {
    let which = || {
        // SAFETY: what we were given is passed on.
        let total = unsafe { total(vectors, count) };
        if at < 0 { here(descriptor, total) } else { Ok(Change::At(number(at), total)) }
    };
    // SAFETY: what we were given is passed on.
    let real = || unsafe { libc::syscall(libc::SYS_pwritev2, descriptor, vectors, count, at, 0, flags) };
    change(descriptor, which, real) as ssize_t
}

/// See pwritev2(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev64v2(
    descriptor: c_int,
    vectors: *const iovec,
    count: c_int,
    at: off_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what we were given is passed on.
    unsafe { pwritev2(descriptor, vectors, count, at, flags) }
}

/// See ftruncate(2).
#[unsafe(no_mangle)]
extern "C" fn ftruncate(descriptor: c_int, to: off_t) -> c_int {
    let which = || Ok(Change::Resize(number(to)));
    // SAFETY: the call takes no pointer.
    change(descriptor, which, || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, to) }) as c_int
}

/// See ftruncate(2).
#[unsafe(no_mangle)]
extern "C" fn ftruncate64(descriptor: c_int, to: off_t) -> c_int {
    ftruncate(descriptor, to)
}

/// See truncate(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn truncate(name: *const c_char, to: off_t) -> c_int {
    // SAFETY: what we were given is passed on.
    let path = unsafe { path(name) };
    // SAFETY: what we were given is passed on.
    change_by_name(&path, number(to), || unsafe { libc::syscall(libc::SYS_truncate, name, to) }) as c_int
}

/// See truncate(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn truncate64(name: *const c_char, to: off_t) -> c_int {
    // SAFETY: what we were given is passed on.
    unsafe { truncate(name, to) }
}

/// See fallocate(2). Of the kinds that move what follows, everything from there on is noted.
#[unsafe(no_mangle)]
extern "C" fn fallocate(descriptor: c_int, mode: c_int, at: off_t, count: off_t) -> c_int {
    let moves = mode & (libc::FALLOC_FL_COLLAPSE_RANGE | libc::FALLOC_FL_INSERT_RANGE) != 0;
    let which = || Ok(Change::At(number(at), if moves { u64::MAX } else { number(count) }));
    // SAFETY: the call takes no pointer.
    let real = || unsafe { libc::syscall(libc::SYS_fallocate, descriptor, mode, at, count) };
    change(descriptor, which, real) as c_int
}

/// See fallocate(2).
#[unsafe(no_mangle)]
extern "C" fn fallocate64(descriptor: c_int, mode: c_int, at: off_t, count: off_t) -> c_int {
    fallocate(descriptor, mode, at, count)
}

/// See `posix_fallocate(3)`: it returns the error. Where the file system cannot allocate, it does not write zeros instead.
#[unsafe(no_mangle)]
extern "C" fn posix_fallocate(descriptor: c_int, at: off_t, count: off_t) -> c_int {
    if fallocate(descriptor, 0, at, count) == 0 { 0 } else { errno() }
}

/// See `posix_fallocate(3)`.
#[unsafe(no_mangle)]
extern "C" fn posix_fallocate64(descriptor: c_int, at: off_t, count: off_t) -> c_int {
    posix_fallocate(descriptor, at, count)
}

/// See openat(2). Only `O_TRUNC` changes what a file holds. In C the mode is an optional argument: where it is left out,
/// what is in its place is passed on, and the kernel does not look at it.
#[unsafe(no_mangle)]
unsafe extern "C" fn openat(folder: c_int, name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: what we were given is passed on.
    let real = || unsafe { libc::syscall(libc::SYS_openat, folder, name, flags, mode) };
    // Our own calls must not allocate here, and others need not.
    if flags & libc::O_TRUNC == 0 {
        return real() as c_int;
    }
    // SAFETY: what we were given is passed on.
    let path = unsafe { path(name) };
    // An absolute path stays as it is.
    let base = if folder == libc::AT_FDCWD { std::env::current_dir().ok() } else { path_of(folder) };
    change_by_name(&base.unwrap_or_default().join(path), 0, real) as c_int
}

/// See openat(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn openat64(folder: c_int, name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: what we were given is passed on.
    unsafe { openat(folder, name, flags, mode) }
}

/// See open(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn open(name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: what we were given is passed on.
    unsafe { openat(libc::AT_FDCWD, name, flags, mode) }
}

/// See open(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn open64(name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: what we were given is passed on.
    unsafe { openat(libc::AT_FDCWD, name, flags, mode) }
}

/// See creat(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn creat(name: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: what we were given is passed on.
    unsafe { openat(libc::AT_FDCWD, name, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

/// See creat(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn creat64(name: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: what we were given is passed on.
    unsafe { creat(name, mode) }
}
