use std::{fmt::Write, fs, path::Path, time::Duration};

use anyhow::Context;
use tokio_postgres::NoTls;

use super::{RECOVERY, fault::Fault, load::Observed, watch::Seen};
use crate::rush::stage::Stage;

/// The outcome of a fault.
pub struct Verdict {
    fault: Fault,
    observed: Option<Observed>,
    seen: Seen,
    recovered: Option<Duration>,
    complaints: Vec<String>,
}

impl Verdict {
    pub fn new(fault: Fault, mut observed: Observed, seen: Seen, recovered: Option<Duration>) -> Self {
        let mut complaints = std::mem::take(&mut observed.complaints);
        if recovered.is_none_or(|took| took > RECOVERY) {
            complaints.push(format!("recovered only after {recovered:?}"));
        }
        Self { fault, observed: Some(observed), seen, recovered, complaints }
    }

    pub fn not_staged(fault: Fault) -> Self {
        Self { fault, observed: None, seen: Seen::default(), recovered: None, complaints: Vec::new() }
    }

    /// Checks that every confirmed order is in the tables once, and that every invariant holds.
    pub async fn hold_against_tables(&mut self, stage: &Stage, database_url: Option<&str>) -> anyhow::Result<()> {
        let Some(observed) = &self.observed else { return Ok(()) };
        let url = match database_url {
            Some(url) => url,
            None => stage.database_url()?,
        };
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("the database")?;
        tokio::spawn(connection);
        let keys: Vec<&str> = observed.placed.keys().map(String::as_str).collect();
        let sql = "SELECT idempotency_key, array_agg(id::text) FROM orders WHERE idempotency_key = ANY($1) GROUP BY 1";
        let rows = client.query(sql, &[&keys]).await?;
        let there = rows.iter().filter(|row| {
            let (key, ids): (String, Vec<String>) = (row.get(0), row.get(1));
            observed.placed.get(&key).is_some_and(|id| ids == [id.as_str()])
        });
        let there = there.count();
        if there != observed.placed.len() {
            self.complaints
                .push(format!("of {} confirmed orders {there} are in the tables once", observed.placed.len()));
        }
        // Nobody else is this customer, so an order more, but for those in doubt, would be one that was placed twice.
        let sql = "SELECT count(*) FILTER (WHERE id = ANY($1)), count(*) FROM orders \
                   WHERE customer_id = (SELECT customer_id FROM orders WHERE id = $2)";
        if let Some(first) = observed.without_key.first() {
            let row = client.query_one(sql, &[&observed.without_key, first]).await?;
            let (there, all): (i64, i64) = (row.get(0), row.get(1));
            let confirmed = i64::try_from(observed.without_key.len())?;
            let in_doubt = i64::from(observed.in_doubt);
            if there != confirmed || !(confirmed..=confirmed + in_doubt).contains(&all) {
                let what = format!("of {confirmed} orders without a key {there} are in the tables, of {all} in all");
                self.complaints.push(what);
            }
        }
        let check = stage.comanda.command(&["check"]).env("DATABASE_URL", url).output().context("comanda check")?;
        if !check.status.success() {
            self.complaints.push(format!("comanda check: {}", String::from_utf8_lossy(&check.stdout)));
        }
        Ok(())
    }

    pub fn complaints(&self) -> Vec<String> {
        self.complaints.iter().map(|complaint| format!("{}: {complaint}", self.fault.name())).collect()
    }
}

const HEAD: &str = "| fault | orders confirmed, all there once | refused meanwhile | slowest order | slowest read \
                    | recovered after | logged | alerts | verdict |\n\
                    | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";

pub fn table(verdicts: &[Verdict]) -> String {
    let mut table = HEAD.to_owned();
    for Verdict { fault, observed, seen, recovered, complaints } in verdicts {
        let description = fault.description();
        let Some(observed) = observed else {
            let _ = writeln!(table, "| {description} | | | | | | | | not staged on this machine |");
            continue;
        };
        let refused: Vec<String> = observed
            .responses
            .iter()
            .filter(|(response, _)| !response.starts_with('2'))
            .map(|(response, count)| format!("{count} × {response}"))
            .collect();
        let recovered = recovered.map_or_else(|| "never".to_owned(), |took| format!("{:.1} s", took.as_secs_f64()));
        let verdict = if complaints.is_empty() { "holds".to_owned() } else { format!("**{}**", complaints.join("; ")) };
        let _ = writeln!(
            table,
            "| {description} | {} | {} | {:.1} s | {:.1} s | {recovered} | {} | {} | {verdict} |",
            observed.placed.len() + observed.without_key.len(),
            refused.join(", "),
            observed.slowest_order.as_secs_f64(),
            observed.slowest_read.as_secs_f64(),
            seen.logged,
            seen.alerts,
        );
    }
    table
}

/// Writes the page, but for the sections below the table, which are written by hand, and the rows of faults that were not
/// staged now.
pub fn write_page(path: &Path, table: &str) -> anyhow::Result<()> {
    let before = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let by_hand = before.find("\n## ").map_or("", |at| &before[at..]);
    let rows = Fault::ALL.into_iter().filter_map(|fault| row_of(table, fault).or_else(|| row_of(&before, fault)));
    let table = rows.fold(String::new(), |table, row| table + &row + "\n");
    let page = format!(
        "# What happens when something breaks\n\n\
         Written by `cargo xtask faults`. For each fault, two servers on a database of their own serve sixteen\n\
         customers, who place orders under idempotency keys and repeat refused requests, and four readers of the\n\
         menu and of orders. Something breaks, and is repaired.\n\n\
         Demanded: every order confirmed with 201 is in the database exactly once, and every invariant of\n\
         `comanda check` holds; only responses of the contract; an order within 5.5 s and a read within 1.1 s,\n\
         whatever the response; the menu always; and full service within 5 s of the repair, without a restart.\n\
         Behind a proxy ([proxies.md](proxies.md)), four more customers order without keys, no request may be refused\n\
         or lost, and a read may take a second more: until a proxy that connects to a server that is about to end\n\
         turns to the other one. If a server is SIGKILLed there, nobody knows what became of orders without a key that\n\
         it was placing: nginx refuses them, HAProxy ends the connection. None of the others may be placed twice.\n\n\
         *Logged* is what both servers logged as WARN and ERROR from the strike until two seconds after the recovery,\n\
         without the access lines of requests, and the first of these lines. *Alerts* are those of\n\
         `operations/alerts.yml` whose condition held meanwhile: most faults here end sooner than an alert's `for`, so\n\
         that it is pending and pages nobody. A dash in these two columns: not looked at when the fault was staged last.\n\n\
         {HEAD}{table}{by_hand}"
    );
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// The fault's row in a table.
fn row_of(table: &str, fault: Fault) -> Option<String> {
    const COLUMNS: usize = 9;
    let begin = format!("| {} |", fault.description());
    let row = table.lines().find(|line| line.starts_with(&begin))?;
    let mut cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    while cells.len() < COLUMNS {
        // The verdict is the last.
        cells.insert(cells.len() - 1, "–");
    }
    Some(format!("| {} |", cells.join(" | ")))
}
