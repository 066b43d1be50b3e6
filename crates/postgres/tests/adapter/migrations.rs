use std::{fs, path::PathBuf};

use comanda_postgres::migrate;
use comanda_tests::TestDatabase;

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

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_goes_down_and_up_again() {
    let database = TestDatabase::empty().await;
    assert_eq!(migrate(&database.url.parse().unwrap()).await.unwrap().len(), folders().len());
    assert!(migrate(&database.url.parse().unwrap()).await.unwrap().is_empty());
    let up = shape(&database).await;
    assert!(up.len() > 50);

    let client = database.client().await;
    for folder in folders().iter().rev() {
        client.batch_execute(&fs::read_to_string(folder.join("down.sql")).unwrap()).await.unwrap();
    }
    let left: Vec<_> =
        shape(&database).await.into_iter().filter(|line| !line.contains("__diesel_schema_migrations")).collect();
    assert_eq!(left, Vec::<String>::new());

    client.batch_execute("DELETE FROM __diesel_schema_migrations").await.unwrap();
    migrate(&database.url.parse().unwrap()).await.unwrap();
    assert_eq!(shape(&database).await, up);
}
