use std::{collections::BTreeSet, fmt::Write};

use anyhow::{Context, bail};
use chrono::SecondsFormat;
use clap::{ArgGroup, Args, Subcommand};
use comanda_application::Events;
use comanda_domain::{PageLimit, ports::DeadLetter};
use serde_json::{Value, json};

use super::{Format, Settings, print, print_json};
use crate::{app, logging};

#[derive(Subcommand)]
pub enum DeadLettersCommand {
    /// List the events whose delivery was given up, the oldest first.
    ///
    /// Exits with 1 if there is no such subscriber.
    List {
        /// Only those of this subscriber.
        #[arg(long, value_name = "NAME")]
        subscriber: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Have dead letters delivered again: one, or all of a subscriber. Written to the audit log.
    ///
    /// Exits with 1 if there is no such dead letter, or no such subscriber.
    Resend(Resend),
}

#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct Resend {
    /// The dead letter's id.
    #[arg(group = "which")]
    id: Option<i64>,
    /// All of a subscriber.
    #[arg(long, group = "which", requires = "subscriber")]
    all: bool,
    /// Whose.
    #[arg(long, value_name = "NAME", requires = "all")]
    subscriber: Option<String>,
}

impl DeadLettersCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let config = settings.events()?;
        logging::start(&config.log, None)?;
        let (events, known) = app::deliveries(&config).await?;
        match self {
            Self::List { subscriber, format } => {
                let letters = list(&events, subscriber.as_deref()).await?;
                if let (Some(subscriber), true) = (&subscriber, letters.is_empty()) {
                    ensure_known(subscriber, &known)?;
                }
                match format.json {
                    true => print_json(&letters.iter().map(document).collect::<Vec<_>>()),
                    false => print(&report(&letters)?),
                }
            }
            Self::Resend(Resend { id: Some(id), .. }) => {
                events.resend_as_operator(id).await?;
                print("1 dead letter will be delivered again.\n")
            }
            Self::Resend(Resend { subscriber, .. }) => {
                let subscriber = subscriber.unwrap_or_default();
                let (resent, outcome) = events.resend_all_as_operator(&subscriber).await;
                if resent == 0 {
                    ensure_known(&subscriber, &known)?;
                }
                print(&format!("{resent} dead letter(s) will be delivered again.\n"))?;
                outcome.context("the others were not resent")
            }
        }
    }
}

/// Nothing waits for a name that was mistyped, which must not look as if all were well.
fn ensure_known(subscriber: &str, known: &BTreeSet<String>) -> anyhow::Result<()> {
    if known.contains(subscriber) {
        return Ok(());
    }
    let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    bail!("no subscriber is called {subscriber:?}; there are: {}", if known.is_empty() { "none" } else { &known })
}

async fn list(events: &Events, subscriber: Option<&str>) -> anyhow::Result<Vec<DeadLetter>> {
    let (mut letters, mut after) = (Vec::new(), None);
    loop {
        let page = events.list_dead_letters_as_operator(after, PageLimit::LARGEST).await?;
        let asked_for = |letter: &DeadLetter| subscriber.is_none_or(|subscriber| subscriber == letter.subscriber);
        letters.extend(page.entries.into_iter().filter(asked_for));
        after = page.next;
        if after.is_none() {
            return Ok(letters);
        }
    }
}

fn report(letters: &[DeadLetter]) -> anyhow::Result<String> {
    let mut report = String::new();
    for DeadLetter { id, subscriber, kind, stream, occurred_at, attempts, error, .. } in letters {
        let at = occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        writeln!(report, "{id}  {subscriber}  {kind} of {stream} at {at}, {attempts} attempt(s): {error}")?;
    }
    writeln!(report, "{} dead letter(s)", letters.len())?;
    Ok(report)
}

/// As `GET /v1/admin/dead-letters` has it.
fn document(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id,
        "subscriber": letter.subscriber,
        "event_id": letter.event,
        "type": letter.kind,
        "subject": letter.stream,
        "occurred_at": letter.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "attempts": letter.attempts,
        "error": letter.error,
    })
}
