//! What the servers say of themselves in their logs, as far as it changes what may be expected of them.

use std::{fs, ops::Range, path::Path, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};
use comanda_proof::Fault;
use serde_json::Value;

use super::scene::Scene;
use crate::comanda::log_of;

/// How long a call may take to fail.
const BEFORE: Duration = Duration::from_millis(2500);

/// How long a server that says no more may have gone by what it knew itself.
const AFTER: Duration = Duration::from_secs(5);

/// Notes when servers went by what they knew of lockouts themselves, each by the log of its address.
pub fn note_outages(folder: &Path, addresses: &[String], scene: &Scene) -> anyhow::Result<()> {
    for (server, address) in addresses.iter().enumerate() {
        let log = log_of(folder, address);
        let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        for Range { start, end } in outages(&String::from_utf8_lossy(&text)) {
            let (failed, end) = (scene.history.moment(start), scene.history.moment(end));
            let begin = scene.history.moment(start - BEFORE);
            // A process that ends meanwhile leaves its log to the next one, if that is there by then.
            let mut processes = vec![scene.process_at(server, failed)];
            processes.extend(scene.process_at(server, end).map(Some));
            processes.dedup();
            for process in processes {
                scene.history.note_fault(begin..end, process, Fault::LockoutsAlone);
            }
        }
    }
    Ok(())
}

/// From when a call for lockouts had failed until one succeeded.
fn outages(log: &str) -> Vec<Range<DateTime<Utc>>> {
    let mut outages = Vec::new();
    let mut failed: Option<Range<DateTime<Utc>>> = None;
    for (moment, message) in log.lines().filter_map(said_of_lockouts) {
        if message.starts_with("back in reach") {
            match failed.take() {
                Some(failed) if failed.end < moment => outages.extend([failed, moment..moment]),
                failed => outages.extend(failed.map(|failed| failed.start..moment)),
            }
        } else {
            let first = failed.take().filter(|failed| {
                let goes_on = failed.end >= moment;
                if !goes_on {
                    outages.push(failed.clone());
                }
                goes_on
            });
            failed = Some(first.map_or(moment, |failed| failed.start)..moment + AFTER);
        }
    }
    outages.extend(failed);
    outages
}

/// When a server said something of lockouts, and what.
fn said_of_lockouts(line: &str) -> Option<(DateTime<Utc>, String)> {
    let event: Value = serde_json::from_str(line).ok()?;
    let moment = event["timestamp"].as_str()?.parse().ok()?;
    let message = event["fields"]["message"].as_str()?.to_owned();
    Some((moment, message)).filter(|_| event["fields"]["what"] == "lockouts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_from_the_first_call_that_failed_until_one_succeeds() {
        let at = |second: i64| DateTime::from_timestamp(1_796_024_000 + second, 500_000_000).expect("a moment");
        let line = |second, what: &str, message: &str| {
            let timestamp = at(second).to_rfc3339();
            format!(
                r#"{{"timestamp":"{timestamp}","level":"WARN","fields":{{"message":"{message}","what":"{what}"}}}}"#
            )
        };
        let (gone, back) = ("a call has failed; the next is made after a pause", "back in reach; its state is shared");
        let log = [
            line(1, "limits", gone),
            line(2, "lockouts", gone),
            line(4, "lockouts", gone),
            line(5, "limits", back),
            line(6, "lockouts", back),
            "thread 'main' panicked".to_owned(),
            // Nothing is said of how this ends,
            line(20, "lockouts", gone),
            // nor of this, and nobody asks until long after.
            line(40, "lockouts", gone),
            line(300, "lockouts", back),
            line(400, "lockouts", gone),
        ];
        let expected = [at(2)..at(6), at(20)..at(25), at(40)..at(45), at(300)..at(300), at(400)..at(405)];
        assert_eq!(outages(&log.join("\n")), expected);
    }
}
