//! Every background loop of the server: one file each.
//!
//! Adapters do one round of the work when they are asked to; a worker decides when. The composition root registers the
//! workers with [`Workers`], and `serve` starts them before the server listens and stops them after its last request.
//! Nothing else runs in the background.

mod announce_changes;
mod commit_orders;
mod delete_old_rows;
mod deliver_events;
mod end_streams;
mod follow_replica;
mod follow_unlocks;
mod hash_passwords;
mod listen_for_changes;
mod listen_for_closed_sessions;
mod listen_for_menu_notifications;
mod measure_components;
mod measure_outbox;
mod measure_pools;
mod measure_snapshots;
mod process_payments;
mod read_closed_sessions;
mod read_updates;
mod refresh_menu;
mod reload_flags;
mod send_mails;
mod status;
mod summarize_sales;
mod supervisor;
mod worker;

#[cfg(test)]
pub use self::worker::Worker;
pub use self::{
    announce_changes::{ChangesWaker, announce_changes},
    commit_orders::commit_orders,
    delete_old_rows::delete_old_rows,
    deliver_events::deliver_events,
    end_streams::end_streams,
    follow_replica::follow_replica,
    follow_unlocks::follow_unlocks,
    hash_passwords::hash_passwords,
    listen_for_changes::listen_for_changes,
    listen_for_closed_sessions::listen_for_closed_sessions,
    listen_for_menu_notifications::listen_for_menu_notifications,
    measure_components::{component_up, measure_components},
    measure_outbox::measure_outbox,
    measure_pools::measure_pools,
    measure_snapshots::measure_snapshots,
    process_payments::{PaymentsWaker, process_payments},
    read_closed_sessions::read_closed_sessions,
    read_updates::read_updates,
    refresh_menu::refresh_menu,
    reload_flags::reload_flags,
    send_mails::{MailsWaker, send_mails},
    status::WorkerHealth,
    summarize_sales::summarize_sales,
    supervisor::{RunningWorkers, Workers},
};
