//! Placing orders: what a model of it consists of. `steps` says what may happen, `invariants` what must hold.

mod decide;
pub mod invariants;
mod steps;

use comanda_domain::StockChange;

/// Who orders. Each has one idempotency key, and so orders once, however often the request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Customer {
    /// Asks for two, and repeats the request, whether or not there was a response.
    Impatient,
    /// Asks for one, once.
    Patient,
}

impl Customer {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Impatient, Self::Patient];

    /// How many of the menu item.
    pub const fn asks_for(self) -> u8 {
        match self {
            Self::Impatient => 2,
            Self::Patient => 1,
        }
    }
}

/// One of the two servers, each with its committer and its connection.
pub type ServerNumber = usize;

/// An order, by whose it is and which time the request was sent: each request brings an id of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Whose, and so under which key.
    pub customer: Customer,
    /// Counted from 1.
    pub sending: u8,
}

/// The row of the menu item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Raised by every write.
    pub version: u8,
    /// The quantity on hand.
    pub stock: u32,
    /// What one costs.
    pub price: u8,
}

/// An order as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placed {
    /// The order.
    pub order: Request,
    /// What one was sold for.
    pub price: u8,
}

/// What a transaction did besides writing the row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Orders were placed.
    Orders(Vec<Placed>),
    /// An order was cancelled.
    Cancellation(Request),
    /// The editor's change, with its entry in the ledger.
    Edit {
        /// What the ledger says.
        delta: i64,
    },
}

/// A committed transaction, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    /// What was done.
    pub change: Change,
    /// The row as it was then.
    pub before: Item,
    /// The row from then on.
    pub after: Item,
}

/// What a customer is told, if anything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// This order is placed, or was.
    Placed(Request),
    /// So few are left.
    Refused {
        /// What the request before left.
        available: u32,
    },
}

/// Requests with what is decided about them.
pub type Decided = Vec<(Request, Decision)>;

/// Where a committer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// There is no transaction.
    Idle,
    /// The row is read, and locked; the keys are not looked up yet.
    Read {
        /// The requests that are decided together.
        batch: Vec<Request>,
        /// The row as it was read.
        item: Item,
    },
    /// The writes and the commit are on their way to PostgreSQL.
    Sent {
        /// All requests of the batch.
        decided: Decided,
        /// What is to be written.
        orders: Vec<Placed>,
        /// The row as it was read.
        item: Item,
    },
    /// The server died after it had sent them.
    Orphaned {
        /// What is to be written.
        orders: Vec<Placed>,
        /// The row as it was read.
        item: Item,
    },
}

/// What is decided, and not told yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Untold {
    /// The requests.
    pub decided: Decided,
    /// Whether the log was flushed since.
    pub is_flushed: bool,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// The queue.
    pub waiting: Vec<Request>,
    /// The transaction.
    pub phase: Phase,
    /// Batches that have ended, in their order.
    pub untold: Vec<Untold>,
}

impl Server {
    const fn new() -> Self {
        Self { waiting: Vec::new(), phase: Phase::Idle, untold: Vec::new() }
    }

    /// Whether it has a request of this customer, beside which a repetition waits for the same response.
    fn knows(&self, customer: Customer) -> bool {
        let in_phase = match &self.phase {
            Phase::Read { batch, .. } => batch.iter().any(|request| request.customer == customer),
            Phase::Sent { decided, .. } => decided.iter().any(|(request, _)| request.customer == customer),
            Phase::Idle | Phase::Orphaned { .. } => false,
        };
        let is_untold = |untold: &Untold| untold.decided.iter().any(|(request, _)| request.customer == customer);
        let waits = self.waiting.iter().any(|request| request.customer == customer);
        in_phase || waits || self.untold.iter().any(is_untold)
    }
}

/// How far somebody is whose transaction is no batch: the editor, or whoever cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work<T> {
    /// Has not begun.
    Ahead,
    /// Has read this.
    Begun(T),
    /// The commit is on disk.
    Committed,
    /// Was told so.
    Told,
    /// Will never know.
    Given,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What is committed, in its order.
    pub log: Vec<Commit>,
    /// How much of it is on disk.
    pub flushed: usize,
    /// Whose batch holds the lock of the row. Others have it within one step.
    pub holder: Option<ServerNumber>,
    /// Both servers.
    pub servers: [Server; 2],
    /// How often each customer has sent the request, by [`Customer`].
    pub sent: [u8; 2],
    /// What each customer was told: in order, and the same once.
    pub told: [Vec<Decision>; 2],
    /// The editor, by the row that was read.
    pub editor: Work<Item>,
    /// Whoever cancels an order, by that order, whose row is locked.
    pub canceller: Work<Request>,
    /// How often PostgreSQL crashed.
    pub crashes: u8,
    /// How many servers were killed.
    pub kills: u8,
}

impl State {
    /// The row as everybody sees it.
    pub fn item(&self, first: Item) -> Item {
        self.log.last().map_or(first, |commit| commit.after)
    }

    /// The order that was placed under a customer's key.
    pub fn placed_by(&self, customer: Customer) -> Option<Request> {
        orders_of(&self.log).map(|placed| placed.order).find(|order| order.customer == customer)
    }

    /// Whether an order is cancelled.
    pub fn is_cancelled(&self, order: Request) -> bool {
        is_cancelled_in(&self.log, order)
    }
}

/// The orders in a part of the log.
pub fn orders_of(log: &[Commit]) -> impl Iterator<Item = &Placed> {
    log.iter().flat_map(|commit| match &commit.change {
        Change::Orders(orders) => orders.as_slice(),
        Change::Cancellation(_) | Change::Edit { .. } => &[],
    })
}

fn is_cancelled_in(log: &[Commit], order: Request) -> bool {
    log.iter().any(|commit| commit.change == Change::Cancellation(order))
}

/// What a batch writes of the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// What there is by then, less what is taken, if that is enough: as it is.
    Difference,
    /// What was read, less what is taken.
    Computed,
}

/// What the editor changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Another price.
    Price(u8),
    /// An adjustment of the stock.
    Stock(StockChange),
}

/// What becomes of the key of a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It is kept with the order, under a unique index, and looked up: as it is.
    Kept,
    /// It is ignored.
    Ignored,
}

/// When the customers of a batch are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Once the log is flushed: as it is.
    AfterFlush,
    /// Once it is committed.
    BeforeFlush,
}

/// What may happen, and what keeps it safe.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The row at the beginning.
    pub item: Item,
    /// Whether a batch locks the row before it reads it.
    pub locks_row: bool,
    /// Whether a batch writes only to the version that it has read.
    pub compares_version: bool,
    /// What it writes.
    pub write: Write,
    /// `EARLY_LOCK_RELEASE`: whether a batch is committed without waiting for the disk.
    pub releases_early: bool,
    /// When customers are told.
    pub response: Response,
    /// What the editor does.
    pub edit: Edit,
    /// What becomes of keys.
    pub keys: Keys,
    /// How often the impatient customer sends the request at most.
    pub sendings: u8,
    /// How often PostgreSQL crashes at most.
    pub crashes: u8,
    /// How many servers are killed at most.
    pub kills: u8,
}

impl Placement {
    /// As Comanda does it, with two of the menu item in stock: enough for either customer, and not for both unless the
    /// editor adds some or the first order is cancelled.
    pub fn new(edit: Edit) -> Self {
        Self {
            item: Item { version: 1, stock: 2, price: 1 },
            locks_row: true,
            compares_version: true,
            write: Write::Difference,
            releases_early: false,
            response: Response::AfterFlush,
            edit,
            keys: Keys::Kept,
            sendings: 3,
            crashes: 1,
            kills: 1,
        }
    }
}
