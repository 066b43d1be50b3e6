//! Limits how many requests are worked on at the same time. Beyond that, refusing a few at once keeps the others quick;
//! admitting all of them would make all of them late (Google's SRE book, "Handling Overload" and "Addressing Cascading
//! Failures").
//!
//! A request whose body has not arrived is not worked on: it takes no place, so that clients that send slowly, or
//! nothing at all, keep nobody out.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
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
    pub(in crate::http) fn admit(&self) -> Option<Admitted> {
        let place = Place { admission: self.clone(), taken: Cell::new(false) };
        place.take().then(|| Admitted(Rc::new(place)))
    }
}

/// A request's place among those that are worked on. Whoever has to wait for the client gives it up meanwhile.
pub struct Place {
    admission: Admission,
    taken: Cell<bool>,
}

impl Place {
    /// Counts the request as one that is worked on. `false`: there are enough already.
    pub fn take(&self) -> bool {
        if self.taken.get() {
            return true;
        }
        let Admission { limit, admitted } = &self.admission;
        if admitted.fetch_add(1, Ordering::AcqRel) < *limit {
            self.taken.set(true);
            return true;
        }
        admitted.fetch_sub(1, Ordering::AcqRel);
        counter!("comanda_requests_refused_total").increment(1);
        false
    }

    /// Leaves it to another request.
    pub fn give_up(&self) {
        if self.taken.replace(false) {
            self.admission.admitted.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A request that was let in. Its place is free again when this is dropped, whoever else still knows the place.
pub(in crate::http) struct Admitted(Rc<Place>);

impl Admitted {
    pub(in crate::http) fn place(&self) -> Rc<Place> {
        Rc::clone(&self.0)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.give_up();
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

    #[test]
    fn whoever_waits_for_its_client_takes_no_place() {
        let admission = Admission::new(1);
        let waiting = admission.admit().unwrap();
        let place = waiting.place();
        place.give_up();
        let other = admission.admit().unwrap();
        assert!(!place.take(), "the place is taken");
        drop(other);
        assert!(place.take());
        assert!(admission.admit().is_none());
        drop(waiting);
        assert!(admission.admit().is_some(), "though the place is still known");
    }
}
