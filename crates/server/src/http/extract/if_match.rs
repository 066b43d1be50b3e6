use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, IfMatch as IfMatchHeader},
};

use utoipa::openapi::Required;

use crate::http::{
    openapi::{Describe, Description, text},
    problem::{Code, Problem},
};

/// The `If-Match` header (RFC 9110, section 13.1.1), which must be there.
pub enum IfMatch {
    /// `*`: any revision will do.
    Any,
    /// The revisions it names; entity tags that are no revision match nothing and are left out.
    Revisions(Vec<u32>),
}

impl IfMatch {
    /// The revision to require of an item that is now at `current`. When none was named it is one that no item has.
    pub fn revision_given(&self, current: u32) -> u32 {
        match self {
            Self::Any => current,
            Self::Revisions(named) if named.contains(&current) => current,
            Self::Revisions(named) => named.first().copied().unwrap_or(0),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return ready(Err(Problem::new(Code::PreconditionRequired, "Send the item's ETag as If-Match.")));
        }
        ready(match request.get_header::<IfMatchHeader>() {
            Some(IfMatchHeader::Any) => Ok(Self::Any),
            // A weak tag never matches where the strong comparison is asked for.
            Some(IfMatchHeader::Items(tags)) if !tags.is_empty() => {
                let strong = tags.iter().filter(|tag| !tag.weak);
                Ok(Self::Revisions(strong.filter_map(|tag| tag.tag().parse().ok()).collect()))
            }
            _ => Err(Problem::new(Code::InvalidRequest, "If-Match is not a list of entity tags such as \"1\".")),
        })
    }
}

impl Describe for IfMatch {
    fn describe(description: &mut Description) {
        let tags = text().pattern(Some(r#"^(\*|"[0-9]+"(, *"[0-9]+")*)$"#));
        description.header("If-Match", Required::True, tags, "The `ETag` that the caller has seen");
        description.problems(&[Code::InvalidRequest, Code::PreconditionRequired]);
    }
}
