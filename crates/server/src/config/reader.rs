//! Reading settings, and collecting every mistake until all are read.

use std::{
    ffi::{OsStr, OsString},
    fmt::{self, Display},
    path::Path,
};

use serde::Serialize;
use thiserror::Error;

use comanda_domain::Currency;

use super::{Mode, Setting, Source, value::Value};

/// Something wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// `None`: no single setting is wrong, but the file that holds them.
    pub setting: Option<&'static str>,
    pub message: String,
}

impl Mistake {
    pub(super) fn of(setting: &Setting, message: impl Display) -> Self {
        Self { setting: Some(setting.name), message: message.to_string() }
    }

    pub(super) fn general(message: String) -> Self {
        Self { setting: None, message }
    }
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(setting) = self.setting {
            write!(f, "{setting}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Every mistake in the configuration.
#[derive(Debug, Error)]
pub struct ConfigError(pub Vec<Mistake>);

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

/// Reads each setting once.
pub struct Reader {
    source: Source,
    mode: Option<Mode>,
    currency: Option<Currency>,
    warnings: Vec<Mistake>,
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        Self { source, mode: None, currency: None, warnings: Vec::new() }
    }

    /// From now on, [`Self::is_production`] knows.
    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.mode = Some(mode);
    }

    /// Whether what is dangerous in production must be refused. An unreadable mode is reported itself.
    pub(super) fn is_production(&self) -> bool {
        self.mode == Some(Mode::Production)
    }

    /// From now on, [`Self::currency`] knows.
    pub(super) fn set_currency(&mut self, currency: Currency) {
        self.currency = Some(currency);
    }

    /// The deployment's currency. `None`: it is unreadable, which is reported itself.
    pub(super) fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// `config` is there unless a mistake was collected.
    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, ConfigError> {
        config.filter(|_| self.source.mistakes.is_empty()).ok_or(ConfigError(self.source.mistakes))
    }

    pub(super) fn mistake(&mut self, setting: &Setting, message: impl Display) {
        let mistake = Mistake::of(setting, message);
        if !self.source.mistakes.contains(&mistake) {
            self.source.mistakes.push(mistake);
        }
    }

    /// Something that is dangerous in production, but cannot be refused: it may be meant.
    pub(super) fn warning(&mut self, setting: &Setting, message: impl Display) {
        if self.is_production() {
            self.warnings.push(Mistake::of(setting, message));
        }
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Mistake> {
        std::mem::take(&mut self.warnings)
    }

    /// `None`: what was wrong was collected.
    pub(super) fn read<T: Value>(&mut self, setting: &Setting) -> Option<T> {
        let text = self.text(setting)?;
        match T::parse(&text, setting) {
            Ok(value) => Some(match self.file_of(setting) {
                Some(path) => value.kept_in(setting.name, Path::new(path)),
                None => value,
            }),
            Err(mistakes) => {
                for mistake in mistakes {
                    self.mistake(setting, mistake);
                }
                None
            }
        }
    }

    /// The file that holds the value, unless the environment does.
    fn file_of(&self, setting: &Setting) -> Option<&OsString> {
        let is_given = self.variable(setting.name).is_some();
        self.variable(&format!("{}_FILE", setting.name)).filter(|_| !is_given)
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        self.source.environment.get(OsStr::new(name)).filter(|value| !value.is_empty())
    }

    /// An empty environment variable counts as not set, as a shell's `${NAME:-}` has it. An empty file does not:
    /// whoever names one means it to hold a value.
    fn text(&mut self, setting: &Setting) -> Option<String> {
        match self.variable(setting.name).map(|value| value.to_str().map(str::to_owned)) {
            Some(None) => {
                self.mistake(setting, "is not valid UTF-8");
                return None;
            }
            Some(value) => return value,
            None => {}
        }
        if let Some(path) = self.file_of(setting).cloned() {
            let mistake = match std::fs::read_to_string(&path) {
                Ok(value) if !value.trim().is_empty() => return Some(value.trim_end().to_owned()),
                Ok(_) => format!("the file {} is empty", path.display()),
                Err(error) => format!("cannot read the file {}: {error}", path.display()),
            };
            self.mistake(setting, mistake);
            return None;
        }
        let given = self.source.file.get(&setting.name.to_lowercase()).cloned();
        let text = given.or_else(|| setting.default.map(str::to_owned));
        if text.is_none() && !self.source.is_incomplete {
            self.mistake(setting, format!("must be set. {}", setting.meaning));
        }
        text
    }
}
