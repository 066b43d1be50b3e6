//! Which poolers may stand between servers and `PostgreSQL`: docs/configuration.md.

use comanda_tests::{Accepts, TestApp, TestPgBouncer, TestPostgres, comanda, redis_url};
use futures_util::future::join_all;

/// Two servers behind one pooler sell what there is, and no more.
#[tokio::test]
async fn a_pooler_that_lends_connections_by_session_can_stand_in_between() {
    if !TestPgBouncer::is_there() {
        return;
    }
    let mut app = TestApp::open().await;
    let pooler = TestPgBouncer::before(&app.database.server_url, "session").await;
    let addresses = [app.open_another_at(&pooler.url, &[]), app.open_another_at(&pooler.url, &[])];
    let item = app.item(30).await;
    let customers = app.customers(8).await;
    let ordering = (0..40).map(|n: usize| {
        let customer = customers[n % 8].at(&addresses[n / 8 % 2]);
        async move { customer.order(&[(item, 1)]).await.status }
    });
    let statuses = join_all(ordering).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 30, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 10, "{statuses:?}");
    assert_eq!(app.stock(item).await, 0);
    app.close().await;
}

#[tokio::test]
async fn a_pooler_that_lends_them_for_less_is_refused_at_the_start() {
    if !TestPgBouncer::is_there() {
        return;
    }
    let app = TestApp::open().await;
    for mode in ["transaction", "statement"] {
        let pooler = TestPgBouncer::before(&app.database.server_url, mode).await;
        for arguments in [["serve"], ["migrate"], ["check"]] {
            let output = app.command(&arguments).env("DATABASE_URL", &pooler.url).output().expect("comanda runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{mode} {arguments:?}: {said}");
            assert!(said.contains("pool_mode = session"), "{mode} {arguments:?}: {said}");
            assert!(said.contains(&pooler.address()), "{mode} {arguments:?}: {said}");
        }
    }
    app.close().await;
}

#[tokio::test]
async fn the_one_in_front_of_a_replica_is_refused_by_its_own_address() {
    if !TestPgBouncer::is_there() {
        return;
    }
    let app = TestApp::open().await;
    let pooler = TestPgBouncer::before(&app.database.server_url, "transaction").await;
    let output = app.command(&["serve"]).env("DATABASE_REPLICA_URL", &pooler.url).output().expect("comanda runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&pooler.address()), "{said}");
    app.close().await;
}

/// `PgBouncer` has one code for everything that is wrong. A database that is down is no reason to blame the pooler.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_whose_database_is_down_is_not_blamed_for_it() {
    if !TestPgBouncer::is_there() {
        return;
    }
    let mut postgres = TestPostgres::start(None, Accepts::Everything).await;
    let pooler = TestPgBouncer::before(&postgres.url(), "session").await;
    let redis = redis_url().await;
    let run = |command: &str| comanda(&pooler.url, &redis).arg(command).output().expect("comanda runs");
    // The pooler has seen the database once, and from then on lets clients in by itself.
    let migrated = run("migrate");
    assert!(migrated.status.success(), "{migrated:?}");
    postgres.stop();
    for command in ["serve", "migrate", "check"] {
        let output = run(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{command}: {said}");
        assert!(said.contains("cannot reach PostgreSQL"), "{command}: {said}");
    }
}
