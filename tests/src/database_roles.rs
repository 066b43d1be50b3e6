use std::{fs, path::Path};

use crate::{
    TestDatabase,
    database::{execute, execute_while_dropping, new_name, url_of},
};

const PASSWORD: &str = "a password of the tests";

/// A database without a table and two roles for it, set up by the statements in `docs/database-roles.md`, except that
/// the names are of one test alone.
pub struct DatabaseRoles {
    // Dropped in this order: a role that something depends on cannot be dropped.
    pub database: TestDatabase,
    /// The one that owns the database and migrates.
    pub owner: TestRole,
    /// The one that servers sign in as.
    pub server: TestRole,
}

/// A role that is gone after the test.
pub struct TestRole {
    pub name: String,
    /// The test's database, as this role.
    pub url: String,
}

impl DatabaseRoles {
    pub async fn as_documented() -> Self {
        let name = new_name();
        let (owner, server) = (format!("{name}_owner"), format!("{name}_server"));
        let statements = documented_statements()
            .replace("comanda_owner", &owner)
            .replace("comanda_server", &server)
            .replace("DATABASE comanda ", &format!("DATABASE {name} "))
            .replace('…', PASSWORD);
        for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            execute(statement).await;
        }
        let [owner, server] = [owner, server].map(|role| TestRole { url: url_as(&role, &name), name: role });
        Self { database: TestDatabase::existing(name), owner, server }
    }
}

impl Drop for TestRole {
    fn drop(&mut self) {
        execute_while_dropping(format!("DROP ROLE IF EXISTS {}", self.name));
    }
}

fn url_as(role: &str, database: &str) -> String {
    let url = url_of(database);
    let (_, server) = url.split_once('@').expect("a URL with a user");
    format!("postgres://{role}:{}@{server}", PASSWORD.replace(' ', "%20"))
}

/// The first block of SQL in the document.
fn documented_statements() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/database-roles.md");
    let text = fs::read_to_string(path).expect("the document");
    let (_, rest) = text.split_once("```sql\n").expect("a block of SQL");
    rest.split_once("```").expect("the end of the block").0.to_owned()
}
