use std::{fs::File, io, os::unix::fs::FileExt};

/// What a loss of power has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    pub files: u64,
    pub changes: u64,
}

impl Lost {
    pub(super) fn add(&mut self, changes: u64) {
        self.files += u64::from(changes > 0);
        self.changes += changes;
    }
}

/// What the file held before a change.
struct Before<'a> {
    length: u64,
    at: u64,
    bytes: &'a [u8],
}

/// Takes back what the journal has on the file and was not flushed; returns how many changes that was.
pub(super) fn take_back(journal: &[u8], file: &File) -> io::Result<u64> {
    let entries = unflushed(journal);
    // The last one first: each is what its own change has met.
    for before in entries.iter().rev() {
        file.write_all_at(before.bytes, before.at)?;
        file.set_len(before.length)?;
    }
    Ok(entries.len() as u64)
}

/// The entries that were not flushed, in their order. One that was cut off is the last one, and its change was never
/// made.
fn unflushed(journal: &[u8]) -> Vec<Before<'_>> {
    let mut entries = Vec::new();
    let mut at = number(journal, 8).and_then(|flushed| usize::try_from(flushed).ok());
    while let Some(begin) = at {
        let entry = [0, 8, 16].map(|offset| number(journal, begin + offset));
        let [Some(length), Some(place), Some(count)] = entry else { break };
        let end = usize::try_from(count).ok().and_then(|count| (begin + 24).checked_add(count));
        let Some(bytes) = end.and_then(|end| journal.get(begin + 24..end)) else { break };
        entries.push(Before { length, at: place, bytes });
        at = end;
    }
    entries
}

pub(super) fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}
