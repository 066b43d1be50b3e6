use std::time::Duration;

/// Counts how the latest calls ended, in ten slices of time.
#[derive(Clone, Debug)]
pub(super) struct Window {
    slice: Duration,
    calls: u32,
    slices: [Slice; Self::SLICES],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    /// The position of the slice since the start of time.
    number: u128,
    counts: Counts,
}

/// Numbers of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

impl Window {
    const SLICES: usize = 10;

    /// A window of this length, or of the latest `calls` calls if there are more within it.
    pub(super) fn new(length: Duration, calls: u32) -> Self {
        let slice = (length / 10).max(Duration::from_millis(1));
        Self { slice, calls, slices: [Slice::default(); Self::SLICES] }
    }

    /// `now` is measured from an arbitrary start.
    pub(super) fn record(&mut self, now: Duration, failed: bool, slow: bool) {
        let number = self.number_at(now);
        let slice = &mut self.slices[Self::position(number)];
        if slice.number != number {
            *slice = Slice { number, counts: Counts::default() };
        }
        slice.counts.calls += 1;
        slice.counts.failed += u32::from(failed);
        slice.counts.slow += u32::from(slow);
    }

    /// Sums up the latest slices that hold enough calls. The last complete slice is always included, so that a single
    /// moment of a rush does not decide.
    pub(super) fn counts(&self, now: Duration) -> Counts {
        let current = self.number_at(now);
        let mut sum = Counts::default();
        for number in (current - 9..=current).rev() {
            if sum.calls >= self.calls && number + 1 < current {
                break;
            }
            let slice = &self.slices[Self::position(number)];
            if slice.number == number {
                sum.calls += slice.counts.calls;
                sum.failed += slice.counts.failed;
                sum.slow += slice.counts.slow;
            }
        }
        sum
    }

    fn position(number: u128) -> usize {
        // There are ten slices, so the position is below ten.
        usize::try_from(number % 10).unwrap_or_default()
    }

    /// Starts at 10, so that slices that were never used count as old.
    fn number_at(&self, now: Duration) -> u128 {
        10 + now.as_nanos() / self.slice.as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: u64 = 100;
    const CALLS: u32 = 5;

    /// What the window should report, computed from all calls ever made.
    fn model(calls: &[(u64, bool, bool)], now: u64) -> Counts {
        let slice = |time: u64| time / (LENGTH / 10);
        let within = |slices: u64| {
            let recent: Vec<_> = calls.iter().filter(|(time, ..)| slice(*time) + slices > slice(now)).collect();
            let count =
                |which: fn(&&&(u64, bool, bool)) -> bool| u32::try_from(recent.iter().filter(which).count()).unwrap();
            Counts { calls: count(|_| true), failed: count(|call| call.1), slow: count(|call| call.2) }
        };
        (2..10).map(within).find(|counts| counts.calls >= CALLS).unwrap_or_else(|| within(10))
    }

    proptest! {
        #[test]
        fn it_counts_as_if_it_remembered_every_call(
            steps in proptest::collection::vec((0_u64..30, any::<bool>(), any::<bool>()), 1..200),
        ) {
            let (mut window, mut calls, mut now) = (Window::new(Duration::from_millis(LENGTH), CALLS), Vec::new(), 0);
            for (wait, failed, slow) in steps {
                now += wait;
                window.record(Duration::from_millis(now), failed, slow);
                calls.push((now, failed, slow));
                prop_assert_eq!(window.counts(Duration::from_millis(now)), model(&calls, now));
            }
        }
    }
}
