//! Connecting to PostgreSQL and Redis: whom their certificates must come from, why one was refused, whether they are
//! within reach, and files that say whom to sign in as.

mod authorities;
mod reachability;
mod refusal;
mod setting_file;

pub use authorities::{Authorities, InvalidAuthorities};
pub use reachability::Reachability;
pub use refusal::{reason, refusal};
pub use setting_file::SettingFile;
