//! Two models of Comanda, whose every state is looked at: [`placement`] and [`lockout`].
//!
//! Tests with real servers find what happens to happen. A model checker goes through everything that can happen, in
//! every order, as long as the world is small. What it goes through is a model, written by hand from the code that it
//! stands for, and no more is proven than that the *design* holds. Where the code has a pure function for a decision,
//! the model calls that one, so that it cannot differ: `allocate_within_limits`, `StockChange::apply_to`,
//! `OrderStatus::can_be_cancelled_by`, and all of `LockoutPolicy`.
//!
//! # Placement
//!
//! Two servers, each with its queue, its committer and its connection, and one menu item. One customer sends the same
//! request up to three times, under one key, to either server, whether or not it was answered; another one sends one.
//! An editor changes the price or adjusts the stock; somebody cancels an order. PostgreSQL crashes once and recovers
//! what is on disk, at any moment: before a commit, between a commit and its flush, between the flush and the response.
//! Its log may be flushed further by itself at any time. A server is killed once, at any moment; what it had sent goes
//! on without it. Both ways of committing are modelled: flushed with all locks held, and `EARLY_LOCK_RELEASE`, where a
//! batch is flushed beside the next one.
//!
//! In every state that can be reached, the stock is what there was less what open orders hold, in what everybody sees
//! and in what is on disk; what somebody was told is done is on disk; a key has placed one order at most, and each
//! response to it names that one; an order has the price of its moment; nobody waits for ever.
//!
//! Then the guards are taken away, one by one. Without the row's lock, or without the comparison of versions, all of it
//! still holds: each guards alone. Without both, an order is sold for yesterday's price; and if a batch also wrote the
//! stock that it has computed, instead of a difference, orders would be forgotten. With a response before the flush,
//! somebody is told of an order that is not on disk. With keys that are not looked up, a repetition orders twice. The checker
//! finds each, and the tests keep what it finds.
//!
//! # Lockout
//!
//! One address, two servers, five attempts, five seconds, one death of a server, an admin; passwords that are right,
//! wrong, or never checked, and servers that say so late. No more passwords are checked than the free failures and one
//! after each lock; nobody is admitted during a lock; every lock has its failures and its length; whoever waits may try
//! again. If attempts were not announced, or those of a dead server forgiven, somebody could guess more often, which
//! the checker finds.
//!
//! # What is not modelled
//!
//! PostgreSQL itself: that a row lock excludes, that `READ COMMITTED` reads what is committed, that what was flushed
//! is there after a crash, is assumed. A batch and its commit are one step of it; the two round trips are two. One menu
//! item: more of them, and so the order in which rows are locked, are not in it, nor are supplies, turns, payments, the
//! menu's version, limits of unpaid orders, the time limits, deadlocks, and standbys. Keys are never forgotten here.
//! Of the lockout, the failures do not become too old, and Redis is never gone: a property test and the tests of
//! `crates/resilience` have that. Larger numbers than the bounds are not looked at.

#![expect(clippy::expect_used, reason = "what cannot be in a model fails its test")]

pub mod lockout;
pub mod placement;
