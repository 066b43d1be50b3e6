use std::sync::Arc;

use comanda_application::Supplies;
use comanda_domain::ports::{Clock, IdGenerator};
use comanda_postgres::{Database, PostgresSupplies};

pub(super) fn supplies(database: &Database, ids: &Arc<dyn IdGenerator>, clock: &Arc<dyn Clock>) -> Supplies {
    let stored = Arc::new(PostgresSupplies::new(database.clone()));
    Supplies { supplies: stored.clone(), list: stored, ids: ids.clone(), clock: clock.clone() }
}
