use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// An integer of any size, as JSON Schema has it: `1.0` is one. Beyond 64 bits it is clamped, for the range check that follows: a number that is too large
/// is a value out of range, not a body that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WireInteger(pub i64);

impl<'de> Deserialize<'de> for WireInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = WireInteger;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<WireInteger, E> {
                Ok(WireInteger(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<WireInteger, E> {
                Ok(WireInteger(i64::try_from(number).unwrap_or(i64::MAX)))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<WireInteger, E> {
                // An integer of more than 64 bits arrives here too.
                const PAST_64_BITS: f64 = 9_223_372_036_854_775_808.0;
                if number >= PAST_64_BITS {
                    Ok(WireInteger(i64::MAX))
                } else if number < -PAST_64_BITS {
                    Ok(WireInteger(i64::MIN))
                } else if number.fract() == 0.0 {
                    #[expect(clippy::cast_possible_truncation, reason = "it is an integer of 64 bits")]
                    Ok(WireInteger(number as i64))
                } else {
                    Err(E::invalid_type(de::Unexpected::Float(number), &self))
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// An integer in a query string, likewise of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryInteger(pub i64);

impl<'de> Deserialize<'de> for QueryInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(de::Error::custom("must be an integer"));
        }
        Ok(Self(text.parse().unwrap_or(if negative { i64::MIN } else { i64::MAX })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_large_is_an_integer_and_a_fraction_is_not() {
        let read = |text: &str| serde_json::from_str::<WireInteger>(text).map(|n| n.0).ok();
        assert_eq!(read("-7"), Some(-7));
        assert_eq!(read("9223372036854775808"), Some(i64::MAX));
        assert_eq!(read("99999999999999999999999999"), Some(i64::MAX));
        assert_eq!(read("-99999999999999999999999999"), Some(i64::MIN));
        for (text, number) in [("1.0", 1), ("-1.0", -1), ("-0.0", 0), ("1e3", 1000), ("12.5e1", 125)] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for odd in ["1.5", "-0.1", "1e-3", "\"2\"", "null", "true", "[1]", "1e400"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
