use comanda_domain::{
    AuditAction, DisputeReport, PaymentIncident, Timestamp,
    ports::{Recorded, Unavailable},
};

use super::{
    incidents::{IncidentRow, lock_incident, write_incident},
    lock::{find_by_intent, lock_payment},
};
use crate::database::Database;

pub(super) async fn record_dispute(
    database: &Database,
    report: DisputeReport,
    at: Timestamp,
) -> Result<Recorded, Unavailable> {
    let currency = database.currency();
    let logged = report.clone();
    let recorded: Result<Recorded, Unavailable> = database
        .transaction(async move |connection| {
            let Some((order_id, id)) = find_by_intent(connection, &report.intent).await? else {
                return Ok(Recorded::NotOurs);
            };
            if lock_payment(connection, currency, order_id, id).await?.is_none() {
                return Ok(Recorded::NotOurs);
            }
            let before = lock_incident(connection, &report.id).await?;
            let incident = match before.map(IncidentRow::into_incident).transpose()? {
                Some(before) => before.on_report(&report),
                None => Some(PaymentIncident::dispute(id, &report)),
            };
            let Some(incident) = incident else { return Ok(Recorded::Known) };
            write_incident(connection, &incident, AuditAction::PaymentDisputed, at).await?;
            Ok(Recorded::Changed)
        })
        .await;
    let recorded = recorded?;
    if recorded == Recorded::Changed {
        let DisputeReport { id, intent, status, reason, .. } = &logged;
        tracing::error!(dispute = id, intent = intent.0, %status, reason, "a customer disputes a card payment");
    }
    Ok(recorded)
}
