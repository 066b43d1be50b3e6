use std::{collections::BTreeMap, fs, path::Path, process::ExitCode, time::Instant};

use anyhow::Context;
use comanda_proof::{Finding, Property, Verdict, check_folder};

use super::{planted, run::Summary};

/// Checks what was recorded in a folder, and says what was found. Fails if anything was, or if nothing was that was
/// planted.
pub fn of(folder: &Path) -> anyhow::Result<ExitCode> {
    let path = folder.join(Summary::FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let summary: Summary = serde_json::from_str(&text)?;
    print_counts(&summary);
    let begin = Instant::now();
    let Verdict { findings, looked_at } = check_folder(folder)?;
    println!("\nchecked in {:.1} s: {}", begin.elapsed().as_secs_f64(), folder.display());
    print_looked_at(&looked_at);
    for complaint in &summary.complaints {
        println!("BROKEN  {complaint}");
    }
    // A fault that was planted may keep everybody from much.
    let blind = looked_at.iter().filter(|(_, times)| *times == 0 && summary.planted.is_none());
    let blind = blind.map(|(property, _)| println!("BROKEN  {property}: there was nothing to look at")).count();
    print_findings(&findings);
    let found = summary.complaints.len() + findings.len() + blind;
    if found == 0 {
        println!("nothing found");
    } else {
        println!("{found} found\nagain: {}\ncheck: cargo xtask prove --check {}", summary.command, folder.display());
    }
    let is_as_expected = match &summary.planted {
        Some(fault) => {
            let is_found = planted::is_found(fault, &findings);
            println!("{fault} was planted, and {}", if is_found { "found" } else { "NOT FOUND" });
            is_found
        }
        None => found == 0,
    };
    Ok(if is_as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
