//! Lists of entity tags (RFC 9110, section 8.8.3), as `If-Match` and `If-None-Match` have them.
//!
//! actix-web splits such a list at every comma, also within a tag, reads no tag with other bytes than ASCII, and passes
//! over what it cannot read.

use actix_web::http::header::{HeaderMap, HeaderName};

/// What an `If-Match` or an `If-None-Match` names.
#[derive(Debug, PartialEq, Eq)]
pub enum EntityTags<'a> {
    /// `*`: whatever there is.
    Any,
    /// At least one.
    Listed(Vec<EntityTag<'a>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag<'a> {
    pub weak: bool,
    /// What is between the quotes: bytes that mean nothing to whoever did not choose them.
    pub opaque: &'a [u8],
}

impl<'a> EntityTags<'a> {
    /// The tags of all headers of this name. `None`: they are no list of tags, or there is none.
    pub fn of(headers: &'a HeaderMap, name: HeaderName) -> Option<Self> {
        let mut any = 0;
        let mut tags = Vec::new();
        for value in headers.get_all(name) {
            let mut rest = value.as_bytes().trim_ascii();
            if rest == b"*" {
                any += 1;
                continue;
            }
            while !rest.is_empty() {
                // An element may be empty (section 5.6.1).
                if let Some(next) = rest.strip_prefix(b",") {
                    rest = next.trim_ascii_start();
                    continue;
                }
                let (tag, next) = EntityTag::at_the_beginning_of(rest)?;
                tags.push(tag);
                rest = next.trim_ascii_start();
                if !rest.is_empty() && !rest.starts_with(b",") {
                    return None;
                }
            }
        }
        match (any, tags.is_empty()) {
            (1, true) => Some(Self::Any),
            (0, false) => Some(Self::Listed(tags)),
            _ => None,
        }
    }
}

impl<'a> EntityTag<'a> {
    /// The tag, and what follows it.
    fn at_the_beginning_of(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, text) = text.strip_prefix(b"W/").map_or((false, text), |text| (true, text));
        let text = text.strip_prefix(b"\"")?;
        let end = text.iter().position(|byte| *byte == b'"')?;
        let (opaque, rest) = text.split_at_checked(end)?;
        let is_allowed = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7E | 0x80..);
        opaque.iter().all(is_allowed).then_some((Self { weak, opaque }, rest.get(1..)?))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderValue, IF_MATCH};

    use super::*;

    type Values = &'static [&'static [u8]];
    type Tags = &'static [(bool, &'static [u8])];

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_tag_is_whatever_is_between_quotes() {
        let listed: [(Values, Tags); 7] = [
            (&[b"\"1\""], &[(false, b"1")]),
            (&[b"\"a,b\""], &[(false, b"a,b")]),
            (&[b"\"\""], &[(false, b"")]),
            (&[b"\"\xc3\xa9\""], &[(false, b"\xc3\xa9")]),
            (&[b"\"\xff\\\", W/\"1\""], &[(false, b"\xff\\"), (true, b"1")]),
            (&[b",\"1\" ,\t, \"2\","], &[(false, b"1"), (false, b"2")]),
            (&[b"\"1\"", b"\"2\",\"*\""], &[(false, b"1"), (false, b"2"), (false, b"*")]),
        ];
        for (values, expected) in listed {
            let headers = headers(values);
            let expected = expected.iter().map(|&(weak, opaque)| EntityTag { weak, opaque }).collect();
            assert_eq!(EntityTags::of(&headers, IF_MATCH), Some(EntityTags::Listed(expected)), "{values:?}");
        }
        assert_eq!(EntityTags::of(&headers(&[b" * "]), IF_MATCH), Some(EntityTags::Any));
    }

    #[test]
    fn anything_else_is_no_list() {
        let malformed: &[&[&[u8]]] = &[
            &[],
            &[b""],
            &[b","],
            &[b"1"],
            &[b"\"1"],
            &[b"1\""],
            &[b"'1'"],
            &[b"w/\"1\""],
            &[b"W/ \"1\""],
            &[b"\"1\", oops"],
            &[b"\"1\" \"2\""],
            &[b"\"1\"\"2\""],
            &[b"\"1 \""],
            &[b"\"1\t\""],
            &[b"*, \"1\""],
            &[b"*", b"\"1\""],
            &[b"*", b"*"],
            &[b"\"1\"", b"2"],
        ];
        for values in malformed {
            assert_eq!(EntityTags::of(&headers(values), IF_MATCH), None, "{values:?}");
        }
    }
}
