//! What the servers say of themselves in their logs, as far as it changes what may be expected of them.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use comanda_proof::Fault;
use serde_json::Value;

use super::history::History;

/// How long before it is said a call to Redis may have begun that failed.
const BEFORE: Duration = Duration::from_millis(1500);

/// How long a server goes by what it knows itself after a call that failed: a second, and as long as the next may take.
const AFTER: Duration = Duration::from_millis(2500);

/// Notes when servers went by what they knew of lockouts themselves.
pub fn note_outages(folder: &Path, history: &History) -> anyhow::Result<()> {
    for log in fs::read_dir(folder).context("the servers' logs")? {
        for line in BufReader::new(File::open(log?.path())?).lines() {
            if let Some(moment) = outage(&line?) {
                history.note_fault(moment, BEFORE, AFTER, Fault::LockoutsAlone);
            }
        }
    }
    Ok(())
}

/// When a server found lockouts out of reach, if that is what the line says.
fn outage(line: &str) -> Option<DateTime<Utc>> {
    let event: Value = serde_json::from_str(line).ok()?;
    let fields = &event["fields"];
    let is_outage = fields["what"] == "lockouts" && fields["message"].as_str()?.starts_with("out of reach");
    event["timestamp"].as_str()?.parse().ok().filter(|_| is_outage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_when_it_found_lockouts_out_of_reach() {
        let line = |what: &str, message: &str| {
            format!(
                r#"{{"timestamp":"2026-11-30T07:44:16.943636Z","level":"WARN","fields":{{"message":"{message}","what":"{what}"}}}}"#
            )
        };
        let message = "out of reach; this server continues on its own";
        let moment = DateTime::from_timestamp(1_796_024_656, 943_636_000);
        assert_eq!(outage(&line("lockouts", message)), moment);
        assert_eq!(outage(&line("limits", message)), None);
        assert_eq!(outage(&line("lockouts", "back in reach")), None);
        assert_eq!(outage("thread 'main' panicked"), None);
    }
}
