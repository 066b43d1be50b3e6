use ::metrics::{Counter, counter};

/// Counts which layer answered each read of the menu, and how often the menu was loaded.
pub(crate) struct Metrics {
    /// Reads answered from this process's snapshot.
    pub(crate) process: Counter,
    /// Reads answered from the copy that all servers share.
    pub(crate) shared: Counter,
    /// Reads answered from the database.
    pub(crate) store: Counter,
    /// Whole menus loaded from the database to make a snapshot, whatever caused the load.
    pub(crate) loads: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let layer = |name: &'static str| counter!("comanda_menu_reads_total", "layer" => name);
        Self {
            process: layer("process"),
            shared: layer("shared"),
            store: layer("store"),
            loads: counter!("comanda_menu_loads_total"),
        }
    }
}
