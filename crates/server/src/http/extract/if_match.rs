use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, ETag, EntityTag},
};
use comanda_domain::ports::Unavailable;
use utoipa::openapi::{ObjectBuilder, Required};

use super::entity_tags::EntityTags;
use crate::http::{
    openapi::{Describe, Description, text},
    problem::{Code, Problem},
};

/// The `If-Match` header (RFC 9110, section 13.1.1), which must be there.
pub enum IfMatch {
    /// `*`: any revision will do.
    Any,
    /// The revisions it names; entity tags that are not written as the server writes a revision match nothing and are
    /// left out.
    Revisions(Vec<u32>),
}

impl IfMatch {
    /// The one revision that it asks for, or `absent` if there is nothing that has one. Only a list of several, or `*`,
    /// has to be compared with the `current` one first.
    pub async fn revision_seen<E: From<Unavailable>>(
        &self,
        current: impl Future<Output = Result<Option<u32>, Unavailable>>,
        absent: E,
    ) -> Result<u32, E> {
        if let Self::Revisions(named) = self
            && let [revision] = named[..]
        {
            return Ok(revision);
        }
        Ok(self.revision_given(current.await?.ok_or(absent)?))
    }

    /// The revision to require of an item that is now at `current`. When none was named it is one that no item has.
    fn revision_given(&self, current: u32) -> u32 {
        match self {
            Self::Any => current,
            Self::Revisions(named) if named.contains(&current) => current,
            Self::Revisions(named) => named.first().copied().unwrap_or(0),
        }
    }
}

/// The `If-Match` header, which may be left out: then any revision will do.
pub struct IfMatchGiven(Option<IfMatch>);

impl IfMatchGiven {
    /// The one revision that it asks for, if it asks for any; see [`IfMatch::revision_seen`].
    pub async fn revision_seen<E: From<Unavailable>>(
        &self,
        current: impl Future<Output = Result<Option<u32>, Unavailable>>,
        absent: E,
    ) -> Result<Option<u32>, E> {
        match &self.0 {
            None | Some(IfMatch::Any) => Ok(None),
            Some(if_match) => if_match.revision_seen(current, absent).await.map(Some),
        }
    }
}

impl FromRequest for IfMatchGiven {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return ready(Ok(Self(None)));
        }
        ready(IfMatch::from_request(request, payload).into_inner().map(|if_match| Self(Some(if_match))))
    }
}

/// The entity tag of a revision.
pub fn etag(revision: u32) -> ETag {
    ETag(EntityTag::new_strong(revision.to_string()))
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return ready(Err(Problem::new(Code::PreconditionRequired, "Send the item's ETag as If-Match.")));
        }
        ready(match EntityTags::of(request.headers(), header::IF_MATCH) {
            Some(EntityTags::Any) => Ok(Self::Any),
            // A weak tag never matches where the strong comparison is asked for.
            Some(EntityTags::Listed(tags)) => {
                let strong = tags.iter().filter(|tag| !tag.weak);
                Ok(Self::Revisions(strong.filter_map(|tag| revision_of(tag.opaque)).collect()))
            }
            None => Err(Problem::new(Code::InvalidRequest, "If-Match is not a list of entity tags such as \"1\".")),
        })
    }
}

/// The revision that has this entity tag. Tags are compared byte for byte (RFC 9110, section 8.8.3.2): `"01"` and
/// `"+1"` are not `"1"`.
fn revision_of(tag: &[u8]) -> Option<u32> {
    let tag = std::str::from_utf8(tag).ok()?;
    tag.parse().ok().filter(|revision: &u32| revision.to_string() == tag)
}

impl Describe for IfMatch {
    fn describe(description: &mut Description) {
        description.header("If-Match", Required::True, tags(), "The `ETag` that the caller has seen");
        description.problems(&[Code::InvalidRequest, Code::PreconditionRequired]);
    }
}

impl Describe for IfMatchGiven {
    fn describe(description: &mut Description) {
        let what = "The `ETag` that the caller has seen; without it, any revision will do";
        description.header("If-Match", Required::False, tags(), what);
        description.problems(&[Code::InvalidRequest]);
    }
}

fn tags() -> ObjectBuilder {
    text().pattern(Some(r#"^(\*|"[0-9]+"(, *"[0-9]+")*)$"#))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    /// The revision that a PATCH of an item at revision 12 then requires.
    async fn given(headers: &[&'static str]) -> Option<u32> {
        let request = TestRequest::default();
        let request = headers.iter().fold(request, |request, tags| request.append_header((header::IF_MATCH, *tags)));
        IfMatch::extract(&request.to_http_request()).await.ok().map(|if_match| if_match.revision_given(12))
    }

    #[actix_web::test]
    async fn only_the_exact_tag_matches() {
        for same in [&["\"12\""][..], &["*"], &["\"3\", \"12\""], &["\"3\"", "\"12\""], &["W/\"12\", \"12\""]] {
            assert_eq!(given(same).await, Some(12), "{same:?}");
        }
        for other in [
            "\"+12\"",
            "\"012\"",
            "\" 12\"",
            "\"12 \"",
            "\"0xc\"",
            "\"12.0\"",
            "\"\"",
            "W/\"12\"",
            "\"١٢\"",
            "\"4294967308\"",
            "\"12,12\"",
        ] {
            assert_ne!(given(&[other]).await, Some(12), "{other}");
        }
        for malformed in ["12", "", ",", "\"12", "'12'", "\"12\", oops"] {
            assert_eq!(given(&[malformed]).await, None, "{malformed}");
        }
        assert_eq!(given(&[]).await, None);
    }
}
