//! The checker of `cargo xtask prove`: from outside, by the history of all calls and by the tables at the end of a
//! run, it says whether every response was allowed.
//!
//! A [`Record`] is a line of the history: a call with what became of it, or something that was received. [`Tables`]
//! are what the database and the gateway say when everything has come to rest. Both can be written to files, so that a
//! run that failed can be checked again ([`check_folder`]): `history.jsonl` and `tables.json` in one folder. Whatever
//! should not have been is a [`Finding`], with the fewest records that show it.
//!
//! The checker knows nothing of how the servers work. It asks one question: is there an order of events, in which each
//! call took effect at one moment between its beginning and its end, that explains all responses? It never searches
//! for that order, which would take too long. It derives what must hold in any such order, and looks for what does
//! not. So a finding is certain (if what was recorded is true), and silence is not: it means that none of the rules
//! below is broken. An outcome that nobody knows, of a call without a response or with a 5xx, may have happened at any
//! time after the call began, or not at all; the tables say which, where a key or a unique reason leads there.
//!
//! A property that had nothing to look at finds nothing either. So a [`Verdict`] says how often each was looked at.
//!
//! What came over a stream or to a receiver after the tables were read is not held against them.
//!
//! # What each property means, and where it ends
//!
//! - **placed**: every order that was confirmed with 201 is in the tables, once, with the customer, the key, the lines
//!   and the total that the response showed and the lines that were asked for; every other order there was asked for
//!   by a call of unknown outcome, under its key, or with the same lines if there was no key. Of accounts that no
//!   record names, nothing is expected. That an order which was lost together with its response might have been there
//!   cannot be known.
//! - **stock**: at no moment had more been taken of a menu item or a supply than can have been put there: of what was
//!   taken, that which certainly was by then is counted, and of what was put there, that which may have been. At the
//!   end, ledger and orders come to what is left. An adjustment that was confirmed is in the ledger once, one that was
//!   refused is not. Rows of the ledger that no record gives a reason for count from the beginning. What is not
//!   counted has no stock to check.
//! - **refusals**: what a 409 says was available, and what a response says is in stock, was what was there at some
//!   moment of the call, between what certainly and what possibly was. Calls that overlap, and outcomes that nobody
//!   knows, widen these bounds. What a refusal says was asked for is what was asked for, and is more than was
//!   available.
//! - **replays**: the same key with the same request is good for one effect and always the same bytes; with another
//!   request it is 422. What a response says of a key (replayed, reused, in progress) is true. Calls that name no
//!   account have no keys.
//! - **versions**: whoever asks for an order, a ticket, a menu item or a supply after a version was shown, to anybody
//!   and by any means, gets at least that version. Lists, the menu, messages, what customers see of menu items and
//!   responses that were replayed may be old, and count only as something that was shown. One version is one thing, is
//!   written by one call, and is no later than the last one in the tables. Orders show at which revision of a menu
//!   item they were sold, if its prices are told apart.
//! - **money**: what the gateway has taken of a payment is its amount if it is paid, and was given back if it is not;
//!   what it has given back are the refunds in the tables; refunds are made once, and of no more than was paid; no
//!   order is paid for twice, and a cancelled one not at all. Without the gateway's book, the payments that the
//!   history says were made take its place. Disputes and other incidents are not looked at.
//! - **events**: every version of an order and of a ticket has its event, every event was taken by every receiver
//!   unless it is a dead letter, and nobody got an event of an order, or of one of its payments, before taking the one
//!   before it. Versions say which that is among the events of an order, or of a payment. Which of an order's and its
//!   payments' came first, the outbox alone says, and is believed.
//! - **menu**: nobody who asks one process is shown an older version of the menu than before, and nobody who asks any
//!   other is once [`Settings::menu_shown_within_ms`] have passed in which nothing was broken; a version is one menu; a
//!   revision is never shown before the edit that made it had begun, nor if it was never committed. Across a failover
//!   the menu may go back.
//! - **locks**: after so many failures in a row the next password is checked no sooner than the ladder says, and
//!   nobody is told to be locked out who cannot have failed often enough, or any longer. What may have been a success,
//!   an unlock or the loss of Redis begins the count anew. Known devices have counts of their own.
//! - **sessions**: a call that began after its session was closed is refused, on the server that closed it at once,
//!   and on others within [`Settings::sessions_close_within_ms`]. Streams that are open may end a little later. A
//!   refresh token has one successor, and once that was exchanged, too, it only closes its session. What a browser
//!   sends with its cookie, and without the CSRF token or from a page of another origin, is refused.
//! - **boards**: a watcher who was there until the end knows the tickets, or the order, as the tables have them, and
//!   was shown nothing older after something newer, nor by a stream that goes on where another one ended. A watcher
//!   watches one thing at a time, and all stations.
//! - **tickets**: tickets and orders go one legal step at a time; an order is ready, or handed over, only after all of
//!   its tickets were ready, and as soon as they are. A list of tickets may be old, and is not held against an order.
//!
//! # What it costs
//!
//! The history is read once and not kept: each property keeps some dozens of bytes per record that concerns it, sorts
//! them, and goes through them once. A million calls take seconds, and less than a gigabyte.

mod finding;
mod history;
mod properties;
mod record;
mod tables;

pub use self::{
    finding::{Finding, Property, Verdict},
    history::{Folder, History},
    record::*,
    tables::*,
};

use std::path::Path;

use self::{finding::Found, properties::Ordered};

/// Checks a history. It is read once, and once more if anything is found.
pub fn check(history: &(impl History + ?Sized), tables: &Tables) -> anyhow::Result<Verdict> {
    let mut found = Found::default();
    let tables = Ordered::of(tables);
    let mut properties = properties::all(&tables);
    history.read(&mut |record| {
        for property in &mut properties {
            property.see(record, &mut found);
        }
    })?;
    for property in properties {
        property.conclude(&mut found);
    }
    found.with_records(history)
}

/// The same of a recorded run: see [`Folder`].
pub fn check_folder(path: &Path) -> anyhow::Result<Verdict> {
    let folder = Folder::at(path);
    let tables = folder.tables()?;
    check(&folder, &tables)
}
