//! What may happen next.

use stateright::{Model, Property};

use super::{
    Change, Commit, Customer, Decision, Item, Keys, Phase, Placed, Placement, Request, Response, Server, ServerNumber,
    State, Untold, Work, Write, decide, invariants, orders_of,
};

/// A step. Nothing happens within one, and anything between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A customer sends the request, for the first time or again.
    Send(Customer, ServerNumber),
    /// A committer takes all that wait, locks the row and reads it.
    Read(ServerNumber),
    /// It looks up the keys, decides, and sends the writes with the commit; or ends the transaction if there are none.
    Decide(ServerNumber),
    /// PostgreSQL writes and commits what a server sent, or finds that it must not.
    Commit(ServerNumber),
    /// What is committed without waiting, or was only read, is flushed.
    Flush(ServerNumber),
    /// The customers of a batch are told.
    Respond(ServerNumber),
    /// A server is killed, and comes back with nothing.
    Kill(ServerNumber),
    /// PostgreSQL crashes, and recovers what is on disk.
    Crash,
    /// PostgreSQL flushes one more transaction by itself.
    WriteLog,
    /// The editor reads the row, without a lock.
    BeginEdit,
    /// The editor's change is written, if need be once more under the lock, committed and flushed.
    CommitEdit,
    /// The editor is told.
    EndEdit,
    /// Whoever cancels an order locks that order's row.
    BeginCancellation(Request),
    /// The stock is given back under the item's lock; that is committed and flushed.
    CommitCancellation,
    /// Whoever cancelled is told.
    EndCancellation,
}

impl Model for Placement {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            log: Vec::new(),
            flushed: 0,
            holder: None,
            servers: [Server::new(), Server::new()],
            sent: [0; 2],
            told: [Vec::new(), Vec::new()],
            editor: Work::Ahead,
            canceller: Work::Ahead,
            crashes: 0,
            kills: 0,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for (number, server) in state.servers.iter().enumerate() {
            self.actions_at(state, number, server, steps);
        }
        if state.crashes < self.crashes {
            steps.push(Step::Crash);
        }
        if state.flushed < state.log.len() {
            steps.push(Step::WriteLog);
        }
        match state.editor {
            Work::Ahead => steps.push(Step::BeginEdit),
            Work::Begun(_) if state.holder.is_none() => steps.push(Step::CommitEdit),
            Work::Committed => steps.push(Step::EndEdit),
            Work::Begun(_) | Work::Told | Work::Given => {}
        }
        match state.canceller {
            Work::Ahead => {
                let open = orders_of(&state.log).map(|placed| placed.order);
                let open = open.filter(|order| decide::can_be_cancelled(state.is_cancelled(*order)));
                steps.extend(open.map(Step::BeginCancellation));
            }
            Work::Begun(_) if state.holder.is_none() => steps.push(Step::CommitCancellation),
            Work::Committed => steps.push(Step::EndCancellation),
            Work::Begun(_) | Work::Told | Work::Given => {}
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Send(customer, number) => {
                state.sent[customer as usize] += 1;
                let request = Request { customer, sending: state.sent[customer as usize] };
                state.servers[number].waiting.push(request);
            }
            Step::Read(number) => {
                let item = state.item(self.item);
                state.holder = self.locks_row.then_some(number);
                let batch = std::mem::take(&mut state.servers[number].waiting);
                state.servers[number].phase = Phase::Read { batch, item };
            }
            Step::Decide(number) => self.decide(&mut state, number)?,
            Step::Commit(number) => self.commit(&mut state, number)?,
            Step::Flush(number) => {
                state.flushed = state.log.len();
                state.servers[number].untold.iter_mut().find(|untold| !untold.is_flushed)?.is_flushed = true;
            }
            Step::Respond(number) => {
                let untold = &mut state.servers[number].untold;
                let place = untold.iter().position(|untold| self.may_tell(untold))?;
                let Untold { decided, .. } = untold.remove(place);
                for (request, decision) in decided {
                    tell(&mut state, request.customer, decision);
                }
            }
            Step::Kill(number) => {
                state.kills += 1;
                kill(&mut state, number);
            }
            Step::Crash => {
                state.crashes += 1;
                crash(&mut state);
            }
            Step::WriteLog => state.flushed += 1,
            Step::BeginEdit => state.editor = Work::Begun(state.item(self.item)),
            Step::CommitEdit => {
                let Work::Begun(read) = state.editor else { return None };
                let current = state.item(self.item);
                // If it has another version by now, it is read again, under its lock.
                let before = if current.version == read.version { read } else { current };
                let edit = decide::edit(self.edit, before);
                write(&mut state, edit, true);
                state.editor = Work::Committed;
            }
            Step::EndEdit => state.editor = Work::Told,
            Step::BeginCancellation(order) => state.canceller = Work::Begun(order),
            Step::CommitCancellation => {
                let Work::Begun(order) = state.canceller else { return None };
                let cancellation = decide::cancel(order, state.item(self.item));
                write(&mut state, cancellation, true);
                state.canceller = Work::Committed;
            }
            Step::EndCancellation => state.canceller = Work::Told,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::all()
    }
}

impl Placement {
    fn actions_at(&self, state: &State, number: ServerNumber, server: &Server, steps: &mut Vec<Step>) {
        let is_orphaned = matches!(server.phase, Phase::Orphaned { .. });
        for customer in Customer::ALL {
            let most = if customer == Customer::Impatient { self.sendings } else { 1 };
            if !is_orphaned && state.sent[customer as usize] < most && !server.knows(customer) {
                steps.push(Step::Send(customer, number));
            }
        }
        let may_lock = state.holder.is_none_or(|holder| holder == number);
        // A batch is flushed beside the next one, and no third one.
        let may_begin = server.untold.len() <= usize::from(self.releases_early);
        match &server.phase {
            Phase::Idle if may_begin && !server.waiting.is_empty() && (may_lock || !self.locks_row) => {
                steps.push(Step::Read(number));
            }
            Phase::Read { .. } => steps.push(Step::Decide(number)),
            Phase::Sent { .. } | Phase::Orphaned { .. } if may_lock => steps.push(Step::Commit(number)),
            Phase::Idle | Phase::Sent { .. } | Phase::Orphaned { .. } => {}
        }
        if server.untold.iter().any(|untold| self.may_tell(untold)) {
            steps.push(Step::Respond(number));
        }
        if server.untold.iter().any(|untold| !untold.is_flushed) {
            steps.push(Step::Flush(number));
        }
        if state.kills < self.kills && !is_orphaned && *server != Server::new() {
            steps.push(Step::Kill(number));
        }
    }

    fn may_tell(&self, untold: &Untold) -> bool {
        untold.is_flushed || self.response == Response::BeforeFlush
    }

    fn decide(&self, state: &mut State, number: ServerNumber) -> Option<()> {
        let Phase::Read { batch, item } = std::mem::replace(&mut state.servers[number].phase, Phase::Idle) else {
            return None;
        };
        let known = |request: &Request| state.placed_by(request.customer).filter(|_| self.keys == Keys::Kept);
        let fresh: Vec<Request> = batch.iter().copied().filter(|request| known(request).is_none()).collect();
        let (mut decided, orders) = decide::fill(item, &fresh);
        decided.extend(batch.iter().filter_map(|request| Some((*request, Decision::Placed(known(request)?)))));
        state.servers[number].phase = if orders.is_empty() {
            state.holder = state.holder.filter(|holder| *holder != number);
            // Who was refused need not wait for a disk.
            let is_flushed = decided.iter().all(|(_, decision)| matches!(decision, Decision::Refused { .. }));
            state.servers[number].untold.push(Untold { decided, is_flushed });
            Phase::Idle
        } else {
            Phase::Sent { decided, orders, item }
        };
        Some(())
    }

    fn commit(&self, state: &mut State, number: ServerNumber) -> Option<()> {
        let server = &mut state.servers[number];
        let (decided, orders, read) = match std::mem::replace(&mut server.phase, Phase::Idle) {
            Phase::Sent { decided, orders, item } => (Some(decided), orders, item),
            Phase::Orphaned { orders, item } => (None, orders, item),
            Phase::Idle | Phase::Read { .. } => return None,
        };
        state.holder = state.holder.filter(|holder| *holder != number);
        match self.written(state, &orders, read) {
            Some(commit) => {
                write(state, commit, !self.releases_early && self.response == Response::AfterFlush);
                let is_flushed = state.flushed == state.log.len();
                state.servers[number].untold.extend(decided.map(|decided| Untold { decided, is_flushed }));
            }
            // Everything rolls back, and the batch begins anew.
            None => {
                let batch = decided.unwrap_or_default().into_iter().map(|(request, _)| request);
                let waiting = &mut state.servers[number].waiting;
                *waiting = batch.chain(waiting.drain(..)).collect();
            }
        }
        Some(())
    }

    /// What a batch commits, unless it must not.
    fn written(&self, state: &State, orders: &[Placed], read: Item) -> Option<Commit> {
        let before = state.item(self.item);
        let is_key_used = |placed: &Placed| state.placed_by(placed.order.customer).is_some();
        if self.compares_version && before.version != read.version {
            return None;
        }
        // The unique index over customers and keys.
        if self.keys == Keys::Kept && orders.iter().any(is_key_used) {
            return None;
        }
        let taken = match self.write {
            Write::Difference => decide::take(before, orders)?,
            Write::Computed => Item { stock: decide::take(read, orders)?.stock, ..before },
        };
        Some(Commit { change: Change::Orders(orders.to_vec()), before, after: decide::raised(before, taken) })
    }
}

fn write(state: &mut State, commit: Commit, is_flushed: bool) {
    state.log.push(commit);
    if is_flushed {
        state.flushed = state.log.len();
    }
}

fn tell(state: &mut State, customer: Customer, decision: Decision) {
    let told = &mut state.told[customer as usize];
    if let Err(place) = told.binary_search(&decision) {
        told.insert(place, decision);
    }
}

/// What a server has sent goes on without it. Its customers are told nothing.
fn kill(state: &mut State, number: ServerNumber) {
    let orphan = match std::mem::replace(&mut state.servers[number].phase, Phase::Idle) {
        Phase::Sent { orders, item, .. } => Phase::Orphaned { orders, item },
        Phase::Idle | Phase::Read { .. } | Phase::Orphaned { .. } => {
            state.holder = state.holder.filter(|holder| *holder != number);
            Phase::Idle
        }
    };
    state.servers[number] = Server { phase: orphan, ..Server::new() };
}

/// All transactions are gone, and what is not on disk.
fn crash(state: &mut State) {
    state.log.truncate(state.flushed);
    state.holder = None;
    for server in &mut state.servers {
        // Nothing was sent of these: they are placed once there is a connection.
        if let Phase::Read { batch, .. } = std::mem::replace(&mut server.phase, Phase::Idle) {
            server.waiting = batch.into_iter().chain(server.waiting.drain(..)).collect();
        }
        // Whether the others are on disk, nobody knows, unless that was known before.
        server.untold.retain(|untold| untold.is_flushed);
    }
    if let Work::Begun(_) = state.editor {
        state.editor = Work::Given;
    }
    if let Work::Begun(_) = state.canceller {
        state.canceller = Work::Ahead;
    }
}
