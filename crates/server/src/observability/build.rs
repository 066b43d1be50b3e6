//! What this program was built from.

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, as whoever built the program has named it in `COMANDA_COMMIT`.
pub const COMMIT: &str = match option_env!("COMANDA_COMMIT") {
    Some(commit) if !commit.is_empty() => commit,
    _ => "unknown",
};
