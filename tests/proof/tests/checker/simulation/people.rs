use comanda_domain::{Admission, AttemptId, AttemptOutcome, Timestamp};
use comanda_proof::{Outcome, Request, Response, SessionId, Shown};
use rand::RngExt;
use uuid::Uuid;

use super::{CUSTOMERS, STAFF, Shop, account, ok, refused};

impl Shop<'_> {
    /// Opens, uses or closes a session.
    pub(super) fn use_sessions(&mut self) {
        let choice = self.random.random_range(0..10);
        if self.sessions.is_empty() || choice == 0 {
            let who = self.random.random_range(1..CUSTOMERS);
            let email = format!("{who}@comanda.example");
            let request = Request::SignIn { email, device: None, right: Some(true) };
            let record = self.call(who, request, ok(200, Shown::Nothing));
            self.sessions.push((SessionId(record.sequence), account(who), true));
            self.tell(record);
            return;
        }
        let place = self.random.random_range(0..self.sessions.len());
        let (session, account, is_open) = self.sessions[place];
        let (request, success) = match choice {
            1 => (Request::SignOut, 204),
            _ => (Request::Other { what: "GET /v1/me".to_owned() }, 200),
        };
        let outcome = if is_open { ok(success, Shown::Nothing) } else { refused(401, "session-revoked") };
        self.sessions[place].2 &= choice != 1;
        let mut record = self.call(1, request, outcome);
        (record.session, record.account) = (Some(session), Some(account));
        self.tell(record);
    }

    /// Guesses a password, as the policy allows.
    pub(super) fn guess(&mut self) {
        let victim = self.random.random_range(0..5);
        let email = format!("victim-{victim}@comanda.example");
        let millisecond = i64::try_from(self.now / 1_000_000).unwrap();
        let now = Timestamp::from_timestamp_millis(millisecond).unwrap();
        let state = self.locks.entry(victim).or_default();
        if self.random.random_range(0..200) == 0 {
            self.policy.unlock(state, now);
            let record = self.call(STAFF, Request::Unlock { email }, ok(204, Shown::Nothing));
            self.tell(record);
            return;
        }
        let right = self.random.random_range(0..50) == 0;
        let id = AttemptId::new(Uuid::from_u128(self.sequence.into()));
        let outcome = match self.policy.begin(state, id, now) {
            Admission::Allowed => {
                let settled = if right { AttemptOutcome::Success } else { AttemptOutcome::Failure };
                self.policy.settle(state, id, settled, now);
                if right { ok(200, Shown::Nothing) } else { refused(401, "invalid-credentials") }
            }
            Admission::Busy => refused(429, "rate-limited"),
            Admission::Locked(lock) => {
                let left = (lock.unlock_at - now).num_milliseconds();
                let retry_after = Some(u64::try_from(left).unwrap().div_ceil(1000));
                let code = Some("account-locked".to_owned());
                Outcome::Response(Response { code, retry_after, ..Response::empty(429) })
            }
        };
        let request = Request::SignIn { email, device: None, right: Some(right) };
        let mut record = self.call(950, request, outcome);
        record.account = None;
        self.tell(record);
    }
}
