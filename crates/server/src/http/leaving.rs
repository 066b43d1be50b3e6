//! Operations that a later version does not have any more. Each of their responses says so, and the document of the
//! API: docs/deprecation.md has the rules.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use chrono::{NaiveDate, NaiveTime};

/// Each by its operation id, with the day on which it was announced, the one from which on it may be gone, and what
/// replaces it, if anything does: its tag and its operation id, as in `orders/place_order`.
const LEAVING: &[(&str, &str, &str, Option<&str>)] = &[];

/// <https://www.rfc-editor.org/rfc/rfc9745>
pub const DEPRECATION: &str = "deprecation";

/// <https://www.rfc-editor.org/rfc/rfc8594>
pub const SUNSET: &str = "sunset";

/// Since when an operation is announced to go, from when on it may be gone, and what replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    announced: NaiveDate,
    gone: NaiveDate,
    replacement: Option<&'static str>,
}

impl Leaving {
    /// `None`: the operation stays.
    pub fn of(operation_id: &str) -> Option<Self> {
        let (_, announced, gone, replacement) = LEAVING.iter().find(|(id, ..)| *id == operation_id)?;
        Self::read(announced, gone, *replacement)
    }

    pub fn read(announced: &str, gone: &str, replacement: Option<&'static str>) -> Option<Self> {
        Some(Self { announced: announced.parse().ok()?, gone: gone.parse().ok()?, replacement })
    }

    /// For the description of the operation.
    pub fn in_words(self) -> String {
        let replaced = match self.replacement.and_then(|replacement| replacement.split_once('/')) {
            Some((_, operation_id)) => format!("`{operation_id}` replaces it"),
            None => "Nothing replaces it".to_owned(),
        };
        format!(
            "Do not begin to use it: it is deprecated since {}, and may be gone from {} on. {replaced}.",
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
        // The page of the API shows the operation that such an address names.
        let operation = self.replacement.map(|replacement| format!("#/{replacement}")).unwrap_or_default();
        let documentation = format!("</docs/{operation}>; rel=\"deprecation\"; type=\"text/html\"");
        if let Ok(documentation) = HeaderValue::from_str(&documentation) {
            headers.append(LINK, documentation);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::TimeDelta;
    use serde_json::Value;

    use super::*;
    use crate::http::{openapi::document, routes::ENDPOINTS};

    #[test]
    fn what_leaves_is_an_operation_and_there_is_half_a_year_to_leave_it() {
        for (id, announced, gone, replacement) in LEAVING {
            let leaving = Leaving::read(announced, gone, *replacement).unwrap();
            assert!(leaving.gone - leaving.announced >= TimeDelta::days(182), "{id}");
            assert!(ENDPOINTS.iter().any(|endpoint| endpoint.leaving == Some(leaving)), "there is no {id}");
            let is_known = replacement.is_none_or(|replacement| addresses().contains(replacement));
            assert!(is_known, "there is no {replacement:?}");
        }
        assert!(addresses().contains("orders/place_order"), "{:?}", addresses());
    }

    /// Every operation, as the page of the API names it.
    fn addresses() -> BTreeSet<String> {
        let document: Value = serde_json::from_str(document()).unwrap();
        let operations = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        operations
            .map(|(_, operation)| format!("{}/{}", text(&operation["tags"][0]), text(&operation["operationId"])))
            .collect()
    }

    #[test]
    fn the_headers_are_those_of_the_standards() {
        for (replacement, address) in [(Some("orders/place_order"), "/docs/#/orders/place_order"), (None, "/docs/")] {
            let mut headers = HeaderMap::new();
            Leaving::read("2027-02-01", "2027-08-01", replacement).unwrap().announce(&mut headers);
            assert_eq!(headers.get(DEPRECATION).unwrap(), "@1801440000");
            assert_eq!(headers.get(SUNSET).unwrap(), "Sun, 01 Aug 2027 00:00:00 GMT");
            let link = format!("<{address}>; rel=\"deprecation\"; type=\"text/html\"");
            assert_eq!(headers.get(LINK).unwrap(), link.as_str());
        }
    }
}
