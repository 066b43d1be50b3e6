//! Operations that a later version does not have any more. Each of their responses says so, and the document of the
//! API: docs/deprecation.md has the rules.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use chrono::{NaiveDate, NaiveTime};

/// Each by its operation id, with the day on which it was announced and the one from which on it may be gone.
const LEAVING: &[(&str, &str, &str)] = &[];

/// <https://www.rfc-editor.org/rfc/rfc9745>
pub const DEPRECATION: &str = "deprecation";

/// <https://www.rfc-editor.org/rfc/rfc8594>
pub const SUNSET: &str = "sunset";

/// Since when an operation is announced to go, and from when on it may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    announced: NaiveDate,
    gone: NaiveDate,
}

impl Leaving {
    /// `None`: the operation stays.
    pub fn of(operation_id: &str) -> Option<Self> {
        let (_, announced, gone) = LEAVING.iter().find(|(id, ..)| *id == operation_id)?;
        Self::read(announced, gone)
    }

    pub fn read(announced: &str, gone: &str) -> Option<Self> {
        Some(Self { announced: announced.parse().ok()?, gone: gone.parse().ok()? })
    }

    /// For the description of the operation.
    pub fn in_words(self) -> String {
        format!(
            "Do not begin to use it: it is deprecated since {}, and may be gone from {} on.",
            self.announced, self.gone
        )
    }

    /// Adds what says so to the headers of a response.
    pub fn announce(self, headers: &mut HeaderMap) {
        let since = self.announced.and_time(NaiveTime::MIN).and_utc().timestamp();
        let sunset = self.gone.format("%a, %d %b %Y 00:00:00 GMT");
        for (name, value) in [(DEPRECATION, format!("@{since}")), (SUNSET, sunset.to_string())] {
            // Digits, letters and a few marks.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let documentation = HeaderValue::from_static("</docs/>; rel=\"deprecation\"; type=\"text/html\"");
        headers.append(LINK, documentation);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::http::routes::ENDPOINTS;

    #[test]
    fn what_leaves_is_an_operation_and_there_is_half_a_year_to_leave_it() {
        for (id, announced, gone) in LEAVING {
            let leaving = Leaving::read(announced, gone).unwrap();
            assert!(leaving.gone - leaving.announced >= TimeDelta::days(182), "{id}");
            assert!(ENDPOINTS.iter().any(|endpoint| endpoint.leaving == Some(leaving)), "there is no {id}");
        }
    }

    #[test]
    fn the_headers_are_those_of_the_standards() {
        let mut headers = HeaderMap::new();
        Leaving::read("2027-02-01", "2027-08-01").unwrap().announce(&mut headers);
        assert_eq!(headers.get(DEPRECATION).unwrap(), "@1801440000");
        assert_eq!(headers.get(SUNSET).unwrap(), "Sun, 01 Aug 2027 00:00:00 GMT");
        assert_eq!(headers.get(LINK).unwrap(), "</docs/>; rel=\"deprecation\"; type=\"text/html\"");
    }
}
