use serde_json::json;
use uuid::Uuid;

use crate::{
    http::{Connection, log_in},
    project::random_secret,
};

/// Opens an account; returns its access token.
pub async fn sign_up(address: &str) -> anyhow::Result<String> {
    let mut connection = Connection::open(address).await?;
    let (email, password) = (format!("{}@comanda.example", Uuid::now_v7().simple()), random_secret());
    let body = json!({ "email": email, "password": password, "name": "A customer" });
    connection.post("/v1/users", None, &body).await?.expect(201)?;
    log_in(&mut connection, &email, &password).await
}
