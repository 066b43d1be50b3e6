use std::{fs, time::Instant};

use comanda_proof::check_folder;

use crate::{folder::Recorded, story::told};

/// `cargo test -p comanda-proof -- --ignored --nocapture a_million`
#[test]
#[ignore = "takes half a minute, and half a gigabyte of disk"]
fn a_million_calls_are_checked_within_a_minute_and_two_gibibytes() {
    let folder = Recorded::run(7, 1_000_000);
    // From here on the most memory is counted anew.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let begin = Instant::now();
    let findings = check_folder(&folder.path).unwrap().findings;
    let took = begin.elapsed();
    drop(folder);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    eprintln!("{:.1} s, {most} at most", took.as_secs_f64());
    assert!(findings.is_empty(), "{}", told(&findings));
    assert!(took.as_secs() < 60);
    assert!(most.trim_end_matches(" kB").parse::<u64>().unwrap() < 2 << 20);
}
