use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use comanda_domain::{
    KeyRefusal,
    ports::{PlaceOrderError, Unavailable, UnreadableRecord},
};
use proptest::prelude::*;

use super::{
    Breaker, BreakerSettings,
    state::{Ending, Machine, Permit, Position},
};

const SETTINGS: BreakerSettings = BreakerSettings {
    window: Duration::from_secs(1),
    window_calls: 10,
    minimum_calls: 4,
    failure_percent: 50,
    slow_percent: 75,
    slow_call: Duration::from_millis(200),
    first_wait: Duration::from_millis(100),
    longest_wait: Duration::from_millis(450),
    probes: 2,
    probe_limit: Duration::from_millis(300),
};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A call that begins and ends at these times.
fn call(machine: &mut Machine, begin: u64, end: u64, ending: Ending) {
    let permit = machine.ask(ms(begin), 1.0).unwrap();
    machine.end(permit, ending, ms(end), 1.0);
}

fn opened() -> Machine {
    let mut machine = Machine::new(SETTINGS);
    for _ in 0..4 {
        call(&mut machine, 0, 0, Ending::Failed);
    }
    assert_eq!(machine.position(), Position::Open);
    machine
}

#[test]
fn it_opens_at_the_rate_and_not_before_there_are_enough_calls() {
    let mut machine = Machine::new(SETTINGS);
    for (ending, position) in [
        (Ending::Failed, Position::Closed),
        (Ending::Failed, Position::Closed),
        (Ending::Answered, Position::Closed),
        (Ending::Unknown, Position::Closed),
        (Ending::Answered, Position::Open),
    ] {
        call(&mut machine, 0, 0, ending);
        assert_eq!(machine.position(), position, "two of four have failed in the end");
    }
}

#[test]
fn what_is_long_past_does_not_count() {
    let mut machine = Machine::new(SETTINGS);
    for _ in 0..3 {
        call(&mut machine, 0, 0, Ending::Failed);
    }
    call(&mut machine, 1000, 1000, Ending::Failed);
    assert_eq!(machine.position(), Position::Closed);
    for _ in 0..3 {
        call(&mut machine, 1900, 1900, Ending::Failed);
    }
    assert_eq!(machine.position(), Position::Open);
}

#[test]
fn in_a_rush_what_went_well_a_moment_ago_does_not_count() {
    let mut machine = Machine::new(SETTINGS);
    for millisecond in 0..100 {
        for _ in 0..10 {
            call(&mut machine, millisecond, millisecond, Ending::Answered);
        }
    }
    // A tenth of the rate, as of customers who have been refused and try again a little later.
    let failures = (100..1000).take_while(|millisecond| {
        call(&mut machine, *millisecond, *millisecond, Ending::Failed);
        machine.position() == Position::Closed
    });
    let failures = failures.count();
    assert!((50..=150).contains(&failures), "it took {failures} failures");
}

#[test]
fn a_bad_moment_of_a_rush_does_not_open_it() {
    for millisecond in [50, 99, 100, 150] {
        let mut machine = Machine::new(SETTINGS);
        for before in 0..millisecond {
            for _ in 0..10 {
                call(&mut machine, before, before, Ending::Answered);
            }
        }
        for _ in 0..200 {
            call(&mut machine, millisecond, millisecond, Ending::Failed);
        }
        assert_eq!(machine.position(), Position::Closed, "at {millisecond}");
    }
}

#[test]
fn slow_calls_open_it_too() {
    let mut machine = Machine::new(SETTINGS);
    call(&mut machine, 0, 199, Ending::Answered);
    for _ in 0..3 {
        call(&mut machine, 0, 200, Ending::Answered);
    }
    assert_eq!(machine.position(), Position::Open);
}

#[test]
fn open_it_says_when_to_come_back_and_then_lets_a_few_through() {
    let mut machine = opened();
    assert_eq!(machine.ask(ms(40), 1.0), Err(ms(60)));
    let first = machine.ask(ms(100), 1.0).unwrap();
    let second = machine.ask(ms(110), 1.0).unwrap();
    assert_eq!(machine.ask(ms(120), 1.0), Err(ms(280)), "until the first must be back");
    machine.end(first, Ending::Answered, ms(130), 1.0);
    assert_eq!(machine.position(), Position::HalfOpen);
    machine.end(second, Ending::Answered, ms(130), 1.0);
    assert_eq!(machine.position(), Position::Closed);
}

#[test]
fn waits_grow_to_the_ceiling_and_begin_anew_after_a_recovery() {
    let mut machine = opened();
    let mut now = 0;
    for wait in [100, 200, 400, 450, 450] {
        assert_eq!(machine.ask(ms(now + wait - 1), 1.0), Err(ms(1)), "after {wait}");
        now += wait;
        call(&mut machine, now, now, Ending::Failed);
        assert_eq!(machine.position(), Position::Open);
    }
    now += 450;
    for _ in 0..2 {
        call(&mut machine, now, now, Ending::Answered);
    }
    for _ in 0..4 {
        call(&mut machine, now, now, Ending::Failed);
    }
    assert_eq!(machine.ask(ms(now), 1.0), Err(ms(100)));
    // Half of a wait is chance.
    let mut machine = Machine::new(SETTINGS);
    for _ in 0..4 {
        let permit = machine.ask(ms(0), 0.0).unwrap();
        machine.end(permit, Ending::Failed, ms(0), 0.0);
    }
    assert_eq!(machine.ask(ms(0), 0.0), Err(ms(50)));
}

#[test]
fn a_probe_that_never_comes_back_holds_nothing_up() {
    let mut machine = opened();
    machine.ask(ms(100), 1.0).unwrap();
    machine.ask(ms(100), 1.0).unwrap();
    assert!(machine.ask(ms(399), 1.0).is_err());
    assert_eq!(machine.ask(ms(400), 1.0), Err(ms(200)), "they have failed: open again, for twice as long");
    assert!(machine.ask(ms(600), 1.0).is_ok());
}

#[test]
fn who_hangs_up_gives_the_place_back_and_who_is_late_says_nothing() {
    let mut machine = opened();
    let probe = machine.ask(ms(100), 1.0).unwrap();
    machine.ask(ms(100), 1.0).unwrap();
    machine.end(probe, Ending::Unknown, ms(110), 1.0);
    let again = machine.ask(ms(110), 1.0).unwrap();
    machine.end(again, Ending::Failed, ms(120), 1.0);
    let late = probe;
    let next = machine.ask(ms(320), 1.0).unwrap();
    machine.end(late, Ending::Failed, ms(330), 1.0);
    assert_eq!(machine.position(), Position::HalfOpen, "of a period that is over");
    machine.end(next, Ending::Answered, ms(330), 1.0);
}

/// A breaker that remembers everything and finds out anew each time, in milliseconds.
#[derive(Default)]
struct Model {
    /// Since it closed: when they ended, whether they failed, whether they were slow.
    ended: Vec<(u64, bool, bool)>,
    open_until: Option<Duration>,
    openings: u32,
    is_half_open: bool,
    succeeded: u32,
    /// Those that still count, by number, and when they began.
    under_way: BTreeMap<usize, u64>,
}

impl Model {
    fn open(&mut self, now: u64, chance: f64) {
        let wait = (0..self.openings).fold(SETTINGS.first_wait, |wait, _| (2 * wait).min(SETTINGS.longest_wait));
        let openings = self.openings + 1;
        *self =
            Self { openings, open_until: Some(ms(now) + wait.mul_f64(f64::midpoint(1.0, chance))), ..Self::default() };
    }

    fn pass_time(&mut self, now: u64, chance: f64) {
        let limit = u64::try_from(SETTINGS.probe_limit.as_millis()).unwrap();
        if self.open_until.is_some_and(|until| until <= ms(now)) {
            *self = Self { openings: self.openings, is_half_open: true, ..Self::default() };
        } else if self.is_half_open && self.under_way.values().any(|begun| begun + limit <= now) {
            self.open(now, chance);
        }
    }

    fn ask(&mut self, call: usize, now: u64, chance: f64) -> bool {
        self.pass_time(now, chance);
        let probes = self.succeeded as usize + self.under_way.len();
        let passes = self.open_until.is_none() && (!self.is_half_open || probes < SETTINGS.probes as usize);
        if passes {
            self.under_way.insert(call, now);
        }
        passes
    }

    fn end(&mut self, call: usize, ending: Ending, now: u64, chance: f64) {
        self.pass_time(now, chance);
        let Some(begun) = self.under_way.remove(&call) else { return };
        let slow = now - begun >= u64::try_from(SETTINGS.slow_call.as_millis()).unwrap();
        match (self.is_half_open, ending) {
            (_, Ending::Unknown) => {}
            (true, Ending::Answered) if !slow => {
                self.succeeded += 1;
                if self.succeeded == SETTINGS.probes {
                    *self = Self::default();
                }
            }
            (true, _) => self.open(now, chance),
            (false, _) => {
                self.ended.push((now, ending == Ending::Failed, slow));
                if self.is_bad(now) {
                    self.open(now, chance);
                }
            }
        }
    }

    /// The youngest slices, each a tenth of the window, that hold enough calls: two at least, and ten at most.
    fn is_bad(&self, now: u64) -> bool {
        let slice = |time: u64| 10 * u128::from(time) / SETTINGS.window.as_millis();
        let within = |slices: u128| -> Vec<_> {
            self.ended.iter().filter(|(time, ..)| slice(*time) + slices > slice(now)).collect()
        };
        let enough = (2..10).map(within).find(|calls| calls.len() >= SETTINGS.window_calls as usize);
        let calls = enough.unwrap_or_else(|| within(10));
        let reaches = |part: usize, percent: u32| 100 * part >= percent as usize * calls.len();
        calls.len() >= SETTINGS.minimum_calls as usize
            && (reaches(calls.iter().filter(|call| call.1).count(), SETTINGS.failure_percent)
                || reaches(calls.iter().filter(|call| call.2).count(), SETTINGS.slow_percent))
    }

    fn position(&self) -> Position {
        match (self.open_until, self.is_half_open) {
            (Some(_), _) => Position::Open,
            (None, true) => Position::HalfOpen,
            (None, false) => Position::Closed,
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Ask,
    End(usize, Ending),
}

fn steps(longest_wait: u64) -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![Just(Ending::Answered), Just(Ending::Failed), Just(Ending::Unknown)];
    let step = prop_oneof![
        (0..longest_wait).prop_map(Step::Wait),
        Just(Step::Ask),
        Just(Step::Ask),
        (0_usize..8, ending).prop_map(|(which, ending)| Step::End(which, ending)),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(steps in prop_oneof![steps(20), steps(400)], chance in 0.0_f64..1.0) {
        let (mut machine, mut model, mut now) = (Machine::new(SETTINGS), Model::default(), 0);
        let (mut asked, mut under_way) = (0, Vec::<(usize, Permit)>::new());
        for step in steps {
            match step {
                Step::Wait(time) => now += time,
                Step::Ask => {
                    asked += 1;
                    let permit = machine.ask(ms(now), chance);
                    prop_assert_eq!(permit.is_ok(), model.ask(asked, now, chance));
                    under_way.extend(permit.ok().map(|permit| (asked, permit)));
                }
                Step::End(which, ending) if !under_way.is_empty() => {
                    let (call, permit) = under_way.swap_remove(which % under_way.len());
                    machine.end(permit, ending, ms(now), chance);
                    model.end(call, ending, now, chance);
                }
                Step::End(..) => {}
            }
            prop_assert_eq!(machine.position(), model.position());
        }
    }

    /// Holds for any sequence of steps.
    #[test]
    fn it_keeps_its_promises(steps in steps(400), chance in 0.0_f64..1.0) {
        let mut machine = Machine::new(SETTINGS);
        let (mut now, mut under_way, mut probing) = (0, Vec::<Permit>::new(), HashMap::<usize, u64>::new());
        let mut asked = 0_usize;
        for step in steps {
            match step {
                Step::Wait(time) => now += time,
                Step::Ask => {
                    let before = machine.position();
                    match machine.ask(ms(now), chance) {
                        Ok(permit) => {
                            prop_assert!(machine.position() != Position::Open, "no call passes an open breaker");
                            asked += 1;
                            if machine.position() == Position::HalfOpen {
                                if before != Position::HalfOpen {
                                    probing.clear();
                                }
                                probing.insert(asked, now);
                            }
                            under_way.push(permit);
                        }
                        Err(wait) => {
                            prop_assert!(machine.position() != Position::Closed, "a closed breaker refuses nobody");
                            prop_assert!(wait <= SETTINGS.longest_wait.max(SETTINGS.probe_limit));
                            // A caller that comes back then finds that it moves, or has moved on.
                            let mut later = now + u64::try_from(wait.as_millis()).unwrap() + 1;
                            for _ in 0..3 {
                                match machine.ask(ms(later), chance) {
                                    Ok(permit) => {
                                        under_way.push(permit);
                                        break;
                                    }
                                    Err(wait) => later += u64::try_from(wait.as_millis()).unwrap() + 1,
                                }
                            }
                            prop_assert!(machine.position() != Position::Open, "it never stays open for ever");
                            now = later;
                        }
                    }
                }
                Step::End(which, ending) if !under_way.is_empty() => {
                    let permit = under_way.swap_remove(which % under_way.len());
                    machine.end(permit, ending, ms(now), chance);
                }
                Step::End(..) => {}
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_by_the_business_and_one_for_overload_do_not_count() {
    let breaker = Breaker::new("test", SETTINGS);
    for _ in 0..20 {
        let refused: Result<(), _> = breaker.call(async { Err(PlaceOrderError::Key(KeyRefusal::Reused)) }).await;
        assert!(matches!(refused, Err(PlaceOrderError::Key(KeyRefusal::Reused))));
        let full = async { Err(PlaceOrderError::Unavailable(Unavailable::overloaded("full"))) };
        let full: Result<(), _> = breaker.call(full).await;
        assert!(matches!(full, Err(PlaceOrderError::Unavailable(_))));
    }
    for _ in 0..20 {
        let broken = async { Err(PlaceOrderError::Unavailable(Unavailable::new("gone"))) };
        let _: Result<(), _> = breaker.call(broken).await;
    }
    let refused = breaker.call(async { Ok::<_, PlaceOrderError>(()) }).await;
    let Err(PlaceOrderError::Unavailable(unavailable)) = refused else { panic!("it is open: {refused:?}") };
    assert!(unavailable.wait().is_some_and(|wait| wait <= SETTINGS.first_wait));
    assert!(!unavailable.was_attempted(), "whoever counts attempts leaves it out");
}

#[tokio::test]
async fn a_panic_does_not_count() {
    let breaker = std::sync::Arc::new(Breaker::new("test", SETTINGS));
    for _ in 0..20 {
        let breaker = std::sync::Arc::clone(&breaker);
        let call = tokio::spawn(async move { breaker.call::<(), Unavailable>(async { panic!("in this test") }).await });
        assert!(call.await.unwrap_err().is_panic());
    }
    assert!(breaker.call(async { Ok::<_, Unavailable>(()) }).await.is_ok());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_count() {
    let breaker = Breaker::new("test", SETTINGS);
    let record = UnreadableRecord { table: "users", id: "7".to_owned(), column: "role", why: "is no role".to_owned() };
    for _ in 0..40 {
        let asked: Result<(), Unavailable> = breaker.call(async { Err(record.clone().into()) }).await;
        assert_eq!(asked.unwrap_err().unreadable(), Some(&record), "and not that the breaker is open");
    }
    assert!(breaker.call(async { Ok::<_, Unavailable>(()) }).await.is_ok());
}
