//! The checker on made-up histories: good ones, on which it is silent, and bad ones, of which it finds each.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![expect(unreachable_pub, reason = "in a program, `pub` says what a module offers the others")]

mod boards;
mod browsers;
mod devices;
mod events;
mod folder;
mod imports;
mod locks;
mod menu;
mod million;
mod money;
mod placed;
mod refreshes;
mod replays;
mod sessions;
mod simulated;
mod simulation;
mod stock;
mod story;
mod tickets;
mod versions;
