//! Ctrl-C and SIGTERM, noticed wherever a task waits, so that what it has started is stopped in order.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::bail;
use signal_hook::consts::{SIGINT, SIGTERM};

static REQUESTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on these signals do not end the process; [`is_requested`] reports them.
pub fn watch() -> io::Result<()> {
    let requested = REQUESTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(requested))?;
    }
    Ok(())
}

pub fn is_requested() -> bool {
    REQUESTED.get().is_some_and(|requested| requested.load(Ordering::Relaxed))
}

/// Fails when a signal has asked the task to stop.
pub fn check() -> anyhow::Result<()> {
    if is_requested() {
        bail!("interrupted");
    }
    Ok(())
}
