//! What a handler's signature says about it: the parameters it reads, who may call it, and how it can fail.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse};
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, RefOr, Required, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};

use crate::http::problem::{Code, Problem};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Credentials are not looked at.
    #[default]
    Anyone,
    /// Credentials are optional; staff see more.
    MaybeSignedIn,
    /// Only with credentials.
    SignedIn,
}

/// Collects what each part of a signature adds.
#[derive(Default)]
pub struct Description {
    pub parameters: Vec<Parameter>,
    pub problems: BTreeSet<Code>,
    pub access: Access,
    /// Whether a repeated request gets the first response again.
    pub replays: bool,
    /// Whether it is limited how often an address may try.
    pub limits_addresses: bool,
    /// Whether attempts are counted, so that responses show how many are left.
    pub counts_attempts: bool,
    /// What reads a part of a request by itself.
    #[cfg(any(test, fuzzing))]
    pub readers: Vec<crate::fuzzing::Reader>,
}

impl Description {
    pub fn of<T: Describe>() -> Self {
        let mut description = Self::default();
        T::describe(&mut description);
        description
    }

    pub fn problems(&mut self, codes: &[Code]) {
        self.problems.extend(codes);
    }

    /// A header of the request.
    pub fn header(&mut self, name: &str, required: Required, schema: impl Into<RefOr<Schema>>, description: &str) {
        self.parameter(ParameterIn::Header, name, required, schema, description);
    }

    /// A segment of the path.
    pub fn segment(&mut self, name: &str, schema: impl Into<RefOr<Schema>>, description: &str) {
        self.parameter(ParameterIn::Path, name, Required::True, schema, description);
    }

    /// Parameters of the query string.
    pub fn query<T: IntoParams>(&mut self) {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
    }

    fn parameter(
        &mut self,
        place: ParameterIn,
        name: &str,
        required: Required,
        schema: impl Into<RefOr<Schema>>,
        description: &str,
    ) {
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        self.parameters.push(parameter.schema(Some(schema)).description(Some(description)).build());
    }
}

/// A string, for the schemas of parameters.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Part of a handler's signature.
pub trait Describe {
    fn describe(_: &mut Description) {}
}

impl Describe for HttpRequest {}
impl Describe for HttpResponse {}
/// Adds nothing: the problem is one that the extractors state.
impl Describe for Problem {}

impl<T: Describe, E: Describe> Describe for Result<T, E> {
    fn describe(description: &mut Description) {
        T::describe(description);
        E::describe(description);
    }
}

macro_rules! describe_tuples {
    ($($($part:ident)*;)+) => {
        $(impl<$($part: Describe),*> Describe for ($($part,)*) {
            fn describe(_description: &mut Description) {
                $($part::describe(_description);)*
            }
        })+
    };
}

describe_tuples! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}
