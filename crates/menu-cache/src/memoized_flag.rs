use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use comanda_domain::{FeatureFlag, ports::FeatureFlags};

/// Reads are spread over this many subjects, so that a percentage of the reads is close to the flag's percentage.
const SUBJECTS: usize = 512;

/// How long an evaluation is reused.
const REEVALUATE_AFTER: Duration = Duration::from_secs(1);

/// A flag that is consulted on every read, a hundred thousand times per second. Evaluating it costs as much as the rest
/// of the read, so each subject is evaluated once per second and the result is reused.
pub(crate) struct MemoizedFlag {
    flag: FeatureFlag,
    started_at: Instant,
    reads: AtomicU64,
    /// Per subject: the time of the evaluation, in milliseconds since `started_at` plus one, shifted left by one bit;
    /// the lowest bit is the result. Zero means that the subject was never evaluated.
    evaluations: Box<[AtomicU64]>,
}

impl MemoizedFlag {
    pub(crate) fn new(flag: FeatureFlag) -> Self {
        let evaluations = std::iter::repeat_with(AtomicU64::default).take(SUBJECTS).collect();
        Self { flag, started_at: Instant::now(), reads: AtomicU64::new(0), evaluations }
    }

    /// Whether the flag is on for the next read.
    pub(crate) async fn is_on(&self, flags: &dyn FeatureFlags) -> bool {
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        let subject = usize::try_from(read % SUBJECTS as u64).unwrap_or_default();
        let memoized = &self.evaluations[subject];
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 2);
        let now = millis(self.started_at.elapsed()) + 1;
        let known = memoized.load(Ordering::Relaxed);
        if known != 0 && now.saturating_sub(known >> 1) < millis(REEVALUATE_AFTER) {
            return known & 1 == 1;
        }
        let on = flags.is_on(self.flag, &subject.to_string()).await;
        memoized.store(now << 1 | u64::from(on), Ordering::Relaxed);
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
        let flag = MemoizedFlag::new(FeatureFlag::MenuCache);
        let mut on = 0;
        for _ in 0..SUBJECTS * 3 {
            on += usize::from(flag.is_on(&flags).await);
        }
        assert_eq!(on, SUBJECTS * 3 / 4);
    }
}
