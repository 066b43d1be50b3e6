//! What an open file is.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use libc::{c_int, c_long};

/// How the kernel names an open file: a link to it.
fn link(descriptor: c_int) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{descriptor}"))
}

/// Its path. Of what is no file it is none, such as `pipe:[7]`.
pub(crate) fn path_of(descriptor: c_int) -> Option<PathBuf> {
    fs::read_link(link(descriptor)).ok()
}

/// The file itself, also if it was opened for writing alone or has been deleted. `None`: it is a folder or a device,
/// whose opening might have an effect.
pub(crate) fn reopened(descriptor: c_int) -> io::Result<Option<File>> {
    opened(&link(descriptor))
}

pub(crate) fn opened(path: &Path) -> io::Result<Option<File>> {
    if fs::metadata(path)?.is_file() { File::open(path).map(Some) } else { Ok(None) }
}

/// Where the next `write` goes to; `None`: behind the end.
pub(crate) fn position(descriptor: c_int) -> io::Result<Option<u64>> {
    // SAFETY: neither call takes a pointer.
    let (flags, position) =
        unsafe { (libc::fcntl(descriptor, libc::F_GETFL), libc::lseek(descriptor, 0, libc::SEEK_CUR)) };
    if flags & libc::O_APPEND != 0 {
        return Ok(None);
    }
    u64::try_from(position).map(Some).map_err(|_| io::Error::last_os_error())
}

pub(crate) fn errno() -> c_int {
    // SAFETY: it points to the thread's own variable.
    unsafe { *libc::__errno_location() }
}

pub(crate) fn set_errno(to: c_int) {
    // SAFETY: it points to the thread's own variable.
    unsafe { *libc::__errno_location() = to };
}

/// What a function of C returns when it fails with the error.
pub(crate) fn failed(error: &io::Error) -> c_long {
    set_errno(error.raw_os_error().unwrap_or(libc::EIO));
    -1
}
