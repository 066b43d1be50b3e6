//! `/v1/menu/option-groups`

mod add;
mod archive;
mod edit;
mod find;
mod group_response;
mod list;
mod written;

pub(super) use self::written::{read_allergens, unknown, unknown_station, uuid};
pub use self::{
    add::{__path_add_option_group, add_option_group},
    archive::{__path_archive_option_group, archive_option_group},
    edit::{__path_edit_option_group, edit_option_group},
    find::{__path_find_option_group, find_option_group},
    list::{__path_list_option_groups, list_option_groups},
};
