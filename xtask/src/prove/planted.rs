//! Faults that are planted into the servers, so that the checker has something to find.

use std::time::Duration;

use anyhow::Context;
use chrono::{Datelike, Utc};
use comanda_proof::{Finding, Property};

use super::plan::Plan;

/// By their names in the crate `comanda-planted`, which only servers with its feature depend on; each with the
/// properties by which it shows, and how often PostgreSQL must crash for that.
const FAULTS: [(&str, &[Property], u32); 10] = [
    ("unguarded-stock", &[Property::Stock, Property::Refusals], 0),
    ("repetition-executed", &[Property::Replays, Property::Placed], 0),
    ("repetition-mixed-up", &[Property::Replays, Property::Placed], 0),
    ("menu-before-commit", &[Property::Menu, Property::Versions], 0),
    ("response-before-flush", &[Property::Placed, Property::Replays], 4),
    ("response-before-commit", &[Property::Placed, Property::Replays], 0),
    ("session-outlives-end", &[Property::Sessions], 0),
    ("lock-ignored", &[Property::Locks], 0),
    ("ticket-without-lock", &[Property::Tickets], 0),
    ("lost-event", &[Property::Events, Property::Boards], 0),
];

/// With what comes before and after, it takes a minute.
const LENGTH: Duration = Duration::from_secs(30);

/// What finds it. `rota` stands for another one each day.
pub fn plan(name: &str, seed: u64, servers: Option<usize>, faultless: bool) -> anyhow::Result<Plan> {
    let of_today = || FAULTS[Utc::now().ordinal0() as usize % FAULTS.len()].0;
    let name = if name == "rota" { of_today() } else { name };
    let known = FAULTS.into_iter().find(|(fault, ..)| *fault == name);
    let names = || FAULTS.map(|(fault, ..)| fault).join(", ");
    let (fault, _, crashes) = known.with_context(|| format!("there are: rota, {}", names()))?;
    Ok(Plan::draw(seed, servers, LENGTH, faultless).with_planted(fault, crashes))
}

/// Whether these findings show a fault.
pub fn is_found(name: &str, findings: &[Finding]) -> bool {
    let shows = FAULTS.into_iter().find(|(fault, ..)| *fault == name).map_or(&[][..], |(_, properties, _)| properties);
    findings.iter().any(|finding| shows.contains(&finding.property))
}
