//! `/v1/menu`

mod add_item;
mod adjust_stock;
mod archive_item;
mod edit_item;
mod item;
mod list_items;
mod rendered_menu;
mod whole;

use actix_web::http::header::{ETag, EntityTag};
use comanda_domain::{account::Actor, menu_item::MenuItem, ports::EditMenuItemError};

pub use add_item::{__path_add_item, add_item};
pub use adjust_stock::{__path_adjust_stock, adjust_stock};
pub use archive_item::{__path_archive_item, archive_item};
pub use edit_item::{__path_edit_item, edit_item};
pub use item::{__path_item, item};
pub use list_items::{__path_list_items, list_items};
pub use rendered_menu::MenuRenderer;
pub use whole::{__path_whole, whole};

use super::{
    problem::{Code, Problem},
    wire::Shown,
};

fn etag(item: &MenuItem) -> ETag {
    ETag(EntityTag::new_strong(item.revision.to_string()))
}

fn shown_to(reader: Option<Actor>) -> Shown {
    if reader.is_some_and(|actor| actor.role.is_staff()) { Shown::ToStaff } else { Shown::ToCustomers }
}

fn edit_problem(error: EditMenuItemError) -> Problem {
    match error {
        EditMenuItemError::NotFound => Problem::not_found("menu item"),
        EditMenuItemError::Stale { current } => {
            Problem::new(Code::PreconditionFailed, format!("The item is at revision {current} by now."))
        }
        EditMenuItemError::Unavailable(cause) => Problem::unavailable("menu.update", &cause),
    }
}
