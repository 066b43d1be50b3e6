use std::collections::{BTreeMap, BTreeSet};

use comanda_domain::{Email, ports::Unavailable};
use diesel::{dsl::sql, prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{Database, database::schema::users};

/// How many are reported.
const LIMIT: usize = 100;

/// Accounts whose addresses are one when somebody types them today, since they were stored before addresses had one
/// form. Nobody can register such a twin any more; who types an address exactly as it is stored still gets its account.
/// Each as a sentence, the first hundred.
pub async fn twins_of_addresses(database: &Database) -> Result<Vec<String>, Unavailable> {
    let mut connection = database.dedicated("SET statement_timeout = 0").await?;
    // All others are in the one form already.
    let may_be_odd = sql::<Bool>("users.email ~ '[^!-~]|[A-Z]|xn--'");
    let odd: Vec<(Uuid, String)> = users::table
        .filter(may_be_odd)
        .select((users::id, users::email))
        .load(&mut connection)
        .await
        .map_err(Unavailable::new)?;
    let mut accounts: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for (id, email) in odd {
        accounts.entry(Email::stored(&email).in_one_form().as_str().to_owned()).or_default().insert(id);
    }
    let forms: Vec<&String> = accounts.keys().collect();
    let plain: Vec<(Uuid, String)> = users::table
        .filter(users::email.eq_any(forms))
        .select((users::id, users::email))
        .load(&mut connection)
        .await
        .map_err(Unavailable::new)?;
    for (id, email) in plain {
        accounts.entry(email).or_default().insert(id);
    }
    let twins = accounts.into_values().filter(|ids| ids.len() > 1).take(LIMIT).map(|ids| {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        format!("the accounts {} have addresses that are one when they are typed", ids.join(" and "))
    });
    Ok(twins.collect())
}
