use async_trait::async_trait;
use comanda_domain::{
    Administrator, AuditAction, AuditRecord, FeatureFlag, Percentage, Reason, Timestamp,
    ports::{FlagSettings, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    database::{Database, Named, NamedRows, RowOf, schema::feature_flags},
    operations::write_record,
};

/// The settings of flags in the table `feature_flags`. In Redis they could be lost.
pub struct PostgresFlagSettings {
    database: Database,
}

impl PostgresFlagSettings {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl FlagSettings for PostgresFlagSettings {
    async fn all(&self) -> Result<Vec<(FeatureFlag, Percentage)>, Unavailable> {
        let mut connection = self.database.read_connection().await?;
        let rows: Vec<(String, i16)> =
            feature_flags::table.load(&mut *connection).rows("flag.list").await.map_err(Unavailable::new)?;
        // A flag that this version of the server does not know belongs to another version.
        let known = rows.into_iter().filter_map(|(name, percentage)| {
            let flag = name.parse().ok()?;
            let row = RowOf { table: "feature_flags", id: name };
            Some((flag, row.read("percentage", Percentage::new(i64::from(percentage))).ok()?))
        });
        Ok(known.collect())
    }

    async fn set(
        &self,
        flag: FeatureFlag,
        percentage: Percentage,
        by: Option<Administrator>,
        at: Timestamp,
    ) -> Result<(), Unavailable> {
        let record = AuditRecord {
            actor: by.map(Administrator::account_id),
            action: AuditAction::FlagSet,
            target: flag.as_str().to_owned(),
            reason: Reason::new(&format!("{} %", percentage.get())).ok(),
            at,
        };
        self.database
            .transaction(async move |connection| {
                let share = i16::from(percentage.get());
                diesel::insert_into(feature_flags::table)
                    .values((feature_flags::name.eq(flag.as_str()), feature_flags::percentage.eq(share)))
                    .on_conflict(feature_flags::name)
                    .do_update()
                    .set(feature_flags::percentage.eq(share))
                    .execute(connection)
                    .changes("flag.set")
                    .await?;
                Ok(write_record(connection, &record).await?)
            })
            .await
    }
}
