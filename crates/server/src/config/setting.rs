//! What a setting is, and the macro that states one.

use serde::Serialize;

/// Something an operator can set: by an environment variable of this name, by a variable `<NAME>_FILE` that names a
/// file holding the value, or in the configuration file under the name in lower case.
#[derive(Debug, Serialize)]
pub struct Setting {
    pub name: &'static str,
    /// `None`: must be set.
    pub default: Option<&'static str>,
    /// What a value looks like, where no range says it.
    pub kind: &'static str,
    /// For numbers and durations.
    pub range: Option<Range>,
    pub meaning: &'static str,
}

/// The least and the greatest value of a number or a duration.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Range {
    pub min: u64,
    pub max: u64,
    /// The unit of a duration.
    pub unit: Option<Unit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Setting {
    /// What can be given, in a few words.
    pub fn values(&self) -> String {
        let Some(Range { min, max, unit }) = self.range else { return self.kind.to_owned() };
        let unit = match unit {
            None => "",
            Some(Unit::Milliseconds) => " ms",
            Some(Unit::Seconds) => " s",
            Some(Unit::Minutes) => " minutes",
            Some(Unit::Hours) => " hours",
            Some(Unit::Days) => " days",
        };
        format!("{min} to {max}{unit}")
    }
}

/// One section of the configuration: a struct, its reader, and the settings both come from.
///
/// A setting is one line: its name, the field and its type, the range of a number or a duration, the default (none if
/// it must be set), and its meaning.
///
/// ```text
/// settings! {
///     /// Passwords.
///     pub struct PasswordSettings {
///         PASSWORD_QUEUE => queue: usize in 1..=100_000 = 200, "Passwords that may wait for a thread.";
///     }
/// }
/// ```
///
/// `checked by` names a function for what one value alone cannot tell. It is given all that could be read, so that
/// every mistake is found at once.
macro_rules! settings {
    (
        $(#[$attribute:meta])*
        pub struct $section:ident $(checked by $check:ident)? {
            $(
                $name:ident => $field:ident: $type:ident $(<$inner:ident>)?
                    $(in $min:literal..=$max:literal $($unit:ident)?)? $(= $default:literal)?, $meaning:literal;
            )+
        }
    ) => {
        $(
            pub(super) const $name: $crate::config::setting::Setting = $crate::config::setting::Setting {
                name: stringify!($name),
                default: settings!(@default $($default)?),
                kind: <$type $(<$inner>)? as $crate::config::value::Value>::KIND,
                range: settings!(@range $($min, $max $(, $unit)?)?),
                meaning: $meaning,
            };
        )+

        pub(super) const SETTINGS: &[$crate::config::setting::Setting] = &[$($name),+];

        $(#[$attribute])*
        #[derive(Clone, Debug)]
        pub struct $section {
            $(pub $field: $type $(<$inner>)?,)+
        }

        /// What could be read of the section.
        struct Draft {
            $($field: Option<$type $(<$inner>)?>,)+
        }

        impl $section {
            /// `None`: the reader has taken down at least one mistake.
            pub(super) fn read(reader: &mut $crate::config::reader::Reader) -> Option<Self> {
                let draft = Draft { $($field: reader.read(&$name),)+ };
                $($check(&draft, reader);)?
                Some(Self { $($field: draft.$field?,)+ })
            }
        }
    };
    (@default) => { None };
    (@default $default:literal) => { Some(concat!($default)) };
    (@range) => { None };
    (@range $min:literal, $max:literal) => {
        Some($crate::config::setting::Range { min: $min, max: $max, unit: None })
    };
    (@range $min:literal, $max:literal, $unit:ident) => {
        Some($crate::config::setting::Range { min: $min, max: $max, unit: Some(settings!(@unit $unit)) })
    };
    (@unit ms) => { $crate::config::setting::Unit::Milliseconds };
    (@unit s) => { $crate::config::setting::Unit::Seconds };
    (@unit minutes) => { $crate::config::setting::Unit::Minutes };
    (@unit hours) => { $crate::config::setting::Unit::Hours };
    (@unit days) => { $crate::config::setting::Unit::Days };
}

pub(super) use settings;
