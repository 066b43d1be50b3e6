//! Where settings come from: the environment first, then a file.

use std::{collections::HashMap, ffi::OsString, path::Path};

use super::{reader::Mistake, settings};

/// The environment and, if given, the configuration file.
#[derive(Default)]
pub struct Source {
    pub(super) environment: HashMap<OsString, OsString>,
    pub(super) file: HashMap<String, String>,
    pub(super) mistakes: Vec<Mistake>,
    /// The file could not be read: what it would have set is unknown.
    pub(super) is_incomplete: bool,
}

impl Source {
    /// The process's environment and, if given, a TOML file.
    pub fn system(file: Option<&Path>) -> Self {
        let mut source = Self { environment: std::env::vars_os().collect(), ..Self::default() };
        if let Some(path) = file {
            source.read(path);
        }
        source
    }

    #[cfg(test)]
    pub fn of(settings: &[(&str, &str)]) -> Self {
        let environment = settings.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { environment, ..Self::default() }
    }

    #[cfg(test)]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(std::ffi::OsStr::new(name));
        self
    }

    #[cfg(test)]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    #[cfg(test)]
    pub fn and_file(mut self, path: &Path) -> Self {
        self.read(path);
        self
    }

    fn read(&mut self, path: &Path) {
        let table = std::fs::read_to_string(path).map_err(|error| error.to_string()).and_then(|text| {
            // The message alone: the error's own text quotes the file, including its secrets.
            text.parse::<toml::Table>().map_err(|error| error.message().to_owned())
        });
        let table = match table {
            Ok(table) => table,
            Err(error) => {
                self.mistakes.push(Mistake::general(format!("{}: {error}", path.display())));
                self.is_incomplete = true;
                return;
            }
        };
        for (key, value) in table {
            let Some(setting) = settings().find(|setting| setting.name.to_lowercase() == key) else {
                self.mistakes.push(Mistake::general(format!("{}: there is no setting {key:?}", path.display())));
                continue;
            };
            match value {
                toml::Value::String(text) => drop(self.file.insert(key, text)),
                toml::Value::Integer(number) => drop(self.file.insert(key, number.to_string())),
                toml::Value::Boolean(truth) => drop(self.file.insert(key, truth.to_string())),
                _ => self.mistakes.push(Mistake::of(setting, "must be a text, a number or a boolean")),
            }
        }
    }
}
