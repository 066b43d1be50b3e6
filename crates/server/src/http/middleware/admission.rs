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
        let place =
            Place { admission: self.clone(), taken: Cell::new(false), working: Cell::new(0), waits: Cell::new(false) };
        place.take().then(|| Admitted(Rc::new(place)))
    }
}

/// A request's place among those that are worked on. Whoever has to wait for the client gives it up meanwhile.
pub struct Place {
    admission: Admission,
    taken: Cell<bool>,
    /// How much of the request's work cannot be interrupted.
    working: Cell<u32>,
    /// Whether it is to be given up as soon as nothing is worked on.
    waits: Cell<bool>,
}

impl Place {
    /// Counts the request as one that is worked on. `false`: there are enough already.
    pub fn take(&self) -> bool {
        self.waits.set(false);
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

    /// Leaves it to another request, once what is worked on under it has ended.
    pub fn give_up(&self) {
        if self.working.get() > 0 {
            self.waits.set(true);
        } else {
            self.leave();
        }
    }

    /// Keeps the place until the work is dropped, though the request waits for its client meanwhile.
    pub fn work(self: Rc<Self>) -> Work {
        self.working.set(self.working.get() + 1);
        Work(self)
    }

    fn leave(&self) {
        if self.taken.replace(false) {
            self.admission.admitted.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Work for a request that goes on while the request waits for its client.
pub struct Work(Rc<Place>);

impl Drop for Work {
    fn drop(&mut self) {
        let Place { working, waits, .. } = &*self.0;
        working.set(working.get() - 1);
        if working.get() == 0 && waits.replace(false) {
            self.0.leave();
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
        self.0.leave();
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

    #[test]
    fn whoever_is_worked_for_meanwhile_keeps_its_place() {
        let admission = Admission::new(1);
        let waiting = admission.admit().unwrap();
        let place = waiting.place();
        let (renewing, looking_up) = (Rc::clone(&place).work(), Rc::clone(&place).work());
        place.give_up();
        drop(renewing);
        assert!(admission.admit().is_none(), "it is still worked for");
        drop(looking_up);
        let other = admission.admit().unwrap();
        drop(other);

        assert!(place.take());
        let renewing = Rc::clone(&place).work();
        place.give_up();
        assert!(place.take(), "the body is here before the work has ended");
        drop(renewing);
        assert!(admission.admit().is_none());
        drop(waiting);
        assert!(admission.admit().is_some());
    }
}
