//! A staged loss of power takes exactly what was not flushed. Otherwise `cargo xtask crashes` would prove nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{IoSlice, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_tests::{Power, PoweredPostgres};
use uuid::Uuid;

/// A folder that is deleted at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Self {
        let folder = parent.join(format!("comanda-disk-{}", Uuid::now_v7()));
        for name in ["data/pg_wal", "undo", "elsewhere"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn power(&self) -> Power {
        let shim = std::env::var_os("TEST_DISK_SHIM").expect("run the tests by `cargo xtask test`");
        Power::of(shim.into(), &self.path("data"), &self.path("undo")).unwrap()
    }

    /// A program of this file, in this folder.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", &format!("disk_shim::{name}")]).env("DISK_SHIM_FOLDER", &self.0);
        self.power().feed(&mut command);
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Where a program of this file is at work. `None`: somebody runs all ignored tests.
fn folder() -> Option<PathBuf> {
    std::env::var_os("DISK_SHIM_FOLDER").map(PathBuf::from)
}

type Way = fn(&Path, &mut File);

/// Ways to change a file that holds `flushed`, and what it holds then.
const WAYS: [(&str, Way, &[u8]); 13] = [
    ("write", |_, file| file.write_all(b"LOST").unwrap(), b"flushedLOST"),
    (
        "write_inside",
        |_, file| {
            file.seek(SeekFrom::Start(1)).unwrap();
            file.write_all(b"LOST").unwrap();
        },
        b"fLOSTed",
    ),
    (
        "append",
        |path, _| OpenOptions::new().append(true).open(path).unwrap().write_all(b"LOST").unwrap(),
        b"flushedLOST",
    ),
    ("write_only", |path, _| write_only(path).write_all_at(b"LOST", 0).unwrap(), b"LOSThed"),
    ("pwrite", |_, file| file.write_all_at(b"LOST", 5).unwrap(), b"flushLOST"),
    ("pwrite_beyond", |_, file| file.write_all_at(b"LOST", 8).unwrap(), b"flushed\0LOST"),
    (
        "writev",
        |_, file| assert_eq!(file.write_vectored(&[IoSlice::new(b"LO"), IoSlice::new(b"ST")]).unwrap(), 4),
        b"flushedLOST",
    ),
    (
        "pwritev",
        |_, file| {
            let pieces = [IoSlice::new(b"LO"), IoSlice::new(b"ST")];
            assert_eq!(nix::sys::uio::pwritev(file, &pieces, 2).unwrap(), 4);
        },
        b"flLOSTd",
    ),
    ("ftruncate", |_, file| file.set_len(3).unwrap(), b"flu"),
    ("grown", |_, file| file.set_len(9).unwrap(), b"flushed\0\0"),
    ("truncate", |path, _| nix::unistd::truncate(path, 2).unwrap(), b"fl"),
    ("opened_anew", |path, _| drop(File::create(path).unwrap()), b""),
    ("posix_fallocate", |_, file| nix::fcntl::posix_fallocate(file, 0, 8).unwrap(), b"flushed\0"),
];

fn write_only(path: &Path) -> File {
    OpenOptions::new().write(true).open(path).unwrap()
}

#[test]
fn what_a_program_has_not_flushed_is_lost_with_the_power() {
    let scratch = Scratch::new(&std::env::temp_dir());
    let status = scratch.program("a_program_that_writes_in_every_way").status().unwrap();
    assert!(status.success());
    let content = |name: &str| fs::read(scratch.path(name)).unwrap();
    for (way, _, changed) in WAYS {
        assert_eq!(content(&format!("data/{way}")), changed, "{way}: everybody reads what was written");
    }
    assert_eq!(scratch.power().fail().unwrap().files, WAYS.len() as u64 + 3);
    for (way, _, _) in WAYS {
        assert_eq!(content(&format!("data/{way}")), b"flushed", "{way}");
    }
    assert_eq!(content("data/new"), b"");
    assert_eq!(content("data/renamed"), b"");
    assert_eq!(content("data/synced_twice"), b"flushed, flushed", "what was written after the second flush is lost");
    assert_eq!(content("elsewhere/kept"), b"never flushed");
}

#[test]
#[ignore = "a program of the test above"]
fn a_program_that_writes_in_every_way() {
    let Some(folder) = folder() else { return };
    let data = folder.join("data");
    for (way, change, _) in WAYS {
        let path = data.join(way);
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        file.write_all(b"flushed").unwrap();
        file.sync_all().unwrap();
        change(&path, &mut file);
    }
    fs::write(data.join("new"), b"LOST").unwrap();
    fs::write(data.join("named"), b"LOST").unwrap();
    fs::rename(data.join("named"), data.join("renamed")).unwrap();
    fs::write(folder.join("elsewhere/kept"), b"never flushed").unwrap();
    let mut file = File::create(data.join("synced_twice")).unwrap();
    for text in ["flushed", ", flushed", ", LOST"] {
        file.write_all(text.as_bytes()).unwrap();
        if text != ", LOST" {
            // The kernel flushes a file, whoever asks for it.
            File::open(data.join("synced_twice")).unwrap().sync_data().unwrap();
        }
    }
}

#[test]
fn only_flushes_of_the_log_are_slow() {
    // In memory, where a flush takes no time of its own.
    let scratch = Scratch::new(Path::new("/dev/shm"));
    let mut program = scratch.program("a_program_that_flushes_two_files");
    assert!(program.env("COMANDA_FLUSH_DELAY_US", "500000").status().unwrap().success());
}

#[test]
#[ignore = "a program of the test above"]
fn a_program_that_flushes_two_files() {
    let Some(folder) = folder() else { return };
    let flush = |name: &str, flush: fn(&File) -> std::io::Result<()>| {
        let mut file = File::create(folder.join(name)).unwrap();
        file.write_all(b"text").unwrap();
        let begin = Instant::now();
        flush(&file).unwrap();
        begin.elapsed()
    };
    let delay = Duration::from_millis(500);
    for way in [File::sync_all, File::sync_data] {
        assert!(flush("data/pg_wal/000000010000000000000001", way) >= delay);
        assert!((0..5).any(|_| flush("data/16384", way) < delay));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_waits_for_the_disk_loses_nothing_with_the_power() {
    assert_eq!(lost_of_confirmed(&["fsync=on"]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_does_not_wait_for_its_log_loses_rows_with_the_power() {
    assert!(lost_of_confirmed(&["synchronous_commit=off", "wal_writer_delay=10s"]).await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_never_flushes_loses_rows_with_the_power() {
    assert!(lost_of_confirmed(&["fsync=off"]).await > 0);
}

/// How many rows of those that were confirmed under these settings are gone after a loss of power.
async fn lost_of_confirmed(settings: &[&str]) -> usize {
    const CLIENTS: i32 = 8;
    const ENOUGH: usize = 500;

    let mut postgres = PoweredPostgres::start(&[]).await;
    postgres.client().await.batch_execute("CREATE TABLE rows (client int, number int)").await.unwrap();
    postgres.restart(settings).await;
    let (confirmed, is_enough) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let mut clients = tokio::task::JoinSet::new();
    for name in 0..CLIENTS {
        let (client, confirmed, is_enough) = (postgres.client().await, Arc::clone(&confirmed), Arc::clone(&is_enough));
        clients.spawn(async move {
            for number in 0.. {
                if client.execute("INSERT INTO rows VALUES ($1, $2)", &[&name, &number]).await.is_err() {
                    return;
                }
                let mut confirmed = confirmed.lock().unwrap();
                confirmed.push((name, number));
                is_enough.store(confirmed.len() >= ENOUGH, Ordering::SeqCst);
            }
        });
    }
    while !is_enough.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    // They go on until it is gone.
    let mut postgres = tokio::task::spawn_blocking(move || {
        postgres.lose_power();
        postgres
    })
    .await
    .unwrap();
    clients.join_all().await;
    postgres.start_again(&[]).await;
    let rows = postgres.client().await.query("SELECT client, number FROM rows", &[]).await.unwrap();
    let there: std::collections::HashSet<(i32, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let confirmed = confirmed.lock().unwrap();
    confirmed.iter().filter(|row| !there.contains(row)).count()
}
