//! Limits how many requests are worked on at the same time. Beyond that, refusing a few at once keeps the others quick;
//! admitting all of them would make all of them late (Google's SRE book, "Handling Overload" and "Addressing Cascading
//! Failures").

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use metrics::counter;

/// Counts the requests of all workers.
#[derive(Clone)]
pub struct Admission {
    limit: usize,
    admitted: Arc<AtomicUsize>,
}

impl Admission {
    pub fn new(limit: usize) -> Self {
        Self { limit, admitted: Arc::default() }
    }

    /// `None`: there are enough already.
    pub(super) fn admit(&self) -> Option<Admitted<'_>> {
        // Counts this request until it is dropped.
        let admitted = Admitted(&self.admitted);
        if self.admitted.fetch_add(1, Ordering::AcqRel) < self.limit {
            return Some(admitted);
        }
        counter!("comanda_requests_refused_total").increment(1);
        None
    }
}

/// A request that is being worked on.
pub(super) struct Admitted<'a>(&'a AtomicUsize);

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_fit_and_another_when_one_has_left() {
        let admission = Admission::new(2);
        let (first, second) = (admission.admit(), admission.admit());
        assert!(first.is_some() && second.is_some());
        for _ in 0..3 {
            assert!(admission.admit().is_none());
        }
        drop(first);
        assert!(admission.admit().is_some());
    }
}
