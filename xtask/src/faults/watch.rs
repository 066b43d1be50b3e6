//! What an operator sees of a fault: what the servers log, and which alerts there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    comanda::{get, log_of, metrics_of},
    process::Process,
    project,
    rush::stage::Stage,
    services::{free_port, prometheus},
};

/// How long Prometheus may take until it has read every server.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a line of the log is quoted.
const QUOTED: usize = 120;

/// Prometheus, which reads the servers and looks at the rules every second, and the servers' logs.
pub struct Watch {
    _prometheus: Process,
    address: String,
    logs: Vec<PathBuf>,
    /// When it began to break, and how long each log was then.
    struck: Option<(Instant, Vec<usize>)>,
}

/// What was seen from the strike to the end.
#[derive(Default)]
pub struct Seen {
    /// Lines of the servers' logs.
    pub logged: String,
    /// Alerts whose condition held.
    pub alerts: String,
}

impl Watch {
    /// Of the servers that serve now; those that take their places are watched as well.
    pub fn start(stage: &Stage, folder: &Path) -> anyhow::Result<Self> {
        let targets: Vec<String> = stage.servers.iter().map(|server| metrics_of(&server.address)).collect();
        let config = serde_json::json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": [project::root().join("operations/alerts.yml")],
            "scrape_configs": [{ "job_name": "comanda", "static_configs": [{ "targets": targets }] }],
        });
        // JSON is YAML, too.
        let (path, data) = (folder.join("prometheus.yml"), folder.join("prometheus"));
        fs::write(&path, config.to_string())?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(prometheus()?);
        command.arg("--config.file").arg(&path).arg("--storage.tsdb.path").arg(&data);
        command.arg("--web.listen-address").arg(&address).stdout(Stdio::null()).stderr(Stdio::null());
        let prometheus = Process::start("Prometheus", command, Signal::SIGTERM)?;
        let logs = stage.servers.iter().map(|server| log_of(folder, &server.address)).collect();
        let watch = Self { _prometheus: prometheus, address, logs, struck: None };
        watch.until_all_are_read(targets.len())?;
        Ok(watch)
    }

    fn until_all_are_read(&self, servers: usize) -> anyhow::Result<()> {
        let begin = Instant::now();
        while self.query("up == 1").unwrap_or_default().len() < servers {
            ensure!(begin.elapsed() < PATIENCE, "Prometheus does not read the servers");
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// From now on it counts.
    pub fn strike(&mut self) {
        self.struck = Some((Instant::now(), self.logs.iter().map(|log| text_of(log).len()).collect()));
    }

    pub fn finish(self) -> anyhow::Result<Seen> {
        let (since, lengths) = self.struck.as_ref().context("nothing was struck")?;
        let seconds = since.elapsed().as_secs() + 1;
        let seen = self.query(&format!("max by (alertname, alertstate) (max_over_time(ALERTS[{seconds}s]))"))?;
        let mut alerts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for series in &seen {
            let label = |name: &str| series["metric"][name].as_str().unwrap_or_default().to_owned();
            alerts.entry(label("alertname")).or_default().insert(label("alertstate"));
        }
        let alerts = alerts.into_iter().map(|(name, states)| {
            // One that fires was pending before.
            if states.contains("firing") { format!("{name} fired") } else { format!("{name} pending") }
        });
        let lines = self.logs.iter().zip(lengths).flat_map(|(log, length)| {
            let text = text_of(log);
            text.get(*length..).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
        });
        Ok(Seen { logged: summary(lines), alerts: join_or_none(&alerts.collect::<Vec<_>>()) })
    }

    /// What Prometheus responds to a query of this moment.
    fn query(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let mut path = String::from("/api/v1/query?query=");
        for byte in query.bytes() {
            write!(path, "%{byte:02x}")?;
        }
        let (status, body) = get(&self.address, &path)?;
        ensure!(status == 200, "Prometheus: {status} {body}");
        let document: Value = serde_json::from_str(&body)?;
        Ok(document["data"]["result"].as_array().cloned().unwrap_or_default())
    }
}

fn text_of(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

fn join_or_none(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// How many lines warn and complain, and the earliest of them in short. Those of requests are customers' view.
fn summary(lines: impl Iterator<Item = String>) -> String {
    let events = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut first: Option<(String, String)> = None;
    for event in events.filter(|event| event["target"] != "access") {
        let Some(level) = ["WARN", "ERROR"].into_iter().find(|level| event["level"] == *level) else { continue };
        *counts.entry(level).or_default() += 1;
        let at = event["timestamp"].as_str().unwrap_or_default().to_owned();
        if first.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
            first = Some((at, words_of(&event["fields"])));
        }
    }
    let counts: Vec<String> = counts.into_iter().rev().map(|(level, count)| format!("{count} {level}")).collect();
    let first = first.map(|(_, words)| format!("; first: {words}")).unwrap_or_default();
    format!("{}{first}", join_or_none(&counts))
}

/// The message and the cause, without what is another in each run.
fn words_of(fields: &Value) -> String {
    let message = fields["message"].as_str().unwrap_or_default();
    let cause = ["cause", "error", "reason"].into_iter().find_map(|name| fields[name].as_str());
    let whole = cause.map_or_else(|| message.to_owned(), |cause| format!("{message}: {cause}"));
    let mut words = String::new();
    let mut digits = String::new();
    // Ports, process ids and numbers of orders.
    for character in whole.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        words.push_str(if digits.len() > 3 { "…" } else { &digits });
        digits.clear();
        words.push(if matches!(character, '|' | '\n') { '/' } else { character });
    }
    let words = words.trim_end_matches('\0');
    match words.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_counted_and_the_earliest_line_is_quoted() {
        let line = |level: &str, second: u32, target: &str, message: &str, cause: &str| {
            format!(
                r#"{{"timestamp":"2026-01-01T00:00:0{second}Z","level":"{level}","target":"{target}","fields":{{"message":"{message}","cause":"{cause}"}}}}"#
            )
        };
        let lines = [
            line("ERROR", 2, "comanda", "later", "x"),
            line("WARN", 1, "comanda", "out of reach", "127.0.0.1:54321 | refused"),
            line("INFO", 0, "comanda", "nothing", ""),
            line("WARN", 0, "access", "a request", ""),
            "not JSON".to_owned(),
        ];
        let seen = summary(lines.into_iter());
        assert_eq!(seen, "1 WARN, 1 ERROR; first: out of reach: 127.0.0.1:… / refused");
        assert_eq!(summary(std::iter::empty()), "none");
    }
}
