use std::sync::Arc;

use comanda_application::Supplies;
use comanda_domain::ports::{Clock, IdGenerator};
use comanda_menu_cache::{CachedMenu, ShownSupplies};
use comanda_postgres::{Database, PostgresSupplies};

pub(super) fn supplies(
    database: &Database,
    menu: &CachedMenu,
    ids: &Arc<dyn IdGenerator>,
    clock: &Arc<dyn Clock>,
) -> Supplies {
    let stored = Arc::new(PostgresSupplies::new(database.clone()));
    let supplies = Arc::new(ShownSupplies::new(menu.clone(), stored.clone()));
    Supplies { supplies, list: stored, ids: ids.clone(), clock: clock.clone() }
}
