//! Reading settings, and remembering every mistake until all are read.

use std::{
    collections::HashMap,
    fmt::{self, Display},
    ops::RangeInclusive,
    path::Path,
    str::FromStr,
    time::Duration,
};

use chrono::TimeDelta;
use thiserror::Error;

use super::{SETTINGS, Secret, Setting};

/// Every mistake in the configuration.
#[derive(Debug, Error)]
pub struct ConfigError(Vec<String>);

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable:")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

/// Where settings come from: the environment first, then a file.
pub struct Source {
    environment: HashMap<String, String>,
    file: HashMap<String, String>,
    mistakes: Vec<String>,
}

impl Source {
    /// The process's environment and, if given, a TOML file.
    pub fn system(file: Option<&Path>) -> Self {
        let mut mistakes = Vec::new();
        let file = file.map(|path| read_file(path, &mut mistakes)).unwrap_or_default();
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { environment, file, mistakes }
    }

    #[cfg(test)]
    pub fn of(settings: Vec<(&str, &str)>) -> Self {
        let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { environment, file: HashMap::new(), mistakes: Vec::new() }
    }
}

fn read_file(path: &Path, mistakes: &mut Vec<String>) -> HashMap<String, String> {
    let table = match std::fs::read_to_string(path).map_err(|e| e.to_string()).and_then(|text| {
        // The message alone: the error's own text quotes the file, secrets included.
        text.parse::<toml::Table>().map_err(|e| e.message().to_owned())
    }) {
        Ok(table) => table,
        Err(error) => {
            mistakes.push(format!("{}: {error}", path.display()));
            return HashMap::new();
        }
    };
    let mut values = HashMap::new();
    for (key, value) in table {
        let known = SETTINGS.iter().any(|setting| setting.name.to_lowercase() == key);
        match value {
            _ if !known => mistakes.push(format!("{}: there is no setting {key:?}", path.display())),
            toml::Value::String(text) => drop(values.insert(key, text)),
            toml::Value::Integer(number) => drop(values.insert(key, number.to_string())),
            toml::Value::Boolean(truth) => drop(values.insert(key, truth.to_string())),
            _ => mistakes.push(format!("{}: {key} must be a text, a number or a boolean", path.display())),
        }
    }
    values
}

pub(super) struct Reader {
    source: Source,
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        Self { source }
    }

    pub(super) fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.source.mistakes.is_empty() { Ok(config) } else { Err(ConfigError(self.source.mistakes)) }
    }

    pub(super) fn mistake(&mut self, setting: &Setting, what: impl Display) {
        self.source.mistakes.push(format!("{}: {what}", setting.name));
    }

    /// An empty environment variable counts as not set, as a shell's `${NAME:-}` has it.
    fn raw(&mut self, setting: &Setting) -> Option<String> {
        if let Some(value) = self.source.environment.get(setting.name).filter(|value| !value.is_empty()) {
            return Some(value.clone());
        }
        if let Some(path) = self.source.environment.get(&format!("{}_FILE", setting.name)) {
            match std::fs::read_to_string(path) {
                Ok(value) => return Some(value.trim_end().to_owned()),
                Err(error) => {
                    let what = format!("cannot read the file {path}: {error}");
                    self.mistake(setting, what);
                    return None;
                }
            }
        }
        self.source.file.get(&setting.name.to_lowercase()).cloned().or_else(|| setting.default.map(str::to_owned))
    }

    pub(super) fn text(&mut self, setting: &Setting) -> String {
        let mistakes = self.source.mistakes.len();
        self.raw(setting).unwrap_or_else(|| {
            if self.source.mistakes.len() == mistakes {
                self.mistake(setting, format!("must be set. {}", setting.meaning));
            }
            String::new()
        })
    }

    pub(super) fn secret(&mut self, setting: &Setting) -> Secret {
        Secret::new(self.text(setting))
    }

    pub(super) fn secret_of_at_least(&mut self, setting: &Setting, characters: usize) -> Secret {
        let secret = self.secret(setting);
        let length = secret.expose().chars().count();
        if (1..characters).contains(&length) {
            self.mistake(setting, format!("must have at least {characters} characters"));
        }
        secret
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, setting: &Setting, fallback: T) -> T {
        let text = self.text(setting);
        text.parse().unwrap_or_else(|error| {
            self.mistake(setting, format!("{text:?}: {error}"));
            fallback
        })
    }

    pub(super) fn in_range<T>(&mut self, setting: &Setting, range: RangeInclusive<T>) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        let value = self.parsed(setting, *range.start());
        if !range.contains(&value) {
            self.mistake(setting, format!("{value} is not between {} and {}", range.start(), range.end()));
        }
        value
    }

    pub(super) fn milliseconds(&mut self, setting: &Setting, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.in_range(setting, range))
    }

    pub(super) fn origins(&mut self, setting: &Setting) -> Vec<String> {
        let text = self.text(setting);
        let origins: Vec<String> =
            text.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
        for origin in &origins {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['/', '*'])) {
                self.mistake(setting, format!("{origin:?} is not an origin such as https://shop.example"));
            }
        }
        origins
    }

    /// Values separated by commas.
    pub(super) fn list<T: FromStr<Err: Display>>(&mut self, setting: &Setting) -> Vec<T> {
        let text = self.text(setting);
        let mut values = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.parse() {
                Ok(value) => values.push(value),
                Err(error) => self.mistake(setting, format!("{part:?}: {error}")),
            }
        }
        values
    }

    pub(super) fn four_seconds(&mut self, setting: &Setting) -> [TimeDelta; 4] {
        let seconds: Vec<i64> = self.list(setting);
        let steps: Vec<TimeDelta> =
            seconds.into_iter().filter(|s| (1..=31_536_000).contains(s)).map(TimeDelta::seconds).collect();
        steps.try_into().unwrap_or_else(|_| {
            self.mistake(setting, "must be four numbers of seconds, separated by commas");
            [TimeDelta::minutes(1); 4]
        })
    }
}
