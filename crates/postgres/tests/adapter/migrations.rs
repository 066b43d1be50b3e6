use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use comanda_postgres::migrate;
use comanda_tests::{DatabaseRoles, TestDatabase};
use tokio_postgres::{Client, NoTls};

fn folders() -> Vec<PathBuf> {
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The schema of a database.
async fn shape(database: &TestDatabase) -> Vec<String> {
    let sql = "SELECT format('%s %s %s', table_name, column_name, data_type) \
                 FROM information_schema.columns WHERE table_schema = 'public' \
               UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
               UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
               UNION ALL SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' \
               UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1";
    database.client().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Applies every migration, takes all of them back, and applies them again, as the role of `url`.
async fn down_and_up_again(database: &TestDatabase, url: &str, server_role: Option<&str>) {
    assert_eq!(migrate(&url.parse().unwrap(), server_role).await.unwrap().len(), folders().len());
    assert!(migrate(&url.parse().unwrap(), server_role).await.unwrap().is_empty());
    let up = shape(database).await;
    assert!(up.len() > 50);

    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for folder in folders().iter().rev() {
        client.batch_execute(&fs::read_to_string(folder.join("down.sql")).unwrap()).await.unwrap();
    }
    let left: Vec<_> =
        shape(database).await.into_iter().filter(|line| !line.contains("__diesel_schema_migrations")).collect();
    assert_eq!(left, Vec::<String>::new());

    client.batch_execute("DELETE FROM __diesel_schema_migrations").await.unwrap();
    migrate(&url.parse().unwrap(), server_role).await.unwrap();
    assert_eq!(shape(database).await, up);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_goes_down_and_up_again() {
    let database = TestDatabase::empty().await;
    down_and_up_again(&database, &database.url, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_goes_down_and_up_again_with_two_roles() {
    let roles = DatabaseRoles::as_documented().await;
    down_and_up_again(&roles.database, &roles.owner.url, Some(&roles.server.name)).await;

    // What the server's role may do, all of it.
    let privileges = "SELECT format('%s: %s', table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type)) \
                      FROM information_schema.table_privileges \
                      WHERE grantee = $1 AND table_schema = 'public' GROUP BY table_name ORDER BY 1";
    let rows = roles.database.client().await.query(privileges, &[&roles.server.name]).await.unwrap();
    let granted: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    for expected in [
        "__diesel_schema_migrations: SELECT",
        "audit_log: INSERT SELECT",
        "orders: DELETE INSERT SELECT UPDATE",
        "stock_adjustments: INSERT SELECT",
        "supplies: DELETE INSERT SELECT UPDATE",
        "supply_adjustments: INSERT SELECT",
    ] {
        assert!(granted.iter().any(|line| line == expected), "{expected} is not in {granted:?}");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(roles.database.number(tables).await, i64::try_from(granted.len()).unwrap(), "{granted:?}");
}

/// A menu that has duplicates already neither stops the migration nor loses anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_menu_with_duplicates_keeps_them_until_they_are_renamed() {
    let database = TestDatabase::migrated().await;
    let client = database.client().await;
    let run = async |folder: &str, file: &str| {
        let folder = folders().into_iter().find(|known| known.ends_with(folder)).unwrap();
        client.batch_execute(&fs::read_to_string(folder.join(file)).unwrap()).await.unwrap();
    };
    let (first, second) = ("2026-11-29-140000_unique_menu_item_names", "2026-11-29-180000_menu_item_places");
    // So are categories of stations, which tickets and menu items name.
    for later in ["100040_tickets_follow_orders", "100020_kitchen_tickets", "100010_stations_of_menu_items"] {
        run(&format!("2026-12-06-{later}"), "down.sql").await;
    }
    run("2026-12-06-100000_kitchen_stations", "down.sql").await;
    // Names of supplies are compared in the same form, and recipes name supplies.
    run("2026-12-04-100000_options_and_recipes", "down.sql").await;
    run("2026-12-03-100000_supplies", "down.sql").await;
    run(second, "down.sql").await;
    run(first, "down.sql").await;
    let insert = async |(id, name, archived): (u32, &str, &str)| {
        let insert = format!(
            "INSERT INTO menu_items \
                 (id, price, created_at, updated_at, archived_at, stock, low_stock_at, active, name, category, \
                  description) \
             VALUES (lpad('{id}', 32, '0')::uuid, 1, now(), now(), {archived}, 0, 5, true, '{name}', 'A', '')"
        );
        client.batch_execute(&insert).await
    };
    for item in [
        (1, "Soup", "NULL"),
        (2, "SOUP", "NULL"),
        (3, "soup", "NULL"),
        (4, "soup", "now()"),
        (5, "Bread", "NULL"),
        // Other names to the first of the two migrations.
        (6, "ΟΔΟΣ", "NULL"),
        (7, "οδος", "NULL"),
    ] {
        insert(item).await.unwrap();
    }
    run(first, "up.sql").await;
    run(second, "up.sql").await;
    let twins = "SELECT string_agg(name, ' ' ORDER BY id) FROM menu_items WHERE is_twin";
    let twins = async || client.query_one(twins, &[]).await.unwrap().get::<_, Option<String>>(0).unwrap_or_default();
    assert_eq!(twins().await, "SOUP soup οδος");

    let change = async |changes: &str, id: u32| {
        let update =
            format!("UPDATE menu_items SET version = version + 1, {changes} WHERE id = lpad('{id}', 32, '0')::uuid");
        client.batch_execute(&update).await
    };
    change("price = 2, name = name", 2).await.unwrap();
    change("name = 'SouP'", 3).await.unwrap();
    assert_eq!(twins().await, "SOUP SouP οδος", "another spelling is the same name");
    change("name = 'Broth'", 2).await.unwrap();
    assert_eq!(twins().await, "SouP οδος");
    // Whether or not the first one still has the name, nobody else gets it.
    for leaves in ["price = 3", "archived_at = now()"] {
        change(leaves, 1).await.unwrap();
        let refused =
            [change("name = 'soup'", 2).await, change("name = 'sOUP'", 5).await, insert((8, "soup", "NULL")).await];
        for error in refused {
            assert_eq!(error.unwrap_err().as_db_error().unwrap().constraint(), Some("menu_item_names"), "{leaves}");
        }
    }
    change("name = 'Stew'", 3).await.unwrap();
    assert_eq!(twins().await, "οδος");
    change("name = 'soup'", 5).await.unwrap();
}

/// As imports of the release before this one do: whatever moves is a twin until it has moved.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_the_release_before_can_exchange_names() {
    let database = TestDatabase::migrated().await;
    let mut client = database.client().await;
    let insert = "INSERT INTO menu_items \
                      (id, price, created_at, updated_at, stock, low_stock_at, active, name, category, description) \
                  SELECT lpad(id::text, 32, '0')::uuid, 1, now(), now(), 0, 5, true, name, 'A', '' \
                  FROM (VALUES (1, 'Soup'), (2, 'Bread'), (3, 'ΟΔΟΣ'), (4, 'Stew')) items (id, name)";
    client.batch_execute(insert).await.unwrap();
    for moves in [
        &[(1, "Bread"), (2, "Soup")][..],
        &[(1, "Stew"), (2, "Bread"), (4, "Soup")],
        // Another name to the release before, and another spelling here.
        &[(3, "οδος")],
        &[(3, "ΟΔΟΣ"), (1, "Tart")],
    ] {
        let import = client.transaction().await.unwrap();
        let ids: Vec<String> = moves.iter().map(|(id, _)| format!("lpad('{id}', 32, '0')::uuid")).collect();
        let leave_places = format!(
            "UPDATE menu_items SET version = version + 1, is_twin = true WHERE id = ANY(ARRAY[{}])",
            ids.join(", ")
        );
        import.batch_execute(&leave_places).await.unwrap();
        for (id, name) in moves {
            let change = format!(
                "UPDATE menu_items SET version = version + 1, name = '{name}' WHERE id = lpad('{id}', 32, '0')::uuid"
            );
            import.batch_execute(&change).await.unwrap_or_else(|error| panic!("{moves:?}: {error:?}"));
        }
        import.commit().await.unwrap();
        assert_eq!(database.number("SELECT count(*) FROM menu_items WHERE is_twin").await, 0, "{moves:?}");
    }
}

/// In a database whose locale knows no letters but those of ASCII, too.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_compared_without_case_in_every_locale() {
    let mut letters: Vec<(String, String)> =
        ('\u{1}'..=char::MAX).map(|c| (c.to_string(), c.to_lowercase().to_string())).collect();
    letters.retain(|(letter, lower)| letter != lower);
    letters.push(("ΟΔΟΣ Cre\u{300}me".to_owned(), "οδος CR\u{c8}ME".to_owned()));
    assert!(letters.len() > 1000);
    let (letters, lower): (Vec<_>, Vec<_>) = letters.into_iter().unzip();
    for database in [TestDatabase::empty().await, TestDatabase::empty_without_language().await] {
        migrate(&database.url.parse().unwrap(), None).await.unwrap();
        let differ = "SELECT string_agg(a, ' ') FROM unnest($1::text[], $2::text[]) AS pairs (a, b) \
                      WHERE name_form(a) <> name_form(b)";
        let row = database.client().await.query_one(differ, &[&letters, &lower]).await.unwrap();
        assert_eq!(row.get::<_, Option<String>>(0), None);
        let kept =
            "SELECT count(DISTINCT name_form(name)) FROM unnest(ARRAY['Creme', 'Crème', 'Krem', 'Kr€m']) AS name";
        assert_eq!(database.number(kept).await, 4, "accents make a difference");
    }
}

/// Forgets that a migration was applied.
async fn forget(database: &TestDatabase, version: &str) {
    let forgotten = database
        .client()
        .await
        .execute("DELETE FROM __diesel_schema_migrations WHERE version = $1", &[&version])
        .await
        .unwrap();
    assert_eq!(forgotten, 1, "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_creation_was_ended_half_way_is_built_anew() {
    let database = TestDatabase::migrated().await;
    let client = database.client().await;
    client.batch_execute("DROP INDEX handled_gateway_events").await.unwrap();
    forget(&database, "20261128140000").await;
    // What a migration is left with that was killed while it waited for older transactions to end.
    let older = database.client().await;
    older.batch_execute("BEGIN; LOCK TABLE gateway_events IN ROW EXCLUSIVE MODE").await.unwrap();
    client.batch_execute("SET lock_timeout = '1ms'").await.unwrap();
    let half_built =
        client.batch_execute("CREATE INDEX CONCURRENTLY handled_gateway_events ON gateway_events (id)").await;
    assert_eq!(half_built.unwrap_err().code().unwrap().code(), "55P03");
    older.batch_execute("ROLLBACK").await.unwrap();
    let valid = "SELECT count(*) FROM pg_index WHERE indisvalid AND pg_get_indexdef(indexrelid) LIKE '%(handled_at)%'";
    assert_eq!(database.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 1);

    assert_eq!(migrate(&database.url.parse().unwrap(), None).await.unwrap(), ["20261128140000"]);
    assert_eq!(database.number(valid).await, 1);
    assert_eq!(database.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 0);

    // Ended after the index was built and before that was recorded.
    forget(&database, "20261128140000").await;
    assert_eq!(migrate(&database.url.parse().unwrap(), None).await.unwrap(), ["20261128140000"]);
    assert_eq!(database.number(valid).await, 1);
}

#[test]
fn what_is_built_outside_a_transaction_can_be_tried_again() {
    let outside = folders().into_iter().filter(|folder| folder.join("metadata.toml").exists());
    for folder in outside {
        let up = fs::read_to_string(folder.join("up.sql")).unwrap();
        let statements: Vec<&str> = up.lines().filter(|line| !line.starts_with("--") && !line.is_empty()).collect();
        let whole = statements.join(" ");
        assert!(whole.contains(" INDEX CONCURRENTLY IF NOT EXISTS "), "{folder:?}");
        assert_eq!(whole.matches(';').count(), 1, "{folder:?}: one statement");
    }
}

/// Ends a session that migrates at statements that change the schema: once each at the first, fourth, sixteenth … of a
/// migration, and when it writes down that the migration was applied. To end it at all of them takes a minute.
const STRIKES: &str = "
    CREATE TABLE __diesel_schema_migrations (
        version varchar(50) PRIMARY KEY NOT NULL,
        run_on  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    CREATE SCHEMA strikes;
    -- A sequence keeps its count whatever is rolled back.
    CREATE SEQUENCE strikes.last MINVALUE 0;
    CREATE FUNCTION strikes.strike(is_record boolean) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        migration bigint := (SELECT count(*) FROM public.__diesel_schema_migrations);
        statement bigint := 1;
    BEGIN
        IF current_setting('strikes.migration', true) = migration::text THEN
            statement := current_setting('strikes.statement')::bigint + 1;
        END IF;
        PERFORM set_config('strikes.migration', migration::text, false),
                set_config('strikes.statement', statement::text, false);
        IF (is_record OR statement IN (1, 4, 16, 64))
            AND migration * 1000 + statement > (SELECT last_value FROM strikes.last)
        THEN
            PERFORM setval('strikes.last', migration * 1000 + statement), pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(10);
        END IF;
    END
    $$;
    CREATE FUNCTION strikes.at_a_statement() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF tg_tag <> 'COMMENT' AND current_query() NOT LIKE '%__diesel_schema_migrations%' THEN
            PERFORM strikes.strike(false);
        END IF;
    END
    $$;
    CREATE FUNCTION strikes.at_a_record() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM strikes.strike(true);
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER strike BEFORE INSERT ON __diesel_schema_migrations
        FOR EACH ROW EXECUTE FUNCTION strikes.at_a_record();
    CREATE EVENT TRIGGER strike ON ddl_command_end EXECUTE FUNCTION strikes.at_a_statement();
";

const NO_STRIKES: &str = "
    DROP EVENT TRIGGER strike;
    DROP TRIGGER strike ON __diesel_schema_migrations;
    DROP SCHEMA strikes CASCADE;
";

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_killed_at_any_statement_is_run_again() {
    let database = TestDatabase::empty().await;
    let client = database.client().await;
    client.batch_execute(STRIKES).await.unwrap();
    let last = async || client.query_one("SELECT last_value FROM strikes.last", &[]).await.unwrap().get::<_, i64>(0);
    let (mut struck, mut strikes) = (0, 0);
    while let Err(error) = migrate(&database.url.parse().unwrap(), None).await {
        let now = last().await;
        assert!(now > struck, "nobody ended it: {error}");
        (struck, strikes) = (now, strikes + 1);
    }
    assert!(strikes > folders().len() * 3 / 2, "{strikes}");
    client.batch_execute(NO_STRIKES).await.unwrap();
    assert_eq!(shape(&database).await, shape(&TestDatabase::migrated().await).await);
    assert_eq!(database.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 0);
}

/// A transaction that keeps no table locked, and yet makes whoever creates an index concurrently wait for its end.
async fn reader(database: &TestDatabase) -> Client {
    let reader = database.client().await;
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    reader
}

/// Waits until the creation of an index waits for a reader: the process, and the index. `None` if there is none left.
async fn waits(client: &Client, migrating: &tokio::task::JoinHandle<bool>) -> Option<(i32, String)> {
    let waits = "SELECT pid, index_relid::regclass::text FROM pg_stat_progress_create_index \
                 WHERE datname = current_database() AND phase = 'waiting for old snapshots'";
    loop {
        if migrating.is_finished() {
            return None;
        }
        if let Some(row) = client.query_opt(waits, &[]).await.unwrap() {
            return Some((row.get(0), row.get(1)));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_index_that_was_left_half_built_is_built_anew() {
    let database = TestDatabase::empty().await;
    let client = database.client().await;
    let begin = || {
        let url = database.url.parse().unwrap();
        tokio::spawn(async move { migrate(&url, None).await.is_ok() })
    };
    let (mut reading, mut killed, mut built) = (reader(&database).await, BTreeSet::new(), BTreeSet::new());
    let mut migrating = begin();
    while let Some((pid, index)) = waits(&client, &migrating).await {
        if killed.insert(index.clone()) {
            client.query_one("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
            assert!(!migrating.await.unwrap());
            assert_eq!(database.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 1);
            migrating = begin();
        } else if built.insert(index) {
            // This one is built now, and the next one waits for another reader.
            let next = reader(&database).await;
            reading.batch_execute("COMMIT").await.unwrap();
            reading = next;
        } else {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(migrating.await.unwrap());
    assert_eq!(killed.len(), folders().iter().filter(|folder| folder.join("metadata.toml").exists()).count());
    assert_eq!(shape(&database).await, shape(&TestDatabase::migrated().await).await);
    assert_eq!(database.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 0);
}
