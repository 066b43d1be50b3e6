use serde::{Deserialize, Deserializer, Serialize};

use crate::http::validation::Violations;

/// A field that cannot be cleared, of a PATCH or of an option that a request writes: `null` is neither left out nor a
/// value, so it is a violation.
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

    /// The value, if there is one.
    pub fn given(self, pointer: &str, violations: &mut Violations) -> Option<T> {
        match self {
            Self::LeftOut => None,
            Self::Null => {
                violations.add(pointer, "null", "cannot be null; leave it out to keep what there is");
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

/// A field of a PATCH that can be cleared: `None` if it is left out, `Some(None)` if it is null. For serde's
/// `deserialize_with`.
pub fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
