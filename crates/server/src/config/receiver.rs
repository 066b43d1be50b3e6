//! A receiver of events, and what it is called.

use std::fmt;

use url::Url;

use super::{setting::Setting, value::Value};

/// A webhook's URL, and the name that an operator gave its receiver: what waits for it does so under this name.
#[derive(Clone, Debug)]
pub struct Receiver {
    pub name: Option<ReceiverName>,
    pub url: Url,
}

/// 1 to 40 lower-case letters, digits, `-` and `_`, and not `mail`, which customers' mails wait under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverName(String);

impl ReceiverName {
    fn new(text: &str) -> Option<Self> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let fits = (1..=40).contains(&text.len()) && text.bytes().all(is_part) && text != "mail";
        fits.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ReceiverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for Receiver {
    const KIND: &'static str = "`name=URL`, or a URL";
    const LIST: &'static str = "`name=URL` or URLs, separated by commas";

    /// A receiver's URL may hold a secret of its own.
    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
        // A URL has a colon before any equals sign.
        match text.split_once('=').filter(|(name, _)| !name.contains(':')) {
            None => Ok(Self { name: None, url: <Url as Value>::parse(text, setting)? }),
            Some((name, url)) => {
                let name = ReceiverName::new(name.trim()).ok_or_else(|| {
                    vec!["a name must be 1 to 40 lower-case letters, digits, - and _, and not \"mail\"".to_owned()]
                })?;
                Ok(Self { name: Some(name), url: <Url as Value>::parse(url.trim(), setting)? })
            }
        }
    }
}
