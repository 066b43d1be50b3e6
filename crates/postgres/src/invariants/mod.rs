//! What must always hold for the tables: each invariant is an SQL query that finds what violates it.

mod guards;

use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::RunQueryDsl;

pub use self::guards::{Guards, MissingGuard, check_guards, missing_guards};
use crate::Database;

/// A rule, and the query that finds every violation of it.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// The rule as a sentence.
    pub rule: &'static str,
    /// Its first parameter is the code of the deployment's currency.
    sql: &'static str,
}

const INVARIANTS: [Invariant; 12] = [
    Invariant {
        rule: "stock = sum of adjustments - sum of lines of orders that hold stock, for every counted menu item",
        sql: include_str!("stock_ledger.sql"),
    },
    Invariant {
        rule: "a supply's stock = sum of its adjustments - sum of what lines of orders that hold stock took of it",
        sql: include_str!("supply_ledger.sql"),
    },
    Invariant { rule: "no stock is below zero", sql: include_str!("stock_never_negative.sql") },
    Invariant {
        rule: "an order's total and line count are those of its lines, numbered from 0, and of what was chosen",
        sql: include_str!("order_totals.sql"),
    },
    Invariant {
        rule: "every order's customer, and every line's order and menu item, are there",
        sql: include_str!("references.sql"),
    },
    Invariant {
        rule: "every version of an order was announced by exactly one event",
        sql: include_str!("order_events.sql"),
    },
    Invariant {
        rule: "tickets fit their orders, an order is ready once all of its tickets are, and no line is made twice",
        sql: include_str!("tickets.sql"),
    },
    Invariant {
        rule: "every version of a ticket was announced by exactly one event",
        sql: include_str!("ticket_events.sql"),
    },
    Invariant {
        rule: "the sales summaries, with the events they do not hold yet, are what the orders say",
        sql: include_str!("sales_summaries.sql"),
    },
    Invariant {
        rule: "money that came for a cancelled order goes back, and what goes back is what refunds say",
        sql: include_str!("payments.sql"),
    },
    Invariant { rule: "no two orders bear the same running number", sql: include_str!("order_numbers.sql") },
    Invariant {
        rule: "no connection to this database is left in a transaction",
        sql: include_str!("no_open_transaction.sql"),
    },
];

/// An invariant and its violations, if there are any.
#[derive(Clone, Debug)]
pub struct Finding {
    pub invariant: Invariant,
    /// One line per violation; the first hundred.
    pub violations: Vec<String>,
}

#[derive(QueryableByName)]
struct Violation {
    #[diesel(sql_type = Text)]
    violation: String,
}

/// Checks every invariant against the database. Reads whole tables: for an operator or a test, not for a request.
pub async fn check_invariants(database: &Database) -> Result<Vec<Finding>, Unavailable> {
    let mut connection = database.dedicated("SET statement_timeout = 0").await?;
    let mut findings = Vec::with_capacity(INVARIANTS.len());
    for invariant in INVARIANTS {
        let found = sql_query(invariant.sql).bind::<Text, _>(database.currency().code()).load(&mut connection);
        let rows: Vec<Violation> = found.await.map_err(Unavailable::new)?;
        findings.push(Finding { invariant, violations: rows.into_iter().map(|row| row.violation).collect() });
    }
    Ok(findings)
}
