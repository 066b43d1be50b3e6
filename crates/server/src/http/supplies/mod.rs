//! `/v1/supplies`

mod add;
mod adjust;
mod archive;
mod edit;
mod find;
mod list;
mod supply_response;

pub use self::{
    add::{__path_add, add},
    adjust::{__path_adjust, adjust},
    archive::{__path_archive, archive},
    edit::{__path_edit, edit},
    find::{__path_find, find},
    list::{__path_list, list},
};
