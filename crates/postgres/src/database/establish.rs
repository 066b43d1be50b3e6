//! Opening a connection for Diesel.

use std::error::Error;

use comanda_tls::refusal;
use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::DatabaseUrl;

/// A connection that `setup` (SQL) was run on.
pub(crate) async fn establish(url: &DatabaseUrl, setup: &str) -> diesel::ConnectionResult<AsyncPgConnection> {
    let (client, wire) = url.connect().await.map_err(|error| ConnectionError::BadConnection(cause(&error)))?;
    let mut connection = AsyncPgConnection::try_from_client_and_connection(client, wire).await?;
    if !setup.is_empty() {
        connection.batch_execute(setup).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(connection)
}

/// The error's root, which is all that helps: above it stands that connecting failed.
fn cause(error: &tokio_postgres::Error) -> String {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    refusal(error).unwrap_or_else(|| root.to_string())
}
