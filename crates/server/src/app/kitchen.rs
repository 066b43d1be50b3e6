use std::sync::Arc;

use comanda_application::Kitchen;
use comanda_domain::ports::{Clock, IdGenerator, WorkQueue};
use comanda_postgres::{Database, PostgresStations, PostgresTickets};

pub(super) fn kitchen(
    database: &Database,
    watchers: Arc<dyn WorkQueue>,
    ids: &Arc<dyn IdGenerator>,
    clock: &Arc<dyn Clock>,
) -> Kitchen {
    Kitchen {
        stations: Arc::new(PostgresStations::new(database.clone())),
        tickets: Arc::new(PostgresTickets::new(database.clone())),
        watchers,
        ids: ids.clone(),
        clock: clock.clone(),
    }
}
