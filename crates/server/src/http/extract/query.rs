use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

#[cfg(any(test, fuzzing))]
use crate::fuzzing::Reader;
use crate::http::{
    openapi::{Describe, Description},
    problem::{Code, Problem},
    validation::{Violation, ViolationCode},
};

/// The query parameters.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

impl<T: DeserializeOwned + IntoParams> Describe for Query<T> {
    fn describe(description: &mut Description) {
        description.query::<T>();
        description.problems(&[Code::InvalidRequest]);
        #[cfg(any(test, fuzzing))]
        description.readers.push(Reader::Query(|_, query| drop(parse::<T>(query))));
    }
}

pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let parameters = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let detail = error.inner().to_string();
        let code = if detail.starts_with("unknown field") {
            ViolationCode::UnknownParameter
        } else {
            ViolationCode::Malformed
        };
        let violation = Violation { pointer: format!("/{}", error.path()), code, detail: detail.clone() };
        Problem::new(Code::InvalidRequest, format!("A query parameter cannot be read: {detail}."))
            .errors(vec![violation])
    })
}
