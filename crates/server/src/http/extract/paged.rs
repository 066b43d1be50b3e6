use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};
use comanda_domain::{Page, PageLimit};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::{CursorSigner, Service, query};
#[cfg(any(test, fuzzing))]
use crate::fuzzing::Reader;
use crate::http::{
    openapi::{Describe, Description},
    problem::{Code, Problem, UnreadableDocument},
    validation::Violations,
    wire::QueryInteger,
};

/// The query parameters of a list beside `limit` and `cursor`, and how its pages follow each other.
pub trait Filter: DeserializeOwned + IntoParams {
    /// Names the list, so that a cursor of one does not fit another.
    const LIST: &'static str;
    /// What the parameters mean.
    type Criteria;
    /// Where a page ended, as cursors carry it.
    type Position: Serialize + DeserializeOwned;

    /// Collects values out of their range as violations; a problem is for what cannot be understood at all.
    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem>;
}

/// What is asked for of a list: which entries, and which page of them.
pub struct Paged<F: Filter> {
    pub criteria: F::Criteria,
    pub limit: PageLimit,
    /// Where the page before ended.
    pub after: Option<F::Position>,
    pub pages: Pages<F>,
}

/// Renders the pages of a list.
pub struct Pages<F> {
    cursors: Service<CursorSigner>,
    filter: PhantomData<fn() -> F>,
}

/// One page of a list, as JSON.
pub trait PageResponse: Serialize {
    type Entry;

    fn new(data: Vec<Self::Entry>, next_cursor: Option<String>, unreadable: Vec<UnreadableDocument>) -> Self;
}

impl<F: Filter> Pages<F> {
    /// The page that was found. `position` is where it ended as cursors carry that.
    pub fn respond<R: PageResponse, T, P>(
        &self,
        found: Page<T, P>,
        position: impl FnOnce(P) -> F::Position,
        show: impl FnMut(T) -> R::Entry,
    ) -> HttpResponse {
        let next_cursor = found.next.map(|end| self.cursors.sign(F::LIST, &position(end)));
        let unreadable = found.unreadable.iter().map(UnreadableDocument::from).collect();
        HttpResponse::Ok().json(R::new(found.entries.into_iter().map(show).collect(), next_cursor, unreadable))
    }
}

impl<F: Filter> Paged<F> {
    fn read(request: &HttpRequest, cursors: Service<CursorSigner>) -> Result<Self, Problem> {
        let Request { criteria, limit, after } = Request::<F>::read(request.query_string(), &cursors)?;
        Ok(Self { criteria, limit, after, pages: Pages { cursors, filter: PhantomData } })
    }
}

/// What the query string asks for.
struct Request<F: Filter> {
    criteria: F::Criteria,
    limit: PageLimit,
    after: Option<F::Position>,
}

impl<F: Filter> Request<F> {
    fn read(query: &str, cursors: &CursorSigner) -> Result<Self, Problem> {
        let (page, others) = PageQuery::split(query)?;
        let filter: F = query::parse(&others)?;
        let mut violations = Violations::default();
        let limit = page.limit.map_or(Ok(PageLimit::default()), |limit| PageLimit::new(limit.0));
        let limit = violations.check("/limit", limit);
        let criteria = filter.criteria(&mut violations)?;
        let (limit, criteria) = violations.finish(limit.map(|limit| (limit, criteria)))?;
        let after = page.cursor.as_deref().map(|cursor| cursors.read(F::LIST, cursor)).transpose()?;
        Ok(Self { criteria, limit, after })
    }
}

impl<F: Filter> FromRequest for Paged<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let cursors = Service::from_request(request, payload).into_inner();
        ready(cursors.and_then(|cursors| Self::read(request, cursors)))
    }
}

impl<F: Filter> Describe for Paged<F> {
    fn describe(description: &mut Description) {
        description.query::<F>();
        description.query::<PageQuery>();
        description.problems(&[Code::InvalidRequest, Code::InvalidCursor, Code::ValidationFailed]);
        #[cfg(any(test, fuzzing))]
        {
            description.readers.push(Reader::Query(|cursors, query| drop(Request::<F>::read(query, cursors))));
            description.readers.push(Reader::Cursor(F::LIST, fuzzed::read_position::<F::Position>));
        }
    }
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// The most entries to respond with; 20 unless given.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<QueryInteger>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl PageQuery {
    /// Takes its own parameters out: a struct within a struct could not refuse parameters that it does not know.
    fn split(query: &str) -> Result<(Self, String), Problem> {
        let (mut own, mut others) =
            (form_urlencoded::Serializer::new(String::new()), form_urlencoded::Serializer::new(String::new()));
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let parameters = if matches!(&*name, "limit" | "cursor") { &mut own } else { &mut others };
            parameters.append_pair(&name, &value);
        }
        Ok((query::parse(&own.finish())?, others.finish()))
    }
}

/// A page of a list, with the schema's own name.
macro_rules! pages {
    ($($(#[$doc:meta])* $page:ident of $entry:ty;)+) => {$(
        $(#[$doc])*
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub struct $page {
            data: Vec<$entry>,
            /// Null on the last page.
            #[schema(required)]
            next_cursor: Option<String>,
            /// Records that are left out of this page, or of its entries, because they hold a value that this version
            /// of the server refuses. Absent unless there are any.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            #[schema(required = false)]
            unreadable: Vec<$crate::http::problem::UnreadableDocument>,
        }

        impl $crate::http::extract::PageResponse for $page {
            type Entry = $entry;

            fn new(
                data: Vec<$entry>,
                next_cursor: Option<String>,
                unreadable: Vec<$crate::http::problem::UnreadableDocument>,
            ) -> Self {
                Self { data, next_cursor, unreadable }
            }
        }
    )+};
}

pub(crate) use pages;

#[cfg(any(test, fuzzing))]
mod fuzzed {
    use super::{CursorSigner, DeserializeOwned, Serialize};

    /// Whatever we have signed for a list either is no position of it, or one that is signed and read as it is.
    pub fn read_position<P: Serialize + DeserializeOwned>(cursors: &CursorSigner, list: &str, cursor: &str) {
        let Ok(position) = cursors.read::<P>(list, cursor) else { return };
        let signed = cursors.sign(list, &position);
        let again = cursors.read::<P>(list, &signed).map(|position| cursors.sign(list, &position));
        assert!(again.is_ok_and(|again| again == signed), "{cursor} is another position after a second look");
    }
}
