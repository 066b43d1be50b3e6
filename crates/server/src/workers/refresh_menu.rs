use comanda_menu_cache::CachedMenu;

use super::worker::Worker;

/// Keeps this process's snapshot of the menu current.
pub fn refresh_menu(menu: CachedMenu) -> Worker {
    Worker::endless("refresh_menu", move |context| {
        let menu = menu.clone();
        async move { menu.run(|| context.succeeded()).await }
    })
}
