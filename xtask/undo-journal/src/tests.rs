use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// A folder with a file and journals, deleted at the end.
struct Scratch {
    folder: PathBuf,
    journals: Journals,
    file: File,
}

impl Scratch {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("undo-journal-{}", Uuid::now_v7()));
        let [data, journals] = ["data/deep", "journals"].map(|name| folder.join(name));
        fs::create_dir_all(&data).unwrap();
        fs::create_dir(&journals).unwrap();
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(data.join("file")).unwrap();
        Self { folder, journals: Journals::in_folder(journals), file }
    }

    fn change(&self, change: Change, bytes: &[u8]) {
        let _saved = self.journals.before(&self.file, change).unwrap();
        match change {
            Change::At(at, _) => self.file.write_all_at(bytes, at).unwrap(),
            Change::Append(_) => self.file.write_all_at(bytes, self.file.metadata().unwrap().len()).unwrap(),
            Change::Resize(to) => self.file.set_len(to).unwrap(),
        }
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        self.change(Change::At(at, bytes.len() as u64), bytes);
    }

    fn flush(&self) {
        if let Some(flush) = self.journals.flush_begins(&self.file).unwrap() {
            flush.is_done().unwrap();
        }
    }

    fn after_power_loss(&self) -> Vec<u8> {
        self.journals.lose_power(&self.folder.join("data")).unwrap();
        assert_eq!(fs::read_dir(&self.journals.folder).unwrap().count(), 0, "journals are over");
        self.content()
    }

    fn content(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.file.metadata().unwrap().len()).unwrap()];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[test]
fn what_is_written_while_a_flush_lasts_is_not_flushed() {
    let scratch = Scratch::new();
    scratch.write(0, b"flushed");
    let flush = scratch.journals.flush_begins(&scratch.file).unwrap().unwrap();
    scratch.write(0, b"FL");
    flush.is_done().unwrap();
    assert_eq!(scratch.content(), b"FLushed");
    assert_eq!(scratch.after_power_loss(), b"flushed");
}

#[test]
fn flushes_that_overlap_forget_nothing_that_neither_has_covered() {
    let scratch = Scratch::new();
    scratch.write(0, b"one");
    let first = scratch.journals.flush_begins(&scratch.file).unwrap().unwrap();
    scratch.write(3, b"two");
    let second = scratch.journals.flush_begins(&scratch.file).unwrap().unwrap();
    second.is_done().unwrap();
    scratch.write(6, b"three");
    first.is_done().unwrap();
    assert_eq!(scratch.after_power_loss(), b"onetwo");
}

#[test]
fn a_file_that_was_renamed_is_the_same_and_one_that_was_made_in_its_place_is_not() {
    let scratch = Scratch::new();
    let [old, new] = ["data/deep/file", "data/renamed"].map(|name| scratch.folder.join(name));
    scratch.write(0, b"never flushed");
    fs::rename(&old, &new).unwrap();
    fs::write(&old, b"another").unwrap();
    assert_eq!(scratch.after_power_loss(), b"");
    assert_eq!(fs::read(&new).unwrap(), b"");
    assert_eq!(fs::read(&old).unwrap(), b"another");
}

#[test]
fn a_journal_that_was_cut_off_is_good_for_what_is_whole() {
    let scratch = Scratch::new();
    scratch.write(0, b"flushed");
    scratch.flush();
    scratch.write(0, b"one");
    scratch.write(0, b"two");
    let journal = scratch.journals.path(&scratch.file.metadata().unwrap());
    let journal = OpenOptions::new().write(true).open(journal).unwrap();
    journal.set_len(journal.metadata().unwrap().len() - 1).unwrap();
    // The change that has no whole entry was never made.
    scratch.file.write_all_at(b"one", 0).unwrap();
    assert_eq!(scratch.after_power_loss(), b"flushed");
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Append(Vec<u8>),
    Resize(u64),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        4 => (0..50_u64, bytes()).prop_map(|(at, bytes)| Step::Write(at, bytes)),
        2 => bytes().prop_map(Step::Append),
        2 => (0..50_u64).prop_map(Step::Resize),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_is_what_it_was_when_it_was_last_flushed(steps in proptest::collection::vec(step(), 0..30)) {
        let (scratch, mut flushed) = (Scratch::new(), Vec::new());
        for step in steps {
            match step {
                Step::Write(at, bytes) => scratch.write(at, &bytes),
                Step::Append(bytes) => scratch.change(Change::Append(bytes.len() as u64), &bytes),
                Step::Resize(to) => scratch.change(Change::Resize(to), b""),
                Step::Flush => {
                    scratch.flush();
                    flushed = scratch.content();
                }
            }
        }
        prop_assert_eq!(scratch.after_power_loss(), flushed);
    }
}
