use metrics::{Counter, counter};

/// Where readings of the menu were answered from, as metrics.
pub(crate) struct Layers {
    /// This process's own copy.
    pub(crate) process: Counter,
    /// The copies that servers share.
    pub(crate) shared: Counter,
    /// The store.
    pub(crate) store: Counter,
    /// Whole menus read from the store, whoever asked.
    pub(crate) loads: Counter,
}

impl Layers {
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
