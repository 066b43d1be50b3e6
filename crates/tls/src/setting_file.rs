use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// A file that holds the value of a setting, and may be rewritten while the server runs: whom to sign in as, since a
/// password is replaced elsewhere first.
#[derive(Debug)]
pub struct SettingFile<T> {
    setting: &'static str,
    path: PathBuf,
    known: Mutex<Known<T>>,
}

#[derive(Debug)]
struct Known<T> {
    value: T,
    /// What the file held at the last look, or why it could not be read. `None`: nobody has looked yet.
    seen: Option<Result<String, String>>,
}

impl<T: Clone + PartialEq> SettingFile<T> {
    /// `value` is what was read from the file at the start.
    pub fn new(setting: &'static str, path: &Path, value: T) -> Self {
        Self { setting, path: path.to_owned(), known: Mutex::new(Known { value, seen: None }) }
    }

    /// What the file holds now, which `read` makes of its text. While it holds nothing of use, which is logged once,
    /// what it held before.
    pub fn now(&self, read: impl FnOnce(&str) -> Result<T, String>) -> T {
        // Locked first: what was read last counts.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = fs::read_to_string(&self.path).map_err(|error| format!("cannot be read: {error}"));
        if known.seen.as_ref() == Some(&seen) {
            return known.value.clone();
        }
        let value = seen.clone().and_then(|text| match text.trim_end() {
            "" => Err("is empty".to_owned()),
            text => read(text),
        });
        let (setting, file) = (self.setting, self.path.display());
        match value {
            Ok(value) if value == known.value => {}
            Ok(value) => {
                known.value = value;
                tracing::info!(setting, %file, "connecting with what the file holds now");
            }
            Err(error) => tracing::error!(setting, %file, error, "the file is of no use: what it held before counts"),
        }
        known.seen = Some(seen);
        known.value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u32, String> {
        text.parse().map_err(|_| "is not a number".to_owned())
    }

    #[test]
    fn what_the_file_holds_counts_unless_it_is_of_no_use() {
        let path = std::env::temp_dir().join(format!("comanda-setting-{}", std::process::id()));
        let file = SettingFile::new("NUMBER_FILE", &path, 1);
        assert_eq!(file.now(number), 1, "there is no file");
        for (text, expected) in [("2\n", 2), ("", 2), ("three", 2), ("4", 4), ("4", 4)] {
            fs::write(&path, text).unwrap();
            assert_eq!(file.now(number), expected, "{text:?}");
        }
        assert_eq!(file.now(|_| panic!("it is the same text")), 4);
        fs::remove_file(&path).unwrap();
        assert_eq!(file.now(number), 4);
    }
}
