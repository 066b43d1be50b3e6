//! What staff have to look into: amounts that are not what was asked for, and disputes.

use chrono::{DateTime, Utc};
use comanda_domain::{
    AuditAction, AuditRecord, IncidentKind, IncidentStatus, Money, Payment, PaymentId, PaymentIncident, Reason,
    Timestamp, ports::Readable,
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    database::{MaybeStoredTime, Named, RowOf, StoredTime, schema::payment_incidents},
    operations::write_record,
};

#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = payment_incidents, check_for_backend(diesel::pg::Pg))]
pub(super) struct IncidentRow {
    id: String,
    payment_id: Uuid,
    amount: i64,
    #[diesel(deserialize_as = StoredTime)]
    opened_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    reported_at: DateTime<Utc>,
    #[diesel(deserialize_as = MaybeStoredTime)]
    funds_reported_at: Option<DateTime<Utc>>,
    withdrawn: bool,
    kind: String,
    currency: String,
    status: String,
    reason: String,
}

impl IncidentRow {
    fn of(incident: &PaymentIncident) -> Self {
        Self {
            id: incident.id.clone(),
            payment_id: incident.payment_id.as_uuid(),
            amount: incident.amount.amount(),
            opened_at: incident.opened_at,
            reported_at: incident.reported_at,
            funds_reported_at: incident.funds_reported_at,
            withdrawn: incident.withdrawn,
            kind: incident.kind.as_str().to_owned(),
            currency: incident.amount.currency().code().to_owned(),
            status: incident.status.as_str().to_owned(),
            reason: incident.reason.clone(),
        }
    }

    pub(super) fn into_incident(self) -> Readable<PaymentIncident> {
        let row = RowOf { table: "payment_incidents", id: self.id.as_str() };
        Ok(PaymentIncident {
            id: self.id.clone(),
            payment_id: PaymentId::new(self.payment_id),
            kind: row.read("kind", self.kind.parse())?,
            amount: Money::new(self.amount, row.read("currency", self.currency.parse())?),
            status: row.read("status", self.status.parse())?,
            reason: self.reason,
            withdrawn: self.withdrawn,
            opened_at: self.opened_at,
            reported_at: self.reported_at,
            funds_reported_at: self.funds_reported_at,
        })
    }
}

/// The incident of a locked payment.
pub(super) async fn lock_incident(connection: &mut AsyncPgConnection, id: &str) -> QueryResult<Option<IncidentRow>> {
    payment_incidents::table
        .find(id)
        .select(IncidentRow::as_select())
        .for_update()
        .first(connection)
        .one("payment_incident.lock")
        .await
        .optional()
}

/// Closes the mismatch of a payment once all that came has gone back, and opens it again if that has failed.
pub(super) async fn follow_mismatch(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    returned: i64,
) -> QueryResult<()> {
    let (open, closed) = (IncidentStatus::NeedsResponse.as_str(), IncidentStatus::Lost.as_str());
    for (status, is_left, before) in [(closed, false, open), (open, true, closed)] {
        diesel::update(payment_incidents::table)
            .filter(payment_incidents::payment_id.eq(payment.id.as_uuid()))
            .filter(payment_incidents::kind.eq(IncidentKind::Mismatch.as_str()))
            .filter(payment_incidents::reason.eq(PaymentIncident::AMOUNT))
            .filter(payment_incidents::currency.eq(payment.amount.currency().code()))
            .filter(payment_incidents::status.eq(before).and(payment_incidents::amount.gt(returned).eq(is_left)))
            .set(payment_incidents::status.eq(status))
            .execute(connection)
            .changes("payment_incident.follow")
            .await?;
    }
    Ok(())
}

/// Writes a new incident, or what has become of it, with its audit record.
pub(super) async fn write_incident(
    connection: &mut AsyncPgConnection,
    incident: &PaymentIncident,
    action: AuditAction,
    at: Timestamp,
) -> QueryResult<()> {
    let row = IncidentRow::of(incident);
    diesel::insert_into(payment_incidents::table)
        .values(&row)
        .on_conflict(payment_incidents::id)
        .do_update()
        .set(&row)
        .execute(connection)
        .changes("payment_incident.write")
        .await?;
    let reason = format!(
        "{} {} {}: {} ({})",
        incident.kind,
        incident.amount,
        incident.amount.currency(),
        incident.status,
        incident.reason
    );
    let record = AuditRecord {
        actor: None,
        action,
        target: incident.payment_id.to_string(),
        reason: Some(Reason::stored(&reason)),
        at,
    };
    write_record(connection, &record).await
}
