//! The faults by name.

use std::{env, fmt, sync::LazyLock};

/// A fault that a server can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Placing orders neither locks what it takes stock of nor compares its version, and writes what it has computed
    /// from what it read: of two batches at the same time, one is forgotten.
    UnguardedStock,
    /// The key of a placement is not kept: whoever repeats it, orders twice.
    RepetitionExecuted,
    /// Who repeats a placement is told of the order that somebody else asked for before.
    RepetitionMixedUp,
    /// A change of the menu is published under its version before it is committed: what is shown under that version is
    /// the menu as it was.
    MenuBeforeCommit,
    /// No response waits for the disk. If only those to placements did not, whatever else is committed at the same time
    /// would have all of it flushed a few milliseconds later.
    ResponseBeforeFlush,
    /// The response to a placement does not depend on what becomes of the commit, of which one in ten fails.
    ResponseBeforeCommit,
    /// Tokens are good for as long as they say, whatever became of their session.
    SessionOutlivesEnd,
    /// Locks are shown, and keep nobody out.
    LockIgnored,
    /// A ticket changes without the lock of its order, and takes its time: of two stations that finish at the same
    /// time, each takes the other for unfinished.
    TicketWithoutLock,
    /// One event in fifty is told to nobody. In a thousand, too few would be lost in a minute.
    LostEvent,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::UnguardedStock,
        Self::RepetitionExecuted,
        Self::RepetitionMixedUp,
        Self::MenuBeforeCommit,
        Self::ResponseBeforeFlush,
        Self::ResponseBeforeCommit,
        Self::SessionOutlivesEnd,
        Self::LockIgnored,
        Self::TicketWithoutLock,
        Self::LostEvent,
    ];

    /// As `PLANTED_FAULT` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnguardedStock => "unguarded-stock",
            Self::RepetitionExecuted => "repetition-executed",
            Self::RepetitionMixedUp => "repetition-mixed-up",
            Self::MenuBeforeCommit => "menu-before-commit",
            Self::ResponseBeforeFlush => "response-before-flush",
            Self::ResponseBeforeCommit => "response-before-commit",
            Self::SessionOutlivesEnd => "session-outlives-end",
            Self::LockIgnored => "lock-ignored",
            Self::TicketWithoutLock => "ticket-without-lock",
            Self::LostEvent => "lost-event",
        }
    }

    /// Whether this process has it.
    pub fn is_planted(self) -> bool {
        static PLANTED: LazyLock<Option<Fault>> = LazyLock::new(|| planted().ok().flatten());
        *PLANTED == Some(self)
    }
}

/// `PLANTED_FAULT` names none of the faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault(String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PLANTED_FAULT: {} is none of {}", self.0, Fault::ALL.map(Fault::name).join(", "))
    }
}

impl std::error::Error for UnknownFault {}

/// The fault that `PLANTED_FAULT` names, if it is set.
pub fn planted() -> Result<Option<Fault>, UnknownFault> {
    match env::var("PLANTED_FAULT") {
        Ok(name) if !name.is_empty() => named(&name).map(Some),
        _ => Ok(None),
    }
}

fn named(name: &str) -> Result<Fault, UnknownFault> {
    Fault::ALL.into_iter().find(|fault| fault.name() == name).ok_or_else(|| UnknownFault(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_planted_by_its_name_and_nothing_by_another() {
        for fault in Fault::ALL {
            assert_eq!(named(fault.name()), Ok(fault));
        }
        let unknown = named("lost-events").unwrap_err().to_string();
        assert!(unknown.contains("lost-events is none of unguarded-stock"), "{unknown}");
    }
}
