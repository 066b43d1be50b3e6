//! What a database says of itself, for whoever looks for what is wrong.

use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;

use super::{DatabaseUrl, SharedSessions, establish::establish, named::Named, session_state::ensure_sessions_are_kept};

/// What a database says of itself.
#[derive(Debug, QueryableByName)]
pub struct DatabaseFacts {
    #[diesel(sql_type = Text)]
    pub version: String,
    /// Such as 150004.
    #[diesel(sql_type = Integer)]
    pub version_number: i32,
    /// The role that was signed in as.
    #[diesel(sql_type = Text)]
    pub role: String,
    #[diesel(sql_type = Text)]
    pub database: String,
    /// Whether it takes no writes: it is a standby, or was told so.
    #[diesel(sql_type = Bool)]
    pub is_read_only: bool,
    /// Whether this connection was.
    #[diesel(sql_type = Bool)]
    pub is_encrypted: bool,
    /// Its clock, in seconds since 1970.
    #[diesel(sql_type = Double)]
    pub clock: f64,
    /// How many connections there are, of all programs and databases.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// How many there may be, for roles that are no superuser.
    #[diesel(sql_type = BigInt)]
    pub connection_limit: i64,
    /// The size of this database.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// `None`: the role may not know.
    #[diesel(sql_type = Nullable<Text>)]
    pub data_folder: Option<String>,
    /// When the latest part of its log was archived.
    #[diesel(sql_type = Nullable<Double>)]
    pub archived_seconds_ago: Option<f64>,
    /// Whether the latest attempt to archive its log failed. `None`: it archives nothing.
    #[diesel(sql_type = Nullable<Bool>)]
    pub archiving_fails: Option<bool>,
    /// What the role lacks that a server needs, such as `INSERT on orders`.
    #[diesel(sql_type = Array<Text>)]
    pub missing_privileges: Vec<String>,
}

/// Connects once and asks, within `wait`. Changes nothing.
pub async fn examine(url: &DatabaseUrl, wait: Duration) -> Result<DatabaseFacts, Unavailable> {
    url.probe(wait).await?;
    let asked = async {
        let mut connection = establish(&url.clone().with_time_limits(), "").await.map_err(Unavailable::new)?;
        let facts = sql_query(include_str!("examine.sql")).get_result(&mut connection);
        facts.one("database.examine").await.map_err(Unavailable::new)
    };
    tokio::time::timeout(wait, asked).await.map_err(Unavailable::new)?
}

/// Whether a pooler before the database lends connections for less than a session.
pub async fn examine_pooling(url: &DatabaseUrl) -> Result<(), SharedSessions> {
    ensure_sessions_are_kept(&url.clone().with_time_limits()).await
}
