//! Reading and running the menu.

mod add_menu_item;
mod adjust_stock;
mod archive_menu_item;
mod edit_menu_item;
mod export_menu;
mod import_menu;
mod list_menu_items;
mod read_menu;
mod read_menu_item;

pub use add_menu_item::AddMenuItem;
pub use adjust_stock::AdjustStock;
pub use archive_menu_item::ArchiveMenuItem;
pub use edit_menu_item::EditMenuItem;
pub use export_menu::ExportMenu;
pub use import_menu::ImportMenu;
pub use list_menu_items::ListMenuItems;
pub use read_menu::ReadMenu;
pub use read_menu_item::ReadMenuItem;
