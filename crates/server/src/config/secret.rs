use std::{fmt, ops::Deref};

use secrecy::{ExposeSecret, SecretString};

use super::{Setting, value::Value};

/// A text that is never printed.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The least number of different characters of any secret.
    pub(super) const DIFFERENT: usize = 5;

    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl AsRef<SecretString> for Secret {
    fn as_ref(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Secrets, each on a line of its own: a secret may hold any other character.
#[derive(Clone, Debug)]
pub struct SecretLines(Vec<Secret>);

impl Deref for SecretLines {
    type Target = Vec<Secret>;

    fn deref(&self) -> &Vec<Secret> {
        &self.0
    }
}

impl Value for SecretLines {
    const KIND: &'static str = "secrets, one a line";

    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        lines.map(|line| Value::parse(line, setting)).collect::<Result<_, _>>().map(Self)
    }
}
