//! Faults that are planted into the servers, so that the checker has something to find.

use std::time::Duration;

use anyhow::Context;
use chrono::{Datelike, Utc};
use comanda_proof::{Finding, Property};

use super::plan::Plan;

/// By their names in the crate `comanda-planted`, which only servers with its feature depend on; each with the
/// properties by which it shows.
const FAULTS: [(&str, &[Property]); 9] = [
    ("unguarded-stock", &[Property::Stock, Property::Refusals]),
    ("repetition-executed", &[Property::Replays, Property::Placed]),
    ("repetition-mixed-up", &[Property::Replays, Property::Placed]),
    ("menu-before-commit", &[Property::Menu, Property::Versions]),
    ("response-before-flush", &[Property::Placed, Property::Replays]),
    ("response-before-commit", &[Property::Placed, Property::Replays]),
    ("session-outlives-end", &[Property::Sessions]),
    ("ticket-without-lock", &[Property::Tickets]),
    ("lost-event", &[Property::Events, Property::Boards]),
];

/// With what comes before and after, it takes a minute.
const LENGTH: Duration = Duration::from_secs(25);

/// What finds it. `rota` stands for another one each day.
pub fn plan(name: &str, seed: u64, servers: Option<usize>, faultless: bool) -> anyhow::Result<Plan> {
    let of_today = || FAULTS[Utc::now().ordinal0() as usize % FAULTS.len()].0;
    let name = if name == "rota" { of_today() } else { name };
    let known = FAULTS.into_iter().find(|(fault, _)| *fault == name);
    let names = || FAULTS.map(|(fault, _)| fault).join(", ");
    let (fault, _) = known.with_context(|| format!("there are: rota, {}", names()))?;
    Ok(Plan::draw(seed, servers, LENGTH, faultless).with_planted(fault))
}

/// Whether these findings show a fault.
pub fn is_found(name: &str, findings: &[Finding]) -> bool {
    let shows = FAULTS.into_iter().find(|(fault, _)| *fault == name).map_or(&[][..], |(_, properties)| properties);
    findings.iter().any(|finding| shows.contains(&finding.property))
}
