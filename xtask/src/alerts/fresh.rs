//! What a server measures before anything has happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail, ensure};
use serde_json::json;

use crate::{
    build::Profile,
    comanda::{self, Comanda, get},
    process::succeed,
    project::{self, State},
    services::{Durability, Services, free_port},
};

/// Gauges that there are only of what exists: a replica, a subscriber that was removed, a snapshot that is old.
const OF_WHAT_EXISTS: [&str; 3] =
    ["comanda_replica_lag_seconds", "comanda_outbox_unserved_events", "comanda_snapshot_seconds"];

/// Workers that do not succeed while nobody asks for anything; their alert leaves them out, too.
const WAITING_WORKERS: [&str; 3] = ["commit_orders", "hash_passwords_", "listen_for_menu_notifications"];

/// How long a server may take until its workers have measured everything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a server on an empty database and looks at what it measures: that Prometheus's tool has nothing to say against
/// it, that whatever rules and dashboard name is there, and that an hour of it raises no alert.
pub(super) fn check(
    promtool: &Path,
    rules: &str,
    alerts: &BTreeSet<String>,
    asked_for: &BTreeSet<&str>,
) -> anyhow::Result<()> {
    let state = State::open_empty("alerts")?;
    let program = state.keep_program(&comanda::build(Profile::Development, "scraping a fresh server")?)?;
    let services = Services::start(&state, Durability::None)?;
    let mut comanda = Comanda::new(program, &state, &services)?;
    succeed(comanda.command(&["migrate"]).env("LOG", "warn"))?;
    let metrics = format!("127.0.0.1:{}", free_port()?);
    comanda.settings.insert("METRICS_ADDR".to_owned(), metrics.clone());
    let _server = comanda.serve(&format!("127.0.0.1:{}", free_port()?))?;
    let begin = Instant::now();
    let text = loop {
        let (_, text) = get(&metrics, "/metrics")?;
        let missing = missing(&text, rules, asked_for);
        if missing.is_empty() {
            break text;
        }
        ensure!(begin.elapsed() < PATIENCE, "a fresh server does not measure {missing:?}");
        thread::sleep(Duration::from_millis(200));
    };
    lint(promtool, &text)?;
    let idle = state.path("idle.test.yml");
    fs::write(&idle, idle_test(&text, rules, alerts)?)?;
    succeed(Command::new(promtool).args(["test", "rules"]).arg(&idle))
}

/// Says nothing if all is well.
fn lint(promtool: &Path, text: &str) -> anyhow::Result<()> {
    let mut command = Command::new(promtool);
    let mut lint = command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    lint.stdin.take().context("no input")?.write_all(text.as_bytes())?;
    let output = lint.wait_with_output()?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && complaints.is_empty(), "promtool check metrics: {complaints}");
    Ok(())
}

/// A sample: the name, what is between the braces, and the value.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        Some(Sample { name, labels: labels.strip_suffix('}')?, value: value.parse().ok()? })
    })
}

/// What is asked for and not measured: families, and series of the rules.
fn missing(text: &str, rules: &str, asked_for: &BTreeSet<&str>) -> Vec<String> {
    let typed = |line: &'_ str| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned);
    let families: BTreeSet<String> = text.lines().filter_map(typed).collect();
    let names = asked_for.iter().filter(|name| !families.contains(**name) && !OF_WHAT_EXISTS.contains(name));
    let selected = selectors(rules).into_iter().filter(|(name, wanted)| {
        !OF_WHAT_EXISTS.contains(name)
            && !samples(text)
                .any(|sample| sample.name == *name && wanted.iter().all(|label| sample.labels.contains(label)))
    });
    names.map(|name| (*name).to_owned()).chain(selected.map(|(name, wanted)| format!("{name}{wanted:?}"))).collect()
}

/// The series that the rules select by labels of one value each.
fn selectors(rules: &str) -> BTreeSet<(&str, Vec<&str>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let expressions = rules.lines().map(str::trim).filter(|line| !line.contains(": "));
    let braces = expressions.flat_map(|line| line.match_indices('{').map(move |(place, _)| line.split_at(place)));
    braces
        .filter_map(|(before, rest)| {
            let name = before.rsplit(|c: char| !is_name(c)).next().filter(|name| name.contains('_'))?;
            let (labels, _) = rest.strip_prefix('{')?.split_once('}')?;
            let exact = labels.split(',').filter(|label| !label.contains("=~") && !label.contains('!'));
            Some((name, exact.collect()))
        })
        .collect()
}

/// The most series of one metric in a test: promtool gives up where a rule reads more than ten thousand samples.
const MOST_OF_ONE_METRIC: usize = 1000;

/// An hour in which nothing happens but what workers do by themselves. A metric with very many series is spread over
/// several tests, which have all other series in common.
fn idle_test(text: &str, rules: &str, alerts: &BTreeSet<String>) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    let mut metrics: BTreeMap<&str, Vec<BTreeMap<&str, String>>> = BTreeMap::new();
    for Sample { name, labels, value } in samples(text).filter(|sample| rules.contains(sample.name)) {
        let separator = if labels.is_empty() { "" } else { "," };
        let full = format!("{name}{{{labels}{separator}instance=\"fresh\",job=\"comanda\"}}");
        let waits = WAITING_WORKERS.iter().any(|worker| labels.contains(&format!("worker=\"{worker}")));
        // The tool's clock begins at 0.
        let values = match name {
            "comanda_worker_last_success_timestamp_seconds" if waits => format!("{:.0}x60", (value - now).min(-1.0)),
            "comanda_worker_last_success_timestamp_seconds" => format!("{:.0}+60x60", (value - now).min(-1.0)),
            _ => format!("{value}x60"),
        };
        metrics.entry(name).or_default().push(BTreeMap::from([("series", full), ("values", values)]));
    }
    if metrics.is_empty() {
        bail!("a fresh server measures nothing");
    }
    let up = ("series", "up{instance=\"fresh\",job=\"comanda\"}".to_owned());
    metrics.insert("up", vec![BTreeMap::from([up, ("values", "1x60".to_owned())])]);
    let checks: Vec<_> = alerts
        .iter()
        .flat_map(|alert| {
            ["0m", "2m", "10m", "60m"].map(|at| json!({ "eval_time": at, "alertname": alert, "exp_alerts": [] }))
        })
        .collect();
    let metrics: Vec<Vec<_>> = metrics.values().map(|series| series.chunks(MOST_OF_ONE_METRIC).collect()).collect();
    let count = metrics.iter().map(Vec::len).max().unwrap_or_default();
    let tests = (0..count).map(|n| {
        let series: Vec<_> = metrics.iter().flat_map(|parts| parts[n % parts.len()]).collect();
        json!({ "interval": "1m", "input_series": series, "alert_rule_test": checks })
    });
    let rules = project::root().join("operations/alerts.yml");
    let an_hour = json!({
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": tests.collect::<Vec<_>>(),
    });
    // JSON is YAML, too.
    Ok(serde_json::to_string_pretty(&an_hour)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: &str = "# HELP comanda_a_total A.\n# TYPE comanda_a_total counter\ncomanda_a_total{what=\"x\"} 0\n";

    #[test]
    fn what_rules_select_and_a_server_does_not_measure_is_missing() {
        let rules = "          sum(increase(comanda_a_total{what=\"x\",other=~\"5..\"}[5m])) > 0\n";
        let asked_for = BTreeSet::from(["comanda_a_total"]);
        assert_eq!(missing(FRESH, rules, &asked_for), Vec::<String>::new());
        assert_eq!(missing("", rules, &asked_for).len(), 2);
        assert_eq!(missing(FRESH, &rules.replace("\"x\"", "\"y\""), &asked_for).len(), 1);
        let of_a_replica = "max(comanda_replica_lag_seconds{what=\"x\"})";
        assert_eq!(missing(FRESH, of_a_replica, &asked_for), Vec::<String>::new());
    }

    #[test]
    fn an_idle_hour_has_the_series_of_the_rules_and_asks_for_every_alert() {
        let test = idle_test(FRESH, "comanda_a_total", &BTreeSet::from(["A".to_owned()])).unwrap();
        for part in [r#"comanda_a_total{what=\"x\",instance=\"fresh\",job=\"comanda\"}"#, "0x60", r#""alertname": "A""#]
        {
            assert!(test.contains(part), "{part} is missing in {test}");
        }
    }
}
