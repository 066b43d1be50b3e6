use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path, process::ExitCode, time::Instant};

use anyhow::Context;
use comanda_proof::{Finding, Property, Verdict, check_folder};

use super::{planted, run::Summary};

/// Checks what was recorded in a folder, and says what was found. Fails if anything was, or if nothing was that was
/// planted.
pub fn of(folder: &Path) -> anyhow::Result<ExitCode> {
    Ok(if is_as_expected(folder)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_as_expected(folder: &Path) -> anyhow::Result<bool> {
    let summary = summary_in(folder)?;
    if let Some(summary) = &summary {
        print_counts(summary);
    }
    let begin = Instant::now();
    let Verdict { findings, looked_at } = check_folder(folder)?;
    println!("\nchecked in {:.1} s: {}", begin.elapsed().as_secs_f64(), folder.display());
    print_looked_at(&looked_at);
    let complaints = summary.as_ref().map_or(&[][..], |summary| &summary.complaints);
    for complaint in complaints {
        println!("BROKEN  {complaint}");
    }
    let planted = summary.as_ref().and_then(|summary| summary.planted.as_deref());
    let blind = report_blind(&looked_at, summary.as_ref());
    print_findings(&findings);
    let found = complaints.len() + findings.len() + blind;
    if found == 0 {
        println!("nothing found");
    } else {
        let again = summary.as_ref().map(|summary| format!("again: {}\n", summary.command)).unwrap_or_default();
        println!("{found} found\n{again}check: cargo xtask prove --check {}", folder.display());
    }
    Ok(match planted {
        Some(fault) => {
            let is_found = planted::is_found(fault, &findings);
            println!("{fault} was planted, and {}", if is_found { "found" } else { "NOT FOUND" });
            is_found
        }
        None => found == 0,
    })
}

/// Names the properties that had nothing to look at, and says how many of them are a failure. A run of our own does
/// something of everything, unless a fault that was planted keeps everybody from it. Somebody else's history, which has
/// no summary, need only have something to look at.
fn report_blind(looked_at: &[(Property, u64)], summary: Option<&Summary>) -> usize {
    if summary.is_some_and(|summary| summary.planted.is_some()) {
        return 0;
    }
    let blind: Vec<Property> =
        looked_at.iter().filter(|(_, times)| *times == 0).map(|(property, _)| *property).collect();
    let is_failure = summary.is_some() || blind.len() == looked_at.len();
    for property in &blind {
        println!("{}  {property}: there was nothing to look at", if is_failure { "BROKEN" } else { "WARNING" });
    }
    if is_failure { blind.len() } else { 0 }
}

/// `None`: what is in the folder was not recorded by a run of our own.
fn summary_in(folder: &Path) -> anyhow::Result<Option<Summary>> {
    let path = folder.join(Summary::FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    serde_json::from_str(&text).map(Some).with_context(|| path.display().to_string())
}

/// The shortest of each property.
fn print_findings(findings: &[Finding]) {
    const SHOWN: usize = 3;
    let mut by_property: BTreeMap<Property, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_property.entry(finding.property).or_default().push(finding);
    }
    for (property, findings) in by_property {
        findings.iter().take(SHOWN).for_each(|finding| println!("BROKEN  {finding}"));
        let left: u64 = findings.iter().skip(SHOWN).map(|finding| 1 + finding.more).sum();
        if left > 0 {
            println!("        and {left} more of {property}\n");
        }
    }
}

/// A property that was hardly looked at says nothing.
fn print_looked_at(looked_at: &[(Property, u64)]) {
    let looked_at: Vec<String> = looked_at.iter().map(|(property, times)| format!("{property} {times}")).collect();
    println!("looked at: {}", looked_at.join(", "));
}

fn print_counts(summary: &Summary) {
    let Summary { seconds, calls, messages, counts, faults, .. } = summary;
    println!("\n{calls} calls and {messages} messages in {seconds} s, {} calls a second", calls / seconds.max(&1));
    for fault in faults {
        println!("  struck: {fault}");
    }
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (what, outcome, count) in counts {
        kinds.entry(what).or_default().push(format!("{count} × {outcome}"));
    }
    for (what, outcomes) in kinds {
        println!("  {what}: {}", outcomes.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use comanda_proof::{Folder, Tables};

    use super::*;
    use crate::project::random_secret;

    const MENU: &str = r#"{"sequence":1,"client":1,"caller":"anonymous","server":1,"begin":5,"end":10,
        "request":{"do":"read_menu"},
        "outcome":{"response":{"status":200,"shown":{"menu":{"version":1,"text":"00000000000000aa"}}}}}"#;

    fn judged(history: &str, summary: Option<&Summary>) -> bool {
        let folder = std::env::temp_dir().join(format!("xtask-verdict-{}", random_secret()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(Folder::HISTORY), history).unwrap();
        fs::write(folder.join(Folder::TABLES), serde_json::to_string(&Tables::default()).unwrap()).unwrap();
        if let Some(summary) = summary {
            fs::write(folder.join(Summary::FILE), serde_json::to_string(summary).unwrap()).unwrap();
        }
        let is_as_expected = is_as_expected(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        is_as_expected
    }

    /// The same menu twice.
    fn two_reads() -> String {
        let read = MENU.replace('\n', "");
        let again = read.replace(r#""sequence":1"#, r#""sequence":2"#);
        let again = again.replace(r#""begin":5,"end":10"#, r#""begin":15,"end":20"#);
        format!("{read}\n{again}\n")
    }

    fn of_a_run() -> Summary {
        Summary {
            command: String::new(),
            seconds: 1,
            calls: 2,
            messages: 0,
            counts: Vec::new(),
            faults: Vec::new(),
            complaints: Vec::new(),
            planted: None,
        }
    }

    #[test]
    fn only_a_run_of_our_own_has_to_have_something_for_every_property() {
        assert!(judged(&two_reads(), None));
        assert!(!judged(&two_reads(), Some(&of_a_run())));
    }

    #[test]
    fn a_history_in_which_there_is_nothing_to_look_at_fails() {
        assert!(!judged("", None));
    }

    #[test]
    fn a_history_without_a_summary_is_checked_all_the_same() {
        let back = two_reads().replacen(r#""version":1"#, r#""version":2"#, 1);
        assert!(!judged(&back, None));
    }
}
