use std::sync::Arc;

use comanda_application::Kitchen;
use comanda_domain::ports::{Clock, IdGenerator};
use comanda_postgres::{Database, PostgresStations, PostgresTickets};

pub(super) fn kitchen(database: &Database, ids: &Arc<dyn IdGenerator>, clock: &Arc<dyn Clock>) -> Kitchen {
    Kitchen {
        stations: Arc::new(PostgresStations::new(database.clone())),
        tickets: Arc::new(PostgresTickets::new(database.clone())),
        ids: ids.clone(),
        clock: clock.clone(),
    }
}
