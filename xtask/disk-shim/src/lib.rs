//! A disk that can be slow and can lose power, for programs that know nothing of it: PostgreSQL, above all. It is a
//! library to be preloaded (`LD_PRELOAD`), whose functions take the place of C's. What it does is chosen by environment
//! variables.
//!
//! | variable | what it does |
//! | --- | --- |
//! | `COMANDA_FLUSH_DELAY_US` | `fsync`, `fdatasync` and `sync_file_range` of a file of PostgreSQL's log (one in a folder `pg_wal`) take this many microseconds more. Flushes of any other file take no longer: what is measured is a slow commit, and not a slow checkpoint. |
//! | `COMANDA_DATA_FOLDER`, `COMANDA_UNDO_FOLDER` | What is written to files below the first folder is noted in the second, so that it can be taken back unless it was flushed: `comanda_undo_journal::Journals::lose_power`. Both are absolute, without symbolic links, and apart from each other. |
//!
//! # Losing power
//!
//! The program writes to the files themselves, so everybody reads what was written, flushed or not. Before each change
//! the old bytes and the old length go to a journal; a flush that has succeeded empties the file's journal but for what
//! was written since it began. Power is lost by killing all processes at once (they are stopped first, so that none
//! is in the middle of a change) and taking back what the journals have. It is the worst case: of what was not flushed,
//! nothing is left.
//!
//! What counts as durable at once, and more than a real disk promises:
//!
//! - making, renaming, linking and deleting files and folders (but not the content of a new file);
//! - what is written in other ways than by the functions below: through `mmap`, by C's own streams (`fwrite`; PostgreSQL
//!   has statistics and caches in such files, which it makes anew after a crash), `sendfile`, `splice`,
//!   `copy_file_range`, `io_uring`, or in system calls without C's functions;
//! - what was written before the library was loaded.
//!
//! What does not count as durable, although it is: writes to files opened with `O_SYNC` or `O_DSYNC` (so leave
//! `wal_sync_method` as it is), and whatever `sync` and `syncfs` flush. `O_DIRECT` makes no difference.
//!
//! When a change cannot be noted, it is not made, and fails with the error.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("the functions are those of Linux with 64 bits");

mod changes;
mod files;
mod flushes;
mod settings;
