use tokio_postgres::{Client, NoTls};

use crate::services::url_of_database;

pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends with the client; an error shows at the query that meets it.
    tokio::spawn(connection);
    Ok(client)
}

/// A copy of a database that nobody is connected to, in the place of one of this name; returns its URL.
pub async fn copy(url: &str, name: &str) -> anyhow::Result<String> {
    let client = connect(&url_of_database(url, "postgres")?).await?;
    let template = url.rsplit('/').next().unwrap_or_default();
    client.batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await?;
    client.batch_execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await?;
    url_of_database(url, name)
}

/// Planners see tables as they are.
pub async fn analyze(url: &str) -> anyhow::Result<()> {
    Ok(connect(url).await?.batch_execute("VACUUM ANALYZE").await?)
}

/// How many milliseconds a commit takes, the quickest of twenty.
pub async fn commit_milliseconds(url: &str) -> anyhow::Result<f64> {
    let client = connect(url).await?;
    let mut quickest = f64::INFINITY;
    for _ in 0..20 {
        let begin = std::time::Instant::now();
        client.batch_execute("SELECT pg_logical_emit_message(true, 'bench', 'flush me')").await?;
        quickest = quickest.min(begin.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(quickest)
}
