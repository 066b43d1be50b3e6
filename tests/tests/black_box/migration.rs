use comanda_tests::{Client, TestDatabase, TestServer, redis_url};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_at_once_on_an_empty_database_migrate_it_once() {
    let database = TestDatabase::empty().await;
    let redis_url = redis_url().await;
    let starting = (0..2).map(|_| {
        let (url, redis_url) = (database.url.clone(), redis_url.clone());
        tokio::task::spawn_blocking(move || TestServer::start_at(&url, &redis_url, &[]))
    });
    let servers = futures_util::future::join_all(starting.collect::<Vec<_>>()).await;
    let servers: Vec<TestServer> = servers.into_iter().map(Result::unwrap).collect();

    let migrated =
        |server: &TestServer| server.log().iter().filter(|line| line.contains("\"message\":\"migrated\"")).count();
    let counts: Vec<usize> = servers.iter().map(migrated).collect();
    let applied = database.number("SELECT count(*) FROM __diesel_schema_migrations").await;
    assert!(
        counts.contains(&0) && i64::try_from(counts.iter().sum::<usize>()).unwrap() == applied,
        "{counts:?} of {applied}"
    );
    for server in &servers {
        let menu = Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
        assert_eq!(menu["categories"], json!([]));
    }
}
