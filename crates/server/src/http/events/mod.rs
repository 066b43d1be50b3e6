//! `/v1/admin/dead-letters`

mod list_dead_letters;
mod resend;

pub use self::{
    list_dead_letters::{__path_list_dead_letters, list_dead_letters},
    resend::{__path_resend, resend},
};
