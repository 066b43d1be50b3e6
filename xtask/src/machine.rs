//! What something was measured on.

use std::{env, fs, thread};

use anyhow::Context;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    /// As the kernel says it: `24689284 kB`.
    pub memory: String,
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub fn here() -> anyhow::Result<Self> {
        let read = |path: &str| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
        // Not every architecture's kernel names the processor.
        let processor = value_of(&read("/proc/cpuinfo")?, "model name").unwrap_or_else(|| env::consts::ARCH.to_owned());
        Ok(Self {
            processor,
            cores: thread::available_parallelism()?.get(),
            memory: value_of(&read("/proc/meminfo")?, "MemTotal").context("/proc/meminfo says no MemTotal")?,
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease")?.trim()),
        })
    }

    /// Whether figures of both may be compared.
    pub fn is_like(&self, other: &Self) -> bool {
        self.processor == other.processor && self.cores == other.cores
    }

    /// For a sentence, in two lines.
    pub fn in_few_words(&self) -> String {
        let Self { processor, cores, memory, kernel } = self;
        let kibibytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        // Rounded: the kernel keeps some for itself.
        let gibibytes = (kibibytes + (1 << 19)) >> 20;
        let kernel = kernel.split('-').next().unwrap_or_default();
        format!("{cores} cores of {processor}\n({gibibytes} GiB, {kernel})")
    }
}

/// What follows a name in a file of `/proc`.
fn value_of(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    Some(value?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_described_in_few_words() {
        let machine = Machine {
            processor: "AMD EPYC".to_owned(),
            cores: 2,
            memory: "24689284 kB".to_owned(),
            kernel: "Linux 6.18.44-generic".to_owned(),
        };
        assert_eq!(machine.in_few_words(), "2 cores of AMD EPYC\n(24 GiB, Linux 6.18.44)");
        assert_eq!(value_of("flags\t\t: fpu\nmodel name\t: AMD EPYC\n", "model name").unwrap(), machine.processor);
        assert!(Machine::here().unwrap().cores > 0);
    }
}
