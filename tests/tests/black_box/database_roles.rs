//! Two roles of PostgreSQL, as docs/database-roles.md sets them up: one owns the tables, the servers sign in as the
//! other.

use std::process::Output;

use comanda_tests::{Client, DatabaseRoles, PASSWORD, TestDatabase, TestServer, comanda, redis_url};
use serde_json::{Value, json};
use tokio_postgres::{NoTls, error::SqlState};
use uuid::Uuid;

const ADMIN: &str = "admin@comanda.example";

/// The command as an operator runs it. Only `comanda migrate` is given the owner.
fn run(roles: &DatabaseRoles, arguments: &[&str]) -> Output {
    let mut command = comanda(&roles.server.url, "redis://127.0.0.1:1");
    if arguments == ["migrate"] {
        command.env("MIGRATION_DATABASE_URL", &roles.owner.url);
    }
    command.args(arguments).env("ADMIN_EMAIL", ADMIN).env("ADMIN_PASSWORD", PASSWORD).output().expect("comanda runs")
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn succeed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", printed(output));
    printed(output)
}

async fn migrated() -> DatabaseRoles {
    let roles = DatabaseRoles::as_documented().await;
    succeed(&run(&roles, &["migrate"]));
    roles
}

async fn signed_in_as(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

const SIGHT: &str = "the server's database role sees the sessions of all roles";

/// What `comanda check --json` says of the audit log and the role of this URL.
fn notices(url: &str) -> Vec<String> {
    notices_of(url, |rule| rule != SIGHT)
}

/// What `comanda check --json` says of the role of this URL, after checking that it is no failure.
fn notices_of(url: &str, of: fn(&str) -> bool) -> Vec<String> {
    let output = comanda(url, "redis://127.0.0.1:1").args(["check", "--json"]).output().expect("comanda runs");
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["sound"], true, "{document}");
    let violations = |notice: &Value| notice["violations"].as_array().unwrap().clone();
    let notices = document["notices"].as_array().unwrap().iter();
    let all = notices.filter(|notice| of(notice["rule"].as_str().unwrap())).flat_map(violations);
    all.map(|way| way.as_str().unwrap().to_owned()).collect()
}

/// A day in the restaurant, with what writes audit records.
async fn order_and_manage(server: &TestServer) -> Uuid {
    let anonymous = Client::anonymous(&server.base_url);
    let account = json!({ "email": "ana@example.org", "password": PASSWORD, "name": "Ana" });
    anonymous.post("/v1/users", &account).await.expect(201);
    let customer = anonymous.log_in("ana@example.org", PASSWORD).await;
    let admin = anonymous.log_in(ADMIN, PASSWORD).await;

    let price = json!({ "amount": 1250, "currency": "EUR" });
    let item = json!({ "name": "Carbonara", "category": "Pasta", "stock": 5, "price": price });
    let item = admin.post("/v1/menu/items", &item).await.expect(201);
    let item = item["id"].as_str().unwrap().parse().unwrap();
    let order = customer.order(&[(item, 2)]).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    customer.post(&format!("{path}/payments"), &json!({ "method": "counter" })).await.expect(201);
    customer.post(&format!("{path}/cancel"), &json!({})).await.expect(200);
    let change = admin.patch(&format!("/v1/admin/users/{}", customer.id), "", &json!({ "role": "staff" })).await;
    change.expect(200);
    admin.get("/v1/admin/audit-log").await.expect(200);
    item
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_the_documented_roles_works_and_cannot_change_its_audit_log() {
    let roles = migrated().await;
    succeed(&run(&roles, &["admin", "create"]));
    let server = TestServer::start_at(&roles.server.url, &redis_url().await, &[]);
    order_and_manage(&server).await;
    assert!(server.stop().success());
    assert_eq!(notices(&roles.server.url), Vec::<String>::new());
    assert!(succeed(&run(&roles, &["check"])).contains("holds   the audit log belongs to a database role other than"));

    let written = roles.database.number("SELECT count(*) FROM audit_log").await;
    assert!(written > 0);
    let intruder = signed_in_as(&roles.server.url).await;
    // PostgreSQL only warns that this grants nothing.
    intruder.batch_execute("GRANT ALL ON audit_log TO CURRENT_USER").await.unwrap();
    for statement in [
        "DELETE FROM audit_log".to_owned(),
        "UPDATE audit_log SET reason = 'none'".to_owned(),
        "TRUNCATE audit_log".to_owned(),
        "TRUNCATE users CASCADE".to_owned(),
        "MERGE INTO audit_log a USING users u ON u.id = a.actor_id WHEN MATCHED THEN DELETE".to_owned(),
        "ALTER TABLE audit_log DISABLE TRIGGER audit_log_is_append_only".to_owned(),
        "ALTER TABLE audit_log DISABLE TRIGGER ALL".to_owned(),
        "ALTER TABLE audit_log ADD COLUMN more text".to_owned(),
        "ALTER TABLE audit_log RENAME TO old_log".to_owned(),
        "ALTER TABLE audit_log OWNER TO CURRENT_USER".to_owned(),
        "DROP TABLE audit_log".to_owned(),
        "DROP TRIGGER audit_log_is_append_only ON audit_log".to_owned(),
        "CREATE TRIGGER mine BEFORE INSERT ON audit_log FOR EACH ROW \
         EXECUTE FUNCTION suppress_redundant_updates_trigger()"
            .to_owned(),
        "CREATE RULE mine AS ON INSERT TO audit_log DO INSTEAD NOTHING".to_owned(),
        "CREATE OR REPLACE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql \
         AS 'BEGIN RETURN NULL; END'"
            .to_owned(),
        "DROP FUNCTION refuse_change_of_history CASCADE".to_owned(),
        "DROP SCHEMA public CASCADE".to_owned(),
        "CREATE TABLE mine ()".to_owned(),
        "CREATE FUNCTION format(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'".to_owned(),
        "CREATE TEMPORARY TABLE audit_log ()".to_owned(),
        "SET session_replication_role = replica".to_owned(),
        format!("SET ROLE {}", roles.owner.name),
        format!("GRANT {} TO CURRENT_USER", roles.owner.name),
        "DELETE FROM stock_adjustments".to_owned(),
        "DELETE FROM supply_adjustments".to_owned(),
        "UPDATE __diesel_schema_migrations SET version = '0'".to_owned(),
    ] {
        let refused = intruder.batch_execute(&statement).await.expect_err(&statement);
        assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {refused:?}");
    }
    assert_eq!(roles.database.number("SELECT count(*) FROM audit_log").await, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_how_the_servers_role_could_change_the_audit_log() {
    let roles = migrated().await;
    let (owner, server) = (&roles.owner.name, &roles.server.name);
    let superuser = roles.database.client().await;
    let database = roles.database.url.rsplit_once('/').unwrap().1;
    let table = "on the table audit_log";
    for (before, expected, after) in [
        (format!("GRANT {owner} TO {server}"), "is a member of the role", format!("REVOKE {owner} FROM {server}")),
        (
            format!("GRANT DELETE ON audit_log TO {server}"),
            "has the privilege DELETE on the table audit_log",
            format!("REVOKE DELETE ON audit_log FROM {server}"),
        ),
        (
            "GRANT TRUNCATE ON audit_log TO PUBLIC".to_owned(),
            "has the privilege TRUNCATE on the table audit_log",
            "REVOKE TRUNCATE ON audit_log FROM PUBLIC".to_owned(),
        ),
        (
            format!("GRANT UPDATE (reason) ON audit_log TO {server}"),
            "has the privilege UPDATE on the table audit_log",
            format!("REVOKE UPDATE (reason) ON audit_log FROM {server}"),
        ),
        (format!("GRANT pg_write_all_data TO {server}"), table, format!("REVOKE pg_write_all_data FROM {server}")),
        (
            format!("GRANT pg_execute_server_program TO {server}"),
            "pg_execute_server_program, which can become a superuser",
            format!("REVOKE pg_execute_server_program FROM {server}"),
        ),
        (
            format!("ALTER DATABASE {database} OWNER TO {server}"),
            "owns the database",
            format!("ALTER DATABASE {database} OWNER TO {owner}"),
        ),
        (
            format!("ALTER FUNCTION refuse_change_of_history OWNER TO {server}"),
            "may replace the function refuse_change_of_history()",
            format!("ALTER FUNCTION refuse_change_of_history OWNER TO {owner}"),
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC".to_owned(),
            "may create functions in the schema public",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        ),
        (
            format!("GRANT TEMPORARY ON DATABASE {database} TO {server}"),
            "may hide the table audit_log behind a temporary one",
            format!("REVOKE TEMPORARY ON DATABASE {database} FROM {server}"),
        ),
        (format!("ALTER ROLE {server} SUPERUSER"), "is a superuser", format!("ALTER ROLE {server} NOSUPERUSER")),
    ] {
        superuser.batch_execute(&before).await.unwrap();
        let found = notices(&roles.server.url);
        assert!(found.iter().any(|way| way.contains(expected)), "{before}: {found:?}");
        assert!(found.iter().all(|way| way.starts_with(&format!("the role {server} "))), "{found:?}");
        superuser.batch_execute(&after).await.unwrap();
        assert_eq!(notices(&roles.server.url), Vec::<String>::new(), "{after}");
    }

    // Whoever signs in can take back what it has become.
    superuser
        .batch_execute(&format!("ALTER ROLE {owner} SET role = {server}; GRANT {server} TO {owner}"))
        .await
        .unwrap();
    let owning = notices(&roles.owner.url);
    assert!(owning.contains(&format!("the role {owner} owns the table audit_log")), "{owning:?}");
    superuser.batch_execute(&format!("ALTER ROLE {owner} RESET role; REVOKE {server} FROM {owner}")).await.unwrap();

    let owning = notices(&roles.owner.url);
    assert!(owning.contains(&format!("the role {owner} owns the table audit_log")), "{owning:?}");
    let output = comanda(&roles.owner.url, "redis://127.0.0.1:1").arg("check").output().expect("comanda runs");
    assert!(succeed(&output).contains("NOTICE  the audit log belongs to a database role other than the server's"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_the_documented_roles_goes_on_in_another_cluster() {
    let roles = migrated().await;
    succeed(&run(&roles, &["admin", "create"]));
    let server = TestServer::start_at(&roles.server.url, &redis_url().await, &[]);
    order_and_manage(&server).await;
    assert!(server.stop().success());
    // What a restore into another cluster looks like.
    let moved = "UPDATE database_histories SET system_identifier = 1; \
                 UPDATE menu_version SET version = version + 1, epoch_place = 'elsewhere'";
    roles.database.client().await.batch_execute(moved).await.unwrap();

    let server = TestServer::start_at(&roles.server.url, &redis_url().await, &[]);
    let anonymous = Client::anonymous(&server.base_url);
    let admin = anonymous.log_in(ADMIN, PASSWORD).await;
    let menu = anonymous.get("/v1/menu").await.expect(200);
    let item = menu["categories"][0]["items"][0]["id"].as_str().unwrap().parse().unwrap();
    admin.order(&[(item, 1)]).await.expect(201);
    for sql in [
        "SELECT count(*) - 1 FROM database_histories",
        "SELECT count(*) FROM menu_version WHERE epoch_place = menu_place(tableoid)",
    ] {
        assert_eq!(roles.database.number(sql).await, 1, "{sql}");
    }
    assert!(server.stop().success());
    succeed(&run(&roles, &["check"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_when_it_cannot_see_the_sessions_of_other_roles() {
    let roles = migrated().await;
    let server = &roles.server.name;
    let unseen = || notices_of(&roles.server.url, |rule| rule == SIGHT);
    assert_eq!(unseen(), [format!("the role {server} sees its own sessions only: it lacks pg_read_all_stats")]);
    let grant = format!("GRANT pg_read_all_stats TO {server}");
    roles.database.client().await.batch_execute(&grant).await.unwrap();
    assert_eq!(unseen(), Vec::<String>::new());
    assert_eq!(notices(&roles.server.url), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_role_is_enough_and_can_be_divided_later() {
    let roles = DatabaseRoles::as_documented().await;
    let redis_url = redis_url().await;
    // It migrates by itself, as in development.
    let server = TestServer::start_at(&roles.owner.url, &redis_url, &[]);
    assert!(!notices(&roles.owner.url).is_empty());
    let refused = run(&roles, &["check"]);
    assert_ne!(refused.status.code(), Some(0), "nothing is granted yet: {}", printed(&refused));

    let said = succeed(&run(&roles, &["migrate"]));
    assert!(said.contains("the database is up to date") && said.contains("granted what a server needs"), "{said}");
    succeed(&run(&roles, &["admin", "create"]));
    let divided = TestServer::start_at(&roles.server.url, &redis_url, &[]);
    order_and_manage(&divided).await;
    assert_eq!(notices(&roles.server.url), Vec::<String>::new());
    assert!(server.stop().success() && divided.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_role_owns_nothing_says_who_has_to_migrate() {
    let roles = migrated().await;
    roles
        .database
        .client()
        .await
        .batch_execute(
            "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
        )
        .await
        .unwrap();
    let output = run(&roles, &["serve"]);
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    assert!(printed(&output).contains("1 pending"), "{}", printed(&output));
    assert!(printed(&output).contains("MIGRATION_DATABASE_URL"), "{}", printed(&output));
}

/// A later migration's tables are granted with it, whoever of several servers that start at once applies it.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_know_the_owner_migrate_and_grant_when_they_start() {
    let roles = DatabaseRoles::as_documented().await;
    let redis_url = redis_url().await;
    let starting = (0..3).map(|_| {
        let (url, owner, redis_url) = (roles.server.url.clone(), roles.owner.url.clone(), redis_url.clone());
        tokio::task::spawn_blocking(move || {
            TestServer::start_at(&url, &redis_url, &[("MIGRATION_DATABASE_URL", &owner)])
        })
    });
    let servers = futures_util::future::join_all(starting.collect::<Vec<_>>()).await;
    for server in servers {
        let server = server.unwrap();
        Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
        assert!(server.stop().success());
    }
    assert_eq!(notices(&roles.server.url), Vec::<String>::new());
}

/// What everybody may make in the schema, up to PostgreSQL 14, does not run as the owner.
#[tokio::test(flavor = "multi_thread")]
async fn migrating_calls_no_function_of_anybody_else() {
    let roles = migrated().await;
    let superuser = roles.database.client().await;
    superuser.batch_execute("GRANT CREATE ON SCHEMA public TO PUBLIC").await.unwrap();
    let intruder = signed_in_as(&roles.server.url).await;
    let shadow = format!(
        "CREATE FUNCTION public.format(text, regclass, text) RETURNS text LANGUAGE sql \
         AS 'SELECT ''GRANT ALL ON audit_log TO {}''::text'",
        roles.server.name,
    );
    intruder.batch_execute(&shadow).await.unwrap();
    let shadow = "CREATE FUNCTION public.pg_has_role(oid, text) RETURNS boolean LANGUAGE plpgsql \
                  AS 'BEGIN RAISE EXCEPTION ''called''; END'";
    intruder.batch_execute(shadow).await.unwrap();
    superuser
        .batch_execute(&format!("ALTER ROLE {} SET search_path = public, pg_catalog", roles.owner.name))
        .await
        .unwrap();
    succeed(&run(&roles, &["migrate"]));
    let granted = superuser
        .query_one("SELECT has_table_privilege($1, 'audit_log', 'DELETE')", &[&roles.server.name])
        .await
        .unwrap();
    assert!(!granted.get::<_, bool>(0));
}

/// Taking back what the server's role was granted would otherwise take what the owner needs itself.
#[tokio::test(flavor = "multi_thread")]
async fn two_roles_that_are_one_are_refused_before_anything_changes() {
    let roles = DatabaseRoles::as_documented().await;
    let migrate = |url: &str, owner: &str| {
        let mut command = comanda(url, "redis://127.0.0.1:1");
        command.arg("migrate").env("MIGRATION_DATABASE_URL", owner).output().expect("comanda runs")
    };
    succeed(&migrate(&roles.owner.url, ""));
    let (superuser, client) = (&roles.database.url, roles.database.client().await);
    let privileges = async || {
        let sql = "SELECT string_agg(format('%s %s', relname, relacl), ' ' ORDER BY relname) FROM pg_class \
                   WHERE relnamespace = 'public'::regnamespace";
        client.query_one(sql, &[]).await.unwrap().get::<_, Option<String>>(0)
    };
    let before = privileges().await;
    let refused = |output: &Output| {
        assert_eq!(output.status.code(), Some(1), "{}", printed(output));
        assert!(printed(output).contains("there are not two roles"), "{}", printed(output));
        assert!(printed(output).contains("it owns the table __diesel_schema_migrations"), "{}", printed(output));
    };
    // A superuser migrates what the servers' role owns.
    refused(&migrate(&roles.owner.url, superuser));
    // The servers' role is a member of the owner.
    let (owner, server) = (&roles.owner.name, &roles.server.name);
    client.batch_execute(&format!("GRANT {owner} TO {server}")).await.unwrap();
    refused(&migrate(&roles.server.url, &roles.owner.url));
    client.batch_execute(&format!("REVOKE {owner} FROM {server}")).await.unwrap();
    assert_eq!(privileges().await, before);
    assert!(notices(&roles.owner.url).contains(&format!("the role {owner} owns the table audit_log")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_does_not_exist_is_named() {
    let database = TestDatabase::empty().await;
    let (_, server) = database.url.split_once('@').unwrap();
    let output = comanda(&format!("postgres://no%22body:x@{server}"), "redis://127.0.0.1:1")
        .env("MIGRATION_DATABASE_URL", &database.url)
        .arg("migrate")
        .output()
        .expect("comanda runs");
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    let complaint = "cannot grant the role \"no\"body\" what a server needs: role \"no\"body\" does not exist";
    assert!(printed(&output).contains(complaint), "{}", printed(&output));
}
