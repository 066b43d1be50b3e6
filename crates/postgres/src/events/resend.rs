use comanda_domain::{
    Administrator, AuditAction, AuditRecord, Idempotency, Timestamp,
    ports::{Idempotent, ResendError},
};
use diesel::{dsl::now, prelude::*};
use diesel_async::RunQueryDsl;

use super::unserved::is_held;
use crate::{
    database::{Database, Failure, Named, schema::outbox_retries},
    idempotency::claim,
    operations::write_record,
};

pub(super) async fn resend(
    database: &Database,
    id: i64,
    by: Option<Administrator>,
    served: &[String],
    at: Timestamp,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<()>, ResendError> {
    let served = served.to_vec();
    database
        .transaction(async move |connection| {
            let Ok(kept) = claim::<(), _>(connection, idempotency.as_ref(), at).await?.first()? else {
                return Ok(Idempotent { outcome: (), replayed: true });
            };
            let letter = || outbox_retries::table.find(id).filter(outbox_retries::is_dead);
            let subscriber: Option<String> = letter()
                .select(outbox_retries::subscriber)
                .get_result(connection)
                .one("outbox.find_letter")
                .await
                .optional()?;
            let Some(subscriber) = subscriber else { return Err(Failure(ResendError::NotFound)) };
            if !served.contains(&subscriber) && !is_held(connection, &subscriber).await? {
                return Err(Failure(ResendError::NotServed { subscriber }));
            }
            let revived = diesel::update(letter())
                .set((
                    outbox_retries::is_dead.eq(false),
                    outbox_retries::attempts.eq(0),
                    outbox_retries::next_at.eq(now),
                ))
                .execute(connection)
                .changes("outbox.resend")
                .await?;
            if revived == 0 {
                return Err(Failure(ResendError::NotFound));
            }
            let record = AuditRecord {
                actor: by.map(Administrator::account_id),
                action: AuditAction::DeadLetterResent,
                target: id.to_string(),
                reason: None,
                at,
            };
            write_record(connection, &record).await?;
            kept.keep(connection, &()).await?;
            Ok(Idempotent { outcome: (), replayed: false })
        })
        .await
}
