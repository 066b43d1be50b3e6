use serde::{Deserialize, Deserializer, Serialize};

use crate::http::validation::{ViolationCode, Violations};

/// A field of a PATCH, or of an option that a request writes. Where it cannot be cleared, `null` is neither left out nor
/// a value, so it is a violation (see [`Patched::given`]).
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Patched<T> {
    /// In a PATCH, what the field says stays as it is; what is required cannot be left out.
    #[default]
    LeftOut,
    Null,
    Given(T),
}

impl<T> Patched<T> {
    pub const fn as_ref(&self) -> Patched<&T> {
        match self {
            Self::LeftOut => Patched::LeftOut,
            Self::Null => Patched::Null,
            Self::Given(value) => Patched::Given(value),
        }
    }

    /// The value, if there is one, of a field that keeps what there is when it is left out.
    pub fn given(self, pointer: &str, violations: &mut Violations) -> Option<T> {
        self.unless_null("cannot be null; leave it out to keep what there is", pointer, violations)
    }

    /// The value, if there is one, of a field that cannot be left out.
    pub fn required(self, pointer: &str, violations: &mut Violations) -> Option<T> {
        self.unless_null("cannot be null", pointer, violations)
    }

    fn unless_null(self, why: &str, pointer: &str, violations: &mut Violations) -> Option<T> {
        match self {
            Self::LeftOut => None,
            Self::Null => {
                violations.add(pointer, ViolationCode::Null, why);
                None
            }
            Self::Given(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Given))
    }
}
