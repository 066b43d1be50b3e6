//! Proving who somebody is: passwords and tokens.

mod access_tokens;
mod argon2_hasher;

pub use access_tokens::{JwtAccessTokens, generate_signing_key};
pub use argon2_hasher::Argon2Hasher;
