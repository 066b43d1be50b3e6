//! `/v1/menu`

mod add;
mod adjust_stock;
mod archive;
mod change_recipe;
mod edit;
mod find;
mod list;
mod offer;
mod option_groups;
mod rendered_menu;
mod whole;

use actix_web::http::header::ETag;
use comanda_domain::{Actor, MenuItem};

pub use self::{
    add::{__path_add, add},
    adjust_stock::{__path_adjust_stock, adjust_stock},
    archive::{__path_archive, archive},
    change_recipe::{__path_change_recipe, change_recipe},
    edit::{__path_edit, edit},
    find::{__path_find, find},
    list::{__path_list, list},
    offer::{__path_offer_option_groups, offer_option_groups},
    option_groups::{
        __path_add_option_group, __path_archive_option_group, __path_edit_option_group, __path_find_option_group,
        __path_list_option_groups, add_option_group, archive_option_group, edit_option_group, find_option_group,
        list_option_groups,
    },
    rendered_menu::MenuRenderer,
    whole::{__path_whole, whole},
};
use super::{extract, wire::Shown};

fn etag(item: &MenuItem) -> ETag {
    extract::etag(item.revision)
}

fn shown_to(reader: Option<Actor>) -> Shown {
    if reader.is_some_and(|actor| actor.role.is_staff()) { Shown::ToStaff } else { Shown::ToCustomers }
}
