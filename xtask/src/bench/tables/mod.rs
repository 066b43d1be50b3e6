//! What is measured, a table each.

mod choices;
mod clients;
mod dishes;
mod flushes;
mod history;
mod idle;
mod limits;
mod lines;
mod memory;
mod reads;
mod repeats;
mod servers;
mod sign_in;
mod sold_out;
mod streams;

use clap::ValueEnum;

use super::{ground::Ground, page::table::Table};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    Clients,
    Dishes,
    Lines,
    Servers,
    Flushes,
    History,
    Repeats,
    SoldOut,
    Limits,
    Choices,
    Streams,
    Idle,
    Memory,
    Reads,
    SignIn,
}

impl Choice {
    /// On a fresh copy of the database.
    pub async fn measure(self, ground: &mut Ground) -> anyhow::Result<Table> {
        println!("{}…", self.name());
        let table = match self {
            Self::Clients => clients::measure(ground).await,
            Self::Dishes => dishes::measure(ground).await,
            Self::Lines => lines::measure(ground).await,
            Self::Servers => servers::measure(ground).await,
            Self::Flushes => flushes::measure(ground).await,
            Self::History => history::measure(ground).await,
            Self::Repeats => repeats::measure(ground).await,
            Self::SoldOut => sold_out::measure(ground).await,
            Self::Limits => limits::measure(ground).await,
            Self::Choices => choices::measure(ground).await,
            Self::Streams => streams::measure(ground).await,
            Self::Idle => idle::measure(ground).await,
            Self::Memory => memory::measure(ground).await,
            Self::Reads => reads::measure(ground).await,
            Self::SignIn => sign_in::measure(ground).await,
        };
        // Closes the servers of a failed measurement, too.
        let finished = ground.finish();
        let table = table?;
        finished?;
        table.ensure_sound(ground.terms.times())?;
        Ok(Table { name: self.name(), ..table })
    }

    /// As in `--only`.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
