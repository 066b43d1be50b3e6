use std::sync::{
    Arc,
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

    /// From now on it is uncertain which process serves there.
    pub fn ends(&self, server: usize) {
        self.processes[server].store(0, Ordering::SeqCst);
    }

    /// Another process serves there.
    pub fn has_begun(&self, server: usize) {
        self.processes[server].store(self.started.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    }

    /// Whether there is still time to begin something.
    pub fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }
}
