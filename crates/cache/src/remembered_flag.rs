use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use comanda_domain::{feature_flag::FeatureFlag, ports::FeatureFlags};

/// Readings are spread over so many subjects: enough for a percentage to be one.
const SUBJECTS: usize = 512;

/// For so long an evaluation holds.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// A flag that is asked about at every reading, a hundred thousand times a second, and evaluated once a second for each of its subjects:
/// an evaluation costs as much as the rest of a reading.
pub(crate) struct RememberedFlag {
    flag: FeatureFlag,
    begin: Instant,
    readings: AtomicU64,
    /// When it was evaluated, in milliseconds since `begin`, plus one; the lowest bit is the outcome. Zero: never.
    subjects: Box<[AtomicU64]>,
}

impl RememberedFlag {
    pub(crate) fn new(flag: FeatureFlag) -> Self {
        let subjects = std::iter::repeat_with(AtomicU64::default).take(SUBJECTS).collect();
        Self { flag, begin: Instant::now(), readings: AtomicU64::new(0), subjects }
    }

    /// Whether it is on for the next reading.
    pub(crate) async fn is_on(&self, flags: &dyn FeatureFlags) -> bool {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        let subject = usize::try_from(reading % SUBJECTS as u64).unwrap_or_default();
        let remembered = &self.subjects[subject];
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 2);
        let now = millis(self.begin.elapsed()) + 1;
        let known = remembered.load(Ordering::Relaxed);
        if known != 0 && now.saturating_sub(known >> 1) < millis(GOOD_FOR) {
            return known & 1 == 1;
        }
        let on = flags.is_on(self.flag, &subject.to_string()).await;
        remembered.store(now << 1 | u64::from(on), Ordering::Relaxed);
        on
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockFeatureFlags;

    use super::*;

    #[tokio::test]
    async fn every_subject_is_evaluated_once_and_shares_are_kept() {
        let mut flags = MockFeatureFlags::new();
        let a_quarter = |_: FeatureFlag, subject: &str| subject.parse::<usize>().is_ok_and(|n| n % 4 == 0);
        flags.expect_is_on().times(SUBJECTS).returning(a_quarter);
        let flag = RememberedFlag::new(FeatureFlag::MenuCache);
        let mut on = 0;
        for _ in 0..SUBJECTS * 3 {
            on += usize::from(flag.is_on(&flags).await);
        }
        assert_eq!(on, SUBJECTS * 3 / 4);
    }
}
