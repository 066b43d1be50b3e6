//! Proving who somebody is: the ports for passwords and tokens, on Argon2id, JSON Web Tokens and HMAC.

mod access_tokens;
mod argon2_hasher;
mod ed25519;
mod fair_queue;
mod mail_tokens;
mod on_behalf;
mod refresh_tokens;
mod secret_keys;
mod token_keys;

pub use access_tokens::{JwtAccessTokens, TokenTerms};
pub use argon2_hasher::{Argon2Hasher, HashingThread};
pub use mail_tokens::RandomMailTokens;
pub use on_behalf::{for_same_client, hashing_for};
pub use refresh_tokens::OpaqueRefreshTokens;
pub use secret_keys::{DerivedKeys, SecretKeys};
pub use token_keys::{TokenKeys, UnusableKey, generate_signing_key, public_key_of};
