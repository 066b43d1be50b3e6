//! What the process itself uses, by Prometheus's usual names.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use metrics::{Gauge, gauge};
use rustix::process::{Resource, getrlimit};

#[derive(Clone)]
pub(super) struct Process {
    open_descriptors: Gauge,
    most_descriptors: Gauge,
    resident_memory: Gauge,
    virtual_memory: Gauge,
    threads: Gauge,
}

impl Process {
    /// Of a process that has just started.
    pub(super) fn started() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge!("process_start_time_seconds").set(now.as_secs_f64());
        Self {
            open_descriptors: gauge!("process_open_fds"),
            most_descriptors: gauge!("process_max_fds"),
            resident_memory: gauge!("process_resident_memory_bytes"),
            virtual_memory: gauge!("process_virtual_memory_bytes"),
            threads: gauge!("process_threads"),
        }
    }

    /// What cannot be read stays as it was.
    #[expect(clippy::cast_precision_loss, reason = "none of it reaches 2^52")]
    pub(super) fn measure(&self) {
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // One is the folder itself.
            self.open_descriptors.set(entries.count().saturating_sub(1) as f64);
        }
        self.most_descriptors.set(getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, |limit| limit as f64));
        let Ok(status) = fs::read_to_string("/proc/self/status") else { return };
        for (gauge, name, unit) in [
            (&self.resident_memory, "VmRSS:", 1024),
            (&self.virtual_memory, "VmSize:", 1024),
            (&self.threads, "Threads:", 1),
        ] {
            if let Some(number) = number(&status, name) {
                gauge.set((number * unit) as f64);
            }
        }
    }
}

/// The number in a line of `/proc/<pid>/status`, such as `VmRSS:     5180 kB`.
fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_uses() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        for name in ["VmRSS:", "VmSize:", "Threads:"] {
            assert!(number(&status, name).unwrap() > 0, "{name}");
        }
        assert_eq!(number("VmRSS:\t    5180 kB\n", "VmRSS:"), Some(5180));
        assert_eq!(number("VmRSS:\tmuch\n", "VmRSS:"), None);
    }
}
