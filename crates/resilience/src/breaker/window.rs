use std::time::Duration;

/// How the calls of the last moments ended, in ten slices of time.
#[derive(Clone, Debug)]
pub(super) struct Window {
    slice: Duration,
    slices: [Slice; Self::SLICES],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    /// Which slice of all time it is.
    number: u128,
    counts: Counts,
}

/// How many calls there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

impl Window {
    const SLICES: usize = 10;

    pub(super) fn new(length: Duration) -> Self {
        let slice = (length / 10).max(Duration::from_millis(1));
        Self { slice, slices: [Slice::default(); Self::SLICES] }
    }

    /// `now` is the time since some beginning.
    pub(super) fn record(&mut self, now: Duration, failed: bool, slow: bool) {
        let number = self.number_at(now);
        // Ten slices, and so a position below ten.
        let position = usize::try_from(number % 10).unwrap_or_default();
        let slice = &mut self.slices[position];
        if slice.number != number {
            *slice = Slice { number, counts: Counts::default() };
        }
        slice.counts.calls += 1;
        slice.counts.failed += u32::from(failed);
        slice.counts.slow += u32::from(slow);
    }

    pub(super) fn counts(&self, now: Duration) -> Counts {
        let current = self.number_at(now);
        let recent = self.slices.iter().filter(|slice| slice.number + 10 > current);
        recent.fold(Counts::default(), |sum, Slice { counts, .. }| Counts {
            calls: sum.calls + counts.calls,
            failed: sum.failed + counts.failed,
            slow: sum.slow + counts.slow,
        })
    }

    /// From 10, so that slices that were never used are old.
    fn number_at(&self, now: Duration) -> u128 {
        10 + now.as_nanos() / self.slice.as_nanos()
    }
}
