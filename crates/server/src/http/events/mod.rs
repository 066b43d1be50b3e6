//! `/v1/admin/dead-letters`

mod dead_letters;

pub use dead_letters::{__path_dead_letters, __path_resend, dead_letters, resend};
