//! The lockout of one address: two servers, whose attempts one policy counts, each step at once, as the script in Redis
//! does. Attempts are in flight, passwords are right or wrong or never checked, and a server dies.

use chrono::{DateTime, TimeDelta, Utc};
use comanda_domain::{Admission, AttemptId, AttemptOutcome, Lock, LockoutPolicy, LockoutState, Timestamp};
use stateright::{Model, Property};
use uuid::Uuid;

/// Stands for a server that is no more.
pub const DEAD: u8 = u8::MAX;

/// An attempt that a server is at, or was when it died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Which one.
    pub number: u8,
    /// Which of the two servers checks it, or [`DEAD`].
    pub server: u8,
    /// When it was announced.
    pub begun: u8,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The time, in seconds.
    pub now: u8,
    /// What the policy remembers.
    pub lockout: LockoutState,
    /// What servers are at, and what died with one and is not given up yet.
    pub in_flight: Vec<Attempt>,
    /// How many attempts there were.
    pub attempts: u8,
    /// How many servers have died.
    pub deaths: u8,
    /// Whether an admin has opened the address.
    pub is_unlocked: bool,
    /// Passwords that were, or may be, checked since everything was last forgotten: as somebody counts who does not
    /// know the policy.
    pub guesses: u32,
    /// Locks since then.
    pub locks: u32,
    /// When the last of them ends.
    pub locked_until: u8,
    /// Whether an attempt was admitted before that.
    pub was_admitted_while_locked: bool,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody sends a password to a server, which announces the attempt.
    Begin(u8),
    /// The server says how an attempt has ended.
    Settle(u8, AttemptOutcome),
    /// A server dies with all that it is at. Another one takes its place.
    Die(u8),
    /// An admin opens the address.
    Unlock,
    /// A second passes.
    Pass,
}

/// What may happen, and what keeps it safe.
#[derive(Clone, Debug)]
pub struct Lockout {
    /// The policy.
    pub policy: LockoutPolicy,
    /// Whether attempts are announced before the password is checked: as it is. Otherwise only failures count.
    pub announces: bool,
    /// Whether attempts of a server that died count as failures: as it is.
    pub counts_the_dead: bool,
    /// How many attempts there are at most.
    pub attempts: u8,
    /// How many servers die at most.
    pub deaths: u8,
    /// How many seconds pass at most.
    pub seconds: u8,
}

impl Lockout {
    /// As Comanda does it, with a policy whose numbers are small.
    pub fn new() -> Self {
        let policy = LockoutPolicy {
            free_failures: 3,
            steps: [1, 2, 2, 3].map(TimeDelta::seconds),
            attempt_lifetime: TimeDelta::seconds(2),
            ..LockoutPolicy::default()
        };
        Self { policy, announces: true, counts_the_dead: true, attempts: 5, deaths: 1, seconds: 5 }
    }

    /// What the policy says now, without its noticing that it was asked.
    pub fn lock_in(&self, state: &State) -> Option<Lock> {
        self.policy.lock(&mut state.lockout.clone(), at(state.now))
    }

    /// How many attempts the policy has not given up yet.
    fn counted_in_flight(&self, state: &State) -> u32 {
        let is_counted = |attempt: &&Attempt| at(attempt.begun) + self.policy.attempt_lifetime > at(state.now);
        u32::try_from(state.in_flight.iter().filter(is_counted).count()).expect("few")
    }

    /// Begins anew to count what is remembered.
    fn forget(&self, state: &mut State) {
        state.guesses = self.counted_in_flight(state);
        state.locks = 0;
        state.locked_until = 0;
    }

    /// Counts a lock that has begun.
    fn look(&self, state: &mut State) {
        let Some(lock) = self.lock_in(state) else { return };
        let until = u8::try_from(lock.unlock_at.timestamp()).expect("soon");
        if until > state.locked_until {
            state.locked_until = until;
            state.locks += 1;
        }
    }

    fn begin(&self, state: &mut State, server: u8) {
        let (number, now) = (state.attempts, state.now);
        state.attempts += 1;
        let is_admitted = if self.announces {
            self.policy.begin(&mut state.lockout, id(number), at(now)) == Admission::Allowed
        } else {
            self.policy.lock(&mut state.lockout, at(now)).is_none()
        };
        if is_admitted {
            state.in_flight.push(Attempt { number, server, begun: now });
            state.guesses += 1;
            state.was_admitted_while_locked |= now < state.locked_until;
        }
    }

    fn settle(&self, state: &mut State, number: u8, outcome: AttemptOutcome) -> Option<()> {
        let place = state.in_flight.iter().position(|attempt| attempt.number == number)?;
        let attempt = state.in_flight.remove(place);
        let now = at(state.now);
        if !self.announces {
            self.policy.begin(&mut state.lockout, id(number), now);
        }
        self.policy.settle(&mut state.lockout, id(number), outcome, now);
        match outcome {
            AttemptOutcome::Success | AttemptOutcome::EarlierSuccess(_) => self.forget(state),
            // One that has taken too long counts as a failure, whatever is said of it later.
            AttemptOutcome::NotChecked if at(attempt.begun) + self.policy.attempt_lifetime > now => state.guesses -= 1,
            AttemptOutcome::NotChecked | AttemptOutcome::Failure => {}
        }
        Some(())
    }

    fn die(&self, state: &mut State, server: u8) {
        state.deaths += 1;
        for attempt in state.in_flight.iter_mut().filter(|attempt| attempt.server == server) {
            attempt.server = DEAD;
            if !self.counts_the_dead {
                self.policy.settle(&mut state.lockout, id(attempt.number), AttemptOutcome::NotChecked, at(state.now));
            }
        }
        self.bury(state);
    }

    /// Nobody will say how the attempts of a dead server ended, and the policy gives them up at last.
    fn bury(&self, state: &mut State) {
        let is_over = |attempt: &Attempt| at(attempt.begun) + self.policy.attempt_lifetime <= at(state.now);
        state.in_flight.retain(|attempt| attempt.server != DEAD || !is_over(attempt));
    }
}

impl Default for Lockout {
    fn default() -> Self {
        Self::new()
    }
}

fn at(seconds: u8) -> Timestamp {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(seconds.into())
}

fn id(number: u8) -> AttemptId {
    AttemptId::new(Uuid::from_u128(number.into()))
}

impl Model for Lockout {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            now: 0,
            lockout: LockoutState::default(),
            in_flight: Vec::new(),
            attempts: 0,
            deaths: 0,
            is_unlocked: false,
            guesses: 0,
            locks: 0,
            locked_until: 0,
            was_admitted_while_locked: false,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.attempts < self.attempts {
            steps.extend([Step::Begin(0), Step::Begin(1)]);
        }
        for attempt in state.in_flight.iter().filter(|attempt| attempt.server != DEAD) {
            let outcomes = [AttemptOutcome::Success, AttemptOutcome::Failure, AttemptOutcome::NotChecked];
            steps.extend(outcomes.map(|outcome| Step::Settle(attempt.number, outcome)));
        }
        for server in [0, 1] {
            if state.deaths < self.deaths && state.in_flight.iter().any(|attempt| attempt.server == server) {
                steps.push(Step::Die(server));
            }
        }
        if !state.is_unlocked && self.lock_in(state).is_some() {
            steps.push(Step::Unlock);
        }
        if state.now < self.seconds {
            steps.push(Step::Pass);
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Begin(server) => self.begin(&mut state, server),
            Step::Settle(number, outcome) => self.settle(&mut state, number, outcome)?,
            Step::Die(server) => self.die(&mut state, server),
            Step::Unlock => {
                state.is_unlocked = true;
                self.policy.unlock(&mut state.lockout, at(state.now));
                self.forget(&mut state);
            }
            Step::Pass => {
                state.now += 1;
                self.bury(&mut state);
            }
        }
        self.look(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(names::GUESSES, |model: &Self, state: &State| {
                state.guesses <= model.policy.free_failures + state.locks
            }),
            Property::always(names::LOCKED, |_, state: &State| !state.was_admitted_while_locked),
            Property::always(names::DESERVED, |model, state: &State| {
                model.lock_in(state).is_none_or(|lock| {
                    let step = model.policy.steps[(lock.level as usize - 1).min(3)];
                    lock.attempts <= state.guesses
                        && lock.attempts >= model.policy.free_failures + lock.level - 1
                        && lock.unlock_at - lock.locked_at == step
                })
            }),
            Property::always(names::OPENS, |model, state: &State| {
                let longest = model.policy.attempt_lifetime + model.policy.steps[3];
                let admission = model.policy.begin(&mut state.lockout.clone(), id(u8::MAX), at(state.now) + longest);
                admission == Admission::Allowed
            }),
            Property::sometimes("there is a third lock in a row", |_, state: &State| state.locks == 3),
            Property::sometimes("the attempts of a dead server lock", |_, state: &State| {
                state.deaths > 0 && state.locks == 1 && state.guesses == 3 && state.attempts == 3
            }),
        ]
    }
}

/// The names of what holds in every state that can be reached.
pub mod names {
    /// However many arrive at once, wherever, and whatever dies.
    pub const GUESSES: &str = "no more passwords are checked than the free failures and one after each lock";
    /// A lock is a lock.
    pub const LOCKED: &str = "nobody is admitted while the address is locked";
    /// Nobody is locked out by what was never tried.
    pub const DESERVED: &str = "every lock has its failures, and lasts as long as its step says";
    /// Whatever became of the servers.
    pub const OPENS: &str = "whoever waits long enough may try again";
}
