use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use comanda_proof::{ClientId, ServerId};

use super::{history::History, plan::Plan};

/// What everybody knows.
pub struct Scene {
    pub plan: Plan,
    /// Where clients reach each server: through a proxy that can fail.
    pub addresses: Vec<String>,
    pub history: Arc<History>,
    pub admin: (String, String),
    /// Which process serves at each address; 0 while another one takes its place.
    processes: Vec<AtomicU32>,
    /// From when on which process has served at an address. None: it was uncertain.
    served: Mutex<Vec<(usize, u64, Option<ServerId>)>>,
    started: AtomicU32,
    enlisted: AtomicU32,
    over: AtomicBool,
}

impl Scene {
    pub fn new(plan: Plan, addresses: Vec<String>, history: Arc<History>, admin: (String, String)) -> Self {
        let scene = Self {
            plan,
            processes: addresses.iter().map(|_| AtomicU32::new(0)).collect(),
            addresses,
            history,
            admin,
            served: Mutex::default(),
            started: AtomicU32::new(0),
            enlisted: AtomicU32::new(0),
            over: AtomicBool::new(false),
        };
        (0..scene.processes.len()).for_each(|server| scene.has_begun(server));
        scene
    }

    /// The number of a client.
    pub fn enlist(&self) -> ClientId {
        ClientId(self.enlisted.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// The process that serves there, if that is certain.
    pub fn process(&self, server: usize) -> Option<ServerId> {
        Some(self.processes[server].load(Ordering::SeqCst)).filter(|process| *process > 0).map(ServerId)
    }

    /// The process that served there at some moment of the history, if that is certain.
    pub fn process_at(&self, server: usize, moment: u64) -> Option<ServerId> {
        let past = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let there = past.iter().rev().find(|(address, since, _)| *address == server && *since <= moment);
        there.and_then(|(.., process)| *process)
    }

    /// From now on it is uncertain which process serves there.
    pub fn ends(&self, server: usize) {
        self.serves(server, 0);
    }

    /// Another process serves there.
    pub fn has_begun(&self, server: usize) {
        self.serves(server, self.started.fetch_add(1, Ordering::SeqCst) + 1);
    }

    fn serves(&self, server: usize, process: u32) {
        let mut past = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        past.push((server, self.history.now(), Some(process).filter(|process| *process > 0).map(ServerId)));
        self.processes[server].store(process, Ordering::SeqCst);
    }

    /// Whether there is still time to begin something.
    pub fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }
}
