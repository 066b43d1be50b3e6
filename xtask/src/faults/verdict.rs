use std::{fmt::Write, fs, path::Path, time::Duration};

use anyhow::Context;
use tokio_postgres::NoTls;

use super::{RECOVERY, fault::Fault, load::Delivered};
use crate::rush::stage::Stage;

/// What came of a fault.
pub struct Verdict {
    fault: Fault,
    told: Option<Delivered>,
    recovered: Option<Duration>,
    complaints: Vec<String>,
}

impl Verdict {
    pub fn new(fault: Fault, mut told: Delivered, recovered: Option<Duration>) -> Self {
        let mut complaints = std::mem::take(&mut told.complaints);
        if recovered.is_none_or(|took| took > RECOVERY) {
            complaints.push(format!("as before only after {recovered:?}"));
        }
        Self { fault, told: Some(told), recovered, complaints }
    }

    pub fn not_staged(fault: Fault) -> Self {
        Self { fault, told: None, recovered: None, complaints: Vec::new() }
    }

    /// Every order that was answered is there, and none twice; and every invariant holds.
    pub async fn hold_against_tables(&mut self, stage: &Stage, database_url: Option<&str>) -> anyhow::Result<()> {
        let Some(told) = &self.told else { return Ok(()) };
        let url = match database_url {
            Some(url) => url,
            None => stage.database_url()?,
        };
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("the books")?;
        tokio::spawn(connection);
        let keys: Vec<&str> = told.placed.keys().map(String::as_str).collect();
        let sql = "SELECT idempotency_key, array_agg(id::text) FROM orders WHERE idempotency_key = ANY($1) GROUP BY 1";
        let rows = client.query(sql, &[&keys]).await?;
        let there = rows.iter().filter(|row| {
            let (key, ids): (String, Vec<String>) = (row.get(0), row.get(1));
            told.placed.get(&key).is_some_and(|id| ids == [id.as_str()])
        });
        let there = there.count();
        if there != told.placed.len() {
            self.complaints.push(format!("of {} orders that were answered {there} are there once", told.placed.len()));
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

pub fn table(verdicts: &[Verdict]) -> String {
    let mut table = String::from(
        "| fault | orders answered, all there once | refused meanwhile | slowest order | slowest read | as before after | verdict |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for Verdict { fault, told, recovered, complaints } in verdicts {
        let description = fault.description();
        let Some(told) = told else {
            let _ = writeln!(table, "| {description} | | | | | | not staged on this machine |");
            continue;
        };
        let refused: Vec<String> = told
            .answers
            .iter()
            .filter(|(answer, _)| !answer.starts_with('2'))
            .map(|(answer, count)| format!("{count} × {answer}"))
            .collect();
        let recovered = recovered.map_or_else(|| "never".to_owned(), |took| format!("{:.1} s", took.as_secs_f64()));
        let verdict = if complaints.is_empty() { "holds".to_owned() } else { format!("**{}**", complaints.join("; ")) };
        let _ = writeln!(
            table,
            "| {description} | {} | {} | {:.1} s | {:.1} s | {recovered} | {verdict} |",
            told.placed.len(),
            refused.join(", "),
            told.slowest_order.as_secs_f64(),
            told.slowest_read.as_secs_f64(),
        );
    }
    table
}

pub fn write_page(path: &Path, table: &str) -> anyhow::Result<()> {
    let page = format!(
        "# What happens when something breaks\n\n\
         Written by `cargo xtask faults`. For each fault two servers on books of their own serve sixteen customers, who order under idempotency keys\n\
         and repeat what was refused, and four readers of the menu and of orders. Something breaks, and is mended.\n\n\
         Demanded: every order that was answered with 201 is there, none twice, and every invariant of `comanda check` holds; only answers\n\
         of the contract; an order within 5.5 s and a read within 1.1 s, whatever the answer; the menu always; and within 5 s of the repair everything as\n\
         before, without a restart.\n\n{table}"
    );
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}
