//! `/v1/menu`

mod add;
mod adjust_stock;
mod archive;
mod edit;
mod find;
mod list;
mod rendered_menu;
mod whole;

use actix_web::http::header::ETag;
use comanda_domain::{Actor, MenuItem};

pub use self::{
    add::{__path_add, add},
    adjust_stock::{__path_adjust_stock, adjust_stock},
    archive::{__path_archive, archive},
    edit::{__path_edit, edit},
    find::{__path_find, find},
    list::{__path_list, list},
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
