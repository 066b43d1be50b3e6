//! A call that began after its session was closed opens nothing, and neither does one that no page of ours has sent.

use std::collections::HashMap;

use comanda_domain::AccountId;

use super::{Checked, Faults, Ordered, groups};
use crate::{
    Digest, Property, Record, Request, ServerId, SessionId, Shown, StreamMessage, WhichSessions, finding::Found,
};

pub(super) struct Sessions<'t> {
    tables: &'t Ordered<'t>,
    /// Whose each of them is, and when its sign-in had ended.
    opened: HashMap<SessionId, (AccountId, u64)>,
    closed: HashMap<SessionId, Vec<Closing>>,
    /// All of an account, but perhaps one.
    closed_all: HashMap<AccountId, Vec<(Closing, Option<SessionId>)>>,
    uses: Vec<Use>,
    /// What refresh tokens were exchanged for, and by which call first.
    exchanged: HashMap<Digest, (Digest, u64)>,
    faults: Faults,
}

#[derive(Clone, Copy)]
struct Closing {
    begin: u64,
    end: u64,
    server: Option<ServerId>,
    sequence: u64,
}

/// The status of who is not let in.
const UNAUTHENTICATED: u16 = 401;
/// The status of what only a page of ours may do.
const FORBIDDEN: u16 = 403;

/// A call that was let in, or was refused for its session.
struct Use {
    session: SessionId,
    begin: u64,
    server: Option<ServerId>,
    sequence: u64,
    status: u16,
}

impl<'t> Sessions<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        Self {
            tables,
            opened: HashMap::new(),
            closed: HashMap::new(),
            closed_all: HashMap::new(),
            uses: Vec::new(),
            exchanged: HashMap::new(),
            faults: Faults::default(),
        }
    }

    /// When every server knows of what was closed at some moment.
    fn known_by(&self, closed: u64) -> u64 {
        self.faults.known_by(closed, self.tables.tables.settings.sessions_close_within_ms)
    }

    fn close_all(&mut self, account: AccountId, closing: Closing, but: Option<SessionId>) {
        self.closed_all.entry(account).or_default().push((closing, but));
    }

    /// What a success closes.
    fn see_closing(&mut self, record: &Record) {
        let Record { begin, end, server, sequence, session, .. } = *record;
        let closing = Closing { begin, end, server, sequence };
        match (&record.request, session, record.account) {
            (Request::RefreshAgain, Some(session), _) if record.is_refused_with("session-revoked") => {
                self.closed.entry(session).or_default().push(closing);
            }
            _ if !record.succeeded() => {}
            // A browser that signs in has no use for the session that it had.
            (Request::SignOut | Request::SignIn { .. }, Some(session), _)
            | (&Request::EndSessions { which: WhichSessions::One(session) }, _, _) => {
                self.closed.entry(session).or_default().push(closing);
            }
            (Request::EndSessions { which: WhichSessions::Others } | Request::ChangePassword, _, Some(account)) => {
                self.close_all(account, closing, session);
            }
            (
                Request::EndSessions { which: WhichSessions::All(account) }
                | Request::ChangeRole { account, .. }
                | Request::Disable { account, disabled: true },
                _,
                _,
            ) => {
                self.close_all(*account, closing, None);
            }
            _ => {}
        }
    }

    /// What should never have been let in, whatever became of its session.
    fn see_intruder(&mut self, record: &Record, found: &mut Found) {
        let Record { sequence, .. } = *record;
        match (&record.request, record.response(), record.shown()) {
            (Request::Forge { what }, Some(response), _) => {
                let was_let_in = lets_in(&record.request, response.status);
                found.look_at(Property::Sessions, usize::from(was_let_in || response.status == FORBIDDEN));
                if was_let_in {
                    let reason = format!("a page that is not ours was let in, with a {}: {what}", response.status);
                    found.report(Property::Sessions, reason, [sequence]);
                }
            }
            (Request::RefreshAgain, Some(response), _) => {
                let was_good = response.is_success();
                found.look_at(Property::Sessions, usize::from(was_good || response.status == UNAUTHENTICATED));
                if was_good {
                    let reason = "a refresh token that was exchanged long before was good again".to_owned();
                    found.report(Property::Sessions, reason, [sequence]);
                }
            }
            (_, _, &Shown::Exchanged { token, successor }) => {
                let (before, first) = *self.exchanged.entry(token).or_insert((successor, sequence));
                found.look_at(Property::Sessions, usize::from(first != sequence));
                if before != successor {
                    let reason = "one refresh token was exchanged for two".to_owned();
                    found.report(Property::Sessions, reason, [first, sequence]);
                }
            }
            _ => {}
        }
    }
}

/// Whether this shows that the caller was taken for somebody who is signed in.
fn lets_in(request: &Request, status: u16) -> bool {
    match request {
        // Anybody may, or may do it again.
        Request::ReadMenu
        | Request::SignIn { .. }
        | Request::SignUp { .. }
        | Request::SignOut
        | Request::Webhook(_) => false,
        // It ends soon, but not at once.
        Request::Stream { message, .. } => matches!(message, StreamMessage::Opened { .. }),
        _ => matches!(status, 200..400 | 404 | 409 | 412 | 422),
    }
}

impl Checked for Sessions<'_> {
    fn see(&mut self, record: &Record, found: &mut Found) {
        let Record { begin, end, server, sequence, session, .. } = *record;
        self.see_intruder(record, found);
        if let (Request::SignIn { .. }, true, Some(account)) = (&record.request, record.succeeded(), record.account) {
            self.opened.insert(SessionId(sequence), (account, end));
        }
        self.faults.see(record);
        self.see_closing(record);
        if let Some((session, response)) = session.zip(record.response())
            && lets_in(&record.request, if response.status == UNAUTHENTICATED { 200 } else { response.status })
        {
            self.uses.push(Use { session, begin, server, sequence, status: response.status });
        }
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        self.faults.are_seen();
        self.uses.sort_unstable_by_key(|used| (used.session, used.begin));
        let this = &*self;
        for uses in groups(&this.uses, |used| used.session) {
            let session = uses[0].session;
            let mut closings = this.closed.get(&session).cloned().unwrap_or_default();
            if let Some((account, opened)) = this.opened.get(&session) {
                let all = this.closed_all.get(account).into_iter().flatten();
                // One that was opened meanwhile may have been opened after it.
                let counts = |(closing, but): &&(Closing, _)| *but != Some(session) && *opened < closing.begin;
                closings.extend(all.filter(counts).map(|(closing, _)| *closing));
            }
            let dead = |used: &Use| {
                closings.iter().copied().find(|closing| {
                    let is_known = closing.server.is_some() && closing.server == used.server;
                    let by = if is_known { closing.end } else { this.known_by(closing.end) };
                    by < used.begin && closing.sequence != used.sequence
                })
            };
            let late: Vec<(&Use, Closing)> = uses.iter().filter_map(|used| Some((used, dead(used)?))).collect();
            found.look_at(Property::Sessions, late.len());
            if let Some((used, closing)) = late.into_iter().find(|(used, _)| used.status != UNAUTHENTICATED) {
                let late = (used.begin - closing.end) / 1_000_000;
                let reason = format!("a session opened a call, with a {}, {late} ms after it was closed", used.status);
                let opened = this.opened.contains_key(&session).then_some(session.0);
                found.report(Property::Sessions, reason, opened.into_iter().chain([closing.sequence, used.sequence]));
            }
        }
    }
}
